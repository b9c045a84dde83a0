/* A target, NUL, an event: a target that is refused is told why; what a template of JSON makes is
 * JSON.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>

#include "base/limits.h"
#include "control/events/eventbridge/event_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fill(json_t *target, json_t *event, struct str text)
{
    const struct event_input_source source = { .event = event,
                                               .text = text,
                                               .rule_name = STR("rule"),
                                               .rule_arn = STR("arn"),
                                               .ingestion_time = STR("2026-11-25T10:00:01Z") };
    const char *template = json_string_value(
        json_object_get(json_object_get(target, "input_transformer"), "template"));
    struct buf out;
    buf_init(&out, MIB);
    int r = event_input_append(target, &source, &out);
    assert(r == 0 || r == -EBADMSG || r == -EMSGSIZE);
    if (r == 0 && template && template[0] == '{') {
        json_t *made = json_loadb(out.data, out.len, JSON_ALLOW_NUL, NULL);
        assert(made);
        json_decref(made);
    }
    buf_finish(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = str_of((const char *)data, size);
    struct str first = str_cut(&rest, '\0');
    struct str text = rest.data ? rest : STR("{}");
    struct err err = { 0 };
    json_t *target = json_loadb(first.data, first.len, JSON_ALLOW_NUL, NULL);
    json_t *event = json_loadb(text.data, text.len, JSON_ALLOW_NUL, NULL);
    if (json_is_object(target) && json_is_object(event)) {
        if (event_input_check(target, "t", &err) == 0) {
            fill(target, event, text);
        } else {
            assert(err.text[0] != '\0');
        }
    }
    json_decref(target);
    json_decref(event);
    return 0;
}
