/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/eventbridge/event_input.h"

#include "base/limits.h"
#include "base/mem.h"
#include "control/text/json_read.h"
#include "control/text/json_write.h"

#define PATHS_MAX 100 /* EventBridge's, and its names of paths */
#define PATH_NAME "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

/* ---- paths ---- */

/* A step of a path: to a member, an element, or to all there are. */
struct step {
    struct str name; /* of a member; data NULL: it is none */
    uint64_t index;
    bool is_all;
};

/* What is in brackets: an index, "*", or a name in quotes. False: it is none of them. */
static bool read_brackets(struct str inside, struct step *ret)
{
    bool is_quoted = inside.len > 2 && strchr("'\"", inside.data[0]) &&
                     inside.data[inside.len - 1] == inside.data[0];
    if (is_quoted) {
        ret->name = str_of(inside.data + 1, inside.len - 2);
        return true;
    }
    ret->is_all = str_eq(inside, STR("*"));
    return ret->is_all || str_to_u64(inside, &ret->index);
}

/* Cuts the next step off. False: it is none. */
static bool next_step(struct str *rest, struct step *ret)
{
    *ret = (struct step){ .name = str_of(NULL, 0) };
    if (str_starts(*rest, STR("."))) {
        size_t end = 1;
        while (end < rest->len && rest->data[end] != '.' && rest->data[end] != '[') {
            end++;
        }
        struct str name = str_of(rest->data + 1, end - 1);
        ret->is_all = str_eq(name, STR("*"));
        ret->name = ret->is_all ? ret->name : name;
        *rest = str_skip(*rest, end);
        return name.len > 0;
    }
    size_t end = str_find(*rest, ']');
    if (!str_starts(*rest, STR("[")) || end == rest->len) {
        return false;
    }
    struct str inside = str_of(rest->data + 1, end - 1);
    *rest = str_skip(*rest, end + 1);
    return read_brackets(inside, ret);
}

/* A path through JSON: "$", ".name", "[0]", "['name']", ".*", "[*]". */
static bool is_path(struct str path)
{
    struct str rest = str_skip(path, 1);
    struct step step;
    if (!str_starts(path, STR("$"))) {
        return false;
    }
    while (rest.len > 0) {
        if (!next_step(&rest, &step)) {
            return false;
        }
    }
    return true;
}

/* Goes on to all that is in `at`: what the rest of the path leads to from there. */
static void collect(json_t *at, struct str rest, json_t *ret_found);

static void collect_all(json_t *at, struct str rest, json_t *ret_found)
{
    size_t i;
    const char *name;
    json_t *value;
    json_object_foreach(at, name, value)
    {
        collect(value, rest, ret_found);
    }
    json_array_foreach(at, i, value)
    {
        collect(value, rest, ret_found);
    }
}

static void collect(json_t *at, struct str rest, json_t *ret_found)
{
    while (at && rest.len > 0) {
        struct step step;
        if (!next_step(&rest, &step)) {
            return;
        }
        if (step.is_all) {
            collect_all(at, rest, ret_found);
            return;
        }
        if (step.name.data) {
            scoped_free char *key = mem_copy_str(step.name);
            at = json_object_get(at, key);
        } else {
            at = json_array_get(at, step.index);
        }
    }
    if (at) {
        (void)json_array_append(ret_found, at); /* in no circle: it is part of what was read */
    }
}

static bool is_of_many(struct str path)
{
    struct str rest = str_skip(path, 1);
    struct step step = { .is_all = false };
    while (rest.len > 0 && !step.is_all && next_step(&rest, &step)) {
    }
    return step.is_all;
}

/* What it leads to, a new reference, or NULL: a list, if it may lead to several. */
static json_t *find(json_t *root, struct str path)
{
    json_t *found = json_array();
    collect(root, str_skip(path, 1), found);
    if (is_of_many(path)) {
        return found;
    }
    json_t *one = json_incref(json_array_get(found, 0));
    json_decref(found);
    return one;
}

/* ---- checks ---- */

/* Cuts `rest` at its next placeholder: what is before it is returned. Without one *ret_name has
 * data NULL and all is returned. */
static struct str next_placeholder(struct str *rest, struct str *ret_name)
{
    struct str before = *rest;
    size_t open = str_find(before, '<');
    struct str after = str_skip(before, open + 1);
    size_t close = str_find(after, '>');
    *ret_name = str_of(NULL, 0);
    if (open == before.len || close == after.len) {
        *rest = str_of(NULL, 0);
        return before;
    }
    *ret_name = str_of(after.data, close);
    *rest = str_skip(after, close + 1);
    return str_of(before.data, open);
}

static bool is_predefined(struct str name)
{
    static const char *const names[] = {
        "aws.events.rule-arn", "aws.events.rule-name",  "aws.events.event.ingestion-time",
        "aws.events.event",    "aws.events.event.json",
    };
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (str_eq(name, str_c(names[i]))) {
            return true;
        }
    }
    return false;
}

static struct str text_of(json_t *string)
{
    return str_of(json_string_value(string), json_string_length(string));
}

static json_t *member(json_t *object, struct str name)
{
    scoped_free char *key = mem_copy_str(name);
    return json_object_get(object, key);
}

/* Follows the quotes of `text`. */
static bool ends_in_string(struct str text, bool in_string)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '"') {
            in_string = !in_string;
        } else if (text.data[i] == '\\' && in_string) {
            i++;
        }
    }
    return in_string;
}

/* Whether the template could become JSON: with null for each placeholder outside of strings, its
 * first value is one. What is behind that is not looked at, as there may be several lines of text.
 */
static bool is_plausible(struct str template)
{
    struct buf text;
    bool in_string = false;
    int r = 0;
    buf_init(&text, 2 * template.len + KIB); /* "<a>" is shorter than "null" */
    while (r == 0 && template.data) {
        struct str placeholder;
        struct str before = next_placeholder(&template, &placeholder);
        r = buf_append(&text, before);
        in_string = ends_in_string(before, in_string);
        if (r == 0 && placeholder.data && !in_string) {
            r = buf_append(&text, STR("null"));
        }
    }
    json_t *json = r < 0 ? NULL
                         : json_loadb(text.data, text.len,
                                      JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL |
                                          JSON_DISABLE_EOF_CHECK,
                                      NULL);
    bool is = json != NULL;
    json_decref(json);
    buf_finish(&text);
    return is;
}

static int check_transformer(json_t *transformer, const char *id, struct err *err)
{
    json_t *paths = json_object_get(transformer, "paths");
    json_t *template = json_object_get(transformer, "template");
    const char *name;
    json_t *path;
    if (!json_is_string(template) || json_string_length(template) == 0) {
        return err_set(err, EINVAL, "InputTemplate for target %s is missing.", id);
    }
    if (json_object_size(paths) > PATHS_MAX) {
        return err_set(err, EINVAL, "InputPathsMap for target %s has more than %d paths.", id,
                       PATHS_MAX);
    }
    json_object_foreach(paths, name, path)
    {
        if (strspn(name, PATH_NAME) != strlen(name)) {
            return err_set(err, EINVAL, "Invalid InputPathsMap for target %s.", id);
        }
        if (!json_is_string(path) || !is_path(text_of(path))) {
            return err_set(err, EINVAL, "Invalid InputPath for target %s.", id);
        }
    }
    struct str rest = text_of(template);
    while (rest.data) {
        struct str placeholder;
        (void)next_placeholder(&rest, &placeholder); /* what is before needs no check */
        if (placeholder.data && !is_predefined(placeholder) && !member(paths, placeholder)) {
            return err_set(
                err, EINVAL,
                "InputTemplate for target %s contains invalid placeholder " STR_FMT ".", id,
                STR_ARG(str_of(placeholder.data, placeholder.len < 100 ? placeholder.len : 100)));
        }
    }
    if (!is_plausible(text_of(template))) {
        return err_set(
            err, EINVAL,
            "Invalid InputTemplate for target %s: it is neither JSON nor text in quotes.", id);
    }
    return 0;
}

static json_t *given(json_t *target, const char *name)
{
    json_t *value = json_object_get(target, name);
    return json_is_null(value) ? NULL : value;
}

static bool is_json(json_t *text)
{
    json_t *json = json_read(str_of(json_string_value(text), json_string_length(text)),
                             JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL);
    bool is = json != NULL;
    json_decref(json);
    return is;
}

int event_input_check(json_t *target, const char *id, struct err *err)
{
    json_t *input = given(target, "input");
    json_t *path = given(target, "input_path");
    json_t *transformer = given(target, "input_transformer");
    if (!!input + !!path + !!transformer > 1) {
        return err_set(err, EINVAL,
                       "Only one of Input, InputPath, or InputTransformer must be provided for "
                       "target %s.",
                       id);
    }
    if (input && !is_json(input)) {
        return err_set(err, EINVAL, "JSON syntax error in input for target %s", id);
    }
    if (path && (!json_is_string(path) || !is_path(text_of(path)))) {
        return err_set(err, EINVAL, "Invalid InputPath for target %s.", id);
    }
    return transformer ? check_transformer(transformer, id, err) : 0;
}

/* ---- filling in ---- */

static int append_json(struct buf *out, json_t *value)
{
    char *text = json_write(value);
    int r = text ? buf_append(out, str_c(text)) : -ENOMEM;
    free(text);
    return r;
}

/* A value inside a string: text as it would stand there, anything else as its JSON, of which a
 * template of text loses the quotes. */
static int append_pasted(struct buf *out, json_t *value, bool without_quotes)
{
    char *text = json_write(value);
    struct str s = text ? str_c(text) : STR("");
    int r = text ? 0 : -ENOMEM;
    if (json_is_string(value)) {
        s = str_of(s.data + 1, s.len - 2);
        r = buf_append(out, s);
    } else if (!without_quotes) {
        r = buf_append(out, s);
    } else {
        for (size_t i = 0; r == 0 && i < s.len; i++) {
            r = s.data[i] == '"' ? 0 : buf_append(out, str_of(s.data + i, 1));
        }
    }
    free(text);
    return r;
}

/* "aws.events.event": the event without its detail, with the name that AWS gives its type there. */
static json_t *event_head(json_t *event)
{
    json_t *head = json_copy(event);
    json_t *type = json_object_get(head, "detail-type");
    if (type) {
        (void)json_object_set(head, "detailType", type); /* of a new name: works */
    }
    (void)json_object_del(head, "detail-type"); /* it may be missing */
    (void)json_object_del(head, "detail");
    return head;
}

static json_t *string_of(struct str s)
{
    return json_stringn(s.data, s.len);
}

/* A new reference. What is missing is an empty text. */
static json_t *value_of(json_t *paths, struct str name, const struct event_input_source *source)
{
    if (str_eq(name, STR("aws.events.rule-arn"))) {
        return string_of(source->rule_arn);
    }
    if (str_eq(name, STR("aws.events.rule-name"))) {
        return string_of(source->rule_name);
    }
    if (str_eq(name, STR("aws.events.event.ingestion-time"))) {
        return string_of(source->ingestion_time);
    }
    if (str_eq(name, STR("aws.events.event"))) {
        return event_head(source->event);
    }
    if (str_eq(name, STR("aws.events.event.json"))) {
        return json_incref(source->event);
    }
    json_t *path = member(paths, name);
    json_t *found = path ? find(source->event, text_of(path)) : NULL;
    return found ? found : json_string("");
}

static int fill_template(json_t *transformer, const struct event_input_source *source,
                         struct buf *out)
{
    json_t *paths = json_object_get(transformer, "paths");
    struct str rest = text_of(json_object_get(transformer, "template"));
    const bool is_json = str_starts(str_trim(rest), STR("{"));
    const bool is_text = str_starts(str_trim(rest), STR("\""));
    const size_t start = out->len;
    bool in_string = false;
    int r = 0;
    while (r == 0 && rest.data) {
        struct str name;
        struct str before = next_placeholder(&rest, &name);
        r = buf_append(out, before);
        in_string = ends_in_string(before, in_string);
        if (r == 0 && name.data) {
            json_t *value = value_of(paths, name, source);
            r = in_string ? append_pasted(out, value, is_text) : append_json(out, value);
            json_decref(value);
        }
    }
    if (r == 0 && is_json) {
        bool is_sound = json_is_sound(str_of(out->data + start, out->len - start), JSON_ALLOW_NUL);
        r = is_sound ? 0 : -EBADMSG;
    }
    return r;
}

int event_input_append(json_t *target, const struct event_input_source *source, struct buf *out)
{
    json_t *input = given(target, "input");
    json_t *path = given(target, "input_path");
    json_t *transformer = given(target, "input_transformer");
    if (input) {
        return buf_append(out, text_of(input));
    }
    if (transformer) {
        return fill_template(transformer, source, out);
    }
    if (!path || str_eq(text_of(path), STR("$"))) {
        return buf_append(out, source->text);
    }
    json_t *found = find(source->event, text_of(path));
    int r = found ? append_json(out, found) : buf_append(out, STR("null"));
    json_decref(found);
    return r;
}

/* ---- what is said of a request ---- */

/* Used up. */
static json_t *as_text(json_t *found)
{
    if (json_is_string(found)) {
        return found;
    }
    scoped_free char *text = json_write(found);
    json_t *made = text && !json_is_null(found) ? json_string(text) : json_string("");
    json_decref(found);
    return made;
}

json_t *event_input_http(json_t *parameters, json_t *event)
{
    size_t i;
    const char *name;
    json_t *value;
    if (json_is_string(parameters) && is_path(text_of(parameters))) {
        return as_text(find(event, text_of(parameters)));
    }
    json_t *made = json_copy(parameters);
    json_object_foreach(parameters, name, value)
    {
        (void)json_object_set_new(made, name, event_input_http(value, event)); /* sound names */
    }
    json_array_foreach(parameters, i, value)
    {
        (void)json_array_set_new(made, i, event_input_http(value, event)); /* it is there */
    }
    return made;
}
