/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

#define OPTIONS_WORD_MAX 32
#define OPTIONS_MAX      16

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters must be changed, added, left out or swapped with their neighbour (optimal string
 * alignment distance). */
static size_t edit_distance(const char *a, const char *b)
{
    size_t rows[3][OPTIONS_WORD_MAX + 1];
    size_t a_len = strlen(a);
    size_t b_len = strlen(b);
    if (a_len > OPTIONS_WORD_MAX || b_len > OPTIONS_WORD_MAX) {
        return OPTIONS_WORD_MAX;
    }
    for (size_t j = 0; j <= b_len; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        const size_t *above = rows[(i - 1) % 3];
        size_t *row = rows[i % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t changed = above[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = smaller(changed, smaller(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = smaller(row[j], rows[(i - 2) % 3][j - 2] + 1);
            }
        }
    }
    return rows[a_len % 3][b_len];
}

const char *options_suggest(const char *word, const char *const *names)
{
    const char *best = NULL;
    /* A third of the letters may be wrong, or everything resembles everything. */
    size_t best_distance = smaller(strlen(word) / 3 + 2, OPTIONS_WORD_MAX);
    for (size_t i = 0; names[i]; i++) {
        size_t distance = edit_distance(word, names[i]);
        if (distance < best_distance) {
            best = names[i];
            best_distance = distance;
        }
    }
    return best;
}

static int unknown_option(struct str name, const struct option *options, struct err *err)
{
    const char *names[OPTIONS_MAX + 1] = { NULL };
    char word[OPTIONS_WORD_MAX + 1] = "";
    for (size_t i = 0; options[i].name && i < OPTIONS_MAX; i++) {
        names[i] = options[i].name;
    }
    memcpy(word, name.data, smaller(name.len, OPTIONS_WORD_MAX));
    const char *meant = options_suggest(word, names);
    return err_set(err, EINVAL, "unknown option --%s%s%s%s", word, meant ? "; did you mean --" : "",
                   meant ? meant : "", meant ? "?" : "");
}

/* `text` is what follows the dashes. Returns how many further arguments were used up: 0 or 1. */
static int take_option(const char *text, const char *next, const struct option *options,
                       struct err *err)
{
    struct str rest = str_c(text);
    struct str name = str_cut(&rest, '=');
    for (const struct option *o = options; o->name; o++) {
        if (!str_eq(name, str_c(o->name))) {
            continue;
        }
        if (o->flag) {
            if (rest.data) {
                return err_set(err, EINVAL, "--%s takes no value", o->name);
            }
            *o->flag = true;
            return 0;
        }
        if (rest.data) {
            *o->value = rest.data;
            return 0;
        }
        if (!next) {
            return err_set(err, EINVAL, "--%s needs a value", o->name);
        }
        *o->value = next;
        return 1;
    }
    return unknown_option(name, options, err);
}

int options_parse(int argc, char **argv, const struct option *options, const char **plain,
                  size_t plain_max, struct err *err)
{
    size_t plain_count = 0;
    bool ended = false;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (!ended && strcmp(word, "--") == 0) {
            ended = true;
        } else if (!ended && strncmp(word, "--", 2) == 0) {
            int used = take_option(word + 2, i + 1 < argc ? argv[i + 1] : NULL, options, err);
            if (used < 0) {
                return used;
            }
            i += used;
        } else if (!ended && word[0] == '-' && word[1] != '\0') {
            return err_set(err, EINVAL, "unknown option %s; options are spelled out, as in --port",
                           word);
        } else if (plain_count == plain_max) {
            return err_set(err, EINVAL, "one argument too many: %s", word);
        } else {
            plain[plain_count++] = word;
        }
    }
    return (int)plain_count;
}
