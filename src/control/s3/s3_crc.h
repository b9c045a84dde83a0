/* The cyclic checksums of S3, and joining those of parts to that of the whole.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/str.h"

enum s3_crc { S3_CRC32, S3_CRC32C, S3_CRC64NVME, S3_CRC_COUNT };

/* Begin with 0; feed piece after piece. */
uint64_t s3_crc_update(enum s3_crc kind, uint64_t crc, struct str data);
/* The checksum of two pieces of data, from theirs and the length of the second. */
uint64_t s3_crc_join(enum s3_crc kind, uint64_t first, uint64_t second, uint64_t second_len);
