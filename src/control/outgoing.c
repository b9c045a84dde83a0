/* SPDX-License-Identifier: Apache-2.0 */
#include "control/outgoing.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "http/http_block.h"

#define LINE_BYTES (16 * KIB) /* of a header */

struct outgoing {
    uv_thread_t thread;
    uv_async_t over;
    bool has_thread;
    const char *method;
    char *url; /* owned, as the next two */
    struct curl_slist *headers;
    char *body;
    size_t body_len;
    long timeout_ms;
    outgoing_fn done;
    void *context;
    long status;
    curl_off_t retry_after_s;
    char error[CURL_ERROR_SIZE];
    struct buf response;
};

/* ---- in the thread ---- */

static size_t take_response(char *data, size_t size, size_t count, void *context)
{
    struct outgoing *o = context;
    size_t len = size * count;
    size_t room = o->response.limit - o->response.len;
    (void)!buf_append(&o->response, str_of(data, len < room ? len : room)); /* there is room */
    return len;
}

/* None of these can fail for options of a type that is right. */
static void set_options(const struct outgoing *o, CURL *curl)
{
    (void)curl_easy_setopt(curl, CURLOPT_URL, o->url);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, o->body);
    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)o->body_len);
    if (strcmp(o->method, "HEAD") == 0) {
        (void)curl_easy_setopt(curl, CURLOPT_NOBODY, 1L); /* it would wait for one */
    }
    (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, o->method);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, o->headers);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, o->timeout_ms);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_response);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, o);
}

static void perform(struct outgoing *o)
{
    CURL *curl = curl_easy_init();
    if (!curl) {
        (void)snprintf(o->error, sizeof(o->error), "no memory");
        return;
    }
    set_options(o, curl);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, o->error);
    CURLcode code = curl_easy_perform(curl);
    if (code == CURLE_OK) {
        (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &o->status);
        (void)curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &o->retry_after_s);
    } else if (!o->error[0]) {
        (void)snprintf(o->error, sizeof(o->error), "%s", curl_easy_strerror(code));
    }
    curl_easy_cleanup(curl);
}

static void run_thread(void *context)
{
    struct outgoing *o = context;
    perform(o);
    (void)uv_async_send(&o->over); /* cannot fail for a handle that is open */
}

/* ---- on the loop ---- */

static void outgoing_free(uv_handle_t *handle)
{
    struct outgoing *o = container_of((uv_async_t *)handle, struct outgoing, over);
    curl_slist_free_all(o->headers);
    buf_finish(&o->response);
    free(o->url);
    free(o->body);
    free(o);
}

static void on_over(uv_async_t *over)
{
    struct outgoing *o = container_of(over, struct outgoing, over);
    if (o->has_thread) {
        (void)uv_thread_join(&o->thread); /* it is at its end, and nobody else's */
    }
    const struct outgoing_result result = { .status = (unsigned)o->status,
                                            .error = o->error,
                                            .body = buf_str(&o->response),
                                            .retry_after_s = (uint64_t)o->retry_after_s };
    o->done(&result, o->context);
    uv_close((uv_handle_t *)over, outgoing_free);
}

static struct curl_slist *list_of(struct str headers)
{
    struct curl_slist *list = NULL;
    struct str name, value;
    struct buf line;
    buf_init(&line, LINE_BYTES);
    while (http_block_next(&headers, &name, &value)) {
        buf_clear(&line);
        /* libcurl takes "name;" for one without a value, "name:" for one that it shall not send. */
        int r = value.len > 0
                    ? buf_printf(&line, STR_FMT ": " STR_FMT "%c", STR_ARG(name), STR_ARG(value), 0)
                    : buf_printf(&line, STR_FMT ";%c", STR_ARG(name), 0);
        list = r < 0 ? list : curl_slist_append(list, line.data); /* too large: it goes without */
    }
    buf_finish(&line);
    return list;
}

/* Without memory it fails, as each request does then. */
static void start_curl(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

void outgoing_send(uv_loop_t *loop, const struct outgoing_request *request, outgoing_fn done,
                   void *context)
{
    static uv_once_t started = UV_ONCE_INIT; /* it takes a few megabytes: when there is a use */
    struct outgoing *o = mem_new(struct outgoing);
    uv_once(&started, start_curl);
    *o = (struct outgoing){ .method = request->method,
                            .url = mem_copy_str(request->url),
                            .headers = list_of(request->headers),
                            .body = mem_copy_str(request->body),
                            .body_len = request->body.len,
                            .timeout_ms = request->timeout_ms,
                            .done = done,
                            .context = context };
    buf_init(&o->response, request->response_max_bytes);
    (void)uv_async_init(loop, &o->over, on_over); /* the loop has had one before */
    int r = uv_thread_create(&o->thread, run_thread, o);
    o->has_thread = r == 0;
    if (r < 0) {
        (void)snprintf(o->error, sizeof(o->error), "no thread: %s", uv_strerror(r));
        (void)uv_async_send(&o->over); /* as above */
    }
}
