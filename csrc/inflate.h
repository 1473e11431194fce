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

/*
 * A decode table is a root, indexed by as many bits, and subtables for longer
 * codes.  Two symbols at least share a place of the root that has a subtable.
 */
#define UW_INFLATE_LITLEN_BITS 11
#define UW_INFLATE_LITLEN_LEN                                                  \
	((1 << UW_INFLATE_LITLEN_BITS) +                                       \
	 286 / 2 * (1 << (15 - UW_INFLATE_LITLEN_BITS)))
#define UW_INFLATE_DIST_BITS 8
#define UW_INFLATE_DIST_LEN                                                    \
	((1 << UW_INFLATE_DIST_BITS) +                                         \
	 30 / 2 * (1 << (15 - UW_INFLATE_DIST_BITS)))

/* The state: tables and position.  Its fields are inflate.c's business. */
struct uw_inflate {
	u32 litlen[UW_INFLATE_LITLEN_LEN]; /* first: see look_up() */
	u32 dist[UW_INFLATE_DIST_LEN];
	u64 bits;	 /* the rest of a byte that was consumed */
	u32 bit_count;	 /* 0 to 7 */
	u32 stored_left; /* bytes of a stored block still to come */
	u8 state;
	bool final;	  /* this block is the last one */
	bool fixed_ready; /* the tables are those of the fixed codes */
	bool mixed;	  /* literals and matches follow no pattern */
	enum uw_reason reason;
	u8 *window;
	size_t fresh_len;
	u8 *out;   /* where the next byte goes */
	u8 *valid; /* the oldest byte that a match may reach */
	u32 cpu;
};

/*
 * Start a stream in @window, UW_INFLATE_WINDOW(@fresh_len) bytes that live as
 * long as the decoder; @fresh_len is UW_INFLATE_FRESH_MIN or more.  What the
 * window holds does not matter.  @cpu: bits of enum uw_cpu.
 */
void uw_inflate_init(struct uw_inflate *inflate, u8 *window, size_t fresh_len,
		     u32 cpu);

/*
 * What may be hashed while a stream is decoded: blocks of 64 bytes that go into
 * the state of a SHA-256.  They may lie in the decoder's window, unless it is
 * about to slide: uw_inflate_full().
 */
struct uw_shadow {
	u32 *state;
	const u8 *blocks;
	size_t count;
};

/*
 * Decode from *@next up to @end, advancing *@next over what was consumed.  Of
 * @shadow, which may be NULL, so many blocks are done as cost next to nothing
 * meanwhile, none on most CPUs; the rest are left to the caller.
 *
 * The span at *@span_ret is valid until the next call.  SPAN: the window is
 * full, the span ends less than UW_INFLATE_SLACK beyond @fresh_len.  DONE: the
 * stream has ended, *@next is the first byte after it.  NEED: at most
 * UW_INFLATE_KEEP_MAX bytes are left; call again with those and at least one
 * more, or the stream is truncated.  ERROR: *@reason_ret says why; the span is
 * what came before.  DONE and ERROR stay: further calls consume nothing and say
 * the same with an empty span.
 */
enum uw_inflate_result uw_inflate_run(struct uw_inflate *inflate,
				      const u8 **next, const u8 *end,
				      struct uw_shadow *shadow,
				      const u8 **span_ret, size_t *span_len_ret,
				      enum uw_reason *reason_ret);

/* Whether uw_inflate_run() would slide the window first, over the last span. */
bool uw_inflate_full(const struct uw_inflate *inflate);

/*
 * Continue in another window of @fresh_len (the spans handed out so far stay
 * as they are in the old one).  Copies the history.  In the present window it
 * slides to the beginning.
 */
void uw_inflate_move(struct uw_inflate *inflate, u8 *window, size_t fresh_len);

/* Continue in this window, which has room for @more bytes behind the last. */
void uw_inflate_extend(struct uw_inflate *inflate, size_t more);

#endif
