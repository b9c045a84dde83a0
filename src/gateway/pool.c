/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/pool.h"

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* What may still be asked for. */
static size_t room(const struct pool_limits *limits, const struct pool_state *state)
{
    size_t have = state->instances + state->starting;
    size_t left = have < limits->max_instances ? limits->max_instances - have : 0;
    size_t under_way = state->starting + state->forking;
    size_t at_once = state->processors * POOL_STARTS_PER_PROCESSOR;
    size_t starts = under_way < at_once ? at_once - under_way : 0;
    return smaller(left, starts);
}

size_t pool_starts_for_waiting(const struct pool_limits *limits, const struct pool_state *state)
{
    size_t need = (state->waiting + limits->concurrency - 1) / limits->concurrency;
    return need > state->starting ? smaller(need - state->starting, room(limits, state)) : 0;
}

static bool is_active(const struct pool_limits *limits, const struct pool_state *state)
{
    if (state->used_ms == 0) {
        return false;
    }
    return limits->idle_ms == UINT64_MAX || state->now_ms - state->used_ms < limits->idle_ms;
}

/* One, or what demand used up in the last tenth of a second: by then new ones are there. */
static size_t spares_wanted(const struct pool_limits *limits, const struct pool_state *state)
{
    if (state->start_failed || !is_active(limits, state)) {
        return 0;
    }
    double wanted = state->start_rate / 10;
    return wanted <= 1 ? 1 : wanted >= POOL_SPARES_MAX ? POOL_SPARES_MAX : (size_t)wanted;
}

size_t pool_starts_ahead(const struct pool_limits *limits, const struct pool_state *state)
{
    size_t have = state->instances + state->starting;
    size_t need = have < limits->min_instances ? limits->min_instances - have : 0;
    size_t spares = spares_wanted(limits, state);
    size_t ahead = state->waiting == 0 ? state->unused + state->starting : state->unused;
    if (ahead < spares && spares - ahead > need) {
        need = spares - ahead;
    }
    return smaller(need, room(limits, state));
}

size_t pool_stops(const struct pool_limits *limits, const struct pool_state *state,
                  size_t idle_count)
{
    size_t keep = limits->min_instances;
    size_t spares = spares_wanted(limits, state);
    size_t over = state->instances > keep ? state->instances - keep : 0;
    size_t spare = state->unused > spares ? state->unused - spares : 0;
    return smaller(smaller(idle_count, spare), over);
}
