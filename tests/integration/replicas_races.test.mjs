// SPDX-License-Identifier: MIT
//
// One session over three gateways: every race that ARCHITECTURE ("Sessions, claims and resumption") names, and the drain
// of a gateway, each request sent to a chosen gateway over a raw socket.
