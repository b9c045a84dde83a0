/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/operations/s3_config_fault.h"

#include <stdio.h>

bool s3_config_fault(struct s3_config_fault *ret, enum s3_error error, const char *text)
{
    *ret = (struct s3_config_fault){ .error = error };
    (void)snprintf(ret->text, sizeof(ret->text), "%s", text ? text : ""); /* a long one is cut */
    return false;
}
