/* What is set for a bucket as a document: checked, kept, given back. Most of it takes effect
 * elsewhere (CORS, notifications, lifecycles, encryption by default...); websites and
 * replication are kept for their clients only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_config.h"

#include <stdio.h>

#include "base/mem.h"
#include "control/s3/s3_config_check.h"
#include "control/s3/s3_expiry.h"
#include "control/s3/s3_operations.h"
#include "control/s3/s3_tags.h"
#include "store/sql.h"

#define DOCUMENT_BYTES_MAX (512 * KIB) /* a thousand rules of lifecycle do fit */

/* From which size on a lifecycle moves objects elsewhere: a field beside its document, and a
 * setting of its own. */
#define LEAST_HEADER  "x-amz-transition-default-minimum-object-size"
#define LEAST_SETTING STR("lifecycle-least")
#define LEAST_DEFAULT STR("all_storage_classes_128K")

/* clang-format off */
static const struct kind {
    const char *name; /* of the parameter */
    const char *root;
    enum s3_error absent; /* what GET answers without one; S3_OK: an empty document */
    const char *empty;    /* ... with this inside */
    s3_config_check_fn check;
} kinds[] = {
    { "cors", "CORSConfiguration", S3_NO_SUCH_CORS, NULL, s3_config_check_cors },
    { "lifecycle", "LifecycleConfiguration", S3_NO_SUCH_LIFECYCLE, NULL, s3_config_check_lifecycle },
    { "website", "WebsiteConfiguration", S3_NO_SUCH_WEBSITE, NULL, s3_config_check_website },
    { "encryption", "ServerSideEncryptionConfiguration", S3_NO_SUCH_ENCRYPTION, NULL, s3_config_check_encryption },
    { "publicAccessBlock", "PublicAccessBlockConfiguration", S3_NO_SUCH_PUBLIC_BLOCK, NULL, NULL },
    { "ownershipControls", "OwnershipControls", S3_NO_SUCH_OWNERSHIP, NULL, s3_config_check_ownership },
    { "replication", "ReplicationConfiguration", S3_NO_SUCH_REPLICATION, NULL, NULL },
    { "tagging", "Tagging", S3_NO_SUCH_TAG_SET, NULL, s3_config_check_tagging },
    { "logging", "BucketLoggingStatus", S3_OK, "", s3_config_check_logging },
    { "requestPayment", "RequestPaymentConfiguration", S3_OK, "<Payer>BucketOwner</Payer>", s3_config_check_payment },
    { "accelerate", "AccelerateConfiguration", S3_OK, "", NULL },
};
/* clang-format on */

struct put_state {
    struct buf text;
    struct str least; /* of a lifecycle, or data NULL */
};

static void free_put(void *state)
{
    struct put_state *p = state;
    buf_finish(&p->text);
    free(p);
}

static const struct kind *kind_of(const struct s3_request *rq)
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
    const struct kind *k = kind_of(rq);
    struct s3_xml_out o = { .out = &rq->body };
    struct str kept = s3_bucket_setting(rq->bucket, str_c(k->name));
    if (kept.data) {
        s3_xml_raw(&o, kept);
        if (strcmp(k->name, "lifecycle") == 0) {
            struct str least = s3_bucket_setting(rq->bucket, LEAST_SETTING);
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

static int run_put(struct s3_request *rq, struct sql *db)
{
    const struct put_state *p = rq->state;
    int r =
        store_buckets_put_setting(db, rq->bucket->row.id, str_c(rq->op->query), buf_str(&p->text));
    return r < 0 || !p->least.data
               ? r
               : store_buckets_put_setting(db, rq->bucket->row.id, LEAST_SETTING, p->least);
}

static int run_delete(struct s3_request *rq, struct sql *db)
{
    return store_buckets_remove_setting(db, rq->bucket->row.id, str_c(rq->op->query));
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
        bool is_bare = str_eq(rq->x->method, STR("DELETE")) || rq->op->run == s3_policy_put;
        s3_answer(rq, is_bare ? 204 : 200);
    }
}

/* False: answered. */
static bool read_least(struct s3_request *rq, struct put_state *p)
{
    char text[96];
    struct str least = s3_header(rq, LEAST_HEADER);
    if (strcmp(rq->op->query, "lifecycle") != 0) {
        return true;
    }
    p->least = least.data ? least : LEAST_DEFAULT;
    if (!str_eq(p->least, LEAST_DEFAULT) && !str_eq(p->least, STR("varies_by_storage_class"))) {
        (void)snprintf(text, sizeof(text),
                       "Invalid TransitionDefaultMinimumObjectSize found: " STR_FMT,
                       STR_ARG(least)); /* a long one is cut */
        s3_fail_text(rq, S3_INVALID_REQUEST, text);
        return false;
    }
    s3_put_header(rq, LEAST_HEADER, p->least);
    return true;
}

void s3_config_store(struct s3_request *rq, struct str text)
{
    struct put_state *p = s3_state(rq, sizeof(*p), free_put);
    buf_init(&p->text, DOCUMENT_BYTES_MAX);
    p->least = (struct str){ NULL, 0 };
    if (!read_least(rq, p)) {
        return;
    }
    if (buf_append(&p->text, text) < 0) {
        s3_fail(rq, S3_MALFORMED_XML);
    } else {
        s3_submit(rq, run_put, s3_config_done);
    }
}

void s3_config_store_document(struct s3_request *rq, const struct s3_xml_node *root)
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
    const struct kind *k = kind_of(rq);
    const struct s3_xml_node *root = s3_xml_root(rq->xml);
    if (!s3_xml_is(root, k->root)) {
        s3_fail(rq, S3_MALFORMED_XML);
    } else if (!k->check || k->check(rq, root)) {
        s3_config_store_document(rq, root);
    }
}

void s3_config_delete(struct s3_request *rq)
{
    s3_submit(rq, run_delete, s3_config_done);
}
