/* SPDX-License-Identifier: Apache-2.0 */
#include "control/text/name_tree.h"

#include <jansson.h>

#include "base/mem.h"

static int compare_names(const void *a, const void *b, void *context)
{
    (void)context;
    return strcmp(a, b);
}

static void free_json(void *json)
{
    json_decref(json);
}

GTree *name_tree_create(void (*free_value)(void *value))
{
    return g_tree_new_full(compare_names, NULL, free, free_value);
}

GTree *name_tree_create_json(void)
{
    return name_tree_create(free_json);
}

void *name_tree_find(GTree *tree, struct str name)
{
    scoped_free char *key = mem_copy_str(name);
    return g_tree_lookup(tree, key);
}

void name_tree_put(GTree *tree, struct str name, void *value)
{
    g_tree_replace(tree, mem_copy_str(name), value);
}

void name_tree_remove(GTree *tree, struct str name)
{
    scoped_free char *key = mem_copy_str(name);
    (void)g_tree_remove(tree, key);
}

GTreeNode *name_tree_from(GTree *tree, struct str name)
{
    scoped_free char *key = mem_copy_str(name);
    return g_tree_lower_bound(tree, key);
}
