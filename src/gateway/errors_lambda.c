/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/errors_lambda.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* An error of Lambda's own, of the client's making. Its exceptions do not agree on the letter of
 * the message's key. */
static unsigned answer_lambda_user(struct error_out *o, const struct error_case *e, unsigned status,
                                   const char *type, json_t *fields)
{
    error_out_field(o, "x-amzn-errortype", type);
    error_out_field(o, "x-amzn-requestid", e->id);
    if (fields) {
        (void)json_object_set_new(fields, "Type", json_string("User"));
    }
    error_out_json(o, fields);
    return status;
}

/* What Lambda says when the runtime cannot: { errorType, errorMessage }. ASCII, as ids are. */
static void add_plain_report(struct error_out *o, const char *type, json_t *message)
{
    json_t *json = json_object();
    (void)json_object_set_new(json, "errorType", json_string(type));
    (void)json_object_set_new(json, "errorMessage", message);
    error_out_json(o, json);
}

static void add_report(struct error_out *o, const struct error_case *e, const char *type,
                       const char *what)
{
    add_plain_report(o, type, json_sprintf("RequestId: %s Error: %s", e->id, what));
}

static void report_size(struct error_out *o)
{
    static const char text[] = "Response payload size exceeded maximum allowed payload size.";
    add_plain_report(o, "Function.ResponseSizeTooLarge", json_string(text));
}

void errors_lambda_timeout(struct error_out *o, const struct error_case *e)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "Task timed out after %llu.%02llu seconds",
                   (unsigned long long)(e->timeout_ms / 1000),
                   (unsigned long long)(e->timeout_ms % 1000 / 10)); /* always fits */
    add_report(o, e, "Sandbox.Timedout", text);
}

/* Zygotes say "... by its own code (exit 3) while it loaded", or what nobody caught: Node.js ends
 * with 1 then. */
static void describe_load_exit(struct str detail, char *ret, size_t size)
{
    const char *at = memmem(detail.data, detail.len, "(exit ", 6);
    if (!at) {
        (void)snprintf(ret, size, detail.len > 0 ? "exit status 1" : "");
        return;
    }
    struct str rest = str_of(at + 6, detail.len - (size_t)(at + 6 - detail.data));
    struct str code = str_cut(&rest, ')');
    if (!str_eq(code, STR("0")) && code.len < 4) {
        (void)snprintf(ret, size, "exit status " STR_FMT, STR_ARG(code));
    }
}

/* How its process ended, in Lambda's words: "exit status 3", "signal: segmentation fault"; "" when
 * it ended well. The platform's own say "exit status 3" and "... signal 11 (Segmentation fault)".
 */
static void describe_exit(const struct error_case *e, char *ret, size_t size)
{
    struct str rest = e->detail;
    ret[0] = '\0';
    if (e->kind == ERROR_START) {
        describe_load_exit(e->detail, ret, size);
    } else if (e->kind == ERROR_MEMORY) {
        (void)snprintf(ret, size, "signal: killed");
    } else if (str_starts(rest, STR("exit status ")) && !str_eq(rest, STR("exit status 0"))) {
        (void)snprintf(ret, size, "%.*s", rest.len < size ? (int)rest.len : 0, rest.data);
    } else if (memmem(rest.data, rest.len, "signal ", 7)) {
        (void)str_cut(&rest, '(');
        struct str name = str_cut(&rest, ')');
        if (name.len > 0 && name.len < 64) {
            (void)snprintf(ret, size, "signal: %c%.*s", tolower((unsigned char)name.data[0]),
                           (int)name.len - 1, name.data + 1);
        }
    }
}

void errors_lambda_end(struct error_out *o, const struct error_case *e)
{
    char how[80];
    char text[128];
    if (e->kind == ERROR_SIZE) {
        report_size(o);
        return;
    }
    describe_exit(e, how, sizeof(how));
    (void)snprintf(text, sizeof(text), "Runtime exited with%s%s",
                   how[0] ? " error: " : "out providing a reason", how); /* always fits */
    add_report(o, e, "Runtime.ExitError", text);
}

/* A build that failed, as if Lambda's runtime had met what the builder did: "Could not resolve" and
 * "is not installed" are its words for a module that is not there. */
static void report_broken(struct error_out *o, const struct error_case *e)
{
    bool missing = memmem(e->detail.data, e->detail.len, "Could not resolve", 17) ||
                   memmem(e->detail.data, e->detail.len, "is not installed", 16);
    json_t *json = json_object();
    (void)json_object_set_new(
        json, "errorType",
        json_string(missing ? "Runtime.ImportModuleError" : "Runtime.UserCodeSyntaxError"));
    (void)json_object_set_new(
        json, "errorMessage",
        json_sprintf("%s: " STR_FMT, missing ? "Error" : "SyntaxError", STR_ARG(e->detail)));
    (void)json_object_set_new(json, "trace", json_array());
    error_out_json(o, json);
}

/* Lambda's Invoke API: the status says nothing of the function. */
static unsigned answer_invoke(struct error_out *o, const struct error_case *e)
{
    error_out_field(o, "x-amz-function-error", "Unhandled");
    error_out_field(o, "x-amz-executed-version", "$LATEST");
    error_out_field(o, "x-amzn-requestid", e->id);
    if (e->kind == ERROR_TIMEOUT) {
        errors_lambda_timeout(o, e);
    } else if (e->kind == ERROR_BROKEN) {
        report_broken(o, e);
    } else if (e->report.len > 0) {
        error_out_type(o, "application/json");
        error_out_str(o, e->report);
    } else {
        errors_lambda_end(o, e);
    }
    return 200;
}

/* "/2015-03-31/functions/NAME/invocations" of a function that is not there. */
static unsigned answer_lambda_route(struct error_out *o, const struct error_case *e)
{
    struct str path = e->path;
    (void)str_cut(&path, '/');
    (void)str_cut(&path, '/');
    if (e->status != 404 || !str_eq(str_cut(&path, '/'), STR("functions"))) {
        return error_out_plain(o, e);
    }
    struct str name = str_cut(&path, '/');
    json_t *fields = json_pack("{s:o*}", "Message",
                               json_sprintf("Function not found: arn:aws:lambda:" STR_FMT
                                            ":000000000000:function:" STR_FMT ":$LATEST",
                                            STR_ARG(e->region), STR_ARG(name)));
    return answer_lambda_user(o, e, 404, "ResourceNotFoundException", fields);
}

/* API Gateway: HTTP APIs in other words than REST APIs. */
static unsigned answer_api(struct error_out *o, const struct error_case *e)
{
    bool rest = e->api == ENDPOINT_API_REST;
    bool busy = e->kind == ERROR_OVERLOAD && !rest;
    error_out_json(o, json_pack("{s:s}", "message",
                                rest   ? "Internal server error"
                                : busy ? "Service Unavailable"
                                       : "Internal Server Error"));
    return rest ? 502 : busy ? 503 : 500;
}

unsigned errors_lambda_answer(struct error_out *o, const struct error_case *e)
{
    if (e->api != ENDPOINT_API_NONE && e->kind != ERROR_HEAD && e->kind != ERROR_BODY &&
        !e->person) {
        return answer_api(o, e);
    }
    switch (e->kind) {
    case ERROR_ROUTE:
        return answer_lambda_route(o, e);
    case ERROR_OVERLOAD:
        return answer_lambda_user(o, e, 429, "TooManyRequestsException",
                                  json_pack("{s:s,s:s}", "Reason",
                                            "ReservedFunctionConcurrentInvocationLimitExceeded",
                                            "message", "Rate Exceeded."));
    case ERROR_BODY:
        return answer_lambda_user(o, e, 413, "RequestTooLargeException",
                                  json_pack("{s:s}", "message",
                                            "Request must be smaller than 6291456 bytes for the "
                                            "InvokeFunction operation"));
    case ERROR_HEAD:
    case ERROR_METHOD:
        return error_out_plain(o, e);
    default:
        if (e->invoke) {
            return answer_invoke(o, e);
        }
        if (e->person) {
            error_out_type(o, "text/plain; charset=utf-8");
            error_out_str(o, STR("Internal Server Error\n\n"));
            error_out_explain(o, e);
        } else {
            error_out_type(o, "application/octet-stream");
            error_out_str(o, STR("Internal Server Error"));
        }
        return 502;
    }
}
