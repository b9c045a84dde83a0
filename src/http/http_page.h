/* Web pages of other sites, in the browser of whoever develops here: they may send requests to any
 * port of this machine, and with DNS rebinding, by which a name of their site becomes one of this
 * machine, read the answers. What asks nobody for a secret that they do not have goes by these.
 *
 * Browsers name the page's site in `Origin` with all but GET and HEAD of its own
 * (https://fetch.spec.whatwg.org/#origin-header), and whether it is another one in `Sec-Fetch-Site`
 * (https://www.w3.org/TR/fetch-metadata/), which they send to localhost without TLS, too. Programs
 * send neither.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

/* A request's Host, with its port: an address, or a name that nobody on the Internet can have.
 * Others may be rebound. */
bool http_page_is_local_host(struct str host);

/* A request's `Origin` and `Sec-Fetch-Site`; data NULL: it has none. Pages of this machine's
 * loopback are not foreign. */
bool http_page_is_foreign(struct str origin, struct str fetch_site);
