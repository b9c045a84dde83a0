/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_checksum.h"

#include <stdio.h>

#include "control/sign/aws_digest.h"

/* clang-format off */
static const struct {
    struct str name, header;
    const char *element;
    size_t size;
    bool is_crc;
    enum s3_crc crc;
    enum s3_digest_kind digest; /* of the others */
} kinds[S3_CHECKSUM_COUNT] = {
    [S3_CHECKSUM_NONE]      = { STR(""), STR(""), "", 0, false, 0, 0 },
    [S3_CHECKSUM_CRC32]     = { STR("CRC32"), STR("x-amz-checksum-crc32"), "ChecksumCRC32", 4, true, S3_CRC32, 0 },
    [S3_CHECKSUM_CRC32C]    = { STR("CRC32C"), STR("x-amz-checksum-crc32c"), "ChecksumCRC32C", 4, true, S3_CRC32C, 0 },
    [S3_CHECKSUM_CRC64NVME] = { STR("CRC64NVME"), STR("x-amz-checksum-crc64nvme"), "ChecksumCRC64NVME", 8, true, S3_CRC64NVME, 0 },
    [S3_CHECKSUM_MD5]       = { STR("MD5"), STR("x-amz-checksum-md5"), "ChecksumMD5", 16, false, 0, S3_DIGEST_MD5 },
    [S3_CHECKSUM_SHA1]      = { STR("SHA1"), STR("x-amz-checksum-sha1"), "ChecksumSHA1", 20, false, 0, S3_DIGEST_SHA1 },
    [S3_CHECKSUM_SHA256]    = { STR("SHA256"), STR("x-amz-checksum-sha256"), "ChecksumSHA256", 32, false, 0, S3_DIGEST_SHA256 },
    [S3_CHECKSUM_SHA512]    = { STR("SHA512"), STR("x-amz-checksum-sha512"), "ChecksumSHA512", 64, false, 0, S3_DIGEST_SHA512 },
    [S3_CHECKSUM_XXHASH128] = { STR("XXHASH128"), STR("x-amz-checksum-xxhash128"), "ChecksumXXHASH128", 16, false, 0, S3_DIGEST_XXHASH128 },
    [S3_CHECKSUM_XXHASH3]   = { STR("XXHASH3"), STR("x-amz-checksum-xxhash3"), "ChecksumXXHASH3", 8, false, 0, S3_DIGEST_XXHASH3 },
    [S3_CHECKSUM_XXHASH64]  = { STR("XXHASH64"), STR("x-amz-checksum-xxhash64"), "ChecksumXXHASH64", 8, false, 0, S3_DIGEST_XXHASH64 },
};
/* clang-format on */

enum s3_checksum s3_checksum_of(struct str name)
{
    for (int i = S3_CHECKSUM_NONE + 1; i < S3_CHECKSUM_COUNT; i++) {
        if (str_eq_nocase(kinds[i].name, name)) {
            return (enum s3_checksum)i;
        }
    }
    return S3_CHECKSUM_NONE;
}

struct str s3_checksum_name(enum s3_checksum kind)
{
    return kinds[kind].name;
}

const char *s3_checksum_lower(enum s3_checksum kind, char ret[16])
{
    struct str name = kinds[kind].name;
    size_t len = 0;
    for (; len < name.len; len++) { /* fits: the longest has nine */
        ret[len] = (char)(name.data[len] >= 'A' ? name.data[len] | 0x20 : name.data[len]);
    }
    ret[len] = '\0';
    return ret;
}

struct str s3_checksum_header(enum s3_checksum kind)
{
    return kinds[kind].header;
}

const char *s3_checksum_element(enum s3_checksum kind)
{
    return kinds[kind].element;
}

size_t s3_checksum_size(enum s3_checksum kind)
{
    return kinds[kind].size;
}

bool s3_checksum_allows(enum s3_checksum kind, enum s3_checksum_type type)
{
    return type == S3_FULL_OBJECT ? kinds[kind].is_crc : kind != S3_CHECKSUM_CRC64NVME;
}

enum s3_checksum_type s3_checksum_default_type(enum s3_checksum kind)
{
    return kind == S3_CHECKSUM_CRC64NVME ? S3_FULL_OBJECT : S3_COMPOSITE;
}

/* Checksums are told with their most significant byte first. */
static void put_crc(uint64_t crc, size_t size, uint8_t *ret_bytes)
{
    for (size_t i = 0; i < size; i++) {
        ret_bytes[i] = (uint8_t)(crc >> 8 * (size - 1 - i));
    }
}

static uint64_t get_crc(const uint8_t *bytes, size_t size)
{
    uint64_t crc = 0;
    for (size_t i = 0; i < size; i++) {
        crc = crc << 8 | bytes[i];
    }
    return crc;
}

void s3_checksum_init(struct s3_checksum_state *s, enum s3_checksum kind)
{
    bool is_digest = kind != S3_CHECKSUM_NONE && !kinds[kind].is_crc;
    *s = (struct s3_checksum_state){ .kind = kind,
                                     .digest =
                                         is_digest ? s3_digest_create(kinds[kind].digest) : NULL };
}

void s3_checksum_update(struct s3_checksum_state *s, struct str data)
{
    if (s->digest) {
        s3_digest_update(s->digest, data);
    } else if (s->kind != S3_CHECKSUM_NONE) {
        s->crc = s3_crc_update(kinds[s->kind].crc, s->crc, data);
    }
}

struct str s3_checksum_final(struct s3_checksum_state *s, char ret_text[S3_CHECKSUM_TEXT])
{
    uint8_t bytes[S3_CHECKSUM_BYTES] = { 0 };
    if (s->digest) {
        s3_digest_final(s->digest, bytes);
        s->digest = NULL;
    } else {
        put_crc(s->crc, kinds[s->kind].size, bytes);
    }
    return aws_base64(bytes, kinds[s->kind].size, ret_text);
}

void s3_checksum_parts_init(struct s3_checksum_parts *p, enum s3_checksum kind,
                            enum s3_checksum_type type)
{
    *p = (struct s3_checksum_parts){ .kind = kind, .type = type };
    if (type == S3_COMPOSITE && !kinds[kind].is_crc) {
        p->digest = s3_digest_create(kinds[kind].digest);
    }
}

bool s3_checksum_parts_add(struct s3_checksum_parts *p, struct str text, uint64_t size)
{
    uint8_t bytes[S3_CHECKSUM_BYTES];
    size_t len = kinds[p->kind].size;
    if (!aws_base64_decode(text, bytes, len)) {
        return false;
    }
    if (p->digest) {
        s3_digest_update(p->digest, str_of((const char *)bytes, len));
    } else if (p->type == S3_COMPOSITE) {
        p->crc = s3_crc_update(kinds[p->kind].crc, p->crc, str_of((const char *)bytes, len));
    } else {
        p->crc = s3_crc_join(kinds[p->kind].crc, p->crc, get_crc(bytes, len), size);
    }
    p->count++;
    return true;
}

struct str s3_checksum_parts_final(struct s3_checksum_parts *p, char ret_text[S3_CHECKSUM_TEXT])
{
    struct s3_checksum_state s = { .kind = p->kind, .crc = p->crc, .digest = p->digest };
    struct str text = s3_checksum_final(&s, ret_text);
    p->digest = NULL;
    if (p->type == S3_COMPOSITE) {
        text.len +=
            (size_t)snprintf(ret_text + text.len, S3_CHECKSUM_TEXT - text.len, "-%zu", p->count);
    }
    return text;
}

struct str s3_checksum_type_name(enum s3_checksum_type type)
{
    return type == S3_COMPOSITE ? STR("COMPOSITE") : STR("FULL_OBJECT");
}

bool s3_checksum_type_of(struct str name, enum s3_checksum_type *ret)
{
    *ret = str_eq_nocase(name, STR("COMPOSITE")) ? S3_COMPOSITE : S3_FULL_OBJECT;
    return str_eq_nocase(name, s3_checksum_type_name(*ret));
}

struct str s3_checksum_store(const struct s3_checksum_value *v, char ret_text[S3_CHECKSUM_STORED])
{
    struct str name = kinds[v->kind].name, type = s3_checksum_type_name(v->type);
    if (v->kind == S3_CHECKSUM_NONE) {
        return STR("");
    }
    int len = snprintf(ret_text, S3_CHECKSUM_STORED, STR_FMT "%c" STR_FMT "%c" STR_FMT "%c",
                       STR_ARG(name), 0, STR_ARG(type), 0, STR_ARG(v->text), 0);
    return str_of(ret_text, (size_t)len);
}

struct s3_checksum_value s3_checksum_load(struct str stored)
{
    struct s3_checksum_value v = { .kind = S3_CHECKSUM_NONE };
    if (stored.len > 0) {
        v.kind = s3_checksum_of(str_cut(&stored, '\0'));
        v.type = str_eq(str_cut(&stored, '\0'), STR("COMPOSITE")) ? S3_COMPOSITE : S3_FULL_OBJECT;
        v.text = str_cut(&stored, '\0');
    }
    return v;
}
