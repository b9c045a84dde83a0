/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/dialect.h"

enum dialect dialect_find(struct str name)
{
    static const char *const names[DIALECT_COUNT] = {
        [DIALECT_NONE] = "",
        [DIALECT_NEXT] = "next",
        [DIALECT_VERCEL] = "vercel",
        [DIALECT_NETLIFY] = "netlify",
        [DIALECT_LAMBDA] = "lambda",
        [DIALECT_WORKER] = "worker",
        [DIALECT_SERVER] = "server",
        [DIALECT_BOOTSTRAP] = "bootstrap",
        [DIALECT_PROXY] = "proxy",
        [DIALECT_MIDDLEWARE] = "middleware",
        [DIALECT_INTEGRATION] = "integration",
        [DIALECT_CONTROL] = "\1", /* has none */
    };
    for (int i = 0; i < DIALECT_COUNT; i++) {
        if (str_eq(name, str_c(names[i]))) {
            return (enum dialect)i;
        }
    }
    return DIALECT_COUNT;
}
