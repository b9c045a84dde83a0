/* Lambda's Invoke API with InvocationType=Event: the payload is stored and 202 is the answer.
 * AWS Lambda API Reference, "Invoke".
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/services.h"

/* `function`: its name in the manifest. */
void lambda_invoke_begin(struct services *s, struct exchange *x, struct str function);
