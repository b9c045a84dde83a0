/* One request to the S3 API, from its head to its answer.
 *
 * Lives as long as its exchange. An operation answers exactly once, when nothing that it has
 * started is in flight any more: no job, no thread, no receiving.
 *
 * Loop thread only, but for what says otherwise.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/limits.h"
#include "control/s3/s3_buckets.h"
#include "control/s3/s3_context.h"
#include "control/s3/s3_error.h"
#include "control/s3/s3_receive.h"
#include "control/s3/s3_xml.h"
#include "control/services.h"
#include "control/sign/aws_sign.h"
#include "control/sign/aws_uri.h"
#include "store/store_objects.h"

#define S3_PARAMS_MAX         64
#define S3_ANSWER_BYTES_MAX   (64 * MIB)
#define S3_ETAG_TEXT          48                         /* 32 digits, "-10000", a NUL */
#define S3_OBJECT_BYTES_MAX   ((uint64_t)5 * 1024 * MIB) /* of one PUT, and of a part */
#define S3_DOCUMENT_BYTES_MAX (4 * MIB) /* 10,000 parts with their checksums have 2 */

struct s3_request;
struct s3_events;
struct s3_tags_fault;

struct s3_param {
    struct str name, value;
};

/* Where a request is authorized. */
enum s3_needs {
    S3_NEEDS_NOTHING, /* the operation sees to it */
    S3_NEEDS_USER,    /* any user */
    S3_NEEDS_OWNER,   /* the bucket's owner, or a policy */
    S3_NEEDS_READ,    /* a permission of the bucket's ACL, or a policy */
    S3_NEEDS_WRITE,
    S3_NEEDS_READ_ACP,
    S3_NEEDS_WRITE_ACP
};

enum s3_level { S3_SERVICE, S3_BUCKET, S3_OBJECT };
enum s3_body_kind {
    S3_BODY_NONE,
    S3_BODY_TEXT, /* read whole into rq->text before run() */
    S3_BODY_XML,  /* the same, and parsed into rq->xml */
    S3_BODY_OWN   /* run() takes it in */
};

struct s3_operation {
    const char *name; /* as AWS calls it; for logs */
    const char *method;
    enum s3_level level;
    const char *query;  /* the parameter that makes it this one; NULL: none */
    const char *action; /* for policies */
    enum s3_needs needs;
    enum s3_body_kind body;
    void (*run)(struct s3_request *rq);
};

/* A way to S3 beside its API. */
struct s3_front {
    const char *name; /* in access logs */
    /* Tells an error in its own way; not that something was not modified. */
    void (*fail)(struct s3_request *rq, unsigned status, const char *code, const char *text);
};

/* What came of a request, for the access log. */
struct s3_outcome {
    unsigned status;      /* 0: not answered */
    char error[48];       /* its code; empty: none */
    uint64_t answered_ms; /* when the answer began */
    uint64_t sent_bytes;  /* of the answer's body */
    bool has_object;
    uint64_t object_bytes;
    bool by_acl; /* without an ACL it would have been refused */
};

struct s3_request {
    struct s3 *s3;
    struct exchange *x;
    const struct s3_operation *op;
    struct aws_signed who;
    struct str bucket_name; /* empty: the service */
    struct str key;         /* empty: the bucket */
    bool is_by_host;        /* the bucket's name was in the host, not in the path */
    struct s3_bucket *bucket;
    struct s3_param params[S3_PARAMS_MAX];
    size_t param_count;
    struct buf target;      /* what the views above point into */
    struct buf headers;     /* of the answer: "name\0value\0"... */
    struct buf body;        /* of the answer */
    struct buf details;     /* of an error: "Name\0Value\0"... */
    struct str missing_key; /* that an error is about; data NULL: the request's */
    struct str text;        /* of the request's body */
    struct buf head;        /* the exchange's, with what a signed URL adds; empty: nothing */
    struct str form; /* fields of a browser's form, which stand for the head's; else data NULL */
    struct s3_xml *xml;
    struct s3_receive *receive;
    bool takes_body; /* what the client sends goes into it */
    uint64_t now_ms;
    char id[17]; /* x-amz-request-id */

    const struct s3_front *front; /* NULL: the API itself */
    void *front_state;            /* its own; freed with free_front_state */
    void (*free_front_state)(void *state);

    /* A write. */
    struct store_job job;
    int (*run)(struct s3_request *rq, struct sql *db); /* on the store's thread */
    void (*done)(struct s3_request *rq, int r);
    struct s3_events *events; /* notifications that go with it */

    struct s3_outcome outcome;

    struct list turn; /* s3_turn.h's */
    void (*go_on)(struct s3_request *rq);

    /* What the exchange tells, when the operation wants to know; see s3_body.h for the body. */
    void (*received)(struct s3_request *rq, struct s3_received *received);
    void (*writable)(struct s3_request *rq);
    void (*gone)(struct s3_request *rq);
    void (*on_body)(struct s3_request *rq, struct str data); /* instead of s3_body.c */
    void (*on_body_end)(struct s3_request *rq);

    void *state; /* the operation's own; freed with free_state */
    void (*free_state)(void *state);
};

/* ---- what was asked ---- */

/* Decodes behind what is in rq->target, which has room for it all and does not move. */
bool s3_decode(struct s3_request *rq, struct str text, enum aws_uri_plus plus,
               struct str *ret) MUST_USE;
/* Reads a query into rq->params, behind what is in rq->target, which has room for it. */
bool s3_read_params(struct s3_request *rq, struct str query) MUST_USE;

/* A parameter of the query, decoded; data NULL: absent. */
struct str s3_param(const struct s3_request *rq, const char *name);
static inline bool s3_has_param(const struct s3_request *rq, const char *name)
{
    return s3_param(rq, name).data != NULL;
}
struct str s3_header(const struct s3_request *rq, const char *name);
/* All of the head, with what a signed URL adds, or of the form that stands for it:
 * "name\0value\0"... */
struct str s3_headers(const struct s3_request *rq);
/* The state of an operation: zeroed, freed with the request. */
void *s3_state(struct s3_request *rq, size_t size, void (*free_state)(void *state));
/* Who owns what this request makes: its user's canonical id; of an anonymous one the bucket's
 * owner, or what S3 calls nobody. */
struct str s3_owner(const struct s3_request *rq);

/* ---- answering ---- */

void s3_put_header(struct s3_request *rq, const char *name, struct str value);
void s3_put_header_u64(struct s3_request *rq, const char *name, uint64_t value);
/* With rq->headers and rq->body. */
void s3_answer(struct s3_request *rq, unsigned status);
/* With a body from elsewhere, which is copied. */
void s3_answer_with(struct s3_request *rq, unsigned status, struct str body);
/* The same, as XML; `r` is of what was written. */
void s3_answer_xml(struct s3_request *rq, unsigned status, int r);
/* Only headers are sent; a body follows, by exchange_write() or files. */
void s3_answer_head(struct s3_request *rq, unsigned status);

void s3_fail(struct s3_request *rq, enum s3_error error);
/* With another text than the usual; NULL: the usual. */
void s3_fail_text(struct s3_request *rq, enum s3_error error, const char *text);
/* In words that are not S3's own alone: those of signatures. */
void s3_fail_custom(struct s3_request *rq, unsigned status, const char *code, const char *text);
/* Another element of the error that is going to be answered. */
void s3_detail(struct s3_request *rq, const char *name, struct str value);
void s3_detail_u64(struct s3_request *rq, const char *name, uint64_t value);
/* The object's URL, as the client has addressed its bucket. */
int s3_append_url(const struct s3_request *rq, struct buf *out) MUST_USE;

/* A signature that is not the one that was computed of `to_sign`; canonical: empty, or what that
 * was computed of. */
void s3_fail_signature(struct s3_request *rq, struct str access_key, struct str signature,
                       struct str to_sign, struct str canonical);
/* An argument that is not right. */
void s3_fail_argument(struct s3_request *rq, const char *text, const char *name, struct str value);
/* A method that is not for what was named: "OBJECT", "DeleteMarker"... `text`: NULL, the usual. */
void s3_fail_method(struct s3_request *rq, const char *resource_type, const char *text);
/* Tags that are not right. */
void s3_fail_tags(struct s3_request *rq, enum s3_error error, const struct s3_tags_fault *fault);

/* For the access log: the size of the object that it is about. */
void s3_tell_object(struct s3_request *rq, uint64_t bytes);

/* ---- writing ---- */

/* s3_event_add() to rq->events, which are made at the first. */
int s3_prepare_event(struct s3_request *rq, const struct s3_bucket *bucket, struct str key,
                     const char *kind);
/* Runs a job of the store. `done` gets its result; events that go with it are on their way. */
void s3_submit(struct s3_request *rq, int (*run)(struct s3_request *rq, struct sql *db),
               void (*done)(struct s3_request *rq, int r));

/* ---- texts ---- */

void s3_put_version_header(struct s3_request *rq, const struct stored_object *o);
/* Of what was just written: only where each write makes a version. */
void s3_put_new_version_header(struct s3_request *rq, const struct stored_object *o);
/* x-amz-id-2 and HostId. */
struct str s3_host_id(const struct s3_request *rq);
void s3_xml_put_owner(const struct s3_request *rq, struct s3_xml_out *o, const char *name,
                      struct str canonical_id);
