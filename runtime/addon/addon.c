/* SPDX-License-Identifier: Apache-2.0 */
#include "addon.h"

#include "base/mem.h"

bool addon_open(napi_env env)
{
    struct addon *addon = mem_new(struct addon);
    addon->env = env;
    addon->link_fd = -1;
    addon->parent_link_fd = -1;
    addon->channel_fds = (struct channel_fds){ -1, -1, -1 };
    /* Lives as long as the process does: it is never unloaded. */
    return napi_set_instance_data(env, addon, NULL, NULL) == napi_ok &&
           napi_get_uv_event_loop(env, &addon->loop) == napi_ok;
}

struct addon *addon_of(napi_env env)
{
    void *data = NULL;
    (void)napi_get_instance_data(env, &data); /* set above, before any call is possible */
    return data;
}

napi_status addon_define(napi_env env, napi_value exports, const struct addon_call *calls,
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        napi_value function;
        napi_status status = napi_create_function(env, calls[i].name, NAPI_AUTO_LENGTH,
                                                  calls[i].callback, NULL, &function);
        if (status == napi_ok) {
            status = napi_set_named_property(env, exports, calls[i].name, function);
        }
        if (status != napi_ok) {
            return status;
        }
    }
    return napi_ok;
}
