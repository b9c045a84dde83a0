/* What is set for a bucket as a document: checked, kept, given back. Most of it takes effect
 * elsewhere (CORS, notifications, lifecycles, encryption by default, websites...);
 * replication is kept for its clients only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/operations/s3_config.h"

#include <stdio.h>

#include "base/mem.h"
#include "control/s3/operations/s3_config_check.h"
#include "control/s3/operations/s3_config_fault.h"
#include "control/s3/s3_expiry.h"
#include "control/s3/s3_lifecycle.h"
#include "control/s3/s3_operations.h"
#include "control/s3/s3_tags.h"
#include "store/sql.h"

#define DOCUMENT_BYTES_MAX (512 * KIB) /* a thousand rules of lifecycle do fit */

/* From which size on a lifecycle moves objects elsewhere: a field beside its document, and a
 * setting of its own. */
#define LEAST_HEADER  "x-amz-transition-default-minimum-object-size"
#define LEAST_DEFAULT STR("all_storage_classes_128K")

/* clang-format off */
static const struct s3_config_kind kinds[] = {
    { "cors", "CORSConfiguration", NULL, S3_NO_SUCH_CORS, NULL, s3_config_check_cors },
    { "lifecycle", "LifecycleConfiguration", NULL, S3_NO_SUCH_LIFECYCLE, NULL, s3_config_check_lifecycle },
    { "website", "WebsiteConfiguration", NULL, S3_NO_SUCH_WEBSITE, NULL, s3_config_check_website },
    { "encryption", "ServerSideEncryptionConfiguration", NULL, S3_NO_SUCH_ENCRYPTION, NULL, s3_config_check_encryption },
    { "publicAccessBlock", "PublicAccessBlockConfiguration", NULL, 0, NULL, NULL },
    { "ownershipControls", "OwnershipControls", NULL, 0, NULL, s3_config_check_ownership },
    { "replication", "ReplicationConfiguration", NULL, S3_NO_SUCH_REPLICATION, NULL, s3_config_check_replication },
    { "tagging", "Tagging", NULL, S3_NO_SUCH_TAG_SET, NULL, s3_config_check_tagging },
    { "logging", "BucketLoggingStatus", NULL, S3_OK, "", s3_config_check_logging },
    { "requestPayment", "RequestPaymentConfiguration", NULL, S3_OK, "<Payer>BucketOwner</Payer>", s3_config_check_payment },
    { "accelerate", "AccelerateConfiguration", NULL, S3_OK, "", s3_config_check_accelerate },
    { "abac", "AbacStatus", NULL, S3_OK, "<Status>Disabled</Status>", s3_config_check_abac },
    { "metrics", "MetricsConfiguration", "ListMetricsConfigurationsResult", 0, NULL, NULL },
    { "analytics", "AnalyticsConfiguration", "ListBucketAnalyticsConfigurationResult", 0, NULL, s3_config_check_analytics },
    { "inventory", "InventoryConfiguration", "ListInventoryConfigurationsResult", 0, NULL, s3_config_check_inventory },
    { "intelligent-tiering", "IntelligentTieringConfiguration", "ListBucketIntelligentTieringConfigurationsOutput", 0, NULL, s3_config_check_tiering },
};
/* clang-format on */

const struct s3_config_kind *s3_config_kind(const struct s3_request *rq)
{
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        if (strcmp(kinds[i].name, rq->op->query) == 0) {
            return &kinds[i];
        }
    }
    return NULL; /* not reached: the table of operations names no others */
}

void s3_config_get(struct s3_request *rq)
{
    const struct s3_config_kind *k = s3_config_kind(rq);
    struct s3_xml_out o = { .out = &rq->body };
    struct str kept = s3_bucket_setting(rq->bucket, str_c(k->name));
    if (kept.data) {
        s3_xml_raw(&o, kept);
        if (strcmp(k->name, "lifecycle") == 0) {
            struct str least = s3_bucket_setting(rq->bucket, S3_LIFECYCLE_LEAST);
            s3_put_header(rq, LEAST_HEADER, least.data ? least : LEAST_DEFAULT);
        }
    } else if (k->absent != S3_OK) {
        s3_fail(rq, k->absent);
        return;
    } else {
        s3_xml_begin(&o, k->root);
        s3_xml_raw(&o, str_c(k->empty));
        s3_xml_close(&o, k->root);
    }
    s3_answer_xml(rq, 200, o.r);
}

/* ---- changes ---- */

struct change {
    char setting[S3_CONFIG_SETTING_BYTES];
    struct buf text;
    struct str least; /* of a lifecycle, or data NULL */
    bool removes;
};

static void free_change(void *state)
{
    struct change *c = state;
    buf_finish(&c->text);
    free(c);
}

/* NULL: it is too large, which was answered. */
static struct change *make_change(struct s3_request *rq, const char *setting, struct str text)
{
    struct change *c = s3_state(rq, sizeof(*c), free_change);
    *c = (struct change){ .removes = !text.data };
    (void)snprintf(c->setting, sizeof(c->setting), "%s", setting); /* fits */
    buf_init(&c->text, DOCUMENT_BYTES_MAX);
    if (buf_append(&c->text, text) < 0) {
        s3_fail(rq, S3_MALFORMED_XML);
        return NULL;
    }
    return c;
}

static int run_change(struct s3_request *rq, struct sql *db)
{
    const struct change *c = rq->state;
    int64_t bucket = rq->bucket->row.id;
    if (c->removes) {
        return store_buckets_remove_setting(db, bucket, str_c(c->setting));
    }
    int r = store_buckets_put_setting(db, bucket, str_c(c->setting), buf_str(&c->text));
    return r < 0 || !c->least.data
               ? r
               : store_buckets_put_setting(db, bucket, S3_LIFECYCLE_LEAST, c->least);
}

void s3_config_write(struct s3_request *rq, const char *setting, struct str text,
                     void (*done)(struct s3_request *rq, int r))
{
    if (make_change(rq, setting, text)) {
        s3_submit(rq, run_change, done);
    }
}

void s3_config_done(struct s3_request *rq, int r)
{
    s3_buckets_forget(rq->s3->buckets, rq->bucket_name);
    if (r < 0) {
        s3_fail(rq, r == -ENOENT ? S3_NO_SUCH_BUCKET : s3_error_of(r));
    } else {
        if (strcmp(rq->op->query, "lifecycle") == 0) {
            s3_expiry_wake(rq->s3->expiry);
        }
        bool is_bare = str_eq(rq->x->method, STR("DELETE")) || rq->op->run == s3_policy_put ||
                       rq->op->run == s3_config_put_tags;
        s3_answer(rq, is_bare ? 204 : 200);
    }
}

/* False: answered. */
static bool read_least(struct s3_request *rq, struct str *ret)
{
    char text[96];
    struct str least = s3_header(rq, LEAST_HEADER);
    if (strcmp(rq->op->query, "lifecycle") != 0) {
        return true;
    }
    *ret = least.data ? least : LEAST_DEFAULT;
    if (!str_eq(*ret, LEAST_DEFAULT) && !str_eq(*ret, STR("varies_by_storage_class"))) {
        (void)snprintf(text, sizeof(text),
                       "Invalid TransitionDefaultMinimumObjectSize found: " STR_FMT,
                       STR_ARG(least)); /* a long one is cut */
        s3_fail_text(rq, S3_INVALID_REQUEST, text);
        return false;
    }
    s3_put_header(rq, LEAST_HEADER, *ret);
    return true;
}

void s3_config_store(struct s3_request *rq, struct str text)
{
    struct str least = { NULL, 0 };
    struct change *c = read_least(rq, &least) ? make_change(rq, rq->op->query, text) : NULL;
    if (c) {
        c->least = least;
        s3_submit(rq, run_change, s3_config_done);
    }
}

static void store_document(struct s3_request *rq, const struct s3_xml_node *root)
{
    struct buf text;
    char name[64];
    buf_init(&text, DOCUMENT_BYTES_MAX);
    struct s3_xml_out o = { .out = &text };
    (void)snprintf(name, sizeof(name), STR_FMT, STR_ARG(root->name)); /* was compared */
    s3_xml_begin(&o, name);
    for (const struct s3_xml_node *child = root->first; child; child = child->next) {
        s3_config_put_node(&o, child);
    }
    s3_xml_close(&o, name);
    if (o.r < 0) {
        s3_fail(rq, S3_MALFORMED_XML);
    } else {
        s3_config_store(rq, buf_str(&text));
    }
    buf_finish(&text);
}

void s3_config_put(struct s3_request *rq)
{
    const struct s3_config_kind *k = s3_config_kind(rq);
    const struct s3_xml_node *root = s3_xml_root(rq->xml);
    if (!s3_xml_is(root, k->root)) {
        s3_fail(rq, S3_MALFORMED_XML);
    } else if (!k->check || k->check(rq, root)) {
        store_document(rq, root);
    }
}

void s3_config_delete(struct s3_request *rq)
{
    s3_config_write(rq, rq->op->query, str_of(NULL, 0), s3_config_done);
}

/* A bucket with no tags has no set of them. */
void s3_config_put_tags(struct s3_request *rq)
{
    const struct s3_xml_node *root = s3_xml_root(rq->xml);
    if (s3_xml_is(root, "Tagging") && !s3_xml_child(s3_xml_child(root, "TagSet"), "Tag")) {
        s3_config_delete(rq);
    } else {
        s3_config_put(rq);
    }
}
