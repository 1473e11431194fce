/*
 * kernels.c - the decoder behind a handle, for tests and benchmarks
 *
 * The engine embeds struct uw_inflate in its own memory; Python cannot, so
 * this allocates the state and a window for it.  Nothing else is done here.
 */
#include "inflate.h"

#include <stdlib.h>

struct uw_inflater {
	struct uw_inflate inflate;
	u32 cpu;
	size_t fresh_len;
	u8 window[];
};

/* NULL if there is no memory, or if @fresh_len is no size of a window. */
struct uw_inflater *uw_inflater_new(uint32_t cpu, size_t fresh_len)
{
	struct uw_inflater *inflater;

	if (fresh_len < UW_INFLATE_FRESH_MIN || fresh_len > SIZE_MAX / 2)
		return NULL;
	inflater = malloc(sizeof(*inflater) + UW_INFLATE_WINDOW(fresh_len));
	if (inflater == NULL)
		return NULL;
	inflater->cpu = cpu;
	inflater->fresh_len = fresh_len;
	uw_inflater_reset(inflater);
	return inflater;
}

void uw_inflater_free(struct uw_inflater *inflater)
{
	free(inflater);
}

void uw_inflater_reset(struct uw_inflater *inflater)
{
	uw_inflate_init(&inflater->inflate, inflater->window,
			inflater->fresh_len, inflater->cpu);
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
				span_ret, span_len_ret, &reason);
	*consumed_ret = (size_t)(next - in);
	*reason_ret = (int)reason;
	return (int)result;
}
