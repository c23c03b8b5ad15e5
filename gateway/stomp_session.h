/* SPDX-License-Identifier: MIT
 *
 * The STOMP conversation of a session, as a service.
 */
#pragma once

#include "gateway/broker_link.h"
#include "gateway/delivery.h"
#include "gateway/service.h"

struct stomp; /* what the conversations of a gateway share; the context of stomp_service_ops */

struct stomp *stomp_create(struct runtime *runtime, struct broker_link *link,
                           struct delivery *delivery);
void stomp_destroy(struct stomp *stomp); /* takes NULL; no session may be left */

extern const struct service_ops stomp_service_ops;
