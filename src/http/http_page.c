/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http_page.h"

#include <arpa/inet.h>
#include <string.h>

#include "http/http_head.h"

/* RFC 6761, RFC 6762, and ICANN's for private use: nobody can register a name below them. */
static const struct str private_domains[] = { STR("localhost"), STR("test"), STR("local"),
                                              STR("internal") };

/* "[::1]" is the address within. */
static bool is_address(struct str host, bool *ret_loopback)
{
    char text[INET6_ADDRSTRLEN];
    struct in_addr v4;
    struct in6_addr v6;
    if (str_starts(host, STR("["))) {
        host = str_of(host.data + 1, host.len > 1 ? host.len - 2 : 0);
    }
    if (!str_keep(host, text, sizeof(text))) {
        return false;
    }
    if (inet_pton(AF_INET, text, &v4) == 1) {
        *ret_loopback = ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
        return true;
    }
    bool is_v6 = inet_pton(AF_INET6, text, &v6) == 1;
    *ret_loopback = is_v6 && IN6_IS_ADDR_LOOPBACK(&v6);
    return is_v6;
}

/* One without a dot is of this network: a container's, a machine's. */
static bool is_private_name(struct str host)
{
    const char *dot = host.len > 0 ? memrchr(host.data, '.', host.len) : NULL;
    struct str last = dot ? str_skip(host, (size_t)(dot - host.data) + 1) : STR("");
    for (size_t i = 0; i < ARRAY_COUNT(private_domains); i++) {
        if (str_eq_nocase(last, private_domains[i])) {
            return true;
        }
    }
    return host.len > 0 && !dot;
}

bool http_page_is_local_host(struct str host)
{
    bool loopback;
    struct str name = http_host_without_port(host);
    return is_address(name, &loopback) || is_private_name(name);
}

/* "scheme://host:port", or "null" of a page that hides its site. */
static bool is_local_origin(struct str origin)
{
    bool loopback;
    struct str host = str_behind(origin, STR("://"));
    if (host.len == 0) {
        return false;
    }
    host = http_host_without_port(host);
    return is_address(host, &loopback) ? loopback : is_private_name(host);
}

bool http_page_is_foreign(struct str origin, struct str fetch_site)
{
    return origin.data ? !is_local_origin(origin) : str_eq(fetch_site, STR("cross-site"));
}
