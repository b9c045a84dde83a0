/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/eventbridge/pattern_test.h"

#include <arpa/inet.h>
#include <glib.h>
#include <math.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"

static struct str text_of(json_t *string)
{
    return str_of(json_string_value(string), json_string_length(string));
}

/* ---- checks ---- */

/* What AWS bears of wildcards: each one stays possible once it is reached, and so does a literal
 * behind one as often as its bytes repeat. Event-ruler computes it from its automaton; this counts
 * the wildcards, and the literals that share their most common byte. */
static bool is_too_complex(struct str text)
{
    size_t stars = 0;
    size_t sharing[256] = { 0 };
    size_t most = 0;
    for (size_t i = 0; i < text.len; i++) {
        bool seen[256] = { false };
        stars += text.data[i] == '*';
        for (; stars > 0 && i + 1 < text.len && text.data[i + 1] != '*'; i++) {
            unsigned char c = (unsigned char)text.data[i + 1];
            if (!seen[c]) {
                seen[c] = true;
                sharing[c]++;
                most = sharing[c] > most ? sharing[c] : most;
            }
        }
    }
    return stars + most > LIMIT_PATTERN_COMPLEXITY;
}

/* At an element of a list, or behind the list if it ends before. */
static int fault_at_or_end(struct pattern_fault *f, json_t *list, size_t i, const char *text)
{
    json_t *element = json_array_get(list, i);
    return element ? pattern_fault_at(f, element, "%s", text)
                   : pattern_fault_behind(f, list, "%s", text);
}

/* Of an object whose first member is fine: there is no other. */
static int check_only(struct pattern_fault *f, json_t *object, const char *text)
{
    void *first = json_object_iter(object);
    void *second = json_object_iter_next(object, first);
    f->parent = object;
    return second ? pattern_fault_at(f, json_object_iter_value(second), "%s", text) : 0;
}

static int check_wildcard(json_t *value, struct pattern_fault *f)
{
    if (!json_is_string(value)) {
        return pattern_fault_at(f, value, "wildcard match pattern must be a string");
    }
    struct str text = text_of(value);
    for (size_t i = 0; i < text.len; i++) {
        char next = '\0';
        if (i + 1 < text.len) {
            next = text.data[i + 1];
        }
        if (text.data[i] == '*' && next == '*') { /* event-ruler counts a quote before */
            return pattern_fault_behind(f, value, "Consecutive wildcard characters at pos %zu",
                                        i + 1);
        }
        if (text.data[i] == '\\' && next != '*' && next != '\\') {
            return pattern_fault_behind(f, value, "Invalid escape character at pos %zu", i + 1);
        }
        i += text.data[i] == '\\';
    }
    if (is_too_complex(text)) {
        return pattern_fault_anywhere(
            f, "Rule is too complex - try using fewer wildcard characters or fewer "
               "repeating character sequences after a wildcard character");
    }
    return 0;
}

/* An IPv4 address as 4 bytes or an IPv6 address as 16; 0: `text` is none. */
static size_t parse_ip(struct str text, unsigned char ret[16])
{
    char copy[INET6_ADDRSTRLEN] = "";
    if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.data, '\0', text.len)) {
        return 0;
    }
    memcpy(copy, text.data, text.len);
    if (inet_pton(AF_INET, copy, ret) == 1) {
        return 4;
    }
    return inet_pton(AF_INET6, copy, ret) == 1 ? 16 : 0;
}

static int check_cidr(json_t *value, struct pattern_fault *f)
{
    if (!json_is_string(value)) {
        return pattern_fault_at(f, value,
                                "prefix match pattern must be a string"); /* AWS's own words */
    }
    unsigned char bytes[16];
    uint64_t bits;
    struct str rest = text_of(value);
    struct str address = str_cut(&rest, '/');
    if (!rest.data || str_find(rest, '/') < rest.len) {
        return pattern_fault_anywhere(f, "Malformed CIDR, one '/' required");
    }
    if (!str_to_u64(rest, &bits)) {
        return pattern_fault_anywhere(f, "Malformed CIDR, mask bits must be an integer");
    }
    size_t size = parse_ip(address, bytes);
    if (size == 0) {
        return pattern_fault_anywhere(
            f, "Nonstandard IP address: " STR_FMT,
            STR_ARG(str_of(address.data, address.len < 64 ? address.len : 64)));
    }
    if (bits >= size * 8) {
        return pattern_fault_anywhere(f, "IPv%d mask bits must be < %zu", size == 4 ? 4 : 6,
                                      size * 8);
    }
    return 0;
}

static int check_numeric(json_t *value, struct pattern_fault *f)
{
    if (!json_is_array(value)) {
        return pattern_fault_at(f, value, "Value of numeric must be an array.");
    }
    size_t count = json_array_size(value);
    f->parent = value;
    for (size_t i = 0; i == 0 || i < count; i += 2) {
        json_t *first = json_array_get(value, i);
        const char *sign = json_string_value(first);
        static const char *const signs[] = { "=", ">=", ">", "<=", "<" };
        bool known = false;
        for (size_t k = i == 0 ? 0 : 3; sign && k < ARRAY_COUNT(signs); k++) {
            known = known || strcmp(sign, signs[k]) == 0;
        }
        if (!sign) {
            return fault_at_or_end(f, value, i,
                                   i == 0 ? "Invalid member in numeric match"
                                          : "Bad value in numeric range");
        }
        if (!known) {
            return pattern_fault_behind(f, first, "%s numeric range operator: %.20s",
                                        i == 0 ? "Unrecognized" : "Bad", sign);
        }
        if (!json_is_number(json_array_get(value, i + 1))) {
            char text[64];
            (void)snprintf(text, sizeof(text), "Value of %s must be numeric",
                           strcmp(sign, "=") == 0 ? "equals" : sign);
            return fault_at_or_end(f, value, i + 1, text);
        }
        bool may_go_on = i == 0 && sign[0] == '>';
        if (count > i + 2 && !may_go_on) {
            return fault_at_or_end(f, value, i + 2,
                                   i == 0 ? "Too many elements in numeric expression"
                                          : "Too many terms in numeric range expression");
        }
    }
    if (count == 4 && json_number_value(json_array_get(value, 1)) >=
                          json_number_value(json_array_get(value, 3))) {
        return pattern_fault_behind(f, value, "Bottom must be less than top");
    }
    return 0;
}

/* Strings, or a list of them, of "anything-but": {KIND: ...}. */
static int check_anything_but_text(const char *kind, json_t *value, struct pattern_fault *f)
{
    bool is_list = json_is_array(value);
    if (!is_list && !json_is_string(value) && !json_is_number(value)) {
        return pattern_fault_at(
            f, value, "Value of anything-but must be an array or single string/number value.");
    }
    f->parent = is_list ? value : f->parent;
    size_t count = is_list ? json_array_size(value) : 1;
    for (size_t i = 0; i < count; i++) {
        json_t *one = is_list ? json_array_get(value, i) : value;
        if (strcmp(kind, "wildcard") == 0) {
            int r = check_wildcard(one, f);
            if (r < 0) {
                return r;
            }
            continue;
        }
        bool ignores_case = strcmp(kind, "equals-ignore-case") == 0;
        if (!json_is_string(one)) {
            return pattern_fault_at(f, one,
                                    ignores_case ? "Inside anything-but/equals-ignore-case list, "
                                                   "number|start|null|boolean is not supported."
                                                 : "prefix/suffix match pattern must be a string");
        }
        if (!ignores_case && json_string_length(one) == 0) {
            return pattern_fault_behind(f, one, "Null prefix/suffix not allowed");
        }
    }
    return 0;
}

static int check_anything_but_list(json_t *list, struct pattern_fault *f)
{
    size_t i;
    json_t *one;
    size_t numbers = 0;
    f->parent = list;
    json_array_foreach(list, i, one)
    {
        if (!json_is_string(one) && !json_is_number(one)) {
            return pattern_fault_at(
                f, one, "Inside anything but list, start|null|boolean is not supported.");
        }
        numbers += json_is_number(one);
    }
    if (i == 0 || (numbers > 0 && numbers < i)) {
        return pattern_fault_behind(f, list,
                                    "Inside anything but list, either all values are number or "
                                    "string, mixed type is not supported");
    }
    return 0;
}

static int check_anything_but(json_t *value, struct pattern_fault *f)
{
    if (json_is_array(value)) {
        return check_anything_but_list(value, f);
    }
    if (!json_is_object(value)) {
        return json_is_string(value) || json_is_number(value)
                   ? 0
                   : pattern_fault_at(f, value,
                                      "Value of anything-but must be an array or single "
                                      "string/number value.");
    }
    static const char *const kinds[] = { "equals-ignore-case", "prefix", "suffix", "wildcard" };
    const char *kind;
    json_t *inner;
    json_object_foreach(value, kind, inner)
    {
        bool known = false;
        f->parent = value;
        for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
            known = known || strcmp(kind, kinds[i]) == 0;
        }
        if (!known) {
            return pattern_fault_at(f, inner, "Unsupported anything-but pattern: %.60s", kind);
        }
        int r = check_anything_but_text(kind, inner, f);
        return r < 0 ? r
                     : check_only(f, value, "Too many elements in numeric expression"); /* AWS's */
    }
    return pattern_fault_behind(f, value, "Anything-But expression name not found");
}

static int check_string(const char *kind, json_t *value, struct pattern_fault *f)
{
    return json_is_string(value) ? 0
                                 : pattern_fault_at(f, value, "%s match pattern must be a string",
                                                    strcmp(kind, "exactly") == 0 ? "exact" : kind);
}

/* {"equals-ignore-case": string} of a prefix or suffix. */
static int check_affix(const char *kind, json_t *value, struct pattern_fault *f)
{
    const char *inner_kind;
    json_t *inner;
    f->parent = value;
    json_object_foreach(value, inner_kind, inner)
    {
        if (strcmp(inner_kind, "equals-ignore-case") != 0) {
            return pattern_fault_at(f, inner, "Unsupported %s pattern: %.100s", kind, inner_kind);
        }
        int r = check_string(inner_kind, inner, f);
        return r < 0 ? r : check_only(f, value, "Only one key allowed in match expression");
    }
    return pattern_fault_behind(f, value, "%s expression name not found",
                                strcmp(kind, "prefix") == 0 ? "Prefix" : "Suffix");
}

static int check_text(const char *kind, json_t *value, struct pattern_fault *f)
{
    bool affix = strcmp(kind, "prefix") == 0 || strcmp(kind, "suffix") == 0;
    return affix && json_is_object(value) ? check_affix(kind, value, f)
                                          : check_string(kind, value, f);
}

static int check_exists(json_t *value, struct pattern_fault *f)
{
    return json_is_boolean(value)
               ? 0
               : pattern_fault_at(f, value, "exists match pattern must be either true or false.");
}

static int check_one(const char *kind, json_t *value, struct pattern_fault *f)
{
    static const struct {
        const char *kind;
        int (*check)(json_t *value, struct pattern_fault *f);
    } checks[] = {
        { "numeric", check_numeric },   { "anything-but", check_anything_but },
        { "exists", check_exists },     { "cidr", check_cidr },
        { "wildcard", check_wildcard },
    };
    static const char *const texts[] = { "prefix", "suffix", "equals-ignore-case", "exactly" };
    for (size_t i = 0; i < ARRAY_COUNT(checks); i++) {
        if (strcmp(kind, checks[i].kind) == 0) {
            return checks[i].check(value, f);
        }
    }
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        if (strcmp(kind, texts[i]) == 0) {
            return check_text(kind, value, f);
        }
    }
    return pattern_fault_at(f, value, "Unrecognized match type %.100s", kind);
}

int pattern_test_check(json_t *test, struct pattern_fault *f)
{
    if (json_is_array(test)) {
        return pattern_fault_at(f, test,
                                "Match value must be String, number, true, false, or null");
    }
    if (!json_is_object(test)) {
        return 0;
    }
    const char *kind;
    json_t *value;
    json_object_foreach(test, kind, value)
    {
        f->parent = test;
        int r = check_one(kind, value, f);
        return r < 0 ? r : check_only(f, test, "Only one key allowed in match expression");
    }
    return pattern_fault_behind(f, test, "Match expression name not found");
}

/* ---- tests ---- */

static bool same_ip(struct str a, struct str b)
{
    unsigned char left[16];
    unsigned char right[16];
    size_t size = parse_ip(a, left);
    return size > 0 && parse_ip(b, right) == size && memcmp(left, right, size) == 0;
}

static bool in_cidr(struct str cidr, struct str text)
{
    unsigned char net[16] = { 0 };
    unsigned char address[16] = { 0 };
    uint64_t bits = 0;
    struct str rest = cidr;
    size_t size = parse_ip(str_cut(&rest, '/'), net);
    if (!str_to_u64(rest, &bits) || parse_ip(text, address) != size) {
        return false;
    }
    size_t whole = bits / 8;
    unsigned mask = 0xffu << (8 - bits % 8) & 0xff;
    return memcmp(net, address, whole) == 0 && ((net[whole] ^ address[whole]) & mask) == 0;
}

static size_t letter_bytes(const char *at)
{
    return (size_t)g_utf8_skip[(unsigned char)*at];
}

static size_t count_letters(struct str text)
{
    size_t count = 0;
    for (size_t at = 0; at < text.len; at += letter_bytes(text.data + at)) {
        count++;
    }
    return count;
}

/* The pattern's, in either case: a capital sigma is no small one at the end of a word, but that is
 * a capital one, too. */
static bool is_letter(gunichar wanted, gunichar c)
{
    return c == g_unichar_tolower(wanted) || c == g_unichar_toupper(wanted);
}

/* Strings of JSON are sound UTF-8. Returns how many bytes of `text` are the same as
 * the whole of `prefix`, whatever their case, or -1. */
static ssize_t same_letters(struct str prefix, struct str text)
{
    const char *p = prefix.data;
    const char *t = text.data;
    while (p < prefix.data + prefix.len) {
        if (t >= text.data + text.len || !is_letter(g_utf8_get_char(p), g_utf8_get_char(t))) {
            return -1;
        }
        p += letter_bytes(p);
        t += letter_bytes(t);
    }
    return t - text.data;
}

/* Letters of one case can be longer than those of the other: goes by characters. */
static bool has_suffix_letters(struct str text, struct str suffix)
{
    size_t letters = count_letters(text);
    size_t wanted = count_letters(suffix);
    struct str rest = text;
    for (size_t skip = wanted; skip < letters; skip++) {
        rest = str_skip(rest, letter_bytes(rest.data));
    }
    return same_letters(suffix, rest) == (ssize_t)rest.len;
}

static bool has_suffix(struct str text, struct str suffix)
{
    return text.len >= suffix.len && str_eq(str_skip(text, text.len - suffix.len), suffix);
}

/* Cuts what stands before the next "*" off `pattern`: the bytes that its escapes mean, in `ret`. Of
 * `most` bytes it returns one more at most: then no text has them. */
static struct str cut_literal(struct str *pattern, char *ret, size_t most)
{
    size_t len = 0;
    size_t at = 0;
    for (; at < pattern->len && pattern->data[at] != '*' && len <= most; at++) {
        at += pattern->data[at] == '\\'; /* check_wildcard(): something stands behind it */
        ret[len++] = pattern->data[at];
    }
    *pattern = str_skip(*pattern, at);
    return str_of(ret, len);
}

/* "*" is any text, "\*" and "\\" are themselves. The first place of a literal leaves most to those
 * behind it, so there is no way back: linear, however much of it looks like its beginning. */
static bool matches_wildcard(struct str pattern, struct str text)
{
    const size_t most = pattern.len < text.len ? pattern.len : text.len;
    scoped_free char *room = mem_alloc(most + 1);
    struct str literal = cut_literal(&pattern, room, text.len);
    if (pattern.len == 0) {
        return str_eq(literal, text);
    }
    if (!str_starts(text, literal)) {
        return false;
    }
    text = str_skip(text, literal.len);
    while (text.data) {
        pattern = str_skip(pattern, 1); /* its "*" */
        literal = cut_literal(&pattern, room, text.len);
        if (pattern.len == 0) {
            return has_suffix(text, literal);
        }
        text = str_behind(text, literal);
    }
    return false;
}

static bool text_holds(const char *kind, json_t *operand, struct str text)
{
    bool ignore_case = json_is_object(operand);
    struct str wanted =
        text_of(ignore_case ? json_object_get(operand, "equals-ignore-case") : operand);
    if (strcmp(kind, "prefix") == 0) {
        return ignore_case ? same_letters(wanted, text) >= 0 : str_starts(text, wanted);
    }
    if (strcmp(kind, "suffix") == 0) {
        return ignore_case ? has_suffix_letters(text, wanted) : has_suffix(text, wanted);
    }
    if (strcmp(kind, "equals-ignore-case") == 0) {
        return same_letters(wanted, text) == (ssize_t)text.len;
    }
    if (strcmp(kind, "wildcard") == 0) {
        return matches_wildcard(wanted, text);
    }
    return strcmp(kind, "cidr") == 0 ? in_cidr(wanted, text) : str_eq(wanted, text);
}

static bool numeric_holds(json_t *comparisons, double value)
{
    size_t i;
    json_t *item;
    const char *sign = NULL;
    json_array_foreach(comparisons, i, item)
    {
        if (i % 2 == 0) {
            sign = json_string_value(item);
            continue;
        }
        double limit = json_number_value(item);
        bool equal = value >= limit && value <= limit;
        bool holds = strchr(sign, '=') && equal;
        holds = holds || (sign[0] == '<' && value < limit);
        holds = holds || (sign[0] == '>' && value > limit);
        if (!holds) {
            return false;
        }
    }
    return true;
}

/* A plain value of a pattern. */
static bool is_same(json_t *wanted, json_t *value)
{
    if (json_is_integer(wanted) && json_is_integer(value)) {
        return json_equal(wanted, value); /* ids may have more digits than a double */
    }
    if (json_is_number(wanted) && json_is_number(value)) {
        double difference = json_number_value(wanted) - json_number_value(value);
        return fpclassify(difference) == FP_ZERO;
    }
    if (json_is_string(wanted) && json_is_string(value)) {
        return str_eq(text_of(wanted), text_of(value)) || same_ip(text_of(wanted), text_of(value));
    }
    return json_typeof(wanted) == json_typeof(value) && !json_is_string(value) &&
           !json_is_number(value);
}

/* Whether `value` is none of `operand`, one or a list of them, compared as `kind`; NULL: plainly.
 */
static bool is_none_of(const char *kind, json_t *operand, json_t *value)
{
    size_t count = json_is_array(operand) ? json_array_size(operand) : 1;
    for (size_t i = 0; i < count; i++) {
        json_t *one = json_is_array(operand) ? json_array_get(operand, i) : operand;
        if (kind ? json_is_string(value) && text_holds(kind, one, text_of(value))
                 : json_equal(one, value) || (json_is_number(one) && is_same(one, value))) {
            return false;
        }
    }
    return true;
}

static bool test_holds(const char *kind, json_t *operand, json_t *value)
{
    if (strcmp(kind, "exists") == 0) {
        return json_is_true(operand);
    }
    if (strcmp(kind, "anything-but") == 0) {
        if (!json_is_object(operand)) {
            return is_none_of(NULL, operand, value);
        }
        void *inner = json_object_iter(operand);
        return is_none_of(json_object_iter_key(inner), json_object_iter_value(inner), value);
    }
    if (strcmp(kind, "numeric") == 0) {
        return json_is_number(value) && numeric_holds(operand, json_number_value(value));
    }
    return json_is_string(value) && text_holds(kind, operand, text_of(value));
}

bool pattern_test_is_absence(json_t *test)
{
    return json_is_false(json_object_get(test, "exists"));
}

bool pattern_test_holds(json_t *test, json_t *value)
{
    if (!json_is_object(test)) {
        return is_same(test, value);
    }
    void *only = json_object_iter(test);
    return test_holds(json_object_iter_key(only), json_object_iter_value(only), value);
}
