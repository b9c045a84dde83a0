/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/queue/destination.h"

#include <stdio.h>

#include "base/chance.h"
#include "control/text/json_write.h"

#define NAME_BYTES 2100 /* a URL of 2 KB with its kind in front */

static const struct {
    const char *member; /* of the manifest's destination */
    const char *prefix; /* of the queue that it is */
} kinds[] = {
    { "queue", "sqs:" },
    { "function", "lambda:" },
    { "bus", "bus:" },
    { "url", "webhook:" },
};

static const char *target_of(const json_t *destination, size_t *ret_kind)
{
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        const char *name = json_string_value(json_object_get(destination, kinds[i].member));
        if (name) {
            *ret_kind = i;
            return name;
        }
    }
    return NULL;
}

void destination_send(struct services *s, struct delivery *d, const json_t *destination,
                      struct str body, struct str attributes)
{
    char name[NAME_BYTES];
    char uuid[UUID_BYTES];
    size_t kind;
    const char *target = target_of(destination, &kind);
    if (!target || strlen(target) + 16 > sizeof(name)) {
        return;
    }
    int len = snprintf(name, sizeof(name), "%s%s", kinds[kind].prefix, target);
    chance_uuid(uuid);
    const char *secret = json_string_value(json_object_get(destination, "secret"));
    json_t *own = secret ? json_pack("{s:s}", "secret", secret) : NULL;
    char *own_text = json_write(own);
    const struct stored_message m = { .uuid = str_c(uuid),
                                      .group = STR(""),
                                      .attributes = own_text ? str_c(own_text) : attributes,
                                      .body = body };
    queue_follow(d, queue_open(s->queues, str_of(name, (size_t)len)), &m, STR(""), 0);
    free(own_text);
    json_decref(own);
}
