/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_manifest.h"

static struct str text_of(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return str_of(json_string_value(value), json_string_length(value));
}

static const json_t *find(const json_t *array, const char *member, struct str text)
{
    size_t i;
    json_t *one;
    json_array_foreach(array, i, one)
    {
        if (str_eq(text_of(one, member), text)) {
            return one;
        }
    }
    return NULL;
}

const json_t *s3_manifest_bucket(const struct s3 *s3, struct str bucket)
{
    const struct build *build = s3->services->deployment->active;
    const json_t *events = build ? json_object_get(build->manifest, "events") : NULL;
    return find(json_object_get(events, "buckets"), "name", bucket);
}

bool s3_manifest_has_notification(const json_t *bucket, struct str id)
{
    return find(json_object_get(bucket, "notifications"), "id", id) != NULL;
}
