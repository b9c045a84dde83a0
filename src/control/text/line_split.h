/* Bytes into lines of bounded length.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buf.h"

struct line_split {
    struct buf line;
    bool overlong; /* the rest of the current line is skipped */
    /* `cut`: the line was longer than the limit, this is its beginning. The line is without its
     * break and valid until it returns. */
    void (*on_line)(struct line_split *split, struct str line, bool cut);
};

void line_split_init(struct line_split *split, size_t limit_bytes,
                     void (*on_line)(struct line_split *split, struct str line, bool cut));
void line_split_finish(struct line_split *split);

void line_split_feed(struct line_split *split, struct str bytes);
/* The stream has ended: what is left is a line too. */
void line_split_end(struct line_split *split);
