/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_buckets.h"

#include "base/mem.h"
#include "control/s3/s3_policy.h"

#define SLOTS 256 /* kept in mind at a time; one replaces another */

struct s3_buckets {
    struct store *store;
    struct s3_bucket *slots[SLOTS];
};

struct setting {
    struct list link;
    struct str kind, value;
    char *memory;
};

struct s3_buckets *s3_buckets_create(struct store *s)
{
    struct s3_buckets *b = mem_new(struct s3_buckets);
    b->store = s;
    return b;
}

void s3_bucket_unref(struct s3_bucket *bucket)
{
    if (!bucket || --bucket->references > 0) {
        return;
    }
    list_for_each (item, &bucket->settings) {
        struct setting *s = list_entry(item, struct setting, link);
        free(s->memory);
        free(s);
    }
    json_decref(bucket->policy);
    s3_xml_destroy(bucket->notification);
    s3_xml_destroy(bucket->lifecycle);
    s3_xml_destroy(bucket->logging);
    free(bucket->memory);
    free(bucket);
}

static struct s3_bucket **slot_of(struct s3_buckets *b, struct str name)
{
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < name.len; i++) {
        hash = (hash ^ (unsigned char)name.data[i]) * 16777619U;
    }
    return &b->slots[hash % SLOTS];
}

static void keep_setting(struct str kind, struct str value, void *context)
{
    struct s3_bucket *bucket = context;
    struct setting *s = mem_new(struct setting);
    s->memory = mem_alloc(kind.len + value.len + 1);
    memcpy(s->memory, kind.data, kind.len);
    memcpy(s->memory + kind.len, value.data, value.len);
    s->kind = str_of(s->memory, kind.len);
    s->value = str_of(s->memory + kind.len, value.len);
    list_push(&bucket->settings, &s->link);
}

struct str s3_bucket_setting(const struct s3_bucket *bucket, struct str kind)
{
    for (struct list *item = bucket->settings.next; item != &bucket->settings; item = item->next) {
        const struct setting *s = list_entry(item, struct setting, link);
        if (str_eq(s->kind, kind)) {
            return s->value;
        }
    }
    return (struct str){ NULL, 0 };
}

void s3_bucket_settings(const struct s3_bucket *bucket,
                        void (*each)(struct str kind, struct str value, void *context),
                        void *context)
{
    for (struct list *item = bucket->settings.next; item != &bucket->settings; item = item->next) {
        const struct setting *s = list_entry(item, struct setting, link);
        each(s->kind, s->value, context);
    }
}

static void keep_row(const struct stored_bucket *row, void *context)
{
    struct s3_bucket *bucket = context;
    char *at = bucket->memory = mem_alloc(row->name.len + row->owner.len + row->region.len + 1);
    struct str *const texts[] = { &bucket->row.name, &bucket->row.owner, &bucket->row.region };
    bucket->row = *row;
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        memcpy(at, texts[i]->data, texts[i]->len);
        texts[i]->data = at;
        at += texts[i]->len;
    }
}

static bool is_set(struct str xml, const char *name)
{
    scoped_s3_xml struct s3_xml *x = s3_xml_parse(xml);
    return x && str_eq_nocase(s3_xml_text(s3_xml_root(x), name), STR("true"));
}

static void read_settings(struct s3_bucket *bucket)
{
    struct str policy = s3_bucket_setting(bucket, STR("policy"));
    struct str block = s3_bucket_setting(bucket, STR("publicAccessBlock"));
    struct str ownership = s3_bucket_setting(bucket, STR("ownershipControls"));
    s3_acl_load(s3_bucket_setting(bucket, STR("acl")), bucket->row.owner, &bucket->acl);
    if (policy.data) {
        bucket->policy = s3_policy_load(policy);
        bucket->policy_is_public = bucket->policy && s3_policy_is_public(bucket->policy);
    }
    struct str notification = s3_bucket_setting(bucket, STR("notification"));
    struct str lifecycle = s3_bucket_setting(bucket, STR("lifecycle"));
    struct str logging = s3_bucket_setting(bucket, STR("logging"));
    bucket->logging = logging.data ? s3_xml_parse(logging) : NULL;
    bucket->notification = notification.data ? s3_xml_parse(notification) : NULL;
    bucket->lifecycle = lifecycle.data ? s3_xml_parse(lifecycle) : NULL;
    if (block.data) {
        bucket->block = (struct s3_public_block){
            .block_acls = is_set(block, "BlockPublicAcls"),
            .ignore_acls = is_set(block, "IgnorePublicAcls"),
            .block_policy = is_set(block, "BlockPublicPolicy"),
            .restrict_buckets = is_set(block, "RestrictPublicBuckets"),
        };
    }
    if (ownership.data) {
        scoped_s3_xml struct s3_xml *x = s3_xml_parse(ownership);
        const struct s3_xml_node *rule = x ? s3_xml_child(s3_xml_root(x), "Rule") : NULL;
        struct str who = s3_xml_text(rule, "ObjectOwnership");
        bucket->ownership = str_eq(who, STR("BucketOwnerEnforced"))    ? S3_OWNER_ENFORCED
                            : str_eq(who, STR("BucketOwnerPreferred")) ? S3_OWNER_PREFERRED
                                                                       : S3_OWNER_WRITER;
    }
}

struct str s3_region_of(struct str constraint)
{
    /* The old names. */
    return str_eq(constraint, STR("EU"))   ? STR("eu-west-1")
           : str_eq(constraint, STR("US")) ? STR(S3_DEFAULT_REGION)
                                           : constraint;
}

struct str s3_bucket_region(const struct stored_bucket *row)
{
    return row->region.len > 0 ? s3_region_of(row->region) : STR(S3_DEFAULT_REGION);
}

struct s3_bucket *s3_buckets_find(struct s3_buckets *b, struct str name)
{
    struct s3_bucket **slot = slot_of(b, name), *bucket = *slot;
    if (bucket && str_eq(bucket->row.name, name)) {
        bucket->references++;
        return bucket;
    }
    bucket = mem_new(struct s3_bucket);
    bucket->references = 1;
    list_init(&bucket->settings);
    if (!store_buckets_find(b->store, name, keep_row, bucket)) {
        s3_bucket_unref(bucket);
        return NULL;
    }
    store_buckets_settings(b->store, bucket->row.id, keep_setting, bucket);
    if (store_read_failure(b->store) < 0) { /* it might have lost its policy */
        s3_bucket_unref(bucket);
        return NULL;
    }
    read_settings(bucket);
    s3_bucket_unref(*slot);
    *slot = bucket;
    bucket->references++;
    return bucket;
}

void s3_buckets_forget(struct s3_buckets *b, struct str name)
{
    struct s3_bucket **slot = slot_of(b, name);
    if (*slot && str_eq((*slot)->row.name, name)) {
        s3_bucket_unref(*slot);
        *slot = NULL;
    }
}
