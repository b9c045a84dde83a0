/* A path, NUL, a body: the key that a route finds in it; and the same bytes as a stored request.
 * What is unpacked lies within them, and packs into the same again.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "control/events/routes/route_config.h"
#include "control/events/routes/stored_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void find_key(struct str input)
{
    struct str path = str_cut(&input, '\0');
    struct route_config config = { .key = ROUTE_KEY_JSON, .key_name = mem_copy_str(path) };
    char *key = route_config_key(&config, STR(""), input.data ? input : STR(""));
    assert(!key || key[0] != '\0');
    free(key);
    route_config_finish(&config);
}

static void unpack(struct str input)
{
    struct stored_request rq;
    struct buf again;
    if (stored_request_unpack(input, &rq) < 0) {
        return;
    }
    buf_init(&again, input.len);
    int r = stored_request_pack(&rq, &again);
    assert(r == 0 && str_eq(buf_str(&again), input));
    buf_finish(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = str_of((const char *)data, size);
    find_key(input);
    unpack(input);
    return 0;
}
