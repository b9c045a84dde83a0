/* SPDX-License-Identifier: Apache-2.0 */
#include "control/aws/call/aws_policy.h"

#include <stdio.h>

#include "base/str.h"
#include "control/text/json_read.h"

static bool is_account(struct str text)
{
    uint64_t number;
    return text.len == 12 && str_to_u64(text, &number);
}

json_t *aws_policy_principal(const char *text)
{
    struct str principal = str_c(text);
    char arn[64];
    if (strcmp(text, "*") == 0) {
        return json_string("*");
    }
    if (is_account(principal)) {
        (void)snprintf(arn, sizeof(arn), "arn:aws:iam::%.12s:root", text);
        return json_pack("{s:s}", "AWS", arn);
    }
    if (str_starts(principal, STR("arn:"))) {
        return json_pack("{s:s}", "AWS", text);
    }
    const char *domain = strstr(text, ".amazonaws.com");
    if (domain &&
        (strcmp(domain, ".amazonaws.com") == 0 || strcmp(domain, ".amazonaws.com.cn") == 0)) {
        return json_pack("{s:s}", "Service", text);
    }
    return NULL;
}

json_t *aws_policy_read(const char *text)
{
    json_t *policy = text ? json_read(str_c(text), JSON_ALLOW_NUL) : NULL;
    json_t *statement = json_object_get(policy, "Statement");
    if (json_is_object(statement)) {
        json_t *list = json_array();
        (void)json_array_append(list, statement); /* a new place for it */
        (void)json_object_set_new(policy, "Statement", list);
    } else if (!json_is_array(statement)) {
        json_decref(policy);
        return NULL;
    }
    return policy;
}
