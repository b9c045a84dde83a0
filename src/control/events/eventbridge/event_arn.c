/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/eventbridge/event_arn.h"

/* Cuts off "arn:aws:SERVICE:" and "REGION". The former; `*arn` begins with ":ACCOUNT". */
static struct str cut_region(struct str *arn, struct str *ret_region)
{
    const struct str whole = *arn;
    for (int i = 0; i < 3; i++) {
        (void)str_cut(arn, ':'); /* without one the rest is empty */
    }
    struct str head = str_of(whole.data, whole.len - arn->len);
    *ret_region = str_cut(arn, ':');
    return head;
}

struct str event_arn_region(struct str arn)
{
    struct str region, rest = arn;
    (void)cut_region(&rest, &region); /* it is known */
    return region.len > 0 && str_starts(arn, STR("arn:")) ? region : STR(EVENT_ARN_REGION);
}

bool event_arn_is_same(struct str a, struct str b)
{
    struct str region_a, region_b;
    struct str head_a = cut_region(&a, &region_a);
    struct str head_b = cut_region(&b, &region_b);
    return str_eq(head_a, head_b) && str_eq(a, b);
}
