/* SQS's forms: always an object, the same whatever follows the last parameter, and no text of
 * theirs leaves the element that it stands in.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "control/aws/sqs/sqs_query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_xml(json_t *text)
{
    json_t *output = json_pack("{s:[{s:O}]}", "Messages", "Body", text);
    char *xml = sqs_query_answer("ReceiveMessage", output, "id");
    const char *begin = strstr(xml, "<Body>");
    const char *end = strstr(xml, "</Body></Message></ReceiveMessageResult>");
    assert(begin && end);
    assert(!memchr(begin + 6, '<', (size_t)(end - begin - 6)));
    free(xml);
    json_decref(output);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf longer;
    buf_init(&longer, size + 1);
    assert(buf_append(&longer, str_of((const char *)data, size)) == 0);
    json_t *input = sqs_query_input(buf_str(&longer));
    assert(json_is_object(input));
    assert(buf_append(&longer, STR("&")) == 0);
    json_t *again = sqs_query_input(buf_str(&longer));
    assert(json_equal(input, again));
    const char *name;
    json_t *value;
    json_object_foreach(input, name, value)
    {
        if (json_is_string(value)) {
            check_xml(value);
        }
    }
    json_decref(input);
    json_decref(again);
    buf_finish(&longer);
    return 0;
}
