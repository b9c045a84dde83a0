/* Lists in pages.
 *
 * A token stands for the name that its page ended with. It is opaque and told from any other text
 * by a digest: what was never given out is the caller's mistake, to be answered with the service's
 * own error, and neither page one nor an empty page.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/aws/call/aws_call.h"

/* The token of a page that ended with `last`; the caller frees. */
char *aws_page_token(const char *last);
/* What a token stands for; the caller frees. NULL: it was never given out. */
char *aws_page_last(const char *token);

struct aws_page {
    const char *prefix; /* of the name; NULL: any */
    char *after;        /* owned; NULL: from the start */
    size_t limit;
    json_t *list; /* the page's, owned by the output in the end */
    char *last;   /* owned */
    bool has_more;
};

/* A page of at most `limit`, by the input's "NamePrefix" and "NextToken". False: that token was
 * never given out, and nothing is to be freed. */
bool aws_page_init(struct aws_page *p, const struct aws_call *c, size_t limit) MUST_USE;
/* Whether what is called `name`, and comes in the order of `key`, is on the page. */
bool aws_page_takes(struct aws_page *p, const char *key, const char *name);
/* Answers with the page as `member` of the output, and frees what is left of it. */
void aws_page_answer(struct aws_page *p, struct aws_call *c, const char *member);
