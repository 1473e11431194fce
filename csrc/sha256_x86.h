/*
 * sha256_x86.h - the rounds of SHA-256 by the SHA extensions
 *
 * For the files that put them between other work.
 *
 * These instructions have no AVX form: executed on some CPUs (Zen 3) while the
 * upper halves of the registers are dirty, each one waits, and all is many
 * times slower.  AVX code that runs before has to end with vzeroupper, as
 * compilers make it do.
 */
#ifndef UW_SHA256_X86_H
#define UW_SHA256_X86_H

#include "sha256.h"

#ifdef UW_X86

#include <immintrin.h>

#define UW_SHA UW_TARGET("sha,sse4.1")

/* The instructions want the state as the words (f e b a) and (h g d c). */
struct sha_state {
	__m128i abef;
	__m128i cdgh;
};

UW_INLINE UW_SHA __m128i sha_load(const void *words)
{
	return _mm_loadu_si128(words);
}

UW_INLINE UW_SHA __m128i sha_load_be(const u8 *data)
{
	const __m128i swap =
		_mm_set_epi32(0x0c0d0e0f, 0x08090a0b, 0x04050607, 0x00010203);

	return _mm_shuffle_epi8(sha_load(data), swap);
}

UW_INLINE UW_SHA struct sha_state sha_load_state(const u32 *words)
{
	__m128i badc = _mm_shuffle_epi32(sha_load(words), 0xb1);
	__m128i hgfe = _mm_shuffle_epi32(sha_load(words + 4), 0x1b);

	return (struct sha_state){
		.abef = _mm_alignr_epi8(badc, hgfe, 8),
		.cdgh = _mm_blend_epi16(hgfe, badc, 0xf0),
	};
}

UW_INLINE UW_SHA void sha_store_state(u32 *words, struct sha_state s)
{
	__m128i feba = _mm_shuffle_epi32(s.abef, 0x1b);
	__m128i dchg = _mm_shuffle_epi32(s.cdgh, 0xb1);
	__m128i dcba = _mm_blend_epi16(feba, dchg, 0xf0);
	__m128i hgfe = _mm_alignr_epi8(dchg, feba, 8);

	_mm_storeu_si128((void *)words, dcba);
	_mm_storeu_si128((void *)(words + 4), hgfe);
}

/* Four rounds: two take the lower words, two the upper ones. */
UW_INLINE UW_SHA void sha_round_4(struct sha_state *s, __m128i words,
				  const u32 *k)
{
	__m128i sum = _mm_add_epi32(words, sha_load(k));

	s->cdgh = _mm_sha256rnds2_epu32(s->cdgh, s->abef, sum);
	sum = _mm_shuffle_epi32(sum, 0x0e);
	s->abef = _mm_sha256rnds2_epu32(s->abef, s->cdgh, sum);
}

/* The four words of the schedule that follow the sixteen of w0 to w3. */
UW_INLINE UW_SHA __m128i sha_next_words(__m128i w0, __m128i w1, __m128i w2,
					__m128i w3)
{
	__m128i seven_back = _mm_alignr_epi8(w3, w2, 4);
	__m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), seven_back);

	return _mm_sha256msg2_epu32(sum, w3);
}

#endif

#endif
