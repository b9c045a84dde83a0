/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/eventbridge/pattern_fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 0))) static void set_text(struct pattern_fault *f, const char *fmt,
                                                           va_list args)
{
    char text[sizeof(f->err->text)];
    (void)vsnprintf(text, sizeof(text), fmt, args); /* what does not fit is cut */
    (void)err_set(f->err, EINVAL, "%s", text);
}

int pattern_fault_at(struct pattern_fault *f, json_t *value, const char *fmt, ...)
{
    va_list args;
    f->at = value;
    f->has_ended = false;
    va_start(args, fmt);
    set_text(f, fmt, args);
    va_end(args);
    return -EINVAL;
}

int pattern_fault_behind(struct pattern_fault *f, json_t *value, const char *fmt, ...)
{
    va_list args;
    f->at = value;
    f->has_ended = true;
    va_start(args, fmt);
    set_text(f, fmt, args);
    va_end(args);
    return -EINVAL;
}

int pattern_fault_anywhere(struct pattern_fault *f, const char *fmt, ...)
{
    va_list args;
    f->at = NULL;
    va_start(args, fmt);
    set_text(f, fmt, args);
    va_end(args);
    return -EINVAL;
}

/* ---- the place ---- */

/* Goes over the text and what was made of it side by side. */
struct walk {
    const struct pattern_fault *fault;
    struct str text;
    size_t at;
};

/* Words and numbers are the same for jansson wherever they stand: `true` is one value. So the
 * parent is looked at too, of which it is the first that was not taken. */
static bool is_begin(const struct walk *w, json_t *parent, json_t *value)
{
    const struct pattern_fault *f = w->fault;
    return !f->has_ended && f->at == value && f->parent == parent;
}

static bool is_end(const struct walk *w, json_t *value)
{
    return w->fault->has_ended && w->fault->at == value;
}

/* The text is sound: what stands between values needs no look. */
static void skip_blanks(struct walk *w)
{
    while (w->at < w->text.len && strchr(" \t\r\n,:", w->text.data[w->at])) {
        w->at++;
    }
}

/* From behind the opening quote to behind the closing one. */
static void skip_string(struct walk *w)
{
    while (w->at < w->text.len && w->text.data[w->at] != '"') {
        w->at += w->text.data[w->at] == '\\' ? 2 : 1;
    }
    w->at++;
}

static void skip_word(struct walk *w)
{
    while (w->at < w->text.len && !strchr(" \t\r\n,:]}", w->text.data[w->at])) {
        w->at++;
    }
}

static bool find_value(struct walk *w, json_t *parent, json_t *value);

static bool find_in(struct walk *w, json_t *container)
{
    const char *name;
    size_t i;
    json_t *child;
    json_object_foreach(container, name, child)
    {
        skip_blanks(w);
        w->at++;
        skip_string(w);
        if (find_value(w, container, child)) {
            return true;
        }
    }
    json_array_foreach(container, i, child)
    {
        if (find_value(w, container, child)) {
            return true;
        }
    }
    return false;
}

/* Whether it is the place; then that is where the walk stands. */
static bool find_value(struct walk *w, json_t *parent, json_t *value)
{
    const bool is_string = json_is_string(value);
    const bool is_container = json_is_object(value) || json_is_array(value);
    skip_blanks(w);
    if (is_string || is_container) {
        w->at++;
    } else {
        skip_word(w);
    }
    if (is_begin(w, parent, value)) {
        return true;
    }
    if (is_string) {
        skip_string(w);
    } else if (is_container) {
        if (find_in(w, value)) {
            return true;
        }
        skip_blanks(w);
        w->at++;
    }
    return is_end(w, value);
}

bool pattern_fault_find(const struct pattern_fault *f, struct str text, json_t *root,
                        size_t *ret_offset)
{
    struct walk w = { .fault = f, .text = text };
    if (!f->at || !find_value(&w, NULL, root) || w.at > text.len) {
        return false; /* the last: a name that is there twice has led it astray */
    }
    *ret_offset = w.at;
    return true;
}
