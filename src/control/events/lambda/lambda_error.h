/* What a Lambda function's answer says of its error.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/str.h"

/* "TypeError: x is not a function\n    at ..." of the JSON with errorType, errorMessage and trace,
 * however long. The caller owns it. */
char *lambda_error_text(struct str payload);
