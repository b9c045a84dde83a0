/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/queue/setting_write.h"

#include <stdlib.h>

#include "base/mem.h"
#include "store/store_settings.h"

struct writing {
    struct store_job job;
    struct str kind; /* a literal */
    char *name;      /* owned */
    char *value;     /* owned; NULL: to be removed */
    setting_written_fn done;
    void *context;
};

static int run_writing(struct store_job *job, struct sql *db)
{
    const struct writing *w = container_of(job, struct writing, job);
    return w->value ? store_settings_put(db, w->kind, str_c(w->name), str_c(w->value))
                    : store_settings_remove(db, w->kind, str_c(w->name));
}

static void writing_done(struct store_job *job, int r)
{
    struct writing *w = container_of(job, struct writing, job);
    if (w->done) {
        w->done(r < 0 ? r : 0, w->context);
    }
    free(w->name);
    free(w->value);
    free(w);
}

static struct writing *writing_of(struct str kind, const char *name, char *value,
                                  setting_written_fn done, void *context)
{
    struct writing *w = mem_new(struct writing);
    *w = (struct writing){ .job = { .run = run_writing, .done = writing_done },
                           .kind = kind,
                           .name = mem_copy_str(str_c(name)),
                           .value = value,
                           .done = done,
                           .context = context };
    return w;
}

void setting_write(struct store *store, struct str kind, const char *name, char *value,
                   setting_written_fn done, void *context)
{
    struct writing *w = writing_of(kind, name, value, done, context);
    w->job.makes_room = !value || !store_settings_grows(store, kind, str_c(name), str_c(value));
    store_submit(store, &w->job);
}

void setting_write_end(struct store *store, struct str kind, const char *name, char *value,
                       setting_written_fn done, void *context)
{
    struct writing *w = writing_of(kind, name, value, done, context);
    w->job.makes_room = true;
    store_submit(store, &w->job);
}
