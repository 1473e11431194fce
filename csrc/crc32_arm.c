/*
 * crc32_arm.c - CRC-32 on ARMv8: PMULL for the bulk, CRC32 for the ends
 *
 * Pure.  The arithmetic is explained in crc32.h.  Lanes as in crc32_x86.c.
 */
#include "crc32.h"

#ifdef UW_ARM

/* Clang before 16 declares the intrinsics only if all code may use them. */
#if defined(__clang__) && __clang_major__ < 16
#define __ARM_FEATURE_AES   1
#define __ARM_FEATURE_CRC32 1
#endif
#include <arm_neon.h>
#ifdef _MSC_VER
#include <intrin.h>
#else
#include <arm_acle.h>
#endif

#ifdef __clang__
#define PMULL UW_TARGET("aes,crc")
#else
#define PMULL UW_TARGET("+crypto+crc")
#endif

#define BLOCK	   16 /* bytes in a register */
#define STRIDE	   (8 * BLOCK)
#define WORTH_FOLD (2 * STRIDE)

UW_INLINE PMULL uint64x2_t load(const u8 *data)
{
	return vreinterpretq_u64_u8(vld1q_u8(data));
}

/* The products of the two lower, and of the two upper halves. */
#ifdef _MSC_VER
UW_INLINE uint64x2_t multiply_low(uint64x2_t x, uint64x2_t y)
{
	return vreinterpretq_u64_p128(
		vmull_p64(vget_low_u64(x), vget_low_u64(y)));
}

UW_INLINE uint64x2_t multiply_high(uint64x2_t x, uint64x2_t y)
{
	return vreinterpretq_u64_p128(
		vmull_p64(vget_high_u64(x), vget_high_u64(y)));
}
#else
UW_INLINE PMULL uint64x2_t multiply_low(uint64x2_t x, uint64x2_t y)
{
	return vreinterpretq_u64_p128(
		vmull_p64((poly64_t)vgetq_lane_u64(x, 0),
			  (poly64_t)vgetq_lane_u64(y, 0)));
}

UW_INLINE PMULL uint64x2_t multiply_high(uint64x2_t x, uint64x2_t y)
{
	return vreinterpretq_u64_p128(vmull_high_p64(vreinterpretq_p64_u64(x),
						     vreinterpretq_p64_u64(y)));
}
#endif

UW_INLINE PMULL uint64x2_t fold(uint64x2_t x, uint64x2_t over, uint64x2_t next)
{
	uint64x2_t sum = veorq_u64(multiply_low(x, over), next);

	return veorq_u64(multiply_high(x, over), sum);
}

/* The pair of constants that folds over one distance, as in crc32.h. */
UW_INLINE PMULL uint64x2_t pair(u64 first, u64 last)
{
	return vcombine_u64(vcreate_u64(first), vcreate_u64(last));
}

/* The CRC32 instructions: eight bytes, or one, a step. */
PMULL static u32 step_through(u32 crc, const u8 *data, size_t len)
{
	for (; len >= 8; data += 8, len -= 8)
		crc = __crc32d(crc, load_le64(data));
	for (; len > 0; data++, len--)
		crc = __crc32b(crc, *data);
	return crc;
}

/* The remainder after the 16 bytes of @x. */
UW_INLINE PMULL u32 reduce(uint64x2_t x)
{
	u32 crc = __crc32d(0, vgetq_lane_u64(x, 0));

	return __crc32d(crc, vgetq_lane_u64(x, 1));
}

/*
 * Fold eight lanes along and then into one, over whole strides, at least one.
 * Distances: the lanes are 128 bits apart, a stride is 1024.
 */
PMULL static u32 fold_strides(u32 crc, const u8 *data, size_t count)
{
	const uint64x2_t over_128 = pair(UW_CRC32_X160, UW_CRC32_X96);
	const uint64x2_t over_256 = pair(UW_CRC32_X288, UW_CRC32_X224);
	const uint64x2_t over_512 = pair(UW_CRC32_X544, UW_CRC32_X480);
	const uint64x2_t over_1024 = pair(UW_CRC32_X1056, UW_CRC32_X992);
	uint64x2_t x0 = veorq_u64(load(data), pair(crc, 0));
	uint64x2_t x1 = load(data + BLOCK);
	uint64x2_t x2 = load(data + 2 * BLOCK);
	uint64x2_t x3 = load(data + 3 * BLOCK);
	uint64x2_t x4 = load(data + 4 * BLOCK);
	uint64x2_t x5 = load(data + 5 * BLOCK);
	uint64x2_t x6 = load(data + 6 * BLOCK);
	uint64x2_t x7 = load(data + 7 * BLOCK);

	while (--count > 0) {
		data += STRIDE;
		x0 = fold(x0, over_1024, load(data));
		x1 = fold(x1, over_1024, load(data + BLOCK));
		x2 = fold(x2, over_1024, load(data + 2 * BLOCK));
		x3 = fold(x3, over_1024, load(data + 3 * BLOCK));
		x4 = fold(x4, over_1024, load(data + 4 * BLOCK));
		x5 = fold(x5, over_1024, load(data + 5 * BLOCK));
		x6 = fold(x6, over_1024, load(data + 6 * BLOCK));
		x7 = fold(x7, over_1024, load(data + 7 * BLOCK));
	}
	x4 = fold(x0, over_512, x4);
	x5 = fold(x1, over_512, x5);
	x6 = fold(x2, over_512, x6);
	x7 = fold(x3, over_512, x7);
	x6 = fold(x4, over_256, x6);
	x7 = fold(x5, over_256, x7);
	return reduce(fold(x6, over_128, x7));
}

PMULL u32 uw_crc32_pmull(u32 crc, const u8 *data, size_t len)
{
	size_t count = len / STRIDE;

	if (len < WORTH_FOLD)
		return step_through(crc, data, len);
	crc = fold_strides(crc, data, count);
	return step_through(crc, data + count * STRIDE, len % STRIDE);
}

#endif
