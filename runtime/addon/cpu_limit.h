/* A limit on the CPU time of an invocation, kept by a kernel timer on the process's CPU clock. When
 * it runs out the process ends at once with CPU_LIMIT_EXIT, even in an endless loop.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/scope.h"

#define CPU_LIMIT_EXIT 152 /* 128 + SIGXCPU, as shells show it */

struct cpu_limit;

/* NULL in *ret when limit_ms is 0. EAGAIN when the kernel has no timer left: then nothing would end
 * the process. */
int cpu_limit_create(uint32_t limit_ms, struct cpu_limit **ret) MUST_USE;
void cpu_limit_start(struct cpu_limit *c); /* NULL is fine */
void cpu_limit_stop(struct cpu_limit *c);  /* NULL is fine */
