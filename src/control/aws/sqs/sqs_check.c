/* The texts are those that AWS answers with.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "control/aws/sqs/sqs_check.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "control/text/json_reading.h"

#define TOKEN_MAX      128 /* of a group or deduplication id */
#define ATTRIBUTES_MAX 10
#define NAME_MAX_BYTES 256 /* of an attribute's name or type */
#define DELAY_MAX_S    900

#define CHARACTERS_TEXT                                                                            \
    "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | "   \
    "#xE000 to #xFFFD | #x10000 to #x10FFFF"

int sqs_check_fault(struct sqs_fault *f, enum sqs_error error, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(f->text, sizeof(f->text), fmt, args);
    va_end(args);
    f->error = error;
    return -1;
}

/* #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF, of sound UTF-8. */
static bool is_sound_text(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 && c != '\t' && c != '\n' && c != '\r') {
            return false;
        }
        if (c == 0xef && i + 2 < len && (unsigned char)text[i + 1] == 0xbf &&
            (unsigned char)text[i + 2] >= 0xbe) {
            return false;
        }
    }
    return true;
}

/* ---- attributes ---- */

/* Letters (Latin ones with accents too, up to U+017F), digits, "_", "-" and ".". */
static bool name_is_sound(const char *name)
{
    for (size_t i = 0; name[i]; i++) {
        unsigned char c = (unsigned char)name[i];
        bool accented = c >= 0xc3 && c <= 0xc5;
        if (accented) {
            i++; /* sound UTF-8: a second byte follows */
        } else if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '_' || c == '-' || c == '.')) {
            return false;
        }
    }
    return true;
}

static int check_name(const char *name, struct sqs_fault *f)
{
    size_t len = strlen(name);
    if (len == 0) {
        return sqs_check_fault(f, SQS_ERROR_PARAMETER,
                               "The request must contain non-empty message (user) attribute "
                               "names.");
    }
    if (len >= NAME_MAX_BYTES) {
        return sqs_check_fault(f, SQS_ERROR_PARAMETER,
                               "Message (user) attribute names must be shorter than 256 Bytes");
    }
    if (!name_is_sound(name)) {
        return sqs_check_fault(f, SQS_ERROR_PARAMETER,
                               "Message (user) attributes name can only contain upper and lower "
                               "score characters, digits, periods, hyphens and underscores. ");
    }
    if (strncasecmp(name, "aws.", 4) == 0 || strncasecmp(name, "amazon.", 7) == 0 ||
        name[0] == '.' || name[len - 1] == '.' || strstr(name, "..")) {
        return sqs_check_fault(
            f, SQS_ERROR_PARAMETER,
            "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These "
            "strings are reserved for internal use. Additionally, they cannot start or end with "
            "'.'.");
    }
    return 0;
}

static bool type_is(const char *type, const char *kind)
{
    size_t len = strlen(kind);
    return strncmp(type, kind, len) == 0 && (type[len] == '\0' || type[len] == '.');
}

static int check_type(const char *name, const char *type, struct sqs_fault *f)
{
    if (!type || !type[0]) {
        return sqs_check_fault(f, SQS_ERROR_PARAMETER,
                               "The message attribute '%.200s' must contain non-empty message "
                               "attribute type.",
                               name);
    }
    if (!type_is(type, "String") && !type_is(type, "Number") && !type_is(type, "Binary")) {
        return sqs_check_fault(f, SQS_ERROR_PARAMETER,
                               "The message attribute '%.200s' has an invalid message attribute "
                               "type, the set of supported type prefixes is Binary, Number, and "
                               "String.",
                               name);
    }
    return strlen(type) >= NAME_MAX_BYTES
               ? sqs_check_fault(f, SQS_ERROR_PARAMETER,
                                 "Message (user) attribute types must be shorter than 256 Bytes")
               : 0;
}

/* Of a magnitude between 10^-128 and 10^126, or 0: "Amazon SQS message attributes", Number. */
static bool is_number(const char *text)
{
    char *end;
    double size = fabs(strtod(text, &end));
    return !*end && strspn(text, "0123456789+-.eE") == strlen(text) &&
           (size == 0 || (size >= 1e-128 && size <= 1e126));
}

static int check_attribute(const char *name, const json_t *attribute, size_t *bytes,
                           struct sqs_fault *f)
{
    const char *type = sqs_call_text(attribute, "DataType");
    if (check_name(name, f) < 0 || check_type(name, type, f) < 0) {
        return -1;
    }
    bool binary = type_is(type, "Binary");
    const json_t *value = json_object_get(attribute, binary ? "BinaryValue" : "StringValue");
    if (!json_is_string(value) || json_string_length(value) == 0) {
        return sqs_check_fault(f, SQS_ERROR_PARAMETER,
                               "Message (user) attribute '%.200s' must contain a non-empty value "
                               "of type '%s'.",
                               name, binary ? "Binary" : "String");
    }
    if (!binary && !is_sound_text(json_string_value(value), json_string_length(value))) {
        return sqs_check_fault(f, SQS_ERROR_PARAMETER, CHARACTERS_TEXT);
    }
    if (type_is(type, "Number") && !is_number(json_string_value(value))) {
        return sqs_check_fault(f, SQS_ERROR_PARAMETER,
                               "Can't cast the value of message (user) attribute '%.200s' to a "
                               "number.",
                               name);
    }
    *bytes += strlen(name) + strlen(type) +
              (binary ? json_string_length(value) / 4 * 3 : json_string_length(value));
    return 0;
}

int sqs_check_attributes(const json_t *attributes, size_t *bytes, struct sqs_fault *f)
{
    const char *name;
    json_t *value;
    if (json_object_size(attributes) > ATTRIBUTES_MAX) {
        return sqs_check_fault(f, SQS_ERROR_PARAMETER,
                               "Number of message attributes [%zu] exceeds the allowed maximum "
                               "[%d].",
                               json_object_size(attributes), ATTRIBUTES_MAX);
    }
    json_object_foreach(json_reading(attributes), name, value)
    {
        if (check_attribute(name, value, bytes, f) < 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- groups, deduplication, delays ---- */

int sqs_check_token(const char *parameter, const char *text, struct sqs_fault *f)
{
    size_t len = strlen(text);
    bool sound = len > 0 && len <= TOKEN_MAX;
    for (size_t i = 0; i < len; i++) {
        sound = sound && text[i] > ' ' && text[i] <= '~';
    }
    return sound ? 0
                 : sqs_check_fault(f, SQS_ERROR_PARAMETER,
                                   "Value %.200s for parameter %s is invalid. Reason: %s can only "
                                   "include alphanumeric and punctuation characters. 1 to 128 in "
                                   "length.",
                                   text, parameter, parameter);
}

static int check_ids(const struct sqs_queue *q, const json_t *entry, struct sqs_fault *f)
{
    const char *group = sqs_call_text(entry, "MessageGroupId");
    const char *dedup = sqs_call_text(entry, "MessageDeduplicationId");
    if (dedup && !q->fifo) {
        return sqs_check_fault(f, SQS_ERROR_PARAMETER,
                               "Value %.200s for parameter MessageDeduplicationId is invalid. "
                               "Reason: The request includes a parameter that is not valid for "
                               "this queue type.",
                               dedup);
    }
    if (!group && q->fifo) {
        return sqs_check_fault(f, SQS_ERROR_MISSING,
                               "The request must contain the parameter MessageGroupId.");
    }
    if ((group && sqs_check_token("MessageGroupId", group, f) < 0) ||
        (dedup && sqs_check_token("MessageDeduplicationId", dedup, f) < 0)) {
        return -1;
    }
    return dedup || q->content_dedup || !q->fifo
               ? 0
               : sqs_check_fault(f, SQS_ERROR_PARAMETER,
                                 "The queue should either have ContentBasedDeduplication enabled "
                                 "or MessageDeduplicationId provided explicitly");
}

static int check_delay(const struct sqs_queue *q, const json_t *entry, struct sqs_fault *f)
{
    int64_t delay;
    if (!sqs_call_number(entry, "DelaySeconds", &delay) || delay == 0) {
        return 0;
    }
    if (q->fifo) {
        return sqs_check_fault(f, SQS_ERROR_PARAMETER,
                               "Value %lld for parameter DelaySeconds is invalid. Reason: The "
                               "request include parameter that is not valid for this queue type.",
                               (long long)delay);
    }
    return delay < 0 || delay > DELAY_MAX_S
               ? sqs_check_fault(f, SQS_ERROR_PARAMETER,
                                 "Value %lld for parameter DelaySeconds is invalid. Reason: "
                                 "DelaySeconds must be >= 0 and <= 900.",
                                 (long long)delay)
               : 0;
}

int sqs_check_batch_ids(const struct sqs_queue *q, const json_t *entries, struct sqs_fault *f)
{
    for (size_t i = 0; q->fifo && i < json_array_size(entries); i++) {
        const json_t *entry = json_array_get(entries, i);
        if (!q->content_dedup && !sqs_call_text(entry, "MessageDeduplicationId")) {
            return sqs_check_fault(f, SQS_ERROR_PARAMETER,
                                   "The queue should either have ContentBasedDeduplication "
                                   "enabled or MessageDeduplicationId provided explicitly");
        }
        if (!sqs_call_text(entry, "MessageGroupId")) {
            return sqs_check_fault(f, SQS_ERROR_PARAMETER,
                                   "The request must contain the parameter MessageGroupId.");
        }
    }
    return 0;
}

/* ---- the whole ---- */

/* A trace is the only one there is, and a text. */
static int check_system(const json_t *attributes, struct sqs_fault *f)
{
    const char *name;
    json_t *value;
    json_object_foreach(json_reading(attributes), name, value)
    {
        if (strcmp(name, "AWSTraceHeader") != 0) {
            return sqs_check_fault(f, SQS_ERROR_PARAMETER,
                                   "Message system attribute name '%.200s' is invalid.", name);
        }
        const char *type = sqs_call_text(value, "DataType");
        if (!type || strcmp(type, "String") != 0 ||
            json_string_length(json_object_get(value, "StringValue")) == 0) {
            return sqs_check_fault(f, SQS_ERROR_PARAMETER,
                                   "The message system attribute 'AWSTraceHeader' must be a "
                                   "non-empty value of type 'String'.");
        }
    }
    return 0;
}

int sqs_check_message(const struct sqs_queue *q, const json_t *entry, bool in_batch,
                      struct sqs_fault *f)
{
    const json_t *body = json_object_get(entry, "MessageBody");
    size_t bytes = 0;
    if (!json_is_string(body) || json_string_length(body) == 0) {
        return sqs_check_fault(f, SQS_ERROR_MISSING,
                               "The request must contain the parameter MessageBody.");
    }
    if (sqs_check_attributes(json_object_get(entry, "MessageAttributes"), &bytes, f) < 0 ||
        check_system(json_object_get(entry, "MessageSystemAttributes"), f) < 0) {
        return -1;
    }
    if (!is_sound_text(json_string_value(body), json_string_length(body))) {
        return sqs_check_fault(f, SQS_ERROR_CONTENTS, CHARACTERS_TEXT);
    }
    if (bytes + json_string_length(body) > q->max_bytes) {
        return sqs_check_fault(f, SQS_ERROR_PARAMETER,
                               "One or more parameters %s. Reason: Message must be shorter than "
                               "%llu bytes.",
                               in_batch ? "cannot be validated" : "are invalid",
                               (unsigned long long)q->max_bytes);
    }
    return check_ids(q, entry, f) < 0 ? -1 : check_delay(q, entry, f);
}
