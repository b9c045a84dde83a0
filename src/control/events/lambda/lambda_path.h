/* What a path of the Lambda API names, and the functions it can name.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "base/chance.h"
#include "control/services.h"

#define LAMBDA_NAME_BYTES 400 /* longer is no name that Lambda looks at */
#define LAMBDA_ARN_BYTES  352

/* Where functions are called, before their names. */
#define LAMBDA_FUNCTIONS    "/2015-03-31/functions/"
#define LAMBDA_STREAMS      "/2021-11-15/functions/"
#define LAMBDA_INVOKE_ASYNC "/2014-11-13/functions/" /* an Invoke of the type "Event" */

/* The target of an Invoke; `qualifier` may be NULL. One that is cut is no function's. */
#define LAMBDA_TARGET_BYTES (LAMBDA_NAME_BYTES + 192)
void lambda_path_invoke(const char *name, const char *qualifier, char ret[LAMBDA_TARGET_BYTES]);

/* The part of the path behind `prefix` up to the next "/" or "?", percent-decoded; false: the path
 * is another or too long. `ret_rest` (may be NULL): what follows, without the query. */
bool lambda_path_part(struct str target, struct str prefix, char ret[LAMBDA_NAME_BYTES],
                      struct str *ret_rest);
/* A parameter of the query, percent-decoded; false: there is none. */
bool lambda_path_query(struct str target, struct str name, char ret[LAMBDA_NAME_BYTES]);

#define LAMBDA_REGION_BYTES 32

/* What a request names: a function by its name, a partial or a whole ARN, and a version or an alias
 * of it by the end of that or by the query's "Qualifier". */
struct lambda_named {
    char name[LAMBDA_NAME_BYTES];
    char qualifier[LAMBDA_NAME_BYTES]; /* "": none is named */
    char region[LAMBDA_REGION_BYTES];  /* of a whole ARN, else "" */
    bool is_contradictory;             /* the two qualifiers differ */
};
void lambda_path_named(const char *named, struct str target, struct lambda_named *ret);

/* The manifest's entry of the function of that name; NULL: there is none. Any name and ARN will do;
 * its qualifier is not looked at. */
const json_t *lambda_path_function(const struct services *s, const char *named);
/* Which version a qualifier means ("$LATEST" for none): those that the project's files publish,
 * and their aliases. NULL: there is no such version. Borrowed from either. */
const char *lambda_path_version(const json_t *function, const char *qualifier);
/* Its name at AWS. */
const char *lambda_path_name(const json_t *function);
/* Its RevisionId: another one for another build of it. */
void lambda_path_revision(const json_t *function, char ret[UUID_BYTES]);
/* In the client's `region`. `qualifier`: "": the function's own. */
void lambda_path_arn(const char *region, const char *name, const char *qualifier,
                     char ret[LAMBDA_ARN_BYTES]);
