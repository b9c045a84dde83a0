/* Who listens on a TCP port of this machine, as far as /proc shows it to us.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes "node (process 1234)". False when nobody can be seen. */
bool port_owner_find(uint16_t port, char *ret_text, size_t size);
