/*
 * shadow_x86.c - the fast loop, with SHA-256 in its shadow
 *
 * Decoding waits for one chain of look-ups most of the time, SHA-256 for one
 * chain of rounds.  Neither needs what the other waits for, so the rounds of a
 * block that was decoded before are put between the turns of the loop, and
 * most of their time is gone.
 *
 * These SHA instructions have no AVX form (sha256_x86.c), so matches are copied
 * by 16 bytes at a time here.
 */
#include "inflate_loop.h"

#ifdef UW_X86

#include "sha256_x86.h"

/* Rounds are issued a quarter of a block at a time: as long as a turn takes. */
#define QUARTERS 4

UW_INLINE UW_SHA void hash_quarter(struct sha_state *s, __m128i *w, int quarter)
{
	const u32 *k = uw_sha256_constants + 16 * quarter;

	if (quarter > 0)
		w[0] = sha_next_words(w[0], w[1], w[2], w[3]);
	sha_round_4(s, w[0], k);
	if (quarter > 0)
		w[1] = sha_next_words(w[1], w[2], w[3], w[0]);
	sha_round_4(s, w[1], k + 4);
	if (quarter > 0)
		w[2] = sha_next_words(w[2], w[3], w[0], w[1]);
	sha_round_4(s, w[2], k + 8);
	if (quarter > 0)
		w[3] = sha_next_words(w[3], w[0], w[1], w[2]);
	sha_round_4(s, w[3], k + 12);
}

UW_INLINE UW_TARGET("bmi2,sha,sse4.1") void decode_hashing(
	struct uw_inflate *s, const u8 **next, const u8 *end,
	struct uw_shadow *shadow, bool mixed)
{
	const struct limits limits = loop_limits(s, end);
	struct loop l = loop_begin(s, *next);
	struct sha_state state = sha_load_state(shadow->state);
	const u8 *block = shadow->blocks;
	size_t count = shadow->count;
	bool more = true;

	do {
		struct sha_state before = state;
		__m128i w[4] = {sha_load_be(block), sha_load_be(block + 16),
				sha_load_be(block + 32),
				sha_load_be(block + 48)};
		int quarter;

#pragma GCC unroll 4
		for (quarter = 0; quarter < QUARTERS; quarter++) {
			hash_quarter(&state, w, quarter);
			if (likely(more))
				more = loop_turn(&l, s, false, mixed) &&
				       loop_goes_on(&l, &limits);
		}
		state.abef = _mm_add_epi32(state.abef, before.abef);
		state.cdgh = _mm_add_epi32(state.cdgh, before.cdgh);
		block += UW_SHA256_BLOCK;
		count--;
	} while (likely(more) && count != 0);
	sha_store_state(shadow->state, state);
	shadow->blocks = block;
	shadow->count = count;
	loop_end(s, &l, next);
}

UW_TARGET("bmi2,sha,sse4.1")
void uw_shadow_decode(struct uw_inflate *s, const u8 **next, const u8 *end,
		      struct uw_shadow *shadow)
{
	if (s->mixed)
		decode_hashing(s, next, end, shadow, true);
	else
		decode_hashing(s, next, end, shadow, false);
}

#endif
