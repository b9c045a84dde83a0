/* Signatures are checked against AWS's own examples
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html and its
 * neighbours) and against what botocore 1.43 signs.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/sign/aws_chunked.h"
#include "control/sign/aws_seed.h"
#include "control/sign/aws_sign.h"
#include "control/sign/aws_uri.h"
#include "leaks.h"

#define KEY        "AKIAIOSFODNN7EXAMPLE"
#define SECRET     "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define NOW        1369353600 /* 20130524T000000Z */
#define EMPTY      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define CREDENTIAL "AWS4-HMAC-SHA256 Credential=" KEY "/20130524/us-east-1/s3/aws4_request,"

static struct aws_users *example_users(void)
{
    struct aws_users *users = aws_users_create();
    aws_users_set_root(users, STR("mayfly"), STR(KEY), STR(SECRET));
    return users;
}

static enum aws_fault verify_at(struct aws_sign_request *request, const struct str *body,
                                uint64_t now_s, struct aws_signed *ret)
{
    request->body = body;
    request->now_s = now_s;
    struct aws_users *users = example_users();
    struct str detail;
    enum aws_fault fault = aws_sign_verify(request, users, ret, &detail);
    aws_users_destroy(users);
    return fault;
}

static enum aws_fault verify(struct aws_sign_request *request)
{
    struct aws_signed head;
    return verify_at(request, NULL, NOW, &head);
}

static struct aws_sign_request example_get(void)
{
    return (struct aws_sign_request){
        .now_s = NOW,
        .method = STR("GET"),
        .target = STR("/test.txt"),
        .host = STR("examplebucket.s3.amazonaws.com"),
        .headers = STR("range\0bytes=0-9\0x-amz-content-sha256\0" EMPTY
                       "\0x-amz-date\00020130524T000000Z\0authorization\0" CREDENTIAL
                       "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature="
                       "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41\0"),
    };
}

START_TEST(a_header_signs_a_request)
{
    struct aws_sign_request request = example_get();
    struct aws_signed head;
    ck_assert_int_eq(verify_at(&request, NULL, NOW, &head), AWS_FAULT_NONE);
    ck_assert_str_eq(head.scope.region, "us-east-1");
    ck_assert_str_eq(head.scope.service, "s3");
    ck_assert_int_eq(head.body, AWS_BODY_HASHED);
    ck_assert_int_eq(head.sha256[0], 0xe3);
}
END_TEST

START_TEST(what_was_signed_cannot_be_changed)
{
    struct aws_sign_request request = example_get();
    request.method = STR("PUT");
    ck_assert_int_eq(verify(&request), AWS_FAULT_MISMATCH);
    request = example_get();
    request.target = STR("/test.txt?acl");
    ck_assert_int_eq(verify(&request), AWS_FAULT_MISMATCH);
    request = example_get();
    request.host = STR("otherbucket.s3.amazonaws.com");
    ck_assert_int_eq(verify(&request), AWS_FAULT_MISMATCH);
}
END_TEST

START_TEST(a_path_is_signed_whether_or_not_it_was_escaped)
{
    struct aws_sign_request request = example_get();
    request.target = STR("/%74est.txt");
    ck_assert_int_eq(verify(&request), AWS_FAULT_NONE);
}
END_TEST

START_TEST(a_date_may_be_a_quarter_of_an_hour_off)
{
    struct aws_sign_request request = example_get();
    struct aws_signed head;
    ck_assert_int_eq(verify_at(&request, NULL, NOW + 900, &head), AWS_FAULT_NONE);
    ck_assert_int_eq(verify_at(&request, NULL, NOW - 900, &head), AWS_FAULT_NONE);
    ck_assert_int_eq(verify_at(&request, NULL, NOW + 901, &head), AWS_FAULT_SKEWED);
    ck_assert_int_eq(verify_at(&request, NULL, NOW - 901, &head), AWS_FAULT_SKEWED);
}
END_TEST

#define QUERY                                                                                      \
    "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" KEY                             \
    "%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires="
#define QUERY_END                                                                                  \
    "&X-Amz-SignedHeaders=host&X-Amz-Signature="                                                   \
    "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"

static struct aws_sign_request presigned(const char *target)
{
    return (struct aws_sign_request){ .method = STR("GET"),
                                      .target = str_c(target),
                                      .host = STR("examplebucket.s3.amazonaws.com") };
}

START_TEST(a_query_signs_a_request_for_as_long_as_it_says)
{
    struct aws_sign_request request = presigned(QUERY "86400" QUERY_END);
    struct aws_signed head;
    ck_assert_int_eq(verify_at(&request, NULL, NOW + 86400, &head), AWS_FAULT_NONE);
    ck_assert_int_eq(head.body, AWS_BODY_UNSIGNED);
    ck_assert_str_eq(head.scope.access_key, KEY);
    ck_assert_int_eq(verify_at(&request, NULL, NOW + 86401, &head), AWS_FAULT_EXPIRED);
    ck_assert_int_eq(verify_at(&request, NULL, NOW - 1000, &head), AWS_FAULT_NOT_YET);
}
END_TEST

START_TEST(a_query_can_only_ask_for_up_to_a_week)
{
    static const char *const bad[] = { "604801", "-1", "x", "", "99999999999999999999" };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        char target[512];
        (void)snprintf(target, sizeof(target), "%s%s%s", QUERY, bad[i], QUERY_END);
        struct aws_sign_request request = presigned(target);
        enum aws_fault fault = verify(&request);
        ck_assert_msg(fault == AWS_FAULT_BAD_EXPIRES || fault == AWS_FAULT_MALFORMED_QUERY, "%s",
                      bad[i]);
    }
    struct aws_sign_request request = presigned(QUERY "604800" QUERY_END);
    ck_assert_int_eq(verify(&request), AWS_FAULT_MISMATCH);
}
END_TEST

START_TEST(a_field_of_amazon_s_own_must_be_signed)
{
    struct aws_sign_request request = presigned(QUERY "86400" QUERY_END);
    request.headers = STR("x-amz-acl\0public-read\0");
    ck_assert_int_eq(verify(&request), AWS_FAULT_NOT_SIGNED);
}
END_TEST

START_TEST(a_body_is_part_of_what_is_signed_for_other_services)
{
    struct aws_sign_request request = {
        .method = STR("POST"),
        .target = STR("/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000"
                      "%3Afunction%3Ax/invocations?Qualifier=a%20b&B=1"),
        .host = STR("localhost:4566"),
        .headers = STR("content-type\0application/json\0x-two\0a   b\0x-amz-date\0"
                       "20130524T000000Z\0authorization\0AWS4-HMAC-SHA256 Credential=" KEY
                       "/20130524/eu-west-1/lambda/aws4_request, SignedHeaders=content-type;host;"
                       "x-amz-date;x-two, Signature="
                       "965f92d8bf887551c7050aee9abc6fe9ee7873360a7266bcb2fdce7df5fc6acf\0"),
    };
    struct str body = STR("{\"a\": 1}"), other = STR("{\"a\": 2}");
    struct aws_signed head;
    ck_assert_int_eq(verify_at(&request, &body, NOW, &head), AWS_FAULT_NONE);
    ck_assert_str_eq(head.scope.service, "lambda");
    ck_assert_int_eq(verify_at(&request, &other, NOW, &head), AWS_FAULT_MISMATCH);
}
END_TEST

START_TEST(a_body_s_digest_in_the_head_is_no_way_around_it)
{
    struct aws_sign_request request = example_get();
    struct str empty = STR(""), other = STR("x");
    struct aws_signed head;
    ck_assert_int_eq(verify_at(&request, &empty, NOW, &head), AWS_FAULT_NONE);
    ck_assert_int_eq(verify_at(&request, &other, NOW, &head), AWS_FAULT_MISMATCH);
}
END_TEST

static enum aws_fault verify_headers(const char *headers, size_t len)
{
    struct aws_sign_request request = example_get();
    request.headers = str_of(headers, len);
    return verify(&request);
}
#define VERIFY_HEADERS(literal) verify_headers(literal, sizeof(literal) - 1)

START_TEST(every_other_way_to_say_who_one_is_has_its_fault)
{
    ck_assert_int_eq(VERIFY_HEADERS(""), AWS_FAULT_NONE); /* anonymous */
    ck_assert_int_eq(VERIFY_HEADERS("authorization\0AWS " KEY ":sig\0"), AWS_FAULT_BAD_DATE);
    ck_assert_int_eq(VERIFY_HEADERS("authorization\0Bearer x\0"), AWS_FAULT_UNSUPPORTED);
    ck_assert_int_eq(VERIFY_HEADERS("authorization\0AWS4-HMAC-SHA256 Credential=x\0"),
                     AWS_FAULT_MALFORMED_HEADER);
    ck_assert_int_eq(VERIFY_HEADERS("authorization\0" CREDENTIAL "SignedHeaders=host\0"),
                     AWS_FAULT_MALFORMED_HEADER);
    ck_assert_int_eq(
        VERIFY_HEADERS("authorization\0" CREDENTIAL "SignedHeaders=host,Signature=0\0"),
        AWS_FAULT_NO_CONTENT_SHA256);
    ck_assert_int_eq(VERIFY_HEADERS("authorization\0" CREDENTIAL "SignedHeaders=host,Signature=0\0"
                                    "x-amz-content-sha256\0x\0"),
                     AWS_FAULT_BAD_CONTENT_SHA256);
    ck_assert_int_eq(VERIFY_HEADERS("authorization\0" CREDENTIAL "SignedHeaders=host,Signature=0\0"
                                    "x-amz-content-sha256\0" EMPTY "\0"),
                     AWS_FAULT_BAD_DATE);
    struct aws_sign_request request = example_get();
    request.target = STR("/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256");
    ck_assert_int_eq(verify(&request), AWS_FAULT_TWICE);
}
END_TEST

START_TEST(an_access_key_nobody_has_is_told_apart_from_a_wrong_secret)
{
    struct aws_sign_request request = example_get();
    struct aws_users *users = aws_users_create();
    struct aws_signed head;
    struct str detail;
    aws_users_set_root(users, STR("mayfly"), STR("mayfly"), STR("x"));
    ck_assert_int_eq(aws_sign_verify(&request, users, &head, &detail), AWS_FAULT_UNKNOWN_KEY);
    ck_assert(str_eq(detail, STR(KEY)));
    aws_users_set_root(users, STR("mayfly"), STR(KEY), STR("x"));
    ck_assert_int_eq(aws_sign_verify(&request, users, &head, &detail), AWS_FAULT_MISMATCH);
    aws_users_destroy(users);
}
END_TEST

START_TEST(functions_get_keys_of_their_own_once)
{
    struct aws_users *users = example_users();
    const struct aws_user *a = aws_users_function(users, STR("lambda/a"));
    const struct aws_user *b = aws_users_function(users, STR("lambda/b"));
    ck_assert_ptr_eq(aws_users_function(users, STR("lambda/a")), a);
    ck_assert(!str_eq(a->access_key, b->access_key) && !str_eq(a->secret, b->secret));
    ck_assert(str_eq(a->canonical_id, aws_users_root(users)->canonical_id));
    ck_assert_ptr_eq(aws_users_find(users, b->access_key), b);
    aws_users_destroy(users);
}
END_TEST

START_TEST(a_functions_keys_are_made_of_its_name_and_the_seed)
{
    static const uint8_t seeds[2][AWS_SEED_BYTES] = { { 1 }, { 2 } };
    char keys[3][AWS_KEY_ID_BYTES];
    for (size_t i = 0; i < 3; i++) {
        struct aws_users *users = example_users();
        aws_users_set_seed(users, seeds[i == 2]);
        const struct aws_user *user = aws_users_function(users, STR("lambda/a"));
        (void)snprintf(keys[i], sizeof(keys[i]), STR_FMT " " STR_FMT, STR_ARG(user->access_key),
                       STR_ARG(user->secret));
        aws_users_destroy(users);
    }
    ck_assert_str_eq(keys[0], keys[1]);
    ck_assert_str_ne(keys[0], keys[2]);
}
END_TEST

START_TEST(the_seed_outlives_the_process_and_is_for_its_user_only)
{
    char folder[] = "/tmp/mayfly-seed-XXXXXX";
    char path[64];
    uint8_t first[AWS_SEED_BYTES];
    uint8_t second[AWS_SEED_BYTES];
    struct err err = { 0 };
    struct stat stat_of;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/secret", folder);
    ck_assert_int_eq(aws_seed_load(folder, first, &err), 0);
    ck_assert_int_eq(aws_seed_load(folder, second, &err), 0);
    ck_assert_mem_eq(first, second, sizeof(first));
    ck_assert_int_eq(stat(path, &stat_of), 0);
    ck_assert_uint_eq(stat_of.st_mode & 0777, 0600);
    ck_assert_int_eq(truncate(path, 7), 0);
    ck_assert_int_eq(aws_seed_load(folder, second, &err), -EBADMSG);
    ck_assert_ptr_nonnull(strstr(err.text, "remove it"));
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(symlink("/dev/zero", path), 0);
    ck_assert_int_eq(aws_seed_load(folder, second, &err), -ELOOP);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(folder), 0);
    ck_assert_int_eq(aws_seed_load(folder, second, &err), -ENOENT);
}
END_TEST

START_TEST(what_should_have_been_signed_is_told)
{
    struct aws_sign_request request = example_get();
    struct buf canonical, to_sign;
    buf_init(&canonical, 4096);
    buf_init(&to_sign, 4096);
    aws_sign_explain(&request, &canonical, &to_sign);
    ck_assert(str_eq(buf_str(&canonical),
                     STR("GET\n/test.txt\n\nhost:examplebucket.s3.amazonaws.com\nrange:bytes=0-9\n"
                         "x-amz-content-sha256:" EMPTY "\nx-amz-date:20130524T000000Z\n\n"
                         "host;range;x-amz-content-sha256;x-amz-date\n" EMPTY)));
    ck_assert(str_eq(buf_str(&to_sign),
                     STR("AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n"
                         "7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972")));
    buf_finish(&canonical);
    buf_finish(&to_sign);
}
END_TEST

/* The example of three chunks, cut into pieces of `step` bytes. */
static int decode_example(char *body, size_t len, size_t step, uint64_t *ret_decoded)
{
    struct aws_sign_request request = {
        .now_s = NOW,
        .method = STR("PUT"),
        .target = STR("/examplebucket/chunkObject.txt"),
        .host = STR("s3.amazonaws.com"),
        .headers = STR("x-amz-date\00020130524T000000Z\0x-amz-storage-class\0REDUCED_REDUNDANCY\0"
                       "x-amz-content-sha256\0STREAMING-AWS4-HMAC-SHA256-PAYLOAD\0"
                       "content-encoding\0aws-chunked\0x-amz-decoded-content-length\00066560\0"
                       "content-length\00066824\0authorization\0" CREDENTIAL
                       "SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;"
                       "x-amz-date;x-amz-decoded-content-length;x-amz-storage-class,Signature="
                       "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9\0"),
    };
    struct aws_users *users = example_users();
    struct aws_signed head;
    struct aws_chunked chunked;
    struct str detail, data;
    ck_assert_int_eq(aws_sign_verify(&request, users, &head, &detail), AWS_FAULT_NONE);
    ck_assert_int_eq(head.body, AWS_BODY_CHUNKS);
    aws_chunked_init(&chunked, &head);
    int r = AWS_CHUNKED_MORE;
    for (size_t at = 0; r >= 0 && at < len; at += step) {
        struct str in = str_of(body + at, len - at < step ? len - at : step);
        do {
            r = aws_chunked_decode(&chunked, &in, &data);
        } while (r == AWS_CHUNKED_DATA);
    }
    *ret_decoded = chunked.decoded;
    aws_chunked_finish(&chunked);
    aws_users_destroy(users);
    return r;
}

static size_t example_chunks(char *body, size_t size)
{
    static const struct {
        size_t len;
        const char *signature;
    } chunks[] = {
        { 65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648" },
        { 1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497" },
        { 0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9" },
    };
    size_t len = 0;
    for (size_t i = 0; i < ARRAY_COUNT(chunks); i++) {
        len += (size_t)snprintf(body + len, size - len, "%zx;chunk-signature=%s\r\n", chunks[i].len,
                                chunks[i].signature);
        memset(body + len, 'a', chunks[i].len);
        len += chunks[i].len;
        memcpy(body + len, "\r\n", 2);
        len += 2;
    }
    return len;
}

START_TEST(signed_chunks_are_decoded_however_they_arrive)
{
    static const size_t steps[] = { 1, 7, 1000, 65536, 100000 };
    static char body[70000];
    uint64_t decoded;
    size_t len = example_chunks(body, sizeof(body));
    for (size_t i = 0; i < ARRAY_COUNT(steps); i++) {
        ck_assert_int_eq(decode_example(body, len, steps[i], &decoded), AWS_CHUNKED_END);
        ck_assert_uint_eq(decoded, 66560);
    }
    ck_assert_int_eq(decode_example(body, len - 2, 7, &decoded), AWS_CHUNKED_MORE);
}
END_TEST

START_TEST(a_changed_chunk_is_noticed)
{
    static char body[70000];
    uint64_t decoded;
    size_t len = example_chunks(body, sizeof(body));
    body[30000] = 'b';
    ck_assert_int_eq(decode_example(body, len, 1000, &decoded), -EACCES);
}
END_TEST

static int decode_unsigned(const char *body, char *ret_data, struct buf *trailer)
{
    struct aws_signed head = { .body = AWS_BODY_CHUNKS_UNSIGNED, .trailer = true };
    struct aws_chunked chunked;
    struct str in = str_c(body), data;
    size_t len = 0;
    int r;
    aws_chunked_init(&chunked, &head);
    while ((r = aws_chunked_decode(&chunked, &in, &data)) == AWS_CHUNKED_DATA) {
        memcpy(ret_data + len, data.data, data.len);
        len += data.len;
    }
    ret_data[len] = '\0';
    ck_assert_int_eq(buf_append(trailer, buf_str(&chunked.trailer)), 0);
    aws_chunked_finish(&chunked);
    return r;
}

START_TEST(unsigned_chunks_end_in_fields)
{
    char data[64];
    struct buf trailer;
    buf_init(&trailer, 4096);
    ck_assert_int_eq(decode_unsigned("3\r\nabc\r\nA\r\n0123456789\r\n0\r\n"
                                     "X-Amz-Checksum-Crc32: AAAAAA==\r\n\r\n",
                                     data, &trailer),
                     AWS_CHUNKED_END);
    ck_assert_str_eq(data, "abc0123456789");
    ck_assert(str_eq(buf_str(&trailer), STR("x-amz-checksum-crc32\0AAAAAA==\0")));
    buf_finish(&trailer);
}
END_TEST

START_TEST(malformed_chunks_are_refused)
{
    static const char *const bad[] = { "x\r\n",      "\r\n",           "3\nabc",
                                       "3\r\nabcd",  "3\r\nabc\r\r",   "11111111111111111\r\n",
                                       "-1\r\n",     "0\r\nname\r\n",  "0\r\n: x\r\n",
                                       "0\r\n\r\nx", "0\r\na b: c\r\n" };
    char data[64];
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct buf trailer;
        buf_init(&trailer, 4096);
        ck_assert_msg(decode_unsigned(bad[i], data, &trailer) == -EBADMSG, "%s", bad[i]);
        buf_finish(&trailer);
    }
}
END_TEST

START_TEST(base64_is_strict_and_round)
{
    char text[AWS_BASE64_BYTES(8)];
    uint8_t bytes[8];
    ck_assert(str_eq(aws_base64((const uint8_t *)"\x00\xff\x10\x80", 4, text), STR("AP8QgA==")));
    ck_assert(aws_base64_decode(STR("AP8QgA=="), bytes, 4));
    ck_assert_int_eq(memcmp(bytes, "\x00\xff\x10\x80", 4), 0);
    ck_assert(!aws_base64_decode(STR("AP8QgB=="), bytes, 4)); /* bits behind the end */
    ck_assert(!aws_base64_decode(STR("AP8QgA="), bytes, 4));
    ck_assert(!aws_base64_decode(STR("AP8QgA=="), bytes, 5));
    ck_assert(!aws_base64_decode(STR("AP8Q A=="), bytes, 4));
}
END_TEST

START_TEST(escapes_are_decoded_and_made)
{
    struct buf b;
    buf_init(&b, 64);
    ck_assert_int_eq(aws_uri_decode(&b, STR("a%2Fb+%e4"), AWS_URI_PLUS), 0);
    ck_assert(str_eq(buf_str(&b), STR("a/b+\xe4")));
    ck_assert_int_eq(aws_uri_decode(&b, STR("%2"), AWS_URI_PLUS), -EBADMSG);
    ck_assert_int_eq(aws_uri_decode(&b, STR("%zz"), AWS_URI_PLUS), -EBADMSG);
    buf_clear(&b);
    ck_assert_int_eq(aws_uri_encode(&b, STR("a/b ~*"), '/'), 0);
    ck_assert(str_eq(buf_str(&b), STR("a/b%20~%2A")));
    buf_finish(&b);
}
END_TEST

int main(void)
{
    TCase *c;
    Suite *suite = leaks_suite("aws_sign", &c);
    tcase_add_test(c, a_header_signs_a_request);
    tcase_add_test(c, what_was_signed_cannot_be_changed);
    tcase_add_test(c, a_path_is_signed_whether_or_not_it_was_escaped);
    tcase_add_test(c, a_date_may_be_a_quarter_of_an_hour_off);
    tcase_add_test(c, a_query_signs_a_request_for_as_long_as_it_says);
    tcase_add_test(c, a_query_can_only_ask_for_up_to_a_week);
    tcase_add_test(c, a_field_of_amazon_s_own_must_be_signed);
    tcase_add_test(c, a_body_is_part_of_what_is_signed_for_other_services);
    tcase_add_test(c, a_body_s_digest_in_the_head_is_no_way_around_it);
    tcase_add_test(c, every_other_way_to_say_who_one_is_has_its_fault);
    tcase_add_test(c, an_access_key_nobody_has_is_told_apart_from_a_wrong_secret);
    tcase_add_test(c, functions_get_keys_of_their_own_once);
    tcase_add_test(c, a_functions_keys_are_made_of_its_name_and_the_seed);
    tcase_add_test(c, the_seed_outlives_the_process_and_is_for_its_user_only);
    tcase_add_test(c, what_should_have_been_signed_is_told);
    tcase_add_test(c, signed_chunks_are_decoded_however_they_arrive);
    tcase_add_test(c, a_changed_chunk_is_noticed);
    tcase_add_test(c, unsigned_chunks_end_in_fields);
    tcase_add_test(c, malformed_chunks_are_refused);
    tcase_add_test(c, base64_is_strict_and_round);
    tcase_add_test(c, escapes_are_decoded_and_made);
    return suite_run(suite);
}
