/*
 * cpu_win32.c - what the system says of an ARM CPU: Windows
 */
#include "cpu.h"

#ifdef UW_ARM

#include <windows.h>

/* Windows has one word for AES, PMULL, SHA-1 and SHA-256. */
u32 uw_cpu_detect_arm(void)
{
	if (!IsProcessorFeaturePresent(PF_ARM_V8_CRYPTO_INSTRUCTIONS_AVAILABLE))
		return 0;
	if (!IsProcessorFeaturePresent(PF_ARM_V8_CRC32_INSTRUCTIONS_AVAILABLE))
		return UW_CPU_ARM_SHA2;
	return UW_CPU_ARM_PMULL | UW_CPU_ARM_SHA2;
}

#endif
