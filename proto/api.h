/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon's REST interface and its clients agree on: paths, kinds of problems, job states,
 * exit codes, and where a client finds the daemon of its machine. Text only, no code. The routes
 * themselves are daemon/http/routes.def, their description proto/openapi.json. */
#ifndef PROTO_API_H
#define PROTO_API_H

/* ---- paths; "/{…}" parts are appended by who uses them ---- */
#define API_HEALTHZ   "/healthz"
#define API_READYZ    "/readyz"
#define API_OPENAPI   "/openapi.json"
#define API_SCHEMAS   "/v1/schemas"
#define API_PROCESSES "/v1/processes"
#define API_MODELS    "/v1/models"
#define API_UPLOADS   "/v1/uploads"
#define API_MODULES   "/v1/modules"
#define API_JOBS      "/v1/jobs"
#define API_WORKERS   "/v1/workers"
#define API_PLAN      "/v1/plan"
/* Below /v1/schemas: */
#define API_SCHEMA_JOB "/job"
/* Below /v1/jobs/{id}: */
#define API_JOB_DOCUMENT  "/document"
#define API_JOB_MEMBERS   "/members"
#define API_JOB_RANGES    "/ranges"
#define API_JOB_EVENTS    "/events"
#define API_JOB_LOG       "/log"
#define API_JOB_CANCEL    "/cancel"
#define API_JOB_RETRY     "/retry"
#define API_JOB_CHECKSUMS "/checksums"
#define API_JOB_HOLD      "/hold"
#define API_JOB_RELEASE   "/release"
#define API_JOB_CLOSE     "/close"

/* ---- headers and media types ---- */
#define API_IDEMPOTENCY_KEY "Idempotency-Key" /* 1 to 255 printable ASCII characters */
#define API_LAST_EVENT_ID   "Last-Event-ID"
#define API_BEARER          "Bearer " /* Authorization: Bearer TOKEN */
#define API_JSON            "application/json"
#define API_SCHEMA_JSON     "application/schema+json"
#define API_PROBLEM_JSON    "application/problem+json"
#define API_EVENT_STREAM    "text/event-stream"
#define API_OCTETS          "application/octet-stream"
#define API_TEXT            "text/plain; charset=utf-8"

/* ---- lists ---- */
#define API_LIMIT_DEFAULT 100 /* items on a page where ?limit= is not given */
#define API_LIMIT_MAX     1000

/* ---- logs ---- */
#define API_LOG_LINES    "10001"     /* that a job keeps, the one that says so included */
#define API_PROFILE_LINE "profile: " /* begins lines that tell where the time of a job went */
#define API_WARNING      "warning: " /* begins lines, and notes of a job, by which a member warns */

/* ---- problems (RFC 9457): X(NAME, last part of the type, HTTP status, title) ---- */
#define API_PROBLEM_TYPE "urn:simlabd:problem:" /* "type" is this and the last part */
#define API_PROBLEMS(X)                                                                            \
    X(SYNTAX, "syntax", 400, "The request cannot be read")                                         \
    X(HOST, "host", 400, "The Host header names another machine")                                  \
    X(UNAUTHORIZED, "unauthorized", 401, "A valid token is needed")                                \
    X(FORBIDDEN, "forbidden", 403, "Not allowed")                                                  \
    X(NOT_FOUND, "not-found", 404, "There is no such thing")                                       \
    X(METHOD, "method", 405, "The method is not allowed here")                                     \
    X(CONFLICT, "conflict", 409, "In conflict with what stands already")                           \
    X(TOO_LARGE, "too-large", 413, "Too large")                                                    \
    X(TARGET, "target", 414, "The path is too long")                                               \
    X(HEADER, "header", 431, "The header is too large")                                            \
    X(CODING, "coding", 501, "The transfer coding is not taken here")                              \
    X(MEDIA_TYPE, "media-type", 415, "The media type is not taken here")                           \
    X(INVALID, "invalid", 422, "The document was refused")                                         \
    X(INTERNAL, "internal", 500, "The service failed")                                             \
    X(STORAGE, "storage", 507, "The disk failed or is full")                                       \
    X(BUSY, "busy", 503, "Try again later")

/* ---- states of a job: X(name, is final, exit code of `simlab run` and `simlab wait`) ---- */
#define API_JOB_STATES(X)                                                                          \
    X("queued", 0, API_EXIT_OK)                                                                    \
    X("running", 0, API_EXIT_OK)                                                                   \
    X("succeeded", 1, API_EXIT_OK)                                                                 \
    X("partial", 1, API_EXIT_FAILED)                                                               \
    X("failed", 1, API_EXIT_FAILED)                                                                \
    X("cancelled", 1, API_EXIT_FAILED)

/* ---- exit codes of simlab (and of simlabd: OK, USAGE, UNREACHABLE) ---- */
enum api_exit {
    API_EXIT_OK = 0,
    API_EXIT_FAILED = 1,      /* the job failed, is partial, or was cancelled */
    API_EXIT_USAGE = 2,       /* refused, or wrong usage */
    API_EXIT_UNREACHABLE = 3, /* the daemon cannot be reached, or failed */
    API_EXIT_FORBIDDEN = 4    /* 401, 403 */
};

/* ---- where the daemon is ---- */
#define API_TCP_HOST "127.0.0.1"
#define API_TCP_PORT 7464
/* The daemon of the machine, run by root or by systemd as a user of its own. */
#define API_SYSTEM_STATE  "/var/lib/simlabd"
#define API_SYSTEM_SOCKET "/run/simlabd/simlabd.sock"
/* A user's own daemon: below $HOME and $XDG_RUNTIME_DIR. */
#define API_USER_STATE  ".local/state/simlabd"
#define API_USER_SOCKET "simlabd/simlabd.sock"
/* Below the state directory: the bearer token, one line, mode 0600; and the Unix socket on which
 * the daemon listens always, mode 0600, whatever else it is told to listen on. */
#define API_TOKEN_FILE   "token"
#define API_STATE_SOCKET "socket"

/* Server addresses: "unix:PATH" or "http://HOST:PORT". */
#define API_SCHEME_UNIX "unix:"
#define API_SCHEME_HTTP "http://"

/* ---- environment of the client ---- */
#define API_ENV_SERVER "SIMLAB_SERVER"
#define API_ENV_TOKEN  "SIMLAB_TOKEN"

#endif
