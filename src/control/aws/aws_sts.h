/* STS, for its one call that every client knows: who am I? It is how tools find out the account,
 * and people whether their credentials are right.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/services.h"

void aws_sts_begin(struct services *s, struct exchange *x);
/* An error of the services that speak XML: STS, IAM, CloudFormation. */
void aws_sts_fail(struct exchange *x, unsigned status, const char *code, const char *message);
