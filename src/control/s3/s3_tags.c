/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_tags.h"

#include "control/s3/s3_name.h"
#include "control/sign/aws_uri.h"
#include "control/text/utf8.h"

#define PAIR_BYTES_MAX                                                                             \
    (4 * (S3_TAG_KEY_LEN_MAX + S3_TAG_VALUE_LEN_MAX) + 2) /* four a character                      \
                                                           */

struct str s3_tags_find(struct str tags, struct str key)
{
    while (tags.len > 0) {
        struct str name = str_cut(&tags, '\0'), value = str_cut(&tags, '\0');
        if (str_eq(name, key)) {
            return value;
        }
    }
    return (struct str){ NULL, 0 };
}

size_t s3_tags_count(struct str tags)
{
    size_t count = 0;
    while (tags.len > 0) {
        (void)str_cut(&tags, '\0');
        (void)str_cut(&tags, '\0');
        count++;
    }
    return count;
}

size_t s3_tags_length(struct str text)
{
    size_t count = 0;
    while (text.len > 0) {
        uint32_t character;
        text = str_skip(text, utf8_next(text, &character));
        count++;
    }
    return count;
}

/* Where a key has its place: tags are kept in order. */
static size_t place_of(struct str tags, struct str key)
{
    size_t at = 0;
    while (tags.len > 0) {
        struct str name = str_cut(&tags, '\0'), value = str_cut(&tags, '\0');
        if (str_compare(key, name) < 0) {
            break;
        }
        at += name.len + 1 + value.len + 1;
    }
    return at;
}

static int insert(struct buf *out, struct str key, struct str value)
{
    char pair[PAIR_BYTES_MAX];
    size_t len = key.len + 1 + value.len + 1, at = place_of(buf_str(out), key), before = out->len;
    memcpy(pair, key.data, key.len);
    pair[key.len] = '\0';
    if (value.len > 0) {
        memcpy(pair + key.len + 1, value.data, value.len);
    }
    pair[len - 1] = '\0';
    int r = buf_append(out, str_of(pair, len));
    if (r == 0) {
        memmove(out->data + at + len, out->data + at, before - at);
        memcpy(out->data + at, pair, len);
    }
    return r;
}

/* Letters, digits and blanks of any script, and of ASCII's others these. */
static bool is_tag_text(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_plain && (unsigned char)c < 128 && (c == '\0' || !strchr("+-=._:/@ ", c))) {
            return false;
        }
    }
    return s3_name_is_utf8(text);
}

static enum s3_error check_tag(struct str tags, struct str key, struct str value, size_t most,
                               struct s3_tags_fault *fault)
{
    size_t key_len = s3_tags_length(key);
    fault->key = key;
    if (str_starts(key, STR("aws:"))) {
        fault->text = most == S3_TAGS_OF_OBJECT
                          ? "Your TagKey cannot be prefixed with aws:"
                          : "System tags cannot be added/updated by requester";
    } else if (key_len == 0 || key_len > S3_TAG_KEY_LEN_MAX || !is_tag_text(key)) {
        fault->text = "The TagKey you have provided is invalid";
    } else if (s3_tags_length(value) > S3_TAG_VALUE_LEN_MAX || !is_tag_text(value)) {
        fault->text = "The TagValue you have provided is invalid";
        fault->value = value;
    } else if (s3_tags_find(tags, key).data) {
        fault->text = "Cannot provide multiple Tags with the same key";
    }
    return fault->text ? S3_INVALID_TAG : S3_OK;
}

/* Not at the end alone: each is compared with all before it. */
static enum s3_error add(struct buf *out, struct str key, struct str value, size_t most,
                         struct s3_tags_fault *fault)
{
    enum s3_error error = check_tag(buf_str(out), key, value, most, fault);
    if (error != S3_OK) {
        return error;
    }
    if (s3_tags_count(buf_str(out)) == most) {
        bool is_object = most == S3_TAGS_OF_OBJECT;
        *fault =
            (struct s3_tags_fault){ .text = is_object
                                                ? "Object tags cannot be greater than 10"
                                                : s3_error_text(S3_TOO_MANY_BUCKET_TAGS)->text };
        return is_object ? S3_INVALID_TAG : S3_TOO_MANY_BUCKET_TAGS;
    }
    return insert(out, key, value) < 0 ? S3_INVALID_TAG : S3_OK;
}

/* One of "a=1&b=2"; what is between has no plain "=". */
static enum s3_error add_pair(struct buf *out, struct str name, struct str value, struct buf *key,
                              struct buf *text, struct s3_tags_fault *fault)
{
    buf_clear(key);
    buf_clear(text);
    if (str_find(value, '=') < value.len || aws_uri_decode(key, name, AWS_URI_PLUS_IS_SPACE) < 0 ||
        aws_uri_decode(text, value, AWS_URI_PLUS_IS_SPACE) < 0 ||
        s3_tags_find(buf_str(out), buf_str(key)).data) {
        fault->text = "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL "
                      "query parameters without tag name duplicates.";
        return S3_INVALID_ARGUMENT;
    }
    return add(out, buf_str(key), buf_str(text), S3_TAGS_OF_OBJECT, fault);
}

enum s3_error s3_tags_from_query(struct str query, struct buf *out, struct s3_tags_fault *ret_fault)
{
    struct str name, value;
    enum s3_error error = S3_OK;
    struct buf key, text;
    *ret_fault = (struct s3_tags_fault){ 0 };
    buf_init(&key, query.len);
    buf_init(&text, query.len);
    while (error == S3_OK && aws_query_next(&query, &name, &value)) {
        error = add_pair(out, name, value, &key, &text, ret_fault);
    }
    buf_finish(&key);
    buf_finish(&text);
    ret_fault->key = ret_fault->value = (struct str){ NULL, 0 }; /* they were ours */
    return error;
}

enum s3_error s3_tags_from_set(const struct s3_xml_node *set, size_t most, struct buf *out,
                               struct s3_tags_fault *ret_fault)
{
    enum s3_error error = S3_OK;
    *ret_fault = (struct s3_tags_fault){ 0 };
    for (const struct s3_xml_node *t = s3_xml_child(set, "Tag"); t && error == S3_OK;
         t = s3_xml_again(t)) {
        struct str key = s3_xml_text(t, "Key"), value = s3_xml_text(t, "Value");
        error = key.data && value.data ? add(out, key, value, most, ret_fault) : S3_MALFORMED_XML;
    }
    return error;
}

enum s3_error s3_tags_from_xml(const struct s3_xml_node *root, size_t most, struct buf *out,
                               struct s3_tags_fault *ret_fault)
{
    *ret_fault = (struct s3_tags_fault){ 0 };
    return s3_xml_is(root, "Tagging")
               ? s3_tags_from_set(s3_xml_child(root, "TagSet"), most, out, ret_fault)
               : S3_MALFORMED_XML;
}

void s3_tags_to_xml(struct str tags, struct s3_xml_out *out)
{
    s3_xml_begin(out, "Tagging");
    s3_xml_open(out, "TagSet");
    while (tags.len > 0) {
        struct str key = str_cut(&tags, '\0'), value = str_cut(&tags, '\0');
        s3_xml_open(out, "Tag");
        s3_xml_put(out, "Key", key);
        s3_xml_put(out, "Value", value);
        s3_xml_close(out, "Tag");
    }
    s3_xml_close(out, "TagSet");
    s3_xml_close(out, "Tagging");
}
