/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/reach.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char *const harmless[] = {
    /* start and end of a library; errors; the stack protector */
    "__gmon_start__", "_ITM_deregisterTMCloneTable", "_ITM_registerTMCloneTable",
    "__errno_location", "__stack_chk_fail", "__tls_get_addr", "__libc_single_threaded", "__assert",
    "__assert_fail", "__assert_perror_fail", "__chk_fail", "dl_iterate_phdr", "_dl_find_object",
    /* an end of the process is a death, which is told */
    "abort", "exit", "quick_exit",
    /* memory */
    "malloc", "calloc", "realloc", "reallocarray", "free", "cfree", "aligned_alloc", "memalign",
    "posix_memalign", "valloc", "pvalloc", "malloc_usable_size", "malloc_trim", "mmap", "mmap64",
    "munmap", "mremap", "madvise", "posix_madvise", "mprotect",
    /* bytes and strings */
    "memcpy", "mempcpy", "memmove", "memset", "explicit_bzero", "memcmp", "memchr", "rawmemchr",
    "memrchr", "memmem", "memccpy", "bcmp", "bcopy", "bzero", "ffs", "ffsl", "ffsll", "strlen",
    "strnlen", "strcpy", "strncpy", "strlcpy", "strlcat", "stpcpy", "stpncpy", "strcat", "strncat",
    "strcmp", "strncmp", "strcasecmp", "strncasecmp", "strcoll", "strxfrm", "strchr", "strchrnul",
    "strrchr", "index", "rindex", "strstr", "strcasestr", "strspn", "strcspn", "strpbrk", "strsep",
    "strtok_r", "strdup", "strndup", "strerror", "strerror_r", "__xpg_strerror_r", "strsignal",
    "wcslen", "wcscpy", "wcsncpy", "wcscmp", "wcsncmp", "wcschr", "wmemcpy", "wmemset", "wmemmove",
    "wmemcmp", "wmemchr", "isalnum", "isalpha", "isblank", "iscntrl", "isdigit", "isgraph",
    "islower", "isprint", "ispunct", "isspace", "isupper", "isxdigit", "tolower", "toupper",
    "__ctype_b_loc", "__ctype_tolower_loc", "__ctype_toupper_loc", "__ctype_get_mb_cur_max",
    /* numbers */
    "atoi", "atol", "atoll", "atof", "strtol", "strtoll", "strtoul", "strtoull", "strtoimax",
    "strtoumax", "strtof", "strtod", "strtold", "strfromd", "strfromf", "abs", "labs", "llabs",
    "imaxabs", "div", "ldiv", "lldiv", "imaxdiv", "qsort", "qsort_r", "bsearch", "lfind", "lsearch",
    "frexp", "frexpf", "ldexp", "ldexpf", "modf", "modff", "scalbn", "scalbnf", "copysign",
    "copysignf", "finite", "isinf", "isnan", "__finite", "__isinf", "__isnan", "__isinff",
    "__isnanf", "__signbit", "__signbitf", "signbit",
    /* random numbers whose state is the caller's */
    "rand_r", "random_r", "srandom_r", "initstate_r", "setstate_r", "erand48_r", "nrand48_r",
    "jrand48_r", "drand48_r", "getrandom", "getentropy", "arc4random",
    /* what is written into texts, and read from them */
    "sprintf", "vsprintf", "snprintf", "vsnprintf", "asprintf", "vasprintf", "sscanf", "vsscanf",
    "swprintf", "vswprintf",
    /* time that passes, and how it is written */
    "time", "clock", "clock_gettime", "clock_getres", "gettimeofday", "times", "getrusage",
    "difftime", "gmtime_r", "timegm", "timespec_get", "nanosleep", "clock_nanosleep", "usleep",
    "sleep", "strftime", "sched_yield",
    /* questions */
    "getenv", "secure_getenv", "getpid", "gettid", "getppid", "sysconf", "getpagesize", "uname",
    "sched_getcpu", "get_nprocs", "get_nprocs_conf", "getauxval", "gnu_get_libc_version", "confstr",
    "pthread_self", "pthread_equal",
    /* jumps, and locks of its own */
    "setjmp", "_setjmp", "__sigsetjmp", "longjmp", "_longjmp", "__longjmp_chk", "siglongjmp",
    "pthread_mutex_init", "pthread_mutex_destroy", "pthread_mutex_lock", "pthread_mutex_trylock",
    "pthread_mutex_unlock", "pthread_mutexattr_init", "pthread_mutexattr_destroy",
    "pthread_mutexattr_settype", "pthread_once", "pthread_rwlock_rdlock", "pthread_rwlock_wrlock",
    "pthread_rwlock_unlock", "pthread_spin_lock", "pthread_spin_unlock", "pthread_getspecific",
    "pthread_setspecific", "pthread_key_create", "pthread_key_delete", "__pthread_key_create"};

static const char *const harmless_beginnings[] = {
    "__cxa_", "__gxx_", "__dynamic_cast", "_Unwind_", "__ubsan_", "__asan_", "__tsan_",
    "__sanitizer_", "__gcov_",
    /* Fortran: what computes, and how it ends; not what opens, reads, writes or asks the system */
    "_gfortran_matmul_", "_gfortran_sum_", "_gfortran_msum_", "_gfortran_ssum_",
    "_gfortran_product_", "_gfortran_mproduct_", "_gfortran_sproduct_", "_gfortran_minval",
    "_gfortran_mminval", "_gfortran_sminval", "_gfortran_maxval", "_gfortran_mmaxval",
    "_gfortran_smaxval", "_gfortran_minloc", "_gfortran_mminloc", "_gfortran_sminloc",
    "_gfortran_maxloc", "_gfortran_mmaxloc", "_gfortran_smaxloc", "_gfortran_findloc",
    "_gfortran_any_", "_gfortran_all_", "_gfortran_count_", "_gfortran_norm2_", "_gfortran_iall_",
    "_gfortran_iany_", "_gfortran_spread", "_gfortran_pack", "_gfortran_unpack",
    "_gfortran_reshape", "_gfortran_transpose", "_gfortran_cshift", "_gfortran_eoshift",
    "_gfortran_size", "_gfortran_internal_", "_gfortran_string_", "_gfortran_concat_string",
    "_gfortran_compare_string", "_gfortran_adjust", "_gfortran_select_string", "_gfortran_pow_",
    "_gfortran_runtime_", "_gfortran_os_error", "_gfortran_stop_", "_gfortran_error_stop_",
    "_gfortran_cfi_desc_to_gfc_desc", "_gfortran_gfc_desc_to_cfi_desc", "_gfortran_bessel_",
    "_gfortran_erfc_scaled", "_gfortran_exponent_", "_gfortran_fraction_", "_gfortran_nearest_",
    "_gfortran_rrspacing_", "_gfortran_set_exponent_", "_gfortran_spacing_"};

/* What is printed: without fopen() there are only the standard streams. */
static const char *const output[] = {
    "printf",         "vprintf",          "fprintf", "vfprintf", "puts",    "putchar",
    "putc",           "_IO_putc",         "fputc",   "fputs",    "fwrite",  "fflush",
    "perror",         "putchar_unlocked", "stdout",  "stderr",   "psignal", "fputs_unlocked",
    "fwrite_unlocked"};

/* Files are opened, read, written, made and removed. */
static const char *const files[] = {
    /* streams */
    "fopen", "fopen64", "freopen", "freopen64", "fdopen", "fclose", "fread", "fread_unlocked",
    "fgets", "fgets_unlocked", "fgetc", "getc", "_IO_getc", "getc_unlocked", "getline", "getdelim",
    "__getdelim", "ungetc", "fscanf", "vfscanf", "scanf", "getchar", "stdin", "feof", "ferror",
    "clearerr", "feof_unlocked", "ferror_unlocked", "fseek", "fseeko", "fseeko64", "ftell",
    "ftello", "ftello64", "rewind", "fgetpos", "fsetpos", "setvbuf", "setbuf", "fileno", "fmemopen",
    "open_memstream", "tmpfile", "tmpfile64", "tmpnam", "tempnam",
    /* descriptors */
    "mkstemp", "mkstemp64", "mkstemps", "mkdtemp", "open", "open64", "openat", "openat64",
    "__open_2", "__open64_2", "creat", "creat64", "close", "read", "write", "readv", "writev",
    "pread", "pread64", "pwrite", "pwrite64", "lseek", "lseek64", "dup", "fsync", "fdatasync",
    "ftruncate", "ftruncate64", "truncate", "truncate64", "posix_fallocate", "posix_fallocate64",
    "posix_fadvise", "posix_fadvise64",
    /* names and directories */
    "stat", "stat64", "fstat", "fstat64", "lstat", "lstat64", "fstatat", "fstatat64", "__xstat",
    "__xstat64", "__fxstat", "__fxstat64", "__lxstat", "__lxstat64", "access", "faccessat",
    "eaccess", "unlink", "unlinkat", "remove", "rename", "renameat", "link", "symlink", "readlink",
    "realpath", "canonicalize_file_name", "mkdir", "mkdirat", "rmdir", "opendir", "fdopendir",
    "readdir", "readdir64", "closedir", "rewinddir", "dirfd", "scandir", "scandir64", "alphasort",
    "alphasort64", "glob", "glob64", "globfree", "globfree64", "ftw", "nftw", "nftw64", "getcwd",
    "basename", "dirname", "__xpg_basename", "chmod", "fchmod", "utime", "utimes", "futimens",
    "utimensat", "statfs", "statvfs", "fstatvfs", "statvfs64", "fputwc", "fgetwc", "fwprintf",
    "flock", "lockf"};

static const char *const files_beginnings[] = {"_gfortran_st_", "_gfortran_transfer_",
                                               "_gfortran_flush", "_gfortran_unlink"};

static const char *const ends[] = {"_exit", "_Exit"};

static const char *const random_numbers[] = {
    "rand",    "srand",   "random",  "srandom", "initstate", "setstate", "drand48", "erand48",
    "lrand48", "nrand48", "mrand48", "jrand48", "srand48",   "seed48",   "lcong48"};

/* In the mangled names of C++, which are harmless but for these. */
static const struct {
    const char *word;
    unsigned reach;
} cxx_words[] = {{"filebuf", REACH_FILES},         {"fstream", REACH_FILES},
                 {"basic_file", REACH_FILES},      {"12current_path", REACH_ALL},
                 {"filesystem", REACH_FILES},      {"4cout", REACH_OUTPUT},
                 {"4cerr", REACH_OUTPUT},          {"4clog", REACH_OUTPUT},
                 {"6threadC", REACH_ALL},          {"6thread15_M_start", REACH_ALL},
                 {"6locale6global", REACH_ALL},    {"sync_with_stdio", REACH_ALL},
                 {"13set_terminate", REACH_ALL},   {"14set_unexpected", REACH_ALL},
                 {"15set_new_handler", REACH_ALL}, {"20set_default_resource", REACH_ALL}};

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

#define COUNT(table) (sizeof(table) / sizeof *(table))

static bool is_one_of(const char *name, const char *const *table, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(table[i], name) == 0)
            return true;
    return false;
}

static bool begins_as_one_of(const char *name, const char *const *table, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (begins(name, table[i]))
            return true;
    return false;
}

static unsigned reach_of_cxx(const char *name)
{
    for (size_t i = 0; i < COUNT(cxx_words); i++)
        if (strstr(name, cxx_words[i].word))
            return cxx_words[i].reach;
    return 0;
}

static unsigned reach_in_tables(const char *name)
{
    if (is_one_of(name, harmless, COUNT(harmless)) ||
        begins_as_one_of(name, harmless_beginnings, COUNT(harmless_beginnings)))
        return 0;
    if (is_one_of(name, files, COUNT(files)) ||
        begins_as_one_of(name, files_beginnings, COUNT(files_beginnings)))
        return REACH_FILES;
    if (is_one_of(name, output, COUNT(output)))
        return REACH_OUTPUT;
    if (is_one_of(name, ends, COUNT(ends)))
        return REACH_END;
    return is_one_of(name, random_numbers, COUNT(random_numbers)) ? REACH_RANDOM : REACH_ALL;
}

/* The plain name of the checked one of -D_FORTIFY_SOURCE, or of a newer standard's. */
static bool plain_name(const char *name, char *ret, size_t size)
{
    size_t n = strlen(name), standard = strlen("__isoc99_");
    if (n >= size)
        return false;
    if (begins(name, "__isoc99_") || begins(name, "__isoc23_"))
        snprintf(ret, size, "%s", name + standard);
    else if (n > 6 && begins(name, "__") && strcmp(name + n - 4, "_chk") == 0)
        snprintf(ret, size, "%.*s", (int)(n - 6), name + 2);
    else
        return false;
    return true;
}

unsigned reach_of_name(const char *name)
{
    char plain[64];
    if (begins(name, "_Z"))
        return reach_of_cxx(name);
    return reach_in_tables(plain_name(name, plain, sizeof plain) ? plain : name);
}

enum reach_library reach_of_library(const char *file)
{
    static const struct {
        const char *begins;
        enum reach_library kind;
    } libraries[] = {{"linux-vdso.so", REACH_HARMLESS},
                     {"libm.so", REACH_HARMLESS},
                     {"libmvec.so", REACH_HARMLESS},
                     {"libgcc_s.so", REACH_HARMLESS},
                     {"libquadmath.so", REACH_HARMLESS},
                     {"libatomic.so", REACH_HARMLESS},
                     {"libc.so", REACH_BY_NAME},
                     {"libpthread.so", REACH_BY_NAME},
                     {"libdl.so", REACH_BY_NAME},
                     {"librt.so", REACH_BY_NAME},
                     {"ld-linux", REACH_BY_NAME},
                     {"libstdc++.so", REACH_BY_NAME},
                     {"libc++.so", REACH_BY_NAME},
                     {"libc++abi.so", REACH_BY_NAME},
                     {"libgfortran.so", REACH_BY_NAME},
                     {"libasan.so", REACH_BY_NAME},
                     {"libubsan.so", REACH_BY_NAME},
                     {"libtsan.so", REACH_BY_NAME},
                     {"libgomp.so", REACH_POOL},
                     {"libomp.so", REACH_POOL},
                     {"libiomp5.so", REACH_POOL},
                     {"libopenblas", REACH_POOL},
                     {"libblas.so", REACH_POOL},
                     {"libcblas.so", REACH_POOL},
                     {"liblapack.so", REACH_POOL},
                     {"liblapacke.so", REACH_POOL},
                     {"libblis", REACH_POOL},
                     {"libatlas", REACH_POOL},
                     {"libmkl_", REACH_POOL},
                     {"libtbb", REACH_POOL},
                     {"libfftw3", REACH_POOL},
                     {"libgslcblas.so", REACH_HARMLESS}};
    for (size_t i = 0; i < COUNT(libraries); i++)
        if (begins(file, libraries[i].begins))
            return libraries[i].kind;
    return REACH_OWN;
}
