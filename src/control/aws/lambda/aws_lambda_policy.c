/* The Lambda API: a function's resource policy (AddPermission and the like).
 *
 * Each statement is a thing of its own in the table, "NAME[:QUALIFIER]/SID", so that two that are
 * added at the same time do not overwrite each other.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/mem.h"
#include "control/aws/call/aws_check.h"
#include "control/aws/call/aws_policy.h"
#include "control/aws/lambda/aws_lambda_operations.h"
#include "control/events/eventbridge/json_table.h"
#include "control/sign/aws_digest.h"
#include "control/text/json_reading.h"
#include "control/text/json_write.h"

#define KEY_BYTES ((size_t)2 * LAMBDA_NAME_BYTES)

/* ---- what there is ---- */

static void prefix_of(const struct aws_lambda_subject *s, char ret[KEY_BYTES])
{
    (void)snprintf(ret, KEY_BYTES, "%.64s%s%.128s/", s->named.name,
                   s->named.qualifier[0] ? ":" : "", s->named.qualifier);
}

static void add_statement(const char *name, json_t *statement, void *context)
{
    (void)name;
    (void)json_array_append(context, statement); /* a new place for it */
}

/* The policy's text, owned, or NULL; its revision is made of it. */
static char *read_policy(struct aws_call *c, const struct aws_lambda_subject *s,
                         char ret_revision[UUID_BYTES])
{
    char prefix[KEY_BYTES];
    json_t *statements = json_array();
    prefix_of(s, prefix);
    json_table_each(c->services->lambda_permissions, str_c(prefix), add_statement, statements);
    json_t *policy = json_pack("{s:s, s:s, s:O}", "Version", "2012-10-17", "Id", "default",
                               "Statement", statements);
    char *text = json_array_size(statements) > 0 ? json_write(policy) : NULL;
    json_decref(policy);
    json_decref(statements);
    aws_uuid_of(text ? str_c(text) : STR(""), ret_revision);
    return text;
}

/* Answers that the policy is another by now, if "RevisionId" is neither its revision nor that of
 * the function. */
static bool is_revision(struct aws_call *c, const struct aws_lambda_subject *s, const char *wanted)
{
    char revision[UUID_BYTES];
    scoped_free char *policy = read_policy(c, s, revision);
    char of_function[UUID_BYTES];
    lambda_path_revision(s->function, of_function);
    if (!wanted || strcmp(wanted, revision) == 0 || strcmp(wanted, of_function) == 0) {
        return true;
    }
    aws_call_fail(c, 412, "PreconditionFailedException",
                  "The Revision Id provided does not match the latest Revision Id. Call the %s API "
                  "to retrieve the latest Revision Id",
                  policy ? "GetPolicy" : "GetFunction/GetAlias");
    return false;
}

void aws_lambda_policy_get(struct aws_call *c, const struct aws_lambda_subject *s)
{
    char revision[UUID_BYTES];
    scoped_free char *policy = s->function ? read_policy(c, s, revision) : NULL;
    if (policy) {
        aws_call_answer(c, json_pack("{s:s, s:s}", "Policy", policy, "RevisionId", revision));
    } else {
        aws_call_fail(c, 404, "ResourceNotFoundException", AWS_LAMBDA_NO_RESOURCE);
    }
}

/* ---- a new statement ---- */

static void set_condition(json_t *conditions, const char *kind, const char *key, const char *value)
{
    if (value) {
        json_t *of_kind = json_object_get(conditions, kind);
        if (!of_kind) {
            of_kind = json_object();
            (void)json_object_set_new(conditions, kind, of_kind); /* a new value */
        }
        (void)json_object_set_new(of_kind, key, json_string(value)); /* came as sound text */
    }
}

static json_t *conditions_of(const struct aws_call *c)
{
    static const char *const equals[][2] = {
        { "SourceAccount", "AWS:SourceAccount" },
        { "FunctionUrlAuthType", "lambda:FunctionUrlAuthType" },
        { "EventSourceToken", "lambda:EventSourceToken" },
        { "PrincipalOrgID", "aws:PrincipalOrgID" },
    };
    json_t *conditions = json_object();
    for (size_t i = 0; i < ARRAY_COUNT(equals); i++) {
        set_condition(conditions, "StringEquals", equals[i][1], aws_call_text(c, equals[i][0]));
    }
    set_condition(conditions, "ArnLike", "AWS:SourceArn", aws_call_text(c, "SourceArn"));
    if (json_is_true(aws_call_member(c, "InvokedViaFunctionUrl"))) {
        set_condition(conditions, "Bool", "lambda:InvokedViaFunctionUrl", "true");
    }
    return conditions;
}

/* A new reference; NULL: what is wrong has been answered. */
static json_t *statement_of(struct aws_call *c, const struct aws_lambda_subject *s)
{
    char arn[LAMBDA_ARN_BYTES];
    json_t *principal = aws_policy_principal(aws_call_text(c, "Principal"));
    if (!principal) {
        aws_call_fail(c, 400, "InvalidParameterValueException",
                      "The provided principal was invalid. Please check the principal and try "
                      "again.");
        return NULL;
    }
    lambda_path_arn(s->region, s->named.name, s->named.qualifier, arn);
    json_t *statement = json_pack("{s:s, s:s, s:o, s:s, s:s}", "Sid",
                                  aws_call_text(c, "StatementId"), "Effect", "Allow", "Principal",
                                  principal, "Action", aws_call_text(c, "Action"), "Resource", arn);
    json_t *conditions = conditions_of(c);
    if (json_object_size(conditions) > 0) {
        (void)json_object_set(statement, "Condition", conditions); /* a sound value */
    }
    json_decref(conditions);
    return statement;
}

/* Letters, digits, "-" and "_" make an alias's name; digits alone a version's. */
static bool is_alias(const char *qualifier)
{
    uint64_t version;
    return !strchr(qualifier, '$') && !str_to_u64(str_c(qualifier), &version);
}

static void missing(struct aws_call *c, const struct aws_lambda_subject *s, const char *otherwise)
{
    char arn[LAMBDA_ARN_BYTES];
    bool is_function = lambda_path_function(c->services, s->named.name) != NULL;
    const char *text = is_function && is_alias(s->named.qualifier) ? "Cannot find alias arn"
                       : is_function                               ? "Function not found"
                                                                   : otherwise;
    lambda_path_arn(s->region, s->named.name, s->named.qualifier, arn);
    aws_call_fail(c, 404, "ResourceNotFoundException", "%s: %s", text, arn);
}

static const struct aws_rule add_rules[] = {
    { "StatementId", AWS_TEXT, AWS_MUST, 1, 100, "([a-zA-Z0-9-_]+)" },
    { "Action", AWS_TEXT, AWS_MUST, 0, 0, "(lambda:[*]|lambda:[a-zA-Z]+|[*])" },
    { "Principal", AWS_TEXT, AWS_MUST, 0, 0, "[^\\s]+" },
    { "SourceArn", AWS_TEXT, AWS_MAY, 0, 0,
      "arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\\-])+:([a-z]{2}(-gov)?-[a-z]+-\\d{1})?:(\\d{12})?:(.*)" },
    { "SourceAccount", AWS_TEXT, AWS_MAY, 0, 12, "\\d{12}" },
    { "EventSourceToken", AWS_TEXT, AWS_MAY, 0, 256, "[a-zA-Z0-9._\\-]+" },
    { "RevisionId", AWS_TEXT, AWS_MAY, 0, 0, NULL },
    { "FunctionUrlAuthType", AWS_TEXT, AWS_MAY, 0, 0, "NONE, AWS_IAM" },
    { "InvokedViaFunctionUrl", AWS_BOOLEAN, AWS_MAY, 0, 0, NULL },
    { "PrincipalOrgID", AWS_TEXT, AWS_MAY, 12, 34, "o-[a-z0-9]{10,32}" },
};

void aws_lambda_policy_add(struct aws_call *c, const struct aws_lambda_subject *s)
{
    char key[KEY_BYTES];
    struct aws_check k;
    aws_check_init(&k);
    aws_check_members(&k, c->input, "", add_rules, ARRAY_COUNT(add_rules));
    if (!aws_check_end(&k, c)) {
        return;
    }
    if (strcmp(s->named.qualifier, "$LATEST") == 0) {
        aws_call_fail(c, 400, "InvalidParameterValueException",
                      "We currently do not support adding policies for $LATEST.");
        return;
    }
    if (!s->function) {
        missing(c, s, "Function not found");
        return;
    }
    const char *sid = aws_call_text(c, "StatementId");
    prefix_of(s, key);
    (void)snprintf(key + strlen(key), sizeof(key) - strlen(key), "%.100s", sid);
    if (json_table_find(c->services->lambda_permissions, str_c(key))) {
        aws_call_fail(c, 409, "ResourceConflictException",
                      "The statement id (%s) provided already exists. Please provide a new "
                      "statement id, or remove the existing statement.",
                      sid);
        return;
    }
    if (!is_revision(c, s, aws_call_text(c, "RevisionId"))) {
        return;
    }
    json_t *statement = statement_of(c, s);
    if (statement) {
        char *text = json_write(statement);
        c->status = 201;
        c->context = json_pack("{s:s}", "Statement", text ? text : "{}");
        free(text);
        json_table_put(c->services->lambda_permissions, str_c(key), statement, aws_call_written, c);
    }
}

void aws_lambda_policy_remove(struct aws_call *c, const struct aws_lambda_subject *s)
{
    char key[KEY_BYTES];
    char revision[UUID_BYTES];
    char wanted[LAMBDA_NAME_BYTES];
    if (!s->function) {
        missing(c, s, "No policy found for");
        return;
    }
    scoped_free char *policy = read_policy(c, s, revision);
    prefix_of(s, key);
    (void)snprintf(key + strlen(key), sizeof(key) - strlen(key), "%.*s",
                   s->rest.len < 100 ? (int)s->rest.len : 100, s->rest.data);
    if (!policy) {
        aws_call_fail(c, 404, "ResourceNotFoundException",
                      "No policy is associated with the given resource.");
    } else if (!json_table_find(c->services->lambda_permissions, str_c(key))) {
        aws_call_fail(c, 404, "ResourceNotFoundException",
                      "Statement " STR_FMT " is not found in resource policy.", STR_ARG(s->rest));
    } else if (!lambda_path_query(c->exchange->target, STR("RevisionId"), wanted) ||
               is_revision(c, s, wanted)) {
        c->status = 204;
        json_table_remove(c->services->lambda_permissions, str_c(key), aws_call_written, c);
    }
}
