/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <time.h>

#include "base/limits.h"
#include "base/mem.h"
#include "control/events/eventbridge/event_pattern.h"
#include "control/events/eventbridge/pattern_syntax.h"
#include "leaks.h"

struct sample {
    const char *pattern; /* with ' for " */
    const char *event;
    bool matches;
};

static char *quoted(const char *text)
{
    char *copy = mem_copy_str(str_c(text));
    for (char *at = copy; (at = strchr(at, '\'')) != NULL;) {
        *at = '"';
    }
    return copy;
}

static void check(const struct sample *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        scoped_free char *pattern_text = quoted(samples[i].pattern);
        scoped_free char *event_text = quoted(samples[i].event);
        scoped_event_pattern struct event_pattern *p = NULL;
        struct err err = { 0 };
        json_t *event = json_loads(event_text, 0, NULL);
        ck_assert_ptr_nonnull(event);
        ck_assert_msg(event_pattern_parse(str_c(pattern_text), &p, &err) == 0, "%s: %s",
                      pattern_text, err.text);
        ck_assert_msg(event_pattern_matches(p, event) == samples[i].matches, "%s on %s",
                      pattern_text, event_text);
        json_decref(event);
    }
}

static void refuse(const char *pattern, const char *reason)
{
    scoped_free char *text = quoted(pattern);
    scoped_event_pattern struct event_pattern *p = NULL;
    struct err err = { 0 };
    ck_assert_int_eq(event_pattern_parse(str_c(text), &p, &err), -EINVAL);
    ck_assert_str_eq(err.text, reason);
}

#define EC2                                                                                        \
    "{'version':'0','detail-type':'EC2 Instance State-change Notification','source':'aws.ec2',"    \
    "'time':'2017-10-02T16:30:59Z','resources':['arn:a','arn:b'],'detail':{'state':'running',"     \
    "'c-count':5,'d-count':3,'x-limit':301.8,'source-ip':'10.0.0.33','nothing':null,'yes':true}}"

START_TEST(values_are_alternatives_and_arrays_intersect)
{
    static const struct sample samples[] = {
        { "{'detail':{'state':['initializing','running']}}", EC2, true },
        { "{'detail':{'state':['initializing']}}", EC2, false },
        { "{'resources':['arn:b','arn:c']}", EC2, true },
        { "{'resources':['arn:c']}", EC2, false },
        { "{'source':['aws.ec2'],'detail':{'state':['stopped']}}", EC2, false },
        { "{'detail':{'nothing':[null]}}", EC2, true },
        { "{'detail':{'yes':[true]}}", EC2, true },
        { "{'detail':{'yes':[false,'true',1]}}", EC2, false },
        { "{'detail':{'c-count':[5.0]}}", EC2, true },
        { "{'detail':{'c-count':['5']}}", EC2, false },
        { "{'detail':{'x-limit':[3.018e2]}}", EC2, true },
        { "{'a':[9007199254740993]}", "{'a':9007199254740993}", true },
        { "{'a':[9007199254740993]}", "{'a':9007199254740992}", false },
        { "{'a':[{'anything-but':9007199254740993}]}", "{'a':9007199254740992}", true },
        { "{'Source':['aws.ec2']}", EC2, false },
        { "{'detail':['x']}", EC2, false },
        { "{'a':['']}", "{'a':''}", true },
        { "{'a':['*']}", "{'a':'b'}", false },
    };
    check(samples, ARRAY_COUNT(samples));
}
END_TEST

START_TEST(texts_are_tested_at_their_ends_and_whatever_their_case)
{
    static const struct sample samples[] = {
        { "{'time':[{'prefix':'2017-10-02'}]}", EC2, true },
        { "{'time':[{'prefix':'2017-11'}]}", EC2, false },
        { "{'time':[{'prefix':''}]}", EC2, true },
        { "{'source':[{'prefix':{'equals-ignore-case':'AWS.'}}]}", EC2, true },
        { "{'source':[{'suffix':'ec2'}]}", EC2, true },
        { "{'source':[{'suffix':'EC2'}]}", EC2, false },
        { "{'source':[{'suffix':{'equals-ignore-case':'.EC2'}}]}", EC2, true },
        { "{'source':[{'suffix':{'equals-ignore-case':'longer than the text'}}]}", EC2, false },
        { "{'source':[{'equals-ignore-case':'AWS.EC2'}]}", EC2, true },
        { "{'source':[{'equals-ignore-case':'AWS.EC'}]}", EC2, false },
        { "{'a':[{'equals-ignore-case':'STRA\u00c4E'}]}", "{'a':'stra\u00e4e'}", true },
        { "{'a':[{'suffix':{'equals-ignore-case':'\u0130'}}]}", "{'a':'xi'}", true },
        { "{'a':[{'equals-ignore-case':'\u03bf\u03b4\u03cc\u03c2'}]}",
          "{'a':'\u039f\u0394\u038c\u03a3'}", true },
        { "{'a':[{'equals-ignore-case':'\u039f\u03a3'}]}", "{'a':'\u03bf\u03c3'}", true },
        { "{'a':[{'prefix':'1'}]}", "{'a':12}", false },
        { "{'a':[{'exactly':'x'}]}", "{'a':'x'}", true },
    };
    check(samples, ARRAY_COUNT(samples));
}
END_TEST

START_TEST(wildcards_stand_for_any_text)
{
    static const struct sample samples[] = {
        { "{'a':[{'wildcard':'Simple*Service'}]}", "{'a':'SimpleQueueService'}", true },
        { "{'a':[{'wildcard':'Simple*Service'}]}", "{'a':'SimpleService'}", true },
        { "{'a':[{'wildcard':'Simple*Service'}]}", "{'a':'SimpleServices'}", false },
        { "{'a':[{'wildcard':'*/bin/*.jar'}]}", "{'a':'/x/bin/bin/y.jar.jar'}", true },
        { "{'a':[{'wildcard':'*'}]}", "{'a':''}", true },
        { "{'a':[{'wildcard':''}]}", "{'a':'x'}", false },
        { "{'a':[{'wildcard':'a*'}]}", "{'a':'a'}", true },
        { "{'a':[{'wildcard':'*a'}]}", "{'a':'b'}", false },
        { "{'a':[{'wildcard':'a\\\\*b'}]}", "{'a':'a*b'}", true },
        { "{'a':[{'wildcard':'a\\\\*b'}]}", "{'a':'axb'}", false },
        { "{'a':[{'wildcard':'a\\\\\\\\*'}]}", "{'a':'a\\\\x'}", true },
        { "{'a':[{'wildcard':'*\\\\*b*\\\\\\\\'}]}", "{'a':'x*bc\\\\'}", true },
        { "{'a':[{'wildcard':'*\\\\*b*\\\\\\\\'}]}", "{'a':'xbc\\\\'}", false },
        { "{'a':[{'wildcard':'ab*ba'}]}", "{'a':'aba'}", false },
        { "{'a':[{'wildcard':'*ab*ab'}]}", "{'a':'xaab'}", false },
        { "{'a':[{'wildcard':'*ab*ab'}]}", "{'a':'xabab'}", true },
        { "{'a':[{'wildcard':'*a*b*'}]}", "{'a':'ba'}", false },
        { "{'a':[{'wildcard':'abc*'}]}", "{'a':'ab'}", false },
    };
    check(samples, ARRAY_COUNT(samples));
}
END_TEST

START_TEST(anything_but_wants_another_leaf)
{
    static const struct sample samples[] = {
        { "{'detail':{'state':[{'anything-but':'initializing'}]}}", EC2, true },
        { "{'detail':{'state':[{'anything-but':['stopped','running']}]}}", EC2, false },
        { "{'detail':{'c-count':[{'anything-but':5}]}}", EC2, false },
        { "{'detail':{'c-count':[{'anything-but':[5.0,6]}]}}", EC2, false },
        { "{'detail':{'c-count':[{'anything-but':[100,200]}]}}", EC2, true },
        { "{'detail':{'state':[{'anything-but':{'prefix':'run'}}]}}", EC2, false },
        { "{'detail':{'state':[{'anything-but':{'prefix':['init','err']}}]}}", EC2, true },
        { "{'detail':{'state':[{'anything-but':{'suffix':['ing','x']}}]}}", EC2, false },
        { "{'detail':{'state':[{'anything-but':{'equals-ignore-case':'RUNNING'}}]}}", EC2, false },
        { "{'detail':{'state':[{'anything-but':{'equals-ignore-case':['A','B']}}]}}", EC2, true },
        { "{'detail':{'state':[{'anything-but':{'wildcard':'r*g'}}]}}", EC2, false },
        { "{'detail':{'nothing':[{'anything-but':'x'}]}}", EC2, true },
        { "{'detail':{'c-count':[{'anything-but':{'prefix':'5'}}]}}", EC2, true },
        { "{'detail':{'missing':[{'anything-but':'x'}]}}", EC2, false },
        { "{'a':[{'anything-but':'x'}]}", "{'a':['x','y']}", true },
        { "{'a':[{'anything-but':'x'}]}", "{'a':['x']}", false },
    };
    check(samples, ARRAY_COUNT(samples));
}
END_TEST

START_TEST(numbers_are_compared_and_addresses_lie_in_nets)
{
    static const struct sample samples[] = {
        { "{'detail':{'c-count':[{'numeric':['>',0,'<=',5]}]}}", EC2, true },
        { "{'detail':{'c-count':[{'numeric':['>',0,'<',5]}]}}", EC2, false },
        { "{'detail':{'d-count':[{'numeric':['<',10]}]}}", EC2, true },
        { "{'detail':{'d-count':[{'numeric':['>=',3]}]}}", EC2, true },
        { "{'detail':{'x-limit':[{'numeric':['=',3.018e2]}]}}", EC2, true },
        { "{'detail':{'state':[{'numeric':['>',-1]}]}}", EC2, false },
        { "{'detail':{'nothing':[{'numeric':['>=',0]}]}}", EC2, false },
        { "{'detail':{'source-ip':[{'cidr':'10.0.0.0/24'}]}}", EC2, true },
        { "{'detail':{'source-ip':[{'cidr':'10.0.0.0/27'}]}}", EC2, false },
        { "{'detail':{'source-ip':[{'cidr':'0.0.0.0/0'}]}}", EC2, true },
        { "{'detail':{'state':[{'cidr':'0.0.0.0/0'}]}}", EC2, false },
        { "{'a':[{'cidr':'2001:db8::/33'}]}", "{'a':'2001:db8:7fff::1'}", true },
        { "{'a':[{'cidr':'2001:db8::/33'}]}", "{'a':'2001:db8:8000::1'}", false },
        { "{'a':['2001:db8:0:0::1']}", "{'a':'2001:db8::1'}", true },
    };
    check(samples, ARRAY_COUNT(samples));
}
END_TEST

START_TEST(only_leaves_exist)
{
    static const struct sample samples[] = {
        { "{'detail':{'c-count':[{'exists':true}]}}", EC2, true },
        { "{'detail':{'nothing':[{'exists':true}]}}", EC2, true },
        { "{'detail':{'c-count':[{'exists':false}]}}", EC2, false },
        { "{'detail':{'missing':[{'exists':false}]}}", EC2, true },
        { "{'detail':[{'exists':true}]}", EC2, false },
        { "{'detail':[{'exists':false}]}", EC2, true },
        { "{'a':[{'exists':true}]}", "{'a':[]}", false },
        { "{'a':['x',{'exists':false}]}", "{}", true },
        { "{'a':['x',{'exists':false}]}", "{'a':'y'}", false },
        { "{'d':{'a':[{'exists':true}],'b':[{'exists':false}]}}", "{'d':[{'a':1},{'b':2}]}", true },
        { "{'d':{'a':[{'exists':true}],'b':[{'exists':false}]}}", "{'d':[{'a':1,'b':2}]}", false },
        { "{'d':{'b':[{'exists':false}]}}", "{'d':[{'a':1},{'b':2}]}", false },
    };
    check(samples, ARRAY_COUNT(samples));
}
END_TEST

START_TEST(leaves_of_an_array_of_objects_come_from_one_element)
{
    static const char people[] = "{'d':[{'name':'alice','ok':1},{'name':'bob','ok':2}],'v':'1'}";
    static const struct sample samples[] = {
        { "{'d':{'name':['alice'],'ok':[1]}}", people, true },
        { "{'d':{'name':['alice'],'ok':[2]}}", people, false },
        { "{'d':{'name':['bob'],'ok':[{'numeric':['>',1]}]},'v':['1']}", people, true },
        { "{'d':{'name':['bob'],'ok':[2]},'v':['2']}", people, false },
        { "{'a':{'x':['1'],'y':{'z':['2']}}}", "{'a':[{'x':'1','y':[{'z':'3'},{'z':'2'}]}]}",
          true },
        { "{'a':{'x':['1'],'y':{'z':['2']}}}", "{'a':[{'x':'1'},{'y':[{'z':'2'}]}]}", false },
        { "{'a':{'x':['1']},'b':{'x':['1']}}", "{'a':[{'x':'0'},{'x':'1'}],'b':[{'x':'1'}]}",
          true },
        { "{'a':['x']}", "{'a':[[['y'],['x']]]}", true },
        { "{'a':{'p':['1'],'q':['2']}}", "{'a':[[{'p':'1'},{'q':'2'}]]}", false },
        { "{'a':{'p':['1'],'q':['2']}}", "{'a':{'p':['0','1'],'q':['2','3']}}", true },
    };
    check(samples, ARRAY_COUNT(samples));
}
END_TEST

START_TEST(or_has_ways_that_share_what_is_around_them)
{
    static const char nested[] =
        "{'source':['cw'],'$or':[{'name':['CPU']},{'type':['T'],'space':['S'],"
        "'$or':[{'id':[1234]},{'spaceId':[1000]}]},{'scope':['X']}]}";
    static const struct sample samples[] = {
        { nested, "{'source':'cw','name':'CPU'}", true },
        { nested, "{'source':'cw','type':'T','space':'S','spaceId':1000}", true },
        { nested, "{'source':'cw','type':'T','space':'S'}", false },
        { nested, "{'source':'cw','scope':'X'}", true },
        { nested, "{'source':'other','scope':'X'}", false },
        { "{'$or':[{'a':['1']},{'b':['2']}],'d':{'$or':[{'x':['3']},{'y':['4']}]}}",
          "{'b':'2','d':{'y':'4'}}", true },
        { "{'$or':[{'a':['1']},{'b':['2']}],'d':{'$or':[{'x':['3']},{'y':['4']}]}}",
          "{'b':'2','d':{'y':'3'}}", false },
        { "{'d':{'n':['1'],'$or':[{'a':['1']},{'b':['2']}]}}", "{'d':[{'n':'1','b':'2'}]}", true },
        { "{'d':{'n':['1'],'$or':[{'a':['1']},{'b':['2']}]}}", "{'d':[{'n':'1'},{'b':'2'}]}",
          false },
        { "{'source':['x'],'$or':[{'source':['y']},{'b':['z']}]}", "{'source':'y'}", true },
    };
    check(samples, ARRAY_COUNT(samples));
}
END_TEST

START_TEST(steps_and_dots_make_the_same_path)
{
    static const struct sample samples[] = {
        { "{'d':{'s':{'t':['x']}}}", "{'d':{'s.t':'x'}}", true },
        { "{'d':{'s.t':['x']}}", "{'d':{'s':{'t':'x'}}}", true },
        { "{'d':{'s.t':{'t':['x']}}}", "{'d':{'s':{'t':'x'}}}", false },
        { "{'ab':['x']}", "{'a':'x','abc':'x','ab':'y'}", false },
    };
    check(samples, ARRAY_COUNT(samples));
}
END_TEST

START_TEST(what_is_no_pattern_is_refused_in_the_words_of_aws)
{
    refuse("['a']", "Filter is not an object");
    refuse("{}", "Empty objects are not allowed");
    refuse("{'a':{}}", "Empty objects are not allowed");
    refuse("{'a':[]}", "Empty arrays are not allowed");
    refuse("{'a':'x'}", "\"a\" must be an object or an array");
    refuse("{'a':[['x']]}", "Match value must be String, number, true, false, or null");
    refuse("{'a':[{'EXISTS':true}]}", "Unrecognized match type EXISTS");
    refuse("{'a':[{'exists':1}]}", "exists match pattern must be either true or false.");
    refuse("{'a':[{'prefix':'x','suffix':'y'}]}", "Only one key allowed in match expression");
    refuse("{'a':[{'prefix':['x']}]}", "prefix match pattern must be a string");
    refuse("{'a':[{'numeric':['>',0,'>',0]}]}", "Bad numeric range operator: >");
    refuse("{'a':[{'numeric':['>',0,'<']}]}", "Value of < must be numeric");
    refuse("{'a':[{'numeric':['>',5,'<',5]}]}", "Bottom must be less than top");
    refuse("{'a':[{'numeric':['~',0]}]}", "Unrecognized numeric range operator: ~");
    refuse("{'a':[{'numeric':['=',0,'<',1]}]}", "Too many elements in numeric expression");
    refuse("{'a':[{'numeric':['>',0,'<',1,'<']}]}", "Too many terms in numeric range expression");
    refuse("{'a':[{'numeric':10}]}", "Value of numeric must be an array.");
    refuse("{'a':[{'wildcard':'a**'}]}", "Consecutive wildcard characters at pos 2");
    refuse("{'a':[{'wildcard':'a\\\\b'}]}", "Invalid escape character at pos 2");
    refuse("{'a':[{'wildcard':'*:*:*:*:*:event-bus/*'}]}",
           "Rule is too complex - try using fewer wildcard characters or fewer repeating character "
           "sequences after a wildcard character");
    refuse("{'a':[{'anything-but':{'prefix':''}}]}", "Null prefix/suffix not allowed");
    refuse("{'a':[{'anything-but':['x',1]}]}",
           "Inside anything but list, either all values are number "
           "or string, mixed type is not supported");
    refuse("{'a':[{'anything-but':{'cidr':'x'}}]}", "Unsupported anything-but pattern: cidr");
    refuse("{'a':[{'cidr':'10.0.0.0/32'}]}", "IPv4 mask bits must be < 32");
    refuse("{'a':[{'cidr':'10.0.0.0'}]}", "Malformed CIDR, one '/' required");
    refuse("{'$or':[{'a':['x']}]}", "There must have at least 2 Objects in $or relationship.");
    refuse("{'$or':[{'a':['x']},{'prefix':['x']}]}",
           "prefix is Ruler reserved fieldName which cannot be used inside $or.");
}
END_TEST

/* {"a": [...]} of so many values, of which none is another's. */
static json_t *list_of(const char *kind, int count)
{
    json_t *list = json_array();
    for (int i = 0; i < count; i++) {
        (void)json_array_append_new(list, json_sprintf("%s%d", kind, i));
    }
    return json_pack("{s:o}", "a", list);
}

START_TEST(many_values_by_many_tests_take_their_time_but_not_for_ever)
{
    struct event_pattern *pattern;
    struct err err;
    json_t *source = list_of("wanted", 1000);
    json_t *event = list_of("given", 50000);
    ck_assert_int_eq(event_pattern_of(source, &pattern, &err), 0);
    clock_t start = clock(); /* of the processor: a busy machine does not count */
    ck_assert(!event_pattern_matches(pattern, event));
    ck_assert_int_lt((clock() - start) / CLOCKS_PER_SEC, 6);
    event_pattern_destroy(pattern);
    json_decref(source);
    json_decref(event);
}
END_TEST

/* What does not match says so in so many seconds of the processor; both are used up. */
static void check_cost(json_t *source, json_t *event, int seconds)
{
    struct event_pattern *pattern;
    struct err err;
    ck_assert_int_eq(event_pattern_of(source, &pattern, &err), 0);
    clock_t start = clock();
    ck_assert(!event_pattern_matches(pattern, event));
    ck_assert_int_lt((clock() - start) / CLOCKS_PER_SEC, seconds);
    event_pattern_destroy(pattern);
    json_decref(source);
    json_decref(event);
}

START_TEST(a_wildcard_before_what_almost_repeats_takes_no_longer)
{
    enum { WANTED = 4000, GIVEN = 1000000 };
    char *wanted = mem_alloc(WANTED + 1);
    char *given = mem_alloc(GIVEN + 1);
    memset(wanted, 'a', WANTED);
    memset(given, 'a', GIVEN);
    wanted[0] = '*';
    wanted[WANTED - 2] = 'b';
    wanted[WANTED - 1] = '*';
    json_t *source = json_pack("{s:[{s:s}]}", "a", "wildcard", wanted);
    json_t *event = json_pack("{s:s}", "a", given);
    check_cost(source, event, 2);
    free(wanted);
    free(given);
}
END_TEST

START_TEST(what_many_ways_have_in_common_is_tested_once)
{
    enum { WAYS = 9, WANTED = 60, GIVEN = 1000000 };
    scoped_free char *given = mem_alloc(GIVEN + 1);
    json_t *tests = json_array();
    json_t *source = json_object();
    json_t *event = json_pack("{s:s}", "text", memset(given, 'a', GIVEN));
    for (int i = 0; i < WANTED; i++) {
        char text[16];
        (void)snprintf(text, sizeof(text), "*b%d*", i);
        (void)json_array_append_new(tests, json_pack("{s:s}", "wildcard", text));
    }
    (void)json_object_set_new(source, "text", tests);
    for (int i = 0; i < WAYS; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "way%d", i);
        (void)json_object_set_new(source, name,
                                  json_pack("{s:[{s:[s]},{s:[s]}]}", "$or", "a", "1", "b", "2"));
        (void)json_object_set_new(event, name, json_pack("{s:s}", "a", "1"));
    }
    check_cost(source, event, 2);
}
END_TEST

/* Ten alternatives, nested in each other: 2^n ways. */
START_TEST(ways_and_steps_are_bounded)
{
    scoped_event_pattern struct event_pattern *p = NULL;
    struct err err = { 0 };
    json_t *pattern = json_object();
    for (int i = 0; i < 12; i++) {
        json_t *step = json_pack("{s:[{s:[s]},{s:[s]}]}", "$or", "a", "1", "b", "2");
        char name[16];
        (void)snprintf(name, sizeof(name), "k%d", i);
        ck_assert_int_eq(json_object_set_new(pattern, name, step), 0);
    }
    ck_assert_int_eq(event_pattern_of(pattern, &p, &err), -EINVAL);
    ck_assert(strstr(err.text, "too complex") != NULL);
    json_decref(pattern);

    /* three arrays whose elements all fit but for the last field, which never does */
    json_t *event = json_object();
    for (const char *name = "abc"; *name; name++) {
        json_t *array = json_array();
        for (int i = 0; i < 1000; i++) {
            ck_assert_int_eq(json_array_append_new(array, json_pack("{s:s}", "x", "y")), 0);
        }
        ck_assert_int_eq(json_object_set_new(event, (const char[]){ *name, '\0' }, array), 0);
    }
    ck_assert_int_eq(event_pattern_parse(STR("{\"a\":{\"x\":[\"y\"]},\"b\":{\"x\":[\"y\"]},"
                                             "\"c\":{\"x\":[\"y\"]},\"d\":[\"z\"]}"),
                                         &p, &err),
                     0);
    ck_assert(!event_pattern_matches(p, event));
    json_decref(event);
}
END_TEST

/* As recorded of AWS, but for the last two. */
START_TEST(what_is_no_json_object_is_told_with_its_place)
{
    static const struct {
        const char *text, *fault; /* up to " at [Source" */
        int line, column;
    } cases[] = {
        { "this is valid json but not a dict",
          "Unrecognized token 'this': was expecting (JSON String, Number, Array, Object or token "
          "'null', 'true' or 'false')",
          1, 5 },
        { "{'bad': 'quotation'}",
          "Unexpected character (''' (code 39)): was expecting double-quote to start field name", 1,
          2 },
        { "{\"not\": closed mark\"",
          "Unrecognized token 'closed': was expecting (JSON String, Number, Array, Object or token "
          "'null', 'true' or 'false')",
          1, 15 },
        { "[\"not\", \"a\", \"dict\", \"but valid json\"]", "Filter is not an object", 1, 2 },
        { "{\"a\":\n[1", "Unexpected end-of-input", 2, 3 },
        { "", "Unexpected end-of-input", 1, 1 },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf out;
        char expected[512];
        buf_init(&out, 4 * KIB);
        (void)snprintf(expected, sizeof(expected),
                       "%s\n at [Source: (String)\"%s\"; line: %d, column: %d]", cases[i].fault,
                       cases[i].text, cases[i].line, cases[i].column);
        ck_assert(pattern_syntax_fault(str_c(cases[i].text), &out));
        ck_assert_msg(str_eq(buf_str(&out), str_c(expected)), STR_FMT "\nis not\n%s",
                      STR_ARG(buf_str(&out)), expected);
        buf_finish(&out);
    }
}
END_TEST

/* As recorded of AWS, and behind the gap as event-ruler has it; "^" is where. */
START_TEST(what_is_wrong_in_an_object_is_told_with_its_place)
{
    static const struct {
        const char *text, *fault;
    } cases[] = {
        { "{'int': 42^}", "\"int\" must be an object or an array" },
        { "{'string': '^my-value'}", "\"string\" must be an object or an array" },
        { "{'source':['test.event-pattern'],'detail':{'lenderId':'^LenderA'}}",
          "\"lenderId\" must be an object or an array" },
        { "{'resources': []^}", "Empty arrays are not allowed" },
        { "{'my_key': [{'EXISTS': true^}]}", "Unrecognized match type EXISTS" },
        { "{'detail': {'equal': [{'NUMERIC': [^'=', 5]}]}}", "Unrecognized match type NUMERIC" },
        { "{'detail': {'c-count': [{'numeric': ['>', 0, '>'^, 0]}]}}",
          "Bad numeric range operator: >" },
        { "{'detail': {'c-count': [{'numeric': ['>', 0, '<']^}]}}", "Value of < must be numeric" },
        { "{'detail': {'c-count': [{'numeric': 10^}]}}", "Value of numeric must be an array." },
        { "{'a': [{'wildcard': 'b**c'^}]}", "Consecutive wildcard characters at pos 2" },
        { "{'a': [{'wildcard': [^'b*']}]}", "wildcard match pattern must be a string" },
        { "{'detail': {'state': [{'anything-but': {'wildcard': [123^, '*']}}]}}",
          "wildcard match pattern must be a string" },
        { "{'detail': {'state': [{'anything-but': {'equals-ignore-case': [123^, 456]}}]}}",
          "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not "
          "supported." },
        { "{'time': [{'prefix': [^'2022-07-13']}]}", "prefix match pattern must be a string" },
        { "{'detail': {'sourceIPAddress': [{'cidr': [^'bad-type']}]}}",
          "prefix match pattern must be a string" },
        { "{'detail': {'FileName': [{'anything-but': {'prefix': ''^}}]}}",
          "Null prefix/suffix not allowed" },
        { "{'detail': {'FileName': [{'anything-but': {'prefix': {^'equals-ignore-case': 'f'}}}]}}",
          "Value of anything-but must be an array or single string/number value." },
        { "{'detail': {'state': [{'anything-but': null^}]}}",
          "Value of anything-but must be an array or single string/number value." },
        { "{'detail': {'state': [{'anything-but': ['stopped', null^]}]}}",
          "Inside anything but list, start|null|boolean is not supported." },

        { "{'a':[true,null],'b': true^}", "\"b\" must be an object or an array" },
        { "{'a':[-1e3 , 'x\\'{'],\n'b':{}^}", "Empty objects are not allowed" },
        { "{'\xf0\x9f\x98\x80\xc3\xbc':[[^]]}",
          "Match value must be String, number, true, false, or null" },
        { "{'a':[{}^]}", "Match expression name not found" },
        { "{'a':[{'prefix':'x','y':'^z'}]}", "Only one key allowed in match expression" },
        { "{'a':[{'prefix':{'z':1^}}]}", "Unsupported prefix pattern: z" },
        { "{'$or':[{'a':['x']}]^}", "There must have at least 2 Objects in $or relationship." },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf out;
        char expected[1024];
        int line = 1, column = 1;
        scoped_free char *text = quoted(cases[i].text);
        char *mark = strchr(text, '^');
        for (const char *c = text; c < mark; c++) {
            const unsigned char byte = (unsigned char)*c;
            column = byte == '\n' ? 1 : column + ((byte & 0xc0) != 0x80) + (byte >= 0xf0);
            line += byte == '\n';
        }
        memmove(mark, mark + 1, strlen(mark));
        buf_init(&out, 4 * KIB);
        (void)snprintf(expected, sizeof(expected),
                       "%s\n at [Source: (String)\"%s\"; line: %d, column: %d]", cases[i].fault,
                       text, line, column);
        event_pattern_append_fault(str_c(text), &out);
        ck_assert_msg(str_eq(buf_str(&out), str_c(expected)), STR_FMT "\nis not\n%s",
                      STR_ARG(buf_str(&out)), expected);
        buf_finish(&out);
    }
}
END_TEST

START_TEST(what_event_ruler_finds_in_a_text_alone_has_no_place)
{
    struct buf out;
    buf_init(&out, 4 * KIB);
    event_pattern_append_fault(STR("{\"a\":[{\"cidr\":\"10.0.0.0\"}]}"), &out);
    ck_assert(str_eq(buf_str(&out), STR("Malformed CIDR, one '/' required")));
    buf_finish(&out);
    buf_init(&out, 4 * KIB); /* a name twice: nothing is told that could be wrong */
    event_pattern_append_fault(STR("{\"a\":{\"b\":[1]},\"a\":7}"), &out);
    ck_assert(str_starts(buf_str(&out), STR("\"a\" must be an object or an array")));
    buf_finish(&out);
}
END_TEST

START_TEST(of_a_long_text_only_the_beginning_is_told)
{
    char text[1200] = "[\"x";
    struct buf out;
    for (size_t i = 3; i < 1101; i += 2) {
        memcpy(text + i, "\xc3\xbc", 3);
    }
    memcpy(text + 1101, "\"]", 3);
    buf_init(&out, 4 * KIB);
    ck_assert(pattern_syntax_fault(str_c(text), &out));
    ck_assert(str_behind(buf_str(&out), STR("\"[truncated 604 chars]; line: 1, column: 2]")).data);
    buf_finish(&out);
    buf_init(&out, 4 * KIB);
    ck_assert(!pattern_syntax_fault(STR("{\"a\":[1]}"), &out));
    ck_assert_uint_eq(out.len, 0);
    buf_finish(&out);
}
END_TEST

int main(void)
{
    TCase *tc;
    Suite *suite = leaks_suite("event_pattern", &tc);
    tcase_add_test(tc, values_are_alternatives_and_arrays_intersect);
    tcase_add_test(tc, texts_are_tested_at_their_ends_and_whatever_their_case);
    tcase_add_test(tc, wildcards_stand_for_any_text);
    tcase_add_test(tc, anything_but_wants_another_leaf);
    tcase_add_test(tc, numbers_are_compared_and_addresses_lie_in_nets);
    tcase_add_test(tc, only_leaves_exist);
    tcase_add_test(tc, leaves_of_an_array_of_objects_come_from_one_element);
    tcase_add_test(tc, or_has_ways_that_share_what_is_around_them);
    tcase_add_test(tc, steps_and_dots_make_the_same_path);
    tcase_add_test(tc, what_is_no_pattern_is_refused_in_the_words_of_aws);
    tcase_add_test(tc, many_values_by_many_tests_take_their_time_but_not_for_ever);
    tcase_add_test(tc, a_wildcard_before_what_almost_repeats_takes_no_longer);
    tcase_add_test(tc, what_many_ways_have_in_common_is_tested_once);
    tcase_add_test(tc, ways_and_steps_are_bounded);
    tcase_add_test(tc, what_is_no_json_object_is_told_with_its_place);
    tcase_add_test(tc, what_is_wrong_in_an_object_is_told_with_its_place);
    tcase_add_test(tc, what_event_ruler_finds_in_a_text_alone_has_no_place);
    tcase_add_test(tc, of_a_long_text_only_the_beginning_is_told);
    return suite_run(suite);
}
