/* The routing part of a manifest, as control sends it: JSON to a router and what its functions are.
 *
 * Control is trusted to mean well, not to be without faults: everything is checked, and a fault
 * refuses the whole.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/function.h"
#include "gateway/router.h"

struct routes_file {
    struct router *router;       /* owned until taken; its functions are not set yet */
    struct function **functions; /* owned until taken each; by the manifest's index */
    size_t function_count;
};

/* Fails with EINVAL. */
int routes_json_read(struct str json, struct routes_file *ret, struct err *err) MUST_USE;
void routes_file_finish(struct routes_file *file); /* what was not taken */
