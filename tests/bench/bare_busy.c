/* SPDX-License-Identifier: Apache-2.0 */
/* bare_busy TIMES SECONDS: as tests/lib/busy.c works, so often. */
#include "lib/busy.h"

#include <stdlib.h>

int main(int argc, char **argv)
{
    long times = argc > 2 ? atol(argv[1]) : 0;
    for (long i = 0; i < times; i++)
        busy(atof(argv[2]));
    return times > 0 ? 0 : 2;
}
