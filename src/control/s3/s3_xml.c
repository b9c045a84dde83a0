/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_xml.h"

#include <expat.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/mem.h"
#include "control/text/iso_time.h"
#include "control/text/utf8.h"

#define DEPTH_MAX    32
#define NODES_MAX    100000 /* the completion of 10,000 parts with checksums has some 40,000 */
#define CHUNK_NODES  64
#define NAME_LEN_MAX 128

struct chunk {
    struct chunk *next;
    size_t used;
    struct s3_xml_node nodes[CHUNK_NODES];
};

/* Texts go one behind the other into a block of the document's size, which is enough for one in
 * UTF-8: a character takes at least as many bytes there. One in another encoding that needs more is
 * malformed. An element has children or a text: what stands beside children is blank in all of S3's
 * documents, and is left out. */
struct s3_xml {
    struct chunk *chunks;
    char *texts;
    size_t text_len, text_size;
    struct s3_xml_node *root, *at;
    size_t count, depth;
    bool failed;
    XML_Parser parser;
};

static struct s3_xml_node *new_node(struct s3_xml *x)
{
    if (!x->chunks || x->chunks->used == CHUNK_NODES) {
        struct chunk *chunk = mem_new(struct chunk);
        chunk->next = x->chunks;
        x->chunks = chunk;
    }
    x->count++;
    return &x->chunks->nodes[x->chunks->used++];
}

static void fail(struct s3_xml *x)
{
    x->failed = true;
    (void)XML_StopParser(x->parser, XML_FALSE); /* fails when it has stopped already */
}

static struct str keep(struct s3_xml *x, struct str text)
{
    if (text.len > x->text_size - x->text_len) {
        fail(x);
        return STR("");
    }
    char *at = x->texts + x->text_len;
    memcpy(at, text.data, text.len);
    x->text_len += text.len;
    return str_of(at, text.len);
}

static struct str local_name(const char *name)
{
    const char *colon = strrchr(name, ':');
    return str_c(colon ? colon + 1 : name);
}

/* S3 has no others; what is behind a colon only need not be a name by itself. */
static bool is_name(struct str local)
{
    if (local.len == 0 || local.len > NAME_LEN_MAX) {
        return false;
    }
    char first = local.data[0];
    return (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z') || first == '_';
}

static void on_start(void *context, const char *name, const char **attributes)
{
    struct s3_xml *x = context;
    struct str local = local_name(name);
    if (x->failed || x->count == NODES_MAX || ++x->depth > DEPTH_MAX || !is_name(local)) {
        fail(x);
        return;
    }
    struct s3_xml_node *node = new_node(x);
    node->name = keep(x, local);
    node->text = STR("");
    for (; attributes[0]; attributes += 2) {
        if (str_eq(local_name(attributes[0]), STR("type"))) {
            node->type = keep(x, str_c(attributes[1]));
        }
    }
    node->parent = x->at;
    if (!x->at) {
        x->root = node;
    } else if (x->at->last) {
        x->at->last = x->at->last->next = node;
    } else {
        x->at->first = x->at->last = node;
        x->at->text = STR("");
    }
    x->at = node;
}

static void on_end(void *context, const char *name)
{
    struct s3_xml *x = context;
    (void)name; /* expat has compared it */
    if (!x->failed) {
        x->depth--;
        x->at = x->at->parent;
    }
}

static void on_text(void *context, const char *text, int len)
{
    struct s3_xml *x = context;
    struct s3_xml_node *node = x->at;
    if (x->failed || !node || node->first) {
        return;
    }
    struct str piece = keep(x, str_of(text, (size_t)len));
    if (node->text.len == 0) {
        node->text = piece;
    } else {
        node->text.len += piece.len; /* directly behind it */
    }
}

static void on_doctype(void *context, const char *name, const char *system, const char *public,
                       int has_subset)
{
    (void)name, (void)system, (void)public, (void)has_subset;
    fail(context);
}

struct s3_xml *s3_xml_parse(struct str text)
{
    struct s3_xml *x = mem_new(struct s3_xml);
    x->texts = mem_alloc(text.len + 1);
    x->text_size = text.len;
    x->parser = XML_ParserCreate(NULL);
    if (!x->parser) {
        mem_fail();
    }
    XML_SetUserData(x->parser, x);
    XML_SetElementHandler(x->parser, on_start, on_end);
    XML_SetCharacterDataHandler(x->parser, on_text);
    XML_SetStartDoctypeDeclHandler(x->parser, on_doctype);
    bool ok = text.len > 0 && text.len < 64 * MIB &&
              XML_Parse(x->parser, text.data, (int)text.len, XML_TRUE) == XML_STATUS_OK;
    XML_ParserFree(x->parser);
    if (!ok || x->failed || !x->root) {
        s3_xml_destroy(x);
        return NULL;
    }
    return x;
}

void s3_xml_destroy(struct s3_xml *x)
{
    if (!x) {
        return;
    }
    while (x->chunks) {
        struct chunk *next = x->chunks->next;
        free(x->chunks);
        x->chunks = next;
    }
    free(x->texts);
    free(x);
}

const struct s3_xml_node *s3_xml_root(const struct s3_xml *x)
{
    return x->root;
}

static const struct s3_xml_node *find_from(const struct s3_xml_node *node, struct str name)
{
    while (node && !str_eq(node->name, name)) {
        node = node->next;
    }
    return node;
}

const struct s3_xml_node *s3_xml_child(const struct s3_xml_node *node, const char *name)
{
    return node ? find_from(node->first, str_c(name)) : NULL;
}

const struct s3_xml_node *s3_xml_again(const struct s3_xml_node *node)
{
    return find_from(node->next, node->name);
}

struct str s3_xml_text(const struct s3_xml_node *node, const char *name)
{
    const struct s3_xml_node *child = s3_xml_child(node, name);
    return child ? child->text : (struct str){ NULL, 0 };
}

size_t s3_xml_count(const struct s3_xml_node *node, const char *name)
{
    size_t count = 0;
    for (const struct s3_xml_node *n = s3_xml_child(node, name); n; n = s3_xml_again(n)) {
        count++;
    }
    return count;
}

/* ---- writing ---- */

void s3_xml_raw(struct s3_xml_out *o, struct str text)
{
    if (o->r == 0) {
        o->r = buf_append(o->out, text);
    }
}

/* What has to be written in another way, or NULL. Control characters have none that XML 1.0 allows;
 * S3 writes them so all the same, and has encoding-type=url for clients that mind. */
static const char *escape_of(char c, char memory[8])
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    default:
        if ((unsigned char)c >= ' ' || c == '\n' || c == '\t') {
            return NULL;
        }
        (void)snprintf(memory, 8, "&#x%x;", (unsigned char)c); /* fits */
        return memory;
    }
}

/* What is no UTF-8 becomes U+FFFD: fields of a head may be of any bytes, and a text that was cut
 * may end within a character. */
void s3_xml_text_put(struct s3_xml_out *o, struct str text)
{
    size_t from = 0, len;
    char memory[8];
    for (size_t i = 0; i < text.len; i += len) {
        uint32_t character;
        len = utf8_next(str_skip(text, i), &character);
        bool is_broken = character == 0xfffd && len == 1;
        const char *escape = is_broken ? "\xef\xbf\xbd" : escape_of(text.data[i], memory);
        if (escape) {
            s3_xml_raw(o, str_of(text.data + from, i - from));
            s3_xml_raw(o, str_c(escape));
            from = i + len;
        }
    }
    s3_xml_raw(o, str_skip(text, from));
}

void s3_xml_begin(struct s3_xml_out *o, const char *root)
{
    s3_xml_raw(o, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<"));
    s3_xml_raw(o, str_c(root));
    s3_xml_raw(o, STR(" xmlns=\"" S3_XML_NAMESPACE "\">"));
}

void s3_xml_open(struct s3_xml_out *o, const char *name)
{
    s3_xml_raw(o, STR("<"));
    s3_xml_raw(o, str_c(name));
    s3_xml_raw(o, STR(">"));
}

void s3_xml_close(struct s3_xml_out *o, const char *name)
{
    s3_xml_raw(o, STR("</"));
    s3_xml_raw(o, str_c(name));
    s3_xml_raw(o, STR(">"));
}

void s3_xml_put(struct s3_xml_out *o, const char *name, struct str text)
{
    s3_xml_open(o, name);
    s3_xml_text_put(o, text);
    s3_xml_close(o, name);
}

void s3_xml_put_u64(struct s3_xml_out *o, const char *name, uint64_t number)
{
    char text[24];
    int len = snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
    s3_xml_put(o, name, str_of(text, (size_t)len));
}

void s3_xml_put_bool(struct s3_xml_out *o, const char *name, bool value)
{
    s3_xml_put(o, name, value ? STR("true") : STR("false"));
}

void s3_xml_put_time(struct s3_xml_out *o, const char *name, uint64_t ms)
{
    char text[ISO_TIME_BYTES];
    s3_xml_put(o, name, iso_time_ms(ms - ms % 1000, text));
}

void s3_xml_put_etag(struct s3_xml_out *o, const char *name, struct str etag)
{
    s3_xml_open(o, name);
    s3_xml_raw(o, STR("&quot;"));
    s3_xml_text_put(o, etag);
    s3_xml_raw(o, STR("&quot;"));
    s3_xml_close(o, name);
}

static void open_node(struct s3_xml_out *o, const struct s3_xml_node *node)
{
    s3_xml_raw(o, STR("<"));
    s3_xml_raw(o, node->name);
    if (node->type.len > 0) {
        s3_xml_raw(o, STR(" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\""));
        s3_xml_text_put(o, node->type);
        s3_xml_raw(o, STR("\""));
    }
    s3_xml_raw(o, STR(">"));
}

void s3_xml_put_node(struct s3_xml_out *o, const struct s3_xml_node *node)
{
    char name[NAME_LEN_MAX + 1];
    (void)snprintf(name, sizeof(name), STR_FMT, STR_ARG(node->name)); /* the parser's limit */
    if (!node->first) {
        s3_xml_put(o, name, node->text);
        return;
    }
    /* As deep as the parser allows. */
    open_node(o, node);
    for (const struct s3_xml_node *child = node->first; child; child = child->next) {
        s3_xml_put_node(o, child);
    }
    s3_xml_close(o, name);
}
