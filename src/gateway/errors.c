/* The bodies follow the platforms' own, which their tools and people's tests look for. In
 * development a browser is told what happened instead, and a header names the error to others.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/errors.h"

#include <jansson.h>
#include <stdio.h>

#include "gateway/error_out.h"
#include "gateway/errors_lambda.h"
#include "http/http_reply.h"

#define RETRY_AFTER_S "1"

/* As wide as a phone is, and dark where everything else is. */
#define PAGE_META                                                                                  \
    "<meta name=\"viewport\" content=\"width=device-width\">"                                      \
    "<meta name=\"color-scheme\" content=\"light dark\">"

/* As `vercel dev` has it, which is where a browser looks for the code and the request. */
static void add_vercel_page(struct error_out *o, const struct error_case *e, unsigned status,
                            const char *code)
{
    error_out_type(o, "text/html; charset=utf-8");
    error_out_text(o,
                   "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">" PAGE_META
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
static unsigned answer_vercel_code(struct error_out *o, const struct error_case *e, unsigned status,
                                   const char *code)
{
    const char *title = vercel_title(e, status);
    error_out_field(o, "x-vercel-error", code);
    if (e->wants_json) {
        json_t *fields = json_pack("{s:i,s:s}", "code", (int)status, "message", title);
        error_out_json(o, json_pack("{s:o}", "error", fields));
        error_out_str(o, STR("\n"));
    } else if (e->wants_html && e->kind == ERROR_ROUTE) {
        add_vercel_page(o, e, status, code);
    } else {
        error_out_type(o, "text/plain; charset=utf-8");
        error_out_text(o, "%s\n\n%s\n", title, code);
        if (e->person) {
            error_out_str(o, STR("\n"));
            error_out_explain(o, e);
        }
    }
    return status;
}

static unsigned answer_vercel(struct error_out *o, const struct error_case *e)
{
    switch (e->kind) {
    case ERROR_ROUTE:
        return e->status == 404   ? answer_vercel_code(o, e, 404, "NOT_FOUND")
               : e->status == 508 ? answer_vercel_code(o, e, 508, "INFINITE_LOOP_DETECTED")
                                  : error_out_plain(o, e);
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
        return error_out_plain(o, e);
    default:
        return answer_vercel_code(o, e, 500, "FUNCTION_INVOCATION_FAILED");
    }
}

/* What middleware gives no answer to is answered as Vercel does. */
static unsigned answer_middleware(struct error_out *o, const struct error_case *e)
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
static unsigned answer_next_missing(struct error_out *o)
{
    error_out_type(o, "text/html; charset=utf-8");
    error_out_field(o, "cache-control", next_uncached);
    error_out_str(o,
                  STR("<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"/>" PAGE_META
                      "<meta name=\"robots\" content=\"noindex\"/>"
                      "<title>404: This page could not be found.</title></head>"
                      "<body><h1>404</h1><h2>This page could not be found.</h2></body></html>"));
    return 404;
}

/* Next.js: what a route handler threw is answered 500 with nothing, unless it is an edge route's,
 * as is every refusal of its own; what happens around it is Vercel's to say. */
static unsigned answer_next(struct error_out *o, const struct error_case *e)
{
    switch (e->kind) {
    case ERROR_THROW:
    case ERROR_LOAD:
    case ERROR_INVALID:
    case ERROR_MISSING:
        if (e->person) {
            error_out_type(o, "text/plain; charset=utf-8");
            error_out_explain(o, e);
        } else if (e->edge) {
            error_out_type(o, "text/plain");
            error_out_field(o, "cache-control", next_uncached);
            error_out_str(o, STR("Internal Server Error"));
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

static unsigned answer_worker_loop(struct error_out *o, const struct error_case *e)
{
    error_out_type(o, "text/plain; charset=utf-8");
    error_out_str(o, STR("error code: 1019\n"));
    if (e->dev) {
        error_out_str(
            o, STR("Workers of this project have passed this request on more than 16 times.\n"));
    }
    return 508;
}

/* What the worker threw, as wrangler dev has it: the stack and nothing else. */
static unsigned answer_worker_stack(struct error_out *o, const struct error_case *e)
{
    error_out_type(o, "text/plain;charset=UTF-8");
    error_out_str(o, e->detail);
    return 500;
}

/* Cloudflare's numbers: 1101 the worker threw, 1102 it ran over a limit, 1019 it goes in circles.
 */
static unsigned answer_worker(struct error_out *o, const struct error_case *e)
{
    const char *title;
    unsigned code, status = 500;
    switch (e->kind) {
    case ERROR_ROUTE:
        return e->status == 508 ? answer_worker_loop(o, e) : error_out_plain(o, e);
    case ERROR_METHOD:
    case ERROR_BODY:
    case ERROR_HEAD:
        return error_out_plain(o, e);
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
    error_out_type(o, "text/plain; charset=utf-8");
    error_out_text(o, "error code: %u\n", code);
    if (e->person) {
        error_out_text(o, "%s\n\n", title);
        error_out_explain(o, e);
    }
    return status;
}

/* Netlify: the runtime's report as JSON, or a sentence. */
static unsigned answer_netlify(struct error_out *o, const struct error_case *e)
{
    switch (e->kind) {
    case ERROR_ROUTE:
        if (e->status != 404) {
            return error_out_plain(o, e);
        }
        error_out_type(o, "text/plain; charset=utf-8");
        error_out_str(o, STR("Not Found - Request ID: "));
        error_out_str(o, str_c(e->id));
        return 404;
    case ERROR_METHOD:
    case ERROR_HEAD:
    case ERROR_BODY:
        return error_out_plain(o, e);
    case ERROR_OVERLOAD:
        error_out_type(o, "text/plain; charset=utf-8");
        error_out_str(o, STR("Service Unavailable"));
        return 503;
    case ERROR_TIMEOUT:
        errors_lambda_timeout(o, e);
        return 500;
    default:
        if (e->report.len > 0) {
            error_out_type(o, "application/json");
            error_out_str(o, e->report);
            return 500;
        }
        if (e->person) {
            error_out_type(o, "text/plain; charset=utf-8");
            error_out_explain(o, e);
            return 502;
        }
        errors_lambda_end(o, e);
        return 502;
    }
}

/* The build's own words, whatever the platform: this is development, or a deployment that went
 * ahead with what worked. */
static unsigned answer_broken(struct error_out *o, const struct error_case *e)
{
    error_out_type(o, "text/plain; charset=utf-8");
    if (e->dev) {
        error_out_str(o, STR("This function could not be built.\n\n"));
        error_out_str(o, e->detail);
        error_out_str(o, STR("\n"));
    } else {
        error_out_text(o, "%s\n", http_reason(500));
    }
    return 500;
}

/* "Error: boom", in bytes that a field may have. */
static void name_error(struct error_out *o, const struct error_case *e)
{
    char text[200];
    int len = e->type.len > 0 ? snprintf(text, sizeof(text), STR_FMT ": " STR_FMT, STR_ARG(e->type),
                                         STR_ARG(e->message))
              : e->message.len > 0 && e->kind != ERROR_BROKEN
                  ? snprintf(text, sizeof(text), "%s " STR_FMT, error_out_describe(e->kind),
                             STR_ARG(e->message))
                  : snprintf(text, sizeof(text), "%s", error_out_describe(e->kind));
    for (int i = 0; i < len && text[i]; i++) {
        if (text[i] < ' ' || text[i] > '~') {
            text[i] = ' ';
        }
    }
    if (len > 0) {
        error_out_field(o, "x-mayfly-error", text);
    }
}

unsigned errors_answer(const struct error_case *e, struct buf *fields, struct buf *body)
{
    struct error_out o = { .fields = fields, .body = body };
    if (e->kind == ERROR_OVERLOAD && !e->invoke) { /* Lambda's clients take it for a member */
        error_out_field(&o, "retry-after", RETRY_AFTER_S);
    }
    if (e->kind == ERROR_METHOD && e->allow) {
        error_out_field(&o, "allow", e->allow);
    }
    /* Of the server itself: a route says its own. */
    if (e->kind == ERROR_ROUTE && e->status == 405 && e->dialect == DIALECT_NONE) {
        error_out_field(&o, "allow", "GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS");
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
    case DIALECT_INTEGRATION:
        return errors_lambda_answer(&o, e);
    case DIALECT_WORKER:
        return answer_worker(&o, e);
    default:
        return error_out_plain(&o, e);
    }
}
