/* A pattern, NUL, an event: what is wrong with a pattern is said; an event that matches still does
 * with a field more.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>

#include "base/limits.h"
#include "control/events/eventbridge/event_pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void match(const struct event_pattern *p, struct str text)
{
    json_t *event = json_loadb(text.data, text.len, JSON_ALLOW_NUL, NULL);
    if (event && json_is_object(event)) {
        bool before = event_pattern_matches(p, event);
        if (!json_object_get(event, "no pattern has this")) {
            assert(json_object_set_new(event, "no pattern has this", json_true()) == 0);
            assert(event_pattern_matches(p, event) == before);
        }
    }
    json_decref(event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct event_pattern *p;
    struct err err = { 0 };
    struct str rest = str_of((const char *)data, size);
    struct str text = str_cut(&rest, '\0');
    if (event_pattern_parse(text, &p, &err) == 0) {
        match(p, rest.data ? rest : STR("{}"));
        event_pattern_destroy(p);
    } else {
        struct buf out;
        assert(err.text[0] != '\0');
        buf_init(&out, 4 * KIB);
        event_pattern_append_fault(text, &out);
        assert(out.len > 0);
        buf_finish(&out);
    }
    return 0;
}
