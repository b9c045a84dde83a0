/* Heads with a claim to be signed. The first line is the target, the second the host, then fields,
 * "name:value". What is found out without checking agrees with what checking finds.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "control/sign/aws_sign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_fields(struct buf *out, struct str rest)
{
    while (rest.len > 0) {
        struct str value = str_cut(&rest, '\n'), name = str_cut(&value, ':');
        if (name.len > 0 && str_find(name, '\0') == name.len &&
            str_find(value, '\0') == value.len) {
            assert(buf_append(out, name) == 0 && buf_append(out, str_of("", 1)) == 0);
            assert(buf_append(out, value) == 0 && buf_append(out, str_of("", 1)) == 0);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = str_of((const char *)data, size), detail;
    struct aws_sign_request request = { .method = STR("GET"), .now_s = 1369353600 };
    struct buf headers, canonical, to_sign;
    struct aws_signed head;
    struct aws_scope scope;
    struct aws_users *users = aws_users_create();
    buf_init(&headers, 2 * size + 2);
    buf_init(&canonical, 65536);
    buf_init(&to_sign, 65536);
    aws_users_set_root(users, STR("mayfly"), STR("mayfly"), STR("mayfly-dev-only"));
    request.target = str_cut(&rest, '\n');
    request.host = str_cut(&rest, '\n');
    put_fields(&headers, rest);
    request.headers = buf_str(&headers);
    enum aws_fault fault = aws_sign_verify(&request, users, &head, &detail);
    aws_sign_scope(&request, &scope);
    assert(fault < AWS_FAULT_COUNT);
    assert(fault != AWS_FAULT_NONE || scope.kind == head.scope.kind);
    /* Nobody here has signed anything. */
    assert(fault != AWS_FAULT_NONE || !head.user);
    aws_sign_explain(&request, &canonical, &to_sign);
    buf_finish(&headers);
    buf_finish(&canonical);
    buf_finish(&to_sign);
    aws_users_destroy(users);
    return 0;
}
