/* SPDX-License-Identifier: Apache-2.0 */
/* Modules that are pushed while the service stops. */
#include "fixture.h"

#include "base/aside.h"

#include <stdio.h>

static void post(struct peer *c)
{
    static const char body[] = "{\"name\": \"growth\", \"files\": {\"growth.py\": \"\"}}";
    char request[400];
    snprintf(request, sizeof request,
             "POST /v1/modules HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
             "Content-Length: %zu\r\n\r\n%s",
             sizeof body - 1, body);
    peer_text(c, request);
}

/* Its body is read beside the loop, and given on where that has ended: here in http_free. */
Test(modules, the_service_stops_while_one_is_read)
{
    struct server *s = server_new(8192);
    struct peer *c = peer_unix(s);
    post(c);
    while (aside_waiting(s->aside) == 0 && s->n_pushes == 0)
        server_turn(s);
    server_free(s);
    peer_free(c);
}

Test(modules, the_service_stops_while_one_is_taken)
{
    struct server *s = server_new(8192);
    struct peer *c = peer_unix(s);
    post(c);
    while (s->n_pushes == 0)
        server_turn(s);
    server_free(s);
    peer_free(c);
}
