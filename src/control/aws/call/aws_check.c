/* SPDX-License-Identifier: Apache-2.0 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "control/aws/call/aws_check.h"

#include <ctype.h>
#include <pcre2.h>
#include <stdio.h>

#include "base/limits.h"
#include "control/text/json_write.h"

#define TEXT_BYTES (64 * KIB)

void aws_check_init(struct aws_check *k)
{
    *k = (struct aws_check){ 0 };
    buf_init(&k->text, TEXT_BYTES);
}

void aws_check_type_is_wrong(struct aws_check *k, const char *path)
{
    size_t len = strlen(path);
    len -= len > 0 && path[len - 1] == '.';
    struct str told = len > 0 ? str_of(path, len) : STR("The input");
    (void)snprintf(k->wrong_type, sizeof(k->wrong_type), STR_FMT, STR_ARG(told));
}

/* The whole text, as AWS's validators match; a value list is no pattern. */
static bool matches(const char *pattern, struct str text)
{
    int code;
    PCRE2_SIZE offset;
    pcre2_code *compiled =
        pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                      PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED, &code, &offset, NULL);
    pcre2_match_data *data = pcre2_match_data_create_from_pattern(compiled, NULL);
    int r = pcre2_match(compiled, (PCRE2_SPTR)text.data, text.len, 0, 0, data, NULL);
    pcre2_match_data_free(data);
    pcre2_code_free(compiled);
    return r > 0;
}

static bool is_values(const char *pattern)
{
    return isupper((unsigned char)pattern[0]) && !strpbrk(pattern, "[(\\");
}

static bool is_one_of(const char *values, struct str text)
{
    struct str rest = str_c(values);
    while (rest.data) {
        if (str_eq(str_trim(str_cut(&rest, ',')), text)) {
            return true;
        }
    }
    return false;
}

/* "Value 'x' at 'targets.1.member.id' failed to satisfy constraint: Member must ..." */
static void add(struct aws_check *k, json_t *value, const char *path, const char *must)
{
    char *text = json_is_string(value) ? NULL : json_write(value);
    struct str shown = json_is_string(value)
                           ? str_of(json_string_value(value), json_string_length(value))
                           : str_c(text ? text : "null");
    const char *quote = value ? "'" : "";
    k->count++;
    if (shown.len > KIB) {
        shown.len = KIB; /* an error is no place for a megabyte */
    }
    (void)!buf_printf(&k->text,
                      "%sValue %s" STR_FMT "%s at '%s' failed to satisfy constraint: "
                      "Member must %s",
                      k->text.len > 0 ? "; " : "", quote, STR_ARG(shown), quote, path,
                      must); /* a text that is full stays as it is */
    free(text);
}

static void check_size(struct aws_check *k, json_t *value, const char *path,
                       const struct aws_rule *rule, json_int_t size)
{
    char must[160];
    bool is_number = rule->type == AWS_INTEGER;
    const char *what = is_number ? "have value" : "have length";
    if (size < rule->min) {
        (void)snprintf(must, sizeof(must), "%s greater than or equal to %lld", what,
                       (long long)rule->min);
        add(k, value, path, must);
    }
    if (rule->max > 0 && size > rule->max) {
        (void)snprintf(must, sizeof(must), "%s less than or equal to %lld", what,
                       (long long)rule->max);
        add(k, value, path, must);
    }
}

/* Characters, not bytes. */
static json_int_t count_characters(struct str text)
{
    json_int_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        count += ((unsigned char)text.data[i] & 0xC0) != 0x80;
    }
    return count;
}

static void check_text(struct aws_check *k, json_t *value, const char *path,
                       const struct aws_rule *rule)
{
    char must[512];
    struct str text = str_of(json_string_value(value), json_string_length(value));
    if (rule->pattern && is_values(rule->pattern)) {
        if (!is_one_of(rule->pattern, text)) {
            (void)snprintf(must, sizeof(must), "satisfy enum value set: [%s]", rule->pattern);
            add(k, value, path, must);
        }
        return;
    }
    if (rule->pattern && !matches(rule->pattern, text)) {
        (void)snprintf(must, sizeof(must), "satisfy regular expression pattern: %s", rule->pattern);
        add(k, value, path, must);
    }
    check_size(k, value, path, rule, count_characters(text));
}

static bool is_of_type(json_t *value, enum aws_type type)
{
    switch (type) {
    case AWS_TEXT:
        return json_is_string(value);
    case AWS_INTEGER:
        return json_is_integer(value);
    case AWS_NUMBER:
        return json_is_number(value);
    case AWS_BOOLEAN:
        return json_is_boolean(value);
    case AWS_LIST:
        return json_is_array(value);
    case AWS_OBJECT:
        return json_is_object(value);
    }
    return false;
}

static void check_member(struct aws_check *k, json_t *value, const char *path,
                         const struct aws_rule *rule)
{
    if (!value || json_is_null(value)) {
        if (rule->presence == AWS_MUST) {
            add(k, NULL, path, "not be null");
        }
    } else if (!is_of_type(value, rule->type)) {
        aws_check_type_is_wrong(k, rule->member);
    } else if (rule->type == AWS_TEXT) {
        check_text(k, value, path, rule);
    } else if (rule->type == AWS_LIST) {
        check_size(k, value, path, rule, (json_int_t)json_array_size(value));
    } else if (rule->type == AWS_INTEGER) {
        check_size(k, value, path, rule, json_integer_value(value));
    }
}

void aws_check_members(struct aws_check *k, json_t *object, const char *at,
                       const struct aws_rule *rules, size_t count)
{
    if (!json_is_object(object)) {
        aws_check_type_is_wrong(k, at);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        char path[256];
        (void)snprintf(path, sizeof(path), "%s%c%s", at, tolower((unsigned char)rules[i].member[0]),
                       rules[i].member + 1);
        check_member(k, json_object_get(object, rules[i].member), path, &rules[i]);
    }
}

void aws_check_elements(struct aws_check *k, json_t *list, const char *name,
                        const struct aws_rule *rules, size_t count)
{
    size_t i;
    json_t *element;
    json_array_foreach(list, i, element)
    {
        char at[64];
        (void)snprintf(at, sizeof(at), "%s.%zu.member.", name, i + 1);
        aws_check_members(k, element, at, rules, count);
    }
}

bool aws_check_end(struct aws_check *k, struct aws_call *c)
{
    bool fine = k->count == 0 && !k->wrong_type[0];
    if (k->wrong_type[0]) {
        aws_call_fail(c, 400, "SerializationException", "%s is of another type than it should be.",
                      k->wrong_type);
    } else if (!fine) {
        aws_call_fail(c, 400, "ValidationException", "%u validation error%s detected: " STR_FMT,
                      k->count, k->count == 1 ? "" : "s", STR_ARG(buf_str(&k->text)));
    }
    buf_finish(&k->text);
    return fine;
}
