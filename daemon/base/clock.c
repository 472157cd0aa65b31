/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

int64_t clock_unix(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool is_digits(const char *text, const char *pattern)
{
    for (; *pattern; pattern++, text++)
        if (*pattern == '0' ? *text < '0' || *text > '9' : *text != *pattern)
            return false;
    return true;
}

/* "Z" or "+01:30", to the end, in seconds. */
static int parse_offset(const char *text, int64_t *ret_seconds)
{
    int hours = 0, minutes = 0;
    bool is_utc = !strcmp(text, "Z");
    bool is_offset = (*text == '+' || *text == '-') && is_digits(text + 1, "00:00") && !text[6];
    if (is_offset)
        sscanf(text + 1, "%2d:%2d", &hours, &minutes);
    if ((!is_utc && !is_offset) || hours > 23 || minutes > 59)
        return -EINVAL;
    *ret_seconds = (*text == '-' ? -60 : 60) * (60 * hours + minutes);
    return 0;
}

static int parse_fraction(const char **text)
{
    int milliseconds = 0, scale = 100;
    if (**text != '.')
        return 0;
    for (++*text; **text >= '0' && **text <= '9'; ++*text, scale /= 10)
        milliseconds += scale * (**text - '0');
    return milliseconds;
}

/* The calendar has no 30th of February. */
static bool is_day(struct tm tm)
{
    int day = tm.tm_mday;
    return timegm(&tm) != -1 && tm.tm_mday == day;
}

int clock_parse(const char *text, int64_t *ret_unix)
{
    struct tm tm = {0};
    int64_t offset = 0;
    int milliseconds = 0;
    const char *rest = is_digits(text, "0000-00-00") ? strptime(text, "%Y-%m-%d", &tm) : NULL;
    if (!rest || !is_day(tm))
        return -EINVAL;
    if (*rest) {
        rest = is_digits(rest, "T00:00:00") ? strptime(rest, "T%H:%M:%S", &tm) : NULL;
        if (!rest)
            return -EINVAL;
        milliseconds = parse_fraction(&rest);
        if (parse_offset(rest, &offset) < 0)
            return -EINVAL;
    }
    *ret_unix = (timegm(&tm) - offset) * 1000 + milliseconds;
    return 0;
}
