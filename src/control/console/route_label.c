/* SPDX-License-Identifier: Apache-2.0 */
#include "control/console/route_label.h"

#include <stdio.h>

#define LABEL_DEPTH_MAX 8 /* of groups in groups */

struct label {
    char *text;
    size_t len;
    size_t size;
    const json_t *params;
    size_t params_used;
};

static void put(struct label *l, struct str s)
{
    for (size_t i = 0; i < s.len && l->len + 1 < l->size; i++) {
        l->text[l->len++] = s.data[i];
    }
    l->text[l->len] = '\0';
}

static void put_star(struct label *l)
{
    if (l->len == 0 || l->text[l->len - 1] != '*') {
        put(l, STR("*"));
    }
}

/* "[id]", "[...rest]" or, in an optional group, "[[...rest]]". */
static void put_param(struct label *l, bool optional)
{
    const char *name = json_string_value(json_array_get(l->params, l->params_used++));
    if (!name) {
        put_star(l);
        return;
    }
    struct str rest = str_c(name);
    bool all = rest.len > 0 && rest.data[rest.len - 1] == '*';
    put(l, optional ? STR("[[") : STR("["));
    put(l, all ? STR("...") : STR(""));
    put(l, str_of(rest.data, rest.len - all));
    put(l, optional ? STR("]]") : STR("]"));
}

/* The length of the class ("[^/]") at the start of `s`, with its closing bracket. */
static size_t class_length(struct str s)
{
    for (size_t i = 1; i < s.len; i++) {
        if (s.data[i] == '\\') {
            i++;
        } else if (s.data[i] == ']') {
            return i + 1;
        }
    }
    return s.len;
}

/* The length of the group at the start of `s`, with those in it. */
static size_t group_length(struct str s)
{
    size_t depth = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];
        if (c == '\\') {
            i++;
        } else if (c == '[') {
            i += class_length(str_skip(s, i)) - 1;
        } else if (c == '(') {
            depth++;
        } else if (c == ')' && --depth == 0) {
            return i + 1;
        }
    }
    return s.len;
}

static size_t unit_length(struct str s)
{
    switch (s.data[0]) {
    case '(':
        return group_length(s);
    case '[':
        return class_length(s);
    default:
        return s.data[0] == '\\' && s.len > 1 ? 2 : 1;
    }
}

static size_t quantifier_length(struct str s)
{
    size_t len = 0;
    while (len < s.len && (s.data[len] == '*' || s.data[len] == '+' || s.data[len] == '?')) {
        len++;
    }
    return len;
}

static bool is_optional(struct str quantifier)
{
    return quantifier.len > 0 && quantifier.data[0] != '+';
}

static bool contains_capture(struct str s)
{
    for (size_t i = 0; i + 1 < s.len; i++) {
        if (s.data[i] == '(' && s.data[i + 1] != '?') {
            return true;
        }
    }
    return false;
}

static void put_pattern(struct label *l, struct str s, bool optional, int depth);

static void put_group(struct label *l, struct str group, struct str quantifier, int depth)
{
    struct str inside = str_of(group.data + 1, group.len > 2 ? group.len - 2 : 0);
    bool unnamed = l->params_used >= json_array_size(l->params);
    if (!str_starts(inside, STR("?"))) {
        if (!unnamed || !is_optional(quantifier)) {
            put_param(l, false);
        }
    } else if (str_starts(inside, STR("?:")) && depth < LABEL_DEPTH_MAX &&
               (!is_optional(quantifier) || contains_capture(inside))) {
        put_pattern(l, str_skip(inside, 2), is_optional(quantifier), depth + 1);
    } /* else it may be absent, or looks around: nothing to show */
}

/* One unit at the start of `s`; returns what follows it. */
static struct str put_unit(struct label *l, struct str s, bool optional, int depth)
{
    char c = s.data[0];
    size_t len = unit_length(s);
    struct str unit = str_of(s.data, len);
    struct str rest = str_skip(s, len);
    struct str quantifier = str_of(rest.data, quantifier_length(rest));
    if (c == '(' && optional && len > 1 && s.data[1] != '?') {
        put_param(l, true);
    } else if (c == '(') {
        put_group(l, unit, quantifier, depth);
    } else if (c == '[' || c == '.') {
        put_star(l);
    } else if (c != '^' && c != '$' && !is_optional(quantifier)) {
        put(l, c == '\\' ? str_skip(unit, 1) : unit);
    }
    return str_skip(rest, quantifier.len);
}

static void put_pattern(struct label *l, struct str s, bool optional, int depth)
{
    while (s.len > 0 && s.data[0] != '|') {
        s = put_unit(l, s, optional, depth);
    }
    if (s.len > 0) {
        put_star(l); /* one of several: the first stands for all */
    }
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void put_path(struct label *l, const json_t *route)
{
    struct str path = str_c(text_of(route, "path"));
    struct str src = str_c(text_of(route, "src"));
    if (path.len > 0) {
        put(l, path);
        return;
    }
    put_pattern(l, src, false, 0);
    if (src.len == 0 || src.data[src.len - 1] != '$') {
        put_star(l); /* anything may follow */
    }
}

void route_label_write(const json_t *route, char *ret_text, size_t size)
{
    struct label l = { .text = ret_text, .size = size };
    struct str shown = str_c(text_of(route, "shown"));
    ret_text[0] = '\0';
    if (shown.len > 0) {
        put(&l, shown);
        return;
    }
    put_pattern(&l, str_c(text_of(route, "host")), false, 0);
    if (l.len == 1 && ret_text[0] == '*') {
        l.len = 0; /* any host */
    }
    size_t host_len = l.len;
    l.params = json_object_get(route, "params");
    put_path(&l, route);
    if (l.len > host_len + 1 && ret_text[l.len - 1] == '/') {
        ret_text[--l.len] = '\0'; /* with and without is the same to people */
    }
}
