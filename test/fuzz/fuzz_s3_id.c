/* The ids of versions and uploads: each has one that reads as the same, and what is read is what it
 * says.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "control/s3/operations/s3_upload.h"
#include "control/s3/s3_version.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_version(int64_t rank, uint64_t salt)
{
    char text[S3_VERSION_TEXT];
    struct object_version version;
    bool is_read = s3_version_parse(s3_version_text(rank, salt, 0, text), &version);
    assert(is_read && version.which == VERSION_EXACT);
    assert(version.rank == rank && version.salt == salt);
}

static void check_upload(int64_t id, uint64_t salt)
{
    char text[S3_UPLOAD_ID_BYTES];
    int64_t id_again = 0;
    uint64_t salt_again = 0;
    bool is_read = s3_upload_parse_id(s3_upload_id(id, salt, text), &id_again, &salt_again);
    assert(is_read && id_again == id && salt_again == salt);
}

static void check_text(struct str text)
{
    char again[S3_VERSION_TEXT];
    struct object_version version;
    int64_t id;
    uint64_t salt;
    if (s3_version_parse(text, &version)) {
        unsigned flags = version.which == VERSION_NULL ? OBJECT_NULL_VERSION : 0;
        assert(version.which != VERSION_CURRENT);
        assert(str_eq(s3_version_text(version.rank, version.salt, flags, again), text));
    }
    if (s3_upload_parse_id(text, &id, &salt)) {
        assert(str_eq_nocase(s3_upload_id(id, salt, again), text));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t numbers[2] = { 0 };
    memcpy(numbers, data, size < sizeof(numbers) ? size : sizeof(numbers));
    check_version((int64_t)numbers[0], numbers[1]);
    check_upload((int64_t)numbers[0], numbers[1]);
    check_text(str_of((const char *)data, size));
    return 0;
}
