/* EventBridge's archives: CreateArchive and its kin.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/clock.h"
#include "control/aws/call/aws_check.h"
#include "control/aws/events/aws_events.h"
#include "control/events/eventbridge/event_archive.h"
#include "control/text/json_reading.h"

static const struct aws_rule archive_rules[] = {
    { "ArchiveName", AWS_TEXT, AWS_MUST, 1, 48, AWS_EVENTS_NAME },
    { "EventSourceArn", AWS_TEXT, AWS_MUST, 1, 1600, AWS_EVENTS_SOURCE },
    { "Description", AWS_TEXT, AWS_MAY, 0, 512, NULL },
    { "EventPattern", AWS_TEXT, AWS_MAY, 0, 4096, NULL },
    { "RetentionDays", AWS_INTEGER, AWS_MAY, 0, INT32_MAX, NULL },
};

/* What can be changed of one. */
static const char *const settings[] = { "Description", "EventPattern", "RetentionDays" };

/* What is answered when one was made or changed. */
static json_t *outcome_of(const struct aws_call *c, json_t *config)
{
    char arn[AWS_EVENTS_ARN_BYTES];
    aws_events_arn(c, "archive", json_text(config, "ArchiveName"), arn);
    return json_pack("{s:s, s:s, s:O}", "ArchiveArn", arn, "State", "ENABLED", "CreationTime",
                     json_object_get(config, "CreationTime"));
}

/* As ListArchives shows it. */
static json_t *show(const struct event_archive *a)
{
    static const char *const names[] = { "ArchiveName", "EventSourceArn", "CreationTime",
                                         "RetentionDays" };
    struct store_backlog events;
    event_archive_count(a, &events);
    json_t *shown = json_pack("{s:s, s:I, s:I}", "State", "ENABLED", "EventCount",
                              (json_int_t)events.count, "SizeBytes", (json_int_t)events.bytes);
    aws_events_copy(shown, a->config, names, ARRAY_COUNT(names));
    return shown;
}

/* The one that is named, or NULL: answered. */
static struct event_archive *need_archive(struct aws_call *c)
{
    const char *name = aws_call_text(c, "ArchiveName");
    struct event_archive *a = event_archive_find(c->services->archives, str_c(name));
    if (!a) {
        aws_call_fail(c, 400, "ResourceNotFoundException", "Archive %s does not exist.", name);
    }
    return a;
}

/* Uses up the config. */
static void keep(struct aws_call *c, json_t *config)
{
    struct err err = { 0 };
    c->context = outcome_of(c, config);
    if (event_archive_put(c->services->archives, config, aws_call_written, c, &err) < 0) {
        json_decref(c->context);
        aws_events_fail_pattern(c);
    }
}

void aws_events_create_archive(struct aws_call *c)
{
    if (!aws_events_check(c, archive_rules, ARRAY_COUNT(archive_rules))) {
        return;
    }
    const char *name = aws_call_text(c, "ArchiveName");
    if (event_archive_find(c->services->archives, str_c(name))) {
        aws_call_fail(c, 400, "ResourceAlreadyExistsException", "Archive %s already exists.", name);
        return;
    }
    if (!aws_events_find_bus(c, aws_events_bus_name(c, "EventSourceArn"))) {
        return;
    }
    json_t *config = json_pack("{s:s, s:s, s:I, s:i}", "ArchiveName", name, "EventSourceArn",
                               aws_call_text(c, "EventSourceArn"), "CreationTime",
                               (json_int_t)(clock_wall_ms() / 1000), "RetentionDays", 0);
    aws_events_copy(config, c->input, settings, ARRAY_COUNT(settings));
    keep(c, config);
}

void aws_events_update_archive(struct aws_call *c)
{
    static const struct aws_rule rules[] = {
        { "ArchiveName", AWS_TEXT, AWS_MUST, 1, 48, AWS_EVENTS_NAME },
        { "Description", AWS_TEXT, AWS_MAY, 0, 512, NULL },
        { "EventPattern", AWS_TEXT, AWS_MAY, 0, 4096, NULL },
        { "RetentionDays", AWS_INTEGER, AWS_MAY, 0, INT32_MAX, NULL },
    };
    bool changes = false;
    if (!aws_events_check(c, rules, ARRAY_COUNT(rules))) {
        return;
    }
    for (size_t i = 0; i < ARRAY_COUNT(settings); i++) {
        changes = changes || aws_call_member(c, settings[i]);
    }
    if (!changes) {
        aws_call_fail(c, 400, "ValidationException",
                      "At least one of EventPattern, RetentionDays or Description must be "
                      "provided.");
        return;
    }
    const struct event_archive *a = need_archive(c);
    if (a) {
        json_t *config = json_deep_copy(a->config);
        aws_events_copy(config, c->input, settings, ARRAY_COUNT(settings));
        keep(c, config);
    }
}

void aws_events_describe_archive(struct aws_call *c)
{
    char arn[AWS_EVENTS_ARN_BYTES];
    const struct event_archive *a = aws_events_check(c, archive_rules, 1) ? need_archive(c) : NULL;
    if (a) {
        json_t *shown = show(a);
        aws_events_arn(c, "archive", json_text(a->config, "ArchiveName"), arn);
        (void)json_object_set_new(shown, "ArchiveArn", json_string(arn)); /* a sound text */
        aws_events_copy(shown, a->config, settings, ARRAY_COUNT(settings));
        aws_call_answer(c, shown);
    }
}

void aws_events_delete_archive(struct aws_call *c)
{
    struct event_archive *a = aws_events_check(c, archive_rules, 1) ? need_archive(c) : NULL;
    if (a) {
        event_archive_remove(a, aws_call_written, c);
    }
}

void aws_events_list_archives(struct aws_call *c)
{
    struct aws_events_kept kept;
    if (!aws_events_kept_init(&kept, c, "ListArchives", 48,
                              "ENABLED, DISABLED, CREATING, UPDATING, CREATE_FAILED, "
                              "UPDATE_FAILED")) {
        return;
    }
    GTree *all = c->services->archives->archives;
    for (GTreeNode *n = g_tree_node_first(all); n; n = g_tree_node_next(n)) {
        const struct event_archive *a = g_tree_node_value(n);
        if (aws_events_kept_takes(&kept, a->config, json_text(a->config, "ArchiveName"),
                                  "ENABLED")) {
            (void)json_array_append_new(kept.page.list, show(a)); /* a new value */
        }
    }
    aws_page_answer(&kept.page, c, "Archives");
}
