/* How `mayfly trigger` and `mayfly events` talk with the mayfly that runs: a Unix socket,
 * "control", in the data folder, which only its owner can reach. A connection carries one command,
 * a JSON object on a line, and its answer, objects on lines, the last of which has "done": true or
 * "error".
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "control/services.h"

#define COMMAND_PORT_NAME "control"

/* One command; lives until it is ended. */
struct command {
    struct services *services;
    json_t *input;                    /* an object */
    void *context;                    /* the command's own */
    void (*go_on)(struct command *c); /* the port's: of command_port_is_full(), or NULL */
};

/* A line of the answer; used up. */
void command_port_reply(struct command *c, json_t *line);
/* Whether so much of the answer waits to be read that no more should be made of it. Then `go_on` is
 * called once, when it has been read or its reader is gone. */
bool command_port_is_full(struct command *c, void (*go_on)(struct command *c)) MUST_USE;
/* The last line. */
void command_port_end(struct command *c);
/* The same of a command that has read in this turn of the loop: it fails if it could not. */
void command_port_end_read(struct command *c);
/* The last line, too: what is wrong, or that the database could not be read. */
void command_port_fail(struct command *c, const char *fmt, ...) PRINTF(2, 3);

/* Listens; `run` runs a command. Removes a socket that a killed predecessor left: the store's lock
 * says there is none. */
int command_port_open(struct services *s, void (*run)(struct command *c), struct err *err) MUST_USE;
