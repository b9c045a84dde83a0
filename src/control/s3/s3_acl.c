/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_acl.h"

#define GROUPS      "http://acs.amazonaws.com/groups/"
#define INVALID_ID  "Invalid id"
#define INVALID_URI "Invalid group uri"

static const struct {
    enum s3_permission permission;
    struct str name;
} permissions[] = {
    { S3_READ, STR("READ") },
    { S3_WRITE, STR("WRITE") },
    { S3_READ_ACP, STR("READ_ACP") },
    { S3_WRITE_ACP, STR("WRITE_ACP") },
    { S3_FULL_CONTROL, STR("FULL_CONTROL") },
};

static const struct {
    enum s3_grantee grantee;
    struct str name, uri;
} groups[] = {
    { S3_GRANTEE_ALL, STR("AllUsers"), STR(GROUPS "global/AllUsers") },
    { S3_GRANTEE_AUTHENTICATED, STR("AuthenticatedUsers"),
      STR(GROUPS "global/AuthenticatedUsers") },
    { S3_GRANTEE_LOG, STR("LogDelivery"), STR(GROUPS "s3/LogDelivery") },
};

static bool add(struct s3_acl *acl, enum s3_grantee grantee, enum s3_permission permission,
                struct str id)
{
    if (acl->count == S3_GRANTS_MAX) {
        return false;
    }
    acl->grants[acl->count++] = (struct s3_grant){ grantee, permission, id };
    return true;
}

enum s3_error s3_acl_canned(struct str name, const struct s3_acl_owners *owners, struct s3_acl *ret)
{
    /* What a name adds to the owner's own FULL_CONTROL; 0 ends. */
    static const struct {
        struct str name;
        struct {
            enum s3_grantee grantee;
            int permission; /* 0: none */
        } grants[2];
    } canned[] = {
        { STR("private"), { { 0 } } },
        { STR("public-read"), { { S3_GRANTEE_ALL, S3_READ } } },
        { STR("public-read-write"), { { S3_GRANTEE_ALL, S3_READ }, { S3_GRANTEE_ALL, S3_WRITE } } },
        { STR("authenticated-read"), { { S3_GRANTEE_AUTHENTICATED, S3_READ } } },
        { STR("log-delivery-write"),
          { { S3_GRANTEE_LOG, S3_WRITE }, { S3_GRANTEE_LOG, S3_READ_ACP } } },
        { STR("bucket-owner-read"), { { S3_GRANTEE_USER, S3_READ } } },
        { STR("bucket-owner-full-control"), { { S3_GRANTEE_USER, S3_FULL_CONTROL } } },
        { STR("aws-exec-read"), { { 0 } } },
    };
    ret->count = 0;
    (void)add(ret, S3_GRANTEE_USER, S3_FULL_CONTROL, owners->owner); /* the first fits */
    for (size_t i = 0; i < ARRAY_COUNT(canned); i++) {
        if (!str_eq(name, canned[i].name)) {
            continue;
        }
        for (size_t g = 0; g < 2 && canned[i].grants[g].permission; g++) {
            enum s3_grantee grantee = canned[i].grants[g].grantee;
            if (grantee != S3_GRANTEE_USER || !str_eq(owners->bucket, owners->owner)) {
                (void)add(ret, grantee, (enum s3_permission)canned[i].grants[g].permission,
                          owners->bucket); /* two more fit */
            }
        }
        return S3_OK;
    }
    return S3_INVALID_ACL;
}

static enum s3_error add_user(struct s3_acl *acl, struct str id, enum s3_permission permission,
                              const struct aws_users *users)
{
    const struct aws_user *user = aws_users_find_canonical(users, id);
    if (!user) {
        return S3_INVALID_ARGUMENT;
    }
    return add(acl, S3_GRANTEE_USER, permission, user->canonical_id) ? S3_OK : S3_MALFORMED_ACL;
}

static enum s3_error add_email(struct s3_acl *acl, struct str email, enum s3_permission permission,
                               const struct aws_users *users)
{
    const struct aws_user *user = aws_users_find_email(users, email);
    if (!user) {
        return S3_UNRESOLVABLE_GRANT;
    }
    return add(acl, S3_GRANTEE_USER, permission, user->canonical_id) ? S3_OK : S3_MALFORMED_ACL;
}

static enum s3_error add_group(struct s3_acl *acl, struct str uri, enum s3_permission permission)
{
    for (size_t i = 0; i < ARRAY_COUNT(groups); i++) {
        if (str_eq(uri, groups[i].uri)) {
            return add(acl, groups[i].grantee, permission, STR("")) ? S3_OK : S3_MALFORMED_ACL;
        }
    }
    return S3_INVALID_ARGUMENT;
}

static struct str unquote(struct str s)
{
    s = str_trim(s);
    if (s.len >= 2 && s.data[0] == '"' && s.data[s.len - 1] == '"') {
        s = str_of(s.data + 1, s.len - 2);
    }
    return s;
}

/* One of "id=\"...\"", "uri=\"...\"", "emailAddress=\"...\"". */
static enum s3_error add_named(struct str text, enum s3_permission permission,
                               const struct aws_users *users, struct s3_acl *acl,
                               struct s3_acl_fault *ret_fault)
{
    struct str who = text;
    struct str kind = str_trim(str_cut(&who, '='));
    who = unquote(who);
    if (str_eq_nocase(kind, STR("id"))) {
        *ret_fault = (struct s3_acl_fault){ INVALID_ID, "id", who };
        return add_user(acl, who, permission, users);
    }
    if (str_eq_nocase(kind, STR("uri"))) {
        *ret_fault = (struct s3_acl_fault){ INVALID_URI, "uri", who };
        return add_group(acl, who, permission);
    }
    if (str_eq_nocase(kind, STR("emailAddress"))) {
        return add_email(acl, who, permission, users);
    }
    *ret_fault = (struct s3_acl_fault){ "Argument format not recognized", NULL, text };
    return S3_INVALID_ARGUMENT;
}

enum s3_error s3_acl_grant_header(struct str value, enum s3_permission permission,
                                  const struct aws_users *users, struct s3_acl *acl,
                                  struct s3_acl_fault *ret_fault)
{
    enum s3_error error = S3_OK;
    while (error == S3_OK && value.len > 0) {
        error = add_named(str_trim(str_cut(&value, ',')), permission, users, acl, ret_fault);
    }
    return error;
}

static bool parse_permission(struct str name, enum s3_permission *ret)
{
    for (size_t i = 0; i < ARRAY_COUNT(permissions); i++) {
        if (str_eq(name, permissions[i].name)) {
            *ret = permissions[i].permission;
            return true;
        }
    }
    return false;
}

/* The schema wants one of these; a grantee that says none is known by what is in it. */
static bool is_grantee_type(struct str type)
{
    return type.len == 0 || str_eq(type, STR("CanonicalUser")) || str_eq(type, STR("Group")) ||
           str_eq(type, STR("AmazonCustomerByEmail"));
}

static enum s3_error grant_from_xml(const struct s3_xml_node *grant, const struct aws_users *users,
                                    struct s3_acl *acl, struct s3_acl_fault *ret_fault)
{
    const struct s3_xml_node *grantee = s3_xml_child(grant, "Grantee");
    struct str id = s3_xml_text(grantee, "ID"), uri = s3_xml_text(grantee, "URI");
    struct str email = s3_xml_text(grantee, "EmailAddress");
    enum s3_permission permission;
    if (!parse_permission(s3_xml_text(grant, "Permission"), &permission) ||
        (grantee && !is_grantee_type(grantee->type))) {
        return S3_MALFORMED_ACL;
    }
    if (uri.len > 0) {
        *ret_fault = (struct s3_acl_fault){ INVALID_URI, "Group/URI", uri };
        return add_group(acl, uri, permission);
    }
    if (email.len > 0) {
        return add_email(acl, email, permission, users);
    }
    *ret_fault = (struct s3_acl_fault){ INVALID_ID, "CanonicalUser/ID", id };
    return id.len > 0 ? add_user(acl, id, permission, users) : S3_MALFORMED_ACL;
}

enum s3_error s3_acl_from_xml(const struct s3_xml_node *root, const struct aws_users *users,
                              struct str owner, struct s3_acl *ret, struct s3_acl_fault *ret_fault)
{
    const struct s3_xml_node *list = s3_xml_child(root, "AccessControlList");
    struct str said = s3_xml_text(s3_xml_child(root, "Owner"), "ID");
    ret->count = 0;
    if (!s3_xml_is(root, "AccessControlPolicy") || !list || !said.data) {
        return S3_MALFORMED_ACL;
    }
    if (!str_eq(said, owner)) { /* an owner cannot be changed */
        *ret_fault = (struct s3_acl_fault){ INVALID_ID, "CanonicalUser/ID", said };
        return aws_users_find_canonical(users, said) ? S3_ACCESS_DENIED : S3_INVALID_ARGUMENT;
    }
    enum s3_error error = S3_OK;
    for (const struct s3_xml_node *g = s3_xml_child(list, "Grant"); g && error == S3_OK;
         g = s3_xml_again(g)) {
        error = grant_from_xml(g, users, ret, ret_fault);
    }
    return error;
}

static void put_user(struct s3_xml_out *out, struct str id, const struct aws_users *users)
{
    const struct aws_user *user = aws_users_find_canonical(users, id);
    s3_xml_put(out, "ID", id);
    s3_xml_put(out, "DisplayName", user ? user->display_name : id);
}

static struct str permission_name(enum s3_permission permission)
{
    for (size_t i = 0; i < ARRAY_COUNT(permissions); i++) {
        if (permissions[i].permission == permission) {
            return permissions[i].name;
        }
    }
    return STR("");
}

static void put_grantee(struct s3_xml_out *out, const struct s3_grant *g,
                        const struct aws_users *users)
{
    s3_xml_raw(out, STR("<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\""));
    if (g->grantee == S3_GRANTEE_USER) {
        s3_xml_raw(out, STR(" xsi:type=\"CanonicalUser\">"));
        put_user(out, g->id, users);
    } else {
        s3_xml_raw(out, STR(" xsi:type=\"Group\">"));
        s3_xml_put(out, "URI", groups[g->grantee - S3_GRANTEE_ALL].uri);
    }
    s3_xml_close(out, "Grantee");
}

static void put_grant(struct s3_xml_out *out, const struct s3_grant *g,
                      const struct aws_users *users)
{
    s3_xml_open(out, "Grant");
    put_grantee(out, g, users);
    s3_xml_put(out, "Permission", permission_name(g->permission));
    s3_xml_close(out, "Grant");
}

void s3_acl_to_xml(const struct s3_acl *acl, struct str owner, const struct aws_users *users,
                   struct s3_xml_out *out)
{
    s3_xml_begin(out, "AccessControlPolicy");
    s3_xml_open(out, "Owner");
    put_user(out, owner, users);
    s3_xml_close(out, "Owner");
    s3_xml_open(out, "AccessControlList");
    /* Groups first: some clients compare lists in that order. */
    for (int users_now = 0; users_now < 2; users_now++) {
        for (size_t i = 0; i < acl->count; i++) {
            if ((acl->grants[i].grantee == S3_GRANTEE_USER) == (users_now == 1)) {
                put_grant(out, &acl->grants[i], users);
            }
        }
    }
    s3_xml_close(out, "AccessControlList");
    s3_xml_close(out, "AccessControlPolicy");
}

int s3_acl_store(const struct s3_acl *acl, struct buf *out)
{
    int r = acl->count == 0 ? buf_append(out, STR("none\n")) : 0;
    for (size_t i = 0; r == 0 && i < acl->count; i++) {
        const struct s3_grant *g = &acl->grants[i];
        struct str who = g->grantee == S3_GRANTEE_USER ? g->id : groups[g->grantee - 1].name;
        r = buf_printf(out, STR_FMT " %s " STR_FMT "\n", STR_ARG(permission_name(g->permission)),
                       g->grantee == S3_GRANTEE_USER ? "id" : "group", STR_ARG(who));
    }
    return r;
}

void s3_acl_load(struct str text, struct str owner, struct s3_acl *ret)
{
    ret->count = 0;
    if (text.len == 0) {
        (void)add(ret, S3_GRANTEE_USER, S3_FULL_CONTROL, owner); /* the first fits */
    }
    while (text.len > 0) {
        struct str line = str_cut(&text, '\n');
        struct str name = str_cut(&line, ' '), kind = str_cut(&line, ' ');
        enum s3_permission permission;
        if (!parse_permission(name, &permission)) {
            continue; /* "none" */
        }
        enum s3_grantee grantee = S3_GRANTEE_USER;
        for (size_t i = 0; str_eq(kind, STR("group")) && i < ARRAY_COUNT(groups); i++) {
            if (str_eq(line, groups[i].name)) {
                grantee = groups[i].grantee;
            }
        }
        (void)add(ret, grantee, permission, line); /* as many as were stored */
    }
}

bool s3_acl_allows(const struct s3_acl *acl, const struct aws_user *user,
                   enum s3_permission permission, bool ignore_public)
{
    for (size_t i = 0; i < acl->count; i++) {
        const struct s3_grant *g = &acl->grants[i];
        if ((g->permission & permission) != permission) {
            continue;
        }
        bool is_public = g->grantee != S3_GRANTEE_USER;
        bool is_meant =
            g->grantee == S3_GRANTEE_ALL || (g->grantee == S3_GRANTEE_AUTHENTICATED && user) ||
            (g->grantee == S3_GRANTEE_USER && user && str_eq(g->id, user->canonical_id));
        if (is_meant && !(is_public && ignore_public)) {
            return true;
        }
    }
    return false;
}

bool s3_acl_is_public(const struct s3_acl *acl)
{
    for (size_t i = 0; i < acl->count; i++) {
        if (acl->grants[i].grantee == S3_GRANTEE_ALL ||
            acl->grants[i].grantee == S3_GRANTEE_AUTHENTICATED) {
            return true;
        }
    }
    return false;
}
