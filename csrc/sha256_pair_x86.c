/*
 * sha256_pair_x86.c - SHA-256 of two messages at once by the SHA extensions
 *
 * Pure.  A round takes four cycles until the next one of its message can begin,
 * and the CPU can begin another after two: so the rounds of two messages in
 * turns take hardly longer than those of one.
 */
#include "sha256_x86.h"

#ifdef UW_X86

/* One message: its state, and the sixteen words of the schedule that are next.
 */
struct lane {
	struct sha_state s;
	__m128i w[4];
};

#ifdef __GNUC__

/*
 * Four rounds of each lane with w[i]; then there stand the words that come
 * sixteen later.
 *
 * In assembly, because the order decides.  There is no slack: a round that has
 * to wait delays all after it.  Zen 5 has two units for them, each busy for
 * four cycles, and long before a round can begin it is given to one of them, by
 * what stands around it in the program.  In the orders that compilers choose
 * both lanes often wait for the same unit, and a block of each takes 160 to 200
 * cycles.  This order, the best of thousands that were tried, takes 138; 128
 * would be the limit, and a block alone takes as many.
 */
UW_INLINE UW_SHA void step(struct lane *a, struct lane *b, int i, const u32 *k)
{
	__m128i a_sum, b_sum, back;

	__asm__("movdqa %[v3], %[back]\n\t"
		"movdqa %[v0], %[a_sum]\n\t"
		"movdqa %[w0], %[b_sum]\n\t"
		"paddd %[k], %[a_sum]\n\t"
		"movdqa %[a_sum], %%xmm0\n\t"
		"paddd %[k], %[b_sum]\n\t"
		"sha256rnds2 %[a_abef], %[a_cdgh]\n\t"
		"movdqa %[b_sum], %%xmm0\n\t"
		"sha256rnds2 %[b_abef], %[b_cdgh]\n\t"
		"pshufd $0x4e, %[a_sum], %%xmm0\n\t"
		"sha256msg1 %[w1], %[w0]\n\t"
		"sha256msg1 %[v1], %[v0]\n\t"
		"palignr $4, %[v2], %[back]\n\t"
		"paddd %[back], %[v0]\n\t"
		"sha256msg2 %[v3], %[v0]\n\t"
		"sha256rnds2 %[a_cdgh], %[a_abef]\n\t"
		"pshufd $0x4e, %[b_sum], %%xmm0\n\t"
		"movdqa %[w3], %[back]\n\t"
		"palignr $4, %[w2], %[back]\n\t"
		"paddd %[back], %[w0]\n\t"
		"sha256msg2 %[w3], %[w0]\n\t"
		"sha256rnds2 %[b_cdgh], %[b_abef]"
		: [a_abef] "+&x"(a->s.abef), [a_cdgh] "+&x"(a->s.cdgh),
		  [b_abef] "+&x"(b->s.abef), [b_cdgh] "+&x"(b->s.cdgh),
		  [v0] "+&x"(a->w[i]), [w0] "+&x"(b->w[i]),
		  [a_sum] "=&x"(a_sum), [b_sum] "=&x"(b_sum), [back] "=&x"(back)
		: [v1] "x"(a->w[(i + 1) % 4]), [v2] "x"(a->w[(i + 2) % 4]),
		  [v3] "x"(a->w[(i + 3) % 4]), [w1] "x"(b->w[(i + 1) % 4]),
		  [w2] "x"(b->w[(i + 2) % 4]), [w3] "x"(b->w[(i + 3) % 4]),
		  [k] "m"(*(const __m128i *)(const void *)k)
		: "xmm0");
}

/* The last rounds of a block likewise; then w[i] holds words of the next. */
UW_INLINE UW_SHA void last_step(struct lane *a, const u8 *a_next,
				struct lane *b, const u8 *b_next, int i,
				const u32 *k)
{
	static _Alignas(16) const u8 swap[16] = {3,  2,	 1, 0, 7,  6,  5,  4,
						 11, 10, 9, 8, 15, 14, 13, 12};
	__m128i a_sum, b_sum;

	__asm__("movdqa %[v0], %[a_sum]\n\t"
		"paddd %[k], %[a_sum]\n\t"
		"movdqa %[a_sum], %%xmm0\n\t"
		"movdqu %[a_next], %[v0]\n\t"
		"movdqa %[w0], %[b_sum]\n\t"
		"paddd %[k], %[b_sum]\n\t"
		"sha256rnds2 %[a_abef], %[a_cdgh]\n\t"
		"movdqa %[b_sum], %%xmm0\n\t"
		"sha256rnds2 %[b_abef], %[b_cdgh]\n\t"
		"pshufd $0x4e, %[a_sum], %%xmm0\n\t"
		"sha256rnds2 %[a_cdgh], %[a_abef]\n\t"
		"pshufd $0x4e, %[b_sum], %%xmm0\n\t"
		"sha256rnds2 %[b_cdgh], %[b_abef]\n\t"
		"pshufb %[swap], %[v0]\n\t"
		"movdqu %[b_next], %[w0]\n\t"
		"pshufb %[swap], %[w0]"
		: [a_abef] "+&x"(a->s.abef), [a_cdgh] "+&x"(a->s.cdgh),
		  [b_abef] "+&x"(b->s.abef), [b_cdgh] "+&x"(b->s.cdgh),
		  [v0] "+&x"(a->w[i]), [w0] "+&x"(b->w[i]),
		  [a_sum] "=&x"(a_sum), [b_sum] "=&x"(b_sum)
		: [k] "m"(*(const __m128i *)(const void *)k),
		  [a_next] "m"(*(const u8(*)[16])(a_next + 16 * i)),
		  [b_next] "m"(*(const u8(*)[16])(b_next + 16 * i)),
		  [swap] "m"(swap)
		: "xmm0");
}

/* All other registers are taken: what is added has to stay in memory. */
UW_INLINE UW_SHA void save(struct sha_state *before, const struct lane *lane)
{
	*before = lane->s;
	__asm__("" : "+m"(*before));
}

UW_INLINE UW_SHA void add(struct lane *lane, const struct sha_state *before)
{
	__asm__("paddd %[abef_was], %[abef]\n\t"
		"paddd %[cdgh_was], %[cdgh]"
		: [abef] "+x"(lane->s.abef), [cdgh] "+x"(lane->s.cdgh)
		: [abef_was] "m"(before->abef), [cdgh_was] "m"(before->cdgh));
}

#else

UW_INLINE UW_SHA void step(struct lane *a, struct lane *b, int i, const u32 *k)
{
	sha_round_4(&a->s, a->w[i], k);
	sha_round_4(&b->s, b->w[i], k);
	a->w[i] = sha_next_words(a->w[i], a->w[(i + 1) % 4], a->w[(i + 2) % 4],
				 a->w[(i + 3) % 4]);
	b->w[i] = sha_next_words(b->w[i], b->w[(i + 1) % 4], b->w[(i + 2) % 4],
				 b->w[(i + 3) % 4]);
}

UW_INLINE UW_SHA void last_step(struct lane *a, const u8 *a_next,
				struct lane *b, const u8 *b_next, int i,
				const u32 *k)
{
	sha_round_4(&a->s, a->w[i], k);
	sha_round_4(&b->s, b->w[i], k);
	a->w[i] = sha_load_be(a_next + 16 * i);
	b->w[i] = sha_load_be(b_next + 16 * i);
}

UW_INLINE UW_SHA void save(struct sha_state *before, const struct lane *lane)
{
	*before = lane->s;
}

UW_INLINE UW_SHA void add(struct lane *lane, const struct sha_state *before)
{
	lane->s.abef = _mm_add_epi32(lane->s.abef, before->abef);
	lane->s.cdgh = _mm_add_epi32(lane->s.cdgh, before->cdgh);
}

#endif

UW_INLINE UW_SHA struct lane load_lane(const u32 *state, const u8 *block)
{
	return (struct lane){
		.s = sha_load_state(state),
		.w = {sha_load_be(block), sha_load_be(block + 16),
		      sha_load_be(block + 32), sha_load_be(block + 48)},
	};
}

/* Hash a block of each, of which the words are loaded, and load the next. */
UW_INLINE UW_SHA void hash_block(struct lane *a, const u8 *a_next,
				 struct lane *b, const u8 *b_next)
{
	const u32 *k = uw_sha256_constants;
	struct sha_state a_before, b_before;
	int t;

	save(&a_before, a);
	save(&b_before, b);
	for (t = 0; t < 48; t += 16) {
		step(a, b, 0, k + t);
		step(a, b, 1, k + t + 4);
		step(a, b, 2, k + t + 8);
		step(a, b, 3, k + t + 12);
	}
	last_step(a, a_next, b, b_next, 0, k + 48);
	last_step(a, a_next, b, b_next, 1, k + 52);
	last_step(a, a_next, b, b_next, 2, k + 56);
	last_step(a, a_next, b, b_next, 3, k + 60);
	add(a, &a_before);
	add(b, &b_before);
}

UW_SHA void uw_sha256_pair_sha(u32 *a_state, const u8 *a_data, u32 *b_state,
			       const u8 *b_data, size_t count)
{
	struct lane a = load_lane(a_state, a_data);
	struct lane b = load_lane(b_state, b_data);
	size_t next;

	for (; count > 0; count--) {
		/* After the last one there is no next: load it again. */
		next = count > 1 ? UW_SHA256_BLOCK : 0;
		a_data += next;
		b_data += next;
		hash_block(&a, a_data, &b, b_data);
	}
	sha_store_state(a_state, a.s);
	sha_store_state(b_state, b.s);
}

#endif
