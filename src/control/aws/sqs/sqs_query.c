/* SPDX-License-Identifier: Apache-2.0 */
#include "control/aws/sqs/sqs_query.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "control/sign/aws_uri.h"
#include "control/text/json_reading.h"
#include "control/text/json_write.h"

#define PARAMETERS_MAX 2048
#define DEPTH_MAX      8
#define XML_BYTES_MAX  (32 * MIB)
#define NAMESPACE      "http://queue.amazonaws.com/doc/2012-11-05/"

enum shape { LIST, MAP_NAME, MAP_KEY };

/* How members are called in a form or in XML, and in JSON. */
static const struct {
    const char *query;
    const char *json;
    enum shape shape;
} renamed[] = {
    { "AttributeName", "AttributeNames", LIST },
    { "MessageAttributeName", "MessageAttributeNames", LIST },
    { "MessageSystemAttributeName", "MessageSystemAttributeNames", LIST },
    { "TagKey", "TagKeys", LIST },
    { "AWSAccountId", "AWSAccountIds", LIST },
    { "ActionName", "Actions", LIST },
    { "SendMessageBatchRequestEntry", "Entries", LIST },
    { "DeleteMessageBatchRequestEntry", "Entries", LIST },
    { "ChangeMessageVisibilityBatchRequestEntry", "Entries", LIST },
    { "Attribute", "Attributes", MAP_NAME },
    { "MessageAttribute", "MessageAttributes", MAP_NAME },
    { "MessageSystemAttribute", "MessageSystemAttributes", MAP_NAME },
    { "Tag", "Tags", MAP_KEY },
};

/* ---- in ---- */

/* An escape that is none makes the whole text stand for nothing: the caller frees, NULL. */
static char *decode(struct str s, size_t *ret_len)
{
    struct buf text;
    buf_init(&text, s.len + 1);
    int r = aws_uri_decode(&text, s, AWS_URI_PLUS_IS_SPACE);
    *ret_len = text.len;
    char *copy = r == 0 ? mem_copy_str(buf_str(&text)) : NULL;
    buf_finish(&text);
    return copy;
}

/* Puts a value at "A.1.B" of nested objects whose members are the parts. */
static void put(json_t *root, char *path, json_t *value)
{
    json_t *at = root;
    char *part = path;
    for (int depth = 0; depth < DEPTH_MAX; depth++) {
        char *dot = strchr(part, '.');
        if (!dot) {
            (void)json_object_set_new(at, part, value);
            return;
        }
        *dot = '\0';
        json_t *next = json_object_get(at, part);
        if (!json_is_object(next)) {
            next = json_object();
            if (json_object_set_new(at, part, next) < 0) {
                break; /* a name that is no text */
            }
        }
        at = next;
        part = dot + 1;
    }
    json_decref(value);
}

static json_t *convert(const json_t *nested);

static json_t *convert_value(const json_t *value)
{
    return json_is_object(value) ? convert(value) : json_deep_copy(value);
}

/* "1", "2"...: the numbers of a list's elements, up to the first that is missing. */
static const json_t *element(const json_t *numbered, size_t i)
{
    char number[24];
    (void)snprintf(number, sizeof(number), "%zu", i + 1);
    return json_object_get(numbered, number);
}

static json_t *convert_list(const json_t *numbered)
{
    json_t *list = json_array();
    const json_t *value;
    for (size_t i = 0; (value = element(numbered, i)) != NULL; i++) {
        (void)json_array_append_new(list, convert_value(value));
    }
    return list;
}

static void add_pair(json_t *map, const json_t *pair, const char *key_name)
{
    const char *key = json_string_value(json_object_get(pair, key_name));
    const json_t *value = json_object_get(pair, "Value");
    if (key && value) {
        (void)json_object_set_new(map, key, convert_value(value));
    }
}

static json_t *convert_map(const json_t *numbered, const char *key_name)
{
    json_t *map = json_object();
    const json_t *pair;
    add_pair(map, numbered, key_name);
    for (size_t i = 0; (pair = element(numbered, i)) != NULL; i++) {
        add_pair(map, pair, key_name);
    }
    return map;
}

/* What has no number is the only one: "AttributeName=All", "Attribute.Name=...". */
static json_t *convert_renamed(enum shape shape, const json_t *value)
{
    if (shape == LIST) {
        return json_is_object(value) ? convert_list(value)
                                     : json_pack("[o]", json_deep_copy(value));
    }
    return convert_map(value, shape == MAP_KEY ? "Key" : "Name");
}

static bool is_empty_text(const json_t *value)
{
    return json_is_string(value) && json_string_length(value) == 0;
}

/* A list without elements comes as its member's own name with no value: "Entries=". */
static json_t *convert_member(const char *name, const json_t *value, const char **ret_name)
{
    *ret_name = name;
    for (size_t i = 0; i < ARRAY_COUNT(renamed); i++) {
        if (strcmp(name, renamed[i].query) == 0) {
            *ret_name = renamed[i].json;
            return convert_renamed(renamed[i].shape, value);
        }
        if (renamed[i].shape == LIST && strcmp(name, renamed[i].json) == 0 &&
            is_empty_text(value)) {
            return json_array();
        }
    }
    return convert_value(value);
}

static json_t *convert(const json_t *nested)
{
    json_t *object = json_object();
    const char *name;
    json_t *value;
    json_object_foreach(json_reading(nested), name, value)
    {
        const char *json_name;
        json_t *converted = convert_member(name, value, &json_name);
        (void)json_object_set_new(object, json_name, converted);
    }
    return object;
}

json_t *sqs_query_input(struct str form)
{
    json_t *nested = json_object();
    for (size_t n = 0; n < PARAMETERS_MAX && form.data && form.len > 0; n++) {
        struct str value = str_cut(&form, '&');
        struct str name = str_cut(&value, '=');
        size_t name_len, value_len;
        scoped_free char *path = decode(name, &name_len);
        scoped_free char *text = decode(value.data ? value : STR(""), &value_len);
        json_t *json = path && text ? json_stringn(text, value_len) : NULL;
        if (json && name_len > 0) {
            put(nested, path, json);
        } else {
            json_decref(json);
        }
    }
    json_t *input = convert(nested);
    json_decref(nested);
    return input;
}

/* ---- out ---- */

/* Members that are lists and maps, by their names in JSON. Batches' entries are named after the
 * operation. */
static const struct {
    const char *json;
    const char *xml;
    enum shape shape;
} lists[] = {
    { "QueueUrls", "QueueUrl", LIST },
    { "queueUrls", "QueueUrl", LIST },
    { "Messages", "Message", LIST },
    { "Failed", "BatchResultErrorEntry", LIST },
    { "Results", "ListMessageMoveTasksResultEntry", LIST },
    { "Attributes", "Attribute", MAP_NAME },
    { "MessageAttributes", "MessageAttribute", MAP_NAME },
    { "Tags", "Tag", MAP_KEY },
};

/* Control bytes, which a tag may have, cannot be in XML, not even escaped: U+FFFD is there. */
static int put_escaped(struct buf *to, struct str text)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool has_no_place = c < ' ' && c != '\t' && c != '\n' && c != '\r';
        r = c == '&'       ? buf_append(to, STR("&amp;"))
            : c == '<'     ? buf_append(to, STR("&lt;"))
            : c == '>'     ? buf_append(to, STR("&gt;"))
            : c == '"'     ? buf_append(to, STR("&quot;"))
            : c == '\r'    ? buf_append(to, STR("&#13;"))
            : has_no_place ? buf_append(to, STR("\xef\xbf\xbd"))
                           : buf_append(to, str_of(text.data + i, 1));
    }
    return r;
}

static int put_members(struct buf *to, const char *operation, const json_t *object);

static int put_value(struct buf *to, const char *operation, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return put_members(to, operation, value);
    case JSON_STRING:
        return put_escaped(to, str_of(json_string_value(value), json_string_length(value)));
    case JSON_INTEGER:
        return buf_printf(to, "%lld", (long long)json_integer_value(value));
    case JSON_TRUE:
        return buf_append(to, STR("true"));
    case JSON_FALSE:
        return buf_append(to, STR("false"));
    default:
        return 0;
    }
}

static int put_element(struct buf *to, const char *operation, const char *name, const json_t *value)
{
    int r = buf_printf(to, "<%s>", name);
    r = r == 0 ? put_value(to, operation, value) : r;
    return r == 0 ? buf_printf(to, "</%s>", name) : r;
}

static int put_map(struct buf *to, const char *operation, const char *name, const char *key_name,
                   const json_t *map)
{
    const char *key;
    json_t *value;
    int r = 0;
    json_object_foreach(json_reading(map), key, value)
    {
        r = r == 0 ? buf_printf(to, "<%s><%s>", name, key_name) : r;
        r = r == 0 ? put_escaped(to, str_c(key)) : r;
        r = r == 0 ? buf_printf(to, "</%s>", key_name) : r;
        r = r == 0 ? put_element(to, operation, "Value", value) : r;
        r = r == 0 ? buf_printf(to, "</%s>", name) : r;
    }
    return r;
}

static int put_member(struct buf *to, const char *operation, const char *name, const json_t *value)
{
    char entry[96];
    (void)snprintf(entry, sizeof(entry), "%.60sResultEntry", operation);
    const char *element_name = strcmp(name, "Successful") == 0 ? entry : NULL;
    for (size_t i = 0; !element_name && i < ARRAY_COUNT(lists); i++) {
        if (strcmp(name, lists[i].json) != 0) {
            continue;
        }
        if (lists[i].shape != LIST) {
            return put_map(to, operation, lists[i].xml, lists[i].shape == MAP_KEY ? "Key" : "Name",
                           value);
        }
        element_name = lists[i].xml;
    }
    if (!element_name) {
        return put_element(to, operation, name, value);
    }
    int r = 0;
    for (size_t i = 0; r == 0 && i < json_array_size(value); i++) {
        r = put_element(to, operation, element_name, json_array_get(value, i));
    }
    return r;
}

static int put_members(struct buf *to, const char *operation, const json_t *object)
{
    const char *name;
    json_t *value;
    int r = 0;
    json_object_foreach(json_reading(object), name, value)
    {
        r = r == 0 ? put_member(to, operation, name, value) : r;
    }
    return r;
}

static char *take_text(struct buf *b, int r)
{
    char *text = mem_copy_str(r == 0 ? buf_str(b) : STR("<ErrorResponse/>")); /* over the limit */
    buf_finish(b);
    return text;
}

char *sqs_query_answer(const char *operation, const json_t *output, const char *request_id)
{
    struct buf b;
    buf_init(&b, XML_BYTES_MAX);
    int r =
        buf_printf(&b, "<?xml version=\"1.0\"?><%sResponse xmlns=\"" NAMESPACE "\">", operation);
    if (r == 0 && output && json_object_size(output) == 0) {
        r = buf_printf(&b, "<%sResult/>", operation);
    } else if (r == 0 && output) {
        r = buf_printf(&b, "<%sResult>", operation);
        r = r == 0 ? put_members(&b, operation, output) : r;
        r = r == 0 ? buf_printf(&b, "</%sResult>", operation) : r;
    }
    if (r == 0) {
        r = buf_printf(&b,
                       "<ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata>"
                       "</%sResponse>",
                       request_id, operation);
    }
    return take_text(&b, r);
}

char *sqs_query_error(const char *code, const char *message, unsigned status,
                      const char *request_id)
{
    struct buf b;
    buf_init(&b, XML_BYTES_MAX);
    int r = buf_printf(&b,
                       "<?xml version=\"1.0\"?><ErrorResponse xmlns=\"" NAMESPACE
                       "\"><Error><Type>%s</Type><Code>%s</Code><Message>",
                       status < 500 ? "Sender" : "Receiver", code);
    r = r == 0 ? put_escaped(&b, str_c(message)) : r;
    r = r == 0
            ? buf_printf(&b, "</Message><Detail/></Error><RequestId>%s</RequestId></ErrorResponse>",
                         request_id)
            : r;
    return take_text(&b, r);
}

/* ---- out, in JSON ---- */

static char *take_json(json_t *json)
{
    char *text = json_write(json);
    json_decref(json);
    return text ? text : mem_copy_str(STR("{}"));
}

/* Only the received messages have another name than in the JSON protocol. */
static json_t *result_of(json_t *output)
{
    json_t *messages = json_object_get(output, "Messages");
    return messages ? json_pack("{s:O}", "messages", messages) : json_incref(output);
}

char *sqs_query_answer_json(const char *operation, json_t *output, const char *request_id)
{
    char response[96], result[96];
    (void)snprintf(response, sizeof(response), "%.80sResponse", operation);
    (void)snprintf(result, sizeof(result), "%.80sResult", operation);
    json_t *inside = json_pack("{s:{s:s}}", "ResponseMetadata", "RequestId", request_id);
    if (output) {
        (void)json_object_set_new(inside, result, result_of(output));
    }
    return take_json(json_pack("{s:o}", response, inside));
}

char *sqs_query_error_json(const char *code, const char *message, unsigned status,
                           const char *request_id)
{
    return take_json(json_pack("{s:{s:s,s:s,s:s},s:s}", "Error", "Code", code, "Message", message,
                               "Type", status < 500 ? "Sender" : "Receiver", "RequestId",
                               request_id));
}
