/* SPDX-License-Identifier: Apache-2.0 */
#include <isa-l.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/buf.h"
#include "http/http_encoding.h"
#include "http/http_gzip.h"
#include "http/http_reply.h"
#include "leaks.h"

static bool accepts(const char *field)
{
    static struct http_head head;
    head.field_count = 1;
    head.fields[0] = (struct http_field){ .name = STR("accept-encoding"), .value = str_c(field) };
    return http_encoding_accepts_gzip(&head);
}

START_TEST(gzip_is_accepted_when_it_is_named_and_not_less_wanted_than_the_plain_body)
{
    static const char *const yes[] = { "gzip",
                                       "deflate, gzip, br",
                                       "GZIP;Q=0.001",
                                       "*",
                                       "br;q=1.0, *;q=0.1",
                                       "identity;q=0.5, gzip",
                                       "gzip ; q=0.5 ",
                                       ", gzip," };
    static const char *const no[] = { "",         "br",          "gzip;q=0", "gzip;q=0.000",
                                      "identity", "gzip;q=0, *", "x-gzip",   "gzip;q=0.5, identity",
                                      "*;q=0",    "identity;q=0" };
    static struct http_head none;
    for (size_t i = 0; i < ARRAY_COUNT(yes); i++) {
        ck_assert_msg(accepts(yes[i]), "%s", yes[i]);
    }
    for (size_t i = 0; i < ARRAY_COUNT(no); i++) {
        ck_assert_msg(!accepts(no[i]), "%s", no[i]);
    }
    ck_assert(!http_encoding_accepts_gzip(&none));
}
END_TEST

START_TEST(what_is_text_becomes_smaller)
{
    ck_assert(http_encoding_is_compressible(STR("application/json; charset=utf-8")));
    ck_assert(http_encoding_is_compressible(STR("Text/Event-Stream")));
    ck_assert(http_encoding_is_compressible(STR("image/svg+xml")));
    ck_assert(http_encoding_is_compressible(STR("application/problem+json;a=b")));
    ck_assert(!http_encoding_is_compressible(STR("image/png")));
    ck_assert(!http_encoding_is_compressible(STR("application/octet-stream")));
    ck_assert(!http_encoding_is_compressible(STR("text")));
    ck_assert(!http_encoding_is_compressible(STR("")));
}
END_TEST

static unsigned choose(struct str fields, uint64_t whole_bytes)
{
    struct http_encoding_input in = { .fields = fields,
                                      .whole = whole_bytes > 0,
                                      .body_length = whole_bytes };
    return http_encoding_choose(&in, true);
}

#define JSON "content-type\0application/json\0"
#define BOTH (HTTP_ENCODING_VARIES | HTTP_ENCODING_GZIP)

START_TEST(bodies_are_compressed_when_that_is_worth_it_and_nobody_forbids_it)
{
    ck_assert_uint_eq(choose(STR(JSON), 5000), BOTH);
    ck_assert_uint_eq(choose(STR(JSON), 0), BOTH); /* a stream */
    ck_assert_uint_eq(choose(STR(JSON), HTTP_ENCODING_BYTES_MIN - 1), HTTP_ENCODING_VARIES);
    ck_assert_uint_eq(choose(STR(JSON "content-length\0"
                                      "20\0"),
                             0),
                      HTTP_ENCODING_VARIES);
    ck_assert_uint_eq(choose(STR("content-type\0image/png\0"), 5000), HTTP_ENCODING_NONE);
    ck_assert_uint_eq(choose(STR(""), 5000), HTTP_ENCODING_NONE);
    ck_assert_uint_eq(choose(STR(JSON "content-encoding\0br\0"), 5000), HTTP_ENCODING_NONE);
    ck_assert_uint_eq(choose(STR(JSON "content-range\0bytes 0-4999/9000\0"), 5000),
                      HTTP_ENCODING_NONE);
    ck_assert_uint_eq(choose(STR(JSON "cache-control\0public, No-Transform\0"), 5000),
                      HTTP_ENCODING_NONE);
    ck_assert_uint_eq(choose(STR(JSON "Vary\0Cookie, Accept-Encoding\0"), 5000),
                      HTTP_ENCODING_GZIP);
}
END_TEST

START_TEST(a_body_of_another_length_than_it_says_is_left_for_the_client_to_see)
{
    ck_assert_uint_eq(choose(STR(JSON "content-length\0"
                                      "9000\0"),
                             5000),
                      HTTP_ENCODING_VARIES);
}
END_TEST

START_TEST(fields_of_routes_count)
{
    struct http_encoding_input in = {
        .fields = STR(""), .defaults = STR(JSON), .whole = true, .body_length = 5000
    };
    ck_assert_uint_eq(http_encoding_choose(&in, true), BOTH);
    ck_assert_uint_eq(http_encoding_choose(&in, false), HTTP_ENCODING_VARIES);
}
END_TEST

static const char *write_reply(struct str fields, struct http_reply reply)
{
    static struct buf out;
    buf_finish(&out);
    buf_init(&out, 65536);
    reply.status = 200;
    reply.minor = 1;
    reply.keep_alive = true;
    reply.fields = fields;
    reply.encoding = BOTH;
    reply.date = STR("Sun, 06 Nov 1994 08:49:37 GMT");
    ck_assert_int_eq(http_reply_write(&out, &reply), 0);
    ck_assert_int_eq(buf_append(&out, STR("\0")), 0);
    static char copy[4096];
    (void)snprintf(copy, sizeof(copy), "%s", out.data);
    buf_finish(&out);
    return copy;
}

START_TEST(a_compressed_answer_says_so_and_its_tag_is_weak)
{
    struct http_reply whole = { .whole = true, .body_length = 321 };
    ck_assert_str_eq(write_reply(STR("etag\0\"a\"\0content-length\0"
                                     "5000\0"),
                                 whole),
                     "HTTP/1.1 200 OK\r\netag: W/\"a\"\r\nvary: Accept-Encoding\r\n"
                     "content-encoding: gzip\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                     "content-length: 321\r\n\r\n");
    struct http_reply stream = { 0 };
    ck_assert_str_eq(write_reply(STR("etag\0W/\"a\"\0content-length\0"
                                     "5000\0"),
                                 stream),
                     "HTTP/1.1 200 OK\r\netag: W/\"a\"\r\nvary: Accept-Encoding\r\n"
                     "content-encoding: gzip\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                     "transfer-encoding: chunked\r\n\r\n");
}
END_TEST

/* Bytes that hardly become smaller, or do. */
static void fill(char *bytes, size_t len, bool random)
{
    uint32_t state = 1;
    for (size_t i = 0; i < len; i++) {
        state = state * 1664525U + 1013904223U;
        bytes[i] = (char)(random ? state >> 24 : 'a' + (i / 7) % 5);
    }
}

/* Compresses `len` bytes in pieces, checks that each can be read when it is sent, and that all
 * together are one member. Returns its length. */
static size_t round_trip(size_t len, size_t piece, bool random)
{
    struct http_gzip_tables *tables = http_gzip_tables_create();
    struct inflate_state *state = calloc(1, sizeof(*state));
    struct http_gzip z = { 0 };
    char *in = malloc(len + 1), *out = malloc(len + 1);
    size_t sent = 0;
    fill(in, len, random);
    isal_inflate_init(state);
    state->crc_flag = ISAL_GZIP;
    state->next_out = (uint8_t *)out;
    state->avail_out = (uint32_t)len + 1;
    for (size_t at = 0;; at += piece) {
        bool last = at >= len;
        size_t left = last ? 0 : len - at;
        struct str data = str_of(in + at, left < piece ? left : piece);
        struct str sends = http_gzip_piece(tables, &z, last ? STR("") : data, last);
        sent += sends.len;
        state->next_in = (uint8_t *)(uintptr_t)sends.data;
        state->avail_in = (uint32_t)sends.len;
        ck_assert_int_eq(isal_inflate(state), ISAL_DECOMP_OK);
        ck_assert_uint_eq(state->total_out, last ? len : at + data.len);
        if (last) {
            break;
        }
    }
    ck_assert_int_eq(state->block_state, ISAL_BLOCK_FINISH); /* length and checksum are right */
    ck_assert_mem_eq(in, out, len);
    free(in);
    free(out);
    free(state);
    http_gzip_tables_destroy(tables);
    return sent;
}

START_TEST(each_piece_can_be_read_at_once_and_all_are_one_body)
{
    ck_assert_uint_lt(round_trip(300000, HTTP_GZIP_PIECE_BYTES_MAX, false), 30000);
    ck_assert_uint_lt(round_trip(300000, HTTP_GZIP_PIECE_BYTES_MAX, true), 301000);
    (void)round_trip(5000, 1, true);
    (void)round_trip(100000, 4096, false);
    (void)round_trip(0, 1, false);
}
END_TEST

#define SHARED_BYTES 4096

/* An instance, which has the memory that its answer is read from. */
struct writer {
    atomic_bool stop;
    char body[SHARED_BYTES];
};

static void *keep_writing(void *arg)
{
    struct writer *w = arg;
    for (unsigned i = 0; !atomic_load(&w->stop); i++) {
        __atomic_store_n(&w->body[i % SHARED_BYTES], (char)(i * 2654435761u >> 24),
                         __ATOMIC_RELAXED);
    }
    return NULL;
}

START_TEST(what_an_instance_writes_meanwhile_is_in_the_body_or_is_not)
{
    static struct writer w;
    static struct inflate_state state;
    static uint8_t out[SHARED_BYTES];
    struct http_gzip_tables *tables = http_gzip_tables_create();
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, keep_writing, &w), 0);
    for (int i = 0; i < 200; i++) {
        struct http_gzip z = { 0 };
        struct str body = str_of(w.body, SHARED_BYTES);
        struct str sends = http_gzip_piece(tables, &z, body, true);
        isal_inflate_init(&state);
        state.crc_flag = ISAL_GZIP;
        state.next_in = (uint8_t *)(uintptr_t)sends.data;
        state.avail_in = (uint32_t)sends.len;
        state.next_out = out;
        state.avail_out = sizeof(out);
        ck_assert_int_eq(isal_inflate(&state), ISAL_DECOMP_OK);
        ck_assert_int_eq(state.block_state, ISAL_BLOCK_FINISH);
    }
    atomic_store(&w.stop, true);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    http_gzip_tables_destroy(tables);
}
END_TEST

int main(void)
{
    TCase *tests;
    Suite *suite = leaks_suite("http_encoding", &tests);
    tcase_add_test(tests,
                   gzip_is_accepted_when_it_is_named_and_not_less_wanted_than_the_plain_body);
    tcase_add_test(tests, what_is_text_becomes_smaller);
    tcase_add_test(tests, bodies_are_compressed_when_that_is_worth_it_and_nobody_forbids_it);
    tcase_add_test(tests, a_body_of_another_length_than_it_says_is_left_for_the_client_to_see);
    tcase_add_test(tests, fields_of_routes_count);
    tcase_add_test(tests, a_compressed_answer_says_so_and_its_tag_is_weak);
    tcase_add_test(tests, each_piece_can_be_read_at_once_and_all_are_one_body);
    tcase_add_test(tests, what_an_instance_writes_meanwhile_is_in_the_body_or_is_not);
    return suite_run(suite);
}
