/*
 * fuzz.h - what every harness in C starts with
 */
#ifndef UW_FUZZ_H
#define UW_FUZZ_H

#include "base.h"

#include <stdio.h>
#include <stdlib.h>

/* libFuzzer's interface: it declares none in C. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t most,
			       unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_len,
				 const uint8_t *b, size_t b_len, uint8_t *out,
				 size_t most, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t len, size_t most);

/* An assertion that no build switches off. */
#define require(truth)                                                         \
	((truth) ? (void)0 : require_failed(#truth, __FILE__, __LINE__))

static inline _Noreturn void require_failed(const char *truth, const char *file,
					    int line)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, truth);
	abort();
}

static inline void *allocate(size_t len)
{
	void *block = malloc(len);

	require(block != NULL);
	return block;
}

/* Numbers that follow from one: the same input always does the same. */
struct choices {
	u64 state;
};

static inline u32 choose(struct choices *choices, u32 below)
{
	choices->state = choices->state * 6364136223846793005u + 1;
	return (u32)(choices->state >> 33) % below;
}

static inline bool once_in(struct choices *choices, u32 times)
{
	return choose(choices, times) == 0;
}

/* What this CPU can do; asked once, as a virtual machine is slow to answer. */
static inline u32 whole_cpu(void)
{
	static u32 cpu = UINT32_MAX;

	if (cpu == UINT32_MAX)
		cpu = uw_cpu_detect();
	return cpu;
}

/* All of that, nothing of it, or any part. */
static inline u32 choose_cpu(struct choices *choices)
{
	u32 cpu = whole_cpu();

	if (once_in(choices, 4))
		return 0;
	return once_in(choices, 2) ? cpu : cpu & choose(choices, 64);
}

#endif
