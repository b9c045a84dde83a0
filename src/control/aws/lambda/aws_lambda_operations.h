/* The Lambda API's operations, by file. Each ends its call, at once or later.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/aws/call/aws_call.h"
#include "control/events/lambda/lambda_path.h"

/* Invocations, which are no JSON calls: reads the payload itself. */
void aws_lambda_invoke(struct services *s, struct exchange *x);

/* What Lambda says where a resource of a function's is missing, and not the function. */
#define AWS_LAMBDA_NO_RESOURCE "The resource you requested does not exist."

/* Answers what is asked of layers and the like, of which there are none. False: it is not, or would
 * make some. */
bool aws_lambda_none(struct aws_call *c, struct str path);

/* What a call is about. */
struct aws_lambda_subject {
    struct lambda_named named;
    const char *region;     /* the client's: the call's */
    const json_t *function; /* NULL: there is none of the name, or no such version or alias of it */
    const char *version;    /* that is meant; NULL as above */
    struct str rest;        /* of the path, behind what says which operation it is */
};

/* "Function not found: ARN", as Lambda says it. */
void aws_lambda_missing(struct aws_call *c, const struct lambda_named *named);

/* When the version that is served of a function was first seen. */
uint64_t aws_lambda_functions_modified_ms(const struct services *s, const json_t *function);

void aws_lambda_functions_list(struct aws_call *c);
void aws_lambda_functions_get(struct aws_call *c, const struct aws_lambda_subject *s);
void aws_lambda_functions_configuration(struct aws_call *c, const struct aws_lambda_subject *s);
void aws_lambda_functions_versions(struct aws_call *c, const struct aws_lambda_subject *s);
void aws_lambda_functions_aliases(struct aws_call *c, const struct aws_lambda_subject *s);
void aws_lambda_functions_alias(struct aws_call *c, const struct aws_lambda_subject *s);
void aws_lambda_functions_url(struct aws_call *c, const struct aws_lambda_subject *s);
void aws_lambda_functions_urls(struct aws_call *c, const struct aws_lambda_subject *s);
void aws_lambda_functions_signing(struct aws_call *c, const struct aws_lambda_subject *s);
void aws_lambda_functions_provisioned(struct aws_call *c, const struct aws_lambda_subject *s);
void aws_lambda_functions_runtime(struct aws_call *c, const struct aws_lambda_subject *s);
void aws_lambda_functions_recursion(struct aws_call *c, const struct aws_lambda_subject *s);
void aws_lambda_functions_account(struct aws_call *c);

/* ".../event-invoke-config" of a function. The function may be NULL. */
void aws_lambda_async_get(struct aws_call *c, const struct aws_lambda_subject *s);
void aws_lambda_async_list(struct aws_call *c, const struct aws_lambda_subject *s);
void aws_lambda_async_put(struct aws_call *c, const struct aws_lambda_subject *s);
void aws_lambda_async_update(struct aws_call *c, const struct aws_lambda_subject *s);
void aws_lambda_async_delete(struct aws_call *c, const struct aws_lambda_subject *s);

/* The function's resource policy. It is kept and shown; whoever has credentials may invoke. The
 * function may be NULL. */
void aws_lambda_policy_get(struct aws_call *c, const struct aws_lambda_subject *s);
void aws_lambda_policy_add(struct aws_call *c, const struct aws_lambda_subject *s);
void aws_lambda_policy_remove(struct aws_call *c, const struct aws_lambda_subject *s);

/* ".../concurrency" of a function. To put and to delete, the function may be NULL. */
void aws_lambda_concurrency_get(struct aws_call *c, const struct aws_lambda_subject *s);
void aws_lambda_concurrency_put(struct aws_call *c, const struct aws_lambda_subject *s);
void aws_lambda_concurrency_delete(struct aws_call *c, const struct aws_lambda_subject *s);

/* "/2017-03-31/tags/ARN": lists (GET), adds (POST) and takes away (DELETE). */
void aws_lambda_tags(struct aws_call *c, const char *named);
/* A new object of a function's tags, perhaps empty. */
json_t *aws_lambda_tags_of(const struct services *s, const char *name);
/* Adds `more` to `tags`. What is wrong with them then, as a sentence; NULL: nothing. */
const char *aws_lambda_tags_merge(json_t *tags, json_t *more);

#define AWS_LAMBDA_ITEMS_MAX 10000 /* of nearly all lists */

/* Answers with a page of `all` (used up) as member `member`: "MaxItems" of them from "Marker" on,
 * of which `most` may be asked for, or `otherwise`. */
void aws_lambda_page(struct aws_call *c, json_t *all, const char *member, size_t otherwise,
                     size_t most);

/* "/2015-03-31/event-source-mappings/...", all methods. */
void aws_lambda_mappings(struct aws_call *c);
