/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu_limit.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

#include "base/mem.h"

/* One that process.on() has no name for: no line of JavaScript puts its own handler there. */
#define LIMIT_SIGNAL SIGRTMAX

struct cpu_limit {
    timer_t timer;
    struct timespec budget;
};

static void cpu_limit_reached(int signal_number)
{
    (void)signal_number;
    _exit(CPU_LIMIT_EXIT);
}

int cpu_limit_create(uint32_t limit_ms, struct cpu_limit **ret)
{
    *ret = NULL;
    if (limit_ms == 0) {
        return 0;
    }
    struct sigaction action = { .sa_handler = cpu_limit_reached };
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = LIMIT_SIGNAL };
    timer_t timer;
    if (sigaction(LIMIT_SIGNAL, &action, NULL) < 0 ||
        timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer) < 0) {
        return -errno;
    }
    struct cpu_limit *c = mem_new(struct cpu_limit);
    c->timer = timer;
    c->budget = (struct timespec){ .tv_sec = limit_ms / 1000,
                                   .tv_nsec = (long)(limit_ms % 1000) * 1000000 };
    *ret = c;
    return 0;
}

void cpu_limit_start(struct cpu_limit *c)
{
    if (c) {
        struct itimerspec value = { .it_value = c->budget };
        (void)timer_settime(c->timer, 0, &value, NULL); /* cannot fail for a timer of ours */
    }
}

void cpu_limit_stop(struct cpu_limit *c)
{
    if (c) {
        struct itimerspec value = { 0 };
        (void)timer_settime(c->timer, 0, &value, NULL);
    }
}
