/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "leaks.h"
#include "store/content_writer.h"

#define CACHED_BYTES (2 * MIB)
/* An object large enough that some of it passes the page cache by, and of no round length. */
#define OBJECT_BYTES (CACHED_BYTES + 5 * MIB + 1234)

static char *object_bytes(void)
{
    char *bytes = aligned_alloc(CONTENT_ALIGNMENT, OBJECT_BYTES + CONTENT_ALIGNMENT - 1234);
    uint64_t x = 88172645463325252;
    for (size_t i = 0; i + sizeof(x) <= OBJECT_BYTES + 8; i += sizeof(x)) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17; /* xorshift64: no two blocks are alike */
        memcpy(bytes + i, &x, sizeof(x));
    }
    return bytes;
}

static int temporary_file(void)
{
    char path[] = "/tmp/mayfly-writer-XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(unlink(path), 0);
    return fd;
}

static void assert_holds(int fd, const char *bytes)
{
    struct stat st;
    ck_assert_int_eq(fstat(fd, &st), 0);
    ck_assert_uint_eq((size_t)st.st_size, OBJECT_BYTES);
    char *held = mmap(NULL, OBJECT_BYTES, PROT_READ, MAP_PRIVATE, fd, 0);
    ck_assert_ptr_ne(held, MAP_FAILED);
    ck_assert_int_eq(memcmp(held, bytes, OBJECT_BYTES), 0);
    munmap(held, OBJECT_BYTES);
}

/* Pieces whose lengths go round. */
static int write_in_pieces(struct content_writer *w, const char *bytes, const size_t lens[3])
{
    struct str rest = str_of(bytes, OBJECT_BYTES);
    for (int i = 0; rest.len > 0; i = (i + 1) % 3) {
        size_t len = lens[i] < rest.len ? lens[i] : rest.len;
        int r = content_writer_add(w, str_of(rest.data, len));
        if (r < 0) {
            return r;
        }
        rest = str_skip(rest, len);
    }
    return 0;
}

static bool takes_direct_writes(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    bool takes = fcntl(fd, F_SETFL, flags | O_DIRECT) == 0;
    ck_assert_int_eq(fcntl(fd, F_SETFL, flags), 0);
    return takes;
}

static void assert_written(const size_t lens[3])
{
    char *bytes = object_bytes();
    struct content_writer w;
    content_writer_init(&w, temporary_file(), CACHED_BYTES);
    bool is_direct = takes_direct_writes(w.fd);
    ck_assert_int_eq(write_in_pieces(&w, bytes, lens), 0);
    ck_assert_int_eq(w.is_direct, is_direct);
    ck_assert_int_eq(content_writer_end(&w), 0);
    ck_assert_uint_eq(w.written, OBJECT_BYTES);
    assert_holds(w.fd, bytes);
    content_writer_finish(&w);
    free(bytes);
}

START_TEST(whole_pieces_are_written_as_they_came)
{
    assert_written((size_t[]){ MIB, MIB, MIB });
}
END_TEST

START_TEST(pieces_of_any_length_are_written_as_they_came)
{
    assert_written((size_t[]){ 130001, MIB - 3, 1 });
    assert_written((size_t[]){ 8191, 3 * MIB, 4096 });
}
END_TEST

START_TEST(bytes_that_came_at_once_are_written)
{
    assert_written((size_t[]){ OBJECT_BYTES, 1, 1 });
}
END_TEST

START_TEST(a_small_object_stays_with_the_page_cache)
{
    struct content_writer w;
    content_writer_init(&w, temporary_file(), CACHED_BYTES);
    ck_assert_int_eq(content_writer_add(&w, STR("small")), 0);
    ck_assert_int_eq(content_writer_end(&w), 0);
    ck_assert(!w.is_direct);
    char held[8];
    ck_assert_int_eq(pread(w.fd, held, sizeof(held), 0), 5);
    ck_assert_int_eq(memcmp(held, "small", 5), 0);
    content_writer_finish(&w);
}
END_TEST

/* /dev/null refuses O_DIRECT, as some file systems do. */
START_TEST(a_file_system_without_direct_writes_gets_ordinary_ones)
{
    char *bytes = object_bytes();
    struct content_writer w;
    content_writer_init(&w, open("/dev/null", O_RDWR | O_CLOEXEC), CACHED_BYTES);
    ck_assert_int_eq(write_in_pieces(&w, bytes, (size_t[]){ 130001, MIB, 17 }), 0);
    ck_assert(!w.is_direct);
    ck_assert_uint_eq(w.written, OBJECT_BYTES);
    content_writer_finish(&w);
    free(bytes);
}
END_TEST

START_TEST(a_full_disk_is_told)
{
    struct content_writer w;
    content_writer_init(&w, open("/dev/full", O_RDWR | O_CLOEXEC), CACHED_BYTES);
    ck_assert_int_eq(content_writer_add(&w, STR("bytes")), -ENOSPC);
    content_writer_finish(&w);
}
END_TEST

int main(void)
{
    TCase *tests;
    Suite *suite = leaks_suite("content_writer", &tests);
    tcase_add_test(tests, whole_pieces_are_written_as_they_came);
    tcase_add_test(tests, pieces_of_any_length_are_written_as_they_came);
    tcase_add_test(tests, bytes_that_came_at_once_are_written);
    tcase_add_test(tests, a_small_object_stays_with_the_page_cache);
    tcase_add_test(tests, a_file_system_without_direct_writes_gets_ordinary_ones);
    tcase_add_test(tests, a_full_disk_is_told);
    return suite_run(suite);
}
