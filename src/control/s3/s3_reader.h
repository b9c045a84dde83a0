/* Reads the bytes of an object, chunk after chunk, from wherever they lie: a row, a file, several
 * files, encrypted or not. Files are read on threads of the pool.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/s3/s3_context.h"
#include "control/s3/s3_crypt.h"
#include "store/store_objects.h"

struct s3_reader;

/* Copies what it needs of the object. `crypt`: NULL, or what it is encrypted with. */
struct s3_reader *s3_reader_create(struct s3 *s3, const struct stored_object *o,
                                   const struct s3_crypt *crypt, uint64_t offset, uint64_t length);
/* Not while a read is under way. NULL is fine. */
void s3_reader_destroy(struct s3_reader *r);

/* Called once for each read, never before it returns: some bytes, or none, if they cannot be had.
 */
typedef void (*s3_reader_fn)(struct str data, void *context);
/* The next bytes; not at the end, and one read at a time. */
void s3_reader_read(struct s3_reader *r, s3_reader_fn done, void *context);
bool s3_reader_is_reading(const struct s3_reader *r);
bool s3_reader_is_at_end(const struct s3_reader *r);
