/* Bucket policies: who may do what, in JSON.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 *
 * No I/O.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/str.h"

#define S3_POLICY_BYTES_MAX (20 * KIB) /* S3's own limit */

enum s3_effect { S3_EFFECT_NONE, S3_EFFECT_ALLOW, S3_EFFECT_DENY };

/* What a policy is asked. */
struct s3_policy_question {
    struct str principal_arn; /* empty: anonymous */
    struct str account;
    struct str user_name;
    struct str canonical_id;
    struct str service;  /* "logging.s3.amazonaws.com", which asks and nobody above; or empty */
    struct str action;   /* "s3:GetObject" */
    struct str resource; /* "arn:aws:s3:::bucket/key" */
    /* The value of a condition key, or data NULL: the request has none. */
    struct str (*value)(struct str key, void *context);
    void *context;
};

/* A policy that was sound when it was stored, whatever is asked of new ones by now: what it says of
 * nobody, nothing or nowhere applies to none. NULL: it is no object of JSON. */
json_t *s3_policy_load(struct str text);
/* One that is sound for that bucket, or NULL with the reason, a literal (s3_policy_check.h). */
json_t *s3_policy_parse(struct str text, struct str bucket, const char **ret_why);
enum s3_effect s3_policy_ask(const json_t *policy, const struct s3_policy_question *q);
/* Whether it lets anybody in without a condition that narrows down who. */
bool s3_policy_is_public(const json_t *policy);
