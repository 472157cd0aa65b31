/* SPDX-License-Identifier: Apache-2.0 */
/* Units "… since …" of a clock: whether readers make dates of them. A unit, a calendar or a date
 * that they do not know would cost the whole data set: xarray then opens none of it. Units and
 * calendars are those of CF 1.11, section 4.4, as far as cftime and pandas decode them. */
#include "model/job_parts.h"

#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum calendar { STANDARD, PROLEPTIC, JULIAN, NO_LEAP, ALL_LEAP, DAYS_360, N_CALENDARS };

static const struct {
    const char *name;
    enum calendar calendar;
} calendars[] = {
    {"standard", STANDARD}, {"gregorian", STANDARD}, {"proleptic_gregorian", PROLEPTIC},
    {"julian", JULIAN},     {"noleap", NO_LEAP},     {"365_day", NO_LEAP},
    {"all_leap", ALL_LEAP}, {"366_day", ALL_LEAP},   {"360_day", DAYS_360}};

#define ALL    ((1 << N_CALENDARS) - 1)
#define SECOND INT64_C(1000000000)

static const struct unit {
    const char *name; /* also with an s */
    int calendars;    /* 1 << each in which it has a length */
    int64_t length;   /* in nanoseconds */
} units[] = {{"nanosecond", 1 << STANDARD | 1 << PROLEPTIC, 1},
             {"microsecond", ALL, 1000},
             {"microsec", ALL, 1000},
             {"millisecond", ALL, 1000000},
             {"millisec", ALL, 1000000},
             {"msec", ALL, 1000000},
             {"ms", ALL, 1000000},
             {"second", ALL, SECOND},
             {"sec", ALL, SECOND},
             {"s", ALL, SECOND},
             {"minute", ALL, 60 * SECOND},
             {"min", ALL, 60 * SECOND},
             {"hour", ALL, 3600 * SECOND},
             {"hr", ALL, 3600 * SECOND},
             {"h", ALL, 3600 * SECOND},
             {"day", ALL, 86400 * SECOND},
             {"d", ALL, 86400 * SECOND},
             {"month", 1 << DAYS_360, 30 * 86400 * SECOND},
             {"common_year", 1 << NO_LEAP, 365 * 86400 * SECOND}};

static bool find_calendar(const char *name, enum calendar *ret)
{
    for (size_t i = 0; i < sizeof calendars / sizeof *calendars; i++)
        if (!strcasecmp(calendars[i].name, name)) {
            *ret = calendars[i].calendar;
            return true;
        }
    return false;
}

/* The unit that the first n bytes of `word` name; NULL: none. */
static const struct unit *find_unit(const char *word, size_t n)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t own = strlen(units[i].name);
        bool is_it = !strncasecmp(units[i].name, word, own) &&
                     (n == own || (n == own + 1 && (word[own] | 0x20) == 's'));
        if (is_it && n >= own)
            return &units[i];
    }
    return NULL;
}

static bool is_unit(const char *word, size_t n, enum calendar calendar)
{
    const struct unit *u = find_unit(word, n);
    return u && u->calendars >> calendar & 1;
}

static bool is_leap(long year, enum calendar calendar)
{
    bool fourth = year % 4 == 0;
    if (calendar == NO_LEAP || calendar == ALL_LEAP)
        return calendar == ALL_LEAP;
    bool counts_centuries = calendar == PROLEPTIC || (calendar == STANDARD && year > 1582);
    return fourth && (!counts_centuries || year % 100 != 0 || year % 400 == 0);
}

static int days_of(long year, long month, enum calendar calendar)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (calendar == DAYS_360)
        return 30;
    return days[month - 1] + (month == 2 && is_leap(year, calendar));
}

/* Digits, and what follows them. */
static bool take_number(const char **at, char after, long *ret)
{
    char *end;
    if (**at < '0' || **at > '9')
        return false;
    *ret = strtol(*at, &end, 10);
    if (end - *at > 6 || (after && *end != after))
        return false;
    *at = end + (after != '\0');
    return true;
}

/* "12", "12:30", "12:30:00.5", with a zone or without. */
static bool is_time(const char *at)
{
    static const long most[] = {23, 59, 59};
    size_t n = strspn(at, "0123456789:.");
    const char *zone = at + n + strspn(at + n, " ");
    long part;
    for (int i = 0; i < 3 && at < zone && *at != ' '; i++) {
        if (!take_number(&at, '\0', &part) || part > most[i])
            return false;
        if (i == 2 && *at == '.')
            at += 1 + strspn(at + 1, "0123456789");
        else if (i < 2 && *at == ':')
            at++;
    }
    return (*at == '\0' || *at == ' ' || at == zone) &&
           (!*zone || !strcmp(zone, "Z") || !strcmp(zone, "UTC") || !strcmp(zone, "GMT") ||
            ((*zone == '+' || *zone == '-') && zone[1 + strspn(zone + 1, "0123456789:")] == '\0'));
}

static bool is_date(const char *at, enum calendar calendar)
{
    long year, month, day;
    bool is_negative = *at == '-';
    at += is_negative;
    if (!take_number(&at, '-', &year) || !take_number(&at, '-', &month) ||
        !take_number(&at, '\0', &day))
        return false;
    bool has_year_zero = calendar != STANDARD && calendar != JULIAN;
    if ((year == 0 && !has_year_zero) || month < 1 || month > 12 || day < 1 ||
        day > days_of(year, month, calendar))
        return false;
    if (*at != '\0' && *at != ' ' && *at != 'T')
        return false;
    return !*at || is_time(at + 1);
}

static int check_since(struct making *m, const struct clock *c, const char *text,
                       const char *calendar_name)
{
    const char *since = strstr(text, " since "), *date = since + strlen(" since ");
    enum calendar calendar;
    if (!find_calendar(calendar_name, &calendar))
        return job_making_fault(m, "clocks", c->name, "",
                                "no reader knows the calendar '%.60s': there are standard, "
                                "proleptic_gregorian, julian, noleap, all_leap and 360_day",
                                calendar_name);
    if (!is_unit(text, (size_t)(since - text), calendar))
        return job_making_fault(m, "clocks", c->name, "",
                                "no reader makes dates of '%.100s' in the calendar %s: count days, "
                                "hours, minutes or seconds (months: in 360_day only)",
                                text, calendar_name);
    if (!is_date(date + strspn(date, " "), calendar))
        return job_making_fault(m, "clocks", c->name, "",
                                "'%.100s' is no date of the calendar %s: write YEAR-MONTH-DAY, and "
                                "HOUR:MINUTE:SECOND after it, or not",
                                date, calendar_name);
    return 0;
}

static int refuse_units(struct making *m, const struct clock *c, const char *key, const char *own,
                        const char *others)
{
    const struct clock *main = &m->job->clocks[m->job->main_clock];
    return job_making_fault(m, "clocks", c->name, "",
                            "its %s: '%.100s', but the main clock's ('%s'), whose labels it takes: "
                            "'%.100s': write its labels in these",
                            key, own, main->name, others);
}

static int64_t common_divisor(int64_t a, int64_t b)
{
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Units of a fixed length, counted from one date, or both from none. */
static bool find_ratio(const char *own, const char *others, struct job_clock_ratio *ret)
{
    size_t n[2] = {strcspn(own, " "), strcspn(others, " ")};
    const struct unit *u[2] = {find_unit(own, n[0]), find_unit(others, n[1])};
    if (!u[0] || !u[1] || strcmp(own + n[0], others + n[1]) != 0)
        return false;
    /* Months and years have a length in a calendar only. */
    if (!own[n[0]] && (u[0]->calendars & u[1]->calendars) != ALL)
        return false;
    int64_t divisor = common_divisor(u[0]->length, u[1]->length);
    *ret = (struct job_clock_ratio){u[0]->length / divisor, u[1]->length / divisor};
    return true;
}

/* Labels become the main clock's own. */
static int take_main(struct making *m, struct clock *c, struct job_clock_ratio *ratio)
{
    const struct clock *main = &m->job->clocks[m->job->main_clock];
    const char *calendar[2] = {json_member_string(c->attrs, "calendar"),
                               json_member_string(main->attrs, "calendar")};
    const char *text[2] = {json_member_string(c->attrs, "units"),
                           json_member_string(main->attrs, "units")};
    if (calendar[0] && calendar[1] && strcmp(calendar[0], calendar[1]) != 0)
        return refuse_units(m, c, "calendar", calendar[0], calendar[1]);
    if (!text[0] || !text[1] || !strcmp(text[0], text[1]))
        return 0;
    if (!find_ratio(text[0], text[1], ratio))
        return refuse_units(m, c, "units", text[0], text[1]);
    json_object_set(c->attrs, "units", json_object_get(main->attrs, "units"));
    return 0;
}

int job_clock_units_check(struct making *m, struct clock *c, struct job_clock_ratio *ret_ratio)
{
    const char *text = json_member_string(c->attrs, "units");
    const char *calendar = json_member_string(c->attrs, "calendar");
    struct job_clock_ratio ratio = {1, 1};
    int r = 0;
    if (text && strstr(text, " since "))
        r = check_since(m, c, text, calendar ? calendar : "standard");
    r = r ? r : take_main(m, c, &ratio);
    if (r == 0)
        *ret_ratio = ratio;
    return r;
}
