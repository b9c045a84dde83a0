/* The Lambda API: lists in pages.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/mem.h"
#include "control/aws/call/aws_check.h"
#include "control/aws/call/aws_page.h"
#include "control/aws/lambda/aws_lambda_operations.h"

/* By the model; else that is answered. */
static bool read_max(struct aws_call *c, size_t most, uint64_t *max)
{
    const struct aws_rule rules[] = { { "MaxItems", AWS_INTEGER, AWS_MAY, 1, (json_int_t)most,
                                        NULL } };
    char text[LAMBDA_NAME_BYTES];
    struct aws_check k;
    if (!lambda_path_query(c->exchange->target, STR("MaxItems"), text)) {
        return true;
    }
    bool is_number = str_to_u64(str_c(text), max) && *max <= INT64_MAX;
    json_t *input = json_pack("{s:I}", "MaxItems", is_number ? (json_int_t)*max : (json_int_t)0);
    aws_check_init(&k);
    aws_check_members(&k, input, "", rules, ARRAY_COUNT(rules));
    json_decref(input);
    return aws_check_end(&k, c);
}

/* A marker's place; none is 0. What is no marker is answered. */
static bool read_marker(struct aws_call *c, uint64_t *ret)
{
    char marker[LAMBDA_NAME_BYTES];
    if (!lambda_path_query(c->exchange->target, STR("Marker"), marker)) {
        *ret = 0;
        return true;
    }
    scoped_free char *place = aws_page_last(marker);
    if (!place || !str_to_u64(str_c(place), ret)) {
        aws_call_fail(c, 400, "InvalidParameterValueException", "The marker is invalid.");
        return false;
    }
    return true;
}

void aws_lambda_page(struct aws_call *c, json_t *all, const char *member, size_t otherwise,
                     size_t most)
{
    uint64_t max = otherwise, from = 0;
    if (!read_max(c, most, &max) || !read_marker(c, &from)) {
        json_decref(all);
        return;
    }
    json_t *page = json_array();
    size_t i = from < json_array_size(all) ? (size_t)from : json_array_size(all);
    for (; i < json_array_size(all) && json_array_size(page) < max; i++) {
        (void)json_array_append(page, json_array_get(all, i)); /* a new place for it */
    }
    json_t *output = json_pack("{s:o}", member, page);
    if (i < json_array_size(all)) {
        char place[24];
        (void)snprintf(place, sizeof(place), "%zu", i);
        scoped_free char *marker = aws_page_token(place);
        (void)json_object_set_new(output, "NextMarker", json_string(marker)); /* sound text */
    }
    json_decref(all);
    aws_call_answer(c, output);
}
