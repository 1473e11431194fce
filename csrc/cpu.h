/*
 * cpu.h - which variants this CPU can run
 *
 * A stage with variants takes the bits of enum uw_cpu from its caller and
 * chooses; nothing here is remembered, so a test can ask for any subset.
 *
 * A bit stands for all that its variant executes, not for one instruction: it
 * is set only if the CPU has every extension named beside it in unwheel.h and
 * the system saves the registers they use.
 */
#ifndef UW_CPU_H
#define UW_CPU_H

#include "base.h"

#ifdef UW_ARM
/* An ARM program cannot ask the CPU, only the system: cpu_{posix,win32}.c. */
u32 uw_cpu_detect_arm(void);
#endif

#endif
