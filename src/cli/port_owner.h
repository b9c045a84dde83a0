/* Who listens on a TCP port of this machine, as far as /proc shows it to us.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes "node (process 1234)", or "another mayfly (process 1234)". False when nobody can be seen.
 */
bool port_owner_find(uint16_t port, char *ret_text, size_t size);

enum port_owner {
    PORT_OWNER_STAYS,
    PORT_OWNER_ENDS,   /* a mayfly whose launcher was killed: it will soon let go of the port */
    PORT_OWNER_UNSEEN, /* another user's, or nobody's any more */
};

enum port_owner port_owner_look(uint16_t port);
