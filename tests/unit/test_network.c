/* SPDX-License-Identifier: MIT
 *
 * Addresses and networks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/mem.h"
#include "common/network.h"

static void a_network_has_the_addresses_that_share_its_front(void **state)
{
    static const struct {
        const char *network;
        const char *address;
        bool has;
    } table[] = {
        {"127.0.0.1", "127.0.0.1", true},
        {"127.0.0.1", "127.0.0.2", false},
        {"127.0.0.1", "::ffff:127.0.0.1", true},
        {"127.0.0.1", "::1", false},
        {"10.0.0.0/8", "10.255.255.255", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.1.2.3/8", "10.9.9.9", true},
        {"192.0.2.128/25", "192.0.2.128", true},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"192.0.2.4/31", "192.0.2.5", true},
        {"192.0.2.4/31", "192.0.2.6", false},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "203.0.113.9", true},
        {"::/0", "2001:db8::1", true},
        {"2001:db8::/32", "2001:db8:ffff::1", true},
        {"2001:db8::/32", "2001:db9::", false},
        {"::1", "::1", true},
        {"::1/128", "::2", false},
    };
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(table); i++) {
        struct network network, address;
        assert_true(network_parse(table[i].network, &network));
        assert_true(network_parse(table[i].address, &address));
        assert_int_equal(network_has(&network, address.address), table[i].has);
    }
}

static void what_is_no_network_is_refused(void **state)
{
    static const char *const table[] = {
        "",
        "/",
        "localhost",
        "127.0.0",
        "127.0.0.1/",
        "127.0.0.1/33",
        "127.0.0.1/-1",
        "127.0.0.1/8x",
        "::1/129",
        "[::1]",
        "10.0.0.0/8/8",
        " 10.0.0.1",
        "1.2.3.4:80",
        "*",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999:0000:1111:2222",
    };
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(table); i++) {
        struct network network;
        assert_false(network_parse(table[i], &network));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_has_the_addresses_that_share_its_front),
        cmocka_unit_test(what_is_no_network_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
