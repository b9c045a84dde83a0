/* Files from a project's public folders: finding and opening them.
 *
 * Paths come from clients; a file is opened only if it lies below its folder, whatever links say.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#define PCRE2_CODE_UNIT_WIDTH 8
#include <limits.h>
#include <pcre2.h>

#include "base/str.h"

struct static_absent;

struct static_root {
    char *prefix;                 /* "/" or "/docs/"; owned */
    int directory;                /* owned; -1: not there */
    bool compress;                /* files go out compressed to those who accept it */
    bool named;                   /* answers say their file's name */
    pcre2_code *except;           /* names that are not served, decoded; NULL: all are; owned */
    pcre2_match_data *match;      /* owned */
    struct static_absent *absent; /* paths that were not there a moment ago; owned */
};

struct static_file {
    int fd; /* -1: none */
    uint64_t size;
    int64_t modified_s;
    uint64_t modified_ns; /* since the epoch, for the tag */
    char type[64];
    bool compress;           /* its folder's */
    char name[NAME_MAX + 1]; /* empty if its answer need not say it */
};

/* Opens `directory` for a root. The folder need not be there. */
void static_root_open(struct static_root *root, struct str prefix, const char *directory);
/* The folder as somebody has opened it who may do more than this process. Takes over fd. */
void static_root_give(struct static_root *root, int fd);
void static_root_close(struct static_root *root);
/* Keeps files back whose names below the folder match. Takes over `pattern`; NULL is fine. */
void static_root_keep_back(struct static_root *root, pcre2_code *pattern);

/* Decodes a path of a URL into `out`: percent-decoding, no NUL, "." and ".." resolved.
 * The length without a leading slash, or -EINVAL when it names no file, or none below the
 * folder. */
int static_path_decode(struct str path, char *out, size_t size) MUST_USE;

/* The file for a path without its query, or false. A folder answers with its index.html. A file
 * that was not there is looked for again after STATIC_ABSENT_MS. */
#define STATIC_ABSENT_MS 100
bool static_files_find(struct static_root *roots, size_t count, struct str path,
                       struct static_file *ret);
