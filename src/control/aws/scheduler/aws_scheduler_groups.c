/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "control/aws/call/aws_tag_list.h"
#include "control/aws/scheduler/aws_scheduler.h"
#include "control/aws/scheduler/aws_scheduler_input.h"
#include "control/events/scheduler/scheduler.h"
#include "control/text/json_reading.h"

#define ARN_BYTES 512
#define KEY_BYTES 160

static const struct aws_tag_form tag_form = { 1, "ValidationException" };

/* ---- groups ---- */

static json_t *find_group(struct aws_call *c, const char *name)
{
    return json_table_find(scheduler_groups(c->services->scheduler), str_c(name));
}

/* Whether it may be changed: what the project's files declare may not. Else that is answered. */
static bool owns_group(struct aws_call *c, const char *name)
{
    bool declared = json_table_is_declared(scheduler_groups(c->services->scheduler), str_c(name));
    if (declared) {
        aws_call_fail(c, 409, "ConflictException",
                      "Schedule group %s is declared by the project's files: change it there.",
                      name);
    }
    return !declared;
}

bool aws_scheduler_has_group(struct aws_call *c, const char *name)
{
    if (find_group(c, name)) {
        return true;
    }
    aws_call_fail(c, 404, "ResourceNotFoundException", "Schedule group %s does not exist.", name);
    return false;
}

static void group_arn(const char *region, const char *name, char ret[ARN_BYTES])
{
    (void)snprintf(ret, ARN_BYTES, "arn:aws:scheduler:%s:000000000000:schedule-group/%s", region,
                   name);
}

static json_t *show_group(const char *region, const char *name, json_t *group)
{
    char arn[ARN_BYTES];
    json_t *made = json_object_get(group, "CreationDate");
    group_arn(region, name, arn);
    return json_pack("{s:s,s:s,s:s,s:O,s:O}", "Arn", arn, "Name", name, "State", "ACTIVE",
                     "CreationDate", made, "LastModificationDate", made);
}

static const struct aws_rule group_rules[] = {
    { "Name", AWS_TEXT, AWS_MUST, 1, 64, AWS_SCHEDULER_NAME },
    AWS_SCHEDULER_TOKEN_RULE,
    { "Tags", AWS_LIST, AWS_MAY, 0, 200, NULL },
};

void aws_scheduler_create_group(struct aws_call *c)
{
    char arn[ARN_BYTES];
    if (!aws_scheduler_check(c, group_rules, ARRAY_COUNT(group_rules))) {
        return;
    }
    const char *name = aws_call_text(c, "Name");
    group_arn(c->region, name, arn);
    json_t *known = find_group(c, name);
    if (known && aws_scheduler_is_again(c, known)) {
        aws_call_answer(c, json_pack("{s:s}", "ScheduleGroupArn", arn)); /* it has been made */
        return;
    }
    if (known) {
        aws_call_fail(c, 409, "ConflictException", "Schedule group %s already exists.", name);
        return;
    }
    json_t *tags = aws_tag_list_read(c, &tag_form);
    if (!tags) {
        return;
    }
    json_t *group = json_pack("{s:s,s:I,s:o,s:O*}", "Name", name, "CreationDate",
                              (json_int_t)(clock_wall_ms() / 1000), "Tags", tags,
                              AWS_SCHEDULER_TOKEN, aws_call_member(c, AWS_SCHEDULER_TOKEN));
    c->context = json_pack("{s:s}", "ScheduleGroupArn", arn);
    json_table_put(scheduler_groups(c->services->scheduler), str_c(name), group, aws_call_written,
                   c);
}

void aws_scheduler_get_group(struct aws_call *c)
{
    if (aws_scheduler_check(c, group_rules, 1) &&
        aws_scheduler_has_group(c, aws_call_text(c, "Name"))) {
        const char *name = aws_call_text(c, "Name");
        aws_call_answer(c, show_group(c->region, name, find_group(c, name)));
    }
}

static void nothing_done(int r, void *context)
{
    (void)r; /* what is written last tells */
    (void)context;
}

static void collect_schedule(const char *name, json_t *schedule, void *context)
{
    (void)name;
    (void)json_array_append(context, schedule); /* a new place for it */
}

/* With its schedules. */
void aws_scheduler_delete_group(struct aws_call *c)
{
    char prefix[KEY_BYTES];
    size_t i;
    json_t *schedule;
    if (!aws_scheduler_check(c, group_rules, 1)) {
        return;
    }
    const char *name = aws_call_text(c, "Name");
    if (strcmp(name, "default") == 0) {
        aws_call_fail(c, 400, "ValidationException",
                      "The default schedule group cannot be deleted.");
        return;
    }
    if (!aws_scheduler_has_group(c, name) || !owns_group(c, name)) {
        return;
    }
    struct scheduler *sr = c->services->scheduler;
    json_t *schedules = json_array();
    (void)snprintf(prefix, sizeof(prefix), "%s/", name);
    json_table_each(scheduler_schedules(sr), str_c(prefix), collect_schedule, schedules);
    json_array_foreach(schedules, i, schedule)
    {
        scheduler_remove(sr, str_c(name), str_c(json_text(schedule, "Name")), nothing_done, NULL);
    }
    json_decref(schedules);
    json_table_remove(scheduler_groups(sr), str_c(name), aws_call_written, c);
}

struct listing {
    struct aws_page page;
    const char *region;
};

static void list_group(const char *name, json_t *group, void *context)
{
    struct listing *l = context;
    if (aws_page_takes(&l->page, name, name)) {
        json_t *shown = show_group(l->region, name, group);
        (void)json_array_append_new(l->page.list, shown); /* a new value */
    }
}

void aws_scheduler_list_groups(struct aws_call *c)
{
    static const struct aws_rule rules[] = {
        { "NamePrefix", AWS_TEXT, AWS_MAY, 1, 64, AWS_SCHEDULER_NAME },
    };
    struct listing l = { .region = c->region };
    if (aws_scheduler_check(c, rules, ARRAY_COUNT(rules)) && aws_scheduler_page(&l.page, c)) {
        json_table_each(scheduler_groups(c->services->scheduler), STR(""), list_group, &l);
        aws_page_answer(&l.page, c, "ScheduleGroups");
    }
}

/* ---- tags, of groups ---- */

static json_t *find_tagged(struct aws_call *c)
{
    const char *arn = aws_call_text(c, "ResourceArn");
    const char *name = strstr(arn, ":schedule-group/");
    json_t *group = name ? find_group(c, name + 16) : NULL;
    if (!group) {
        aws_call_fail(c, 404, "ResourceNotFoundException", "Schedule group %s does not exist.",
                      name ? name + 16 : arn);
    }
    return group;
}

static void write_tags(struct aws_call *c, json_t *group, json_t *tags)
{
    if (!owns_group(c, json_text(group, "Name"))) {
        json_decref(tags);
        return;
    }
    json_t *copy = json_deep_copy(group);
    (void)json_object_set_new(copy, "Tags", tags); /* a sound value */
    json_table_put(scheduler_groups(c->services->scheduler), str_c(json_text(group, "Name")), copy,
                   aws_call_written, c);
}

void aws_scheduler_tag(struct aws_call *c)
{
    static const struct aws_rule rules[] = { { "Tags", AWS_LIST, AWS_MUST, 0, 200, NULL } };
    if (!aws_scheduler_check(c, rules, ARRAY_COUNT(rules))) {
        return;
    }
    json_t *added = aws_tag_list_read(c, &tag_form);
    json_t *group = added ? find_tagged(c) : NULL;
    json_t *tags =
        group ? aws_tag_list_add(c, &tag_form, json_object_get(group, "Tags"), added) : NULL;
    json_decref(added);
    if (tags) {
        write_tags(c, group, tags);
    }
}

void aws_scheduler_untag(struct aws_call *c)
{
    static const struct aws_rule rules[] = { { "TagKeys", AWS_LIST, AWS_MUST, 0, 200, NULL } };
    if (!aws_scheduler_check(c, rules, ARRAY_COUNT(rules))) {
        return;
    }
    json_t *group = find_tagged(c);
    if (group) {
        json_t *keys = aws_call_member(c, "TagKeys");
        write_tags(c, group, aws_tag_list_without(json_object_get(group, "Tags"), keys));
    }
}

void aws_scheduler_list_tags(struct aws_call *c)
{
    json_t *group = find_tagged(c);
    if (group) {
        aws_call_answer(c, json_pack("{s:O}", "Tags", json_object_get(group, "Tags")));
    }
}
