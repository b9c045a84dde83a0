/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/schedules/cron.h"

#include <ctype.h>
#include <time.h>

#define ALL_DAYS     0xfffffffeU
#define ALL_WEEKDAYS 0xfe /* of Netlify: 1-7, but not 0-6, which cron-parser counts as given */

enum cron_field {
    FIELD_MINUTE,
    FIELD_HOUR,
    FIELD_DAY,
    FIELD_MONTH,
    FIELD_WEEKDAY,
    FIELD_YEAR,
    FIELD_COUNT
};

static const struct field {
    const char *name;
    uint32_t min, max;
} fields[FIELD_COUNT] = {
    [FIELD_MINUTE] = { "minute", 0, 59 },
    [FIELD_HOUR] = { "hour", 0, 23 },
    [FIELD_DAY] = { "day of month", 1, 31 },
    [FIELD_MONTH] = { "month", 1, 12 },
    [FIELD_WEEKDAY] = { "day of week", 0, 6 },
    [FIELD_YEAR] = { "year", CRON_FIRST_YEAR, CRON_LAST_YEAR },
};

static const struct dialect {
    const char *platform;
    size_t fields;
    uint32_t weekday_min, weekday_max; /* the numbers it gives to days */
    uint32_t sunday;                   /* its number of Sunday */
    bool has_names;
    bool wraps;          /* "22-2" goes around the end */
    bool question_any;   /* "?" is "*", of days */
    bool full_is_open;   /* 1-31 leaves the days open as "*" does, and so does 1-7 */
    bool stars_in_lists; /* "5,*" */
    bool specials;       /* L W # as Quartz has them, alone in their field; bounded steps */
    bool last_in_lists;  /* only L, 5L and 5#3, L also in lists */
    bool open_steps;     /* "5/15" goes on to the field's end */
    bool inner_steps;    /* a step must lead to a second value: at most 30 for days */
} dialects[] = {
    [CRON_VERCEL] = { "Vercel", 5, 0, 6, 0, .stars_in_lists = true },
    [CRON_WORKERS] = { "Cloudflare", 5, 1, 7, 1, .has_names = true, .wraps = true, .specials = true,
                       .open_steps = true, .inner_steps = true },
    [CRON_NETLIFY] = { "Netlify", 5, 0, 7, 0, .has_names = true, .question_any = true,
                       .full_is_open = true, .stars_in_lists = true, .last_in_lists = true,
                       .open_steps = true },
    [CRON_AWS] = { "AWS", 6, 1, 7, 1, .has_names = true, .wraps = true, .specials = true,
                   .open_steps = true },
};

/* What the parts of a field are read with. */
struct reading {
    const struct dialect *dialect;
    enum cron_field field;
    uint32_t min, max;
    struct cron *cron;
    uint64_t set[4]; /* bit n: the value min + n of the field */
};

/* ---- parsing ---- */

static bool take_char(struct str *s, char c)
{
    if (s->len == 0 || toupper((unsigned char)s->data[0]) != c) {
        return false;
    }
    *s = str_skip(*s, 1);
    return true;
}

static bool take_number(struct str *s, uint32_t *ret)
{
    uint64_t value;
    size_t digits = 0;
    while (digits < s->len && isdigit((unsigned char)s->data[digits])) {
        digits++;
    }
    if (digits > 9 || !str_to_u64(str_of(s->data, digits), &value)) {
        return false;
    }
    *ret = (uint32_t)value;
    *s = str_skip(*s, digits);
    return true;
}

/* Returns the number of the name that `s` begins with, counted from 0, or -1. */
static int take_name(struct str *s, const char *names)
{
    for (size_t i = 0; s->len >= 3 && names[i * 3]; i++) {
        if (str_eq_nocase(str_of(s->data, 3), str_of(names + i * 3, 3))) {
            *s = str_skip(*s, 3);
            return (int)i;
        }
    }
    return -1;
}

static bool take_value(struct reading *r, struct str *s, uint32_t *ret)
{
    int name = -1;
    if (r->dialect->has_names && r->field == FIELD_MONTH) {
        name = take_name(s, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC");
    } else if (r->dialect->has_names && r->field == FIELD_WEEKDAY) {
        name = take_name(s, "SUNMONTUEWEDTHUFRISAT");
    }
    if (name >= 0) {
        *ret = (uint32_t)name + (r->field == FIELD_MONTH ? 1 : r->dialect->sunday);
        return true;
    }
    return take_number(s, ret) && *ret >= r->min && *ret <= r->max;
}

static uint8_t weekday_bit(const struct reading *r, uint32_t value)
{
    return (uint8_t)(1u << ((value - r->dialect->sunday) % 7));
}

/* The day of the month: "L", "LW", "L-3", "L-3W", "15W". Returns whether `s` was one. */
static bool take_special_day(struct reading *r, struct str s)
{
    uint32_t day = 0;
    if (take_char(&s, 'L')) {
        if (r->dialect->specials && take_char(&s, '-') &&
            (!take_number(&s, &day) || day < 1 || day > 30)) {
            return false;
        }
        if (r->dialect->specials && take_char(&s, 'W')) {
            r->cron->days_near_last |= 1u << day;
        } else {
            r->cron->days_last |= 1u << day;
        }
        return s.len == 0;
    }
    if (r->dialect->specials && take_value(r, &s, &day) && take_char(&s, 'W')) {
        r->cron->days_near |= 1u << day;
        return s.len == 0;
    }
    return false;
}

/* The day of the week: "6L", "6#3", and with Quartz "L", its last day. */
static bool take_special_weekday(struct reading *r, struct str s)
{
    uint32_t day;
    uint32_t nth;
    if (r->dialect->specials && str_eq_nocase(s, STR("L"))) {
        r->cron->weekdays |= 1u << 6;
        return true;
    }
    if (!take_value(r, &s, &day)) {
        return false;
    }
    if (take_char(&s, 'L')) {
        r->cron->weekdays_last |= weekday_bit(r, day);
        return s.len == 0;
    }
    if (take_char(&s, '#') && take_number(&s, &nth) && nth >= 1 && nth <= 5) {
        r->cron->weekdays_nth[nth] |= weekday_bit(r, day);
        return s.len == 0;
    }
    return false;
}

static bool is_special(struct reading *r, struct str item, bool alone)
{
    bool allowed = alone ? r->dialect->specials || r->dialect->last_in_lists
                         : r->dialect->last_in_lists && !memchr(item.data, '#', item.len);
    if (!allowed) {
        return false;
    }
    return (r->field == FIELD_DAY && take_special_day(r, item)) ||
           (r->field == FIELD_WEEKDAY && take_special_weekday(r, item));
}

static void add_range(struct reading *r, uint32_t first, uint32_t last, uint32_t step)
{
    uint32_t size = r->max - r->min + 1;
    uint32_t length = (last >= first ? last - first : size + last - first) + 1;
    for (uint32_t i = 0; i < length; i += step) {
        uint32_t at = (first - r->min + i) % size;
        r->set[at / 64] |= (uint64_t)1 << at % 64;
    }
}

static bool take_step(const struct reading *r, struct str *s, uint32_t *ret)
{
    if (!take_number(s, ret) || *ret < 1) {
        return false;
    }
    uint32_t longest = r->dialect->inner_steps ? r->max - r->min : r->max;
    return !r->dialect->specials || *ret <= longest;
}

/* "*", "5", "1-5", "1-5/2", "5/15": one part of a list. */
static bool take_item(struct reading *r, struct str s, bool alone)
{
    uint32_t first = r->min;
    uint32_t last = r->max;
    uint32_t step = 1;
    bool is_of_days = r->field == FIELD_DAY || r->field == FIELD_WEEKDAY;
    bool star =
        take_char(&s, '*') || (r->dialect->question_any && is_of_days && take_char(&s, '?'));
    if (star && s.len == 0 && !alone && !r->dialect->stars_in_lists) {
        return false;
    }
    if (!star) {
        if (!take_value(r, &s, &first)) {
            return false;
        }
        bool has_end = take_char(&s, '-');
        last = first;
        if (has_end && !take_value(r, &s, &last)) {
            return false;
        }
        if (!has_end && r->dialect->open_steps && s.len > 0) {
            last = r->max;
        }
        if (last < first && (!r->dialect->wraps || r->field == FIELD_YEAR)) {
            return false;
        }
    }
    if (s.len > 0 && (!take_char(&s, '/') || !take_step(r, &s, &step) || s.len > 0)) {
        return false;
    }
    add_range(r, first, last, step);
    return true;
}

static int field_error(const struct reading *r, struct str text, struct err *err)
{
    const char *names = !r->dialect->has_names      ? ", no names"
                        : r->field == FIELD_MONTH   ? " or JAN-DEC"
                        : r->field == FIELD_WEEKDAY ? " or SUN-SAT"
                                                    : "";
    if (r->field != FIELD_MONTH && r->field != FIELD_WEEKDAY) {
        names = "";
    }
    return err_set(err, EINVAL,
                   "%s: \"" STR_FMT "\" is not one of %u-%u%s, a range, a list or a step",
                   fields[r->field].name, STR_ARG(text.len > 40 ? str_of(text.data, 40) : text),
                   r->min, r->max, names);
}

static int parse_field(struct reading *r, struct str text, struct err *err)
{
    struct str rest = text;
    bool alone = str_find(text, ',') == text.len;
    while (rest.data) {
        struct str item = str_cut(&rest, ',');
        if (!is_special(r, item, alone) && !take_item(r, item, alone)) {
            return field_error(r, text, err);
        }
    }
    return 0;
}

static void keep_field(const struct reading *r, struct str text)
{
    struct cron *c = r->cron;
    const bool open = str_eq(text, STR("*"));
    const bool full_is_open = r->dialect->full_is_open;
    switch (r->field) {
    case FIELD_MINUTE:
        c->minutes = r->set[0];
        break;
    case FIELD_HOUR:
        c->hours = (uint32_t)r->set[0];
        break;
    case FIELD_DAY:
        c->days = (uint32_t)(r->set[0] << 1);
        c->any_day = open || (full_is_open && c->days == ALL_DAYS);
        break;
    case FIELD_MONTH:
        c->months = (uint16_t)(r->set[0] << 1);
        break;
    case FIELD_WEEKDAY: /* bit 7 is Netlify's second Sunday */
        c->weekdays |= (uint8_t)((r->set[0] | r->set[0] >> 7) & 0x7f);
        c->any_weekday = open || (full_is_open && (r->set[0] & ALL_WEEKDAYS) == ALL_WEEKDAYS);
        break;
    default:
        c->has_years = true;
        memcpy(c->years, r->set, sizeof(c->years));
    }
}

static int parse_one(struct cron *c, const struct dialect *d, enum cron_field field,
                     struct str text, struct err *err)
{
    struct reading r = {
        .dialect = d, .field = field, .min = fields[field].min, .max = fields[field].max, .cron = c
    };
    if (field == FIELD_WEEKDAY) {
        r.min = d->weekday_min;
        r.max = d->weekday_max;
    }
    int result = parse_field(&r, text, err);
    if (result == 0) {
        keep_field(&r, text);
    }
    return result;
}

/* How Vercel and AWS keep the two kinds of days apart. */
static int check_days(enum cron_dialect dialect, struct str *texts, struct err *err)
{
    struct str *day = &texts[FIELD_DAY];
    struct str *weekday = &texts[FIELD_WEEKDAY];
    if (dialect == CRON_VERCEL && !str_eq(*day, STR("*")) && !str_eq(*weekday, STR("*"))) {
        return err_set(err, EINVAL,
                       "day of month and day of week cannot both be given: one must be *");
    }
    if (dialect != CRON_AWS) {
        return 0;
    }
    bool open_day = str_eq(*day, STR("?"));
    if (open_day == str_eq(*weekday, STR("?"))) {
        return err_set(err, EINVAL, "exactly one of day of month and day of week must be ?");
    }
    *(open_day ? day : weekday) = STR("*");
    return 0;
}

/* Cuts off what is before the next blank. */
static struct str next_word(struct str *rest)
{
    size_t n = 0;
    while (rest->len > 0 && isspace((unsigned char)rest->data[0])) {
        *rest = str_skip(*rest, 1);
    }
    while (n < rest->len && !isspace((unsigned char)rest->data[n])) {
        n++;
    }
    struct str word = str_of(rest->data, n);
    *rest = str_skip(*rest, n);
    return word;
}

static struct str without_macro(struct str text, enum cron_dialect dialect)
{
    static const struct {
        const char *name, *meaning;
    } macros[] = {
        { "@yearly", "0 0 1 1 *" }, { "@monthly", "0 0 1 * *" }, { "@weekly", "0 0 * * 0" },
        { "@daily", "0 0 * * *" },  { "@hourly", "0 * * * *" },
    };
    for (size_t i = 0; dialect == CRON_NETLIFY && i < ARRAY_COUNT(macros); i++) {
        if (str_eq(text, str_c(macros[i].name))) {
            return str_c(macros[i].meaning);
        }
    }
    return text;
}

int cron_parse(struct str text, enum cron_dialect dialect, struct cron *ret, struct err *err)
{
    const struct dialect *d = &dialects[dialect];
    struct str texts[FIELD_COUNT + 1] = { { NULL, 0 } };
    struct str rest = without_macro(text, dialect);
    struct cron c = { 0 };
    size_t count = 0;
    while (count <= d->fields && (texts[count] = next_word(&rest)).len > 0) {
        count++;
    }
    if (count != d->fields) {
        return err_set(err, EINVAL,
                       "a cron expression of %s has %zu fields: minute hour day-of-month "
                       "month day-of-week%s",
                       d->platform, d->fields, d->fields > 5 ? " year" : "");
    }
    int r = check_days(dialect, texts, err);
    for (size_t i = 0; r == 0 && i < count; i++) {
        r = parse_one(&c, d, (enum cron_field)i, texts[i], err);
    }
    if (r == 0) {
        *ret = c;
    }
    return r;
}

/* ---- when ---- */

/* A month as a calendar shows it. */
struct month {
    int64_t first;    /* days since 1970-01-01 */
    uint32_t length;  /* days */
    uint32_t weekday; /* of its first */
};

static int64_t month_first(int64_t year, uint32_t month)
{
    struct tm tm = { .tm_year = (int)(year - 1900), .tm_mon = (int)month - 1, .tm_mday = 1 };
    return timegm(&tm) / 86400;
}

static struct month month_of(int64_t year, uint32_t month)
{
    int64_t first = month_first(year, month);
    return (struct month){ .first = first,
                           .length = (uint32_t)(month_first(year, month + 1) - first),
                           .weekday = (uint32_t)(((first + 4) % 7 + 7) %
                                                 7) }; /* 1970 began on a Thursday */
}

static uint32_t weekday_of(const struct month *m, uint32_t day)
{
    return (m->weekday + day - 1) % 7;
}

/* The working day nearest to `day`, within its month. */
static uint32_t working_day(const struct month *m, uint32_t day)
{
    switch (weekday_of(m, day)) {
    case 0:
        return day < m->length ? day + 1 : day - 2;
    case 6:
        return day > 1 ? day - 1 : day + 2;
    default:
        return day;
    }
}

static uint32_t days_by_number(const struct cron *c, const struct month *m)
{
    uint32_t found = c->days;
    for (uint32_t day = 1; day <= m->length; day++) {
        uint32_t to_end = 1u << (m->length - day);
        if (c->days_last & to_end) {
            found |= 1u << day;
        }
        if ((c->days_near_last & to_end) || (c->days_near & 1u << day)) {
            found |= 1u << working_day(m, day);
        }
    }
    return found;
}

static uint32_t days_by_weekday(const struct cron *c, const struct month *m)
{
    uint32_t found = 0;
    for (uint32_t day = 1; day <= m->length; day++) {
        unsigned wanted = c->weekdays | c->weekdays_nth[(day + 6) / 7];
        if (day + 7 > m->length) {
            wanted |= c->weekdays_last;
        }
        if (wanted & 1u << weekday_of(m, day)) {
            found |= 1u << day;
        }
    }
    return found;
}

/* Bit n: day n of the month matches. */
static uint32_t days_of(const struct cron *c, const struct month *m)
{
    uint32_t all = (uint32_t)(((uint64_t)1 << (m->length + 1)) - 2);
    uint32_t found = all;
    if (!c->any_day && !c->any_weekday) {
        found = days_by_number(c, m) | days_by_weekday(c, m);
    } else if (!c->any_day) {
        found = days_by_number(c, m);
    } else if (!c->any_weekday) {
        found = days_by_weekday(c, m);
    }
    return found & all;
}

static bool has_year(const struct cron *c, int64_t year)
{
    if (!c->has_years) {
        return true;
    }
    int64_t n = year - CRON_FIRST_YEAR;
    return n >= 0 && year <= CRON_LAST_YEAR && (c->years[n / 64] >> n % 64 & 1);
}

/* The first minute of a day, from `minute` of it on. */
static bool next_in_day(const struct cron *c, uint32_t minute, uint32_t *ret)
{
    for (uint32_t hour = minute / 60; hour < 24; hour++) {
        uint64_t minutes = c->minutes >> (hour == minute / 60 ? minute % 60 : 0);
        if ((c->hours & 1u << hour) && minutes) {
            uint32_t skipped = (uint32_t)__builtin_ctzll(minutes);
            *ret = hour * 60 + (hour == minute / 60 ? minute % 60 : 0) + skipped;
            return true;
        }
    }
    return false;
}

/* The first minute in a month at or after `from`, which is before its end. */
static bool next_in_month(const struct cron *c, const struct month *m, int64_t from, int64_t *ret)
{
    int64_t into = from - m->first * 1440;
    uint32_t day = into > 0 ? (uint32_t)(into / 1440) + 1 : 1;
    uint32_t minute = into > 0 ? (uint32_t)(into % 1440) : 0;
    for (uint32_t left = days_of(c, m) >> day; left; left >>= 1, day++, minute = 0) {
        uint32_t found;
        if ((left & 1) && next_in_day(c, minute, &found)) {
            *ret = (m->first + day - 1) * 1440 + found;
            return true;
        }
    }
    return false;
}

/* The first minute in a year at or after `from`, from `month` on. */
static bool next_in_year(const struct cron *c, int64_t year, uint32_t month, int64_t from,
                         int64_t *ret)
{
    for (; has_year(c, year) && month <= 12; month++) {
        if (c->months & 1u << month) {
            struct month m = month_of(year, month);
            if (next_in_month(c, &m, from, ret)) {
                return true;
            }
        }
    }
    return false;
}

bool cron_next(const struct cron *c, int64_t minute, int64_t *ret_minute)
{
    const time_t seconds = (minute + 1) * 60;
    struct tm tm;
    if (!gmtime_r(&seconds, &tm)) {
        return false;
    }
    uint32_t month = (uint32_t)tm.tm_mon + 1;
    int64_t year = (int64_t)tm.tm_year + 1900;
    const int64_t last_year = c->has_years ? CRON_LAST_YEAR : year + CRON_CYCLE_YEARS;
    for (; year <= last_year; year++, month = 1) {
        if (next_in_year(c, year, month, minute + 1, ret_minute)) {
            return true;
        }
    }
    return false;
}
