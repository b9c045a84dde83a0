/* SPDX-License-Identifier: Apache-2.0 */
#include "control/text/base64.h"

#include <limits.h>
#include <openssl/evp.h>

#include "base/mem.h"

char *base64_encode(struct str data)
{
    char *text = mem_alloc((data.len + 2) / 3 * 4 + 1);
    (void)EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)data.data, (int)data.len);
    return text;
}

char *base64_decode(struct str text, size_t *ret_len)
{
    if (text.len % 4 != 0 || text.len > INT_MAX) {
        return NULL;
    }
    char *data = mem_alloc(text.len / 4 * 3 + 1);
    int len = text.len == 0 ? 0
                            : EVP_DecodeBlock((unsigned char *)data,
                                              (const unsigned char *)text.data, (int)text.len);
    if (len < 0) {
        free(data);
        return NULL;
    }
    /* EVP_DecodeBlock() counts what the padding stands for. */
    for (size_t i = text.len; len > 0 && i > 0 && i > text.len - 2 && text.data[i - 1] == '=';
         i--) {
        len--;
    }
    data[len] = '\0';
    *ret_len = (size_t)len;
    return data;
}
