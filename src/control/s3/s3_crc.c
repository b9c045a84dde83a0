/* All three polynomials are worked with in reflected form: the coefficient of x^0 is the top bit.
 *
 * CRC-32 and CRC-32C are ISA-L's, which uses the processor's carry-less multiplication. It knows
 * CRC-64/NVME only from 2.31 on, and Debian 12 has 2.30: that one goes by tables, eight bytes a
 * step.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_crc.h"

#include <isa-l/crc.h>
#include <pthread.h>

#define TABLES 8

static const struct {
    unsigned width;
    uint64_t polynomial;
} kinds[S3_CRC_COUNT] = {
    [S3_CRC32] = { 32, 0xedb88320 },
    [S3_CRC32C] = { 32, 0x82f63b78 },
    [S3_CRC64NVME] = { 64, 0x9a6c9329ac4bc9b5 }, /* NVM Express Base 2.0, 5.1.12 */
};

static uint64_t tables[TABLES][256];
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static void make_tables(void)
{
    for (unsigned i = 0; i < 256; i++) {
        uint64_t crc = i;
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? kinds[S3_CRC64NVME].polynomial : 0);
        }
        tables[0][i] = crc;
    }
    for (unsigned i = 0; i < 256; i++) {
        for (int t = 1; t < TABLES; t++) {
            tables[t][i] = tables[t - 1][i] >> 8 ^ tables[0][tables[t - 1][i] & 255];
        }
    }
}

static uint64_t update_nvme(uint64_t crc, struct str data)
{
    (void)pthread_once(&tables_once, make_tables); /* cannot fail */
    crc = ~crc;
    while (data.len >= 8) {
        uint64_t word;
        memcpy(&word, data.data, sizeof(word)); /* little-endian, as all our machines are */
        word ^= crc;
        crc = 0;
        for (int t = 0; t < TABLES; t++) {
            crc ^= tables[TABLES - 1 - t][word >> 8 * t & 255];
        }
        data = str_skip(data, 8);
    }
    for (size_t i = 0; i < data.len; i++) {
        crc = crc >> 8 ^ tables[0][(crc ^ (unsigned char)data.data[i]) & 255];
    }
    return ~crc;
}

/* ISA-L takes an int of bytes. */
static uint32_t update_crc32c(uint32_t crc, struct str data)
{
    const size_t most = 1 << 30;
    crc = ~crc;
    while (data.len > 0) {
        size_t len = data.len < most ? data.len : most;
        unsigned char *at;
        memcpy(&at, &data.data, sizeof(at)); /* crc32_iscsi() only reads it */
        crc = crc32_iscsi(at, (int)len, crc);
        data = str_skip(data, len);
    }
    return ~crc;
}

uint64_t s3_crc_update(enum s3_crc kind, uint64_t crc, struct str data)
{
    switch (kind) {
    case S3_CRC32:
        return crc32_gzip_refl((uint32_t)crc, (const unsigned char *)data.data, data.len);
    case S3_CRC32C:
        return update_crc32c((uint32_t)crc, data);
    default:
        return update_nvme(crc, data);
    }
}

/* a * b modulo the polynomial. */
static uint64_t multiply(enum s3_crc kind, uint64_t a, uint64_t b)
{
    uint64_t top = (uint64_t)1 << (kinds[kind].width - 1), product = 0;
    for (uint64_t bit = top; bit; bit >>= 1) {
        if (a & bit) {
            product ^= b;
        }
        b = b >> 1 ^ (b & 1 ? kinds[kind].polynomial : 0);
    }
    return product;
}

/* x^(8 * len) modulo the polynomial: what a checksum is multiplied with by len bytes behind it. */
static uint64_t power(enum s3_crc kind, uint64_t len)
{
    uint64_t result = (uint64_t)1 << (kinds[kind].width - 1);
    uint64_t square = result >> 8; /* x^8 */
    for (; len > 0; len >>= 1) {
        if (len & 1) {
            result = multiply(kind, result, square);
        }
        square = multiply(kind, square, square);
    }
    return result;
}

uint64_t s3_crc_join(enum s3_crc kind, uint64_t first, uint64_t second, uint64_t second_len)
{
    return multiply(kind, first, power(kind, second_len)) ^ second;
}
