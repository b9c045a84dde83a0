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

/* What control is told a request is, as its endpoint; src/control/exchange.h has the same. */
enum control_door { CONTROL_AWS, CONTROL_ROUTE, CONTROL_FUNCTION, CONTROL_WEBHOOK };

/* Takes over the descriptors, also on failure. */
int control_port_open(struct gateway *g, const struct channel_fds *fds) MUST_USE;

/* The request is control's from here on. */
void control_port_take(struct request *rq, enum control_door door);
bool control_port_has(const struct request *rq);

/* The rest of the answer is a file (FRAME_FILE): it is sent when the file is here. */
void control_port_file_follows(struct request *rq);
/* Its request is over before it has come: then each frame still takes its own file, or another
 * request's of the same number would get it. */
void control_port_file_unwanted(struct gateway *g, uint32_t stream);
/* The file; takes it over. */
void control_port_file(struct gateway *g, const struct message_file *m, int fd);
