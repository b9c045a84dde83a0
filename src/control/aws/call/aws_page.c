/* SPDX-License-Identifier: Apache-2.0 */
#include "control/aws/call/aws_page.h"

#include <assert.h>

#include "base/buf.h"
#include "base/mem.h"
#include "control/sign/aws_digest.h"
#include "control/text/base64.h"

#define MARK_BYTES 9 /* of the digest before the name: base64 without padding between them */
#define NAME_BYTES 4096

/* ---- tokens ---- */

char *aws_page_token(const char *last)
{
    uint8_t digest[AWS_DIGEST_BYTES];
    struct buf text;
    aws_sha256(str_c(last), digest);
    buf_init(&text, NAME_BYTES);
    int r = buf_append(&text, str_of((const char *)digest, MARK_BYTES));
    r = r < 0 ? r : buf_append(&text, str_c(last));
    assert(r >= 0); /* names are short */
    char *token = base64_encode(buf_str(&text));
    buf_finish(&text);
    return token;
}

char *aws_page_last(const char *token)
{
    size_t len = 0;
    uint8_t digest[AWS_DIGEST_BYTES];
    scoped_free char *text = base64_decode(str_c(token), &len);
    if (!text || len <= MARK_BYTES) {
        return NULL;
    }
    struct str last = str_of(text + MARK_BYTES, len - MARK_BYTES);
    aws_sha256(last, digest);
    return memcmp(digest, text, MARK_BYTES) == 0 ? mem_copy_str(last) : NULL;
}

/* ---- pages ---- */

bool aws_page_init(struct aws_page *p, const struct aws_call *c, size_t limit)
{
    const char *token = aws_call_text(c, "NextToken");
    char *after = token ? aws_page_last(token) : NULL;
    if (token && !after) {
        return false;
    }
    *p = (struct aws_page){ .prefix = aws_call_text(c, "NamePrefix"),
                            .after = after,
                            .limit = limit,
                            .list = json_array() };
    return true;
}

bool aws_page_takes(struct aws_page *p, const char *key, const char *name)
{
    if ((p->after && strcmp(key, p->after) <= 0) ||
        (p->prefix && !str_starts(str_c(name), str_c(p->prefix)))) {
        return false;
    }
    if (json_array_size(p->list) >= p->limit) {
        p->has_more = true;
        return false;
    }
    free(p->last);
    p->last = mem_copy_str(str_c(key));
    return true;
}

void aws_page_answer(struct aws_page *p, struct aws_call *c, const char *member)
{
    json_t *output = json_pack("{s:o}", member, p->list);
    if (p->has_more) {
        scoped_free char *token = aws_page_token(p->last);
        (void)json_object_set_new(output, "NextToken", json_string(token)); /* sound text */
    }
    free(p->after);
    free(p->last);
    aws_call_answer(c, output);
}
