/* The tables, by numbered steps: a database is brought from the number it has to the last one, each
 * step in a transaction. A step that has been released is never changed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "store/sql.h"

/* ENOTSUP: the database is of a later Mayfly. */
int store_migrate(struct sql *db, struct err *err) MUST_USE;
