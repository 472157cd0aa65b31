/* SPDX-License-Identifier: Apache-2.0 */
#include "library/document.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "library/content.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int take(const struct buffer *text, const char *path, json_t **ret_document, struct error *e)
{
    json_t *kept = json_read(text->data ? text->data : "", text->size, e);
    json_t *document = json_object_get(kept, "document");
    const char *describer = json_member_string(kept, "describer");
    int r = 0;
    if (!json_is_object(document) || !describer)
        r = error_set(e, LIBRARY_REFUSED, NULL, "%s is damaged", path);
    else if (strcmp(describer, DOCUMENT_DESCRIBER) != 0)
        r = error_set(e, LIBRARY_REFUSED, NULL, "%s is another version's (%.40s)", path, describer);
    else
        *ret_document = json_incref(document);
    json_decref(kept);
    return r;
}

int document_read(const char *root, const char *hash, const char *name, json_t **ret_document,
                  struct error *e)
{
    struct buffer text = {0};
    char *path = content_file(root, hash, name, ".json");
    int r = file_read(path, DOCUMENT_MAX_BYTES, &text);
    if (r < 0)
        r = error_set(e, r == -ENOENT || r == -EFBIG ? (int)LIBRARY_REFUSED : r, NULL,
                      "cannot read %s: %s", path, strerror(-r));
    else
        r = take(&text, path, ret_document, e);
    buffer_free(&text);
    free(path);
    return r;
}

int document_write(const char *directory, const char *name, const json_t *document, struct error *e)
{
    json_t *kept = json_pack("{s:s, s:O}", "describer", DOCUMENT_DESCRIBER, "document", document);
    char *text = json_write(kept);
    char *path = mem_printf("%s/%s.json", directory, name);
    char *temporary = mem_printf("%s.partial", path);
    int r = file_replace(path, temporary, text, strlen(text), 0444, FILE_SYNC_DATA);
    if (r < 0)
        error_set(e, r, NULL, "cannot write %s: %s", path, strerror(-r));
    free(temporary);
    free(path);
    free(text);
    json_decref(kept);
    return r;
}
