// SPDX-License-Identifier: MIT
//
// The broker is killed ten times under 200 clients of every transport on three gateways; no client may notice more than a
// pause, and every receipted message is accounted for.
