/* What Lambda has beside functions and cannot be made here: layers, code signing configurations,
 * capacity providers. Whoever looks finds none, in the words that were recorded of AWS.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "control/aws/lambda/aws_lambda_operations.h"

static bool is_get(const struct aws_call *c)
{
    return str_eq(c->exchange->method, STR("GET"));
}

static bool is_delete(const struct aws_call *c)
{
    return str_eq(c->exchange->method, STR("DELETE"));
}

static void no_resource(struct aws_call *c)
{
    aws_call_fail(c, 404, "ResourceNotFoundException", AWS_LAMBDA_NO_RESOURCE);
}

/* A layer is named by its name or ARN. */
static void no_version(struct aws_call *c, const char *layer, struct str version)
{
    char arn[LAMBDA_ARN_BYTES];
    (void)snprintf(arn, sizeof(arn), "arn:aws:lambda:%s:000000000000:layer:%.140s", c->region,
                   layer);
    aws_call_fail(c, 404, "ResourceNotFoundException",
                  "Layer version %.300s:" STR_FMT " does not exist.",
                  str_starts(str_c(layer), STR("arn:")) ? layer : arn, STR_ARG(version));
}

/* "/versions", "/versions/3", "/versions/3/policy", "/versions/3/policy/SID" of a layer. */
static bool run_layer(struct aws_call *c, const char *layer, struct str rest)
{
    static const struct str versions = { "/versions", sizeof("/versions") - 1 };
    uint64_t number;
    if (str_eq(rest, versions) && is_get(c)) {
        aws_call_answer(c, json_pack("{s:[]}", "LayerVersions"));
        return true;
    }
    if (!str_starts(rest, versions) || rest.len <= versions.len + 1) {
        return false;
    }
    struct str more = str_skip(rest, versions.len + 1);
    struct str version = str_cut(&more, '/');
    if (!str_to_u64(version, &number) || number == 0) {
        aws_call_fail(c, 400, "InvalidParameterValueException",
                      "Layer Version Cannot be less than 1");
    } else if (more.data) {
        no_version(c, layer, version);
    } else if (is_delete(c)) {
        c->status = 204; /* it is gone, that is what was wanted */
        aws_call_answer(c, NULL);
    } else {
        no_resource(c);
    }
    return true;
}

static bool run_signing(struct aws_call *c, const char *arn, struct str rest)
{
    (void)rest; /* "/functions": those of a configuration */
    aws_call_fail(c, 404, "ResourceNotFoundException",
                  "The Lambda code signing configuration %.300s can not be found.", arn);
    return true;
}

static bool run_provider(struct aws_call *c, const char *name, struct str rest)
{
    (void)name;
    (void)rest;
    no_resource(c);
    return true;
}

static const struct {
    const char *path;
    const char *list; /* the member that is empty */
    bool (*run)(struct aws_call *c, const char *name, struct str rest);
} kinds[] = {
    { "/2018-10-31/layers", "Layers", run_layer },
    { "/2020-04-22/code-signing-configs", "CodeSigningConfigs", run_signing },
    { "/2025-11-30/capacity-providers", "CapacityProviders", run_provider },
};

static bool run_list(struct aws_call *c, const char *list)
{
    char find[LAMBDA_NAME_BYTES];
    if (!is_get(c)) {
        return false;
    }
    if (lambda_path_query(c->exchange->target, STR("find"), find)) {
        no_resource(c); /* GetLayerVersionByArn */
    } else {
        aws_call_answer(c, json_pack("{s:[]}", list));
    }
    return true;
}

bool aws_lambda_none(struct aws_call *c, struct str path)
{
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        char name[LAMBDA_NAME_BYTES];
        struct str rest = str_behind(path, str_c(kinds[i].path));
        if (!str_starts(path, str_c(kinds[i].path))) {
            continue;
        }
        if (rest.len == 0 || str_eq(rest, STR("/"))) {
            return run_list(c, kinds[i].list);
        }
        return lambda_path_part(rest, STR("/"), name, &rest) && kinds[i].run(c, name, rest);
    }
    return false;
}
