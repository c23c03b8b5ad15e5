/* SPDX-License-Identifier: MIT
 *
 * Services for conformance suites: echo sends back what it gets, close ends the session at once.
 */
#pragma once

#include "gateway/service.h"

extern const struct service_ops service_echo_ops;  /* context: struct stats */
extern const struct service_ops service_close_ops; /* context: none */
