/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <criterion/criterion.h>
#include <errno.h>

Test(clock, times_are_parsed)
{
    static const struct {
        const char *text;
        int64_t unix_ms;
    } times[] = {{"1970-01-01", 0},
                 {"1970-01-01T00:00:01Z", 1000},
                 {"1970-01-01T00:00:00.25Z", 250},
                 {"1970-01-01T00:00:00.1239999Z", 123},
                 {"1970-01-01T01:30:00+01:30", 0},
                 {"1969-12-31T23:00:00-01:00", 0},
                 {"2000-02-29T12:00:00Z", 951825600000},
                 {"2016-12-31T23:59:60Z", 1483228800000},
                 {"1969-12-31T23:59:59Z", -1000}};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        int64_t found = 77;
        cr_expect_eq(clock_parse(times[i].text, &found), 0, "%s", times[i].text);
        cr_expect_eq(found, times[i].unix_ms, "%s: %lld", times[i].text, (long long)found);
    }
}

Test(clock, what_is_no_time_is_refused)
{
    static const char *const texts[] = {"",
                                        "yesterday",
                                        "2026-11",
                                        "2026-1-1",
                                        "2026-02-30",
                                        "2026-13-01",
                                        "2026-11-27T",
                                        "2026-11-27T08:00:00",
                                        "2026-11-27 08:00:00Z",
                                        "2026-11-27T25:00:00Z",
                                        "2026-11-27T08:00:00Zulu",
                                        "2026-11-27T08:00:00+1:00",
                                        "2026-11-27T08:00:00+01:60",
                                        "2026-11-27T08:00:00+24:00",
                                        " 2026-11-27",
                                        "2026-11-27Z"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int64_t found = 77;
        cr_expect_eq(clock_parse(texts[i], &found), -EINVAL, "%s", texts[i]);
        cr_expect_eq(found, 77, "%s", texts[i]);
    }
}
