/*
 * inflate.h - DEFLATE (RFC 1951), a piece of input at a time
 *
 * The decoder writes into a window that the caller owns and hands out spans of
 * it, so no output is copied.  It keeps no input: what it did not consume is
 * presented again, followed by more.
 */
#ifndef UW_INFLATE_H
#define UW_INFLATE_H

#include "cpu.h"

#define UW_INFLATE_HISTORY   32768 /* how far back a match reaches */
#define UW_INFLATE_SLACK     1024  /* overrun of one turn of the fast loop */
#define UW_INFLATE_FRESH_MIN 4096

/* The size of a window that yields @fresh bytes at a time. */
#define UW_INFLATE_WINDOW(fresh)                                               \
	(UW_INFLATE_HISTORY + (fresh) + UW_INFLATE_SLACK)

/* The most input a suspended decoder leaves unconsumed: a block header. */
#define UW_INFLATE_KEEP_MAX 512

/* The state: tables and position.  Its fields are inflate.c's business. */
struct uw_inflate {
	u64 bits;
	u32 bit_count;
	u32 stored_left;
	u8 state;
	bool final;
	u8 reserved[6];
	u8 *window;
	size_t fresh_len;
	u8 *out;
	u8 *valid;
};

void uw_inflate_init(struct uw_inflate *inflate, u8 *window, size_t fresh_len,
		     u32 cpu);

/*
 * Decode from *@next up to @end, advancing *@next over what was consumed.
 *
 * The span at *@span_ret is valid until the next call.  SPAN: the window is
 * full.  DONE: the stream has ended, *@next is the first byte after it.  NEED:
 * at most UW_INFLATE_KEEP_MAX bytes are left; call again with those and at
 * least one more, or the stream is truncated.  ERROR: *@reason_ret says why;
 * the span is what came before.
 */
enum uw_inflate_result uw_inflate_run(struct uw_inflate *inflate,
				      const u8 **next, const u8 *end,
				      const u8 **span_ret, size_t *span_len_ret,
				      enum uw_reason *reason_ret);

/*
 * Continue in another window of @fresh_len (the spans handed out so far stay
 * as they are in the old one).  Copies the history.
 */
void uw_inflate_move(struct uw_inflate *inflate, u8 *window, size_t fresh_len);

#endif
