/* The answer to an error while it is written. What does not fit is left out: the buffers are larger
 * than anything that must be there.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "gateway/errors.h"

struct error_out {
    struct buf *fields;
    struct buf *body;
};

void error_out_field(struct error_out *o, const char *name, const char *value);
void error_out_type(struct error_out *o, const char *type);
void error_out_str(struct error_out *o, struct str s);
/* Takes the object; one that jansson could not make, for text that is no UTF-8, is {}. */
void error_out_json(struct error_out *o, json_t *json);
/* What went wrong, in a sentence. */
const char *error_out_describe(enum error_kind kind);
/* ... and all that is known of it, for the person who writes the function. */
void error_out_explain(struct error_out *o, const struct error_case *e);
/* The answer that no platform has words for. Returns the status. */
unsigned error_out_plain(struct error_out *o, const struct error_case *e);

#define error_out_text(o, ...) ((void)!buf_printf((o)->body, __VA_ARGS__))
