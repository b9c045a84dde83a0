/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/queue/event_log.h"

#include <stdio.h>

#include "base/clock.h"

#define TEXT_BYTES 1024
#define THEN_BYTES 128 /* with a name of SQS, which has 80 */

/* The first line is what happened; the stack is for `mayfly events show`. */
static struct str first_line(struct str error)
{
    return str_of(error.data, str_find(error, '\n'));
}

static void note(struct services *s, enum record_level level, const char *text, int len)
{
    console_note(s->console, level,
                 str_of(text, len < TEXT_BYTES ? (size_t)len : (size_t)TEXT_BYTES - 1));
}

void event_log_again(struct services *s, const struct delivery *d, const struct delivered *m)
{
    char text[TEXT_BYTES];
    uint64_t now = clock_wall_ms();
    uint64_t wait_ms = m->outcome.due_ms > now ? m->outcome.due_ms - now : 0;
    char when[32] = "at once";
    if (wait_ms > 0) {
        (void)snprintf(when, sizeof(when), "in %llu s", (unsigned long long)(wait_ms + 999) / 1000);
    }
    int len = snprintf(text, sizeof(text), "event %llu of %s: try %u failed, again %s: " STR_FMT,
                       (unsigned long long)m->message.id, queue_name(d->queue), m->message.attempts,
                       when, STR_ARG(first_line(m->outcome.error)));
    note(s, RECORD_WARNING, text, len);
}

/* `then`: what is to be known of it afterwards. */
static void note_given_up(struct services *s, const struct delivery *d, const struct delivered *m,
                          const char *then)
{
    char text[TEXT_BYTES];
    int len = snprintf(text, sizeof(text), "event %llu of %s: given up after %u %s: " STR_FMT "%s",
                       (unsigned long long)m->message.id, queue_name(d->queue), m->outcome.attempts,
                       m->outcome.attempts == 1 ? "try" : "tries",
                       STR_ARG(first_line(m->outcome.error)), then);
    note(s, RECORD_ERROR, text, len);
}

void event_log_dead(struct services *s, const struct delivery *d, const struct delivered *m)
{
    char then[THEN_BYTES];
    (void)snprintf(then, sizeof(then), " (mayfly events show %llu)",
                   (unsigned long long)m->message.id);
    note_given_up(s, d, m, then);
}

void event_log_moved(struct services *s, const struct delivery *d, const struct delivered *m,
                     const char *to)
{
    char then[THEN_BYTES];
    (void)snprintf(then, sizeof(then), "; it is in %s now", to);
    note_given_up(s, d, m, then);
}
