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

UW_INLINE SHA2 struct state load_state(const u32 *words)
{
	return (struct state){vld1q_u32(words), vld1q_u32(words + 4)};
}

UW_INLINE SHA2 void store_state(u32 *words, struct state s)
{
	vst1q_u32(words, s.abcd);
	vst1q_u32(words + 4, s.efgh);
}

UW_INLINE SHA2 void add(struct state *s, struct state before)
{
	s->abcd = vaddq_u32(s->abcd, before.abcd);
	s->efgh = vaddq_u32(s->efgh, before.efgh);
}

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
	struct state s = load_state(state), before;

	for (; count > 0; data += UW_SHA256_BLOCK, count--) {
		before = s;
		hash_block(&s, data);
		add(&s, before);
	}
	store_state(state, s);
}

/* Four rounds, and in place of their words those that stand sixteen later. */
UW_INLINE SHA2 void step(struct state *s, uint32x4_t *w0, uint32x4_t w1,
			 uint32x4_t w2, uint32x4_t w3, const u32 *k)
{
	round_4(s, *w0, k);
	*w0 = next_words(*w0, w1, w2, w3);
}

/* A block of each message: the rounds of one fill the waits of the other. */
UW_INLINE SHA2 void hash_both(struct state *a, const u8 *a_block,
			      struct state *b, const u8 *b_block)
{
	const u32 *k = uw_sha256_constants;
	uint32x4_t v0 = load_be(a_block), w0 = load_be(b_block);
	uint32x4_t v1 = load_be(a_block + 16), w1 = load_be(b_block + 16);
	uint32x4_t v2 = load_be(a_block + 32), w2 = load_be(b_block + 32);
	uint32x4_t v3 = load_be(a_block + 48), w3 = load_be(b_block + 48);
	int t;

	for (t = 0; t < 48; t += 16) {
		step(a, &v0, v1, v2, v3, k + t);
		step(b, &w0, w1, w2, w3, k + t);
		step(a, &v1, v2, v3, v0, k + t + 4);
		step(b, &w1, w2, w3, w0, k + t + 4);
		step(a, &v2, v3, v0, v1, k + t + 8);
		step(b, &w2, w3, w0, w1, k + t + 8);
		step(a, &v3, v0, v1, v2, k + t + 12);
		step(b, &w3, w0, w1, w2, k + t + 12);
	}
	round_4(a, v0, k + 48);
	round_4(b, w0, k + 48);
	round_4(a, v1, k + 52);
	round_4(b, w1, k + 52);
	round_4(a, v2, k + 56);
	round_4(b, w2, k + 56);
	round_4(a, v3, k + 60);
	round_4(b, w3, k + 60);
}

SHA2 void uw_sha256_pair_arm(u32 *a_state, const u8 *a_data, u32 *b_state,
			     const u8 *b_data, size_t count)
{
	struct state a = load_state(a_state), a_before;
	struct state b = load_state(b_state), b_before;

	for (; count > 0; count--) {
		a_before = a;
		b_before = b;
		hash_both(&a, a_data, &b, b_data);
		add(&a, a_before);
		add(&b, b_before);
		a_data += UW_SHA256_BLOCK;
		b_data += UW_SHA256_BLOCK;
	}
	store_state(a_state, a);
	store_state(b_state, b);
}

#endif
