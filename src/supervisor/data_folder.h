/* The folder in which control keeps what must outlive the platform: `.mayfly` of the project, or
 * where --data says. It belongs to whom the folder around it belongs to, whoever control runs as.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "supervisor/platform.h"

/* Makes it if it is missing, and a way for control to it: writes that path. As root, files there
 * are seen as control's own through an ID-mapped mount; where there can be none, the folder becomes
 * control's, and without the right to mount control must be able to reach it. */
int data_folder_open(struct platform *p, char *ret_path, size_t size, struct err *err) MUST_USE;
