/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/error_out.h"

#include <stdio.h>

#include "http/http_reply.h"

void error_out_field(struct error_out *o, const char *name, const char *value)
{
    (void)!buf_printf(o->fields, "%s%c%s%c", name, 0, value, 0);
}

void error_out_str(struct error_out *o, struct str s)
{
    (void)!buf_append(o->body, s);
}

void error_out_type(struct error_out *o, const char *type)
{
    error_out_field(o, "content-type", type);
}

const char *error_out_describe(enum error_kind kind)
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

void error_out_explain(struct error_out *o, const struct error_case *e)
{
    error_out_text(o, "%s\n", error_out_describe(e->kind));
    if (e->detail.len > 0) {
        error_out_str(o, STR("\n"));
        error_out_str(o, e->detail);
        error_out_str(o, STR("\n"));
    }
    if (*e->function) {
        error_out_text(o, "\nfunction %s, request %s\n", e->function, e->id);
    }
}

unsigned error_out_plain(struct error_out *o, const struct error_case *e)
{
    unsigned status = plain_status(e);
    error_out_type(o, "text/plain; charset=utf-8");
    if (e->kind == ERROR_ROUTE || (!e->dev && e->kind != ERROR_OVERLOAD)) {
        error_out_text(o, "%s\n", http_reason(status));
        if (e->dev && e->detail.len > 0) {
            error_out_str(o, e->detail);
            error_out_str(o, STR("\n"));
        }
    } else {
        error_out_explain(o, e);
    }
    return status;
}

void error_out_json(struct error_out *o, json_t *json)
{
    char *dump = json ? json_dumps(json, JSON_COMPACT) : NULL;
    error_out_type(o, "application/json");
    error_out_str(o, dump ? str_c(dump) : STR("{}"));
    free(dump);
    json_decref(json);
}
