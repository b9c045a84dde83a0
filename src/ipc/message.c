/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/message.h"

#include <errno.h>
#include <string.h>

/* clang-format off */
static const struct {
    enum message_role from;
    enum message_role to;
    size_t fd_count;
    size_t size;
} messages[MESSAGE_TYPE_COUNT] = {
#define M(type, from, to, fds, member) \
    [MESSAGE_##type] = { ROLE_##from, ROLE_##to, fds, sizeof(((union message *)0)->member) }
    M(FUNCTION_ADD,    CONTROL,         SUPERVISOR,      1, function_add),
    M(FUNCTION_REMOVE, CONTROL,         SUPERVISOR,      0, function_remove),
    M(FOLDER_SHARE,    CONTROL,         SUPERVISOR,      0, folder_share),
    M(FOLDER,          SUPERVISOR,      GATEWAY,         1, folder),
    M(FUNCTION_LOADED, SUPERVISOR,      CONTROL,         0, function_loaded),
    M(FUNCTION_OUTPUT, SUPERVISOR,      CONTROL,         1, function_output),
    M(ROUTES,          CONTROL,         GATEWAY,         1, routes),
    M(ROUTES_DONE,     GATEWAY,         CONTROL,         0, routes_done),
    M(CONNECTION,      CONTROL,         GATEWAY,         1, connection),
    M(FILE,            CONTROL,         GATEWAY,         1, file),
    M(INSTANCE_START,  GATEWAY,         SUPERVISOR,      0, instance_start),
    M(INSTANCE_STOP,   GATEWAY,         SUPERVISOR,      0, instance_stop),
    M(INSTANCE,        SUPERVISOR,      GATEWAY,         3, instance),
    M(INSTANCE_GONE,   SUPERVISOR,      GATEWAY,         0, instance_gone),
    M(ZYGOTE_START,    SUPERVISOR,      BASE_ZYGOTE,     3, zygote_start),
    M(ZYGOTE_MAPPED,   SUPERVISOR,      FUNCTION_ZYGOTE, 0, zygote_mapped),
    M(ZYGOTE_FORK,     SUPERVISOR,      FUNCTION_ZYGOTE, 3, zygote_fork),
    M(ZYGOTE_ENTERING, FUNCTION_ZYGOTE, SUPERVISOR,      0, zygote_entering),
    M(ZYGOTE_READY,    FUNCTION_ZYGOTE, SUPERVISOR,      0, zygote_ready),
    M(ZYGOTE_FAILED,   FUNCTION_ZYGOTE, SUPERVISOR,      0, zygote_failed),
    M(ZYGOTE_HELLO,    FUNCTION_ZYGOTE, SUPERVISOR,      0, zygote_hello),
    M(ZYGOTE_EXITED,   FUNCTION_ZYGOTE, SUPERVISOR,      0, zygote_exited),
    M(BASE_READY,      BASE_ZYGOTE,     SUPERVISOR,      0, base_ready),
#undef M
};
/* clang-format on */

size_t message_size(uint32_t type)
{
    return type < MESSAGE_TYPE_COUNT ? messages[type].size : 0;
}

static bool text_ends(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

static bool plan_is_sound(const struct message_function *plan)
{
    if (!text_ends(plan->name, sizeof(plan->name)) || plan->mount_count > MESSAGE_MOUNTS_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < plan->mount_count; i++) {
        const struct message_mount *mount = &plan->mounts[i];
        if (!text_ends(mount->source, sizeof(mount->source)) || mount->source[0] != '/' ||
            !text_ends(mount->target, sizeof(mount->target)) || strstr(mount->target, "..")) {
            return false;
        }
    }
    return true;
}

static bool texts_are_sound(const union message *m)
{
    switch ((enum message_type)m->type) {
    case MESSAGE_FUNCTION_ADD:
        return plan_is_sound(&m->function_add.plan);
    case MESSAGE_FOLDER_SHARE:
        return m->folder_share.path[0] == '/' &&
               text_ends(m->folder_share.path, sizeof(m->folder_share.path));
    case MESSAGE_FUNCTION_LOADED:
        return text_ends(m->function_loaded.text, sizeof(m->function_loaded.text)) &&
               text_ends(m->function_loaded.unloaded_text,
                         sizeof(m->function_loaded.unloaded_text));
    case MESSAGE_INSTANCE_GONE:
        return text_ends(m->instance_gone.text, sizeof(m->instance_gone.text));
    case MESSAGE_ZYGOTE_START:
        return plan_is_sound(&m->zygote_start.plan) &&
               text_ends(m->zygote_start.root, sizeof(m->zygote_start.root)) &&
               text_ends(m->zygote_start.scratch, sizeof(m->zygote_start.scratch));
    case MESSAGE_ZYGOTE_FORK:
        return text_ends(m->zygote_fork.scratch, sizeof(m->zygote_fork.scratch));
    case MESSAGE_ZYGOTE_READY:
        return text_ends(m->zygote_ready.text, sizeof(m->zygote_ready.text)) &&
               text_ends(m->zygote_ready.unloaded_text, sizeof(m->zygote_ready.unloaded_text));
    case MESSAGE_ZYGOTE_FAILED:
        return text_ends(m->zygote_failed.text, sizeof(m->zygote_failed.text));
    default:
        return true;
    }
}

int message_check(const union message *message, size_t size, size_t fd_count,
                  enum message_role from, enum message_role to)
{
    if (size < sizeof(message->type) || message_size(message->type) != size) {
        return -EBADMSG;
    }
    if (messages[message->type].from != from || messages[message->type].to != to) {
        return -EPERM;
    }
    if (messages[message->type].fd_count != fd_count || !texts_are_sound(message)) {
        return -EBADMSG;
    }
    return 0;
}
