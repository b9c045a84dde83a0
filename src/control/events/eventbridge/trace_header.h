/* X-Ray's trace header, which AWS's services give the messages that they send: an SQS message's
 * system attribute AWSTraceHeader, a function's _X_AMZN_TRACE_ID. Nothing is traced here; it is
 * there for who reads it. AWS X-Ray Developer Guide, "Tracing header".
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/str.h"

#define TRACE_HEADER_MAX 500 /* EventBridge: a TraceHeader's length */

/* Whether a client's header, NULL data allowed, is one: fields of printable characters that JSON
 * does not escape, among them "Root=1-(8 digits)-(24)"; at most TRACE_HEADER_MAX. */
bool trace_header_is_sound(struct str header);

/* A new one as a stored message's attributes, of which sqs_record.h makes the system attribute:
 * {"trace":"Root=1-(8 digits)-(24);Parent=(16);Sampled=0"}. */
#define TRACE_HEADER_BYTES 96
struct str trace_header_attributes(char ret[TRACE_HEADER_BYTES]);
