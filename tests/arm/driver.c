/*
 * driver.c - CRC-32 and SHA-256 on ARMv8, for tests/test_arm.py
 *
 * So that the ARM variants are tested on any host, this is compiled for ARM and
 * run under an emulator.  By hand, in the root of the project:
 *
 *	aarch64-linux-gnu-gcc -std=c11 -O2 -static -Icsrc -o driver \
 *		tests/arm/driver.c csrc/cpu.c csrc/cpu_posix.c \
 *		csrc/crc32.c csrc/crc32_arm.c csrc/sha256.c csrc/sha256_arm.c
 *	head -c 70000 /dev/urandom | qemu-aarch64 ./driver
 *
 * It reads the bytes to hash from its standard input and knows no right answer:
 * it prints "detected CPU" and then a line for each call,
 *
 *	CPU START SPLIT LENGTH CRC-32 SHA-256
 *
 * for the LENGTH bytes from START on, given in two pieces, the first of SPLIT
 * bytes.  Of two messages at once, from the start and from its end on, it says
 *
 *	CPU pair LENGTH OTHER-LENGTH SHA-256 OTHER-SHA-256
 *
 * The test compares them with zlib and hashlib.
 */
#include "crc32.h"
#include "sha256.h"

#include <inttypes.h>
#include <stdio.h>

static u8 input[70000];

static void print_digest(const u8 *digest)
{
	size_t i;

	for (i = 0; i < 32; i++)
		printf("%02x", digest[i]);
}

static void print_hashes(u32 cpu, size_t start, size_t split, size_t len)
{
	const u8 *data = input + start;
	struct uw_sha256 sha;
	u8 digest[32];
	u32 crc;

	crc = uw_crc32(cpu, 0, data, split);
	crc = uw_crc32(cpu, crc, data + split, len - split);
	uw_sha256_init(&sha, cpu);
	uw_sha256_update(&sha, data, split);
	uw_sha256_update(&sha, data + split, len - split);
	uw_sha256_final(&sha, digest);

	printf("%" PRIu32 " %zu %zu %zu %08" PRIx32 " ", cpu, start, split, len,
	       crc);
	print_digest(digest);
	putchar('\n');
}

/* The first third of each alone, then the rest of both together. */
static void print_pair(u32 cpu, size_t a_len, size_t b_len)
{
	const u8 *a_data = input, *b_data = input + a_len;
	size_t a_third = a_len / 3, b_third = b_len / 3;
	u8 a_digest[32], b_digest[32];
	struct uw_sha256 a, b;

	uw_sha256_init(&a, cpu);
	uw_sha256_init(&b, cpu);
	uw_sha256_update(&a, a_data, a_third);
	uw_sha256_update(&b, b_data, b_third);
	uw_sha256_update_pair(&a, a_data + a_third, a_len - a_third, &b,
			      b_data + b_third, b_len - b_third);
	uw_sha256_final_pair(&a, a_digest, &b, b_digest);

	printf("%" PRIu32 " pair %zu %zu ", cpu, a_len, b_len);
	print_digest(a_digest);
	putchar(' ');
	print_digest(b_digest);
	putchar('\n');
}

/*
 * Every length, every alignment, every split of a short message; a long one;
 * lengths in pairs.
 */
static void print_all(u32 cpu)
{
	size_t i;

	for (i = 0; i <= 1100; i++)
		print_hashes(cpu, 0, 0, i);
	for (i = 0; i < 32; i++)
		print_hashes(cpu, i, 0, 1021);
	for (i = 0; i <= 300; i++)
		print_hashes(cpu, 0, i, 300);
	print_hashes(cpu, 1, 0, 65537);
	for (i = 0; i <= 300; i++)
		print_pair(cpu, i, 7 * i % 301);
	print_pair(cpu, 40000, 30000);
}

int main(void)
{
	if (fread(input, 1, sizeof(input), stdin) != sizeof(input))
		return 1;
	printf("detected %" PRIu32 "\n", uw_cpu_detect());
	print_all(0);
	print_all(UW_CPU_ARM_PMULL);
	print_all(UW_CPU_ARM_SHA2);
	print_all(UW_CPU_ARM_PMULL | UW_CPU_ARM_SHA2);
	return 0;
}
