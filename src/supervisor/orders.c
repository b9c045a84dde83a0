/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/orders.h"

#include "supervisor/functions.h"
#include "supervisor/instances.h"
#include "supervisor/shared_folder.h"

static void of_gateway(struct link *link, const union message *m, struct ipc_received *received)
{
    struct platform *p = container_of(link->poll.loop, struct platform, loop);
    (void)received;
    if (m->type == MESSAGE_INSTANCE_START) {
        functions_start_instance(p, &m->instance_start);
    } else if (m->type == MESSAGE_INSTANCE_STOP) {
        instances_stop(p, m->instance_stop.instance);
    }
}

/* Nothing is said of those that cannot be opened: the gateway may well reach them itself. */
static void share_folder(struct platform *p, const struct message_folder_share *share)
{
    scoped_fd int fd = shared_folder_open(p->options->project, share->path);
    if (fd >= 0) {
        const struct message_folder folder = { .type = MESSAGE_FOLDER,
                                               .root = share->root,
                                               .build = share->build };
        roles_tell_gateway(p, &folder, &fd, 1);
    }
}

static void of_control(struct link *link, const union message *m, struct ipc_received *received)
{
    struct platform *p = container_of(link->poll.loop, struct platform, loop);
    if (m->type == MESSAGE_FUNCTION_ADD) {
        functions_add(p, &m->function_add, take_fd(&received->fds[0]));
    } else if (m->type == MESSAGE_FUNCTION_REMOVE) {
        functions_remove(p, m->function_remove.function);
    } else if (m->type == MESSAGE_FOLDER_SHARE) {
        share_folder(p, &m->folder_share);
    }
}

const struct role_orders supervisor_orders = { .of_gateway = of_gateway,
                                               .of_control = of_control,
                                               .base_ready = functions_base_ready,
                                               .functions_lost = functions_remove_all };
