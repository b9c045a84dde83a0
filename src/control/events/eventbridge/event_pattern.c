/* A pattern is compiled to alternatives, one a way through its "$or"s; each is a list of fields: a
 * path and the tests of which one must hold for a leaf there.
 *
 * An event is flattened to those of its leaves whose paths the pattern names. A leaf remembers the
 * arrays it lies in, by a chain from the innermost out. An alternative matches if every one of its
 * fields can be given a leaf such that no two of them lie in different elements of one array.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "control/events/eventbridge/event_pattern.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/events/eventbridge/pattern_syntax.h"
#include "control/events/eventbridge/pattern_test.h"

struct field {
    const char *path;
    json_t *tests; /* the pattern's array */
};

struct alternative {
    struct field *fields; /* in the order of their paths */
    size_t count;
};

struct alternatives {
    struct alternative *all;
    size_t count;
};

struct event_pattern {
    json_t *source;
    struct alternatives alternatives;
    char **paths; /* sorted, unique; what fields point to */
    size_t path_count;
};

/* ---- parsing ---- */

struct parse {
    struct event_pattern *pattern;
    struct buf path; /* of the object that is read, with its NUL left out */
    struct pattern_fault *fault;
};

/* The pattern's own copy of a path. */
static const char *intern(struct event_pattern *p, struct str path)
{
    size_t low = 0;
    size_t high = p->path_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(p->paths[middle], path.data);
        if (order == 0) {
            return p->paths[middle];
        }
        *(order < 0 ? &low : &high) = order < 0 ? middle + 1 : middle;
    }
    p->paths = mem_resize(p->paths, p->path_count + 1, sizeof(*p->paths));
    memmove(p->paths + low + 1, p->paths + low, (p->path_count - low) * sizeof(*p->paths));
    p->path_count++;
    return p->paths[low] = mem_copy_str(path);
}

/* A path given again takes the place of the first. */
static void set_field(struct alternative *a, const char *path, json_t *tests)
{
    size_t at = 0;
    while (at < a->count && strcmp(a->fields[at].path, path) < 0) {
        at++;
    }
    if (at == a->count || a->fields[at].path != path) {
        a->fields = mem_resize(a->fields, a->count + 1, sizeof(*a->fields));
        memmove(a->fields + at + 1, a->fields + at, (a->count - at) * sizeof(*a->fields));
        a->count++;
    }
    a->fields[at] = (struct field){ path, tests };
}

static void append_copy(struct alternatives *to, const struct alternative *a)
{
    to->all = mem_resize(to->all, to->count + 1, sizeof(*to->all));
    struct alternative copy = { .count = a->count };
    if (a->count > 0) {
        copy.fields = mem_resize(NULL, a->count, sizeof(*a->fields));
        memcpy(copy.fields, a->fields, a->count * sizeof(*a->fields));
    }
    to->all[to->count++] = copy;
}

static void alternatives_free(struct alternatives *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->all[i].fields);
    }
    free(list->all);
    *list = (struct alternatives){ 0 };
}

static int parse_tests(struct parse *p, struct alternatives *to, json_t *tests)
{
    size_t i;
    json_t *test;
    json_array_foreach(tests, i, test)
    {
        p->fault->parent = tests;
        int r = pattern_test_check(test, p->fault);
        if (r < 0) {
            return r;
        }
    }
    if (i == 0) {
        return pattern_fault_behind(p->fault, tests, "Empty arrays are not allowed");
    }
    const char *path = intern(p->pattern, buf_str(&p->path));
    for (i = 0; i < to->count; i++) {
        set_field(&to->all[i], path, tests);
    }
    return 0;
}

/* Words that have, or may get, a meaning in tests: not allowed as names inside "$or". */
static bool is_reserved(const char *name)
{
    static const char *const words[] = {
        "exactly",
        "equals-ignore-case",
        "prefix",
        "suffix",
        "anything-but",
        "exists",
        "wildcard",
        "numeric",
        "cidr",
        "=",
        "<",
        "<=",
        ">",
        ">=",
        "regex",
        "not-wildcard",
        "not-equals-ignore-case",
        "date-after",
        "date-on-or-after",
        "date-before",
        "date-on-or-before",
        "in-date-range",
        "ip-address-in-range",
        "ip-address-not-in-range",
    };
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (strcmp(name, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

enum parse_place { PARSE_PLAIN, PARSE_IN_OR };

static int parse_object(struct parse *p, struct alternatives *to, json_t *object,
                        enum parse_place place);

/* Each way through is what was so far with one of the objects. */
static int parse_or(struct parse *p, struct alternatives *to, json_t *list)
{
    size_t i;
    json_t *object;
    int r = 0;
    struct alternatives ways = { 0 };
    if (!json_is_array(list)) {
        return pattern_fault_at(p->fault, list, "It must be an Array followed with $or.");
    }
    if (json_array_size(list) < 2) {
        return pattern_fault_behind(p->fault, list,
                                    "There must have at least 2 Objects in $or relationship.");
    }
    json_array_foreach(list, i, object)
    {
        struct alternatives way = { 0 };
        if (!json_is_object(object)) {
            p->fault->parent = list;
            r = pattern_fault_at(p->fault, object,
                                 "Only JSON object is allowed in array of $or relationship.");
        }
        for (size_t k = 0; r == 0 && k < to->count; k++) {
            append_copy(&way, &to->all[k]);
        }
        r = r < 0 ? r : parse_object(p, &way, object, PARSE_IN_OR);
        if (r == 0 && ways.count + way.count > LIMIT_PATTERN_ALTERNATIVES) {
            r = pattern_fault_anywhere(p->fault,
                                       "Rule is too complex - more than %d combinations of $or",
                                       LIMIT_PATTERN_ALTERNATIVES);
        }
        for (size_t k = 0; r == 0 && k < way.count; k++) {
            append_copy(&ways, &way.all[k]);
        }
        alternatives_free(&way);
        if (r < 0) {
            alternatives_free(&ways);
            return r;
        }
    }
    alternatives_free(to);
    *to = ways;
    return 0;
}

/* The path with one more step, and a NUL behind it. */
static int push_step(struct parse *p, const char *name)
{
    int r = buf_printf(&p->path, "%s%s", p->path.len > 0 ? "." : "", name);
    char *at;
    if (r < 0 || buf_reserve(&p->path, 1, &at) < 0) {
        return pattern_fault_anywhere(p->fault, "A path of the pattern is longer than %zu bytes",
                                      LIMIT_PATTERN_PATH_BYTES);
    }
    *at = '\0';
    return 0;
}

static int parse_member(struct parse *p, struct alternatives *to, const char *name, json_t *value,
                        enum parse_place place)
{
    const size_t before = p->path.len;
    int r = push_step(p, name);
    if (r < 0) {
        return r;
    }
    if (json_is_object(value)) {
        r = parse_object(p, to, value, place);
    } else if (json_is_array(value)) {
        r = parse_tests(p, to, value);
    } else {
        r = pattern_fault_at(p->fault, value, "\"%.100s\" must be an object or an array", name);
    }
    p->path.len = before;
    return r;
}

static int parse_object(struct parse *p, struct alternatives *to, json_t *object,
                        enum parse_place place)
{
    const char *name;
    json_t *value;
    if (json_object_size(object) == 0) {
        return pattern_fault_behind(p->fault, object, "Empty objects are not allowed");
    }
    json_object_foreach(object, name, value)
    {
        int r;
        p->fault->parent = object;
        if (strcmp(name, "$or") == 0) {
            r = parse_or(p, to, value);
        } else if (place == PARSE_IN_OR && is_reserved(name)) {
            r = pattern_fault_at(p->fault, value,
                                 "%s is Ruler reserved fieldName which cannot be used inside $or.",
                                 name);
        } else {
            r = parse_member(p, to, name, value, place);
        }
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int make(json_t *source, struct event_pattern **ret, struct pattern_fault *fault)
{
    static const struct alternative nothing;
    scoped_event_pattern struct event_pattern *pattern = mem_new(struct event_pattern);
    struct parse p = { .pattern = pattern, .fault = fault };
    if (!json_is_object(source)) {
        return pattern_fault_anywhere(fault, "Filter is not an object");
    }
    pattern->source = json_incref(source);
    append_copy(&pattern->alternatives, &nothing);
    buf_init(&p.path, LIMIT_PATTERN_PATH_BYTES);
    int r = parse_object(&p, &pattern->alternatives, source, PARSE_PLAIN);
    buf_finish(&p.path);
    if (r == 0) {
        *ret = take_ptr(pattern);
    }
    return r;
}

int event_pattern_of(json_t *source, struct event_pattern **ret, struct err *err)
{
    struct pattern_fault fault = { .err = err };
    return make(source, ret, &fault);
}

int event_pattern_parse(struct str text, struct event_pattern **ret, struct err *err)
{
    json_error_t why;
    json_t *source = json_loadb(text.data, text.len, JSON_DECODE_ANY, &why);
    if (!source) {
        return err_set(err, EINVAL, "%s (line: %d, column: %d)", why.text, why.line, why.column);
    }
    int r = event_pattern_of(source, ret, err);
    json_decref(source);
    return r;
}

void event_pattern_append_fault(struct str text, struct buf *out)
{
    scoped_event_pattern struct event_pattern *pattern = NULL;
    size_t offset;
    struct err err = { 0 };
    struct pattern_fault fault = { .err = &err };
    if (pattern_syntax_fault(text, out)) {
        return;
    }
    json_t *source = json_loadb(text.data, text.len, 0, NULL);
    if (make(source, &pattern, &fault) < 0 && buf_append(out, str_c(err.text)) == 0 &&
        pattern_fault_find(&fault, text, source, &offset)) {
        (void)!pattern_syntax_append_place(out, text, offset); /* as much as it takes */
    }
    json_decref(source);
}

void event_pattern_destroy(struct event_pattern *p)
{
    if (p) {
        alternatives_free(&p->alternatives);
        for (size_t i = 0; i < p->path_count; i++) {
            free(p->paths[i]);
        }
        free(p->paths);
        json_decref(p->source);
        free(p);
    }
}

/* ---- matching ---- */

/* An element of an array that leaves lie in. */
struct element {
    const struct element *outer;
    uint32_t array; /* the arrays of an event are counted */
    uint32_t index;
};

struct leaf {
    const char *path; /* the pattern's */
    json_t *value;
    struct element *element; /* the innermost; NULL: in none */
    json_t *tests;           /* those that it was last tested by; NULL: by none yet */
    bool holds;              /* what came of that */
};

#define NO_ELEMENT UINT32_MAX

struct match {
    const struct event_pattern *pattern;
    struct leaf *leaves;
    size_t leaf_count;
    struct element **elements;
    size_t element_count;
    uint32_t array_count;
    uint32_t *chosen; /* the element that an array's leaves are taken from, or NO_ELEMENT */
    struct buf path;
    uint64_t steps;
};

/* The first path that is not before `path`: it, or the first that goes on from it, if any does. */
static const char *find_path(const struct match *m, struct str path)
{
    size_t low = 0;
    size_t high = m->pattern->path_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const char *candidate = m->pattern->paths[middle];
        int order = strncmp(candidate, path.data, path.len);
        *(order < 0 ? &low : &high) = order < 0 ? middle + 1 : middle;
    }
    bool leads_on =
        low < m->pattern->path_count && strncmp(m->pattern->paths[low], path.data, path.len) == 0;
    return leads_on ? m->pattern->paths[low] : NULL;
}

/* Room for one more: it doubles, since an event may have hundreds of thousands. */
static void *with_room(void *list, size_t count, size_t size)
{
    bool is_full = (count & (count - 1)) == 0; /* 0, 1, 2, 4, 8... */
    return is_full ? mem_resize(list, count > 0 ? 2 * count : 1, size) : list;
}

static void collect(struct match *m, json_t *value, struct element *element);

static void collect_leaf(struct match *m, json_t *value, struct element *element)
{
    const char *path = find_path(m, buf_str(&m->path));
    if (path && path[m->path.len] == '\0') {
        m->leaves = with_room(m->leaves, m->leaf_count, sizeof(*m->leaves));
        m->leaves[m->leaf_count++] =
            (struct leaf){ .path = path, .value = value, .element = element };
    }
}

static void collect_object(struct match *m, json_t *object, struct element *element)
{
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        const size_t before = m->path.len;
        if (buf_printf(&m->path, "%s%s", before > 0 ? "." : "", name) == 0 &&
            find_path(m, buf_str(&m->path))) {
            collect(m, value, element);
        }
        m->path.len = before;
    }
}

static void collect_array(struct match *m, json_t *array, struct element *outer)
{
    const uint32_t number = m->array_count++;
    size_t i;
    json_t *value;
    json_array_foreach(array, i, value)
    {
        if (!json_is_object(value) && !json_is_array(value)) {
            collect_leaf(m, value, outer); /* its neighbours are as good as it */
            continue;
        }
        struct element *e = mem_new(struct element);
        *e = (struct element){ outer, number, (uint32_t)i };
        m->elements = with_room(m->elements, m->element_count, sizeof(struct element *));
        m->elements[m->element_count++] = e;
        collect(m, value, e);
    }
}

static void collect(struct match *m, json_t *value, struct element *element)
{
    if (json_is_object(value)) {
        collect_object(m, value, element);
    } else if (json_is_array(value)) {
        collect_array(m, value, element);
    } else {
        collect_leaf(m, value, element);
    }
}

static bool is_consistent(const struct match *m, const struct leaf *leaf)
{
    for (const struct element *e = leaf->element; e; e = e->outer) {
        if (m->chosen[e->array] != NO_ELEMENT && m->chosen[e->array] != e->index) {
            return false;
        }
    }
    return true;
}

/* Takes the leaf's elements. Who has chosen an element has chosen those around it: what is new are
 * the innermost, and their number is returned. */
static uint32_t choose(struct match *m, const struct leaf *leaf)
{
    uint32_t taken = 0;
    for (const struct element *e = leaf->element; e && m->chosen[e->array] == NO_ELEMENT;
         e = e->outer) {
        m->chosen[e->array] = e->index;
        taken++;
    }
    return taken;
}

static void unchoose(struct match *m, const struct leaf *leaf, uint32_t taken)
{
    for (const struct element *e = leaf->element; taken > 0; e = e->outer, taken--) {
        m->chosen[e->array] = NO_ELEMENT;
    }
}

static bool passes(json_t *tests, json_t *value)
{
    size_t i;
    json_t *test;
    json_array_foreach(tests, i, test)
    {
        if (pattern_test_holds(test, value)) {
            return true;
        }
    }
    return false;
}

/* Hundreds of alternatives may ask the same of a text of a megabyte. */
static bool holds(struct match *m, const struct field *field, struct leaf *leaf)
{
    if (leaf->tests != field->tests) {
        m->steps += json_array_size(field->tests);
        leaf->tests = field->tests;
        leaf->holds = passes(field->tests, leaf->value);
    }
    return leaf->holds;
}

static bool wants_absence(const struct field *field)
{
    size_t i;
    json_t *test;
    json_array_foreach(field->tests, i, test)
    {
        if (pattern_test_is_absence(test)) {
            return true;
        }
    }
    return false;
}

/* Finds leaves for the fields from `at` on. What one event may cost is bounded. */
static bool match_fields(struct match *m, const struct alternative *a, size_t at)
{
    if (at == a->count) {
        return true;
    }
    const struct field *field = &a->fields[at];
    bool absent = true;
    for (size_t i = 0; i < m->leaf_count && m->steps < LIMIT_PATTERN_STEPS; i++) {
        struct leaf *leaf = &m->leaves[i];
        m->steps++;
        if (leaf->path != field->path || !is_consistent(m, leaf)) {
            continue;
        }
        absent = false;
        if (holds(m, field, leaf)) {
            uint32_t taken = choose(m, leaf);
            bool found = match_fields(m, a, at + 1);
            unchoose(m, leaf, taken);
            if (found) {
                return true;
            }
        }
    }
    return absent && m->steps < LIMIT_PATTERN_STEPS && wants_absence(field) &&
           match_fields(m, a, at + 1);
}

static bool match_any(struct match *m)
{
    const struct alternatives *list = &m->pattern->alternatives;
    bool found = false;
    m->chosen = mem_resize(NULL, m->array_count + 1, sizeof(*m->chosen));
    memset(m->chosen, 0xff, (m->array_count + 1) * sizeof(*m->chosen));
    for (size_t i = 0; i < list->count && !found; i++) {
        found = match_fields(m, &list->all[i], 0);
    }
    if (!found && m->steps >= LIMIT_PATTERN_STEPS) {
        log_warning("an event was too complex for an event pattern: it counts as not matching");
    }
    free(m->chosen);
    return found;
}

bool event_pattern_matches(const struct event_pattern *p, json_t *event)
{
    struct match m = { .pattern = p };
    buf_init(&m.path, LIMIT_PATTERN_PATH_BYTES);
    collect(&m, event, NULL);
    bool found = match_any(&m);
    for (size_t i = 0; i < m.element_count; i++) {
        free(m.elements[i]);
    }
    free(m.elements);
    free(m.leaves);
    buf_finish(&m.path);
    return found;
}
