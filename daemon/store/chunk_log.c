/* SPDX-License-Identifier: Apache-2.0 */
#include "store/chunk_log.h"

#include "base/buffer.h"
#include "base/file.h"
#include "base/rewrite.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char broken[] = "broken", fill[] = " fill";

/* What was appended may have been lost by the disk, together with the blocks that it was to be in:
 * others' lines follow it there. */
static int append(int fd, const char *lines, size_t size)
{
    int r = rewrite_unwritten_fd(fd);
    return r == 0 ? file_append(fd, lines, size) : r;
}

/* Each begins with a newline: a line that was cut before it must not swallow it. */
int chunk_log_written(int fd, int64_t begin, int64_t end, const bool *is_blank)
{
    struct buffer lines = {0};
    for (int64_t from = begin, to; from < end; from = to) {
        bool blank = is_blank[from - begin];
        for (to = from + 1; to < end && is_blank[to - begin] == blank;)
            to++;
        buffer_printf(&lines, "\n%" PRId64 " %" PRId64 "%s\n", from, to, blank ? fill : "");
    }
    int r = append(fd, lines.data, lines.size);
    buffer_free(&lines);
    return r;
}

int chunk_log_broken(int fd, bool is_old)
{
    static const char line[] = "\nbroken\n";
    int r = append(fd, line, sizeof line - 1);
    if (r == 0 && is_old)
        r = file_fault("fsync");
    return r == 0 && is_old && fdatasync(fd) < 0 ? -errno : r;
}

static void mark_written(int64_t begin, int64_t end, bool is_blank, int64_t first, int64_t n,
                         unsigned char *rows)
{
    begin = begin > first ? begin - first : 0;
    end = end > first ? end - first : 0;
    end = end < n ? end : n;
    for (int64_t i = begin; i < end; i++)
        if (!is_blank)
            rows[i] = CHUNK_ROW_WRITTEN;
        else if (rows[i] == CHUNK_ROW_UNWRITTEN)
            rows[i] = CHUNK_ROW_BLANK;
}

static void read_line(const char *line, int64_t first, int64_t n, unsigned char *rows)
{
    int64_t begin, end;
    int length = -1;
    if (!strcmp(line, broken)) {
        for (int64_t i = 0; i < n; i++)
            rows[i] = rows[i] == CHUNK_ROW_WRITTEN ? CHUNK_ROW_LOST : rows[i];
    } else if (sscanf(line, "%" SCNd64 " %" SCNd64 "%n", &begin, &end, &length) == 2 &&
               length > 0) {
        bool is_blank = !strcmp(line + length, fill);
        if (is_blank || !line[length])
            mark_written(begin, end, is_blank, first, n, rows);
    }
}

static int read_all(int fd, struct buffer *ret)
{
    char block[4096];
    off_t at = 0;
    for (;;) {
        ssize_t n = pread(fd, block, sizeof block, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        buffer_append(ret, block, (size_t)n);
        at += n;
    }
}

int chunk_log_read(int fd, int64_t first, int64_t n, unsigned char *ret_rows)
{
    struct buffer text = {0};
    int r = read_all(fd, &text);
    size_t from = 0;
    for (size_t i = 0; r == 0 && i < text.size; i++) {
        if (text.data[i] != '\n')
            continue;
        text.data[i] = '\0';
        read_line(text.data + from, first, n, ret_rows);
        from = i + 1;
    }
    buffer_free(&text);
    return r;
}
