/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"

#define NAME         "reserve"
#define SMALL_SHARE  16          /* of a small disk no more than that part is kept */
#define MARGIN_BYTES (256 * KIB) /* so that it does not come and go with every page */

void store_reserve_init(struct store_reserve *r, const char *folder)
{
    struct statvfs disk;
    *r = (struct store_reserve){ .folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                                 .bytes = LIMIT_STORE_RESERVE_BYTES };
    if (r->folder >= 0 && fstatvfs(r->folder, &disk) == 0) {
        uint64_t share = (uint64_t)disk.f_blocks * disk.f_frsize / SMALL_SHARE;
        r->bytes = r->bytes < share ? r->bytes : share;
    }
}

void store_reserve_finish(struct store_reserve *r)
{
    scope_close_fd(&r->folder);
}

static bool has_room(const struct store_reserve *r)
{
    struct statvfs disk;
    return fstatvfs(r->folder, &disk) < 0 ||
           (uint64_t)disk.f_bavail * disk.f_frsize >= r->bytes + MARGIN_BYTES;
}

static int make(struct store_reserve *r)
{
    scoped_fd int fd = openat(r->folder, NAME, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return -errno;
    }
    if (fallocate(fd, 0, 0, (off_t)r->bytes) < 0) {
        int code = errno;
        (void)unlinkat(r->folder, NAME, 0); /* what there is of it takes up room */
        return -code;
    }
    return 0;
}

/* Told each time that the disk has become full. */
static void become_short(struct store_reserve *r)
{
    if (!r->is_short) {
        log_warning("the disk of the data folder is full: until there are %llu KB of room, nothing "
                    "new is stored; free some space, or delete objects",
                    (unsigned long long)(r->bytes + MARGIN_BYTES) / KIB);
    }
    r->is_short = true;
}

bool store_reserve_fill(struct store_reserve *r)
{
    if (r->is_made || r->folder < 0) {
        return true;
    }
    if (r->is_short && !has_room(r)) {
        return false;
    }
    int made = make(r);
    if (made == -ENOSPC || made == -EDQUOT) {
        become_short(r);
        return false;
    }
    r->is_short = false;
    r->is_made = true;
    return true;
}

void store_reserve_give_up(struct store_reserve *r)
{
    if (r->folder >= 0) {
        (void)unlinkat(r->folder, NAME, 0); /* it is not there: nothing is kept */
        r->is_made = false;
        become_short(r);
    }
}

bool store_reserve_is_short(const struct store_reserve *r)
{
    return r->is_short && !has_room(r);
}
