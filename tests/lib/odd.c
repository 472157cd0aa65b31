/* SPDX-License-Identifier: Apache-2.0 */
/* Process libraries of tests/unit/worker/libraries.c, one for each ODD: what an older, a newer or a
 * careless author may have built. */
#include <simlab/process.h>

#define GOOD         1
#define OLD          2 /* structs end before what was added later */
#define NEWER        3 /* of a later revision */
#define OTHER        4 /* of another ABI version */
#define NO_SYMBOL    5
#define NAMELESS     6 /* a type without a name */
#define NULL_PROCESS 7
#define NO_TABLE     8  /* simlab_library_table() gives nothing */
#define LARGER       9  /* structs have grown at their ends */
#define ROUNDS       10 /* sets the floating-point control by an instruction */
#define CALLS        11 /* likewise, by a function of libm */

#if ODD == CALLS
#include <fenv.h>
#endif

static void set_control(void)
{
#if ODD == ROUNDS && defined(__x86_64__)
    unsigned upward = 0x5f80;
    __asm__ volatile("ldmxcsr %0" : : "m"(upward));
#elif ODD == CALLS
    fesetround(FE_UPWARD);
#endif
}

static int run_step(simlab_context *c)
{
    simlab_f8_put(c, 1, 2 * simlab_f8_get(c, 0));
    set_control();
    return 0;
}

static const struct row {
    struct simlab_variable now;
#if ODD == LARGER
    const char *later[3];
#endif
} variables[] = {
    {.now = {.name = "a"}},
    {.now = {.name = "b", .intent = SIMLAB_OUT, .description = "the second"}},
};

static const struct {
    struct simlab_process now;
    const char *later;
} process = {{
#if ODD != NAMELESS
                 .name = "Twice",
#endif
                 .variables = &variables[0].now,
                 .n_variables = 2,
                 .run_step = run_step,
                 .instance_size = 24},
             "later"};

static const struct simlab_process *const processes[] = {ODD == NULL_PROCESS ? 0 : &process.now};

static const struct simlab_library library = {
    .abi_version = ODD == OTHER ? SIMLAB_ABI_VERSION + 1 : SIMLAB_ABI_VERSION,
    .struct_size = sizeof(struct simlab_library),
    .process_size = ODD == OLD      ? offsetof(struct simlab_process, instance_size)
                    : ODD == LARGER ? sizeof process
                                    : sizeof(struct simlab_process),
    .variable_size = sizeof(struct row),
    .description = "odd",
    .version = "1",
    .processes = processes,
    .n_processes = 1,
    .revision = ODD == NEWER ? SIMLAB_ABI_REVISION + 1 : SIMLAB_ABI_REVISION,
};

#if ODD == NO_SYMBOL
SIMLAB_EXPORT const struct simlab_library *another_name(void);
const struct simlab_library *another_name(void)
#else
const struct simlab_library *simlab_library_table(void)
#endif
{
    return ODD == NO_TABLE ? 0 : &library;
}
