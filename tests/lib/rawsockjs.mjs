// SPDX-License-Identifier: MIT
//
// A SockJS client on raw sockets that decides for each request which gateway gets it.
