/* X-Ray's trace header, which AWS's services give the messages that they send: an SQS message's
 * system attribute AWSTraceHeader. Nothing is traced here; it is there for who reads it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/str.h"

/* A new one as a stored message's attributes, of which sqs_record.h makes the system attribute:
 * {"trace":"Root=1-(8 digits)-(24);Parent=(16);Sampled=0"}. */
#define TRACE_HEADER_BYTES 96
struct str trace_header_attributes(char ret[TRACE_HEADER_BYTES]);
