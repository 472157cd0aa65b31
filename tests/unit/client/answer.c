/* SPDX-License-Identifier: Apache-2.0 */
/* What is an answer, and what is said of one that is not. */
#include "client/answer.c"

#include <criterion/criterion.h>

static void is(const struct answer_shape *shape, const char *given, const char *fault)
{
    json_t *value = given ? json_loads(given, JSON_DECODE_ANY, NULL) : NULL;
    char *found = answer_fault(shape, value);
    cr_assert(fault ? found && !strcmp(found, fault) : !found, "%s: %s", given ? given : "nothing",
              found ? found : "no fault");
    free(found);
    json_decref(value);
}

#define JOB "\"id\": \"7\", \"state\": \"queued\", \"members\": 1, \"done\": 0, \"dead\": 0"

Test(answer, faults_are_told_by_their_place)
{
    is(&answer_job, NULL, "not a job");
    is(&answer_job, "[]", "not a job");
    is(&answer_job, "{" JOB "}", NULL);
    is(&answer_job, "{" JOB ", \"newer\": [{}], \"name\": null, \"progress\": null}", NULL);
    is(&answer_job, "{" JOB ", \"name\": 5}", "not a job: /name is not a text");
    is(&answer_job, "{" JOB ", \"progress\": {\"step\": 1}}",
       "not a job: /progress/nsteps is not a count");
    is(&answer_job, "{\"id\": \"7\", \"state\": null}", "not a job: /state is not a text");
    is(&answer_jobs, "{\"jobs\": [{" JOB "}, {" JOB ", \"store\": []}]}",
       "not a list of jobs: /jobs/1/store is not a text");
    is(&answer_whole_model,
       "{\"hash\": \"h\", \"processes\": {\"p\": {\"type\": \"t\", \"before\": [\"a\", 5]}}}",
       "not a model: /processes/p/before/1 is not a text");
    is(&answer_model, "{\"hash\": \"h\"}", NULL);
}

Test(answer, numbers_of_jobs_and_counts)
{
    static const char *const no_ids[] = {
        "\"\"",    "\"0\"", "\"07\"", "\"-7\"",         "\"7 \"",
        "\"7/x\"", "7",     "null",   "\"\\u001b[2J\"", "\"99999999999999999999\""};
    static const char *const no_counts[] = {"-1",    "0.5", "1e300", "9007199254740993",
                                            "\"5\"", "true"};
    char given[256];
    for (size_t i = 0; i < sizeof no_ids / sizeof *no_ids; i++) {
        snprintf(given, sizeof given, "{\"id\": %s}", no_ids[i]);
        is(&answer_job, given, "not a job: /id is not a job's number");
    }
    for (size_t i = 0; i < sizeof no_counts / sizeof *no_counts; i++) {
        snprintf(given, sizeof given, "{\"line\": \"\", \"member\": %s}", no_counts[i]);
        is(&answer_event_log, given, "not a line of the log: /member is not a count");
    }
    is(&answer_event_log, "{\"line\": \"\", \"member\": 9007199254740992}", NULL);
    is(&answer_dry_run, "{\"valid\": true}", NULL);
    is(&answer_dry_run, "{\"valid\": false}", "not the outcome of a dry run: /valid is not true");
}
