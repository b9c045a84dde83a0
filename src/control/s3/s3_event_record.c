/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_event_record.h"

#include <stdio.h>

#include "control/s3/s3_archive.h"
#include "control/s3/s3_version.h"
#include "control/sign/aws_users.h"
#include "control/text/iso_time.h"
#include "control/text/json_reading.h"
#include "control/text/utf8.h"
#include "http/http_block.h"

/* A marker's ETag is that of no bytes. */
#define S3_ITSELF  "s3.amazonaws.com" /* as who does what no request asks for */
#define EMPTY_ETAG "d41d8cd98f00b204e9800998ecf8427e"

/* clang-format off */
static const struct bridge {
    const char *kind, *detail_type, *reason, *deletion;
} bridges[] = {
    { "ObjectCreated:Put",  "Object Created", "PutObject",   NULL },
    { "ObjectCreated:Post", "Object Created", "POST Object", NULL },
    { "ObjectCreated:Copy", "Object Created", "CopyObject",  NULL },
    { "ObjectCreated:CompleteMultipartUpload", "Object Created", "CompleteMultipartUpload", NULL },
    { "ObjectRemoved:Delete", "Object Deleted", "DeleteObject", "Permanently Deleted" },
    { "ObjectRemoved:DeleteMarkerCreated", "Object Deleted", "DeleteObject", "Delete Marker Created" },
    { "LifecycleExpiration:Delete", "Object Deleted", "Lifecycle Expiration", "Permanently Deleted" },
    { "LifecycleExpiration:DeleteMarkerCreated", "Object Deleted", "Lifecycle Expiration", "Delete Marker Created" },
    { "LifecycleTransition", "Object Storage Class Changed", NULL, NULL },
    { "ObjectTagging:Put",    "Object Tags Added",   NULL, NULL },
    { "ObjectTagging:Delete", "Object Tags Deleted", NULL, NULL },
    { "ObjectAcl:Put",        "Object ACL Updated",  NULL, NULL },
    { "ObjectRestore:Post",      "Object Restore Initiated", NULL, NULL },
    { "ObjectRestore:Completed", "Object Restore Completed", NULL, NULL },
};
/* clang-format on */

static const struct bridge *find_bridge(const char *kind)
{
    for (size_t i = 0; i < ARRAY_COUNT(bridges); i++) {
        if (strcmp(bridges[i].kind, kind) == 0) {
            return &bridges[i];
        }
    }
    return NULL;
}

static int put_json_text(struct buf *out, const char *name, struct str text)
{
    int r = buf_printf(out, "\"%s\":\"", name);
    r = r < 0 ? r : utf8_append_json(out, text);
    return r < 0 ? r : buf_append(out, STR("\""));
}

int s3_event_record_put_key(struct buf *out, struct str text)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < text.len; i++) {
        char c = text.data[i];
        bool plain = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
                     c == '-' || c == '_' || c == '.' || c == '*' || c == '/';
        if (plain || c == ' ') {
            r = buf_append(out, plain ? str_of(&c, 1) : STR("+"));
        } else {
            r = buf_printf(out, "%%%02X", (unsigned char)c);
        }
    }
    return r;
}

/* ---- what is told of the object in both forms ---- */

static bool is_marker(const struct stored_object *o)
{
    return (o->flags & OBJECT_DELETE_MARKER) != 0;
}

static bool is_removed(const struct s3_happening *h)
{
    return strcmp(h->kind, "ObjectRemoved:Delete") == 0 ||
           strcmp(h->kind, "LifecycleExpiration:Delete") == 0;
}

/* Tags and ACLs: of these S3 tells neither the size nor an order. */
static bool is_about_object(const struct s3_happening *h)
{
    return str_starts(str_c(h->kind), STR("ObjectTagging:")) ||
           str_starts(str_c(h->kind), STR("ObjectAcl:"));
}

static bool is_restoration(const struct s3_happening *h)
{
    return str_starts(str_c(h->kind), STR("ObjectRestore:"));
}

static bool is_transition(const struct s3_happening *h)
{
    return strcmp(h->kind, "LifecycleTransition") == 0;
}

static struct str class_of(const struct stored_object *o)
{
    return http_block_find(o->headers, STR("x-amz-storage-class"));
}

/* The names of members differ. */
static int put_object(struct buf *out, const struct s3_happening *h, const struct stored_object *o,
                      const char *etag_name, const char *version_name, bool has_order)
{
    char version[S3_VERSION_TEXT];
    int r = 0;
    if (!is_removed(h) && !is_marker(o) && !is_about_object(h)) {
        r = buf_printf(out, ",\"size\":%llu", (unsigned long long)o->size);
    }
    if (r == 0 && !is_removed(h)) {
        struct str etag = is_marker(o) ? STR(EMPTY_ETAG) : o->etag;
        r = buf_printf(out, ",\"%s\":\"" STR_FMT "\"", etag_name, STR_ARG(etag));
    }
    if (r == 0 && !(o->flags & OBJECT_NULL_VERSION) && o->rank) {
        struct str text = s3_version_text(o->rank, o->salt, o->flags, version);
        r = buf_printf(out, ",\"%s\":\"" STR_FMT "\"", version_name, STR_ARG(text));
    }
    if (r == 0 && has_order) {
        r = buf_printf(out, ",\"sequencer\":\"%018llX\"", (unsigned long long)h->sequence);
    }
    return r < 0 ? r : buf_append(out, STR("}"));
}

/* ---- S3's own ---- */

/* 2.3 is the version of what came later: lifecycles, tags, ACLs. */
static bool is_later_kind(const char *kind)
{
    struct str s = str_c(kind);
    return !str_starts(s, STR("ObjectCreated:")) && !str_starts(s, STR("ObjectRemoved:")) &&
           !str_starts(s, STR("ObjectRestore:"));
}

static int put_head(struct buf *out, const struct s3_event_cause *c, const struct s3_happening *h)
{
    char when[ISO_TIME_BYTES];
    (void)iso_time_ms(c->now_ms, when);
    struct str who = c->access_key.len > 0 ? c->access_key : STR("Anonymous");
    return buf_printf(out,
                      "{\"eventVersion\":\"%s\",\"eventSource\":\"aws:s3\",\"awsRegion\":\"%s\","
                      "\"eventTime\":\"%s\",\"eventName\":\"%s\",\"userIdentity\":{"
                      "\"principalId\":\"%s" STR_FMT "\"},\"requestParameters\":{"
                      "\"sourceIPAddress\":\"" STR_FMT "\"},\"responseElements\":{"
                      "\"x-amz-request-id\":\"" STR_FMT "\",\"x-amz-id-2\":\"" STR_FMT "\"},",
                      is_later_kind(h->kind) ? "2.3" : "2.1", h->region, when, h->kind,
                      c->is_of_s3 ? "" : "AWS:", STR_ARG(c->is_of_s3 ? STR(S3_ITSELF) : who),
                      STR_ARG(c->is_of_s3 ? STR(S3_ITSELF) : c->remote), STR_ARG(c->request_id),
                      STR_ARG(c->host_id));
}

static bool is_restored(const struct s3_happening *h)
{
    return strcmp(h->kind, "ObjectRestore:Completed") == 0;
}

/* What only the end of a restoration has. */
static int put_restored(struct buf *out, const struct s3_event_cause *c,
                        const struct s3_happening *h, const struct stored_object *o)
{
    char when[ISO_TIME_BYTES];
    int64_t until_s;
    if (!is_restored(h) || !s3_archive_until(o, c->now_ms, &until_s)) {
        return 0;
    }
    (void)iso_time_ms((uint64_t)until_s * 1000, when);
    return buf_printf(out,
                      ",\"glacierEventData\":{\"restoreEventData\":{"
                      "\"lifecycleRestorationExpiryTime\":\"%s\","
                      "\"lifecycleRestoreStorageClass\":\"" STR_FMT "\"}}",
                      when, STR_ARG(class_of(o)));
}

static int put_transition(struct buf *out, const struct s3_happening *h,
                          const struct stored_object *o)
{
    return !is_transition(h) ? 0
                             : buf_printf(out,
                                          ",\"lifecycleEventData\":{\"transitionEventData\":{"
                                          "\"destinationStorageClass\":\"" STR_FMT "\"}}",
                                          STR_ARG(class_of(o)));
}

int s3_event_record_put(struct buf *out, const struct s3_event_cause *c,
                        const struct s3_happening *h, struct str id, const struct stored_object *o)
{
    int r = buf_append(out, STR("{\"Records\":["));
    r = r < 0 ? r : put_head(out, c, h);
    r = r < 0 ? r : buf_append(out, STR("\"s3\":{\"s3SchemaVersion\":\"1.0\","));
    r = r < 0 ? r : put_json_text(out, "configurationId", id);
    r = r < 0 ? r
              : buf_printf(out,
                           ",\"bucket\":{\"name\":\"%s\",\"ownerIdentity\":{\"principalId\":\"%s\"}"
                           ",\"arn\":\"arn:aws:s3:::%s\"},\"object\":{\"key\":\"",
                           h->bucket, h->owner, h->bucket);
    r = r < 0 ? r : s3_event_record_put_key(out, str_of(h->key, h->key_len));
    r = r < 0 ? r : buf_append(out, STR("\""));
    r = r < 0 ? r : put_object(out, h, o, "eTag", "versionId", !is_about_object(h));
    r = r < 0 ? r : buf_append(out, STR("}"));
    r = r < 0 ? r : put_restored(out, c, h, o);
    r = r < 0 ? r : put_transition(out, h, o);
    return r < 0 ? r : buf_append(out, STR("}]}"));
}

/* ---- EventBridge's ---- */

/* What restorations have instead of an order. */
static int put_archive(struct buf *out, const struct s3_event_cause *c,
                       const struct s3_happening *h, const struct stored_object *o)
{
    char when[ISO_TIME_BYTES];
    int64_t until_s;
    int r = 0;
    if (is_restored(h) && s3_archive_until(o, c->now_ms, &until_s)) {
        (void)iso_time_s((uint64_t)until_s * 1000, when);
        r = buf_printf(out, ",\"restore-expiry-time\":\"%s\"", when);
    }
    return r < 0
               ? r
               : buf_printf(out, ",\"source-storage-class\":\"" STR_FMT "\"", STR_ARG(class_of(o)));
}

int s3_event_record_put_detail(struct buf *out, const struct s3_event_cause *c,
                               const struct s3_happening *h, const struct stored_object *o)
{
    const struct bridge *bridge = find_bridge(h->kind);
    int r =
        buf_printf(out, "{\"version\":\"0\",\"bucket\":{\"name\":\"%s\"},\"object\":{", h->bucket);
    r = r < 0 ? r : put_json_text(out, "key", str_of(h->key, h->key_len));
    bool has_order = !is_about_object(h) && !is_restoration(h) && !is_transition(h);
    r = r < 0 ? r : put_object(out, h, o, "etag", "version-id", has_order);
    r = r < 0 ? r
              : buf_printf(out, ",\"request-id\":\"" STR_FMT "\",\"requester\":\"%s\"",
                           STR_ARG(c->request_id), c->is_of_s3 ? S3_ITSELF : AWS_ACCOUNT_ID);
    if (r == 0 && is_restoration(h)) {
        r = put_archive(out, c, h, o);
    }
    if (r == 0 && is_transition(h)) {
        r = buf_printf(out, ",\"destination-storage-class\":\"" STR_FMT "\"", STR_ARG(class_of(o)));
    }
    /* That it is restored nobody asks for. */
    if (r == 0 && !c->is_of_s3 && !is_restored(h)) {
        r = buf_printf(out, ",\"source-ip-address\":\"" STR_FMT "\"", STR_ARG(c->remote));
    }
    if (r == 0 && bridge && bridge->reason) {
        r = buf_printf(out, ",\"reason\":\"%s\"", bridge->reason);
    }
    if (r == 0 && bridge && bridge->deletion) {
        r = buf_printf(out, ",\"deletion-type\":\"%s\"", bridge->deletion);
    }
    return r < 0 ? r : buf_append(out, STR("}"));
}

int s3_event_record_put_envelope(struct buf *out, const struct s3_happening *h)
{
    const struct bridge *bridge = find_bridge(h->kind);
    return !bridge ? 0
                   : buf_printf(out,
                                "{\"source\":\"aws.s3\",\"detail-type\":\"%s\",\"region\":\"%s\","
                                "\"resources\":[\"arn:aws:s3:::%s\"]}",
                                bridge->detail_type, h->region, h->bucket);
}
