/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include "base/hash_blocks.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
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

struct hash {
    crypto_hash_sha256_state state;
};

struct hash *hash_new(void)
{
    struct hash *h = mem_new(sizeof *h);
    crypto_hash_sha256_init(&h->state);
    return h;
}

/* libsodium's state is public: FIPS 180-4's, the bits so far, and what is no whole block yet. */
void hash_add(struct hash *h, const void *data, size_t size)
{
    size_t n = h->state.count % (8 * HASH_BLOCK) == 0 && hash_blocks_can() ? size / HASH_BLOCK : 0;
    if (n > 0) {
        hash_blocks(h->state.state, data, n);
        h->state.count += (uint64_t)n * HASH_BLOCK * 8;
    }
    crypto_hash_sha256_update(&h->state, (const unsigned char *)data + n * HASH_BLOCK,
                              size - n * HASH_BLOCK);
}

void hash_end(struct hash *h, char ret[HASH_TEXT_SIZE])
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_final(&h->state, digest);
    to_text(digest, ret);
}

struct hash *hash_free(struct hash *h)
{
    free(h);
    return NULL;
}

int hash_file(const char *path, char ret[HASH_TEXT_SIZE])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    struct hash h;
    crypto_hash_sha256_init(&h.state);
    unsigned char block[65536];
    ssize_t n;
    while ((n = read(fd, block, sizeof block)) > 0 || (n < 0 && errno == EINTR))
        if (n > 0)
            hash_add(&h, block, (size_t)n);
    int r = n < 0 ? -errno : 0;
    close(fd);
    if (r == 0)
        hash_end(&h, ret);
    return r;
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
