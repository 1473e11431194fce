/*
 * crc32.c - CRC-32 (APPNOTE 4.4.7): the choice of a variant, and the portable
 * one, which takes eight bytes a step from eight tables
 *
 * Pure: no system call, no allocation, no state but the caller's.
 */
#include "crc32.h"

/*
 * Table[k][b] is what the byte b does to the remainder when k more bytes follow
 * it in the step: b * x^(32 + 8k) mod P.  That is linear in the bits of b, so
 * the compiler makes the tables from one row of eight powers each.  Bytes are
 * reflected: bit 7 is x^0, so a row falls from x^(39 + 8k) to x^(32 + 8k).
 */
#define BIT(b, i, power) ((b) >> (i) & 1 ? (power) : 0)
#define BYTE(b, p0, p1, p2, p3, p4, p5, p6, p7)                                \
	(BIT(b, 0, p0) ^ BIT(b, 1, p1) ^ BIT(b, 2, p2) ^ BIT(b, 3, p3) ^       \
	 BIT(b, 4, p4) ^ BIT(b, 5, p5) ^ BIT(b, 6, p6) ^ BIT(b, 7, p7))
#define BYTES_4(b, ...)                                                        \
	BYTE(b, __VA_ARGS__), BYTE((b) + 1, __VA_ARGS__),                      \
		BYTE((b) + 2, __VA_ARGS__), BYTE((b) + 3, __VA_ARGS__)
#define BYTES_16(b, ...)                                                       \
	BYTES_4(b, __VA_ARGS__), BYTES_4((b) + 4, __VA_ARGS__),                \
		BYTES_4((b) + 8, __VA_ARGS__), BYTES_4((b) + 12, __VA_ARGS__)
#define BYTES_64(b, ...)                                                       \
	BYTES_16(b, __VA_ARGS__), BYTES_16((b) + 16, __VA_ARGS__),             \
		BYTES_16((b) + 32, __VA_ARGS__),                               \
		BYTES_16((b) + 48, __VA_ARGS__)
#define TABLE(...)                                                             \
	{BYTES_64(0, __VA_ARGS__), BYTES_64(64, __VA_ARGS__),                  \
	 BYTES_64(128, __VA_ARGS__), BYTES_64(192, __VA_ARGS__)}

static const u32 tables[8][256] = {
	TABLE(0x77073096, 0xee0e612c, 0x076dc419, 0x0edb8832, 0x1db71064,
	      0x3b6e20c8, 0x76dc4190, 0xedb88320),
	TABLE(0x191b3141, 0x32366282, 0x646cc504, 0xc8d98a08, 0x4ac21251,
	      0x958424a2, 0xf0794f05, 0x3b83984b),
	TABLE(0x01c26a37, 0x0384d46e, 0x0709a8dc, 0x0e1351b8, 0x1c26a370,
	      0x384d46e0, 0x709a8dc0, 0xe1351b80),
	TABLE(0xb8bc6765, 0xaa09c88b, 0x8f629757, 0xc5b428ef, 0x5019579f,
	      0xa032af3e, 0x9b14583d, 0xed59b63b),
	TABLE(0x3d6029b0, 0x7ac05360, 0xf580a6c0, 0x30704bc1, 0x60e09782,
	      0xc1c12f04, 0x58f35849, 0xb1e6b092),
	TABLE(0xcb5cd3a5, 0x4dc8a10b, 0x9b914216, 0xec53826d, 0x03d6029b,
	      0x07ac0536, 0x0f580a6c, 0x1eb014d8),
	TABLE(0xa6770bb4, 0x979f1129, 0xf44f2413, 0x33ef4e67, 0x67de9cce,
	      0xcfbd399c, 0x440b7579, 0x8816eaf2),
	TABLE(0xccaa009e, 0x4225077d, 0x844a0efa, 0xd3e51bb5, 0x7cbb312b,
	      0xf9766256, 0x299dc2ed, 0x533b85da),
};

/* Eight bytes a step; the remainder is added to the first four. */
u32 uw_crc32_table(u32 crc, const u8 *data, size_t len)
{
	u32 a, b;

	for (; len >= 8; data += 8, len -= 8) {
		a = load_le32(data) ^ crc;
		b = load_le32(data + 4);
		crc = tables[7][a & 0xff] ^ tables[6][a >> 8 & 0xff] ^
		      tables[5][a >> 16 & 0xff] ^ tables[4][a >> 24] ^
		      tables[3][b & 0xff] ^ tables[2][b >> 8 & 0xff] ^
		      tables[1][b >> 16 & 0xff] ^ tables[0][b >> 24];
	}
	for (; len > 0; data++, len--)
		crc = crc >> 8 ^ tables[0][(crc ^ *data) & 0xff];
	return crc;
}

#if defined(UW_X86)

static u32 best(u32 cpu, u32 crc, const u8 *data, size_t len)
{
	if (cpu & UW_CPU_VPCLMUL)
		return uw_crc32_vpclmul(crc, data, len);
	if (cpu & UW_CPU_PCLMUL)
		return uw_crc32_pclmul(crc, data, len);
	return uw_crc32_table(crc, data, len);
}

#elif defined(UW_ARM)

static u32 best(u32 cpu, u32 crc, const u8 *data, size_t len)
{
	if (cpu & UW_CPU_ARM_PMULL)
		return uw_crc32_pmull(crc, data, len);
	return uw_crc32_table(crc, data, len);
}

#else

static u32 best(u32 cpu, u32 crc, const u8 *data, size_t len)
{
	(void)cpu;
	return uw_crc32_table(crc, data, len);
}

#endif

u32 uw_crc32(u32 cpu, u32 crc, const u8 *data, size_t len)
{
	return ~best(cpu, ~crc, data, len);
}
