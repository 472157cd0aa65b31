/* SPDX-License-Identifier: Apache-2.0 */
#include "base/units.h"

#include <criterion/criterion.h>

/* Each judged as UDUNITS 2.2.28 does. */
Test(units, that_are_known)
{
    static const char *const texts[] = {"",
                                        " ",
                                        "m",
                                        "m/yr",
                                        "m2",
                                        "m-2",
                                        "m^2",
                                        "m**2",
                                        "m²",
                                        "kg m-2 s-1",
                                        "W.m-2",
                                        "m·s",
                                        "(m/s)2",
                                        "1",
                                        "1e-3",
                                        "10 m",
                                        "%",
                                        "percent",
                                        "degrees_north",
                                        "degree_E",
                                        "m s-1",
                                        "m per s",
                                        "km2",
                                        "kilometers",
                                        "µm",
                                        "dbar",
                                        "hPa",
                                        "degC",
                                        "°C",
                                        "K @ 273.15",
                                        "celsius",
                                        "kyr",
                                        "Myr",
                                        "years",
                                        "mm hr-1",
                                        "mol m^-3",
                                        "days since 2000-01-01",
                                        "hours since 2000-01-01 12:30:00 +1:00",
                                        "kg/kg",
                                        "psi",
                                        "ppm",
                                        "meters per second",
                                        "1.5e3 km"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        cr_expect(units_is_known(texts[i]), "%s", texts[i]);
}

Test(units, that_are_not)
{
    static const char *const texts[] = {"m^(1-2m)/yr",
                                        "individuals",
                                        "widgets",
                                        "m/",
                                        "/m",
                                        "m(",
                                        "((m)",
                                        "m)",
                                        "m^",
                                        "m^x",
                                        "steps",
                                        "psu",
                                        "m ^ 2",
                                        "kkm",
                                        "k",
                                        "milli",
                                        ".",
                                        "-",
                                        "m-",
                                        "m since yesterday",
                                        "since 2000-01-01",
                                        "\xff",
                                        "m\n",
                                        "()",
                                        "elevation [m]"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        cr_expect_not(units_is_known(texts[i]), "%s", texts[i]);
}

Test(units, that_are_deep)
{
    char text[4096];
    for (size_t i = 0; i < sizeof text - 1; i++)
        text[i] = '(';
    text[sizeof text - 1] = '\0';
    cr_expect_not(units_is_known(text));
}
