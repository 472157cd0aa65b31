/* SPDX-License-Identifier: Apache-2.0 */
#include "client/document.h"

#include "client/integers.h"
#include "client/text.h"
#include "proto/api.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Where jansson stumbled over a number that JSON lacks, which Python's json.dump writes. */
static const char *hint_of(const json_error_t *e)
{
    static const char *const words[] = {"near 'NaN'", "near 'Infinity'", "near '-'", "near 'nan'",
                                        "near 'inf'"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(e->text, words[i]))
            return " (JSON has no such number: write \"NaN\", \"Infinity\" or \"-Infinity\")";
    return "";
}

/* All of a file, with a NUL behind it. A new string, or NULL with errno set. */
static char *read_all(FILE *f, size_t *ret_n)
{
    size_t n = 0, room = 4096, got;
    char *text = text_need(malloc(room + 1));
    while ((got = fread(text + n, 1, room - n, f)) > 0) {
        n += got;
        if (n == room)
            text = text_need(realloc(text, (room *= 2) + 1));
    }
    if (ferror(f)) {
        free(text);
        return NULL;
    }
    text[n] = '\0';
    *ret_n = n;
    return text;
}

int document_read(const char *path, json_t **ret_document)
{
    bool standard = !strcmp(path, "-");
    const char *name = standard ? "standard input" : path;
    FILE *f = standard ? stdin : fopen(path, "re");
    size_t n = 0;
    char *text = f ? read_all(f, &n) : NULL;
    if (!text)
        text_complain("cannot read %s: %s", name, strerror(errno));
    if (f && !standard)
        fclose(f);
    if (!text)
        return API_EXIT_USAGE;
    json_error_t e;
    json_t *document = integers_read(text, n, JSON_REJECT_DUPLICATES, &e);
    free(text);
    if (!document) {
        text_complain("%s:%d:%d: %s%s", name, e.line, e.column, e.text, hint_of(&e));
        return API_EXIT_USAGE;
    }
    if (!json_is_object(document)) {
        text_complain("%s holds no JSON object", name);
        json_decref(document);
        return API_EXIT_USAGE;
    }
    *ret_document = document;
    return 0;
}

char *document_text(const json_t *document)
{
    return integers_write(document, JSON_COMPACT | JSON_ENCODE_ANY);
}

int document_set_text(json_t *object, const char *key, const char *text, const char *option)
{
    if (!json_object_set_new(object, key, json_string(text)))
        return 0;
    text_complain("%s %s: it is no UTF-8", option, text);
    return API_EXIT_USAGE;
}

const char *document_string(const json_t *object, const char *key, const char *otherwise)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s ? s : otherwise;
}

json_int_t document_integer(const json_t *object, const char *key, json_int_t otherwise)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

char *document_value_words(const json_t *value)
{
    if (json_is_string(value)) {
        const char *digits = integers_digits(value);
        return text_copy(digits ? digits : json_string_value(value));
    }
    if (!json_is_real(value))
        return document_text(value);
    for (int digits = 1;; digits++) {
        char *words = text_printf("%.*g", digits, json_real_value(value));
        if (digits == 17 || strtod(words, NULL) == json_real_value(value))
            return words;
        free(words);
    }
}

/* The digits with which every number in it is read back as the same. */
static int digits_of(const json_t *value)
{
    if (json_is_real(value)) {
        char *words = document_value_words(value);
        int n = 0;
        for (const char *p = words; *p && *p != 'e'; p++)
            n += *p >= '0' && *p <= '9';
        free(words);
        return n < 17 ? n : 17;
    }
    int most = 1, n;
    const char *key;
    const json_t *member;
    size_t i;
    json_object_foreach((json_t *)value, key, member)
    {
        n = digits_of(member);
        most = n > most ? n : most;
    }
    json_array_foreach(value, i, member)
    {
        n = digits_of(member);
        most = n > most ? n : most;
    }
    return most;
}

int document_write(const char *path, const json_t *document)
{
    bool standard = !path || !strcmp(path, "-");
    FILE *f = standard ? stdout : fopen(path, "we");
    size_t flags = JSON_INDENT(1) | JSON_REAL_PRECISION((size_t)digits_of(document));
    char *text = integers_write(document, flags);
    if (f)
        text_put_json(f, text, strlen(text));
    free(text);
    int bad = !f || ferror(f);
    if (f && !standard)
        bad |= fclose(f);
    if (!bad)
        return 0;
    text_complain("cannot write %s: %s", standard ? "standard output" : path, strerror(errno));
    return API_EXIT_USAGE;
}
