/* SPDX-License-Identifier: Apache-2.0 */
/* simlab: the command-line client of simlabd. */
#include "client/options.h"
#include "client/server.h"
#include "client/text.h"
#include "proto/api.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* Where 0, 1 or 2 is closed, the next file that is opened would be standard error, or be printed
 * into. */
static void fill_standard_files(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

/* A full disk must not look like success. */
static int flush_output(int code)
{
    if (!fflush(stdout) && !ferror(stdout))
        return code;
    text_complain("cannot write to standard output");
    return code ? code : API_EXIT_USAGE;
}

int main(int argc, char **argv)
{
    struct options o;
    struct server *s = NULL;
    fill_standard_files();
    int code = options_parse(argc, argv, &o);
    if (code)
        return code;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    if (!o.command->offline)
        code = server_new(o.server, o.token, o.timeout, &s);
    if (!code)
        code = o.command->run(s, &o);
    code = flush_output(code);
    server_free(s);
    options_clear(&o);
    curl_global_cleanup();
    return code;
}
