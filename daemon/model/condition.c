/* SPDX-License-Identifier: Apache-2.0 */
#include "model/condition_parts.h"

#include "base/mem.h"
#include "base/number.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum operation { LESS, LESS_EQUAL, GREATER, GREATER_EQUAL, EQUAL, UNEQUAL, NOT, AND, OR };

/* In the order in which they are done: each takes the latest results, and leaves one. */
struct step {
    enum operation operation;
    struct condition_column *column; /* of a comparison */
    double number;
};

/* Each term, and each "not", "and" and "or" between them. */
enum { MOST_STEPS = 4 * CONDITION_MAX_TERMS, MOST_DEPTH = 64 };

struct condition {
    struct making making;
    struct step steps[MOST_STEPS];
    int n;
    bool results[CONDITION_MAX_TERMS + 1][CONDITION_PIECE];
};

/* ---- reading ---- */

struct reading {
    struct condition *condition;
    const char *text, *at;
    struct error *error;
    int n_terms, depth;
};

static int fault(const struct reading *r, const char *wanted)
{
    if (*r->at)
        return error_set(r->error, MODEL_INVALID, NULL,
                         "condition: at \"%.40s\" (byte %d) there should be %s", r->at,
                         (int)(r->at - r->text), wanted);
    return error_set(r->error, MODEL_INVALID, NULL, "condition: at its end there should be %s",
                     wanted);
}

static void skip_blanks(struct reading *r)
{
    r->at += strspn(r->at, " \t\n");
}

static bool in_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-';
}

static bool take_word(struct reading *r, const char *word)
{
    size_t n = strlen(word);
    skip_blanks(r);
    if (strncmp(r->at, word, n) != 0 || (isalpha((unsigned char)*word) && in_name(r->at[n])))
        return false;
    r->at += n;
    return true;
}

static int add_step(struct reading *r, struct step step)
{
    struct condition *c = r->condition;
    if (c->n == MOST_STEPS) {
        condition_column_free(step.column);
        return error_set(r->error, MODEL_INVALID, NULL, "condition: it has too many parts");
    }
    c->steps[c->n++] = step;
    return 0;
}

static int read_operation(struct reading *r, enum operation *ret)
{
    /* Those that begin others come after them. */
    static const struct {
        const char *text;
        enum operation operation;
    } operations[] = {{"<=", LESS_EQUAL}, {">=", GREATER_EQUAL}, {"!=", UNEQUAL}, {"==", EQUAL},
                      {"<", LESS},        {">", GREATER},        {"=", EQUAL}};
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
        if (take_word(r, operations[i].text)) {
            *ret = operations[i].operation;
            return 0;
        }
    return fault(r, "one of <, <=, >, >=, = and !=");
}

static int read_number(struct reading *r, double *ret)
{
    char *end;
    skip_blanks(r);
    *ret = strtod(r->at, &end);
    if (end == r->at || in_name(*end))
        return fault(r, "a number");
    r->at = end;
    return 0;
}

static int read_comparison(struct reading *r)
{
    struct step step = {.operation = EQUAL};
    size_t n = 0;
    while (in_name(r->at[n]))
        n++;
    if (n == 0)
        return fault(r, "the name of an input, \"not\" or \"(\"");
    if (++r->n_terms > CONDITION_MAX_TERMS)
        return error_set(r->error, MODEL_INVALID, NULL, "condition: more than %d comparisons",
                         CONDITION_MAX_TERMS);
    char *name = mem_printf("%.*s", (int)n, r->at);
    r->at += n;
    int result = read_operation(r, &step.operation);
    result = result ? result : read_number(r, &step.number);
    result = result ? result : condition_column_new(&r->condition->making, name, &step.column);
    free(name);
    return result ? result : add_step(r, step);
}

static int read_any(struct reading *r);

static int read_term(struct reading *r)
{
    int result;
    if (++r->depth > MOST_DEPTH)
        return error_set(r->error, MODEL_INVALID, NULL, "condition: it is nested too deeply");
    if (take_word(r, "not")) {
        result = read_term(r);
        result = result ? result : add_step(r, (struct step){.operation = NOT});
    } else if (take_word(r, "(")) {
        result = read_any(r);
        if (result == 0 && !take_word(r, ")"))
            result = fault(r, "\")\", \"and\" or \"or\"");
    } else {
        result = read_comparison(r);
    }
    r->depth--;
    return result;
}

static int read_all_of(struct reading *r)
{
    int result = read_term(r);
    while (result == 0 && take_word(r, "and")) {
        result = read_term(r);
        result = result ? result : add_step(r, (struct step){.operation = AND});
    }
    return result;
}

static int read_any(struct reading *r)
{
    int result = read_all_of(r);
    while (result == 0 && take_word(r, "or")) {
        result = read_all_of(r);
        result = result ? result : add_step(r, (struct step){.operation = OR});
    }
    return result;
}

int condition_new(const char *text, const json_t *document, const struct job_sources *sources,
                  struct condition **ret, struct error *e)
{
    if (strlen(text) > CONDITION_MAX_BYTES)
        return error_set(e, MODEL_INVALID, NULL, "condition: more than %d bytes",
                         CONDITION_MAX_BYTES);
    struct condition *c = mem_new(sizeof *c);
    c->making = (struct making){.document = document, .sources = sources, .error = e};
    struct reading r = {.condition = c, .text = text, .at = text, .error = e};
    int result = read_any(&r);
    skip_blanks(&r);
    if (result == 0 && *r.at)
        result = fault(&r, "\"and\" or \"or\"");
    c->making.error = NULL;
    if (result)
        condition_free(c);
    else
        *ret = c;
    return result;
}

struct condition *condition_free(struct condition *c)
{
    for (int i = 0; c && i < c->n; i++)
        condition_column_free(c->steps[i].column);
    free(c);
    return NULL;
}

/* ---- looking ---- */

static bool compare(enum operation operation, double a, double b)
{
    switch (operation) {
    case LESS:
        return a < b;
    case LESS_EQUAL:
        return a <= b;
    case GREATER:
        return a > b;
    case GREATER_EQUAL:
        return a >= b;
    case EQUAL:
        return a == b;
    default:
        return a < b || a > b; /* NaN is not unequal either: it is no number that was given */
    }
}

static int compare_all(const struct step *s, int64_t begin, int64_t n, bool *ret, struct error *e)
{
    double values[CONDITION_PIECE];
    int r = condition_column_read(s->column, begin, n, values, e);
    for (int64_t i = 0; r == 0 && i < n; i++)
        ret[i] = compare(s->operation, values[i], s->number);
    return r;
}

static void combine(enum operation operation, bool *a, const bool *b, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        a[i] = operation == NOT ? !a[i] : operation == AND ? a[i] && b[i] : a[i] || b[i];
}

int condition_look(struct condition *c, int64_t begin, int64_t n, bool *ret_holds, struct error *e)
{
    int top = 0, r = 0;
    mem_assert(n <= CONDITION_PIECE);
    for (int i = 0; i < c->n && r == 0; i++) {
        const struct step *s = &c->steps[i];
        if (s->column) {
            r = compare_all(s, begin, n, c->results[top++], e);
        } else {
            top -= s->operation != NOT;
            combine(s->operation, c->results[top - 1], c->results[top], n);
        }
    }
    if (r == 0)
        memcpy(ret_holds, c->results[0], (size_t)n * sizeof *ret_holds);
    return r;
}
