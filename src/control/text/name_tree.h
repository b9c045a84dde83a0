/* Trees of things by name, in order: GLib's, to be walked with its g_tree_node_…(). Names are
 * copied in.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

#include "base/str.h"

/* `free_value`: for what is replaced or removed; NULL: it is not the tree's. */
GTree *name_tree_create(void (*free_value)(void *value));
GTree *name_tree_create_json(void); /* whose values are json_t, owned */

void *name_tree_find(GTree *tree, struct str name); /* or NULL */
void name_tree_put(GTree *tree, struct str name, void *value);
void name_tree_remove(GTree *tree, struct str name); /* gone already is fine */
/* The first whose name is not before `name`, or NULL. */
GTreeNode *name_tree_from(GTree *tree, struct str name);
