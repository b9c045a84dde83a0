/* The calls with which zygotes load functions and are forked.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <node_api.h>

#include "base/scope.h"

/* Defines serveBase(linkFd, warmMs), serveFunction(loadMs, unloaded, unloadedText),
 * awaitInstance(loadMs, unloaded, unloadedText, reason, callback), loadFailed(text),
 * restScan(linkFd), exit(code), setTitle(text) and pid(). */
napi_status zygote_define(napi_env env, napi_value exports) MUST_USE;
