/* What `mayfly trigger` and `mayfly events` ask for (command_port.h):
 *
 *   {"command":"trigger","name":NAME,"payload":TEXT or absent}   {"id","queue"} for each event
 *   {"command":"ls","queue","function","state","since_ms","limit"}   an event a line, newest first
 *   {"command":"show","id":N}   the event, with its body and attributes
 *   {"command":"replay","ids":[N...] or "queue"}   {"count"}
 *   {"command":"purge","queue","state"}   {"count"}
 *
 * "state" is waiting, done or dead; a queue may be named without its kind.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/command_port.h"

void commands_run(struct command *c);
