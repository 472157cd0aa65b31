/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

static void to_text(const unsigned char *digest, char ret[HASH_TEXT_SIZE])
{
    sodium_bin2hex(ret, HASH_TEXT_SIZE, digest, crypto_hash_sha256_BYTES);
}

void hash_bytes(const void *data, size_t size, char ret[HASH_TEXT_SIZE])
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, data, size);
    to_text(digest, ret);
}

int hash_file(const char *path, char ret[HASH_TEXT_SIZE])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    unsigned char block[65536];
    ssize_t n;
    while ((n = read(fd, block, sizeof block)) > 0 || (n < 0 && errno == EINTR))
        if (n > 0)
            crypto_hash_sha256_update(&state, block, (unsigned long long)n);
    int r = n < 0 ? -errno : 0;
    close(fd);
    if (r < 0)
        return r;
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_final(&state, digest);
    to_text(digest, ret);
    return 0;
}

void hash_token(char ret[HASH_TEXT_SIZE])
{
    mem_assert(sodium_init() >= 0);
    unsigned char bits[32];
    randombytes_buf(bits, sizeof bits);
    to_text(bits, ret);
}

bool hash_equal(const char *a, const char *b)
{
    size_t n = strlen(a);
    return n == strlen(b) && sodium_memcmp(a, b, n) == 0;
}
