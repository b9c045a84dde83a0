/* What is set for a bucket many times over, each under an id: metrics, analytics, inventories and
 * archives. Checked, kept and given back for their clients; nothing here acts on them.
 *
 * Kept as a setting "kind:id" with what is inside its document.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/mem.h"
#include "control/s3/operations/s3_config.h"
#include "control/s3/s3_operations.h"

#define CONFIGURATIONS_MAX 1000
#define PAGE_MAX           100
#define DOCUMENT_BYTES_MAX (16 * KIB)

/* Letters, digits, dots, dashes and underscores. */
static bool is_id(struct str id)
{
    for (size_t i = 0; i < id.len; i++) {
        char c = id.data[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && !(c >= '0' && c <= '9') && c != '.' && c != '-' && c != '_') {
            return false;
        }
    }
    return id.len > 0 && id.len <= S3_CONFIG_ID_LEN_MAX;
}

/* False: answered. */
static bool read_setting(struct s3_request *rq, char ret[S3_CONFIG_SETTING_BYTES])
{
    struct str id = s3_param(rq, "id");
    if (!is_id(id)) {
        s3_fail_argument(rq, "Invalid configuration id: up to 64 letters, digits, '.', '-', '_'",
                         "id", id);
        return false;
    }
    (void)snprintf(ret, S3_CONFIG_SETTING_BYTES, "%s:" STR_FMT, rq->op->query,
                   STR_ARG(id)); /* fits */
    return true;
}

static bool has_setting(struct s3_request *rq, const char *setting, struct str *ret)
{
    *ret = s3_bucket_setting(rq->bucket, str_c(setting));
    if (!ret->data) {
        s3_fail_custom(rq, 404, "NoSuchConfiguration",
                       "The specified configuration does not exist.");
    }
    return ret->data;
}

/* ---- lists ---- */

struct page {
    struct s3_xml_out out;
    const struct s3_config_kind *kind;
    struct str after, last; /* ids */
    size_t count;
    bool truncated;
};

static void put_listed(struct str setting, struct str text, void *context)
{
    struct page *p = context;
    struct str id = setting;
    if (!str_eq(str_cut(&id, ':'), str_c(p->kind->name)) || id.len == 0 ||
        (p->after.data && str_compare(id, p->after) <= 0)) {
        return;
    }
    if (p->count == PAGE_MAX) {
        p->truncated = true;
        return;
    }
    p->count++;
    p->last = id;
    s3_xml_open(&p->out, p->kind->root);
    s3_xml_raw(&p->out, text);
    s3_xml_close(&p->out, p->kind->root);
}

static void list_all(struct s3_request *rq)
{
    struct page p = { .out = { .out = &rq->body },
                      .kind = s3_config_kind(rq),
                      .after = s3_param(rq, "continuation-token") };
    s3_xml_begin(&p.out, p.kind->list);
    s3_bucket_settings(rq->bucket, put_listed, &p);
    s3_xml_put_bool(&p.out, "IsTruncated", p.truncated);
    if (p.after.data) {
        s3_xml_put(&p.out, "ContinuationToken", p.after);
    }
    if (p.truncated) {
        s3_xml_put(&p.out, "NextContinuationToken", p.last);
    }
    s3_xml_close(&p.out, p.kind->list);
    s3_answer_xml(rq, 200, p.out.r);
}

/* ---- one ---- */

void s3_config_get_named(struct s3_request *rq)
{
    const struct s3_config_kind *k = s3_config_kind(rq);
    struct s3_xml_out o = { .out = &rq->body };
    char setting[S3_CONFIG_SETTING_BYTES];
    struct str text;
    if (!s3_has_param(rq, "id")) {
        list_all(rq);
    } else if (read_setting(rq, setting) && has_setting(rq, setting, &text)) {
        s3_xml_begin(&o, k->root);
        s3_xml_raw(&o, text);
        s3_xml_close(&o, k->root);
        s3_answer_xml(rq, 200, o.r);
    }
}

static void changed(struct s3_request *rq, int r)
{
    s3_buckets_forget(rq->s3->buckets, rq->bucket_name);
    if (r < 0) {
        s3_fail(rq, r == -ENOENT ? S3_NO_SUCH_BUCKET : s3_error_of(r));
    } else {
        s3_answer(rq, 204);
    }
}

static void count_kind(struct str setting, struct str text, void *context)
{
    struct page *p = context;
    (void)text;
    p->count += str_eq(str_cut(&setting, ':'), str_c(p->kind->name)) && setting.len > 0;
}

static bool has_room(struct s3_request *rq, const char *setting)
{
    struct page p = { .kind = s3_config_kind(rq) };
    s3_bucket_settings(rq->bucket, count_kind, &p);
    bool is_new = !s3_bucket_setting(rq->bucket, str_c(setting)).data;
    if (is_new && p.count >= CONFIGURATIONS_MAX) {
        s3_fail_custom(rq, 400, "TooManyConfigurations",
                       "You are attempting to create a new configuration but have already reached "
                       "the 1,000-configuration limit.");
        return false;
    }
    return true;
}

/* The document says the id, too. */
static bool check_document(struct s3_request *rq, const struct s3_config_kind *k)
{
    const struct s3_xml_node *root = s3_xml_root(rq->xml);
    bool is_same = str_eq(s3_xml_text(root, "Id"), s3_param(rq, "id"));
    if (s3_xml_is(root, k->root) && !is_same && k->check == s3_config_check_inventory) {
        s3_fail_custom(rq, 400, "IdMismatch",
                       "Document ID does not match the specified configuration ID.");
        return false;
    }
    if (!s3_xml_is(root, k->root) || !is_same) {
        s3_fail(rq, S3_MALFORMED_XML);
        return false;
    }
    return !k->check || k->check(rq, root);
}

void s3_config_put_named(struct s3_request *rq)
{
    char setting[S3_CONFIG_SETTING_BYTES];
    if (!read_setting(rq, setting) || !check_document(rq, s3_config_kind(rq)) ||
        !has_room(rq, setting)) {
        return;
    }
    struct buf text;
    buf_init(&text, DOCUMENT_BYTES_MAX);
    struct s3_xml_out o = { .out = &text };
    const struct s3_xml_node *root = s3_xml_root(rq->xml);
    for (const struct s3_xml_node *child = root->first; child; child = child->next) {
        s3_xml_put_node(&o, child);
    }
    if (o.r < 0) {
        s3_fail(rq, S3_MALFORMED_XML); /* larger than any of S3's can be */
    } else {
        s3_config_write(rq, setting, buf_str(&text), changed);
    }
    buf_finish(&text);
}

void s3_config_delete_named(struct s3_request *rq)
{
    char setting[S3_CONFIG_SETTING_BYTES];
    struct str text;
    if (read_setting(rq, setting) && has_setting(rq, setting, &text)) {
        s3_config_write(rq, setting, str_of(NULL, 0), changed);
    }
}
