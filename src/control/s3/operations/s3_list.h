/* Walking a bucket's keys with a prefix and a delimiter: what the listings share. Keys that share a
 * part up to the delimiter are passed over by one seek, however many they are.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/s3/s3_request.h"

#define S3_LIST_MAX 1000 /* S3's own limit of a page */

struct s3_list_query {
    struct str prefix, delimiter;
    struct str after; /* begin behind this key, or common prefix */
    bool versions;    /* all of a key's, not the current one alone */
    bool has_version; /* with versions: of the key `after` itself, go on behind this one */
    int64_t after_rank;
    size_t most;
};

struct s3_list_walk {
    const struct s3_list_query *query;
    /* Called for each object, and for each common prefix. */
    void (*object)(struct s3_list_walk *w, const struct stored_object *o, bool is_latest);
    void (*common)(struct s3_list_walk *w, struct str prefix);
    size_t rows; /* that a call may look at; 0: any number, where each is told */
    size_t count;
    bool truncated;
    struct buf last; /* the last key or common prefix that was told */
    int64_t last_rank;
    bool last_is_common;
    struct buf key;  /* of the walk: the key whose versions are told */
    struct buf from; /* the same: where it begins, or goes on */
    size_t looked;   /* the same: rows of this call */
    bool is_begun, is_cut;
};

/* False: it has looked at as many rows as it may, none of which need have been told; the next call
 * goes on. Afterwards `last` is the caller's to finish. */
bool s3_list_walk(const struct s3_request *rq, struct s3_list_walk *w);
/* What a walk that does not go on has left. */
void s3_list_walk_finish(struct s3_list_walk *w);

/* The part of a key up to and with the first delimiter behind the prefix, or data NULL. */
struct str s3_list_common(const struct s3_list_query *q, struct str key);

/* encoding-type=url: text as it is to be given. */
struct s3_list_text {
    bool is_url;
    struct buf memory;
};
void s3_list_put(struct s3_list_text *t, struct s3_xml_out *o, const char *name, struct str text);
/* A number of the query, such as "max-parts"; absent: `number` stays. False: answered. */
bool s3_list_read_number(struct s3_request *rq, const char *name, uint64_t *number) MUST_USE;
/* Reads encoding-type and max-keys ("max-keys", "max-uploads", ...). False: answered. */
bool s3_list_read(struct s3_request *rq, const char *most_name, struct s3_list_text *text,
                  size_t *ret_most) MUST_USE;
