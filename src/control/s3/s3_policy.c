/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_policy.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/s3/s3_policy_check.h"
#include "control/s3/s3_policy_part.h"
#include "control/text/json_reading.h"
#include "control/text/wildcard.h"

static bool any_matches(const json_t *patterns, struct str text,
                        bool (*matches)(struct str pattern, struct str text))
{
    for (size_t i = 0; i < s3_policy_count(patterns); i++) {
        if (matches(s3_policy_text(s3_policy_item(patterns, i)), text)) {
            return true;
        }
    }
    return false;
}

json_t *s3_policy_load(struct str text)
{
    json_t *policy = json_loadb(text.data ? text.data : "", text.len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(policy)) {
        json_decref(policy);
        return NULL;
    }
    return policy;
}

json_t *s3_policy_parse(struct str text, struct str bucket, const char **ret_why)
{
    json_t *policy = s3_policy_load(text);
    *ret_why = policy ? s3_policy_check(policy, bucket)
                      : "Policies must be valid JSON and the first byte must be '{'";
    if (*ret_why) {
        json_decref(policy);
        return NULL;
    }
    return policy;
}

/* ---- principals ---- */

static bool is_principal(struct str pattern, const char *kind, const struct s3_policy_question *q)
{
    if (strcmp(kind, "CanonicalUser") == 0) {
        return q->canonical_id.len > 0 && str_eq(pattern, q->canonical_id);
    }
    if (strcmp(kind, "Service") == 0) {
        return q->service.len > 0 && str_eq(pattern, q->service);
    }
    if (strcmp(kind, "AWS") != 0 || q->service.len > 0) {
        return false;
    }
    if (str_eq(pattern, STR("*"))) {
        return true;
    }
    if (q->principal_arn.len == 0) {
        return false;
    }
    /* A whole account: its number, or its root. */
    char root[64];
    int len = snprintf(root, sizeof(root), "arn:aws:iam::" STR_FMT ":root", STR_ARG(q->account));
    if (str_eq(pattern, q->account) || str_eq(pattern, str_of(root, (size_t)len)) ||
        str_eq(pattern, q->principal_arn) || str_eq(pattern, q->canonical_id)) {
        return true;
    }
    /* A user by canonical id, and of whichever account: users of mayfly.json have none. */
    const char *user = str_starts(pattern, STR("arn:aws:iam::")) && pattern.len > 0
                           ? memmem(pattern.data, pattern.len, ":user/", 6)
                           : NULL;
    struct str name = user ? str_skip(pattern, (size_t)(user - pattern.data) + 6) : STR("");
    return name.len > 0 && (str_eq(name, q->canonical_id) || str_eq(name, q->user_name));
}

static bool has_principal(const json_t *principal, const struct s3_policy_question *q)
{
    if (json_is_string(principal)) {
        return str_eq(s3_policy_text(principal), STR("*"));
    }
    const char *kind;
    json_t *who;
    json_object_foreach(json_reading(principal), kind, who)
    {
        for (size_t i = 0; i < s3_policy_count(who); i++) {
            if (is_principal(s3_policy_text(s3_policy_item(who, i)), kind, q)) {
                return true;
            }
        }
    }
    return false;
}

/* ---- conditions ---- */

static bool compare_numbers(struct str name, struct str a, struct str b)
{
    char x[32], y[32];
    (void)snprintf(x, sizeof(x), STR_FMT, STR_ARG(a)); /* longer ones are no numbers */
    (void)snprintf(y, sizeof(y), STR_FMT, STR_ARG(b));
    double left = strtod(x, NULL), right = strtod(y, NULL);
    return str_eq(name, STR("Equals"))           ? left == right
           : str_eq(name, STR("NotEquals"))      ? left != right
           : str_eq(name, STR("LessThan"))       ? left < right
           : str_eq(name, STR("LessThanEquals")) ? left <= right
           : str_eq(name, STR("GreaterThan"))    ? left > right
                                                 : left >= right;
}

/* Dates of one format compare as text; what is longer has fractions. */
static bool compare_dates(struct str name, struct str a, struct str b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    len = len < 19 ? len : 19; /* 2009-10-12T17:50:30 */
    int order = memcmp(a.data, b.data, len);
    return str_eq(name, STR("Equals"))           ? order == 0
           : str_eq(name, STR("NotEquals"))      ? order != 0
           : str_eq(name, STR("LessThan"))       ? order < 0
           : str_eq(name, STR("LessThanEquals")) ? order <= 0
           : str_eq(name, STR("GreaterThan"))    ? order > 0
                                                 : order >= 0;
}

static bool parse_address(struct str text, uint8_t ret[16])
{
    char copy[INET6_ADDRSTRLEN];
    if (text.len >= sizeof(copy)) {
        return false;
    }
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    memset(ret, 0, 16);
    if (inet_pton(AF_INET, copy, ret + 12) == 1) {
        ret[10] = ret[11] = 0xff; /* as IPv6 */
        return true;
    }
    return inet_pton(AF_INET6, copy, ret) == 1;
}

static bool is_in_network(struct str network, struct str address)
{
    uint8_t a[16], b[16];
    struct str base = str_cut(&network, '/');
    uint64_t bits = 128;
    bool is_v4 = str_find(base, ':') == base.len;
    if (!parse_address(base, a) || !parse_address(address, b) ||
        (network.data && !str_to_u64(network, &bits))) {
        return false;
    }
    bits += is_v4 && network.data ? 96 : 0;
    for (uint64_t i = 0; i < 128 && i < bits; i++) {
        if ((a[i / 8] ^ b[i / 8]) & (0x80 >> i % 8)) {
            return false;
        }
    }
    return true;
}

/* One value of the policy against one of the request, for the positive form of an operator. */
static bool compare(struct str name, struct str wanted, struct str value)
{
    if (str_starts(name, STR("Numeric"))) {
        return compare_numbers(str_skip(name, 7), value, wanted);
    }
    if (str_starts(name, STR("Date"))) {
        return compare_dates(str_skip(name, 4), value, wanted);
    }
    if (str_eq(name, STR("IpAddress"))) {
        return is_in_network(wanted, value);
    }
    if (str_eq(name, STR("Bool")) || str_eq(name, STR("StringEqualsIgnoreCase"))) {
        return str_eq_nocase(wanted, value);
    }
    if (str_eq(name, STR("StringLike")) || str_starts(name, STR("Arn"))) {
        return wildcard_matches(wanted, value);
    }
    return str_eq(wanted, value);
}

/* "StringNotLike" is "StringLike" denied. */
static bool strip_not(struct str name, char memory[64], struct str *ret)
{
    *ret = name;
    for (size_t i = 0; i + 3 <= name.len && name.len < 64; i++) {
        if (memcmp(name.data + i, "Not", 3) == 0 && !str_starts(name, STR("Numeric")) &&
            !str_starts(name, STR("Date"))) {
            memcpy(memory, name.data, i);
            memcpy(memory + i, name.data + i + 3, name.len - i - 3);
            *ret = str_of(memory, name.len - 3);
            return true;
        }
    }
    return false;
}

/* Several values of one key come separated by newlines (s3:RequestObjectTagKeys). */
static bool holds(const struct s3_policy_operator *o, const json_t *wanted, struct str value)
{
    char memory[64];
    struct str name;
    bool denied = strip_not(o->name, memory, &name);
    bool any = false, all = true;
    struct str rest = value;
    do {
        struct str one = o->for_all || o->for_any ? str_cut(&rest, '\n') : rest;
        bool matched = false;
        for (size_t i = 0; i < s3_policy_count(wanted); i++) {
            matched = matched || compare(name, s3_policy_text(s3_policy_item(wanted, i)), one);
        }
        any = any || matched != denied;
        all = all && matched != denied;
    } while ((o->for_all || o->for_any) && rest.len > 0);
    return o->for_all ? all : any;
}

static bool condition_holds(const struct s3_policy_operator *o, const char *key,
                            const json_t *wanted, const struct s3_policy_question *q)
{
    struct str value = q->value(str_c(key), q->context);
    if (str_eq(o->name, STR("Null"))) {
        return str_eq_nocase(s3_policy_text(s3_policy_item(wanted, 0)), STR("true")) == !value.data;
    }
    if (!value.data) {
        char memory[64];
        struct str name;
        /* An absent key differs from everything; all of none are in any set. */
        return o->if_exists || o->for_all || strip_not(o->name, memory, &name);
    }
    return holds(o, wanted, value);
}

static bool conditions_hold(const json_t *conditions, const struct s3_policy_question *q)
{
    const char *name, *key;
    json_t *keys, *wanted;
    json_object_foreach(json_reading(conditions), name, keys)
    {
        struct s3_policy_operator o = s3_policy_operator_of(name);
        json_object_foreach(keys, key, wanted)
        {
            if (!condition_holds(&o, key, wanted, q)) {
                return false;
            }
        }
    }
    return true;
}

/* ---- asking ---- */

static bool applies(const json_t *s, const struct s3_policy_question *q)
{
    const json_t *principal = json_object_get(s, "Principal");
    const json_t *not_principal = json_object_get(s, "NotPrincipal");
    const json_t *action = json_object_get(s, "Action");
    const json_t *not_action = json_object_get(s, "NotAction");
    const json_t *resource = json_object_get(s, "Resource");
    const json_t *not_resource = json_object_get(s, "NotResource");
    bool who =
        principal ? has_principal(principal, q) : not_principal && !has_principal(not_principal, q);
    bool what = action ? any_matches(action, q->action, wildcard_matches_nocase)
                       : not_action && !any_matches(not_action, q->action, wildcard_matches_nocase);
    bool where = resource
                     ? any_matches(resource, q->resource, wildcard_matches)
                     : not_resource && !any_matches(not_resource, q->resource, wildcard_matches);
    return who && what && where && conditions_hold(json_object_get(s, "Condition"), q);
}

enum s3_effect s3_policy_ask(const json_t *policy, const struct s3_policy_question *q)
{
    const json_t *statements = json_object_get(policy, "Statement");
    enum s3_effect effect = S3_EFFECT_NONE;
    for (size_t i = 0; i < s3_policy_count(statements); i++) {
        const json_t *s = s3_policy_item(statements, i);
        if (applies(s, q)) {
            if (str_eq(s3_policy_text(json_object_get(s, "Effect")), STR("Deny"))) {
                return S3_EFFECT_DENY;
            }
            effect = S3_EFFECT_ALLOW;
        }
    }
    return effect;
}

static bool says_who(const char *condition_key)
{
    static const char *const keys[] = { "aws:SourceIp",
                                        "aws:SourceArn",
                                        "aws:SourceVpc",
                                        "aws:SourceVpce",
                                        "aws:SourceAccount",
                                        "aws:SourceOwner",
                                        "aws:userid",
                                        "aws:PrincipalOrgID",
                                        "aws:PrincipalArn",
                                        "aws:PrincipalAccount",
                                        "s3:DataAccessPointAccount" };
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        if (str_eq_nocase(str_c(condition_key), str_c(keys[i]))) {
            return true;
        }
    }
    return false;
}

/* Conditions that say who may come in, from where or as whom: the rest leaves a policy public.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html */
static bool narrows(const json_t *conditions)
{
    const char *name, *key;
    json_t *values, *wanted;
    json_object_foreach(json_reading(conditions), name, values)
    {
        json_object_foreach(values, key, wanted)
        {
            struct str first = s3_policy_text(s3_policy_item(wanted, 0));
            if (says_who(key) && !str_eq(first, STR("*")) && !str_eq(first, STR("0.0.0.0/0"))) {
                return true;
            }
        }
    }
    return false;
}

bool s3_policy_is_public(const json_t *policy)
{
    static const struct s3_policy_question anybody = { .action = STR("") };
    const json_t *statements = json_object_get(policy, "Statement");
    for (size_t i = 0; i < s3_policy_count(statements); i++) {
        const json_t *s = s3_policy_item(statements, i);
        if (str_eq(s3_policy_text(json_object_get(s, "Effect")), STR("Allow")) &&
            has_principal(json_object_get(s, "Principal"), &anybody) &&
            !narrows(json_object_get(s, "Condition"))) {
            return true;
        }
    }
    return false;
}
