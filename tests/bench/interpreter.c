/* SPDX-License-Identifier: Apache-2.0 */
/* Python, as programs have it that embed it: the distribution's shared library, which is compiled
 * otherwise than its own program (Debian's: 1.12 times slower). */
#include <Python.h>

int main(int argc, char **argv)
{
    return Py_BytesMain(argc, argv);
}
