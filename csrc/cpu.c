/*
 * cpu.c - which variants this CPU can run
 *
 * Pure where the CPU itself can be asked (x86-64); elsewhere the system knows.
 */
#include "cpu.h"

#if defined(UW_X86)

#include <immintrin.h>
#ifdef _MSC_VER
#include <intrin.h>
#else
#include <cpuid.h>
#endif

/* Bits of the CPUID leaves 1 and 7, and of XCR0. */
#define LEAF1_ECX_PCLMULQDQ  (1u << 1)
#define LEAF1_ECX_SSSE3	     (1u << 9)
#define LEAF1_ECX_SSE4_1     (1u << 19)
#define LEAF1_ECX_OSXSAVE    (1u << 27)
#define LEAF1_ECX_AVX	     (1u << 28)
#define LEAF7_EBX_AVX2	     (1u << 5)
#define LEAF7_EBX_BMI2	     (1u << 8)
#define LEAF7_EBX_SHA	     (1u << 29)
#define LEAF7_ECX_VPCLMULQDQ (1u << 10)
#define XCR0_SSE_AVX	     6u

struct leaf {
	u32 eax, ebx, ecx, edx;
};

#ifdef _MSC_VER
static struct leaf cpuid(u32 number)
{
	int r[4];

	__cpuidex(r, (int)number, 0);
	return (struct leaf){(u32)r[0], (u32)r[1], (u32)r[2], (u32)r[3]};
}
#else
static struct leaf cpuid(u32 number)
{
	struct leaf leaf;

	__cpuid_count(number, 0, leaf.eax, leaf.ebx, leaf.ecx, leaf.edx);
	return leaf;
}
#endif

/* Are all of @bits in @word? */
static bool has(u32 word, u32 bits)
{
	return (word & bits) == bits;
}

/* XGETBV may be executed only if OSXSAVE is set. */
UW_TARGET("xsave") static u32 enabled_state(void)
{
	return (u32)_xgetbv(0);
}

/*
 * A CPU with AVX under a system (or a hypervisor) that does not save the upper
 * halves of its registers would lose them at a switch of threads: the CPU's
 * word is not enough.
 */
static bool avx_is_usable(const struct leaf *leaf1)
{
	return has(leaf1->ecx, LEAF1_ECX_OSXSAVE | LEAF1_ECX_AVX) &&
	       has(enabled_state(), XCR0_SSE_AVX);
}

static u32 sse_bits(const struct leaf *leaf1, const struct leaf *leaf7)
{
	u32 cpu = 0;

	if (!has(leaf1->ecx, LEAF1_ECX_SSSE3 | LEAF1_ECX_SSE4_1))
		return 0;
	if (has(leaf1->ecx, LEAF1_ECX_PCLMULQDQ))
		cpu |= UW_CPU_PCLMUL;
	if (has(leaf7->ebx, LEAF7_EBX_SHA))
		cpu |= UW_CPU_SHA;
	return cpu;
}

static u32 avx2_bits(const struct leaf *leaf1, const struct leaf *leaf7)
{
	u32 cpu = 0;

	if (!avx_is_usable(leaf1) || !has(leaf7->ebx, LEAF7_EBX_AVX2))
		return 0;
	if (has(leaf1->ecx, LEAF1_ECX_PCLMULQDQ) &&
	    has(leaf7->ecx, LEAF7_ECX_VPCLMULQDQ))
		cpu |= UW_CPU_VPCLMUL;
	if (has(leaf7->ebx, LEAF7_EBX_BMI2))
		cpu |= UW_CPU_BMI2;
	return cpu;
}

u32 uw_cpu_detect(void)
{
	struct leaf leaf1 = cpuid(1);
	struct leaf leaf7 = {0};

	if (cpuid(0).eax >= 7)
		leaf7 = cpuid(7);
	return sse_bits(&leaf1, &leaf7) | avx2_bits(&leaf1, &leaf7);
}

#elif defined(UW_ARM)

u32 uw_cpu_detect(void)
{
	return uw_cpu_detect_arm();
}

#else

u32 uw_cpu_detect(void)
{
	return 0;
}

#endif
