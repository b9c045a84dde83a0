/* Bucket policies, and the policies of browsers' forms, which are JSON too. What a policy says does
 * not depend on how its JSON is laid out.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "control/s3/s3_policy.h"
#include "control/s3/s3_post_policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every condition key has a value that several operators make something of. */
static struct str value_of(struct str key, void *context)
{
    (void)context;
    return key.len % 3 == 0   ? STR("10.0.0.1")
           : key.len % 3 == 1 ? STR("2024-05-01T00:00:00Z")
                              : STR("a\nb");
}

static const struct s3_policy_question question = {
    .principal_arn = STR("arn:aws:iam::000000000000:user/alice"),
    .account = STR("000000000000"),
    .user_name = STR("alice"),
    .canonical_id = STR("alice"),
    .action = STR("s3:GetObject"),
    .resource = STR("arn:aws:s3:::bucket/key"),
    .value = value_of,
};

static void check_bucket_policy(struct str text)
{
    const char *why = NULL;
    json_t *policy = s3_policy_parse(text, STR("bucket"), &why);
    if (!policy) {
        assert(why);
        return;
    }
    char *dump = json_dumps(policy, JSON_SORT_KEYS);
    json_t *again = s3_policy_parse(str_c(dump), STR("bucket"), &why);
    assert(again);
    assert(s3_policy_ask(policy, &question) == s3_policy_ask(again, &question));
    assert(s3_policy_is_public(policy) == s3_policy_is_public(again));
    json_decref(policy);
    json_decref(again);
    free(dump);
}

static void check_form_policy(struct str text)
{
    const char *why = NULL;
    struct s3_post_policy policy = { .text = text,
                                     .fields = STR("key\0in/k\0acl\0private\0"),
                                     .bucket = STR("bucket"),
                                     .key = STR("in/k"),
                                     .now_ms = 1714521600000 };
    enum s3_error error = s3_post_policy_check(&policy, &why);
    assert(error < S3_ERROR_COUNT);
    assert(error != S3_OK || !policy.has_range || policy.least <= policy.most);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_of((const char *)data, size);
    check_bucket_policy(text);
    check_form_policy(text);
    return 0;
}
