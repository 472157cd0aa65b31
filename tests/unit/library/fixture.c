/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "base/file.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char script[] =
    "#!/bin/sh\n"
    "echo run >>\"$(dirname \"$0\")/runs\"\n"
    "case \"$(head -c 5 \"$2\")\" in\n"
    "crash) kill -SEGV $$;;\n"
    "hang*) exec tail -f /dev/null;;\n"
    "no*) echo \"simlab-worker: error: cannot load $2: no luck\" >&2; exit 2;;\n"
    "esac\n"
    "cat \"$2\"\n";

static void put(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");
    cr_assert(file, "%s", path);
    cr_assert(fputs(text, file) >= 0);
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(chmod(path, mode), 0);
}

void fixture_open(struct fixture *f)
{
    f->directory = mem_strdup("/tmp/simlab-library-XXXXXX");
    cr_assert(mkdtemp(f->directory));
    f->libraries = file_join(f->directory, "lib");
    f->root = file_join(f->directory, "copies");
    f->program = file_join(f->directory, "describe");
    cr_assert_eq(mkdir(f->libraries, 0755), 0);
    put(f->program, script, 0755);
}

void fixture_close(struct fixture *f)
{
    cr_assert_eq(file_remove_tree(f->directory), 0);
    free(f->directory);
    free(f->libraries);
    free(f->root);
    free(f->program);
}

static char *next_text(void)
{
    static char texts[8][4096];
    static int n;
    return texts[n++ % 8];
}

const char *fixture_path(const struct fixture *f, const char *file)
{
    char *path = next_text();
    snprintf(path, 4096, "%s/%s", f->libraries, file);
    return path;
}

const char *fixture_copy(const struct fixture *f, const char *hash, const char *file)
{
    char *path = next_text();
    snprintf(path, 4096, "%s/%s/%s", f->root, hash, file);
    return path;
}

void fixture_write(const struct fixture *f, const char *file, const char *text)
{
    put(fixture_path(f, file), text, 0644);
}

const char *fixture_document(const char *name, const char *build)
{
    char *text = next_text();
    snprintf(text, 4096,
             "{\"abi\": 1, \"library\": \"%s\", \"types\": [{\"name\": \"T\", "
             "\"description\": \"%s\"}]}",
             name, build);
    return text;
}

void fixture_library(const struct fixture *f, const char *name, const char *build)
{
    char file[128];
    snprintf(file, sizeof file, "%s.so", name);
    fixture_write(f, file, fixture_document(name, build));
}

int fixture_runs(const struct fixture *f)
{
    struct buffer text = {0};
    char *path = file_join(f->directory, "runs");
    file_read(path, 1 << 20, &text);
    int n = (int)(text.size / strlen("run\n"));
    buffer_free(&text);
    free(path);
    return n;
}

bool fixture_there(const char *path)
{
    return access(path, F_OK) == 0;
}
