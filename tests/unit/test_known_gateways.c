/* SPDX-License-Identifier: MIT
 *
 * The files beside the link socket that name linked gateways.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/known_gateways.h"
#include "common/mem.h"

#define MANY 8

static char folder[] = "/tmp/known-gateways-XXXXXX";
static char socket_path[64];

static int make_folder(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(socket_path, sizeof(socket_path), "%s/broker.sock", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static size_t read_into(size_t max, uint64_t numbers[static MANY])
{
    struct buf read = {NULL, 0, 0};
    known_gateways_read(socket_path, max, &read);
    size_t count = read.len / sizeof(*numbers);
    assert_true(count <= MANY && read.len % sizeof(*numbers) == 0);
    if (count > 0) {
        memcpy(numbers, read.data, read.len);
    }
    buf_finish(&read);
    return count;
}

static void those_added_and_not_removed_are_read(void **state)
{
    uint64_t numbers[MANY] = {0};
    (void)state;
    assert_int_equal(read_into(MANY, numbers), 0);
    known_gateways_add(socket_path, 1, "one");
    known_gateways_add(socket_path, UINT64_MAX, "two");
    assert_int_equal(read_into(MANY, numbers), 2);
    assert_true((numbers[0] == 1 && numbers[1] == UINT64_MAX) ||
                (numbers[1] == 1 && numbers[0] == UINT64_MAX));
    known_gateways_remove(socket_path, 1);
    known_gateways_remove(socket_path, 1);
    assert_int_equal(read_into(MANY, numbers), 1);
    assert_true(numbers[0] == UINT64_MAX);
    known_gateways_remove(socket_path, UINT64_MAX);
}

static void no_more_are_read_than_may_link(void **state)
{
    uint64_t numbers[MANY] = {0};
    (void)state;
    for (uint64_t number = 1; number <= 3; number++) {
        known_gateways_add(socket_path, number, "");
    }
    assert_int_equal(read_into(3, numbers), 3);
    assert_int_equal(read_into(2, numbers), 2);
    for (uint64_t number = 1; number <= 3; number++) {
        known_gateways_remove(socket_path, number);
    }
}

static void other_files_are_left_alone(void **state)
{
    static const char *const names[] = {
        "broker.sock.1.gatewayx",
        "broker.sock..gateway",
        "other.sock.0000000000000001.gateway",
        "broker.sock.00000000000000011.gateway",
        "broker.sock.0000000000000001",
        "broker.sock.1.gateway",
        "broker.sock.000000000000000G.gateway",
    };
    uint64_t numbers[MANY] = {0};
    char path[128];
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(close(fd), 0);
        assert_int_equal(read_into(MANY, numbers), 0);
        assert_int_equal(unlink(path), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_added_and_not_removed_are_read),
        cmocka_unit_test(no_more_are_read_than_may_link),
        cmocka_unit_test(other_files_are_left_alone),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
