/* One call of an AWS service that speaks JSON: its input, its answer, its errors as the service's
 * clients know them.
 *
 * EventBridge is of "JSON 1.1": the operation is in x-amz-target, an error's name in "__type".
 * Scheduler is of "REST-JSON": the operation is the method and the path, an error's name is in
 * x-amzn-errortype. So is Lambda, which also says whose fault it was.
 *
 * Loop thread only. A call lives until it has been answered, by whatever callback.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "base/list.h"
#include "control/services.h"
#include "control/sign/aws_users.h"

enum aws_style {
    AWS_STYLE_JSON,
    AWS_STYLE_REST,
    AWS_STYLE_LAMBDA,
    AWS_STYLE_LAMBDA_LIMIT /* of what an account may have: the error does not say whose fault */
};

struct aws_call {
    struct list turn; /* of those that change something; else in no list */
    bool has_begun;
    struct services *services;
    struct exchange *exchange;
    enum aws_style style;
    char region[AWS_SCOPE_BYTES]; /* that the client thinks it speaks to: of its signature */
    const struct aws_user *user;  /* who has signed */
    json_t *input;                /* an object; owned */
    unsigned status;              /* of success, the handler's to set; 0: 200 */
    void *context;                /* the handler's between its callbacks */
    void (*run)(struct aws_call *c);
};

/* Calls that change something have it one after the other: what one reads before it writes is what
 * another has written before, and nothing that was acknowledged is lost between them. */
struct aws_call_turns *aws_call_turns_create(void);

/* Reads the body and has `run` called with the input, or answers what is wrong with it. A call that
 * comes before the project is served waits for it: until then nobody knows its buses, queues and
 * functions. */
void aws_call_begin(struct services *s, struct exchange *x, enum aws_style style,
                    void (*run)(struct aws_call *c));

/* Each ends the call. The output is used up; NULL: an empty object, or with JSON 1.1 nothing. */
void aws_call_answer(struct aws_call *c, json_t *output);
void aws_call_fail(struct aws_call *c, unsigned status, const char *code, const char *fmt, ...)
    PRINTF(4, 5);
/* The body of an error, for those who answer without a call; to be free()d. `code` is in it or, but
 * for JSON, in the header x-amzn-errortype. */
char *aws_call_error_text(enum aws_style style, unsigned status, const char *code,
                          const char *message);
/* What a write has come to: 0 answers with c->context as output (a json_t or NULL), a full disk is
 * 507. A message_batch_fn. */
void aws_call_written(int r, void *call);

/* Members of the input; NULL: absent, or null. */
json_t *aws_call_member(const struct aws_call *c, const char *name);
/* The text of a member; NULL: absent. The input has been checked. */
const char *aws_call_text(const struct aws_call *c, const char *name);
