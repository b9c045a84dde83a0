/* The answer of a route that leads elsewhere, as the platform words it whose rule it is.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct request;

/* Answers with the route's status and location, or with 500 if they are too long. */
void redirect_answer(struct request *rq);
