/* SPDX-License-Identifier: Apache-2.0 */
#include "control/aws/call/aws_tags.h"

#include <strings.h>

#include "control/text/utf8.h"

#define KEY_MAX   128
#define VALUE_MAX 256

static size_t count_characters(struct str text)
{
    size_t count = 0;
    uint32_t character;
    for (; text.len > 0; count++) {
        text = str_skip(text, utf8_next(text, &character));
    }
    return count;
}

static const char *fault_of(const char *key, json_t *value)
{
    size_t len = count_characters(str_c(key));
    if (len < 1 || len > KEY_MAX) {
        return "Tag keys are of 1 to 128 characters.";
    }
    if (strncasecmp(key, "aws:", 4) == 0) {
        return AWS_TAGS_RESERVED;
    }
    if (!json_is_string(value)) {
        return "Tag values are texts.";
    }
    return count_characters(str_of(json_string_value(value), json_string_length(value))) > VALUE_MAX
               ? "Tag values are of up to 256 characters."
               : NULL;
}

const char *aws_tags_fault(json_t *tags)
{
    const char *key, *fault = NULL;
    json_t *value;
    json_object_foreach(tags, key, value)
    {
        fault = fault ? fault : fault_of(key, value);
    }
    return fault;
}
