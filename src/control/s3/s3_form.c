/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_form.h"

#include <errno.h>

#include "base/limits.h"

#define PART_HEAD_MAX 8192
#define PENDING_MAX   (MIB) /* a feed, and what one has to keep of the last */

#define GO 3 /* beside enum s3_form_step: there is more to do */

enum state { FORM_FIRST, FORM_AFTER, FORM_HEAD, FORM_VALUE, FORM_FILE, FORM_LAST, FORM_OVER };

/* The value of a parameter in `a; name="value"`, or data NULL. */
static struct str parameter(struct str text, struct str name)
{
    while (text.len > 0) {
        bool quoted = false;
        size_t at = 0;
        while (at < text.len && (quoted || text.data[at] != ';')) {
            quoted = quoted != (text.data[at] == '"' && (at == 0 || text.data[at - 1] != '\\'));
            at++;
        }
        struct str value = str_trim(str_of(text.data, at));
        text = str_skip(text, at + 1);
        if (str_eq_nocase(str_trim(str_cut(&value, '=')), name) && value.data) {
            value = str_trim(value);
            bool in_quotes =
                value.len >= 2 && value.data[0] == '"' && value.data[value.len - 1] == '"';
            return in_quotes ? str_of(value.data + 1, value.len - 2) : value;
        }
    }
    return (struct str){ NULL, 0 };
}

int s3_form_init(struct s3_form *f, struct str content_type)
{
    struct str boundary = parameter(content_type, STR("boundary"));
    *f = (struct s3_form){ .state = FORM_FIRST };
    buf_init(&f->pending, PENDING_MAX);
    buf_init(&f->fields, S3_FORM_FIELDS_MAX);
    buf_init(&f->name, PART_HEAD_MAX);
    buf_init(&f->filename, PART_HEAD_MAX);
    if (boundary.len == 0 || boundary.len > S3_FORM_BOUNDARY_MAX) {
        return -EINVAL;
    }
    memcpy(f->delimiter, "\r\n--", 4);
    memcpy(f->delimiter + 4, boundary.data, boundary.len);
    f->delimiter_len = boundary.len + 4;
    return 0;
}

void s3_form_finish(struct s3_form *f)
{
    buf_finish(&f->pending);
    buf_finish(&f->fields);
    buf_finish(&f->name);
    buf_finish(&f->filename);
}

int s3_form_feed(struct s3_form *f, struct str data)
{
    return f->state == FORM_OVER ? 0 : buf_append(&f->pending, data);
}

/* Where `text` begins in what is pending, or -1. */
static ssize_t find(const struct s3_form *f, struct str text)
{
    const char *at =
        f->pending.len > 0 ? memmem(f->pending.data, f->pending.len, text.data, text.len) : NULL;
    return at ? at - f->pending.data : -1;
}

/* The first delimiter has no line before it. */
static int read_first(struct s3_form *f)
{
    struct str first = str_of(f->delimiter + 2, f->delimiter_len - 2);
    if (f->pending.len < first.len) {
        return S3_FORM_MORE;
    }
    if (!str_starts(buf_str(&f->pending), first)) {
        return -EBADMSG;
    }
    buf_consume(&f->pending, first.len);
    f->state = FORM_AFTER;
    return GO;
}

/* Behind a delimiter: another part, or the end. */
static int read_after(struct s3_form *f)
{
    if (f->pending.len < 2) {
        return S3_FORM_MORE;
    }
    if (memcmp(f->pending.data, "--", 2) == 0) {
        f->state = FORM_OVER;
        return GO;
    }
    if (memcmp(f->pending.data, "\r\n", 2) != 0) {
        return -EBADMSG;
    }
    buf_consume(&f->pending, 2);
    f->state = FORM_HEAD;
    return GO;
}

static int keep_lower(struct buf *b, struct str text)
{
    buf_clear(b);
    int r = buf_append(b, text);
    for (size_t i = 0; r == 0 && i < b->len; i++) {
        char c = b->data[i];
        b->data[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    return r;
}

static int read_disposition(struct s3_form *f, struct str head)
{
    while (head.len > 0) {
        struct str value = str_trim(str_cut(&head, '\n'));
        struct str name = str_cut(&value, ':');
        value.len -= value.len > 0 && value.data[value.len - 1] == '\r';
        if (!str_eq_nocase(name, STR("content-disposition"))) {
            continue;
        }
        struct str field = parameter(value, STR("name"));
        struct str filename = parameter(value, STR("filename"));
        if (!field.data || str_find(field, '\0') < field.len) {
            return -EBADMSG;
        }
        int r = keep_lower(&f->name, field);
        buf_clear(&f->filename);
        r = r < 0 ? r : buf_append(&f->filename, filename);
        f->is_file = str_eq(buf_str(&f->name), STR("file"));
        return r;
    }
    return -EBADMSG;
}

static int read_head(struct s3_form *f)
{
    ssize_t end = find(f, STR("\r\n\r\n"));
    if (end < 0) {
        return f->pending.len > PART_HEAD_MAX ? -EMSGSIZE : S3_FORM_MORE;
    }
    int r = read_disposition(f, str_of(f->pending.data, (size_t)end + 2));
    if (r < 0) {
        return r;
    }
    /* The break before an empty value's delimiter stays. */
    buf_consume(&f->pending, (size_t)end + 4);
    f->state = f->is_file ? FORM_FILE : FORM_VALUE;
    return GO;
}

static int add_field(struct s3_form *f, struct str value)
{
    if (str_find(value, '\0') < value.len) {
        return -EBADMSG;
    }
    if (buf_append(&f->fields, buf_str(&f->name)) < 0 ||
        buf_append(&f->fields, str_of("", 1)) < 0 || buf_append(&f->fields, value) < 0 ||
        buf_append(&f->fields, str_of("", 1)) < 0) {
        return -EMSGSIZE;
    }
    return 0;
}

static int read_value(struct s3_form *f)
{
    ssize_t end = find(f, str_of(f->delimiter, f->delimiter_len));
    if (end < 0) {
        return f->pending.len > S3_FORM_FIELDS_MAX ? -EMSGSIZE : S3_FORM_MORE;
    }
    int r = add_field(f, str_of(f->pending.data, (size_t)end));
    buf_consume(&f->pending, (size_t)end + f->delimiter_len);
    f->state = FORM_AFTER;
    return r < 0 ? r : GO;
}

static int read_file(struct s3_form *f, struct str *ret_data)
{
    ssize_t end = find(f, str_of(f->delimiter, f->delimiter_len));
    size_t len = f->pending.len;
    if (end >= 0) {
        f->state = FORM_LAST;
        len = (size_t)end;
    } else if (len < f->delimiter_len) {
        return S3_FORM_MORE;
    } else {
        len -= f->delimiter_len - 1; /* the rest may begin a delimiter */
    }
    *ret_data = str_of(f->pending.data, len);
    return S3_FORM_FILE;
}

static int step(struct s3_form *f, struct str *ret_data)
{
    switch ((enum state)f->state) {
    case FORM_FIRST:
        return read_first(f);
    case FORM_AFTER:
        return read_after(f);
    case FORM_HEAD:
        return read_head(f);
    case FORM_VALUE:
        return read_value(f);
    case FORM_FILE:
        return read_file(f, ret_data);
    case FORM_LAST:
        f->state = FORM_OVER;
        return S3_FORM_END;
    case FORM_OVER:
        break;
    }
    buf_clear(&f->pending);
    return S3_FORM_END;
}

int s3_form_next(struct s3_form *f, struct str *ret_data)
{
    int r;
    buf_consume(&f->pending, f->given);
    f->given = 0;
    do {
        r = step(f, ret_data);
    } while (r == GO);
    if (r == S3_FORM_FILE) {
        f->given = ret_data->len;
    }
    return r;
}
