/* SPDX-License-Identifier: Apache-2.0 */
#include "base/units.h"

#include <string.h>

/* Words with blanks around them. Symbols take prefixes of symbols ("k"), names those of names
 * ("kilo") and a plural. */
static const char symbols[] =
    " m g s A K mol cd rad sr Hz N Pa J W C V F Ω S Wb T H lm lx Bq Gy Sv kat min h hr d yr l L t "
    "eV u au ha a bar atm cal sec b degC °C erg Gal lb ft in psi kt knot mi yd ppm ppb ppt ppv "
    "ppmv ppbv % ° ' \" mmHg inHg DU ";
static const char names[] =
    " meter metre gram second ampere kelvin mole candela radian steradian hertz newton pascal "
    "joule watt coulomb volt farad ohm siemens weber tesla henry lumen lux becquerel gray sievert "
    "katal minute hour day week fortnight month year common_year julian_year gregorian_year "
    "sidereal_day sidereal_year tropical_year degree arc_degree angular_degree arcdeg "
    "arcminute arcsecond arc_minute arc_second liter litre tonne metric_ton ton are hectare acre "
    "bar atmosphere torr calorie electronvolt electron_volt astronomical_unit light_year parsec "
    "angstrom micron inch foot feet yard mile nautical_mile fathom pound gallon barn dyne "
    "erg poise stokes gauss percent count celsius degree_celsius degrees_celsius fahrenheit "
    "degree_fahrenheit degF degree_C degrees_C degree_F degK degree_K degree_kelvin "
    "degrees_kelvin dobson molecule bit turn cycle revolution rpm level layer sigma_level "
    "sverdrup curie horsepower amu degree_north degrees_north degree_N degrees_N degreeN "
    "degreesN degree_east degrees_east degree_E degrees_E degreeE degreesE degree_west "
    "degrees_west degree_true degrees_true ";
static const char symbol_prefixes[] = " Y Z E P T G M k h da d c m u µ μ n p f a z y ";
static const char name_prefixes[] =
    " yotta zetta exa peta tera giga mega kilo hecto deca deka deci centi milli micro nano pico "
    "femto atto zepto yocto ";

enum { DEEPEST = 32 };

struct reading {
    const char *at;
    int depth;
};

static bool is_word_of(const char *list, const char *word, size_t n)
{
    for (const char *at = list; n > 0 && (at = strchr(at, ' ')) && *++at;)
        if (!strncmp(at, word, n) && at[n] == ' ')
            return true;
    return false;
}

static bool is_unit(const char *word, size_t n, const char *list, bool may_be_plural)
{
    return is_word_of(list, word, n) ||
           (may_be_plural && n > 1 && word[n - 1] == 's' && is_word_of(list, word, n - 1));
}

static bool has_unit(const char *word, size_t n, const char *prefixes, const char *list,
                     bool may_be_plural)
{
    if (is_unit(word, n, list, may_be_plural))
        return true;
    for (size_t own = 1; own < n; own++)
        if (is_word_of(prefixes, word, own) && is_unit(word + own, n - own, list, may_be_plural))
            return true;
    return false;
}

/* Of a name; so are bytes of characters that are not ASCII, but for "·" and the powers. */
static bool is_letter(const char *at)
{
    static const char *const others[] = {"·", "²", "³", NULL};
    for (int i = 0; others[i]; i++)
        if (!strncmp(at, others[i], strlen(others[i])))
            return false;
    return (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (signed char)*at < 0 ||
           (*at && strchr("_%'\"", *at));
}

static bool take_name(struct reading *x)
{
    size_t n = 0;
    while (is_letter(x->at + n))
        n++;
    if (!has_unit(x->at, n, symbol_prefixes, symbols, false) &&
        !has_unit(x->at, n, name_prefixes, names, true))
        return false;
    x->at += n;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool take_text(struct reading *x, const char *text)
{
    size_t n = strlen(text);
    if (strncmp(x->at, text, n) != 0)
        return false;
    x->at += n;
    return true;
}

static bool take_integer(struct reading *x)
{
    size_t sign = *x->at == '-' || *x->at == '+', n = strspn(x->at + sign, "0123456789");
    if (n == 0)
        return false;
    x->at += sign + n;
    return true;
}

static bool take_number(struct reading *x)
{
    const char *digits = x->at + (*x->at == '-' || *x->at == '+');
    if (!is_digit(*digits) && *digits != '.')
        return false;
    size_t n = strspn(digits, "0123456789."), e = digits[n] == 'e' || digits[n] == 'E';
    if (e) {
        size_t sign = digits[n + 1] == '-' || digits[n + 1] == '+';
        size_t power = strspn(digits + n + 1 + sign, "0123456789");
        n += power ? 1 + sign + power : 0;
    }
    if (n == 1 && *digits == '.')
        return false;
    x->at = digits + n;
    return true;
}

static bool take_product(struct reading *x);

static bool take_basic(struct reading *x)
{
    if (*x->at == '(') {
        if (++x->depth > DEEPEST)
            return false;
        x->at++;
        return take_product(x) && take_text(x, ")");
    }
    return take_number(x) || take_name(x);
}

static bool take_power(struct reading *x)
{
    if (!take_basic(x))
        return false;
    if (take_text(x, "^") || take_text(x, "**"))
        return take_integer(x);
    if (take_text(x, "²") || take_text(x, "³"))
        return true;
    if (is_digit(*x->at) || ((*x->at == '-' || *x->at == '+') && x->at[1] != '\0'))
        return take_integer(x);
    return true;
}

static void skip_blanks(struct reading *x)
{
    x->at += strspn(x->at, " \t");
}

static bool is_shift(const struct reading *x)
{
    static const char *const words[] = {"since", "after", "from", "ref", "@", NULL};
    for (int i = 0; words[i]; i++)
        if (!strncmp(x->at, words[i], strlen(words[i])))
            return true;
    return false;
}

static bool take_product(struct reading *x)
{
    skip_blanks(x);
    if (!take_power(x))
        return false;
    for (;;) {
        skip_blanks(x);
        if (*x->at == '\0' || *x->at == ')' || is_shift(x))
            return true;
        if (take_text(x, "per ") || take_text(x, "/") || take_text(x, "*") || take_text(x, "·"))
            skip_blanks(x);
        else if (*x->at == '.' && !is_digit(x->at[1]))
            x->at++;
        if (!take_power(x))
            return false;
    }
}

/* A number, or a date. */
static bool is_origin(const char *text)
{
    size_t n = strspn(text, "0123456789+-.:TZ eEUTCGM");
    return text[n] == '\0' && strpbrk(text, "0123456789") != NULL;
}

bool units_is_known(const char *text)
{
    struct reading x = {.at = text};
    skip_blanks(&x);
    if (*x.at == '\0')
        return true;
    if (!take_product(&x))
        return false;
    if (*x.at == '\0')
        return true;
    if (!is_shift(&x))
        return false;
    x.at += strcspn(x.at, " ");
    return is_origin(x.at);
}
