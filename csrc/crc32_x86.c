/*
 * crc32_x86.c - CRC-32 by carry-less multiplication: PCLMULQDQ, VPCLMULQDQ
 *
 * Pure.  The arithmetic is explained in crc32.h; "to fold x over D bits" is to
 * move it D bits towards the end of the message.  A lane is a register that
 * folds over all the others: several hide the latency of the multiply.
 */
#include "crc32.h"

#ifdef UW_X86

#include <immintrin.h>

#define SSE	    UW_TARGET("pclmul,sse4.1")
#define AVX	    UW_TARGET("vpclmulqdq,pclmul,avx2")

#define BLOCK	    16 /* bytes in an SSE register */
#define WIDE_BLOCK  32 /* bytes in an AVX register */
#define STRIDE	    (4 * BLOCK)
#define WIDE_STRIDE (4 * WIDE_BLOCK)

/* The pair of constants that folds over the distance of its name. */
#define OVER_128  _mm_set_epi64x(UW_CRC32_X96, UW_CRC32_X160)
#define OVER_256  _mm_set_epi64x(UW_CRC32_X224, UW_CRC32_X288)
#define OVER_512  _mm_set_epi64x(UW_CRC32_X480, UW_CRC32_X544)
#define OVER_1024 _mm_set_epi64x(UW_CRC32_X992, UW_CRC32_X1056)

UW_INLINE SSE __m128i load(const u8 *data)
{
	return _mm_loadu_si128((const void *)data);
}

UW_INLINE SSE __m128i fold(__m128i x, __m128i over, __m128i next)
{
	__m128i first = _mm_clmulepi64_si128(x, over, 0x00);
	__m128i last = _mm_clmulepi64_si128(x, over, 0x11);

	return _mm_xor_si128(_mm_xor_si128(first, last), next);
}

/*
 * The last @len bytes of a message, less than a block: x and they are len + 16
 * bytes, of which the first len are folded into the other 16.  @data - 16 is
 * readable: the block before was read from there.
 */
UW_INLINE SSE __m128i fold_rest(__m128i x, const u8 *data, size_t len)
{
	/* 16 bytes from @len on: a shuffle to the left, its opposite. */
	static const u8 shifts[3 * BLOCK] = {
		0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
		0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0,	  1,	2,    3,
		4,    5,    6,	  7,	8,    9,    10,	  11,	12,   13,
		14,   15,   0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
		0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
	};
	__m128i take_head = load(shifts + len);
	__m128i take_tail = load(shifts + len + BLOCK);
	__m128i head = _mm_shuffle_epi8(x, take_head);
	__m128i tail = _mm_shuffle_epi8(x, take_tail);
	__m128i rest = load(data + len - BLOCK);

	/* Where take_tail is 0x80 the bytes of the message itself stand. */
	tail = _mm_blendv_epi8(tail, rest, take_tail);
	return fold(head, OVER_128, tail);
}

/*
 * x * x^32 mod P, for the 16 bytes of x: the remainder after them.
 *
 * The upper 64 bits and then the upper 32 of what is left are folded, which
 * leaves 64.  Barrett: the quotient of those by P is their upper half times
 * x^64 / P, without the lower half of that; minus quotient * P is the rest.
 */
UW_INLINE SSE u32 reduce(__m128i x)
{
	const __m128i low_word = _mm_set_epi32(0, 0, 0, -1);
	const __m128i powers = _mm_set_epi64x(UW_CRC32_X64, UW_CRC32_X96);
	const __m128i barrett =
		_mm_set_epi64x(UW_CRC32_POLYNOMIAL, UW_CRC32_INVERSE);
	__m128i quotient;

	x = _mm_xor_si128(_mm_clmulepi64_si128(x, powers, 0x00),
			  _mm_srli_si128(x, 8));
	x = _mm_xor_si128(
		_mm_clmulepi64_si128(_mm_and_si128(x, low_word), powers, 0x10),
		_mm_srli_si128(x, 4));
	quotient =
		_mm_clmulepi64_si128(_mm_and_si128(x, low_word), barrett, 0x00);
	quotient = _mm_and_si128(quotient, low_word);
	x = _mm_xor_si128(x, _mm_clmulepi64_si128(quotient, barrett, 0x10));
	return (u32)_mm_extract_epi32(x, 1);
}

/* The end of a message of which the last block before @data is in @x. */
UW_INLINE SSE u32 finish(__m128i x, const u8 *data, size_t len)
{
	for (; len >= BLOCK; data += BLOCK, len -= BLOCK)
		x = fold(x, OVER_128, load(data));
	if (len > 0)
		x = fold_rest(x, data, len);
	return reduce(x);
}

/*
 * Fold four lanes along and then into one; @x is the first of them, and the
 * result.  The other three have to be there: @len is at least 3 blocks.
 */
UW_INLINE SSE void fold_lanes(__m128i *x, const u8 **data, size_t *len)
{
	const u8 *p = *data;
	const u8 *end = p + *len;
	__m128i x0 = *x;
	__m128i x1 = load(p);
	__m128i x2 = load(p + BLOCK);
	__m128i x3 = load(p + 2 * BLOCK);

	for (p += 3 * BLOCK; end - p >= STRIDE; p += STRIDE) {
		x0 = fold(x0, OVER_512, load(p));
		x1 = fold(x1, OVER_512, load(p + BLOCK));
		x2 = fold(x2, OVER_512, load(p + 2 * BLOCK));
		x3 = fold(x3, OVER_512, load(p + 3 * BLOCK));
	}
	x1 = fold(x0, OVER_128, x1);
	x2 = fold(x1, OVER_128, x2);
	*x = fold(x2, OVER_128, x3);
	*data = p;
	*len = (size_t)(end - p);
}

SSE u32 uw_crc32_pclmul(u32 crc, const u8 *data, size_t len)
{
	__m128i x;

	if (len < BLOCK)
		return uw_crc32_table(crc, data, len);
	x = _mm_xor_si128(load(data), _mm_cvtsi32_si128((int)crc));
	data += BLOCK;
	len -= BLOCK;
	if (len >= STRIDE - BLOCK)
		fold_lanes(&x, &data, &len);
	return finish(x, data, len);
}

UW_INLINE AVX __m256i load_wide(const u8 *data)
{
	return _mm256_loadu_si256((const void *)data);
}

UW_INLINE AVX __m256i fold_wide(__m256i x, __m256i over, __m256i next)
{
	__m256i first = _mm256_clmulepi64_epi128(x, over, 0x00);
	__m256i last = _mm256_clmulepi64_epi128(x, over, 0x11);

	return _mm256_xor_si256(_mm256_xor_si256(first, last), next);
}

/* The same as fold_lanes() with registers twice as wide. */
UW_INLINE AVX void fold_wide_lanes(__m256i *x, const u8 **data, size_t *len)
{
	const __m256i over_256 = _mm256_broadcastsi128_si256(OVER_256);
	const __m256i over_1024 = _mm256_broadcastsi128_si256(OVER_1024);
	const u8 *p = *data;
	const u8 *end = p + *len;
	__m256i x0 = *x;
	__m256i x1 = load_wide(p);
	__m256i x2 = load_wide(p + WIDE_BLOCK);
	__m256i x3 = load_wide(p + 2 * WIDE_BLOCK);

	for (p += 3 * WIDE_BLOCK; end - p >= WIDE_STRIDE; p += WIDE_STRIDE) {
		x0 = fold_wide(x0, over_1024, load_wide(p));
		x1 = fold_wide(x1, over_1024, load_wide(p + WIDE_BLOCK));
		x2 = fold_wide(x2, over_1024, load_wide(p + 2 * WIDE_BLOCK));
		x3 = fold_wide(x3, over_1024, load_wide(p + 3 * WIDE_BLOCK));
	}
	x1 = fold_wide(x0, over_256, x1);
	x2 = fold_wide(x1, over_256, x2);
	*x = fold_wide(x2, over_256, x3);
	*data = p;
	*len = (size_t)(end - p);
}

AVX u32 uw_crc32_vpclmul(u32 crc, const u8 *data, size_t len)
{
	const __m256i over_256 = _mm256_broadcastsi128_si256(OVER_256);
	__m256i wide;
	__m128i x;

	if (len < WIDE_STRIDE)
		return uw_crc32_pclmul(crc, data, len);

	wide = _mm256_zextsi128_si256(_mm_cvtsi32_si128((int)crc));
	wide = _mm256_xor_si256(load_wide(data), wide);
	data += WIDE_BLOCK;
	len -= WIDE_BLOCK;
	fold_wide_lanes(&wide, &data, &len);
	for (; len >= WIDE_BLOCK; data += WIDE_BLOCK, len -= WIDE_BLOCK)
		wide = fold_wide(wide, over_256, load_wide(data));

	x = fold(_mm256_castsi256_si128(wide), OVER_128,
		 _mm256_extracti128_si256(wide, 1));
	return finish(x, data, len);
}

#endif
