/* What Node.js loads: the calls of all files, by the names that doc/runtime.md has.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "addon.h"
#include "instance.h"
#include "zygote.h"

NAPI_MODULE_INIT()
{
    if (!addon_open(env) || zygote_define(env, exports) != napi_ok ||
        instance_channel_define(env, exports) != napi_ok ||
        instance_answer_define(env, exports) != napi_ok) {
        (void)napi_throw_error(env, NULL, "mayfly: the addon could not be set up");
    }
    return exports;
}
