/* SPDX-License-Identifier: Apache-2.0 */
#include "worker_arguments.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int worker_usage(FILE *to)
{
    fputs(
        "usage: simlab-worker run [FILE.py:MODEL] JOB.json --store DIR [--processes DIR]…\n"
        "                          [--python NAME.py]…\n"
        "                          [--resume] [--debug] [--profile] [--trace FILE.json]\n"
        "                          [--graph FILE.svg]\n"
        "       simlab-worker plan [FILE.py:MODEL] JOB.json [--processes DIR]… [--python "
        "NAME.py]…\n"
        "                          [--limit SECONDS]\n"
        "                          [--libraries DIR --pins FILE [--uploads DIR] [--from STORE]\n"
        "                           [--sandbox off|auto|require] [--state DIR] "
        "[--writable DIR]…]\n"
        "       simlab-worker describe LIBRARY.so [--configuration NAME.configuration]\n"
        "                            [--sandbox off|auto|require] [--state DIR] "
        "[--writable DIR]…\n"
        "       simlab-worker plot STORE VARIABLE -o FILE.png [options]\n"
        "       simlab-worker verify STORE MEMBERS <CHECKSUMS\n"
        "       simlab-worker replay STORE [-o JOB.json]\n"
        "       simlab-worker serve --endpoint ADDRESS --name NAME --libraries DIR "
        "[--uploads DIR] [--where FD]\n"
        "                            [--secret FD] [--renew-members N] [--renew-memory BYTES]\n"
        "                            [--memory BYTES] [--group DIR]\n"
        "                            [--sandbox off|auto|require] [--state DIR] "
        "[--writable DIR]…\n"
        "\n"
        "run         runs one job without a daemon: JOB.json (- is standard input) into the Zarr\n"
        "            store DIR, with the model MODEL of a file in Python, if one is named: then\n"
        "            JOB.json may be a set-up. Exit status 0; 2 where the job is refused; 1 where\n"
        "            it, or a member, fails. With --resume it goes on where a run into DIR was\n"
        "            killed, if there was one. With --debug, as a job that says so: see\n"
        "            include/simlab/README.md. With --profile it prints where the time went;\n"
        "            with --trace it writes the calls of processes on the clock, for Chrome's\n"
        "            tracing page; with --graph the model's graph coloured by time, in DOT\n"
        "            (FILE.dot) or drawn by Graphviz's dot (FILE.svg, .png, .pdf)\n"
        "plan        runs the first member of a job, keeps nothing of it, and prints what the job\n"
        "            will take, as JSON: arrays, files, bytes, memory, time, and what would be "
        "done\n"
        "            better. Exit status 0; 2 where the job is refused; 1 where the member fails, "
        "or\n"
        "            takes longer than --limit (60). A daemon names the directory of its copies, "
        "the\n"
        "            job's libraries of these, uploads, and the store that the job starts from\n"
        "describe    prints a process library's descriptors as JSON; with --configuration, those\n"
        "            that it has as the library NAME\n"
        "plot        draws an output of a store as what it is; plot --help tells its options\n"
        "verify      compares the store of a job of so many members with its checksums, as the\n"
        "            daemon has them, and prints what is not as it was stored, as JSON\n"
        "replay      makes the job's document out of its store; run again, it gives the same "
        "bytes.\n"
        "            With -o long arrays are written beside it, as .npy\n"
        "serve       works for a daemon, which starts it\n"
        "--processes a directory of process libraries; without it, `processes` beside this\n"
        "            program, or ../lib/simlabd/processes\n"
        "--secret    what it says to the daemon that it is let in for, as a line: that is its\n"
        "            token, where no pool of it has started this worker\n"
        "--state     the daemon's directory: what is kept from the code of libraries\n"
        "--writable  a directory that it may write to; without it, files are not kept from it\n"
        "--group     the directory of a control group that it enters, and removes; empty: none\n"
        "--memory    bytes of memory of its own that it may have (0: any)\n"
        "--renew-members, --renew-memory\n"
        "            it leaves, for another to be started, when it has run so many members, or "
        "grown\n"
        "            by so many bytes (0: never)\n"
        "--python    a module in Python with process classes, or a package: the library NAME\n",
        to);
    return to == stdout ? 0 : WORKER_EXIT_USAGE;
}

/* ---- places ---- */

/* `relative` to this program's own directory. */
static char *beside(const char *relative)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0)
        return mem_strdup(relative);
    self[n] = '\0';
    *strrchr(self, '/') = '\0';
    return file_join(self, relative);
}

/* The first of these places that is there; NULL: none. */
static char *first_of(const char *const *places, int mode)
{
    char *found = NULL;
    for (size_t i = 0; places[i] && !found; i++) {
        char *path = beside(places[i]);
        if (access(path, mode) == 0)
            found = path;
        else
            free(path);
    }
    return found;
}

static char *default_directory(void)
{
    static const char *const places[] = {"processes", "../lib/simlabd/processes",
                                         "../../lib/simlabd/processes", NULL};
    return first_of(places, R_OK | X_OK);
}

char *worker_python_directory(void)
{
    static const char *const places[] = {"python", "../lib/simlabd/python",
                                         "../../lib/simlabd/python", NULL};
    return first_of(places, R_OK | X_OK);
}

/* ---- options ---- */

static bool parse_descriptor(const char *text, int *ret)
{
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    if (errno || end == text || *end || n < 0 || n > INT_MAX)
        return false;
    *ret = (int)n;
    return true;
}

static bool parse_count(const char *text, int64_t *ret)
{
    char *end;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (errno || end == text || *end || n < 0)
        return false;
    *ret = n;
    return true;
}

static bool parse_seconds(const char *text, double *ret)
{
    char *end;
    double seconds = strtod(text, &end);
    if (end == text || *end || !(seconds > 0) || !(seconds < 1e9))
        return false;
    *ret = seconds;
    return true;
}

/* Where the text of an option goes that is kept as it is; NULL: it is another. */
static const char **text_of(struct worker_arguments *a, int c)
{
    switch (c) {
    case 's':
        return &a->store;
    case 'c':
        return &a->configuration;
    case 'e':
        return &a->endpoint;
    case 't':
        return &a->trace;
    case 'g':
        return &a->graph;
    case 'n':
        return &a->name;
    case 'i':
        return &a->pins;
    case 'f':
        return &a->from;
    case 'o':
        return &a->output;
    case 'W':
        return a->n_writable < WORKER_DIRECTORIES ? &a->writable[a->n_writable++] : NULL;
    case 'y':
        return a->n_modules < WORKER_DIRECTORIES ? &a->modules[a->n_modules++] : NULL;
    default:
        return NULL;
    }
}

static bool set_option(struct worker_arguments *a, int c)
{
    const char **text = text_of(a, c);
    if (text)
        *text = optarg;
    switch (text ? 0 : c) {
    case 0:
        return true;
    case 'd':
        return a->debug = true;
    case 'P':
        return a->profile = true;
    case 'r':
        return a->resume = true;
    case 'u':
        free(a->uploads);
        a->uploads = file_absolute(optarg);
        return true;
    case 'k':
        free(a->state);
        a->state = file_absolute(optarg);
        return true;
    case 'l':
        free(a->libraries);
        a->libraries = file_absolute(optarg);
        return true;
    case 'S':
        return sandbox_mode_parse(optarg, &a->sandbox) == 0;
    case 'm':
        return parse_seconds(optarg, &a->limit);
    case 'h':
        return parse_descriptor(optarg, &a->secret);
    case 'w':
        return parse_descriptor(optarg, &a->where);
    case 'M':
        return parse_count(optarg, &a->renew_members);
    case 'G':
        a->group = *optarg ? optarg : NULL;
        return true;
    case 'B':
        return parse_count(optarg, &a->memory);
    case 'R':
        return parse_count(optarg, &a->renew_memory);
    case 'p':
        if (a->n_directories == WORKER_DIRECTORIES)
            return false;
        a->directories[a->n_directories++] = file_absolute(optarg);
        return true;
    default:
        return false;
    }
}

bool worker_arguments_parse(int argc, char **argv, struct worker_arguments *a)
{
    static const struct option options[] = {{"store", required_argument, NULL, 's'},
                                            {"processes", required_argument, NULL, 'p'},
                                            {"python", required_argument, NULL, 'y'},
                                            {"endpoint", required_argument, NULL, 'e'},
                                            {"name", required_argument, NULL, 'n'},
                                            {"libraries", required_argument, NULL, 'l'},
                                            {"uploads", required_argument, NULL, 'u'},
                                            {"where", required_argument, NULL, 'w'},
                                            {"sandbox", required_argument, NULL, 'S'},
                                            {"configuration", required_argument, NULL, 'c'},
                                            {"debug", no_argument, NULL, 'd'},
                                            {"resume", no_argument, NULL, 'r'},
                                            {"profile", no_argument, NULL, 'P'},
                                            {"trace", required_argument, NULL, 't'},
                                            {"graph", required_argument, NULL, 'g'},
                                            {"pins", required_argument, NULL, 'i'},
                                            {"from", required_argument, NULL, 'f'},
                                            {"limit", required_argument, NULL, 'm'},
                                            {"output", required_argument, NULL, 'o'},
                                            {"secret", required_argument, NULL, 'h'},
                                            {"state", required_argument, NULL, 'k'},
                                            {"writable", required_argument, NULL, 'W'},
                                            {"renew-members", required_argument, NULL, 'M'},
                                            {"renew-memory", required_argument, NULL, 'R'},
                                            {"memory", required_argument, NULL, 'B'},
                                            {"group", required_argument, NULL, 'G'},
                                            {NULL, 0, NULL, 0}};
    int c;
    while ((c = getopt_long(argc, argv, "o:", options, NULL)) != -1)
        if (!set_option(a, c))
            return false;
    bool has_two = optind + 1 < argc && (!strcmp(argv[0], "run") || !strcmp(argv[0], "plan"));
    a->model = has_two ? argv[optind++] : NULL;
    a->operand = optind < argc ? argv[optind++] : NULL;
    if (a->n_directories == 0)
        a->directories[a->n_directories] = default_directory();
    return optind == argc;
}

void worker_arguments_clear(struct worker_arguments *a)
{
    for (char **d = a->directories; *d; d++)
        free(*d);
    free(a->libraries);
    free(a->uploads);
    free(a->state);
}
