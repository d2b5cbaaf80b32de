/* SHA-256 (FIPS 180-4) and HMAC (RFC 2104), for short messages: no allocation, no call into another library.
 *
 * The processor's own SHA instructions are used where it has them (x86, asked at run time); everywhere else the plain
 * rounds. Known answers and Python's hashlib are the tests.
 */
#ifndef MASA_SHA256_H
#define MASA_SHA256_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if (defined(__GNUC__) || defined(__clang__)) && defined(__x86_64__)
#define MASA_SHA_X86 1
#include <cpuid.h>
#include <immintrin.h>
#else
#define MASA_SHA_X86 0
#endif

static const uint32_t masa_sha_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static const uint32_t masa_sha_start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                           0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static inline uint32_t masa_turn(uint32_t x, int n) { return (x >> n) | (x << (32 - n)); }

static void masa_sha_plain(uint32_t state[8], const uint8_t *data, size_t blocks) {
    uint32_t w[64];
    for (; blocks; blocks--, data += 64) {
        for (int t = 0; t < 16; t++)
            w[t] = (uint32_t)data[4 * t] << 24 | (uint32_t)data[4 * t + 1] << 16 | (uint32_t)data[4 * t + 2] << 8 |
                   (uint32_t)data[4 * t + 3];
        for (int t = 16; t < 64; t++) {
            uint32_t s0 = masa_turn(w[t - 15], 7) ^ masa_turn(w[t - 15], 18) ^ (w[t - 15] >> 3);
            uint32_t s1 = masa_turn(w[t - 2], 17) ^ masa_turn(w[t - 2], 19) ^ (w[t - 2] >> 10);
            w[t] = w[t - 16] + s0 + w[t - 7] + s1;
        }
        uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
        uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
        for (int t = 0; t < 64; t++) {
            uint32_t t1 = h + (masa_turn(e, 6) ^ masa_turn(e, 11) ^ masa_turn(e, 25)) + ((e & f) ^ (~e & g)) +
                          masa_sha_k[t] + w[t];
            uint32_t t2 = (masa_turn(a, 2) ^ masa_turn(a, 13) ^ masa_turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
            h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
        }
        state[0] += a, state[1] += b, state[2] += c, state[3] += d;
        state[4] += e, state[5] += f, state[6] += g, state[7] += h;
    }
}

#if MASA_SHA_X86
__attribute__((target("sha,sse4.1,ssse3"))) static void masa_sha_x86(uint32_t state[8], const uint8_t *data,
                                                                      size_t blocks) {
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
    __m128i low = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)&state[0]), 0xB1);
    __m128i high = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)&state[4]), 0x1B);
    __m128i abef = _mm_alignr_epi8(low, high, 8), cdgh = _mm_blend_epi16(high, low, 0xF0);
    for (; blocks; blocks--, data += 64) {
        __m128i m[4], abef0 = abef, cdgh0 = cdgh;
        for (int i = 0; i < 4; i++)
            m[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(data + 16 * i)), swap);
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++) { /* four rounds each */
            __m128i now = m[i & 3];
            __m128i words = _mm_add_epi32(now, _mm_loadu_si128((const __m128i *)&masa_sha_k[4 * i]));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, words);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(words, 0x0E));
            if (i < 12) {
                __m128i later = _mm_alignr_epi8(m[(i + 3) & 3], m[(i + 2) & 3], 4);
                later = _mm_add_epi32(_mm_sha256msg1_epu32(now, m[(i + 1) & 3]), later);
                m[i & 3] = _mm_sha256msg2_epu32(later, m[(i + 3) & 3]);
            }
        }
        abef = _mm_add_epi32(abef, abef0);
        cdgh = _mm_add_epi32(cdgh, cdgh0);
    }
    low = _mm_shuffle_epi32(abef, 0x1B);
    high = _mm_shuffle_epi32(cdgh, 0xB1);
    _mm_storeu_si128((__m128i *)&state[0], _mm_blend_epi16(low, high, 0xF0));
    _mm_storeu_si128((__m128i *)&state[4], _mm_alignr_epi8(high, low, 8));
}
#endif

/* Whether the processor has SHA instructions (leaf 7), with SSSE3 and SSE4.1 (leaf 1). */
static int masa_sha_by_processor(void) {
#if MASA_SHA_X86
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 9 & 1) || !(c >> 19 & 1)) return 0;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> 29 & 1);
#else
    return 0;
#endif
}

static inline void masa_sha_blocks(uint32_t state[8], const uint8_t *data, size_t blocks, int by_processor) {
#if MASA_SHA_X86
    if (by_processor) {
        masa_sha_x86(state, data, blocks);
        return;
    }
#endif
    (void)by_processor;
    masa_sha_plain(state, data, blocks);
}

/* The rest of a message of which `before` bytes (whole blocks) are in `state` already; 32 bytes come out. */
static void masa_sha_end(uint32_t state[8], const uint8_t *data, size_t size, uint64_t before, int by_processor,
                         uint8_t out[32]) {
    uint8_t tail[128] = {0};
    size_t whole = size / 64, left = size % 64, ends = left < 56 ? 64 : 128;
    uint64_t bits = (before + size) * 8;
    if (whole) masa_sha_blocks(state, data, whole, by_processor);
    if (left) memcpy(tail, data + 64 * whole, left);
    tail[left] = 0x80;
    for (int i = 0; i < 8; i++) tail[ends - 1 - i] = (uint8_t)(bits >> (8 * i));
    masa_sha_blocks(state, tail, ends / 64, by_processor);
    for (int i = 0; i < 8; i++) {
        out[4 * i] = (uint8_t)(state[i] >> 24), out[4 * i + 1] = (uint8_t)(state[i] >> 16);
        out[4 * i + 2] = (uint8_t)(state[i] >> 8), out[4 * i + 3] = (uint8_t)state[i];
    }
}

static void masa_sha256(const uint8_t *data, size_t size, int by_processor, uint8_t out[32]) {
    uint32_t state[8];
    memcpy(state, masa_sha_start, sizeof state);
    masa_sha_end(state, data, size, 0, by_processor, out);
}

/* A key, worked into the two states that every message begins from. */
typedef struct {
    uint32_t inner[8], outer[8];
    int by_processor;
} masa_hmac;

static void masa_hmac_key(masa_hmac *key, const uint8_t *secret, size_t size, int by_processor) {
    uint8_t block[64] = {0}, pad[64];
    key->by_processor = by_processor;
    if (size > 64)
        masa_sha256(secret, size, by_processor, block);
    else if (size)
        memcpy(block, secret, size);
    for (int i = 0; i < 64; i++) pad[i] = block[i] ^ 0x36;
    memcpy(key->inner, masa_sha_start, sizeof key->inner);
    masa_sha_blocks(key->inner, pad, 1, by_processor);
    for (int i = 0; i < 64; i++) pad[i] = block[i] ^ 0x5c;
    memcpy(key->outer, masa_sha_start, sizeof key->outer);
    masa_sha_blocks(key->outer, pad, 1, by_processor);
}

static void masa_hmac_of(const masa_hmac *key, const uint8_t *data, size_t size, uint8_t out[32]) {
    uint32_t state[8];
    memcpy(state, key->inner, sizeof state);
    masa_sha_end(state, data, size, 64, key->by_processor, out);
    memcpy(state, key->outer, sizeof state);
    masa_sha_end(state, out, 32, 64, key->by_processor, out);
}

#endif
