/* SPDX-License-Identifier: Apache-2.0 */
#include "http/auth.h"

#include <criterion/criterion.h>
#include <string.h>

Test(auth, host)
{
    struct listener tcp = {.fd = -1, .host = "sim.example"};
    static const char *const good[] = {"localhost",    "LocalHost:7464", "127.0.0.1",
                                       "127.0.0.1:80", "[::1]",          "[::1]:7464",
                                       "sim.example:1"};
    static const char *const bad[] = {"",
                                      "evil.example",
                                      "localhost.evil.example",
                                      "127.0.0.1.evil",
                                      "localhost:x",
                                      "localhost:80:80",
                                      "[::1",
                                      "::1",
                                      "[::1]x",
                                      ":80",
                                      "127.0.0.2",
                                      "localhost@evil",
                                      "10.0.0.1"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_assert(auth_host(&tcp, good[i]), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert(!auth_host(&tcp, bad[i]), "%s", bad[i]);
    cr_assert(!auth_host(&tcp, NULL));
}

Test(auth, host_of_a_listener_on_every_address)
{
    struct listener any = {.fd = -1, .host = "0.0.0.0", .any_host = true};
    cr_assert(auth_host(&any, "10.1.2.3:7464"));
    cr_assert(auth_host(&any, "[fe80::1]"));
    cr_assert(!auth_host(&any, "evil.example"));
}

Test(auth, token)
{
    struct listener tcp = {.fd = -1, .host = "localhost"};
    static const char *const bad[] = {"",
                                      "Bearer",
                                      "Bearer ",
                                      "secret",
                                      "Basic secret",
                                      "Bearer secre",
                                      "Bearer secretx",
                                      "Bearer Secret",
                                      "Bearer secret secret"};
    char who[64];
    cr_assert(auth_principal(&tcp, -1, "Bearer secret", "secret", who, sizeof who));
    cr_assert_str_eq(who, "token");
    cr_assert(auth_principal(&tcp, -1, "bearer  secret", "secret", who, sizeof who));
    cr_assert(!auth_principal(&tcp, -1, NULL, "secret", who, sizeof who));
    cr_assert(!auth_principal(&tcp, -1, "Bearer ", "", who, sizeof who));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert(!auth_principal(&tcp, -1, bad[i], "secret", who, sizeof who), "%s", bad[i]);
}
