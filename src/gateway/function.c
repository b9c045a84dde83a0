/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/function.h"

#include "base/mem.h"

struct function *function_create(void)
{
    struct function *f = mem_new(struct function);
    f->reserved = -1;
    list_init(&f->in_gateway);
    list_init(&f->open);
    list_init(&f->closed);
    list_init(&f->waiting);
    return f;
}

void function_destroy(struct function *f)
{
    if (!f) {
        return;
    }
    list_remove(&f->in_gateway);
    for (size_t i = 0; i < f->endpoint_count; i++) {
        free(f->endpoints[i].name);
        free(f->endpoints[i].broken);
        free(f->endpoints[i].allow);
    }
    for (size_t i = 0; i < f->service_count; i++) {
        free(f->services[i]);
    }
    free(f->endpoints);
    free(f->services);
    free(f->token);
    free(f->name);
    free(f);
}

struct function *function_ref(struct function *f)
{
    if (f) {
        f->reference_count++;
    }
    return f;
}

void function_unref(struct function *f)
{
    if (f) {
        f->reference_count--;
        function_release(f);
    }
}

void function_release(struct function *f)
{
    if (f->retired && f->reference_count == 0 && f->starting == 0) {
        function_destroy(f);
    }
}

const struct endpoint *function_endpoint(const struct function *f, uint32_t index)
{
    return index < f->endpoint_count ? &f->endpoints[index] : NULL;
}

uint64_t function_timeout_ms(const struct function *f, uint32_t endpoint)
{
    const struct endpoint *e = function_endpoint(f, endpoint);
    return e && e->timeout_ms > 0 ? e->timeout_ms : f->timeout_ms;
}
