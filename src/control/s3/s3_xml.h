/* XML of the S3 API: what clients send as a small tree, and what they get, written in order.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buf.h"
#include "base/str.h"

#define S3_XML_NAMESPACE "http://s3.amazonaws.com/doc/2006-03-01/"

/* ---- reading ---- */

struct s3_xml_node {
    struct str name; /* without a prefix */
    struct str text; /* of it, but not of its children */
    struct str type; /* its xsi:type, or empty */
    struct s3_xml_node *first;
    struct s3_xml_node *next;
    struct s3_xml_node *last, *parent; /* while parsing */
};

struct s3_xml; /* owns the nodes and what they point into */

/* NULL: it is not well-formed, has a DOCTYPE, or is larger than anything S3 takes. */
struct s3_xml *s3_xml_parse(struct str text);
void s3_xml_destroy(struct s3_xml *x); /* NULL is fine */
DEFINE_SCOPED(s3_xml)
#define scoped_s3_xml SCOPED(s3_xml_scope)

const struct s3_xml_node *s3_xml_root(const struct s3_xml *x);
/* The first child of that name, or NULL; `node` may be NULL. */
const struct s3_xml_node *s3_xml_child(const struct s3_xml_node *node, const char *name);
/* The next sibling of the same name, or NULL. */
const struct s3_xml_node *s3_xml_again(const struct s3_xml_node *node);
/* The text of that child, or data NULL. */
struct str s3_xml_text(const struct s3_xml_node *node, const char *name);
static inline bool s3_xml_is(const struct s3_xml_node *node, const char *name)
{
    return node && str_eq(node->name, str_c(name));
}
size_t s3_xml_count(const struct s3_xml_node *node, const char *name);

/* ---- writing ---- */

/* Collects its errors: look at `r` at the end. */
struct s3_xml_out {
    struct buf *out;
    int r;
};

/* The declaration, and a root element with S3's namespace. */
void s3_xml_begin(struct s3_xml_out *o, const char *root);
void s3_xml_open(struct s3_xml_out *o, const char *name);
void s3_xml_close(struct s3_xml_out *o, const char *name);
void s3_xml_put(struct s3_xml_out *o, const char *name, struct str text);
void s3_xml_put_u64(struct s3_xml_out *o, const char *name, uint64_t number);
void s3_xml_put_bool(struct s3_xml_out *o, const char *name, bool value);
/* "2009-10-12T17:50:30.000Z": by the second, as a head has its Last-Modified. */
void s3_xml_put_time(struct s3_xml_out *o, const char *name, uint64_t ms);
/* In quotes. */
void s3_xml_put_etag(struct s3_xml_out *o, const char *name, struct str etag);
/* A node as it was read, and what is in it. */
void s3_xml_put_node(struct s3_xml_out *o, const struct s3_xml_node *node);
void s3_xml_raw(struct s3_xml_out *o, struct str text);
void s3_xml_text_put(struct s3_xml_out *o, struct str text); /* escaped, in no element */
