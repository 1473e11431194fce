/*
 * sha256_x86.c - SHA-256 by the SHA extensions
 *
 * Pure.  The rounds run as fast as their one chain of dependent instructions
 * allows; everything else fits beside it.
 */
#include "sha256_x86.h"

#ifdef UW_X86

UW_INLINE UW_SHA void hash_block(struct sha_state *s, const u8 *block)
{
	const u32 *k = uw_sha256_constants;
	__m128i w0 = sha_load_be(block);
	__m128i w1 = sha_load_be(block + 16);
	__m128i w2 = sha_load_be(block + 32);
	__m128i w3 = sha_load_be(block + 48);
	int t;

	sha_round_4(s, w0, k);
	sha_round_4(s, w1, k + 4);
	sha_round_4(s, w2, k + 8);
	sha_round_4(s, w3, k + 12);
	for (t = 16; t < 64; t += 16) {
		w0 = sha_next_words(w0, w1, w2, w3);
		sha_round_4(s, w0, k + t);
		w1 = sha_next_words(w1, w2, w3, w0);
		sha_round_4(s, w1, k + t + 4);
		w2 = sha_next_words(w2, w3, w0, w1);
		sha_round_4(s, w2, k + t + 8);
		w3 = sha_next_words(w3, w0, w1, w2);
		sha_round_4(s, w3, k + t + 12);
	}
}

UW_SHA void uw_sha256_blocks_sha(u32 *state, const u8 *data, size_t count)
{
	struct sha_state before;
	struct sha_state s = sha_load_state(state);

	for (; count > 0; data += UW_SHA256_BLOCK, count--) {
		before = s;
		hash_block(&s, data);
		s.abef = _mm_add_epi32(s.abef, before.abef);
		s.cdgh = _mm_add_epi32(s.cdgh, before.cdgh);
	}
	sha_store_state(state, s);
}

#endif
