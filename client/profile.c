/* SPDX-License-Identifier: Apache-2.0 */
#include "client/profile.h"

#include "client/document.h"
#include "client/log.h"
#include "client/options.h"
#include "client/text.h"
#include "proto/api.h"

#include <stdbool.h>
#include <string.h>

struct profile {
    bool prints_json, has_lines;
};

static void show_line(void *profile, const json_t *line, const char *data)
{
    struct profile *p = profile;
    const char *words = document_string(line, "line", "");
    size_t n = strlen(API_PROFILE_LINE);
    if (strncmp(words, API_PROFILE_LINE, n) != 0)
        return;
    text_line(stdout, "%s", p->prints_json ? data : words + n);
    p->has_lines = true;
}

int profile_show(struct server *s, const struct options *o)
{
    const char *id = o->operands[0];
    struct profile p = {.prints_json = o->json};
    int code = log_follow(s, id, show_line, &p);
    if (!code && !p.has_lines) {
        text_complain("job %s has no profile: a job is measured that says \"profile\": true", id);
        code = API_EXIT_USAGE;
    }
    return code;
}
