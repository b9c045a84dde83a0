/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/routes/stored_request.h"

#include <errno.h>

#include "http/http_block.h"

#define LENGTH_BYTES 4

static int append_ended(struct buf *to, struct str s)
{
    int r = buf_append(to, s);
    return r == 0 ? buf_append(to, STR("\0")) : r;
}

/* The host is kept beside the fields, expectations are over. */
static bool is_dropped(struct str name)
{
    return http_block_is_hop_by_hop(name) || str_eq(name, STR("host")) ||
           str_eq(name, STR("expect")) || str_starts(name, STR("x-mayfly-"));
}

int stored_request_fields(struct buf *to, struct str headers)
{
    struct str name, value;
    int r = 0;
    while (r == 0 && http_block_next(&headers, &name, &value)) {
        r = is_dropped(name) ? 0 : http_block_add(to, name, value);
    }
    return r;
}

int stored_request_pack(const struct stored_request *rq, struct buf *ret)
{
    int r = buf_append(ret, STR("\0\0\0\0"));
    r = r == 0 ? append_ended(ret, rq->method) : r;
    r = r == 0 ? append_ended(ret, rq->target) : r;
    r = r == 0 ? append_ended(ret, rq->host) : r;
    r = r == 0 ? buf_append(ret, rq->headers) : r;
    size_t head = ret->len - LENGTH_BYTES;
    r = r == 0 ? buf_append(ret, rq->body) : r;
    for (size_t i = 0; r == 0 && i < LENGTH_BYTES; i++) {
        ret->data[i] = (char)(head >> (8 * (LENGTH_BYTES - 1 - i)));
    }
    return r;
}

static bool cut_ended(struct str *rest, struct str *ret)
{
    size_t at = rest->len > 0 ? str_find(*rest, '\0') : 0;
    if (at == rest->len) {
        return false;
    }
    *ret = str_of(rest->data, at);
    *rest = str_skip(*rest, at + 1);
    return true;
}

int stored_request_unpack(struct str packed, struct stored_request *ret)
{
    size_t head = 0;
    if (packed.len < LENGTH_BYTES) {
        return -EBADMSG;
    }
    for (size_t i = 0; i < LENGTH_BYTES; i++) {
        head = head << 8 | (unsigned char)packed.data[i];
    }
    packed = str_skip(packed, LENGTH_BYTES);
    if (head > packed.len) {
        return -EBADMSG;
    }
    struct str rest = str_of(packed.data, head);
    ret->body = str_skip(packed, head);
    if (!cut_ended(&rest, &ret->method) || !cut_ended(&rest, &ret->target) ||
        !cut_ended(&rest, &ret->host) || (rest.len > 0 && rest.data[rest.len - 1] != '\0')) {
        return -EBADMSG;
    }
    ret->headers = rest;
    return 0;
}
