/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_policy_check.h"

#include <arpa/inet.h>

#include "control/s3/s3_policy_part.h"
#include "control/text/json_reading.h"
#include "control/text/wildcard.h"

#define ARN               "arn:aws:s3:::"
#define PRINCIPAL_LEN_MAX 2048 /* of an ARN, IAM's own limit */
#define SYNTAX            "Syntax errors in policy."

static const char *const known_conditions[] = {
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "Bool",
    "BinaryEquals",
    "IpAddress",
    "NotIpAddress",
    "ArnEquals",
    "ArnLike",
    "ArnNotEquals",
    "ArnNotLike",
    "Null",
};

static bool is_known_operator(const char *key)
{
    struct s3_policy_operator o = s3_policy_operator_of(key);
    for (size_t i = 0; i < sizeof(known_conditions) / sizeof(*known_conditions); i++) {
        if (str_eq(o.name, str_c(known_conditions[i]))) {
            return true;
        }
    }
    return false;
}

static bool is_text_or_none(const json_t *value)
{
    return !value || json_is_string(value);
}

static bool are_strings(const json_t *value)
{
    for (size_t i = 0; i < s3_policy_count(value); i++) {
        if (!json_is_string(s3_policy_item(value, i))) {
            return false;
        }
    }
    return s3_policy_count(value) > 0;
}

static bool check_actions(const json_t *actions)
{
    for (size_t i = 0; i < s3_policy_count(actions); i++) {
        struct str action = s3_policy_text(s3_policy_item(actions, i));
        struct str service = str_cut(&action, ':'); /* its case counts for nothing */
        bool is_all = str_eq(service, STR("*")) && !action.data;
        if (!is_all && (action.len == 0 || (!str_eq_nocase(service, STR("s3")) &&
                                            !str_eq_nocase(service, STR("s3-object-lambda"))))) {
            return false;
        }
    }
    return true;
}

static bool check_resources(const json_t *resources, struct str bucket)
{
    for (size_t i = 0; i < s3_policy_count(resources); i++) {
        struct str resource = s3_policy_text(s3_policy_item(resources, i));
        if (str_eq(resource, STR("*"))) {
            continue;
        }
        if (!str_starts(resource, STR(ARN))) {
            return false;
        }
        struct str path = str_skip(resource, sizeof(ARN) - 1);
        if (!wildcard_matches(str_cut(&path, '/'), bucket)) {
            return false;
        }
    }
    return true;
}

static bool are_names(const json_t *who)
{
    for (size_t i = 0; i < s3_policy_count(who); i++) {
        struct str name = s3_policy_text(s3_policy_item(who, i));
        if (name.len == 0 || name.len > PRINCIPAL_LEN_MAX) {
            return false;
        }
    }
    return are_strings(who);
}

/* "*", or names of some kinds; never nobody. */
static bool check_principal(const json_t *principal)
{
    static const char *const kinds[] = { "AWS", "CanonicalUser", "Federated", "Service" };
    const char *kind;
    json_t *who;
    if (json_is_string(principal)) {
        return str_eq(s3_policy_text(principal), STR("*"));
    }
    json_object_foreach(json_reading(principal), kind, who)
    {
        bool is_known = false;
        for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
            is_known = is_known || strcmp(kind, kinds[i]) == 0;
        }
        if (!is_known || !are_names(who)) {
            return false;
        }
    }
    return json_object_size(principal) > 0;
}

/* Names of S3's keys, without what is before them; what ends with "/" or "-" begins a family.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html */
static bool is_key_of_s3(struct str name)
{
    static const char *const known[] = {
        "AccessGrantsInstanceArn",
        "AccessPointNetworkOrigin",
        "AccessPointTag/",
        "authType",
        "BucketTag/",
        "DataAccessPointAccount",
        "DataAccessPointArn",
        "delimiter",
        "ExistingJobOperation",
        "ExistingJobPriority",
        "ExistingObjectTag/",
        "if-match",
        "if-none-match",
        "InventoryAccessibleOptionalFields",
        "isReplicationPauseRequest",
        "JobSuspendedCause",
        "locationconstraint",
        "max-keys",
        "object-lock-",
        "ObjectCreationOperation",
        "prefix",
        "RequestJobOperation",
        "RequestJobPriority",
        "RequestObjectTag/",
        "RequestObjectTagKeys",
        "ResourceAccount",
        "signatureAge",
        "signatureversion",
        "TlsVersion",
        "versionid",
        "x-amz-",
    };
    for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
        struct str k = str_c(known[i]);
        bool begins = k.data[k.len - 1] == '/' || k.data[k.len - 1] == '-';
        struct str head = begins && name.len > k.len ? str_of(name.data, k.len) : name;
        if (str_eq_nocase(head, k)) {
            return true;
        }
    }
    return false;
}

/* Keys that are not S3's are looked at by S3 when they are asked for. */
static bool is_known_key(const char *key)
{
    static const struct str own = { "s3:", 3 };
    struct str k = str_c(key);
    bool is_own = k.len >= own.len && str_eq_nocase(str_of(k.data, own.len), own);
    return is_own ? is_key_of_s3(str_skip(k, own.len)) : str_find(k, ':') < k.len;
}

/* An address, or a network by the number of its first bits. */
static bool is_network(struct str text)
{
    char copy[INET6_ADDRSTRLEN];
    uint8_t address[16];
    uint64_t bits = 0;
    struct str base = str_cut(&text, '/');
    if (!str_keep(base, copy, sizeof(copy)) || (text.data && !str_to_u64(text, &bits))) {
        return false;
    }
    return inet_pton(AF_INET, copy, address) == 1
               ? bits <= 32
               : inet_pton(AF_INET6, copy, address) == 1 && bits <= 128;
}

static bool are_networks(const json_t *wanted)
{
    for (size_t i = 0; i < s3_policy_count(wanted); i++) {
        if (!is_network(s3_policy_text(s3_policy_item(wanted, i)))) {
            return false;
        }
    }
    return true;
}

static const char *check_conditions(const json_t *conditions)
{
    const char *operator, * key;
    json_t *keys, *wanted;
    json_object_foreach(json_reading(conditions), operator, keys)
    {
        struct str name = s3_policy_operator_of(operator).name;
        bool is_about_addresses =
            str_eq(name, STR("IpAddress")) || str_eq(name, STR("NotIpAddress"));
        if (!is_known_operator(operator) || !json_is_object(keys)) {
            return "Invalid Condition type";
        }
        json_object_foreach(keys, key, wanted)
        {
            if (!is_known_key(key)) {
                return "Policy has an invalid condition key";
            }
            if (is_about_addresses && !are_networks(wanted)) {
                return "Invalid IP range in condition";
            }
        }
    }
    return NULL;
}

static const char *check_statement(const json_t *s, struct str bucket)
{
    const json_t *principal = json_object_get(s, "Principal");
    const json_t *not_principal = json_object_get(s, "NotPrincipal");
    const json_t *action = json_object_get(s, "Action"),
                 *not_action = json_object_get(s, "NotAction");
    const json_t *resource = json_object_get(s, "Resource");
    const json_t *not_resource = json_object_get(s, "NotResource");
    struct str effect = s3_policy_text(json_object_get(s, "Effect"));
    if (!is_text_or_none(json_object_get(s, "Sid"))) {
        return SYNTAX;
    }
    if (!str_eq(effect, STR("Allow")) && !str_eq(effect, STR("Deny"))) {
        return "Invalid effect";
    }
    if (!principal == !not_principal) {
        return "Missing required field Principal";
    }
    if (!check_principal(principal ? principal : not_principal)) {
        return "Invalid principal in policy";
    }
    if (not_principal && str_eq(effect, STR("Allow"))) {
        return "Allow with NotPrincipal is not allowed.";
    }
    if (!action == !not_action || !are_strings(action ? action : not_action)) {
        return "Missing required field Action";
    }
    if (!check_actions(action ? action : not_action)) {
        return "Policy has invalid action";
    }
    if (!resource == !not_resource || !are_strings(resource ? resource : not_resource)) {
        return "Missing required field Resource";
    }
    if (!check_resources(resource ? resource : not_resource, bucket)) {
        return "Policy has invalid resource";
    }
    return check_conditions(json_object_get(s, "Condition"));
}

const char *s3_policy_check(const json_t *policy, struct str bucket)
{
    const json_t *version = json_object_get(policy, "Version");
    const json_t *statements = json_object_get(policy, "Statement");
    if (version && !str_eq(s3_policy_text(version), STR("2012-10-17")) &&
        !str_eq(s3_policy_text(version), STR("2008-10-17"))) {
        return "The policy must contain a valid version string";
    }
    if (!is_text_or_none(json_object_get(policy, "Id"))) {
        return SYNTAX;
    }
    if (s3_policy_count(statements) == 0) {
        return "Missing required field Statement";
    }
    for (size_t i = 0; i < s3_policy_count(statements); i++) {
        const json_t *s = s3_policy_item(statements, i);
        const char *why =
            json_is_object(s) ? check_statement(s, bucket) : "Statement is not an object";
        if (why) {
            return why;
        }
    }
    return NULL;
}
