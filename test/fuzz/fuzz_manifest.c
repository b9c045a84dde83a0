/* What the builder says, from the bytes to what is printed and handed on. Whatever passes the check
 * makes plans that the supervisor accepts.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>

#include "base/limits.h"
#include "control/console/build_print.h"
#include "control/deployment/deployment.h"

static int on_add(struct deployment *d, const struct version *version)
{
    union message m = { .type = MESSAGE_FUNCTION_ADD };
    (void)d;
    deployment_plan(version, &m.function_add.plan);
    assert(message_check(&m, message_size(m.type), 1, ROLE_CONTROL, ROLE_SUPERVISOR) == 0);
    const struct deployment_aws aws = { "http://127.0.0.1:4566", STR("key"), STR("secret") };
    json_decref(deployment_spec(version, "http://localhost:3000", &aws));
    return 0;
}

static void on_remove(struct deployment *d, const struct version *version)
{
    (void)d;
    (void)version;
}

static void on_route(struct deployment *d, const struct build *build, bool first)
{
    const struct print_style style = { .width = 80 };
    struct buf b;
    (void)d;
    (void)first;
    buf_init(&b, 64 * MIB);
    if (build_print_routes(&b, &style, build) == 0) {
        for (size_t i = 0; i < b.len; i++) {
            assert((unsigned char)b.data[i] >= 0x20 || b.data[i] == '\n' || b.data[i] == '\t');
        }
    }
    buf_clear(&b);
    (void)!build_print_diagnostics(&b, &style, json_object_get(build->manifest, "diagnostics"));
    buf_clear(&b);
    if (build_print_json(&b, build, 0) == 0) {
        json_t *again = json_loadb(b.data, b.len, JSON_ALLOW_NUL, NULL);
        assert(again);
        json_decref(again);
    }
    buf_finish(&b);
    json_decref(deployment_routes(build));
}

static void on_reject(struct deployment *d, const struct build *build,
                      const struct version *culprit)
{
    (void)d;
    (void)build;
    (void)culprit;
}

static const struct deployment_actions actions = {
    .add = on_add,
    .remove = on_remove,
    .route = on_route,
    .reject = on_reject,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *manifest = json_loadb((const char *)data, size, 0, NULL);
    struct deployment d;
    struct err err;
    deployment_init(&d, &actions, 1);
    if (manifest && deployment_offer(&d, manifest, &err) == 0) {
        for (uint64_t id = 1; id < d.next_id; id++) {
            struct message_function_loaded loaded = { .function = id, .failed = id % 3 == 0 };
            deployment_loaded(&d, &loaded);
        }
        assert(d.active && !d.pending);
    }
    deployment_finish(&d);
    json_decref(manifest);
    return 0;
}
