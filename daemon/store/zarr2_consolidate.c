/* SPDX-License-Identifier: Apache-2.0 */
#include "store/zarr2_consolidate.h"

#include "base/json.h"
#include "base/mem.h"
#include "store/meta.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Beyond ASCII only strings have characters; zarr-python wants them escaped. `text` is UTF-8. */
static size_t append_escaped(struct buffer *b, const unsigned char *text)
{
    size_t more = text[0] >= 0xf0 ? 3 : text[0] >= 0xe0 ? 2 : 1;
    uint32_t c = text[0] & (0x3fu >> more);
    for (size_t i = 1; i <= more; i++)
        c = c << 6 | (text[i] & 0x3fu);
    if (c >= 0x10000)
        buffer_printf(b, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + (c & 0x3ff));
    else
        buffer_printf(b, "\\u%04x", c);
    return more + 1;
}

/* Text of valid JSON, each line after the first 8 spaces deeper. */
static void append_indented(struct buffer *b, const char *text, size_t size)
{
    size_t from = 0, i = 0;
    while (i < size) {
        if (text[i] == '\n') {
            buffer_append(b, text + from, ++i - from);
            buffer_text(b, "        ");
            from = i;
        } else if ((unsigned char)text[i] >= 0x80) {
            buffer_append(b, text + from, i - from);
            i += append_escaped(b, (const unsigned char *)text + i);
            from = i;
        } else {
            i++;
        }
    }
    buffer_append(b, text + from, size - from);
}

/* One more file's text. The files' own texts are taken, not what our parser made of them: what
 * others wrote there (a bare NaN, large integers) stays as it is. */
static void append_member(struct buffer *b, const char *key, const char *text, size_t size)
{
    while (size > 0 && strchr(" \t\r\n", text[size - 1]))
        size--;
    json_t *name = json_string(key);
    char *quoted = json_write(name);
    buffer_text(b, b->size > 0 ? ",\n        " : "\n        ");
    append_indented(b, quoted, strlen(quoted));
    buffer_text(b, ": ");
    append_indented(b, text, size);
    free(quoted);
    json_decref(name);
}

/* A file that is absent is left out. */
static int add_file(struct store *s, const char *array, const char *file, struct buffer *b,
                    struct error *e)
{
    struct buffer text = {0};
    int r = group_get_text(s, array, file, &text);
    if (r < 0) {
        buffer_free(&text);
        r = r == -ENOENT ? group_check_missing(s, array, file) : r;
        return r < 0 ? group_explain(r, "read", array, file, e) : 0;
    }
    struct error why = {0};
    json_t *value = meta_json(text.data ? text.data : "", text.size, &why);
    if (json_is_object(value)) {
        char *key = array ? mem_printf("%s/%s", array, file) : mem_strdup(file);
        append_member(b, key, text.data, text.size);
        free(key);
    } else {
        r = error_set(e, STORE_BROKEN, NULL, "%.255s%s%s: %.600s", array ? array : "",
                      array ? "/" : "", file, value ? "is no JSON object" : why.message);
    }
    json_decref(value);
    buffer_free(&text);
    return r;
}

static int collect(struct store *s, const json_t *names, struct buffer *b, struct error *e)
{
    int r = add_file(s, NULL, ".zattrs", b, e);
    if (r == 0)
        r = add_file(s, NULL, ".zgroup", b, e);
    size_t i;
    const json_t *name;
    json_array_foreach((json_t *)names, i, name)
    {
        if (r == 0)
            r = add_file(s, json_string_value(name), ".zarray", b, e);
        if (r == 0)
            r = add_file(s, json_string_value(name), ".zattrs", b, e);
    }
    return r;
}

int zarr2_consolidate(struct store *s, const json_t *names, struct error *e)
{
    struct buffer members = {0}, text = {0};
    int r = collect(s, names, &members, e);
    if (r == 0) {
        buffer_printf(&text, "{\n    \"metadata\": {%s\n    },\n", members.data);
        buffer_text(&text, "    \"zarr_consolidated_format\": 1\n}\n");
        r = group_renew_text(s, NULL, ".zmetadata", text.data, e);
    }
    buffer_free(&members);
    buffer_free(&text);
    return r;
}
