/* The platform's console: everything that a person or a program reads on standard output.
 *
 * As text it is for people: where more happens than anybody reads, requests and logs are counted
 * instead of shown and a line a second sums them up. As JSON it is one object a line, and all of
 * it. Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <uv.h>

#include "control/console/log_print.h"
#include "control/deployment/deployment.h"

enum console_format { CONSOLE_TEXT, CONSOLE_JSON, CONSOLE_NONE };

struct console;

/* Writes to `fd`, which stays the caller's. */
struct console *console_create(uv_loop_t *loop, int fd, enum console_format format);
/* Writes what is left. Freed when the loop runs next. */
void console_destroy(struct console *c);

/* False while what was printed waits for a slow reader: then records had better wait too. */
bool console_has_room(struct console *c);

/* With the developer's credentials for the AWS port. */
void console_listening(struct console *c, const char *origin, const char *aws_origin,
                       const char *project);
/* `active` is served from now on. `first`: the whole table; otherwise what is new. */
void console_build(struct console *c, const struct build *active, bool first);
void console_rejected(struct console *c, const struct version *culprit);
/* Nothing could be made of a change. `serving`: an earlier build still answers. */
void console_failed(struct console *c, json_t *diagnostics, bool serving);
/* Of the builder or of control itself. */
void console_note(struct console *c, enum record_level level, struct str text);

/* `version` may be NULL: a function that is long gone, or the platform itself. */
void console_log(struct console *c, const struct version *version, const struct record_log *record,
                 const struct str texts[RECORD_LOG_TEXT_COUNT]);
void console_usage(struct console *c, const struct version *version,
                   const struct record_usage *record,
                   const struct str texts[RECORD_USAGE_TEXT_COUNT]);
