/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/clean_room.h"

#include "base/log.h"
#include "base/mem.h"
#include "worker/clean_room_parts.h"
#include "worker/floating.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct clean_room {
    struct settings *settings;
    struct leftovers *leftovers;
    struct error spent;  /* no words: it is not */
    int64_t n_run, most; /* members; 0: any number */
};

int clean_room_make_directory(char **ret_path, struct error *e)
{
    const char *parent = getenv("TMPDIR");
    char *path = mem_printf("%s/simlab-members-XXXXXX", parent && *parent == '/' ? parent : "/tmp");
    if (!mkdtemp(path)) {
        int r = error_set(e, -errno, NULL, "cannot make a directory for the members, %s: %s", path,
                          strerror(errno));
        free(path);
        return r;
    }
    *ret_path = path;
    return 0;
}

/* The value of a key of this thread: it is asked when the thread ends, not when the process does.
 */
static void thread_ended(void *unused)
{
    (void)unused;
    log_error("a member has ended the thread that it ran in");
    abort();
}

static void watch_thread(bool watches)
{
    static pthread_key_t key;
    static bool has_key;
    if (!has_key)
        has_key = pthread_key_create(&key, thread_ended) == 0;
    if (has_key)
        pthread_setspecific(key, watches ? &key : NULL);
}

int clean_room_new(const char *directory, pid_t guard, struct clean_room **ret_room,
                   struct error *e)
{
    struct clean_room *r = mem_new(sizeof *r);
    r->settings = settings_new();
    watch_thread(true);
    int result = leftovers_new(directory, guard, &r->leftovers);
    if (result == 0 && directory && setenv("TMPDIR", directory, 1) < 0)
        result = -errno;
    if (result < 0) {
        clean_room_free(r);
        return error_explain(e, result, "enter the members' directory");
    }
    clean_room_settle(r);
    *ret_room = r;
    return 0;
}

struct clean_room *clean_room_free(struct clean_room *r)
{
    if (!r)
        return NULL;
    watch_thread(false);
    settings_free(r->settings);
    leftovers_free(r->leftovers);
    free(r);
    return NULL;
}

void clean_room_settle(struct clean_room *r)
{
    floating_reset();
    if (!r)
        return;
    static const struct imports all = {.reach = REACH_ALL};
    settings_note(r->settings);
    leftovers_note(r->leftovers, &all, true);
    leftovers_end(r->leftovers, &all, NULL); /* what loading left in the directory */
}

void clean_room_limit(struct clean_room *r, int64_t members)
{
    r->most = members;
}

void clean_room_count(struct clean_room *r, int64_t members)
{
    if (r)
        r->n_run += members - 1;
}

void clean_room_let_be(struct clean_room *r, int fd)
{
    if (r)
        leftovers_let_be(r->leftovers, fd);
}

void clean_room_enter(struct clean_room *r, const struct imports *imports)
{
    floating_reset();
    errno = 0;
    if (!r)
        return;
    r->n_run++;
    leftovers_note(r->leftovers, imports, false);
}

static int put_back(struct clean_room *r, const struct imports *imports, struct error *why)
{
    int result = 0;
    if (imports->reach & REACH_ELSEWHERE)
        result = settings_put_back(r->settings, why);
    if (imports->reach & REACH_RANDOM)
        settings_restart_random();
    int leftovers = leftovers_end(r->leftovers, imports, result ? NULL : why);
    return result ? result : leftovers;
}

int clean_room_leave(struct clean_room *r, const struct imports *imports, struct error *why)
{
    bool floating_changed = floating_is_changed();
    if (floating_changed)
        floating_reset();
    if (!r)
        return 0;
    int result = put_back(r, imports, why);
    if (result == 0 && floating_changed && imports->has_pool)
        result = error_set(why, CLEAN_ROOM_RENEW, NULL,
                           "it left another floating-point environment, which threads that its "
                           "libraries keep may have taken over");
    if (result == 0 && r->most > 0 && r->n_run >= r->most)
        result = error_set(why, CLEAN_ROOM_RENEW, NULL, "it has run %" PRId64 " (--renew-members)",
                           r->n_run);
    if (result && !*r->spent.message)
        r->spent = *why;
    return result;
}

const char *clean_room_spent(const struct clean_room *r)
{
    return r && *r->spent.message ? r->spent.message : NULL;
}

void clean_room_pause(const struct clean_room *r, const struct imports *imports,
                      struct clean_room_pause *ret_pause)
{
    ret_pause->has_floating = floating_ours(&ret_pause->floating);
    ret_pause->has_umask = r && (imports->reach & REACH_ELSEWHERE);
    if (ret_pause->has_umask)
        ret_pause->umask = umask(settings_umask(r->settings));
}

void clean_room_resume(const struct clean_room_pause *pause)
{
    if (pause->has_umask)
        umask(pause->umask);
    if (pause->has_floating)
        floating_theirs(&pause->floating);
}
