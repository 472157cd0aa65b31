/* SPDX-License-Identifier: Apache-2.0 */
/* Where threads stand, told by name: also of a board that holds anything. */
#include "base/position.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct position_board *new_board(void)
{
    struct position_board *b = aligned_alloc(64, sizeof *b);
    size_t at = 0;
    memset(b, 0xff, sizeof *b);
    position_clear(b, 1);
    position_add_name(b, &at, "grid", "line.Grid");
    position_add_name(b, &at, "diffuse", "line.Diffusion");
    return b;
}

static void tells(const struct position_board *b, const char *wanted)
{
    char text[POSITION_TEXT];
    cr_assert_eq(position_text(b, text), *wanted != '\0');
    cr_assert_str_eq(text, wanted);
}

Test(position, of_one_lane)
{
    struct position_board *b = new_board();
    tells(b, "");
    position_set(&b->lanes[0], position_pack(0, 0));
    tells(b, "process 'grid' (line.Grid), initialize");
    atomic_store(&b->step, 3);
    position_set(&b->lanes[0], position_pack(1, 1));
    tells(b, "process 'diffuse' (line.Diffusion), run_step of step 3");
    strcpy(b->note, "as it was\n");
    tells(b, "process 'diffuse' (line.Diffusion), run_step of step 3: as it was\\n");
    position_set(&b->lanes[0], position_pack(4, 7));
    b->note[0] = '\0';
    tells(b, "process number 7, compute of step 3");
    free(b);
}

Test(position, of_several_the_one_that_ended_it)
{
    struct position_board *b = new_board();
    position_set(&b->lanes[0], position_pack(0, 0));
    position_set(&b->lanes[9], position_pack(0, 1));
    tells(b, "process 'grid' (line.Grid), initialize, or process 'diffuse' (line.Diffusion), "
             "initialize");
    position_ends_here(b);
    cr_assert_eq(b->ended_lane, 0, "this thread is in no lane");
    atomic_store(&b->lanes[9].thread, gettid());
    position_ends_here(b);
    tells(b, "process 'diffuse' (line.Diffusion), initialize");
    free(b);
}

Test(position, names_that_do_not_fit)
{
    struct position_board *b = new_board();
    char name[200], text[POSITION_TEXT];
    size_t at = 0;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    for (int i = 0; i < 2000; i++)
        position_add_name(b, &at, name, "a.B");
    position_set(&b->lanes[0], position_pack(0, 1999));
    tells(b, "process number 1999, initialize");
    position_set(&b->lanes[0], position_pack(0, 5));
    cr_assert(position_text(b, text) && strncmp(text, "process 'nnnn", 13) == 0);
    free(b);
}

Test(position, of_anything)
{
    struct position_board *b = new_board();
    char text[POSITION_TEXT];
    for (int byte = 0; byte < 256; byte++) {
        memset(b, byte, sizeof *b);
        position_text(b, text);
        cr_assert_lt(strlen(text), sizeof text);
    }
    free(b);
}
