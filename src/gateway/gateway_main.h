/* The gateway process: faces the network, owns nothing durable. Here it starts, and hears the
 * supervisor and control.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* `mayfly gateway --listen FD [--listen FD ...] --supervisor FD --control FD --log-memory FD
 * --log-wake-host FD --log-wake-self FD --port-memory FD --port-wake-host FD --port-wake-self FD
 * [--aws FD ...] [--dev] [--again]`. Returns the process's exit status when control or the
 * supervisor is gone. */
int gateway_main(int argc, char **argv);
