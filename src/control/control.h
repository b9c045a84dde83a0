/* PROCESS control: decides what is deployed, and tells people what happens.
 *
 * It reads what the builder builds (hostile: a project's files shape it), gives every function a
 * version, has the supervisor load the new ones, hands the gateway its routes once they are loaded,
 * and has the old ones removed when their last request is over. It prints the platform's console:
 * the table of routes, the functions' logs, a line a request. It holds no state that the supervisor
 * could not give it again: when it dies, a new one goes on with the running functions.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The role `mayfly control`; started by the supervisor only. */
int control_main(int argc, char **argv);
