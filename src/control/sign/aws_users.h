/* Who may use the AWS port: access keys, their secrets, and whose they are.
 *
 * There is one account, Mayfly's own, with a root user; functions act for it with keys of their
 * own, so that a log tells them apart. Users of mayfly.json are accounts of their own as far as S3
 * is concerned: each owns what it makes, and shares it by ACLs and policies.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/str.h"
#include "control/sign/aws_digest.h"

#define AWS_ACCOUNT_ID   "000000000000"
#define AWS_KEY_ID_BYTES 128
#define AWS_SECRET_BYTES 128

enum aws_user_kind { AWS_USER_ROOT, AWS_USER_FUNCTION, AWS_USER_PROJECT };

struct aws_user {
    enum aws_user_kind kind;
    struct str name; /* of the user, or of the function */
    struct str access_key;
    struct str secret;
    struct str canonical_id; /* S3's name for the owner of things: 64 hexadecimal digits */
    struct str display_name;
    struct str email; /* empty: none */
};

/* Who claims to have signed. NONE: nobody, the request is anonymous. */
enum aws_sign_kind { AWS_SIGN_NONE, AWS_SIGN_HEADER, AWS_SIGN_QUERY };

#define AWS_SCOPE_BYTES 33

struct aws_scope {
    enum aws_sign_kind kind;
    char access_key[AWS_KEY_ID_BYTES + 1]; /* empty: anonymous */
    char day[9];                           /* "20130524" */
    char region[AWS_SCOPE_BYTES];
    char service[AWS_SCOPE_BYTES];
};

/* The root's credentials in development, where the port is on this machine only. Everybody knows
 * them: so they are not for pages of other sites, which reach that port, too (http/http_page.h). */
#define AWS_ROOT_KEY    "mayfly"
#define AWS_ROOT_SECRET "mayfly-dev-only"

struct aws_users;

struct aws_users *aws_users_create(void);
void aws_users_destroy(struct aws_users *users); /* NULL is fine */

/* The account's own credentials; its canonical id is made of its name. Replaces an earlier root. */
void aws_users_set_root(struct aws_users *users, struct str name, struct str access_key,
                        struct str secret);
const struct aws_user *aws_users_root(const struct aws_users *users);

/* Copies `user`. An empty canonical_id is made of the name, an empty display_name is the name.
 * -EEXIST: the access key is another's; -EINVAL: a key or secret that is empty or too long. */
int aws_users_add(struct aws_users *users, const struct aws_user *user) MUST_USE;
/* Forgets the users of the last build (AWS_USER_PROJECT). Requests in flight may go on using what
 * they have found. */
void aws_users_clear_project(struct aws_users *users);
/* What functions' credentials are made of from here on, AWS_SEED_BYTES; until then of chance. */
void aws_users_set_seed(struct aws_users *users, const uint8_t *seed);
/* A function's credentials: the same for the same name and seed. They act as the root's account. */
const struct aws_user *aws_users_function(struct aws_users *users, struct str function);

const struct aws_user *aws_users_find(const struct aws_users *users, struct str access_key);
const struct aws_user *aws_users_find_canonical(const struct aws_users *users, struct str id);
const struct aws_user *aws_users_find_email(const struct aws_users *users, struct str email);

/* The key that Signature Version 4 derives for a user on a day in a region, for a service. On any
 * thread. */
void aws_users_key(const struct aws_user *user, const struct aws_scope *scope,
                   uint8_t ret_key[AWS_DIGEST_BYTES]);
/* HMAC-SHA256 of `text` with that key. Derived keys are kept. */
void aws_users_sign(struct aws_users *users, const struct aws_user *user,
                    const struct aws_scope *scope, struct str text,
                    uint8_t ret_digest[AWS_DIGEST_BYTES]);
