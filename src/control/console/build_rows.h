/* The rows of a build's table: what leads to its functions, as people read it. Texts come from the
 * project and are made safe for a terminal.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/deployment/deployment.h"

#define BUILD_ROWS_CELL_MAX  ((size_t)200) /* of a cell; more is cut */
#define BUILD_ROWS_CELL_SIZE (BUILD_ROWS_CELL_MAX + 1)

enum build_column {
    COLUMN_METHODS, /* or "s3", "queue", "cron", "event" */
    COLUMN_ROUTE,   /* or bucket, queue, expression, rule */
    COLUMN_FILE,
    COLUMN_DIALECT,
    COLUMN_RUNTIME,
    COLUMN_FUNCTION,
    BUILD_ROWS_COLUMNS
};

struct build_row {
    char cells[BUILD_ROWS_COLUMNS][BUILD_ROWS_CELL_SIZE];
};

/* Each is an array of *ret_count rows, to be freed. Entries that read the same ("/x" with and
 * without a slash at its end) are one. */
struct build_row *build_rows_routes(const struct build *build, size_t *ret_count);
/* What comes in other than by HTTP. */
struct build_row *build_rows_triggers(const struct build *build, size_t *ret_count);

/* Cuts what is too long; that is all that can go wrong. */
void build_rows_set(char cell[BUILD_ROWS_CELL_SIZE], const char *text);
