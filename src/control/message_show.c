/* SPDX-License-Identifier: Apache-2.0 */
#include "control/message_show.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "control/events/routes/stored_request.h"
#include "control/text/base64.h"
#include "control/text/json_read.h"
#include "http/http_block.h"

static const char *const states[] = {
    [MESSAGE_WAITING] = "waiting", [MESSAGE_DONE] = "done", [MESSAGE_DEAD] = "dead"
};

int message_show_state(const char *name)
{
    for (int i = 0; name && i < (int)ARRAY_COUNT(states); i++) {
        if (strcmp(states[i], name) == 0) {
            return i;
        }
    }
    return name ? -2 : -1;
}

json_t *message_show(const struct stored_message *m, const char *queue)
{
    json_t *error = json_stringn(m->error.data, m->error.len);
    return json_pack("{s:I,s:s,s:s,s:i,s:I,s:I,s:I,s:s%,s:o}", "id", (json_int_t)m->id, "queue",
                     queue, "state", states[m->state], "attempts", (int)m->attempts, "sent_ms",
                     (json_int_t)m->sent_ms, "due_ms", (json_int_t)m->due_ms, "first_ms",
                     (json_int_t)m->first_ms, "uuid", m->uuid.data ? m->uuid.data : "", m->uuid.len,
                     "error", error ? error : json_string(""));
}

/* Text as it is, other bytes in base64. */
static void add_body(json_t *json, struct str bytes)
{
    json_t *body = json_stringn(bytes.data, bytes.len);
    if (body) {
        (void)json_object_set_new(json, "body", body);
        return;
    }
    char *encoded = base64_encode(bytes);
    (void)json_object_set_new(json, "body_base64", json_string(encoded)); /* sound text */
    free(encoded);
}

/* With which it is made again; what is no UTF-8 is left out. */
static json_t *show_headers(struct str stored)
{
    json_t *list = json_array();
    struct buf fields;
    struct str name, value;
    buf_init(&fields, 2 * LIMIT_REQUEST_HEAD_BYTES);
    (void)!stored_request_fields(&fields, stored); /* full: enough */
    for (struct str rest = buf_str(&fields); http_block_next(&rest, &name, &value);) {
        json_t *pair = json_pack("[s%, s%]", name.data, name.len, value.data, value.len);
        (void)json_array_append_new(list, pair); /* NULL adds nothing */
    }
    buf_finish(&fields);
    return list;
}

void message_show_content(json_t *json, const struct stored_message *m, const char *queue)
{
    struct stored_request rq;
    json_t *attributes = json_read(m->attributes, JSON_ALLOW_NUL);
    if (str_starts(str_c(queue), STR("webhook:"))) {
        (void)json_object_del(attributes, "secret"); /* absent is fine */
    }
    (void)json_object_set_new(json, "attributes", attributes ? attributes : json_object());
    (void)json_object_set_new(json, "group", json_stringn(m->group.data, m->group.len));
    if (str_starts(str_c(queue), STR("route:")) && stored_request_unpack(m->body, &rq) == 0) {
        (void)json_object_set_new(json, "headers", show_headers(rq.headers));
        add_body(json, rq.body);
    } else {
        add_body(json, m->body);
    }
}
