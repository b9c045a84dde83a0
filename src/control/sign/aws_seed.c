/* SPDX-License-Identifier: Apache-2.0 */
#include "control/sign/aws_seed.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "store/store_explain.h"

static int seed_read(int fd, const char *path, uint8_t ret_seed[AWS_SEED_BYTES], struct err *err)
{
    uint8_t bytes[AWS_SEED_BYTES + 1];
    ssize_t n = read(fd, bytes, sizeof(bytes));
    if (n < 0) {
        return err_sys(err, "read %.160s", path);
    }
    if (n != AWS_SEED_BYTES) {
        return err_set(
            err, EBADMSG,
            "%.120s is not what it was: remove it; what functions have signed with it is "
            "void then",
            path);
    }
    memcpy(ret_seed, bytes, AWS_SEED_BYTES);
    return 0;
}

/* Renamed into place: a crash leaves all of it or nothing. */
static int seed_write(int folder, const char *path, const uint8_t seed[AWS_SEED_BYTES],
                      struct err *err)
{
    scoped_fd int fd = openat(folder, "secret.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, seed, AWS_SEED_BYTES) != AWS_SEED_BYTES || fsync(fd) < 0 ||
        renameat(folder, "secret.new", folder, "secret") < 0 || fsync(folder) < 0) {
        return err_sys(err, "write %.160s", path);
    }
    return 0;
}

int aws_seed_load(const char *folder, uint8_t ret_seed[AWS_SEED_BYTES], struct err *err)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%.4000s/secret", folder);
    scoped_fd int at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (at < 0) {
        return err_sys(err, "open %.160s", folder);
    }
    scoped_fd int fd = openat(at, "secret", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0) {
        return seed_read(fd, path, ret_seed, err);
    }
    uint8_t seed[AWS_SEED_BYTES];
    if (errno != ENOENT) {
        return store_explain("secret", errno, err);
    }
    if (getrandom(seed, sizeof(seed), 0) != sizeof(seed)) {
        return err_sys(err, "random numbers");
    }
    int r = seed_write(at, path, seed, err);
    if (r == 0) {
        memcpy(ret_seed, seed, sizeof(seed));
    }
    return r;
}
