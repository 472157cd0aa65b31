/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "base/buffer.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char library[] =
    "{\"abi\": 1, \"library\": \"t\", \"path\": \"t.so\", \"hash\": \"0\", \"types\": ["
    "{\"name\": \"P\", \"stages\": [\"initialize\", \"run_step\"], \"variables\": ["
    "{\"name\": \"n\", \"dtype\": \"i8\"},"
    "{\"name\": \"values\", \"intent\": \"out\", \"dims\": \"k\"}]}]}";

static json_t *parse(const char *text)
{
    struct error e = {.message = ""};
    json_t *value = json_read(text, strlen(text), &e);
    cr_assert(value, "%s: %s", e.message, text);
    return value;
}

static void add_list(struct buffer *b, int n)
{
    for (int i = 0; i < n; i++)
        buffer_printf(b, "%s%d", i ? ", " : "[", i);
    buffer_text(b, "]");
}

struct job *support_job(int members, int labels, const char *encoding)
{
    static struct registry *registry;
    struct error e = {.message = ""};
    struct buffer b = {0};
    if (!registry) {
        registry = registry_new();
        json_t *document = parse(library);
        cr_assert_eq(registry_add(registry, document, &e), 0, "%s", e.message);
        registry_finish(registry);
        json_decref(document);
    }
    buffer_text(&b, "{\"model\": {\"processes\": {\"p\": \"t.P\"}}, \"main_clock\": \"time\", "
                    "\"outputs\": {\"p__values\": \"time\"}, \"clocks\": {\"time\": {\"data\": ");
    add_list(&b, labels);
    buffer_text(&b, "}}, \"inputs\": {\"p__n\": ");
    if (members) {
        buffer_text(&b, "{\"dims\": [\"batch\"], \"data\": ");
        add_list(&b, members);
        buffer_text(&b, "}}, \"batch_dim\": \"batch\"");
    } else {
        buffer_text(&b, "1}");
    }
    if (encoding)
        buffer_printf(&b, ", \"encoding\": {\"p__values\": %s}", encoding);
    buffer_text(&b, "}");
    json_t *document = parse(b.data);
    struct job *job = NULL;
    cr_assert_eq(job_new(registry, document, NULL, &job, &e), 0, "%s: %s", e.pointer, e.message);
    json_decref(document);
    buffer_free(&b);
    return job;
}

static char directory[] = "/tmp/simlab-worker-test.XXXXXX";
static pid_t owner;

/* Not at the end of a child of the test's. */
static void remove_directory(void)
{
    if (getpid() == owner)
        file_remove_tree(directory);
}

const char *support_path(const char *name)
{
    static char path[512];
    if (strstr(directory, "XXXXXX")) {
        cr_assert(mkdtemp(directory));
        owner = getpid();
        atexit(remove_directory);
    }
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

const char *support_built(const char *name)
{
    static char path[4600];
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    cr_assert(n > 0);
    self[n] = '\0';
    *strrchr(self, '/') = '\0';
    snprintf(path, sizeof path, "%s/../%s", self, name);
    return path;
}

static int visible(const struct dirent *d)
{
    return strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
}

static bool is_directory(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void same_file(const char *a, const char *b)
{
    struct buffer left = {0}, right = {0};
    cr_assert_eq(file_read(a, SIZE_MAX, &left), 0, "%s", a);
    cr_assert_eq(file_read(b, SIZE_MAX, &right), 0, "%s", b);
    cr_assert(left.size == right.size && !memcmp(left.data, right.data, left.size), "%s, %s", a, b);
    buffer_free(&left);
    buffer_free(&right);
}

void support_same(const char *a, const char *b)
{
    struct dirent **left, **right;
    int n = scandir(a, &left, visible, alphasort), m = scandir(b, &right, visible, alphasort);
    for (int i = 0; i < n && i < m; i++)
        cr_assert_str_eq(left[i]->d_name, right[i]->d_name, "%s %s in %s, %s", left[i]->d_name,
                         right[i]->d_name, a, b);
    cr_assert_eq(n, m, "%d files in %s, %d in %s", n, a, m, b);
    for (int i = 0; i < n; i++) {
        char *first = file_join(a, left[i]->d_name), *second = file_join(b, left[i]->d_name);
        if (is_directory(first))
            support_same(first, second);
        else
            same_file(first, second);
        free(first);
        free(second);
        free(left[i]);
        free(right[i]);
    }
    free(left);
    free(right);
}

uint64_t support_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

int64_t support_below(uint64_t *state, int64_t n)
{
    return (int64_t)(support_random(state) % (uint64_t)n);
}
