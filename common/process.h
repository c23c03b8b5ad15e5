/* SPDX-License-Identifier: MIT
 *
 * What a process sets once for itself: signals, descriptor limit, random bytes, run directory.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* SIGPIPE ignored, umask 027, descriptors 0 to 2 open, RLIMIT_NOFILE raised to its hard limit,
 * one malloc arena. Returns the number of descriptors the process may have. */
size_t process_init(void);

/* From getrandom(2); never fails (no source of randomness ends the process). */
void process_random(void *bytes, size_t len);

/* Number of descriptors open now, for tests and gauges. */
size_t process_open_descriptors(void);
