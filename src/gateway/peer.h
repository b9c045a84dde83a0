/* Who a client is: its address in text.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

/* Writes the address; an IPv4 one that came through an IPv6 socket as IPv4, a local socket's as
 * 127.0.0.1. Returns the port, 0 where there is none. */
uint16_t peer_name(const struct sockaddr_storage *peer, char ret_address[INET6_ADDRSTRLEN]);
