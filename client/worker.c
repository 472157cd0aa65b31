/* SPDX-License-Identifier: Apache-2.0 */
#include "client/worker.h"

#include "client/document.h"
#include "client/request.h"
#include "client/text.h"
#include "proto/api.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int worker_find_store(struct server *s, const char *operand, char **ret_store)
{
    json_t *job;
    if (operand[strspn(operand, "0123456789")]) {
        *ret_store = text_copy(operand);
        return 0;
    }
    int code = request_get_part(s, API_JOBS, operand, &answer_job, &job);
    if (code)
        return code;
    const char *store = document_string(job, "store", NULL);
    if (store)
        *ret_store = text_copy(store);
    else
        text_complain("job %s has no store", operand);
    json_decref(job);
    return store ? 0 : API_EXIT_USAGE;
}

void worker_exec(const char *const *arguments)
{
    static const char *const beside[] = {"", "../libexec/simlabd/"};
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    fflush(stdout);
    if (n > 0) {
        self[n] = '\0';
        *strrchr(self, '/') = '\0';
        for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
            char *path = text_printf("%s/%s%s", self, beside[i], arguments[0]);
            execv(path, (char *const *)(void *)(size_t)arguments);
            free(path);
        }
    }
    execvp(arguments[0], (char *const *)(void *)(size_t)arguments);
    text_complain("cannot run %s: %s", arguments[0], strerror(errno));
}
