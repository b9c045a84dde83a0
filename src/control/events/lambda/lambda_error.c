/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/lambda/lambda_error.h"

#include <jansson.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "control/text/json_read.h"

char *lambda_error_text(struct str payload)
{
    json_t *json = json_read(payload, JSON_ALLOW_NUL);
    const char *type = json_string_value(json_object_get(json, "errorType"));
    const char *message = json_string_value(json_object_get(json, "errorMessage"));
    const json_t *trace = json_object_get(json, "trace");
    struct buf text;
    buf_init(&text, LIMIT_LAMBDA_PAYLOAD_BYTES); /* shorter than the JSON that says it */
    int r = json_array_size(trace) > 0
                ? 0
                : buf_printf(&text, "%s%s%s", type ? type : "", type && message ? ": " : "",
                             message ? message
                             : type  ? ""
                                     : "the function failed");
    for (size_t i = 0; r == 0 && i < json_array_size(trace); i++) {
        const char *line = json_string_value(json_array_get(trace, i));
        r = buf_printf(&text, "%s%s", i ? "\n" : "", line ? line : "");
    }
    char *copy = mem_copy_str(buf_str(&text));
    buf_finish(&text);
    json_decref(json);
    return copy;
}
