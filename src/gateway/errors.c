/* The bodies follow the platforms' own, which their tools and people's tests look for. In
 * development a browser is told what happened instead, and a header names the error to others.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/errors.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "http/http_reply.h"

#define RETRY_AFTER_S "1"

struct out {
    struct buf *fields;
    struct buf *body;
};

/* What does not fit is left out: the buffers are larger than anything that must be there. */
static void add_field(struct out *o, const char *name, const char *value)
{
    (void)!buf_printf(o->fields, "%s%c%s%c", name, 0, value, 0);
}

#define add_text(o, ...) ((void)!buf_printf((o)->body, __VA_ARGS__))

static void add_str(struct out *o, struct str s)
{
    (void)!buf_append(o->body, s);
}

static void set_type(struct out *o, const char *type)
{
    add_field(o, "content-type", type);
}

static const char *describe(enum error_kind kind)
{
    static const char *const texts[] = {
        [ERROR_NONE] = "",
        [ERROR_THROW] = "The function threw an error.",
        [ERROR_LOAD] = "The function's module threw an error while it was loaded.",
        [ERROR_INVALID] = "The function did not return a response that can be sent.",
        [ERROR_MISSING] = "The function exports no handler for this.",
        [ERROR_METHOD] = "The function does not answer this method.",
        [ERROR_SIZE] = "The function's response is larger than its limit.",
        [ERROR_BROKEN] = "The function could not be built.",
        [ERROR_START] = "No instance of the function could be started.",
        [ERROR_CRASH] = "The function's process ended before it had answered.",
        [ERROR_MEMORY] = "The function used more memory than its limit and was ended.",
        [ERROR_CPU] = "The function used more CPU time than its limit and was ended.",
        [ERROR_TIMEOUT] = "The function did not answer in time.",
        [ERROR_OVERLOAD] = "Every instance of the function is busy; try again.",
        [ERROR_BODY] = "The request's body is larger than the function's limit.",
        [ERROR_HEAD] = "The request's head is too large.",
        [ERROR_ROUTE] = "",
    };
    return texts[kind];
}

/* The same in every dialect, because the platforms answer them before a function's own rules. */
static unsigned plain_status(const struct error_case *e)
{
    switch (e->kind) {
    case ERROR_ROUTE:
        return e->status;
    case ERROR_METHOD:
        return 405;
    case ERROR_OVERLOAD:
        return 503;
    case ERROR_BODY:
        return 413;
    case ERROR_HEAD:
        return 431;
    case ERROR_TIMEOUT:
        return 504;
    case ERROR_START:
    case ERROR_CRASH:
    case ERROR_MEMORY:
    case ERROR_CPU:
        return 502;
    default:
        return 500;
    }
}

/* What went wrong, for the person who writes the function. */
static void explain(struct out *o, const struct error_case *e)
{
    add_text(o, "%s\n", describe(e->kind));
    if (e->detail.len > 0) {
        add_str(o, STR("\n"));
        add_str(o, e->detail);
        add_str(o, STR("\n"));
    }
    if (*e->function) {
        add_text(o, "\nfunction %s, request %s\n", e->function, e->id);
    }
}

static unsigned answer_plain(struct out *o, const struct error_case *e)
{
    unsigned status = plain_status(e);
    set_type(o, "text/plain; charset=utf-8");
    if (e->kind == ERROR_ROUTE || (!e->dev && e->kind != ERROR_OVERLOAD)) {
        add_text(o, "%s\n", http_reason(status));
        if (e->dev && e->detail.len > 0) {
            add_str(o, e->detail);
            add_str(o, STR("\n"));
        }
    } else {
        explain(o, e);
    }
    return status;
}

/* Takes the object; one that jansson could not make, for text that is no UTF-8, is {}. */
static void add_json(struct out *o, json_t *json)
{
    char *dump = json ? json_dumps(json, JSON_COMPACT) : NULL;
    set_type(o, "application/json");
    add_str(o, dump ? str_c(dump) : STR("{}"));
    free(dump);
    json_decref(json);
}

/* As `vercel dev` has it, which is where a browser looks for the code and the request. */
static void add_vercel_page(struct out *o, const struct error_case *e, unsigned status,
                            const char *code)
{
    set_type(o, "text/html; charset=utf-8");
    add_text(o,
             "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">"
             "<title>%u: %s</title></head><body><main><p><strong>%u</strong>: %s</p>"
             "<p>Code: <code>%s</code></p><p>ID: <code>%s</code></p></main></body></html>\n",
             status, code, status, code, code, e->id);
}

static const char *vercel_title(const struct error_case *e, unsigned status)
{
    if (status == 404) {
        return "The page could not be found.";
    }
    if (status < 500) {
        return http_reason(status);
    }
    return e->kind == ERROR_TIMEOUT || e->kind == ERROR_OVERLOAD
               ? "An error occurred with your deployment"
               : "A server error has occurred";
}

/* Vercel: JSON, a page or text, as the client likes; the code again in x-vercel-error. */
static unsigned answer_vercel_code(struct out *o, const struct error_case *e, unsigned status,
                                   const char *code)
{
    const char *title = vercel_title(e, status);
    add_field(o, "x-vercel-error", code);
    if (e->wants_json) {
        json_t *fields = json_pack("{s:i,s:s}", "code", (int)status, "message", title);
        add_json(o, json_pack("{s:o}", "error", fields));
        add_str(o, STR("\n"));
    } else if (e->wants_html && e->kind == ERROR_ROUTE) {
        add_vercel_page(o, e, status, code);
    } else {
        set_type(o, "text/plain; charset=utf-8");
        add_text(o, "%s\n\n%s\n", title, code);
        if (e->person) {
            add_str(o, STR("\n"));
            explain(o, e);
        }
    }
    return status;
}

static unsigned answer_vercel(struct out *o, const struct error_case *e)
{
    switch (e->kind) {
    case ERROR_ROUTE:
        return e->status == 404   ? answer_vercel_code(o, e, 404, "NOT_FOUND")
               : e->status == 508 ? answer_vercel_code(o, e, 508, "INFINITE_LOOP_DETECTED")
                                  : answer_plain(o, e);
    case ERROR_TIMEOUT:
        return answer_vercel_code(o, e, 504, "FUNCTION_INVOCATION_TIMEOUT");
    case ERROR_BODY:
        return answer_vercel_code(o, e, 413, "FUNCTION_PAYLOAD_TOO_LARGE");
    case ERROR_SIZE:
        return answer_vercel_code(o, e, 500, "FUNCTION_RESPONSE_PAYLOAD_TOO_LARGE");
    case ERROR_OVERLOAD:
        return answer_vercel_code(o, e, 503, "FUNCTION_THROTTLED");
    case ERROR_HEAD:
    case ERROR_METHOD:
        return answer_plain(o, e);
    default:
        return answer_vercel_code(o, e, 500, "FUNCTION_INVOCATION_FAILED");
    }
}

/* What middleware gives no answer to is answered as Vercel does. */
static unsigned answer_middleware(struct out *o, const struct error_case *e)
{
    switch (e->kind) {
    case ERROR_THROW:
    case ERROR_LOAD:
    case ERROR_INVALID:
    case ERROR_MISSING:
        return answer_vercel_code(o, e, 500, "MIDDLEWARE_INVOCATION_FAILED");
    case ERROR_TIMEOUT:
        return answer_vercel_code(o, e, 504, "MIDDLEWARE_INVOCATION_TIMEOUT");
    default:
        return answer_vercel(o, e);
    }
}

static const char next_uncached[] = "private, no-cache, no-store, max-age=0, must-revalidate";

/* Next.js has a page for what is not there, whoever asks. */
static unsigned answer_next_missing(struct out *o)
{
    set_type(o, "text/html; charset=utf-8");
    add_field(o, "cache-control", next_uncached);
    add_str(o, STR("<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"/>"
                   "<meta name=\"robots\" content=\"noindex\"/>"
                   "<title>404: This page could not be found.</title></head>"
                   "<body><h1>404</h1><h2>This page could not be found.</h2></body></html>"));
    return 404;
}

/* Next.js: what a route handler threw is answered 500 with nothing, unless it is an edge route's,
 * as is every refusal of its own; what happens around it is Vercel's to say. */
static unsigned answer_next(struct out *o, const struct error_case *e)
{
    switch (e->kind) {
    case ERROR_THROW:
    case ERROR_LOAD:
    case ERROR_INVALID:
    case ERROR_MISSING:
        if (e->person) {
            set_type(o, "text/plain; charset=utf-8");
            explain(o, e);
        } else if (e->edge) {
            set_type(o, "text/plain");
            add_field(o, "cache-control", next_uncached);
            add_str(o, STR("Internal Server Error"));
        }
        return 500;
    case ERROR_METHOD:
        return 405;
    case ERROR_ROUTE:
        return e->status == 404 ? answer_next_missing(o) : answer_vercel(o, e);
    default:
        return answer_vercel(o, e);
    }
}

/* An error of Lambda's own, of the client's making. Its exceptions do not agree on the letter of
 * the message's key. */
static unsigned answer_lambda_user(struct out *o, const struct error_case *e, unsigned status,
                                   const char *type, json_t *fields)
{
    add_field(o, "x-amzn-errortype", type);
    add_field(o, "x-amzn-requestid", e->id);
    if (fields) {
        (void)json_object_set_new(fields, "Type", json_string("User"));
    }
    add_json(o, fields);
    return status;
}

/* What Lambda says when the runtime cannot: { errorType, errorMessage }. ASCII, as ids are. */
static void add_plain_report(struct out *o, const char *type, json_t *message)
{
    json_t *json = json_object();
    (void)json_object_set_new(json, "errorType", json_string(type));
    (void)json_object_set_new(json, "errorMessage", message);
    add_json(o, json);
}

static void add_report(struct out *o, const struct error_case *e, const char *type,
                       const char *what)
{
    add_plain_report(o, type, json_sprintf("RequestId: %s Error: %s", e->id, what));
}

static void report_size(struct out *o)
{
    static const char text[] = "Response payload size exceeded maximum allowed payload size.";
    add_plain_report(o, "Function.ResponseSizeTooLarge", json_string(text));
}

static void report_timeout(struct out *o, const struct error_case *e)
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

static void report_end(struct out *o, const struct error_case *e)
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
static void report_broken(struct out *o, const struct error_case *e)
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
    add_json(o, json);
}

/* Lambda's Invoke API: the status says nothing of the function. */
static unsigned answer_invoke(struct out *o, const struct error_case *e)
{
    add_field(o, "x-amz-function-error", "Unhandled");
    add_field(o, "x-amz-executed-version", "$LATEST");
    add_field(o, "x-amzn-requestid", e->id);
    if (e->kind == ERROR_TIMEOUT) {
        report_timeout(o, e);
    } else if (e->kind == ERROR_BROKEN) {
        report_broken(o, e);
    } else if (e->report.len > 0) {
        set_type(o, "application/json");
        add_str(o, e->report);
    } else {
        report_end(o, e);
    }
    return 200;
}

/* "/2015-03-31/functions/NAME/invocations" of a function that is not there. */
static unsigned answer_lambda_route(struct out *o, const struct error_case *e)
{
    struct str path = e->path;
    (void)str_cut(&path, '/');
    (void)str_cut(&path, '/');
    if (e->status != 404 || !str_eq(str_cut(&path, '/'), STR("functions"))) {
        return answer_plain(o, e);
    }
    struct str name = str_cut(&path, '/');
    json_t *fields = json_pack(
        "{s:o*}", "Message",
        json_sprintf("Function not found: arn:aws:lambda:us-east-1:000000000000:function:" STR_FMT
                     ":$LATEST",
                     STR_ARG(name)));
    return answer_lambda_user(o, e, 404, "ResourceNotFoundException", fields);
}

/* API Gateway: HTTP APIs in other words than REST APIs. */
static unsigned answer_api(struct out *o, const struct error_case *e)
{
    bool rest = e->api == ENDPOINT_API_REST;
    bool busy = e->kind == ERROR_OVERLOAD && !rest;
    add_json(o, json_pack("{s:s}", "message",
                          rest   ? "Internal server error"
                          : busy ? "Service Unavailable"
                                 : "Internal Server Error"));
    return rest ? 502 : busy ? 503 : 500;
}

/* Lambda function URLs. */
static unsigned answer_lambda(struct out *o, const struct error_case *e)
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
        return answer_plain(o, e);
    default:
        if (e->invoke) {
            return answer_invoke(o, e);
        }
        if (e->person) {
            set_type(o, "text/plain; charset=utf-8");
            add_str(o, STR("Internal Server Error\n\n"));
            explain(o, e);
        } else {
            set_type(o, "application/octet-stream");
            add_str(o, STR("Internal Server Error"));
        }
        return 502;
    }
}

static unsigned answer_worker_loop(struct out *o, const struct error_case *e)
{
    set_type(o, "text/plain; charset=utf-8");
    add_str(o, STR("error code: 1019\n"));
    if (e->dev) {
        add_str(o,
                STR("Workers of this project have passed this request on more than 16 times.\n"));
    }
    return 508;
}

/* What the worker threw, as wrangler dev has it: the stack and nothing else. */
static unsigned answer_worker_stack(struct out *o, const struct error_case *e)
{
    set_type(o, "text/plain;charset=UTF-8");
    add_str(o, e->detail);
    return 500;
}

/* Cloudflare's numbers: 1101 the worker threw, 1102 it ran over a limit, 1019 it goes in circles.
 */
static unsigned answer_worker(struct out *o, const struct error_case *e)
{
    const char *title;
    unsigned code, status = 500;
    switch (e->kind) {
    case ERROR_ROUTE:
        return e->status == 508 ? answer_worker_loop(o, e) : answer_plain(o, e);
    case ERROR_METHOD:
    case ERROR_BODY:
    case ERROR_HEAD:
        return answer_plain(o, e);
    case ERROR_MEMORY:
    case ERROR_CPU:
    case ERROR_TIMEOUT:
        title = "Worker exceeded resource limits";
        code = 1102;
        status = 503;
        break;
    case ERROR_OVERLOAD:
        title = "You have been rate limited";
        code = 1015;
        status = 429;
        break;
    default:
        title = "Worker threw exception";
        code = 1101;
    }
    if (e->report.len > 0 && e->dev && !e->person) {
        return answer_worker_stack(o, e);
    }
    set_type(o, "text/plain; charset=utf-8");
    add_text(o, "error code: %u\n", code);
    if (e->person) {
        add_text(o, "%s\n\n", title);
        explain(o, e);
    }
    return status;
}

/* Netlify: the runtime's report as JSON, or a sentence. */
static unsigned answer_netlify(struct out *o, const struct error_case *e)
{
    switch (e->kind) {
    case ERROR_ROUTE:
        if (e->status != 404) {
            return answer_plain(o, e);
        }
        set_type(o, "text/plain; charset=utf-8");
        add_str(o, STR("Not Found - Request ID: "));
        add_str(o, str_c(e->id));
        return 404;
    case ERROR_METHOD:
    case ERROR_HEAD:
    case ERROR_BODY:
        return answer_plain(o, e);
    case ERROR_OVERLOAD:
        set_type(o, "text/plain; charset=utf-8");
        add_str(o, STR("Service Unavailable"));
        return 503;
    case ERROR_TIMEOUT:
        report_timeout(o, e);
        return 500;
    default:
        if (e->report.len > 0) {
            set_type(o, "application/json");
            add_str(o, e->report);
            return 500;
        }
        if (e->person) {
            set_type(o, "text/plain; charset=utf-8");
            explain(o, e);
            return 502;
        }
        report_end(o, e);
        return 502;
    }
}

/* The build's own words, whatever the platform: this is development, or a deployment that went
 * ahead with what worked. */
static unsigned answer_broken(struct out *o, const struct error_case *e)
{
    set_type(o, "text/plain; charset=utf-8");
    if (e->dev) {
        add_str(o, STR("This function could not be built.\n\n"));
        add_str(o, e->detail);
        add_str(o, STR("\n"));
    } else {
        add_text(o, "%s\n", http_reason(500));
    }
    return 500;
}

/* "Error: boom", in bytes that a field may have. */
static void name_error(struct out *o, const struct error_case *e)
{
    char text[200];
    int len =
        e->type.len > 0 ? snprintf(text, sizeof(text), STR_FMT ": " STR_FMT, STR_ARG(e->type),
                                   STR_ARG(e->message))
        : e->message.len > 0 && e->kind != ERROR_BROKEN
            ? snprintf(text, sizeof(text), "%s " STR_FMT, describe(e->kind), STR_ARG(e->message))
            : snprintf(text, sizeof(text), "%s", describe(e->kind));
    for (int i = 0; i < len && text[i]; i++) {
        if (text[i] < ' ' || text[i] > '~') {
            text[i] = ' ';
        }
    }
    if (len > 0) {
        add_field(o, "x-mayfly-error", text);
    }
}

unsigned errors_answer(const struct error_case *e, struct buf *fields, struct buf *body)
{
    struct out o = { .fields = fields, .body = body };
    if (e->kind == ERROR_OVERLOAD) {
        add_field(&o, "retry-after", RETRY_AFTER_S);
    }
    if (e->kind == ERROR_METHOD && e->allow) {
        add_field(&o, "allow", e->allow);
    }
    if (e->kind == ERROR_ROUTE && e->status == 405) {
        add_field(&o, "allow", "GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS");
    }
    if (e->dev && e->kind != ERROR_ROUTE) {
        name_error(&o, e);
    }
    if (e->kind == ERROR_BROKEN && !e->invoke) {
        return answer_broken(&o, e);
    }
    switch (e->dialect) {
    case DIALECT_NEXT:
        return answer_next(&o, e);
    case DIALECT_VERCEL:
        return answer_vercel(&o, e);
    case DIALECT_MIDDLEWARE:
        return answer_middleware(&o, e);
    case DIALECT_NETLIFY:
        return answer_netlify(&o, e);
    case DIALECT_LAMBDA:
    case DIALECT_BOOTSTRAP:
        return answer_lambda(&o, e);
    case DIALECT_WORKER:
        return answer_worker(&o, e);
    default:
        return answer_plain(&o, e);
    }
}
