/* Feeds a fuzzer the files named on the command line, as libFuzzer does: each in a heap block of
 * exactly its size, so that AddressSanitizer sees the first byte read past it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Jansson is a library without a sanitizer: what it reads of freed memory goes unseen. So its
 * memory is freed after the input, and until then is that of an object whose table is nowhere: who
 * uses it crashes. */
static void **spoiled;
static size_t spoiled_count;

static void spoil(void *memory)
{
    size_t size = memory ? malloc_usable_size(memory) : 0;
    if (size > sizeof(json_t)) {
        memset(memory, 0, sizeof(json_t));
        memset((char *)memory + sizeof(json_t), 0xa5, size - sizeof(json_t));
    }
    spoiled = reallocarray(spoiled, spoiled_count + 1, sizeof(*spoiled));
    spoiled[spoiled_count++] = memory;
}

static void free_spoiled(void)
{
    while (spoiled_count > 0) {
        free(spoiled[--spoiled_count]);
    }
    free(spoiled);
    spoiled = NULL;
}

static int replay(const char *path)
{
    FILE *f = fopen(path, "rbe");
    long size = f && fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
    uint8_t *data = size >= 0 ? malloc((size_t)size) : NULL;
    int r = -1;
    if (f && size >= 0) {
        rewind(f);
        if (size == 0 || (data && fread(data, 1, (size_t)size, f) == (size_t)size)) {
            r = LLVMFuzzerTestOneInput(data, (size_t)size);
        }
    }
    free(data);
    free_spoiled();
    if (f) {
        (void)fclose(f); /* only read from */
    }
    return r;
}

int main(int argc, char **argv)
{
    json_set_alloc_funcs(malloc, spoil);
    for (int i = 1; i < argc; i++) {
        if (replay(argv[i]) != 0) {
            (void)fprintf(stderr, "cannot replay %s\n", argv[i]);
            return 1;
        }
    }
    return argc > 1 ? 0 : 1;
}
