/* SPDX-License-Identifier: Apache-2.0 */
#include "control/aws/aws_digest.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

void aws_sha256(struct str text, uint8_t ret_digest[AWS_DIGEST_BYTES])
{
    int ok = EVP_Digest(text.data, text.len, ret_digest, NULL, EVP_sha256(), NULL);
    assert(ok == 1); /* fails for want of memory only */
}

void aws_hmac(struct str key, struct str text, uint8_t ret_digest[AWS_DIGEST_BYTES])
{
    const unsigned char *done = HMAC(EVP_sha256(), key.data, (int)key.len,
                                     (const unsigned char *)text.data, text.len, ret_digest, NULL);
    assert(done); /* fails for want of memory only */
}

void aws_hex(const uint8_t *bytes, size_t count, char *ret_text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        ret_text[2 * i] = digits[bytes[i] >> 4];
        ret_text[2 * i + 1] = digits[bytes[i] & 15];
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool aws_hex_decode(struct str text, uint8_t *ret_bytes, size_t count)
{
    if (text.len / 2 != count || text.len % 2 != 0) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        int high = hex_digit(text.data[2 * i]), low = hex_digit(text.data[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        ret_bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

bool aws_equal(struct str a, struct str b)
{
    return a.len == b.len && CRYPTO_memcmp(a.data, b.data, a.len) == 0;
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool aws_base64_decode(struct str text, uint8_t *ret_bytes, size_t count)
{
    size_t digits = (count * 8 + 5) / 6;
    uint32_t bits = 0;
    size_t have = 0, at = 0;
    if (text.len != (count + 2) / 3 * 4) {
        return false;
    }
    for (size_t i = 0; i < digits; i++) {
        int digit = base64_digit(text.data[i]);
        if (digit < 0) {
            return false;
        }
        bits = bits << 6 | (uint32_t)digit;
        have += 6;
        if (have >= 8) {
            have -= 8;
            ret_bytes[at++] = (uint8_t)(bits >> have);
        }
    }
    for (size_t i = digits; i < text.len; i++) {
        if (text.data[i] != '=') {
            return false;
        }
    }
    return (bits & ((1U << have) - 1)) == 0; /* one text for one value */
}

struct str aws_base64(const uint8_t *bytes, size_t count, char *ret_text)
{
    int len = EVP_EncodeBlock((unsigned char *)ret_text, bytes, (int)count);
    return str_of(ret_text, (size_t)len);
}
