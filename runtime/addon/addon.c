/* SPDX-License-Identifier: Apache-2.0 */
#include "addon.h"

#include "base/mem.h"

struct addon *addon_of(napi_env env)
{
    void *data = NULL;
    (void)napi_get_instance_data(env, &data); /* set below, before any call is possible */
    return data;
}

NAPI_MODULE_INIT()
{
    struct addon *addon = mem_new(struct addon);
    addon->env = env;
    addon->link_fd = -1;
    addon->parent_link_fd = -1;
    addon->channel_fds = (struct channel_fds){ -1, -1, -1 };
    /* Lives as long as the process does: it is never unloaded. */
    if (napi_set_instance_data(env, addon, NULL, NULL) != napi_ok ||
        napi_get_uv_event_loop(env, &addon->loop) != napi_ok ||
        zygote_define(env, exports) != napi_ok || instance_define(env, exports) != napi_ok) {
        (void)napi_throw_error(env, NULL, "mayfly: the addon could not be set up");
    }
    return exports;
}
