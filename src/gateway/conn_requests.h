/* The requests that connections bring: what a connection is answered by.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/conn.h"

/* For gateway->conn_events. */
extern const struct conn_events conn_requests;
