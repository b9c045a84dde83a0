/* The two documents of a bucket with rules that act later: lifecycles and websites. What is taken
 * is taken again as it is kept; what is refused is told why. Any lifecycle, sound or not, can be
 * asked about objects, and what is younger goes no sooner.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>

#include "control/s3/operations/s3_config_fault.h"
#include "control/s3/s3_lifecycle.h"

#define TEXT_BYTES_MAX (1 * MIB)
#define NOW_MS         ((uint64_t)1800000000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef bool (*check_fn)(const struct s3_xml_node *root, struct s3_config_fault *ret_fault);

static void check_kept(const struct s3_xml_node *root, const char *name, check_fn check)
{
    struct s3_config_fault fault;
    struct buf text;
    buf_init(&text, TEXT_BYTES_MAX);
    struct s3_xml_out out = { .out = &text };
    s3_xml_begin(&out, name);
    for (const struct s3_xml_node *child = root->first; child; child = child->next) {
        s3_config_put_node(&out, child);
    }
    s3_xml_close(&out, name);
    assert(out.r == 0);
    scoped_s3_xml struct s3_xml *again = s3_xml_parse(buf_str(&text));
    assert(again && check(s3_xml_root(again), &fault));
    buf_finish(&text);
}

static void check_document(const struct s3_xml_node *root, const char *name, check_fn check)
{
    struct s3_config_fault fault = { .error = S3_OK };
    if (check(root, &fault)) {
        assert(fault.error == S3_OK);
        check_kept(root, name, check);
    } else {
        assert(fault.error != S3_OK && fault.error < S3_ERROR_COUNT);
        assert(fault.error != S3_INVALID_ARGUMENT || fault.text[0] != '\0');
    }
}

static void check_lifecycle(const struct s3_xml_node *root, uint64_t day_ms)
{
    const struct s3_lifecycle l = { .rules = root, .day_ms = day_ms, .archives_small = true };
    const struct s3_noncurrent recent = { .since_ms = NOW_MS, .newer = 2 };
    const struct s3_noncurrent old = { .since_ms = NOW_MS - 1, .newer = 2 };
    struct stored_object o = { .key = STR("logs/a"),
                               .size = MIB,
                               .modified_ms = NOW_MS - 1,
                               .headers = STR(""),
                               .tags = STR("a\0b\0") };
    struct stored_object younger = o;
    struct str rule = { NULL, 0 };
    younger.modified_ms = NOW_MS;
    uint64_t goes_ms = s3_lifecycle_current_ms(&l, &o, &rule);
    assert(goes_ms <= s3_lifecycle_current_ms(&l, &younger, NULL));
    assert(s3_lifecycle_noncurrent_ms(&l, &o, old) <= s3_lifecycle_noncurrent_ms(&l, &o, recent));
    assert(s3_lifecycle_upload_ms(&l, &o, NOW_MS - 1) <= s3_lifecycle_upload_ms(&l, &o, NOW_MS));
    (void)s3_lifecycle_drops_marker(&l, &o, NOW_MS);
    struct str class = s3_lifecycle_class(&l, &o, NULL, NOW_MS);
    assert(!class.data || !str_eq(class, STR("STANDARD")));
    (void)s3_lifecycle_class(&l, &o, &old, UINT64_MAX - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    scoped_s3_xml struct s3_xml *x = s3_xml_parse(str_of((const char *)data, size));
    const struct s3_xml_node *root = x ? s3_xml_root(x) : NULL;
    if (root) {
        check_document(root, "LifecycleConfiguration", s3_config_lifecycle_check);
        check_document(root, "WebsiteConfiguration", s3_config_website_check);
        check_lifecycle(root, S3_LIFECYCLE_DAY_MS);
        check_lifecycle(root, 1000);
    }
    return 0;
}
