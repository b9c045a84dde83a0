/* Documents that clients set of buckets and objects: access lists, tags, rules for browsers'
 * requests and notifications. The input is the XML, or what a head has in its stead. What is taken,
 * stored, and written for a client, reads as the same again; what is refused is told why.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>

#include "control/s3/s3_acl.h"
#include "control/s3/s3_cors.h"
#include "control/s3/s3_notification.h"
#include "control/s3/s3_tags.h"

#define TEXT_BYTES_MAX (1 * MIB)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- access lists ---- */

static struct aws_users *make_users(void)
{
    struct aws_users *users = aws_users_create();
    const struct aws_user alice = { .kind = AWS_USER_PROJECT,
                                    .name = STR("alice"),
                                    .access_key = STR("A"),
                                    .secret = STR("B"),
                                    .canonical_id = STR("a1"),
                                    .display_name = STR("<&>"),
                                    .email = STR("alice@example.com") };
    aws_users_set_root(users, STR("root"), STR("R"), STR("S"));
    int r = aws_users_add(users, &alice);
    assert(r == 0);
    return users;
}

static bool has_grant(const struct s3_acl *acl, const struct s3_grant *wanted)
{
    for (size_t i = 0; i < acl->count; i++) {
        const struct s3_grant *g = &acl->grants[i];
        if (g->grantee == wanted->grantee && g->permission == wanted->permission &&
            (g->grantee != S3_GRANTEE_USER || str_eq(g->id, wanted->id))) {
            return true;
        }
    }
    return false;
}

/* In any order. */
static void check_same_acl(const struct s3_acl *a, const struct s3_acl *b)
{
    assert(a->count == b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert(has_grant(b, &a->grants[i]));
    }
}

static void check_acl(const struct s3_acl *acl, const struct aws_users *users)
{
    struct s3_acl loaded, told;
    struct s3_acl_fault fault = { 0 };
    struct buf stored, xml;
    buf_init(&stored, S3_ACL_BYTES_MAX);
    buf_init(&xml, TEXT_BYTES_MAX);
    struct s3_xml_out out = { .out = &xml };
    int r = s3_acl_store(acl, &stored);
    assert(r == 0);
    s3_acl_load(buf_str(&stored), STR("a1"), &loaded);
    check_same_acl(acl, &loaded);
    s3_acl_to_xml(&loaded, STR("a1"), users, &out);
    assert(out.r == 0);
    scoped_s3_xml struct s3_xml *again = s3_xml_parse(buf_str(&xml));
    enum s3_error error = s3_acl_from_xml(s3_xml_root(again), users, STR("a1"), &told, &fault);
    assert(error == S3_OK);
    check_same_acl(acl, &told);
    buf_finish(&stored);
    buf_finish(&xml);
}

static void check_access(const struct s3_xml_node *root, struct str header)
{
    struct aws_users *users = make_users();
    static struct s3_acl acl; /* it is large */
    struct s3_acl_fault fault = { 0 };
    enum s3_error error = s3_acl_from_xml(root, users, STR("a1"), &acl, &fault);
    if (error == S3_OK) {
        check_acl(&acl, users);
    }
    assert(error != S3_INVALID_ARGUMENT || fault.text);
    acl.count = 0;
    error = s3_acl_grant_header(header, S3_READ_ACP, users, &acl, &fault);
    if (error == S3_OK) {
        check_acl(&acl, users);
    }
    assert(error != S3_INVALID_ARGUMENT || fault.text);
    aws_users_destroy(users);
}

/* ---- tags ---- */

static void check_tags(struct str tags, size_t most)
{
    struct s3_tags_fault fault;
    struct buf xml, again;
    buf_init(&xml, TEXT_BYTES_MAX);
    buf_init(&again, S3_TAG_BYTES_MAX);
    struct s3_xml_out out = { .out = &xml };
    assert(s3_tags_count(tags) <= most);
    s3_tags_to_xml(tags, &out);
    assert(out.r == 0);
    scoped_s3_xml struct s3_xml *document = s3_xml_parse(buf_str(&xml));
    enum s3_error error = s3_tags_from_xml(s3_xml_root(document), most, &again, &fault);
    assert(error == S3_OK && str_eq(buf_str(&again), tags));
    buf_finish(&xml);
    buf_finish(&again);
}

static void check_tagging(const struct s3_xml_node *root, struct str header)
{
    struct s3_tags_fault fault;
    struct buf tags;
    buf_init(&tags, S3_TAG_BYTES_MAX);
    if (s3_tags_from_xml(root, S3_TAGS_OF_BUCKET, &tags, &fault) == S3_OK) {
        check_tags(buf_str(&tags), S3_TAGS_OF_BUCKET);
    }
    buf_clear(&tags);
    if (s3_tags_from_query(header, &tags, &fault) == S3_OK) {
        check_tags(buf_str(&tags), S3_TAGS_OF_OBJECT);
    } else {
        assert(fault.text);
    }
    buf_finish(&tags);
}

/* ---- rules for browsers, notifications ---- */

static void check_cors(const struct s3_xml_node *root)
{
    char memory[256];
    struct buf fields;
    const struct s3_cors_question question = { STR("http://a.example"), STR("GET"),
                                               STR("x-a, X-B") };
    if (s3_cors_check(root, memory)) {
        return;
    }
    const struct s3_xml_node *rule = s3_cors_find(root, &question);
    if (rule) {
        buf_init(&fields, TEXT_BYTES_MAX);
        s3_cors_put(rule, question.origin, &fields);
        buf_finish(&fields);
    }
}

static void take_target(const struct s3_target *target, void *context)
{
    (void)context;
    assert(target->function.len == 0 || target->queue.len == 0);
}

static void take_destination(const struct s3_destination *destination, void *context)
{
    (void)context;
    assert(destination->name.len <= destination->arn.len);
}

static void check_notification(const struct s3_xml_node *root)
{
    struct s3_notification_fault fault = { 0 };
    if (!s3_notification_check(root, &fault)) {
        assert(fault.is_malformed || (fault.text && fault.argument));
        return;
    }
    s3_notification_match(root, STR("ObjectCreated:Put"), STR("in/a.jpg"), take_target, NULL);
    s3_notification_destinations(root, take_destination, NULL);
    (void)s3_notification_has_event_bridge(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_of((const char *)data, size);
    scoped_s3_xml struct s3_xml *x = s3_xml_parse(text);
    const struct s3_xml_node *root = x ? s3_xml_root(x) : NULL;
    check_access(root, text);
    check_tagging(root, text);
    if (root) {
        check_cors(root);
        check_notification(root);
    }
    return 0;
}
