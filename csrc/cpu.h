/*
 * cpu.h - which variants this CPU can run
 *
 * A stage with variants takes the bits of enum uw_cpu from its caller and
 * chooses; nothing here is remembered, so a test can ask for any subset.
 */
#ifndef UW_CPU_H
#define UW_CPU_H

#include "base.h"

#endif
