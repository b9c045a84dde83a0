/* Talks with the mayfly that runs for a project, over the socket in its data folder
 * (control/command_port.h).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "base/err.h"

struct command_client {
    const char *project; /* --project; NULL: the current folder */
    const char *data;    /* --data; NULL: .mayfly in the project */
};

/* Sends a command (used up) and gives each line of the answer to `each`, borrowed. 0, or an error
 * that says what to do: nobody runs there, or what the command itself says. */
typedef void (*command_line_fn)(json_t *line, void *context);
int command_client_ask(const struct command_client *client, json_t *command, command_line_fn each,
                       void *context, struct err *err) MUST_USE;

/* "now", "12 s ago", "in 3 min": of a time in ms. */
#define COMMAND_AGE_BYTES 32
const char *command_client_age(json_int_t ms, char ret[COMMAND_AGE_BYTES]);
/* Prints text of others: a terminal sees no control characters, lines begin with `indent`. At most
 * `max` bytes; 0: all. */
void command_client_print(const char *text, const char *indent, size_t max);
