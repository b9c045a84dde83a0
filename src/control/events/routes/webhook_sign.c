/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/routes/webhook_sign.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

#include "base/mem.h"
#include "control/text/base64.h"

int webhook_sign(struct str secret, struct str id, uint64_t timestamp_s, struct str body,
                 char ret[WEBHOOK_SIGNATURE_BYTES])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_len = 0;
    struct str prefix = STR("whsec_");
    scoped_free char *decoded = NULL;
    size_t key_len = secret.len;
    if (str_starts(secret, prefix)) {
        decoded = base64_decode(str_skip(secret, prefix.len), &key_len);
        if (!decoded) {
            return -EINVAL;
        }
    }
    size_t head_max = id.len + 32;
    scoped_free char *text = mem_alloc(head_max + body.len);
    int head =
        snprintf(text, head_max, STR_FMT ".%llu.", STR_ARG(id), (unsigned long long)timestamp_s);
    if (body.len > 0) {
        memcpy(text + head, body.data, body.len);
    }
    if (!HMAC(EVP_sha256(), decoded ? decoded : secret.data, (int)key_len,
              (const unsigned char *)text, (size_t)head + body.len, digest, &digest_len)) {
        return -EINVAL;
    }
    scoped_free char *encoded = base64_encode(str_of((const char *)digest, digest_len));
    (void)snprintf(ret, WEBHOOK_SIGNATURE_BYTES, "v1,%s", encoded);
    return 0;
}
