/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/folders.h"

#include <fcntl.h>

#include "base/mem.h"
#include "gateway/router.h"
#include "gateway/static_files.h"

struct folder {
    struct list item; /* of g->early_folders */
    struct message_folder told;
    int fd; /* owned */
};

/* Takes over `fd`. */
static void give(struct router *router, uint64_t build, const struct message_folder *m, int fd)
{
    if (m->build == build && m->root < router->root_count) {
        static_root_give(&router->roots[m->root], fd);
    } else {
        scope_close_fd(&fd);
    }
}

void folders_take(struct gateway *g, const struct message_folder *m, int fd)
{
    if (g->router && m->build <= g->router->build) {
        give(g->router, g->router->build, m, fd);
        return;
    }
    struct folder *folder = mem_new(struct folder);
    folder->told = *m;
    folder->fd = fd;
    list_push(&g->early_folders, &folder->item);
}

/* The same build comes again when its functions' concurrency changes: without its folders, which
 * have been told of once. */
static void keep_given(const struct router *before, struct router *next)
{
    for (size_t i = 0; i < before->root_count && i < next->root_count; i++) {
        int fd = fcntl(before->roots[i].directory, F_DUPFD_CLOEXEC, 0);
        if (fd >= 0) {
            static_root_give(&next->roots[i], fd);
        }
    }
}

void folders_give(struct gateway *g, struct router *next, uint64_t build)
{
    if (g->router && g->router->build == build) {
        keep_given(g->router, next);
    }
    list_for_each (item, &g->early_folders) {
        struct folder *folder = list_entry(item, struct folder, item);
        if (folder->told.build <= build) {
            give(next, build, &folder->told, folder->fd);
            list_remove(&folder->item);
            free(folder);
        }
    }
}
