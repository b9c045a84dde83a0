/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_error.h"

#include <errno.h>
#include <stddef.h>

const struct s3_error_text *s3_error_text(enum s3_error error)
{
    static const struct s3_error_text texts[S3_ERROR_COUNT] = { [S3_OK] = { "OK", 200, "" },
#define X(name, code, status, text) [S3_##name] = { code, status, text },
                                                                S3_ERRORS(X)
#undef X
    };
    return &texts[error];
}

enum s3_error s3_error_of(int result)
{
    if (result >= 0) {
        return S3_OK;
    }
    if (result <= s3_error_refuse(S3_OK)) {
        return (enum s3_error)(-4096 - result);
    }
    return result == -ENOSPC || result == -EDQUOT ? S3_STORAGE_FULL : S3_INTERNAL;
}
