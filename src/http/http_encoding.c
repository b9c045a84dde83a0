/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http_encoding.h"

#include "http/http_block.h"
#include "http/http_reply.h"

/* A list of weighted items: Accept-Encoding. */

/* "0.5" in thousandths, RFC 9110 12.4.2; what is none counts as 1, as if it were not there. */
static unsigned weight_of(struct str params)
{
    while (params.data) {
        struct str param = str_trim(str_cut(&params, ';'));
        struct str name = str_trim(str_cut(&param, '='));
        if (!str_eq_nocase(name, STR("q")) || !param.data) {
            continue;
        }
        struct str value = str_trim(param);
        unsigned weight = value.len > 0 && value.data[0] == '0' ? 0 : 1000;
        for (size_t i = 2, unit = 100; weight < 1000 && i < value.len && unit > 0;
             i++, unit /= 10) {
            bool digit = value.data[i] >= '0' && value.data[i] <= '9';
            weight += digit ? (unsigned)((size_t)(value.data[i] - '0') * unit) : 0;
        }
        return weight;
    }
    return 1000;
}

struct weights {
    int gzip; /* in thousandths; -1: not named */
    int identity;
    int any;
};

static void take_list(struct weights *w, struct str list)
{
    while (list.data) {
        struct str params = str_cut(&list, ',');
        struct str name = str_trim(str_cut(&params, ';'));
        int *weight = str_eq_nocase(name, STR("gzip"))       ? &w->gzip
                      : str_eq_nocase(name, STR("identity")) ? &w->identity
                      : str_eq(name, STR("*"))               ? &w->any
                                                             : NULL;
        if (weight) {
            *weight = (int)weight_of(params);
        }
    }
}

bool http_encoding_accepts_gzip(const struct http_head *head)
{
    struct weights w = { -1, -1, -1 };
    for (size_t i = 0; i < head->field_count; i++) {
        if (str_eq(head->fields[i].name, STR("accept-encoding"))) {
            take_list(&w, head->fields[i].value);
        }
    }
    int gzip = w.gzip >= 0 ? w.gzip : w.any;
    return gzip > 0 && gzip >= w.identity;
}

/* Types. */

static bool ends_with(struct str s, struct str end)
{
    return s.len >= end.len && str_eq_nocase(str_skip(s, s.len - end.len), end);
}

bool http_encoding_is_compressible(struct str type)
{
    /* Of mime-db those that are marked so and that someone serves. */
    static const char *const others[] = {
        "application/json",
        "application/javascript",
        "application/xml",
        "application/wasm",
        "application/ecmascript",
        "application/x-javascript",
        "application/xml-dtd",
        "application/x-www-form-urlencoded",
        "application/rtf",
        "application/postscript",
        "application/toml",
        "application/x-sh",
        "font/ttf",
        "font/otf",
        "image/bmp",
        "image/x-icon",
        "image/vnd.microsoft.icon",
        "application/vnd.ms-fontobject",
    };
    struct str name = str_trim(str_cut(&type, ';'));
    if (name.len > 5 && str_eq_nocase(str_of(name.data, 5), STR("text/"))) {
        return true;
    }
    if (ends_with(name, STR("+json")) || ends_with(name, STR("+xml")) ||
        ends_with(name, STR("+text"))) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        if (str_eq_nocase(name, str_c(others[i]))) {
            return true;
        }
    }
    return false;
}

/* The response. */

struct traits {
    struct str type;
    struct str length;
    bool fixed; /* nobody may change the body: encoded already, a part of something, no-transform */
    bool varies; /* says already that it does */
};

static void take_field(struct traits *t, struct str name, struct str value)
{
    switch (name.len) {
    case 4:
        t->varies |= str_eq_nocase(name, STR("vary")) &&
                     (str_list_has(value, STR("accept-encoding")) || str_list_has(value, STR("*")));
        break;
    case 12:
        if (!t->type.data && str_eq_nocase(name, STR("content-type"))) {
            t->type = value;
        }
        break;
    case 13:
        t->fixed |=
            str_eq_nocase(name, STR("content-range")) ||
            (str_eq_nocase(name, STR("cache-control")) && str_list_has(value, STR("no-transform")));
        break;
    case 14:
        if (str_eq_nocase(name, STR("content-length"))) {
            t->length = str_trim(value);
        }
        break;
    case 16:
        t->fixed |= str_eq_nocase(name, STR("content-encoding"));
        break;
    default:
        break;
    }
}

static void take_fields(struct traits *t, struct str fields)
{
    struct str name, value;
    while (http_block_next(&fields, &name, &value)) {
        take_field(t, name, value);
    }
}

/* Too small to gain, or not what its own length says, which the client must see. */
static bool is_length_against(const struct traits *t, const struct http_encoding_input *in)
{
    uint64_t length = in->body_length;
    if (!in->whole && !t->length.data) {
        return false;
    }
    bool sound = !t->length.data || str_to_u64(t->length, &length);
    return !sound || length < HTTP_ENCODING_BYTES_MIN || (in->whole && length != in->body_length);
}

unsigned http_encoding_choose(const struct http_encoding_input *in, bool accepted)
{
    struct traits t = { 0 };
    take_fields(&t, in->fields);
    take_fields(&t, in->defaults);
    if (!t.type.data || t.fixed || !http_encoding_is_compressible(t.type)) {
        return HTTP_ENCODING_NONE;
    }
    return (t.varies ? 0 : HTTP_ENCODING_VARIES) |
           (accepted && !is_length_against(&t, in) ? HTTP_ENCODING_GZIP : 0);
}
