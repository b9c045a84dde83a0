/* Control as one of the gateway's instances: requests of the AWS port, of routes that go through
 * events, and of functions to control are leased, sent and answered like any other
 * (doc/events.md, "Between control and gateway").
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "channel/channel.h"
#include "gateway/request.h"
#include "ipc/message.h"

/* Takes over the descriptors, also on failure. */
int control_port_open(struct gateway *g, const struct channel_fds *fds) MUST_USE;

/* The request is control's from here on. */
void control_port_take(struct request *rq, enum control_door door);

/* The rest of the answer is a file (FRAME_FILE): it is sent when the file is here. */
void control_port_file_follows(struct request *rq);
/* The file; takes it over. */
void control_port_file(struct gateway *g, const struct message_file *m, int fd);
