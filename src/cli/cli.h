/* PROCESS cli: the commands a person types, one cmd_*.c each.
 *
 * A command gets its own arguments (argv[0] is its name) and returns the exit status: 0, 1 when it
 * failed, 2 when it was called wrongly.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#define CLI_VERSION "0.1.0"

#define CLI_OK     0
#define CLI_FAILED 1
#define CLI_USAGE  2

int cmd_dev(int argc, char **argv);
int cmd_trigger(int argc, char **argv);
int cmd_events(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_version(int argc, char **argv);
int cmd_help(int argc, char **argv);

/* The text of `mayfly help NAME`, NULL when there is no such command. */
const char *cli_help(const char *name);
