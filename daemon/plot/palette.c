/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/palette.h"

#include <math.h>

static double unit(double t)
{
    return t > 0 ? t < 1 ? t : 1 : 0;
}

struct colour palette_mix(struct colour a, struct colour b, double t)
{
    return (struct colour){(uint8_t)lround(a.r + (b.r - a.r) * t),
                           (uint8_t)lround(a.g + (b.g - a.g) * t),
                           (uint8_t)lround(a.b + (b.b - a.b) * t)};
}

static struct colour table(const struct colour *stops, int n, double t)
{
    t = unit(t);
    int i = (int)(t * (n - 1));
    return i >= n - 1 ? stops[n - 1] : palette_mix(stops[i], stops[i + 1], t * (n - 1) - i);
}

struct colour palette_hypsometric(double t)
{
    static const struct colour stops[] = {
        {40, 92, 78},    {66, 113, 82},   {100, 135, 84},  {140, 154, 88},  {180, 168, 98},
        {206, 176, 118}, {219, 190, 146}, {229, 207, 176}, {239, 226, 206}, {248, 246, 242}};
    return table(stops, sizeof stops / sizeof *stops, t);
}

/* Equal steps of matplotlib's viridis (CC0). */
struct colour palette_viridis(double t)
{
    static const struct colour stops[] = {
        {68, 1, 84},    {72, 26, 108},  {71, 47, 125},  {65, 68, 135},
        {57, 86, 140},  {49, 104, 142}, {42, 120, 142}, {35, 136, 142},
        {31, 152, 139}, {34, 168, 132}, {53, 183, 121}, {84, 197, 104},
        {122, 209, 81}, {165, 219, 54}, {210, 226, 27}, {253, 231, 37}};
    return table(stops, sizeof stops / sizeof *stops, t);
}

struct colour palette_ordered(double t)
{
    return palette_viridis(0.84 * unit(t));
}

struct colour palette_grey(double t)
{
    uint8_t grey = (uint8_t)lround(255 * unit(t));
    return (struct colour){grey, grey, grey};
}

/* ---- diverging --------------------------------------------------------------------------- */

static uint8_t srgb(double linear)
{
    linear = unit(linear);
    double v = linear <= 0.0031308 ? 12.92 * linear : 1.055 * pow(linear, 1 / 2.4) - 0.055;
    return (uint8_t)lround(255 * v);
}

/* Lightness, chroma and hue (radians) of Oklab (B. Ottosson, 2020). */
static struct colour oklch(double lightness, double chroma, double hue)
{
    double a = chroma * cos(hue), b = chroma * sin(hue);
    double l = pow(lightness + 0.3963377774 * a + 0.2158037573 * b, 3);
    double m = pow(lightness - 0.1055613458 * a - 0.0638541728 * b, 3);
    double s = pow(lightness - 0.0894841775 * a - 1.2914855480 * b, 3);
    return (struct colour){srgb(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
                           srgb(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
                           srgb(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s)};
}

struct colour palette_diverging(double t)
{
    const double blue = 4.48, brown = 0.96;
    double from_middle = fabs(unit(t) - 0.5) * 2;
    double lightness = 0.975 - 0.575 * from_middle;
    double chroma = 0.13 * sin(1.5707963 * fmin(1, 1.25 * from_middle)) *
                    (1 - 0.25 * fmax(0, from_middle - 0.7) / 0.3);
    return oklch(lightness, chroma, t < 0.5 ? blue : brown);
}

/* ---- things ------------------------------------------------------------------------------ */

/* The set of M. Okabe and K. Ito, Color universal design (2008), without yellow. */
struct colour palette_distinct(int i)
{
    static const struct colour all[] = {{0, 114, 178}, {213, 94, 0},   {0, 158, 115},
                                        {40, 40, 40},  {86, 180, 233}, {204, 121, 167},
                                        {230, 159, 0}};
    return all[i % (int)(sizeof all / sizeof *all)];
}

struct colour palette_missing(int x, int y)
{
    const struct colour ground = {222, 224, 227}, hatch = {188, 192, 197};
    return (x + y) % 6 == 0 ? hatch : ground;
}
