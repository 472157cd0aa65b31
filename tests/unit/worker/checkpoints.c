/* SPDX-License-Identifier: Apache-2.0 */
/* A checkpoint is taken up by the job, release and machine that it is of, and by no other. */
#include "worker/checkpoints.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "support.h"
#include "worker/fingerprint.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char state[] = "the state of a run";

static int write_it(const char *path, const char *fits)
{
    const atomic_bool needless = false;
    const struct checkpoint_writing how = {.directory = -1, .is_void = &needless};
    struct checkpoint_content content = {.member = 3,
                                         .steps = 40,
                                         .state = state,
                                         .n_state = sizeof state,
                                         .outputs = "{}",
                                         .n_outputs = 3};
    hash_bytes(fits, strlen(fits), content.fits);
    return checkpoint_file_write(path, &content, &how);
}

static void check_read(const struct checkpoints *c, int64_t member, int expected)
{
    struct error e = {.message = ""};
    struct checkpoint_content content;
    void *memory = NULL;
    cr_assert_eq(checkpoints_read(c, member, &content, &memory, &e), expected, "%s", e.message);
    if (expected == WORKER_REFUSED)
        cr_assert_str_eq(e.message,
                         "its checkpoint is of another job, another release, or another machine");
    free(memory);
}

Test(checkpoints, of_another_job_release_machine_or_member_is_refused)
{
    struct job job = {.document = json_pack("{s:i}", "seed", 1)};
    char *store = mem_strdup(support_path("checkpoints.zarr")), *print = fingerprint();
    char *folder = mem_printf("%s.sync/.checkpoints", store), *path = file_join(folder, "3");
    struct checkpoints *c;
    struct error e = {.message = ""};
    cr_assert_eq(file_make_directories(folder), 0);
    cr_assert_eq(checkpoints_new(&job, store, false, &c, &e), 0, "%s", e.message);
    check_read(c, 3, -ENOENT);

    const char *const fits[][3] = {{SIMLAB_VERSION, print, "{\"seed\":1}"},
                                   {SIMLAB_VERSION, print, "{\"seed\":2}"},
                                   {"0.0.0-another", print, "{\"seed\":1}"},
                                   {SIMLAB_VERSION, "x86_64 000000000000 glibc 1", "{\"seed\":1}"}};
    for (size_t i = 0; i < sizeof fits / sizeof *fits; i++) {
        char *text = mem_printf("%s\n%s\n%s", fits[i][0], fits[i][1], fits[i][2]);
        cr_assert_eq(write_it(path, text), 0);
        check_read(c, 3, i == 0 ? 0 : WORKER_REFUSED);
        if (i == 0) {
            char *other = file_join(folder, "4");
            cr_assert_eq(write_it(other, text), 0);
            check_read(c, 4, WORKER_REFUSED);
            free(other);
        }
        free(text);
    }
    checkpoints_remove(c, 3);
    check_read(c, 3, -ENOENT);
    checkpoints_free(c);
    json_decref(job.document);
    free(path);
    free(folder);
    free(print);
    free(store);
}
