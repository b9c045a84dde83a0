/* The platform's own processes: gateway, control, builder and the base zygote. Whichever dies is
 * started again; the first three as one, because their connections belong together.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "supervisor/platform.h"

/* What they ask for is done by who knows functions. */
struct role_orders {
    link_message_fn of_gateway;
    link_message_fn of_control;
    void (*base_ready)(struct platform *p);
    /* Control is started again: it adds its functions once more, under new ids. */
    void (*functions_lost)(struct platform *p);
};

/* Starts all. `orders` is kept. */
int roles_start(struct platform *p, const struct role_orders *orders, struct err *err) MUST_USE;
/* Lets control print what it has been told and close the store; for that a second at most. */
void roles_finish_control(struct platform *p);
void roles_destroy(struct platform *p);

/* A child has ended; true when it was one of these. */
bool roles_reaped(struct platform *p, pid_t pid, int wait_status);

/* Sends to the role, or drops the message when that process is just being restarted. */
void roles_tell_gateway(struct platform *p, const void *message, const int *fds, size_t count);
void roles_tell_control(struct platform *p, const void *message, const int *fds, size_t count);
bool roles_base_is_ready(const struct platform *p);
int roles_ask_base(struct platform *p, const void *message, const int *fds, size_t count);
