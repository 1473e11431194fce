/*
 * kernels.c - the decoder behind a handle, for tests and benchmarks
 *
 * The engine embeds struct uw_inflate in its own memory; Python cannot, so
 * this allocates the state and two windows for it.  Nothing else is done here.
 */
#include "inflate.h"

#include <stdlib.h>

struct uw_inflater {
	struct uw_inflate inflate;
	u32 cpu;
	size_t fresh_len;
	u8 *windows[2];
	u32 current;
	struct uw_shadow shadow;
	u8 memory[];
};

/* NULL if there is no memory, or if @fresh_len is no size of a window. */
struct uw_inflater *uw_inflater_new(uint32_t cpu, size_t fresh_len)
{
	struct uw_inflater *inflater;
	size_t window_len;

	if (fresh_len < UW_INFLATE_FRESH_MIN || fresh_len > SIZE_MAX / 4)
		return NULL;
	window_len = UW_INFLATE_WINDOW(fresh_len);
	inflater = malloc(sizeof(*inflater) + 2 * window_len);
	if (inflater == NULL)
		return NULL;
	inflater->cpu = cpu;
	inflater->fresh_len = fresh_len;
	inflater->windows[0] = inflater->memory;
	inflater->windows[1] = inflater->memory + window_len;
	uw_inflater_reset(inflater);
	return inflater;
}

void uw_inflater_free(struct uw_inflater *inflater)
{
	free(inflater);
}

void uw_inflater_reset(struct uw_inflater *inflater)
{
	inflater->current = 0;
	inflater->shadow = (struct uw_shadow){0};
	uw_inflate_init(&inflater->inflate, inflater->windows[0],
			inflater->fresh_len, inflater->cpu);
}

void uw_inflater_move(struct uw_inflater *inflater)
{
	inflater->current ^= 1;
	uw_inflate_move(&inflater->inflate,
			inflater->windows[inflater->current],
			inflater->fresh_len);
}

void uw_inflater_hash(struct uw_inflater *inflater, uint32_t *state,
		      const uint8_t *blocks, size_t count)
{
	inflater->shadow = (struct uw_shadow){state, blocks, count};
}

size_t uw_inflater_unhashed(const struct uw_inflater *inflater)
{
	return inflater->shadow.count;
}

int uw_inflater_run(struct uw_inflater *inflater, const uint8_t *in,
		    size_t in_len, size_t *consumed_ret,
		    const uint8_t **span_ret, size_t *span_len_ret,
		    int *reason_ret)
{
	enum uw_inflate_result result;
	enum uw_reason reason;
	const u8 *next = in;

	result = uw_inflate_run(&inflater->inflate, &next, in + in_len,
				&inflater->shadow, span_ret, span_len_ret,
				&reason);
	*consumed_ret = (size_t)(next - in);
	*reason_ret = (int)reason;
	return (int)result;
}
