/* All three polynomials are worked with in reflected form: the coefficient of x^0 is the top bit.
 *
 * CRC-32 and CRC-32C are ISA-L's, which uses the processor's carry-less multiplication. It knows
 * CRC-64/NVME only from 2.31 on, and Debian 12 has 2.30: that one is worked out here, by the same
 * multiplication where the processor has it, else by tables, eight bytes a step.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_crc.h"

#include <isa-l/crc.h>
#include <pthread.h>
#ifdef __x86_64__
#    include <immintrin.h>
#endif

#define TABLES     8
#define FOLDS      ((size_t)4) /* multiplications under way at once */
#define FOLD_BYTES (FOLDS * 16)

static const struct {
    unsigned width;
    uint64_t polynomial;
} kinds[S3_CRC_COUNT] = {
    [S3_CRC32] = { 32, 0xedb88320 },
    [S3_CRC32C] = { 32, 0x82f63b78 },
    [S3_CRC64NVME] = { 64, 0x9a6c9329ac4bc9b5 }, /* NVM Express Base 2.0, 5.1.12 */
};

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

/* x^n modulo the polynomial. */
static uint64_t power_of_x(enum s3_crc kind, uint64_t n)
{
    uint64_t result = (uint64_t)1 << (kinds[kind].width - 1);
    uint64_t square = result >> 1; /* x */
    for (; n > 0; n >>= 1) {
        if (n & 1) {
            result = multiply(kind, result, square);
        }
        square = multiply(kind, square, square);
    }
    return result;
}

/* What CRC-64/NVME is worked out with. */
static uint64_t tables[TABLES][256];
static uint64_t fold_far[2], fold_near[2]; /* by all folds, and by one */
static pthread_once_t prepared = PTHREAD_ONCE_INIT;

static void prepare(void)
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
    /* The product of two reflected halves is short of one place, hence one power less. */
    for (unsigned half = 0; half < 2; half++) {
        unsigned places = half == 0 ? 64 : 0;
        fold_far[half] = power_of_x(S3_CRC64NVME, FOLD_BYTES * 8 + places - 1);
        fold_near[half] = power_of_x(S3_CRC64NVME, 16 * 8 + places - 1);
    }
}

static uint64_t step_words(uint64_t crc, struct str *in_out_data)
{
    while (in_out_data->len >= 8) {
        uint64_t word;
        memcpy(&word, in_out_data->data, sizeof(word)); /* little-endian, as all our machines are */
        word ^= crc;
        crc = 0;
        for (int t = 0; t < TABLES; t++) {
            crc ^= tables[TABLES - 1 - t][word >> 8 * t & 255];
        }
        *in_out_data = str_skip(*in_out_data, 8);
    }
    return crc;
}

#ifdef __x86_64__
#    define WITH_MULTIPLICATION __attribute__((target("pclmul,sse2")))

/* What 16 bytes amount to behind the distance of `factors`, with the 16 that are there. */
WITH_MULTIPLICATION static __m128i fold(__m128i bytes, __m128i factors, __m128i there)
{
    __m128i low = _mm_clmulepi64_si128(bytes, factors, 0x00);
    __m128i high = _mm_clmulepi64_si128(bytes, factors, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), there);
}

WITH_MULTIPLICATION static __m128i load(const void *from)
{
    return _mm_loadu_si128((const __m128i *)from);
}

/* After Gopal et al., Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction
 * (Intel, 2009): all of it but the last bytes becomes 16 that have the same checksum. */
WITH_MULTIPLICATION static uint64_t step_folds(uint64_t crc, struct str *in_out_data)
{
    if (in_out_data->len < 2 * FOLD_BYTES || !__builtin_cpu_supports("pclmul")) {
        return crc;
    }
    __m128i far = load(fold_far), near = load(fold_near), sums[FOLDS];
    for (size_t i = 0; i < FOLDS; i++) {
        sums[i] = load(in_out_data->data + 16 * i);
    }
    sums[0] = _mm_xor_si128(sums[0], _mm_set_epi64x(0, (long long)crc));
    *in_out_data = str_skip(*in_out_data, FOLD_BYTES);
    while (in_out_data->len >= FOLD_BYTES) {
        for (size_t i = 0; i < FOLDS; i++) {
            sums[i] = fold(sums[i], far, load(in_out_data->data + 16 * i));
        }
        *in_out_data = str_skip(*in_out_data, FOLD_BYTES);
    }
    for (size_t i = 1; i < FOLDS; i++) {
        sums[i] = fold(sums[i - 1], near, sums[i]);
    }
    char bytes[16];
    memcpy(bytes, &sums[FOLDS - 1], sizeof(bytes));
    struct str rest = str_of(bytes, sizeof(bytes));
    return step_words(0, &rest);
}
#else
static uint64_t step_folds(uint64_t crc, struct str *in_out_data)
{
    (void)in_out_data;
    return crc;
}
#endif

static uint64_t update_nvme(uint64_t crc, struct str data)
{
    (void)pthread_once(&prepared, prepare); /* cannot fail */
    crc = step_folds(~crc, &data);
    crc = step_words(crc, &data);
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

uint64_t s3_crc_join(enum s3_crc kind, uint64_t first, uint64_t second, uint64_t second_len)
{
    return multiply(kind, first, power_of_x(kind, 8 * second_len)) ^ second;
}
