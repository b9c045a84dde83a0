/* SPDX-License-Identifier: Apache-2.0 */
#include "control/text/line_split.h"

void line_split_init(struct line_split *split, size_t limit_bytes,
                     void (*on_line)(struct line_split *split, struct str line, bool cut))
{
    *split = (struct line_split){ .on_line = on_line };
    buf_init(&split->line, limit_bytes);
}

void line_split_finish(struct line_split *split)
{
    buf_finish(&split->line);
}

static void take_part(struct line_split *split, struct str part)
{
    if (split->overlong) {
        return;
    }
    size_t room = split->line.limit - split->line.len;
    bool cut = part.len > room;
    (void)!buf_append(&split->line, str_of(part.data, cut ? room : part.len)); /* it fits */
    if (cut) {
        split->on_line(split, buf_str(&split->line), true);
        buf_clear(&split->line);
        split->overlong = true;
    }
}

static void end_line(struct line_split *split)
{
    if (!split->overlong) {
        struct str line = buf_str(&split->line);
        if (line.len > 0 && line.data[line.len - 1] == '\r') {
            line.len--;
        }
        split->on_line(split, line, false);
    }
    buf_clear(&split->line);
    split->overlong = false;
}

void line_split_feed(struct line_split *split, struct str bytes)
{
    while (bytes.len > 0) {
        size_t at = str_find(bytes, '\n');
        take_part(split, str_of(bytes.data, at));
        if (at < bytes.len) {
            end_line(split);
        }
        bytes = str_skip(bytes, at + 1);
    }
}

void line_split_end(struct line_split *split)
{
    if (split->line.len > 0) {
        end_line(split);
    }
    split->overlong = false;
}
