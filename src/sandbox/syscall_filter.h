/* Which system calls a function may make: a list of what Node.js, native modules and child
 * processes need. The rest answers EPERM where the kernel would grant it to others, else ENOSYS, so
 * that libraries fall back.
 *
 * Making it takes libseccomp some milliseconds: once in the base zygote, before any fork.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/err.h"
#include "base/scope.h"

struct syscall_filter; /* a compiled program */

int syscall_filter_create(struct syscall_filter **ret, struct err *err) MUST_USE;
void syscall_filter_destroy(struct syscall_filter *f);

/* From now on and in all children, for ever. The caller has set no_new_privs. */
int syscall_filter_apply(const struct syscall_filter *f, struct err *err) MUST_USE;

/* In an instance where Landlock cannot hold signals back: none to process 1, the zygote, and none
 * to "all", its siblings. */
int syscall_filter_guard_zygote(struct err *err) MUST_USE;

DEFINE_SCOPED(syscall_filter)
#define scoped_syscall_filter SCOPED(syscall_filter_scope)
