/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/peer.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>

uint16_t peer_name(const struct sockaddr_storage *peer, char ret_address[INET6_ADDRSTRLEN])
{
    if (peer->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)peer;
        bool mapped = IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);
        (void)inet_ntop(mapped ? AF_INET : AF_INET6, in6->sin6_addr.s6_addr + (mapped ? 12 : 0),
                        ret_address, INET6_ADDRSTRLEN); /* there is room */
        return ntohs(in6->sin6_port);
    }
    if (peer->ss_family == AF_INET) {
        const struct sockaddr_in *in4 = (const struct sockaddr_in *)peer;
        (void)inet_ntop(AF_INET, &in4->sin_addr, ret_address, INET6_ADDRSTRLEN);
        return ntohs(in4->sin_port);
    }
    (void)snprintf(ret_address, INET6_ADDRSTRLEN, "127.0.0.1"); /* a local socket */
    return 0;
}
