/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/variates.h"

#include <math.h>
#include <string.h>

#define LARGEST_COUNT 1e15 /* means and numbers of trials beyond would not be counted exactly */

/* ---- logarithm and exponential ---- */

#define LN2_HIGH 6.93147180369123816490e-01 /* its last 32 bits are zero */
#define LN2_LOW  1.90821492927058770002e-10

/* x = 2^k m, m from sqrt(1/2) to sqrt(2); ln m = 2 artanh((m - 1) / (m + 1)), by its series. */
double variates_log(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int k = (int)(bits >> 52) - 1023;
    bits = (bits & 0x000fffffffffffffu) | 0x3ff0000000000000u;
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m > 1.4142135623730951) {
        m *= 0.5;
        k++;
    }
    double s = (m - 1) / (m + 1), z = s * s, sum = 0;
    for (int i = 23; i >= 3; i -= 2)
        sum = z * (1.0 / i + sum);
    return k * LN2_HIGH + (2 * s + (2 * s * sum + k * LN2_LOW));
}

/* x = k ln 2 + r; e^r by its series. */
double variates_exp(double x)
{
    double k = floor(x * 1.4426950408889634 + 0.5), r = (x - k * LN2_HIGH) - k * LN2_LOW, sum = 1;
    for (int i = 14; i >= 1; i--)
        sum = 1 + r * sum / i;
    uint64_t bits = (uint64_t)((int64_t)k + 1023) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return sum * power;
}

/* ---- one word to a number between 0 and 1, both left out ---- */

/* 52 bits and a half: it and 1 less it are exact. */
static double within(uint64_t word)
{
    return ((double)(word >> 12) + 0.5) * 0x1p-52;
}

static double draw(struct random *r)
{
    uint64_t word;
    random_words(r, &word, 1);
    return within(word);
}

/* ---- by inversion ---- */

static double ratio(const double a[8], const double b[8], double x)
{
    double up = a[7], down = b[7];
    for (int i = 6; i >= 0; i--) {
        up = up * x + a[i];
        down = down * x + b[i];
    }
    return up / down;
}

static double normal(double p)
{
    static const double a[8] = {3.3871328727963666080e0, 1.3314166789178437745e2,
                                1.9715909503065514427e3, 1.3731693765509461125e4,
                                4.5921953931549871457e4, 6.7265770927008700853e4,
                                3.3430575583588128105e4, 2.5090809287301226727e3};
    static const double b[8] = {1,
                                4.2313330701600911252e1,
                                6.8718700749205790830e2,
                                5.3941960214247511077e3,
                                2.1213794301586595867e4,
                                3.9307895800092710610e4,
                                2.8729085735721942674e4,
                                5.2264952788528545610e3};
    static const double c[8] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                                5.76949722146069140550e0,  3.64784832476320460504e0,
                                1.27045825245236838258e0,  2.41780725177450611770e-1,
                                2.27238449892691845833e-2, 7.74545014278341407640e-4};
    static const double d[8] = {1,
                                2.05319162663775882187e0,
                                1.67638483018380384940e0,
                                6.89767334985100004550e-1,
                                1.48103976427480074590e-1,
                                1.51986665636164571966e-2,
                                5.47593808499534494600e-4,
                                1.05075007164441684324e-9};
    static const double e[8] = {6.65790464350110377720e0,  5.46378491116411436990e0,
                                1.78482653991729133580e0,  2.96560571828504891230e-1,
                                2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                2.71155556874348757815e-5, 2.01033439929228813265e-7};
    static const double f[8] = {1,
                                5.99832206555887937690e-1,
                                1.36929880922735805310e-1,
                                1.48753612908506148525e-2,
                                7.86869131145613259100e-4,
                                1.84631831751005468180e-5,
                                1.42151175831644588870e-7,
                                2.04426310338993978564e-15};
    double q = p - 0.5;
    if (fabs(q) <= 0.425)
        return q * ratio(a, b, 0.180625 - q * q);
    double r = sqrt(-variates_log(q < 0 ? p : 1 - p));
    double x = r <= 5 ? ratio(c, d, r - 1.6) : ratio(e, f, r - 5);
    return q < 0 ? -x : x;
}

/* More than this are, at a mean below 10, less likely than 1e-150: rounding alone leads there. */
enum { SEARCH_MOST = 200 };

/* u of the probabilities is used up from 0 on: p(k) = p(k - 1) · (b / k - a). */
static double search(double u, double p, double a, double b, double most)
{
    double k = 0;
    while (u > p && k < most && k < SEARCH_MOST) {
        u -= p;
        k++;
        p *= b / k - a;
    }
    return k;
}

/* ---- by rejection ---- */

/* ln k! - ((k + 1/2) ln(k + 1) - (k + 1) + ln(2 pi) / 2) */
static double stirling_rest(double k)
{
    static const double table[10] = {
        0.08106146679532726,  0.04134069595540929,  0.02767792568499834, 0.02079067210376509,
        0.01664469118982119,  0.01387612882307075,  0.01189670994589177, 0.01041126526197209,
        0.009255462182712733, 0.008330563433362871,
    };
    if (k < 10)
        return table[(int)k];
    double x = 1 / (k + 1), z = x * x;
    return (1.0 / 12 - (1.0 / 360 - z / 1260) * z) * x;
}

static double log_factorial(double k)
{
    return (k + 0.5) * variates_log(k + 1) - (k + 1) + 0.91893853320467274178 + stirling_rest(k);
}

static double poisson_by_rejection(struct random *r, double mean)
{
    double root = sqrt(mean), log_mean = variates_log(mean);
    double b = 0.931 + 2.53 * root, a = -0.059 + 0.02483 * b;
    double log_inverse = variates_log(1.1239 + 1.1328 / (b - 3.4));
    double safe = 0.9277 - 3.6224 / (b - 2);
    for (;;) {
        double u = draw(r) - 0.5, v = draw(r), us = 0.5 - fabs(u);
        double k = floor((2 * a / us + b) * u + mean + 0.43);
        if (us >= 0.07 && v <= safe)
            return k;
        if (k < 0 || (us < 0.013 && v > us))
            continue;
        if (variates_log(v) + log_inverse - variates_log(a / (us * us) + b) <=
            k * log_mean - mean - log_factorial(k))
            return k;
    }
}

/* p at most 1/2. */
static double binomial_by_rejection(struct random *r, double n, double p)
{
    double odds = p / (1 - p), root = sqrt(n * p * (1 - p));
    double b = 1.15 + 2.53 * root, a = -0.0873 + 0.0248 * b + 0.01 * p;
    double alpha = (2.83 + 5.1 / b) * root, safe = 0.92 - 4.2 / b, m = floor((n + 1) * p);
    for (;;) {
        double u = draw(r) - 0.5, v = draw(r), us = 0.5 - fabs(u);
        double k = floor((2 * a / us + b) * u + n * p + 0.5);
        if (us >= 0.07 && v <= safe)
            return k;
        if (k < 0 || k > n)
            continue;
        double most = (m + 0.5) * variates_log((m + 1) / (odds * (n - m + 1))) +
                      (n + 1) * variates_log((n - m + 1) / (n - k + 1)) +
                      (k + 0.5) * variates_log(odds * (n - k + 1) / (k + 1)) + stirling_rest(m) +
                      stirling_rest(n - m) - stirling_rest(k) - stirling_rest(n - k);
        if (variates_log(v * alpha / (a / (us * us) + b)) <= most)
            return k;
    }
}

/* ---- the distributions ---- */

enum { BY_SEARCH_BELOW = 10 };

static void draw_words(struct random *r, int32_t distribution, double a, double b, double *ret,
                       int64_t n)
{
    uint64_t words[64];
    for (int64_t i = 0, m; i < n; i += m) {
        m = n - i < 64 ? n - i : 64;
        random_words(r, words, m);
        for (int64_t k = 0; k < m; k++) {
            double u = within(words[k]);
            ret[i + k] = distribution == SIMLAB_NORMAL ? a + b * normal(u) : -a * variates_log(u);
        }
    }
}

static double poisson(struct random *r, double mean, double none)
{
    return mean < BY_SEARCH_BELOW ? search(draw(r), none, 0, mean, LARGEST_COUNT)
                                  : poisson_by_rejection(r, mean);
}

static double binomial(struct random *r, double n, double p, double none)
{
    double rare = p <= 0.5 ? p : 1 - p, odds = rare / (1 - rare);
    double k = n * rare < BY_SEARCH_BELOW ? search(draw(r), none, odds, (n + 1) * odds, n)
                                          : binomial_by_rejection(r, n, rare);
    return p <= 0.5 ? k : n - k;
}

void variates_draw(struct random *r, int32_t distribution, double a, double b, double *ret,
                   int64_t n)
{
    double rare = b <= 0.5 ? b : 1 - b, none = 0; /* the probability of 0 */
    switch (distribution) {
    case SIMLAB_POISSON:
        none = a < BY_SEARCH_BELOW ? variates_exp(-a) : 0;
        for (int64_t i = 0; i < n; i++)
            ret[i] = poisson(r, a, none);
        break;
    case SIMLAB_BINOMIAL:
        none = a * rare < BY_SEARCH_BELOW ? variates_exp(a * variates_log(1 - rare)) : 0;
        for (int64_t i = 0; i < n; i++)
            ret[i] = binomial(r, a, b, none);
        break;
    default:
        draw_words(r, distribution, a, b, ret, n);
    }
}

const char *variates_refuse(int32_t distribution, double a, double b)
{
    switch (distribution) {
    case SIMLAB_NORMAL:
        return isfinite(a) && b >= 0 && isfinite(b) ? NULL : "a mean and a deviation of 0 or more";
    case SIMLAB_EXPONENTIAL:
        return a >= 0 && isfinite(a) ? NULL : "a mean of 0 or more";
    case SIMLAB_POISSON:
        return a >= 0 && a <= LARGEST_COUNT ? NULL : "a mean from 0 to 1e15";
    case SIMLAB_BINOMIAL:
        return a >= 0 && a <= LARGEST_COUNT && a == floor(a) && b >= 0 && b <= 1
                   ? NULL
                   : "a number of trials from 0 to 1e15 and a probability from 0 to 1";
    default:
        return "a distribution of enum simlab_distribution";
    }
}
