/* SPDX-License-Identifier: Apache-2.0 */
#include "control/text/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "base/str.h"

int text_file_write(int fd, const char *text)
{
    struct str rest = str_c(text);
    while (rest.len > 0) {
        ssize_t n = write(fd, rest.data, rest.len);
        if (n < 0) {
            return -errno;
        }
        rest = str_skip(rest, (size_t)n);
    }
    return 0;
}

int text_file_seal(const char *name, const char *text)
{
    scoped_fd int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int r = fd < 0 ? -errno : text_file_write(fd, text);
    if (r < 0) {
        return r;
    }
    if (lseek(fd, 0, SEEK_SET) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0) {
        return -errno;
    }
    return take_fd(&fd);
}
