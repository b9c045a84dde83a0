/* The answer to a request for a static file: conditions, ranges, and the file's bytes, sent by the
 * kernel alone where it has them in memory, else read off the loop's thread. Answers of control go
 * on with files the same way.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct request;

/* Answers with rq->route.file, which it takes over. */
void file_reply_start(struct request *rq);
/* Where nothing else is, a file answers for methods that it does not take. False: no file is there,
 * or the method is not the reason. */
bool file_reply_method(struct request *rq);
/* An answer whose head has been sent goes on with a part of a file, which is taken over. */
void file_reply_send(struct request *rq, int fd, uint64_t first, uint64_t length);
