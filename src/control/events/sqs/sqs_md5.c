/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/sqs/sqs_md5.h"

#include <stdlib.h>

#include "base/hex.h"
#include "base/mem.h"
#include "control/sign/aws_digest.h"
#include "control/text/base64.h"
#include "control/text/json_reading.h"

static void put_hex(const uint8_t digest[AWS_MD5_BYTES], char ret[SQS_MD5_BYTES])
{
    *hex_write(digest, AWS_MD5_BYTES, ret) = '\0';
}

void sqs_md5_body(struct str body, char ret[SQS_MD5_BYTES])
{
    uint8_t digest[AWS_MD5_BYTES];
    aws_md5(body, digest);
    put_hex(digest, ret);
}

static void put_part(EVP_MD_CTX *md, struct str part)
{
    const unsigned char length[4] = { (unsigned char)(part.len >> 24),
                                      (unsigned char)(part.len >> 16),
                                      (unsigned char)(part.len >> 8), (unsigned char)part.len };
    (void)EVP_DigestUpdate(md, length, sizeof(length)); /* neither fails in a context that is set */
    (void)EVP_DigestUpdate(md, part.data, part.len);
}

static void put_attribute(EVP_MD_CTX *md, const char *name, const json_t *attribute)
{
    const char *type = json_string_value(json_object_get(attribute, "DataType"));
    const json_t *text = json_object_get(attribute, "StringValue");
    const json_t *binary = json_object_get(attribute, "BinaryValue");
    put_part(md, str_c(name));
    put_part(md, str_c(type ? type : ""));
    bool is_binary = !text && json_is_string(binary);
    (void)EVP_DigestUpdate(md, is_binary ? "\2" : "\1", 1);
    if (is_binary) {
        size_t len = 0;
        scoped_free char *data =
            base64_decode(str_of(json_string_value(binary), json_string_length(binary)), &len);
        put_part(md, str_of(data ? data : "", data ? len : 0));
    } else {
        put_part(md, json_is_string(text)
                         ? str_of(json_string_value(text), json_string_length(text))
                         : STR(""));
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool sqs_md5_attributes(const json_t *attributes, char ret[SQS_MD5_BYTES])
{
    size_t count = json_object_size(attributes);
    if (count == 0) {
        return false;
    }
    scoped_free const char **names = mem_alloc(count * sizeof(*names));
    const char *name;
    json_t *value;
    size_t n = 0;
    json_object_foreach(json_reading(attributes), name, value)
    {
        names[n++] = name;
    }
    qsort(names, n, sizeof(*names), by_name);
    uint8_t digest[AWS_MD5_BYTES];
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    if (!md || !EVP_DigestInit_ex(md, aws_md5_algorithm(), NULL)) {
        abort(); /* cannot be: MD5 is there */
    }
    for (size_t i = 0; i < n; i++) {
        put_attribute(md, names[i], json_object_get(attributes, names[i]));
    }
    (void)EVP_DigestFinal_ex(md, digest, NULL);
    EVP_MD_CTX_free(md);
    put_hex(digest, ret);
    return true;
}
