/* SPDX-License-Identifier: Apache-2.0 */
#include "control/text/json_write.h"

#include <stdlib.h>

#include "control/text/json_reading.h"
#include "control/text/utf8.h"

#define REAL_BYTES 32 /* of the longest: -2.2250738585072014e-308 */

static int write_value(struct buf *out, const json_t *value);

static int write_text(struct buf *out, struct str text)
{
    TRY(buf_append(out, STR("\"")));
    TRY(utf8_append_json(out, text));
    return buf_append(out, STR("\""));
}

/* The digits that it needs are jansson's to find. */
static int write_real(struct buf *out, const json_t *value)
{
    char text[REAL_BYTES];
    size_t len = json_dumpb(value, text, sizeof(text), JSON_ENCODE_ANY);
    return buf_append(out, str_of(text, len));
}

static int write_array(struct buf *out, const json_t *array)
{
    size_t i;
    json_t *item;
    TRY(buf_append(out, STR("[")));
    json_array_foreach(array, i, item)
    {
        TRY(i > 0 ? buf_append(out, STR(",")) : 0);
        TRY(write_value(out, item));
    }
    return buf_append(out, STR("]"));
}

static int write_object(struct buf *out, json_t *object)
{
    void *first = json_object_iter(object);
    TRY(buf_append(out, STR("{")));
    for (void *at = first; at; at = json_object_iter_next(object, at)) {
        TRY(at != first ? buf_append(out, STR(",")) : 0);
        TRY(write_text(out, str_of(json_object_iter_key(at), json_object_iter_key_len(at))));
        TRY(buf_append(out, STR(":")));
        TRY(write_value(out, json_object_iter_value(at)));
    }
    return buf_append(out, STR("}"));
}

static int write_value(struct buf *out, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return write_object(out, json_reading(value));
    case JSON_ARRAY:
        return write_array(out, value);
    case JSON_STRING:
        return write_text(out, str_of(json_string_value(value), json_string_length(value)));
    case JSON_INTEGER:
        return buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    case JSON_REAL:
        return write_real(out, value);
    case JSON_TRUE:
        return buf_append(out, STR("true"));
    case JSON_FALSE:
        return buf_append(out, STR("false"));
    case JSON_NULL:
        break;
    }
    return buf_append(out, STR("null"));
}

char *json_write(const json_t *value)
{
    struct buf out;
    if (!value) {
        return NULL;
    }
    buf_init(&out, SIZE_MAX);
    int r = write_value(&out, value);
    r = r < 0 ? r : buf_append(&out, STR("\0"));
    return r < 0 ? NULL : out.data; /* r is never negative without a limit */
}
