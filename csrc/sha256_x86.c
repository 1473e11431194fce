/*
 * sha256_x86.c - SHA-256 by the SHA extensions
 *
 * Pure.  The rounds run as fast as their one chain of dependent instructions
 * allows; everything else fits beside it.
 *
 * These instructions have no AVX form: executed while the upper halves of the
 * registers are dirty, each one waits, and all is many times slower.  AVX
 * code that runs before has to end with vzeroupper, as compilers make it do.
 */
#include "sha256.h"

#ifdef UW_X86

#include <immintrin.h>

#define SHA UW_TARGET("sha,sse4.1")

/* The instructions want the state as the words (f e b a) and (h g d c). */
struct state {
	__m128i abef;
	__m128i cdgh;
};

UW_INLINE SHA __m128i load(const void *words)
{
	return _mm_loadu_si128(words);
}

UW_INLINE SHA __m128i load_be(const u8 *data)
{
	const __m128i swap =
		_mm_set_epi32(0x0c0d0e0f, 0x08090a0b, 0x04050607, 0x00010203);

	return _mm_shuffle_epi8(load(data), swap);
}

UW_INLINE SHA struct state load_state(const u32 *words)
{
	__m128i badc = _mm_shuffle_epi32(load(words), 0xb1);
	__m128i hgfe = _mm_shuffle_epi32(load(words + 4), 0x1b);

	return (struct state){
		.abef = _mm_alignr_epi8(badc, hgfe, 8),
		.cdgh = _mm_blend_epi16(hgfe, badc, 0xf0),
	};
}

UW_INLINE SHA void store_state(u32 *words, struct state s)
{
	__m128i feba = _mm_shuffle_epi32(s.abef, 0x1b);
	__m128i dchg = _mm_shuffle_epi32(s.cdgh, 0xb1);
	__m128i dcba = _mm_blend_epi16(feba, dchg, 0xf0);
	__m128i hgfe = _mm_alignr_epi8(dchg, feba, 8);

	_mm_storeu_si128((void *)words, dcba);
	_mm_storeu_si128((void *)(words + 4), hgfe);
}

/* Four rounds: two take the lower words, two the upper ones. */
UW_INLINE SHA void round_4(struct state *s, __m128i words, const u32 *k)
{
	__m128i sum = _mm_add_epi32(words, load(k));

	s->cdgh = _mm_sha256rnds2_epu32(s->cdgh, s->abef, sum);
	sum = _mm_shuffle_epi32(sum, 0x0e);
	s->abef = _mm_sha256rnds2_epu32(s->abef, s->cdgh, sum);
}

/* The four words of the schedule that follow the sixteen of w0 to w3. */
UW_INLINE SHA __m128i next_words(__m128i w0, __m128i w1, __m128i w2, __m128i w3)
{
	__m128i seven_back = _mm_alignr_epi8(w3, w2, 4);
	__m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), seven_back);

	return _mm_sha256msg2_epu32(sum, w3);
}

UW_INLINE SHA void hash_block(struct state *s, const u8 *block)
{
	const u32 *k = uw_sha256_constants;
	__m128i w0 = load_be(block);
	__m128i w1 = load_be(block + 16);
	__m128i w2 = load_be(block + 32);
	__m128i w3 = load_be(block + 48);
	int t;

	round_4(s, w0, k);
	round_4(s, w1, k + 4);
	round_4(s, w2, k + 8);
	round_4(s, w3, k + 12);
	for (t = 16; t < 64; t += 16) {
		w0 = next_words(w0, w1, w2, w3);
		round_4(s, w0, k + t);
		w1 = next_words(w1, w2, w3, w0);
		round_4(s, w1, k + t + 4);
		w2 = next_words(w2, w3, w0, w1);
		round_4(s, w2, k + t + 8);
		w3 = next_words(w3, w0, w1, w2);
		round_4(s, w3, k + t + 12);
	}
}

SHA void uw_sha256_blocks_sha(u32 *state, const u8 *data, size_t count)
{
	struct state before;
	struct state s = load_state(state);

	for (; count > 0; data += UW_SHA256_BLOCK, count--) {
		before = s;
		hash_block(&s, data);
		s.abef = _mm_add_epi32(s.abef, before.abef);
		s.cdgh = _mm_add_epi32(s.cdgh, before.cdgh);
	}
	store_state(state, s);
}

#endif
