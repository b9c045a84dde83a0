/* How Lambda refuses an invocation, for those who answer without a call of the API.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/exchange.h"

/* Ends the exchange with an error of the Invoke API (API Reference, "Invoke"): its name in a
 * header, as SDKs look for it, and the request's id. */
void lambda_refuse(struct exchange *x, unsigned status, const char *type, const char *message);
