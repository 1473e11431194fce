/*
 * sha256_arm.c - SHA-256 by the instructions of ARMv8
 *
 * Pure.
 */
#include "sha256.h"

#ifdef UW_ARM

/* Clang before 16 declares the intrinsics only if all code may use them. */
#if defined(__clang__) && __clang_major__ < 16
#define __ARM_FEATURE_SHA2 1
#endif
#include <arm_neon.h>

#ifdef __clang__
#define SHA2 UW_TARGET("sha2")
#else
#define SHA2 UW_TARGET("+crypto")
#endif

struct state {
	uint32x4_t abcd;
	uint32x4_t efgh;
};

UW_INLINE SHA2 uint32x4_t load_be(const u8 *data)
{
	return vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(data)));
}

UW_INLINE SHA2 void round_4(struct state *s, uint32x4_t words, const u32 *k)
{
	uint32x4_t sum = vaddq_u32(words, vld1q_u32(k));
	uint32x4_t abcd = s->abcd;

	s->abcd = vsha256hq_u32(abcd, s->efgh, sum);
	s->efgh = vsha256h2q_u32(s->efgh, abcd, sum);
}

/* The four words of the schedule that follow the sixteen of w0 to w3. */
UW_INLINE SHA2 uint32x4_t next_words(uint32x4_t w0, uint32x4_t w1,
				     uint32x4_t w2, uint32x4_t w3)
{
	return vsha256su1q_u32(vsha256su0q_u32(w0, w1), w2, w3);
}

UW_INLINE SHA2 void hash_block(struct state *s, const u8 *block)
{
	const u32 *k = uw_sha256_constants;
	uint32x4_t w0 = load_be(block);
	uint32x4_t w1 = load_be(block + 16);
	uint32x4_t w2 = load_be(block + 32);
	uint32x4_t w3 = load_be(block + 48);
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

SHA2 void uw_sha256_blocks_arm(u32 *state, const u8 *data, size_t count)
{
	struct state s = {vld1q_u32(state), vld1q_u32(state + 4)};
	struct state before;

	for (; count > 0; data += UW_SHA256_BLOCK, count--) {
		before = s;
		hash_block(&s, data);
		s.abcd = vaddq_u32(s.abcd, before.abcd);
		s.efgh = vaddq_u32(s.efgh, before.efgh);
	}
	vst1q_u32(state, s.abcd);
	vst1q_u32(state + 4, s.efgh);
}

#endif
