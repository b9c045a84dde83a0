/* Documents: what is read, written and read again is the same.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>

#include "control/s3/s3_xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare(const struct s3_xml_node *a, const struct s3_xml_node *b)
{
    assert(a && b && str_eq(a->name, b->name));
    assert(str_eq(a->text, b->text) && (!a->first || a->text.len == 0));
    const struct s3_xml_node *y = b->first;
    for (const struct s3_xml_node *x = a->first; x; x = x->next, y = y->next) {
        compare(x, y);
    }
    assert(!y);
}

/* Line breaks are normalized in reading, unless they were escapes. */
static bool has_control(const struct s3_xml_node *node)
{
    for (size_t i = 0; i < node->text.len; i++) {
        if ((unsigned char)node->text.data[i] < ' ') {
            return true;
        }
    }
    for (const struct s3_xml_node *x = node->first; x; x = x->next) {
        if (has_control(x)) {
            return true;
        }
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    scoped_s3_xml struct s3_xml *x = s3_xml_parse(str_of((const char *)data, size));
    if (!x || has_control(s3_xml_root(x))) {
        return 0;
    }
    struct buf b;
    buf_init(&b, 16 * size + 4096);
    struct s3_xml_out o = { .out = &b };
    s3_xml_put_node(&o, s3_xml_root(x));
    assert(o.r == 0);
    scoped_s3_xml struct s3_xml *y = s3_xml_parse(buf_str(&b));
    assert(y);
    compare(s3_xml_root(x), s3_xml_root(y));
    buf_finish(&b);
    return 0;
}
