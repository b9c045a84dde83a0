/* Feeds a fuzzer the files named on the command line, as libFuzzer does: each in a heap block of
 * exactly its size, so that AddressSanitizer sees the first byte read past it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
    if (f) {
        (void)fclose(f); /* only read from */
    }
    return r;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (replay(argv[i]) != 0) {
            (void)fprintf(stderr, "cannot replay %s\n", argv[i]);
            return 1;
        }
    }
    return argc > 1 ? 0 : 1;
}
