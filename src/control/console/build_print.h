/* What a build is, as people and programs read it: the table of routes, its functions, what is
 * wrong in its files. Pure functions; texts come from the project and are made safe.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/console/log_print.h"
#include "control/deployment/deployment.h"

/* One line a route or trigger: methods, path, file, dialect, runtime, function. */
int build_print_routes(struct buf *b, const struct print_style *style,
                       const struct build *build) MUST_USE;

/* "api@3  loaded in 41 ms, snapshot", or why there is none and what that means. */
int build_print_version(struct buf *b, const struct print_style *style,
                        const struct version *version) MUST_USE;
int build_print_version_json(struct buf *b, const struct version *version) MUST_USE;

/* {"type":"build",...} with its routes, triggers and diagnostics. `time_ms` is since the epoch. */
int build_print_json(struct buf *b, const struct build *build, uint64_t time_ms) MUST_USE;

/* Errors and warnings with their code frames, but for warnings that the build before had, too. */
int build_print_diagnostics(struct buf *b, const struct print_style *style,
                            json_t *diagnostics) MUST_USE;
