/* How busy the machine is, by the kernel's own account (pressure stall information): the time in
 * which at least one process was ready to run and had no processor.
 *
 * What is silent or slow may hang, or may not have had its turn: then it is no use to ask another,
 * which would not have it either, or to have it begin anew.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/str.h"

struct pressure {
    int fd; /* for as long as the process; -1 where the kernel does not tell */
    uint64_t read_ms;
    uint64_t waited_us; /* as of read_ms */
};

void pressure_init(struct pressure *p);

/* Microseconds since the machine was started; always 0 where the kernel does not tell. Asked again
 * in the same millisecond it is the same. */
uint64_t pressure_waited_us(struct pressure *p, uint64_t now_ms);

/* Documentation/accounting/psi.rst: "some avg10=0.00 avg60=0.00 avg300=0.00 total=0", in µs. 0 for
 * anything else. */
uint64_t pressure_parse(struct str text);
