/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/control_files.h"

#include <unistd.h>

#include "base/mem.h"
#include "gateway/gateway.h"

static void note(struct list *files, const struct message_file *m, int fd)
{
    struct control_file *f = mem_new(struct control_file);
    *f = (struct control_file){ .message = *m, .fd = fd };
    list_push(files, &f->link);
}

static bool take(struct list *files, uint32_t stream, struct control_file *ret)
{
    list_for_each (item, files) {
        struct control_file *f = list_entry(item, struct control_file, link);
        if (f->message.stream == stream) {
            list_remove(&f->link);
            *ret = *f;
            free(f);
            return true;
        }
    }
    return false;
}

void control_files_keep(struct gateway *g, const struct message_file *m, int fd)
{
    note(&g->early_files, m, fd);
}

bool control_files_take(struct gateway *g, uint32_t stream, struct control_file *ret)
{
    return take(&g->early_files, stream, ret);
}

void control_files_unwanted(struct gateway *g, uint32_t stream)
{
    struct control_file early;
    if (take(&g->early_files, stream, &early)) {
        (void)close(early.fd);
    } else {
        note(&g->unwanted_files, &(struct message_file){ .stream = stream }, -1);
    }
}

bool control_files_is_unwanted(struct gateway *g, uint32_t stream)
{
    struct control_file unwanted;
    return take(&g->unwanted_files, stream, &unwanted);
}
