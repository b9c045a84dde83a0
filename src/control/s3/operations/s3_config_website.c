/* Whether a bucket's website configuration is sound, as S3 says what is wrong with it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "control/s3/operations/s3_config_fault.h"

#define ROUTES_MAX 50 /* S3's own limit */

static bool fail_argument(struct s3_config_fault *fault, const char *text, const char *name,
                          struct str value)
{
    (void)s3_config_fault(fault, S3_INVALID_ARGUMENT, text);
    fault->argument = name;
    fault->value = value;
    return false;
}

static bool check_code(struct s3_config_fault *fault, const char *which, struct str code,
                       uint64_t least, uint64_t most, const char *valid)
{
    char text[128];
    uint64_t number;
    if (!code.data || (str_to_u64(code, &number) && number >= least && number <= most)) {
        return true;
    }
    (void)snprintf(text, sizeof(text),
                   "The provided HTTP %s code (%.*s) is not valid. Valid codes are %s.", which,
                   (int)(code.len < 20 ? code.len : 20), code.data ? code.data : "", valid);
    return s3_config_fault(fault, S3_INVALID_REQUEST, text);
}

/* Of a Redirect, and of RedirectAllRequestsTo. */
static bool check_protocol(struct s3_config_fault *fault, const struct s3_xml_node *to)
{
    struct str protocol = s3_xml_text(to, "Protocol");
    return !protocol.data || str_eq(protocol, STR("http")) || str_eq(protocol, STR("https")) ||
           s3_config_fault(
               fault, S3_INVALID_REQUEST,
               "Invalid protocol, protocol can be http or https. If not defined the protocol will "
               "be selected automatically.");
}

static bool check_route(struct s3_config_fault *fault, const struct s3_xml_node *rule)
{
    const struct s3_xml_node *to = s3_xml_child(rule, "Redirect");
    const struct s3_xml_node *condition = s3_xml_child(rule, "Condition");
    if (!to) {
        return s3_config_fault(fault, S3_MALFORMED_XML, NULL);
    }
    if (s3_xml_child(to, "ReplaceKeyWith") && s3_xml_child(to, "ReplaceKeyPrefixWith")) {
        return s3_config_fault(fault, S3_INVALID_REQUEST,
                               "You can only define ReplaceKeyPrefix or ReplaceKey but not both.");
    }
    if (condition && !condition->first) {
        return s3_config_fault(
            fault, S3_INVALID_REQUEST,
            "Condition cannot be empty. To redirect all requests without a condition, the "
            "condition element shouldn't be present.");
    }
    return check_protocol(fault, to) &&
           check_code(fault, "redirect", s3_xml_text(to, "HttpRedirectCode"), 301, 399,
                      "3XX except 300") &&
           check_code(fault, "error", s3_xml_text(condition, "HttpErrorCodeReturnedEquals"), 400,
                      599, "4XX or 5XX");
}

static bool check_routes(struct s3_config_fault *fault, const struct s3_xml_node *rules)
{
    char text[128];
    size_t count = s3_xml_count(rules, "RoutingRule");
    if (rules && count == 0) {
        return s3_config_fault(fault, S3_MALFORMED_XML, NULL);
    }
    if (count > ROUTES_MAX) {
        (void)snprintf(text, sizeof(text),
                       "%zu routing rules provided, the number of routing rules in a website "
                       "configuration is limited to %d.",
                       count, ROUTES_MAX);
        return s3_config_fault(fault, S3_INVALID_REQUEST, text);
    }
    const struct s3_xml_node *rule = s3_xml_child(rules, "RoutingRule");
    while (rule && check_route(fault, rule)) {
        rule = s3_xml_again(rule);
    }
    return !rule;
}

static bool check_redirect_all(struct s3_config_fault *fault, const struct s3_xml_node *root,
                               const struct s3_xml_node *all)
{
    if (root->first->next) {
        return fail_argument(fault,
                             "RedirectAllRequestsTo cannot be provided in conjunction with other "
                             "Routing Rules.",
                             "RedirectAllRequestsTo", STR("not null"));
    }
    return s3_xml_text(all, "HostName").len > 0 ? check_protocol(fault, all)
                                                : s3_config_fault(fault, S3_MALFORMED_XML, NULL);
}

bool s3_config_website_check(const struct s3_xml_node *root, struct s3_config_fault *fault)
{
    const struct s3_xml_node *all = s3_xml_child(root, "RedirectAllRequestsTo");
    const struct s3_xml_node *index = s3_xml_child(root, "IndexDocument");
    const struct s3_xml_node *error = s3_xml_child(root, "ErrorDocument");
    struct str suffix = s3_xml_text(index, "Suffix");
    if (all) {
        return check_redirect_all(fault, root, all);
    }
    if (!index) {
        return fail_argument(fault,
                             "A value for IndexDocument Suffix must be provided if "
                             "RedirectAllRequestsTo is empty",
                             "IndexDocument", STR("null"));
    }
    if (suffix.len == 0 || str_find(suffix, '/') < suffix.len) {
        return fail_argument(fault, "The IndexDocument Suffix is not well formed", "IndexDocument",
                             suffix);
    }
    if (error && s3_xml_text(error, "Key").len == 0) {
        return s3_config_fault(fault, S3_MALFORMED_XML, NULL);
    }
    return check_routes(fault, s3_xml_child(root, "RoutingRules"));
}
