/* Access control lists: who may do what with a bucket or an object, besides its owner.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
 *
 * Stored as lines, "FULL_CONTROL id 64hex\n", "READ group AllUsers\n". No I/O.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/limits.h"
#include "control/s3/s3_error.h"
#include "control/s3/s3_xml.h"
#include "control/sign/aws_users.h"

#define S3_GRANTS_MAX    100 /* S3's own limit */
#define S3_ACL_BYTES_MAX (32 * KIB)

enum s3_permission {
    S3_READ = 1,
    S3_WRITE = 2,
    S3_READ_ACP = 4,
    S3_WRITE_ACP = 8,
    S3_FULL_CONTROL = 15
};

enum s3_grantee { S3_GRANTEE_USER, S3_GRANTEE_ALL, S3_GRANTEE_AUTHENTICATED, S3_GRANTEE_LOG };

struct s3_grant {
    enum s3_grantee grantee;
    enum s3_permission permission;
    struct str id; /* of a user */
};

struct s3_acl {
    size_t count;
    struct s3_grant grants[S3_GRANTS_MAX];
};

/* Whose things they are: canned lists speak of both. */
struct s3_acl_owners {
    struct str owner;  /* of the thing itself */
    struct str bucket; /* of the bucket that it is in, or the same */
};

/* A list by name ("public-read"). S3_INVALID_ACL: there is none of that name. */
enum s3_error s3_acl_canned(struct str name, const struct s3_acl_owners *owners,
                            struct s3_acl *ret);
/* With S3_INVALID_ARGUMENT: what S3 says of it. */
struct s3_acl_fault {
    const char *text;
    const char *name; /* of the argument; NULL: that of the field */
    struct str value; /* a view into what was read */
};
/* "id=\"...\", uri=\"...\"" of an x-amz-grant-* field, added to *acl. */
enum s3_error s3_acl_grant_header(struct str value, enum s3_permission permission,
                                  const struct aws_users *users, struct s3_acl *acl,
                                  struct s3_acl_fault *ret_fault);
/* An AccessControlPolicy. Ids point into the document or the users. */
enum s3_error s3_acl_from_xml(const struct s3_xml_node *root, const struct aws_users *users,
                              struct str owner, struct s3_acl *ret, struct s3_acl_fault *ret_fault);
void s3_acl_to_xml(const struct s3_acl *acl, struct str owner, const struct aws_users *users,
                   struct s3_xml_out *out);

/* The stored form; views of what is parsed point into it. Empty text: the owner alone. */
int s3_acl_store(const struct s3_acl *acl, struct buf *out) MUST_USE;
void s3_acl_load(struct str text, struct str owner, struct s3_acl *ret);

/* Whether somebody (NULL: anonymous) has a permission. With `ignore_public`, grants to everybody
 * and to all who are signed in do not count. */
bool s3_acl_allows(const struct s3_acl *acl, const struct aws_user *user,
                   enum s3_permission permission, bool ignore_public);
bool s3_acl_is_public(const struct s3_acl *acl);
