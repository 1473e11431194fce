/*
 * cpu_posix.c - what the system says of an ARM CPU: Linux, macOS
 *
 * On other systems the portable variants run.
 */
#include "cpu.h"

#ifdef UW_ARM

#if defined(__linux__)

#include <asm/hwcap.h>
#include <sys/auxv.h>

/* Are all of @bits in @word? */
static bool has(unsigned long word, unsigned long bits)
{
	return (word & bits) == bits;
}

u32 uw_cpu_detect_arm(void)
{
	unsigned long hwcap = getauxval(AT_HWCAP);
	u32 cpu = 0;

	if (has(hwcap, HWCAP_PMULL | HWCAP_CRC32))
		cpu |= UW_CPU_ARM_PMULL;
	if (has(hwcap, HWCAP_SHA2))
		cpu |= UW_CPU_ARM_SHA2;
	return cpu;
}

#elif defined(__APPLE__)

/* Every 64-bit ARM CPU that macOS runs on has all of them, from the M1 on. */
u32 uw_cpu_detect_arm(void)
{
	return UW_CPU_ARM_PMULL | UW_CPU_ARM_SHA2;
}

#else

u32 uw_cpu_detect_arm(void)
{
	return 0;
}

#endif

#endif
