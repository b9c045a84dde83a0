/* Times that clients write, and times as they are told: what is read and told again is the same
 * time, any number makes a text that fits.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "control/text/iso_time.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define YEAR_10000_MS ((uint64_t)253402300800000) /* has a digit more than is read */

static void check_told(uint64_t epoch_ms)
{
    char memory[ISO_TIME_BYTES];
    uint64_t again = 0;
    struct str text = iso_time_ms(epoch_ms, memory);
    assert(text.len < ISO_TIME_BYTES && text.data[text.len - 1] == 'Z');
    bool is_read = iso_time_parse(text, &again);
    assert(epoch_ms >= YEAR_10000_MS || (is_read && again == epoch_ms));
    text = iso_time_s(epoch_ms, memory);
    assert(text.len < ISO_TIME_BYTES && text.data[text.len - 1] == 'Z');
    is_read = iso_time_parse(text, &again);
    assert(epoch_ms >= YEAR_10000_MS || (is_read && again == epoch_ms / 1000 * 1000));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t epoch_ms = 0;
    if (iso_time_parse(str_of((const char *)data, size), &epoch_ms)) {
        check_told(epoch_ms);
    }
    memcpy(&epoch_ms, data, size < sizeof(epoch_ms) ? size : sizeof(epoch_ms));
    check_told(epoch_ms);
    check_told(epoch_ms % YEAR_10000_MS);
    return 0;
}
