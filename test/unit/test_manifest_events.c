/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "control/console/build_print.h"
#include "control/deployment/manifest_events.h"
#include "leaks.h"

#define UUID "01234567-89ab-cdef-0123-456789abcdef"

/* One entry of each kind, as the builder writes them. */
static const char *const sound =
    "{'buckets':[{'name':'images','versioning':false,'eventbridge':false,"
    "   'cors':[{'allowed_methods':['PUT'],'allowed_origins':['*'],'max_age_s':60}],"
    "   'notifications':[{'id':'n','events':['s3:ObjectCreated:*'],'prefix':'in/','suffix':'.jpg',"
    "     'function':'lambda/x'}]}],"
    " 'queues':[{'name':'jobs','platform':'sqs','fifo':false,'content_dedup':false,'visibility_s':"
    "30,"
    "   'retention_s':345600,'delay_s':0,'wait_s':0,'max_bytes':1048576,"
    "   'redrive':{'queue':'dead','max_receives':3}},"
    "  {'name':'dead','platform':'sqs','fifo':false,'content_dedup':false,'visibility_s':30,"
    "   'retention_s':345600,'delay_s':0,'wait_s':0,'max_bytes':1048576},"
    "  {'name':'mail','platform':'worker','fifo':false,'content_dedup':false,'visibility_s':30,"
    "   'retention_s':345600,'delay_s':0,'wait_s':0,'max_bytes':131072}],"
    " 'consumers':[{'queue':'jobs','function':'lambda/x','platform':'lambda','enabled':true,"
    "   'batch_size':10,'window_ms':0,'max_concurrency':0,'report_failures':true,'filters':[{}]},"
    "  {'queue':'mail','function':'worker','platform':'worker','enabled':true,'batch_size':10,"
    "   'window_ms':5000,'max_retries':3,'retry_delay_s':0,'max_concurrency':0}],"
    " 'schedules':[{'name':'s','platform':'vercel','expression':'0 2 * * *','timezone':'UTC',"
    "   'enabled':false,'catch_up':'once','start_ms':0,'end_ms':0,'target':{'path':'/x'}},"
    "  {'name':'t','platform':'aws','expression':'rate(1 hour)','timezone':'Europe/Berlin',"
    "   'enabled':false,'catch_up':'skip','start_ms':0,'end_ms':0,'group':'g','region':'r',"
    "   'description':null,'window_minutes':15,'after_completion':'NONE',"
    "   'target':{'queue':'jobs','input':null,'role_arn':'arn'}}],"
    " 'schedule_groups':[{'name':'g'}],"
    " 'buses':[{'name':'shop'}],"
    " 'rules':[{'name':'r','bus':'shop','pattern':{'source':['a']},'enabled':true,'region':'r',"
    "   'schedule':'rate(1 hour)','timezone':'UTC','catch_up':'once','description':null,"
    "   'targets':[{'id':'1','bus':'default','input':null,'dead_letter':{'queue':'dead'},"
    "     'max_age_s':60,'max_retries':0},"
    "    {'id':'2','endpoint':'crm','http_parameters':{'HeaderParameters':{'a':'b'}}}]}],"
    " 'connections':[{'name':'key','uuid':'" UUID "','type':'API_KEY','description':'',"
    "   'auth':{'ApiKeyAuthParameters':{'ApiKeyName':'k','ApiKeyValue':'v'}}},"
    "  {'name':'login','uuid':'" UUID "','type':'OAUTH_CLIENT_CREDENTIALS',"
    "   'auth':{'OAuthParameters':{'AuthorizationEndpoint':'https://a.example','HttpMethod':'POST',"
    "     'ClientParameters':{'ClientID':'i','ClientSecret':'s'}}}},"
    "  {'name':'none','uuid':'" UUID "','type':'BASIC'}],"
    " 'endpoints':[{'name':'crm','uuid':'" UUID "','connection':'key','method':'POST',"
    "   'url':'https://a.example','rate':300}],"
    " 'async':[{'function':'lambda/x','max_age_s':60,'max_retries':2,'retry_delays_s':[60,120],"
    "   'on_success':{'url':'https://a.example','secret':'s'},'on_failure':{'function':'worker'},"
    "   'dead_letter':null}],"
    " 'routes':[{'function':'worker','endpoint':0,'idempotent':{'key':'json:$.id','ttl_s':60},"
    "   'durable':{'max_retries':5,'retry_delays_s':[5],'max_age_s':60},'background':null,"
    "   'on_success':null,'on_failure':null}],"
    " 'users':[{'name':'alice','display_name':'','email':'','access_key':'abc','secret_key':'s'}]}";

static json_t *parsed(const char *text)
{
    char buf[8192];
    (void)snprintf(buf, sizeof(buf), "%s", text);
    for (char *c = buf; *c; c++) {
        *c = *c == '\'' ? '"' : *c;
    }
    json_t *json = json_loads(buf, JSON_DECODE_ANY, NULL);
    ck_assert_msg(json != NULL, "%s", text);
    return json;
}

static json_t *functions_json(void)
{
    return parsed("[{'name':'lambda/x','dialect':'lambda','endpoints':[{'name':'lambda x',"
                  "'file':'x.ts'}]}, {'name':'worker','dialect':'worker','endpoints':"
                  "[{'name':'/x','file':'w.ts'}]}]");
}

/* Puts `value` at `path` ("queues 0 name") of what is sound, and checks it. */
static int check_with(const char *path, json_t *value, struct err *err)
{
    json_t *events = parsed(sound);
    json_t *functions = functions_json();
    json_t *at = events;
    struct str rest = str_c(path);
    struct str key = str_cut(&rest, ' ');
    for (; rest.data; key = str_cut(&rest, ' ')) {
        uint64_t index;
        char name[64];
        (void)snprintf(name, sizeof(name), STR_FMT, STR_ARG(key));
        at = str_to_u64(key, &index) ? json_array_get(at, index) : json_object_get(at, name);
        ck_assert_msg(at != NULL, "%s", path);
    }
    char name[64];
    (void)snprintf(name, sizeof(name), STR_FMT, STR_ARG(key));
    json_object_set_new(at, name, value);
    int r = manifest_events_check(events, functions, err);
    json_decref(functions);
    json_decref(events);
    return r;
}

START_TEST(what_the_builder_writes_is_sound)
{
    struct err err = { 0 };
    json_t *events = parsed(sound);
    json_t *functions = functions_json();
    int r = manifest_events_check(events, functions, &err);
    ck_assert_msg(r == 0, "%s", err.text);
    ck_assert_int_eq(manifest_events_check(NULL, functions, &err), 0);
    json_object_clear(events);
    ck_assert_int_eq(manifest_events_check(events, functions, &err), 0);
    json_decref(functions);
    json_decref(events);
}
END_TEST

/* Where, what is put there, and what the error names. */
static const struct {
    const char *path;
    const char *value;
    const char *named;
} unsound[] = {
    { "connections 0 type", "'NONE'", "type" },
    { "connections 0 type", "'BASIC'", "an authorization" },
    { "connections 0 uuid", "'7'", "uuid" },
    { "connections 0 auth ApiKeyAuthParameters ApiKeyValue", "''", "ApiKeyValue" },
    { "connections 1 auth OAuthParameters ClientParameters ClientID", "null", "ClientID" },
    { "endpoints 0 connection", "'gone'", "no connection gone" },
    { "endpoints 0 rate", "0", "rate" },
    { "rules 0 schedule", "''", "schedule" },
    { "rules 0 timezone", "7", "timezone" },
    { "rules 0 catch_up", "'all'", "the catch_up of a rule" },
    { "rules 0 pattern", "7", "pattern" },
    { "rules 0 region", "null", "region" },
    { "rules 0 targets 1 endpoint", "'gone'", "no endpoint gone" },
    { "rules 0 targets 1 http_parameters", "7", "http_parameters" },
    { "buckets", "{}", "buckets" },
    { "buckets", "[7]", "a bucket" },
    { "buckets 0 name", "'ab'", "name" },
    { "buckets 0 name", "7", "name" },
    { "buckets 0 versioning", "'yes'", "versioning" },
    { "buckets 0 cors", "[{}]", "allowed_methods" },
    { "buckets 0 notifications", "[{}]", "id" },
    { "buckets 0 notifications 0 events", "[7]", "no text" },
    { "buckets 0 notifications 0 function", "'lambda/y'", "no function lambda/y" },
    { "buckets 0 notifications 0 function", "null", "none or several" },
    { "buckets 0 notifications 0 queue", "'jobs'", "none or several" },
    { "buckets 0 notifications 0 prefix", "null", "prefix" },
    { "queues 0 platform", "'kafka'", "platform" },
    { "queues 0 visibility_s", "43201", "visibility_s" },
    { "queues 0 visibility_s", "-1", "visibility_s" },
    { "queues 0 visibility_s", "1.5", "visibility_s" },
    { "queues 0 max_bytes", "1048577", "max_bytes" },
    { "queues 0 redrive queue", "'gone'", "no queue gone" },
    { "queues 0 redrive queue", "'mail'", "no queue mail of sqs" },
    { "queues 0 redrive max_receives", "0", "max_receives" },
    { "queues 0 redrive", "7", "redrive" },
    { "consumers 0 queue", "'gone'", "no queue gone" },
    { "consumers 0 function", "'gone'", "no function gone" },
    { "consumers 0 batch_size", "10001", "batch_size" },
    { "consumers 0 filters", "null", "filters" },
    { "consumers 1 batch_size", "101", "batch_size" },
    { "consumers 1 dead_letter", "'dead'", "no queue dead of worker" },
    { "consumers 1 max_retries", "null", "max_retries" },
    { "schedules 0 platform", "'cron'", "platform" },
    { "schedules 0 catch_up", "'all'", "catch_up" },
    { "schedules 0 expression", "''", "expression" },
    { "schedules 0 target", "{}", "path" },
    { "schedules 1 target", "{}", "none or several" },
    { "schedules 1 target", "{'function':'lambda/x','input':{}}", "input" },
    { "schedules 1 start_ms", "-1", "start_ms" },
    { "schedules 1 group", "'gone'", "no schedule group gone" },
    { "schedules 1 window_minutes", "1441", "window_minutes" },
    { "schedule_groups 0 name", "''", "name" },
    { "buses 0 name", "''", "name" },
    { "rules 0 bus", "'other'", "no event bus other" },
    { "rules 0 pattern", "'x'", "pattern" },
    { "rules 0 targets", "[{'id':'1'}]", "none or several" },
    { "rules 0 targets 0 bus", "'other'", "no event bus other" },
    { "rules 0 targets 0 dead_letter", "{'queue':'gone'}", "no queue gone" },
    { "rules 0 targets 0 max_age_s", "59", "max_age_s" },
    { "async 0 function", "'gone'", "no function gone" },
    { "async 0 retry_delays_s", "[-1]", "delay" },
    { "async 0 retry_delays_s", "['1']", "delay" },
    { "async 0 on_failure", "{'url':'https://a','queue':'dead'}", "none or several" },
    { "routes 0 endpoint", "1", "no endpoint" },
    { "routes 0 endpoint", "-1", "endpoint" },
    { "routes 0 idempotent", "{}", "key" },
    { "routes 0 durable", "{'max_retries':1}", "retry_delays_s" },
    { "routes 0 on_success", "7", "on_success" },
    { "users 0 access_key", "'a'", "access_key" },
    { "users 0 secret_key", "null", "secret_key" },
};

START_TEST(what_is_not_sound_is_refused_by_its_name)
{
    struct err err = { 0 };
    int r = check_with(unsound[_i].path, parsed(unsound[_i].value), &err);
    ck_assert_msg(r == -EINVAL, "%s = %s", unsound[_i].path, unsound[_i].value);
    ck_assert_msg(strstr(err.text, unsound[_i].named) != NULL, "%s = %s: %s", unsound[_i].path,
                  unsound[_i].value, err.text);
}
END_TEST

START_TEST(text_with_a_nul_is_no_name)
{
    struct err err = { 0 };
    ck_assert_int_eq(check_with("buses 0 name", json_stringn("a\0b", 3), &err), -EINVAL);
}
END_TEST

START_TEST(lists_have_a_limit)
{
    struct err err = { 0 };
    json_t *many = json_array();
    for (int i = 0; i <= 4096; i++) {
        json_array_append_new(many, json_pack("{s:s}", "name", "b"));
    }
    ck_assert_int_eq(check_with("buses", many, &err), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "at most 4096"));
}
END_TEST

/* A build of the two functions and the sound events. */
struct printed {
    struct version versions[2];
    struct version *list[2];
    struct build build;
    struct buf text;
};

static void print_open(struct printed *p)
{
    json_t *functions = functions_json();
    json_t *events = parsed(sound);
    *p = (struct printed){ .list = { &p->versions[0], &p->versions[1] } };
    for (size_t i = 0; i < 2; i++) {
        json_t *spec = json_incref(json_array_get(functions, i));
        p->versions[i] =
            (struct version){ .spec = spec,
                              .name = json_string_value(json_object_get(spec, "name")) };
        (void)snprintf(p->versions[i].label, sizeof(p->versions[i].label), "%s@1",
                       p->versions[i].name);
    }
    p->build = (struct build){ .manifest = json_pack("{s:[], s:o}", "routes", "events", events),
                               .count = 2,
                               .versions = p->list };
    json_decref(functions);
    buf_init(&p->text, 1 << 20);
}

static void print_close(struct printed *p)
{
    for (size_t i = 0; i < 2; i++) {
        json_decref(p->versions[i].spec);
    }
    json_decref(p->build.manifest);
    buf_finish(&p->text);
}

START_TEST(triggers_are_rows_of_the_table)
{
    static const struct print_style plain = { .width = 100 };
    static const char *const table =
        "  METHOD  ROUTE                             FILE  DIALECT  RUNTIME  FUNCTION\n"
        "  s3      images/in/*.jpg ObjectCreated:*   x.ts  lambda   nodejs   lambda/x@1\n"
        "  queue   jobs                              x.ts  lambda   nodejs   lambda/x@1\n"
        "  queue   mail                              w.ts  worker   nodejs   worker@1\n"
        "  cron    0 2 * * * (off)                   w.ts  worker   nodejs   worker@1\n"
        "  cron    rate(1 hour) Europe/Berlin (off)                          queue jobs\n"
        "  cron    rate(1 hour)                                              bus default\n"
        "  cron    rate(1 hour)                                              destination crm\n"
        "  event   shop/r                                                    bus default\n"
        "  event   shop/r                                                    destination crm\n";
    struct printed p;
    print_open(&p);
    ck_assert_int_eq(build_print_routes(&p.text, &plain, &p.build), 0);
    ck_assert_int_eq(buf_append(&p.text, str_of("", 1)), 0);
    ck_assert_str_eq(p.text.data, table);
    print_close(&p);
}
END_TEST

START_TEST(triggers_are_a_list_of_the_build_in_json)
{
    struct printed p;
    print_open(&p);
    ck_assert_int_eq(build_print_json(&p.text, &p.build, 0), 0);
    json_t *json = json_loadb(p.text.data, p.text.len, 0, NULL);
    json_t *triggers = json_object_get(json, "triggers");
    json_t *first = json_array_get(triggers, 0);
    ck_assert_uint_eq(json_array_size(triggers), 9);
    ck_assert_str_eq(json_string_value(json_object_get(first, "kind")), "s3");
    ck_assert_str_eq(json_string_value(json_object_get(first, "trigger")),
                     "images/in/*.jpg ObjectCreated:*");
    ck_assert_str_eq(json_string_value(json_object_get(first, "function")), "lambda/x@1");
    json_decref(json);
    print_close(&p);
}
END_TEST

int main(void)
{
    TCase *tests;
    Suite *suite = leaks_suite("manifest_events", &tests);
    tcase_add_test(tests, what_the_builder_writes_is_sound);
    tcase_add_loop_test(tests, what_is_not_sound_is_refused_by_its_name, 0,
                        sizeof(unsound) / sizeof(*unsound));
    tcase_add_test(tests, text_with_a_nul_is_no_name);
    tcase_add_test(tests, lists_have_a_limit);
    tcase_add_test(tests, triggers_are_rows_of_the_table);
    tcase_add_test(tests, triggers_are_a_list_of_the_build_in_json);
    return suite_run(suite);
}
