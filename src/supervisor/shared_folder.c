/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/shared_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"

static bool lies_in(const char *path, const char *project)
{
    size_t len = strlen(project);
    return strcmp(project, "/") == 0 ||
           (strncmp(path, project, len) == 0 && (path[len] == '/' || path[len] == '\0'));
}

/* `path` is absolute and, as realpath() gives it, without links: one that is there nonetheless was
 * put there since, and is not followed. The path is written to. */
static int open_without_links(char *path)
{
    scoped_fd int at = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    char *rest = NULL;
    for (char *part = strtok_r(path, "/", &rest); part && at >= 0;
         part = strtok_r(NULL, "/", &rest)) {
        int next = openat(at, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (next < 0) {
            return -errno;
        }
        scope_close_fd(&at);
        at = next;
    }
    return at < 0 ? -errno : take_fd(&at);
}

/* What realpath() finds out may be true no more when the folder is opened. So it is opened by the
 * path that was checked, and by nothing else that this may have become. */
int shared_folder_open(const char *project, const char *path)
{
    scoped_free char *real = realpath(path, NULL);
    if (!real) {
        return -errno;
    }
    return lies_in(real, project) ? open_without_links(real) : -EXDEV;
}
