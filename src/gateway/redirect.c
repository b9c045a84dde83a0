/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/redirect.h"

#include "base/limits.h"
#include "gateway/request_error.h"

/* The fields of a redirect but its location. Next.js says that to Internet Explorer, which knows no
 * 308, too. */
static int redirect_fields(const struct request *rq, struct str location, struct buf *out)
{
    switch (rq->route.dialect) {
    case DIALECT_NEXT:
        return rq->route.status == 308
                   ? buf_printf(out, "refresh%c0;url=" STR_FMT "%c", 0, STR_ARG(location), 0)
                   : 0;
    case DIALECT_NETLIFY:
        return 0;
    case DIALECT_VERCEL:
        return buf_printf(out, "content-type%ctext/plain; charset=utf-8%c", 0, 0);
    default:
        return buf_printf(out, "content-type%ctext/plain%c", 0, 0);
    }
}

static int redirect_body(const struct request *rq, struct str location, struct buf *out)
{
    switch (rq->route.dialect) {
    case DIALECT_NEXT:
        return buf_append(out, location);
    case DIALECT_NETLIFY:
        return buf_printf(out, "Redirecting to " STR_FMT, STR_ARG(location));
    default:
        return buf_append(out, STR("Redirecting...\n"));
    }
}

void redirect_answer(struct request *rq)
{
    struct str location = buf_str(&rq->route.location);
    struct buf fields, body;
    buf_init(&fields, 2 * LIMIT_REQUEST_LINE_BYTES + KIB);
    buf_init(&body, LIMIT_REQUEST_LINE_BYTES + KIB);
    int r = buf_printf(&fields, "location%c" STR_FMT "%c", 0, STR_ARG(location), 0);
    if (r == 0) {
        r = redirect_fields(rq, location, &fields);
    }
    if (r == 0) {
        r = redirect_body(rq, location, &body);
    }
    if (rq->route.dialect == DIALECT_NETLIFY) {
        buf_clear(&rq->route.headers); /* its headers are for what it serves itself */
    }
    if (r == 0) {
        request_answer(rq, rq->route.status, buf_str(&fields), buf_str(&body));
    } else {
        request_error_status(rq, 500, STR(""));
    }
    buf_finish(&fields);
    buf_finish(&body);
}
