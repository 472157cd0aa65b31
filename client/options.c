/* SPDX-License-Identifier: Apache-2.0 */
#include "client/options.h"

#include "client/append.h"
#include "client/export.h"
#include "client/job.h"
#include "client/log.h"
#include "client/members.h"
#include "client/models.h"
#include "client/modules.h"
#include "client/plan.h"
#include "client/plot.h"
#include "client/processes.h"
#include "client/profile.h"
#include "client/replay.h"
#include "client/retry.h"
#include "client/text.h"
#include "client/verify.h"
#include "client/workers.h"
#include "proto/api.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const struct command commands[] = {
    {"run", "JOB.json", 1, 1, "store quiet cancel-on-interrupt idempotency-key", job_run, false,
     "submit a job, show its progress, print the path of its store"},
    {"submit", "JOB.json", 1, 1, "store dry-run oversize idempotency-key", job_submit, false,
     "submit a job and print its number"},
    {"plan", "JOB.json", 1, 1, "store", plan_show, false,
     "tell what a job would take, by its first member; keep nothing"},
    {"status", "ID", 1, 1, "", job_status, false, "tell how a job is doing"},
    {"jobs", "", 0, 0, "state name label since limit", job_list, false,
     "list jobs, the newest first"},
    {"wait", "ID...", 1, -1, "quiet", job_wait, false, "wait for jobs to end"},
    {"cancel", "ID...", 1, -1, "", job_cancel, false, "cancel jobs"},
    {"hold", "ID...", 1, -1, "", job_hold, false, "give jobs no more work to workers"},
    {"release", "ID...", 1, -1, "", job_release, false, "let jobs that are held go on"},
    {"rm", "ID...", 1, -1, "keep-store", job_remove, false,
     "remove jobs that have ended, with their stores"},
    {"log", "ID", 1, 1, "follow member limit", log_show, false,
     "print what a job's members have logged"},
    {"members", "ID", 1, 1, "dead where limit", members_list, false,
     "tell which members of a job are done, dead, leased or waiting"},
    {"append", "ID FILE...", 2, -1, "idempotency-key", append_run, false,
     "append members to an open batch; print the first one's number, and the next that comes"},
    {"close", "ID...", 1, -1, "", job_close, false, "let no more members be appended to batches"},
    {"retry", "ID...", 1, -1, "damaged", retry_run, false,
     "run what is dead or missing of jobs that have ended again"},
    {"verify", "ID...", 1, -1, "", verify_run, false,
     "tell whether jobs' stores are as they were when the jobs ended"},
    {"replay", "STORE|ID", 1, 1, "output", replay_run, false,
     "make the job of a store: computed again, it gives the same bytes"},
    {"profile", "ID", 1, 1, "", profile_show, false,
     "tell where the time of a job went that says \"profile\": true"},
    {"models", "", 0, 0, "limit", models_list, false, "list stored models"},
    {"models create", "FILE", 1, 1, "name", models_create, false,
     "store the model in FILE: a model, or a job with one inline"},
    {"models show", "NAME", 1, 1, "", models_show, false,
     "summarize a model: its processes as they run, their inputs"},
    {"models graph", "NAME", 1, 1, "inputs variables variable output", models_graph, false,
     "print a model's graph (DOT), or have Graphviz draw it"},
    {"models template", "NAME", 1, 1, "output", models_template, false,
     "write a job file with every input, to be filled in where it says null"},
    {"models update", "NAME", 1, 1, "set drop after name", models_update, false,
     "store a new model: NAME with processes set or dropped"},
    {"models drop", "NAME PROCESS...", 2, -1, "name", models_drop, false,
     "store a new model: NAME without some processes"},
    {"models push", "PATH", 1, 1, "environment", modules_push, false,
     "give the daemon a module or package in Python with process classes"},
    {"models pushed", "", 0, 0, "", modules_list, false, "list the modules that were pushed"},
    {"models rm", "NAME...", 1, -1, "environment force", modules_remove, false,
     "remove modules that were pushed, where nothing needs them"},
    {"processes", "", 0, 0, "", processes_list, false, "list process types"},
    {"processes show", "TYPE", 1, 1, "", processes_show, false,
     "summarize a process type: variables and stages"},
    {"workers", "", 0, 0, "", workers_list, false,
     "list workers, and what is kept from the code that they run"},
    {"plot", "STORE|ID VARIABLE", 2, 2,
     "output kind style select along against log animate fps columns width exaggeration", plot_run,
     false, "draw an output as PNG: a map, lines, an ensemble, a scatter …, by what it is"},
    {"export", "STORE|ID FILE.nc [VARIABLE...]", 2, -1, "members", export_run, false,
     "write a store as netCDF, or these variables with their coordinates"},
    {"version", "", 0, 0, "", options_version, true, "print the version"},
    {"help", "[COMMAND...]", 0, 2, "", options_help, true, "explain the commands, or one of them"},
};
#define N_COMMANDS ((int)(sizeof commands / sizeof commands[0]))

enum option_kind { OPTION_FLAG, OPTION_TEXT, OPTION_LIST };

struct option_entry {
    const char *name;
    char letter; /* 0: none */
    const char *value;
    enum option_kind kind;
    size_t offset;
    bool global;
    const char *help;
};

#define AT(field) offsetof(struct options, field)
static const struct option_entry entries[] = {
    {"server", 0, "URL", OPTION_TEXT, AT(server), true,
     "where the daemon is: unix:PATH or http://HOST:PORT"},
    {"token", 0, "TOKEN", OPTION_TEXT, AT(token), true, "what the daemon knows you by"},
    {"timeout", 0, "SECONDS", OPTION_TEXT, AT(timeout), true,
     "a daemon that says nothing for so long counts as lost (120)"},
    {"json", 0, NULL, OPTION_FLAG, AT(json), true, "print the daemon's answer as it is"},
    {"help", 'h', NULL, OPTION_FLAG, AT(help), true, "explain the command"},
    {"version", 0, NULL, OPTION_FLAG, AT(version), true, "print the version"},
    {"store", 0, "NAME", OPTION_TEXT, AT(store), false, "name of the store, instead of the job's"},
    {"quiet", 'q', NULL, OPTION_FLAG, AT(quiet), false,
     "no progress; print the path of the store only"},
    {"cancel-on-interrupt", 0, NULL, OPTION_FLAG, AT(cancel_on_interrupt), false,
     "a second Ctrl-C, or SIGTERM, cancels the job"},
    {"idempotency-key", 0, "KEY", OPTION_TEXT, AT(key), false,
     "what is submitted or appended again with the same key is so once"},
    {"dry-run", 0, NULL, OPTION_FLAG, AT(dry_run), false, "check the job; do not submit it"},
    {"oversize", 0, NULL, OPTION_FLAG, AT(oversize), false,
     "submit it although its outputs, uncompressed, do not fit on the disk"},
    {"state", 0, "STATE", OPTION_TEXT, AT(state), false, "only jobs in this state"},
    {"limit", 0, "N", OPTION_TEXT, AT(limit), false, "at most N of them"},
    {"follow", 'f', NULL, OPTION_FLAG, AT(follow), false,
     "go on with what they log until the job has ended"},
    {"member", 0, "M", OPTION_TEXT, AT(member), false, "only what member M has logged"},
    {"dead", 0, NULL, OPTION_FLAG, AT(dead), false,
     "those that are dead: how often they were tried, why, the end of their logs"},
    {"where", 0, "CONDITION", OPTION_TEXT, AT(where), false,
     "those whose inputs are so: 'rivers__erodibility > 1e-5 and not (flow__n = 2)'"},
    {"damaged", 0, NULL, OPTION_FLAG, AT(damaged), false,
     "also what `simlab verify` finds damaged"},
    {"name", 0, "NAME", OPTION_TEXT, AT(name), false,
     "name of the new model; only jobs of this name"},
    {"label", 0, "KEY[=VALUE]", OPTION_TEXT, AT(label), false, "only jobs with this label"},
    {"since", 0, "TIME", OPTION_TEXT, AT(since), false,
     "only jobs submitted then or later: 2026-01-31T08:00:00Z, or a date"},
    {"inputs", 0, NULL, OPTION_FLAG, AT(inputs), false, "show the model's inputs too"},
    {"variables", 0, NULL, OPTION_FLAG, AT(variables), false, "show all variables too"},
    {"variable", 0, "P__V", OPTION_TEXT, AT(route), false,
     "show only this variable's route through the model"},
    {"set", 0, "P=TYPE", OPTION_LIST, AT(set), false, "add process P, or replace its type"},
    {"drop", 0, "P", OPTION_LIST, AT(drop), false, "leave process P out"},
    {"after", 0, "P=Q", OPTION_LIST, AT(after), false, "let process P run after process Q"},
    {"environment", 0, "NAME", OPTION_TEXT, AT(environment), false,
     "of Python, which the module is for (default)"},
    {"force", 0, NULL, OPTION_FLAG, AT(force), false,
     "also what jobs that have ended would need to be retried, and stored models"},
    {"keep-store", 0, NULL, OPTION_FLAG, AT(keep_store), false,
     "leave the jobs' stores, which then are yours to remove"},
    {"output", 'o', "FILE", OPTION_TEXT, AT(output), false, "write to FILE"},
    {"members", 0, "LIST", OPTION_TEXT, AT(members), false,
     "these only, in this order: 3, 0-9, 7,0-3"},
    {"kind", 0, "KIND", OPTION_TEXT, AT(kind), false,
     "map, lines, bands, histogram or scatter (by the data)"},
    {"style", 0, "STYLE", OPTION_TEXT, AT(style), false,
     "of a map: relief, colour, diverging or shade (by the data)"},
    {"select", 0, "DIM=I", OPTION_LIST, AT(select), false,
     "draw index I of dimension DIM; from the end where negative"},
    {"along", 0, "DIM", OPTION_TEXT, AT(along), false,
     "a panel, a line or a member for each label of DIM (the members, else a clock)"},
    {"against", 0, "INPUT", OPTION_TEXT, AT(against), false,
     "of a scatter: its x (the first input that was swept)"},
    {"log", 0, NULL, OPTION_FLAG, AT(log), false,
     "values by their decades; those not above 0 are shown as missing"},
    {"animate", 0, "DIM", OPTION_TEXT, AT(animate), false, "a frame for each label of DIM (APNG)"},
    {"fps", 0, "N", OPTION_TEXT, AT(fps), false, "frames in a second (4)"},
    {"columns", 0, "N", OPTION_TEXT, AT(columns), false, "panels in a row"},
    {"width", 0, "PIXELS", OPTION_TEXT, AT(width), false,
     "width of a panel, or of what lies between the axes"},
    {"exaggeration", 0, "X", OPTION_TEXT, AT(exaggeration), false, "of heights in the relief"},
};
#define N_ENTRIES ((int)(sizeof entries / sizeof entries[0]))

static bool takes(const struct command *c, const struct option_entry *e)
{
    if (e->global)
        return true;
    size_t n = strlen(e->name);
    for (const char *p = c->options; (p = strstr(p, e->name)); p += n)
        if ((p == c->options || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0'))
            return true;
    return false;
}

static const struct command *find_command(const char *first, const char *second)
{
    for (int i = 0; i < N_COMMANDS; i++) {
        size_t n = strlen(first);
        if (second && !strncmp(commands[i].name, first, n) && commands[i].name[n] == ' ' &&
            !strcmp(commands[i].name + n + 1, second))
            return &commands[i];
    }
    for (int i = 0; i < N_COMMANDS; i++)
        if (!strcmp(commands[i].name, first))
            return &commands[i];
    return NULL;
}

/* "--name", "--name=value" or "-l"; the value that is glued to it goes to ret_glued. */
static const struct option_entry *find_entry(const char *argument, const char **ret_glued)
{
    *ret_glued = NULL;
    for (int i = 0; i < N_ENTRIES; i++) {
        const struct option_entry *e = &entries[i];
        if (argument[1] != '-') {
            if (!e->letter || argument[1] != e->letter)
                continue;
            if (argument[2])
                *ret_glued = argument + 2;
            return e;
        }
        size_t n = strlen(e->name);
        if (strncmp(argument + 2, e->name, n) || (argument[2 + n] && argument[2 + n] != '='))
            continue;
        if (argument[2 + n])
            *ret_glued = argument + 2 + n + 1;
        return e;
    }
    return NULL;
}

/* Sets one option, whose value is glued to it or is `next`. Returns how many arguments it took, or
 * 0 after a complaint. */
static int set_option(struct options *o, const struct option_entry *e, const char *glued,
                      const char *next)
{
    char *field = (char *)o + e->offset;
    if (e->kind == OPTION_FLAG) {
        if (glued) {
            text_complain("--%s takes no value", e->name);
            return 0;
        }
        *(bool *)(void *)field = true;
        return 1;
    }
    const char *value = glued ? glued : next;
    if (!value) {
        text_complain("--%s needs a value: --%s %s", e->name, e->name, e->value);
        return 0;
    }
    if (e->kind == OPTION_TEXT) {
        *(const char **)(void *)field = value;
    } else {
        struct option_list *list = (struct option_list *)(void *)field;
        if (list->n == OPTIONS_LIST_MAX) {
            text_complain("--%s is given more than %d times", e->name, OPTIONS_LIST_MAX);
            return 0;
        }
        list->values[list->n++] = value;
    }
    return glued ? 1 : 2;
}

/* Sorts argv into options and operands; `given` marks the entries met. */
static int sort_arguments(int argc, char **argv, struct options *o, bool *given)
{
    bool only_operands = false;
    for (int i = 1; i < argc;) {
        const char *argument = argv[i];
        if (only_operands || argument[0] != '-' || !argument[1]) {
            o->operands[o->n_operands++] = argument;
            i++;
            continue;
        }
        if (!strcmp(argument, "--")) {
            only_operands = true;
            i++;
            continue;
        }
        const char *glued;
        const struct option_entry *e = find_entry(argument, &glued);
        if (!e) {
            text_complain("there is no option %s; `simlab help` lists them", argument);
            return API_EXIT_USAGE;
        }
        int taken = set_option(o, e, glued, i + 1 < argc ? argv[i + 1] : NULL);
        if (!taken)
            return API_EXIT_USAGE;
        given[e - entries] = true;
        i += taken;
    }
    return 0;
}

static int pick_command(struct options *o)
{
    if (o->version || !o->n_operands) {
        o->help |= !o->version;
        o->command = find_command(o->version ? "version" : "help", NULL);
        o->n_operands = 0;
        return 0;
    }
    const char *first = o->operands[0], *second = o->n_operands > 1 ? o->operands[1] : NULL;
    o->command = find_command(first, second);
    if (!o->command) {
        text_complain("there is no command %s; `simlab help` lists them", first);
        return API_EXIT_USAGE;
    }
    if (o->help) {
        /* The command's words stay as the operands of help. */
        o->n_operands = strchr(o->command->name, ' ') ? 2 : 1;
        o->command = find_command("help", NULL);
        return 0;
    }
    int words = strchr(o->command->name, ' ') ? 2 : 1;
    memmove(o->operands, o->operands + words,
            (size_t)(o->n_operands - words) * sizeof *o->operands);
    o->n_operands -= words;
    return 0;
}

static int check(const struct options *o, const bool *given)
{
    const struct command *c = o->command;
    if (o->n_operands < c->min || (c->max >= 0 && o->n_operands > c->max)) {
        if (c->max == 0 && o->n_operands)
            text_complain("%s has nothing to do with %s; `simlab help %s` explains it", c->name,
                          o->operands[0], c->name);
        else
            text_complain("usage: simlab %s %s", c->name, c->operands);
        return API_EXIT_USAGE;
    }
    for (int i = 0; i < N_ENTRIES; i++) {
        if (given[i] && !takes(c, &entries[i])) {
            text_complain("%s takes no --%s; `simlab help %s` lists its options", c->name,
                          entries[i].name, c->name);
            return API_EXIT_USAGE;
        }
    }
    return 0;
}

int options_parse(int argc, char **argv, struct options *ret_options)
{
    struct options o = {.operands = text_need(calloc((size_t)argc + 1, sizeof(char *)))};
    bool given[N_ENTRIES] = {false};
    int r = sort_arguments(argc, argv, &o, given);
    if (!r)
        r = pick_command(&o);
    if (!r)
        r = check(&o, given);
    if (r)
        options_clear(&o);
    else
        *ret_options = o;
    return r;
}

void options_clear(struct options *o)
{
    free(o->operands);
    o->operands = NULL;
}

static void print_option(const struct option_entry *e)
{
    char *left = text_printf("%s--%s%s%s", e->letter ? (char[]){'-', e->letter, ',', ' ', 0} : "",
                             e->name, e->value ? " " : "", e->value ? e->value : "");
    text_line(stdout, "  %-26s %s", left, e->help);
    free(left);
}

static void help_all(void)
{
    puts("usage: simlab [OPTION...] COMMAND [ARGUMENT...]\n\nCommands:");
    for (int i = 0; i < N_COMMANDS; i++) {
        char *left = text_printf("%s %s", commands[i].name, commands[i].operands);
        text_line(stdout, "  %-26s %s", left, commands[i].help);
        free(left);
    }
    puts("\nOptions of all commands:");
    for (int i = 0; i < N_ENTRIES; i++)
        if (entries[i].global)
            print_option(&entries[i]);
    puts("\nA file named - is standard input. `simlab help COMMAND` lists a command's options.\n"
         "Exit codes: 0 all is well; 1 the job failed, is partial or was cancelled; 2 refused, or\n"
         "wrong usage; 3 the daemon cannot be reached, or failed; 4 not allowed.");
}

static void help_command(const struct command *c)
{
    text_line(stdout, "usage: simlab %s%s%s%s", c->name, *c->options ? " [OPTION...]" : "",
              *c->operands ? " " : "", c->operands);
    puts("");
    text_line(stdout, "  %s", c->help);
    if (*c->options)
        puts("\nOptions:");
    for (int i = 0; i < N_ENTRIES; i++)
        if (!entries[i].global && takes(c, &entries[i]))
            print_option(&entries[i]);
}

int options_help(struct server *s, const struct options *o)
{
    (void)s;
    if (!o->n_operands) {
        help_all();
        return API_EXIT_OK;
    }
    const char *second = o->n_operands > 1 ? o->operands[1] : NULL;
    const struct command *c = find_command(o->operands[0], second);
    if (!c) {
        text_complain("there is no command %s; `simlab help` lists them", o->operands[0]);
        return API_EXIT_USAGE;
    }
    help_command(c);
    return API_EXIT_OK;
}

int options_version(struct server *s, const struct options *o)
{
    (void)s;
    (void)o;
    puts("simlab " SIMLAB_VERSION);
    return API_EXIT_OK;
}

int options_each(struct server *s, const struct options *o,
                 int (*fn)(struct server *s, const struct options *o, const char *operand))
{
    int worst = API_EXIT_OK;
    for (int i = 0; i < o->n_operands; i++) {
        int code = fn(s, o, o->operands[i]);
        worst = code > worst ? code : worst;
    }
    return worst;
}
