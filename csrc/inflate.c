/*
 * inflate.c - DEFLATE (RFC 1951), a piece of input at a time
 *
 * Pure: no system call, no allocation, no knowledge of ZIP.  Decoding stops at
 * two places only, before a block and between symbols (a stored block also
 * between bytes), so what has to be remembered of the input is the rest of one
 * byte.  It takes and refuses exactly the streams that zlib takes and refuses.
 *
 * A fast loop decodes while there is so much input and window that it need not
 * ask; a careful one does the rest, and never looks at a bit that is not there.
 */
#include "inflate_loop.h"

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static bool copy_stored(struct uw_inflate *s, const u8 **next, const u8 *end)
{
	size_t len = min_size(s->stored_left, (size_t)(end - *next));

	len = min_size(len, (size_t)(window_end(s) - s->out));
	if (len > 0)
		memcpy(s->out, *next, len);
	s->out += len;
	*next += len;
	s->stored_left -= (u32)len;
	if (s->stored_left == 0)
		return end_block(s);
	return len > 0;
}

/* -------------------------------------------------------------- fast loop */

UW_INLINE void decode_fast(struct uw_inflate *s, const u8 **next, const u8 *end,
			   bool wide, bool mixed)
{
	const struct limits limits = loop_limits(s, end);
	struct loop l = loop_begin(s, *next);

	while (loop_turn(&l, s, wide, mixed) && loop_goes_on(&l, &limits))
		;
	loop_end(s, &l, next);
}

static void decode_plain(struct uw_inflate *s, const u8 **next, const u8 *end)
{
	if (s->mixed)
		decode_fast(s, next, end, false, true);
	else
		decode_fast(s, next, end, false, false);
}

#ifdef UW_X86
/* Shifts that need no particular register, masks, and 32 bytes at once. */
UW_TARGET("bmi2,avx2")
static void decode_bmi2(struct uw_inflate *s, const u8 **next, const u8 *end)
{
	if (s->mixed)
		decode_fast(s, next, end, true, true);
	else
		decode_fast(s, next, end, true, false);
}

static void decode(struct uw_inflate *s, const u8 **next, const u8 *end,
		   struct uw_shadow *shadow)
{
	if (!(s->cpu & UW_CPU_BMI2)) {
		decode_plain(s, next, end);
		return;
	}
	if (shadow != NULL && shadow->count != 0 && (s->cpu & UW_CPU_SHA)) {
		uw_shadow_decode(s, next, end, shadow);
		if (s->state != CODES || !loop_may_begin(s, *next, end))
			return;
	}
	decode_bmi2(s, next, end);
}
#else
static void decode(struct uw_inflate *s, const u8 **next, const u8 *end,
		   struct uw_shadow *shadow)
{
	(void)shadow;
	decode_plain(s, next, end);
}
#endif

/* ----------------------------------------------------------- careful loop */

struct symbol {
	u32 entry;    /* of the literal/length table */
	u32 len;      /* of a match, else 0 */
	u32 distance; /* 0 is no distance */
	u32 bits;     /* that it takes */
};

static_assert(LENGTH_MAX_BITS + DISTANCE_MAX_BITS <= REFILLED_BITS,
	      "a symbol needs no second refill");

static void peek_distance(const u32 *table, u64 buf, struct symbol *symbol)
{
	u32 entry = table[buf & DIST_MASK];

	if (entry & DIST_SUBTABLE) {
		buf >>= UW_INFLATE_DIST_BITS;
		symbol->bits += UW_INFLATE_DIST_BITS;
		entry = table[(entry >> 16) + low_bits(buf, entry >> 8 & 15)];
	}
	symbol->bits += entry & 255;
	symbol->distance =
		(entry >> 16) + (low_bits(buf, entry) >> (entry >> 8 & 63));
}

/* What the bits mean, whether they are there or not. */
static struct symbol peek_symbol(const struct uw_inflate *s, u64 buf)
{
	struct symbol symbol = {0};
	u32 entry = s->litlen[buf & LITLEN_MASK];
	u32 total;

	if ((entry & (LITERAL | SPECIAL | END)) == SPECIAL) {
		buf >>= UW_INFLATE_LITLEN_BITS;
		symbol.bits = UW_INFLATE_LITLEN_BITS;
		entry = s->litlen[(entry >> 16 & 0x1fff) +
				  low_bits(buf, entry >> 8 & 15)];
	}
	symbol.entry = entry;
	total = (entry & LITERAL ? entry : entry >> 8) & 63;
	symbol.bits += total;
	if ((entry & (LITERAL | SPECIAL)) == 0) {
		symbol.len = (entry >> 16 & 0x1ff) +
			     (low_bits(buf, total) >> (entry >> 25));
		peek_distance(s->dist, buf >> total, &symbol);
	}
	return symbol;
}

static void put_match(struct uw_inflate *s, u32 distance, u32 len)
{
	if (distance == 0) {
		broken(s, UW_WHY_DEFLATE_SYMBOL);
	} else if (distance > (size_t)(s->out - s->valid)) {
		broken(s, UW_WHY_DEFLATE_DISTANCE);
	} else {
		copy(s->out, distance, len, false);
		s->out += len;
	}
}

static void put_symbol(struct uw_inflate *s, const struct symbol *symbol)
{
	if (symbol->entry & LITERAL)
		*s->out++ = (u8)(symbol->entry >> 16);
	else if (!(symbol->entry & SPECIAL))
		put_match(s, symbol->distance, symbol->len);
	else if (symbol->entry & NO_SYMBOL)
		broken(s, UW_WHY_DEFLATE_SYMBOL);
	else
		end_block(s);
}

static void refill_carefully(struct bits *b, const u8 *end)
{
	if (end - b->next >= 8) {
		refill(b);
		return;
	}
	for (; b->count < REFILLED_BITS && b->next < end; b->count += 8)
		b->buf |= (u64)*b->next++ << b->count;
}

/* Symbol by symbol, as long as all the bits of one are there. */
static bool decode_carefully(struct uw_inflate *s, const u8 **next,
			     const u8 *end)
{
	const u8 *const out_limit = window_end(s);
	struct bits b = resume(s, *next);
	bool starved = false;

	while (s->state == CODES && s->out < out_limit) {
		struct symbol symbol;

		refill_carefully(&b, end);
		symbol = peek_symbol(s, b.buf);
		starved = symbol.bits > b.count;
		if (starved)
			break;
		drop(&b, symbol.bits);
		put_symbol(s, &symbol);
	}
	give_back(&b);
	suspend(s, &b);
	*next = b.next;
	return !starved;
}

static bool decode_codes(struct uw_inflate *s, const u8 **next, const u8 *end,
			 struct uw_shadow *shadow)
{
	if (loop_may_begin(s, *next, end)) {
		decode(s, next, end, shadow);
		if (s->state != CODES || s->out >= window_end(s))
			return true;
	}
	return decode_carefully(s, next, end);
}

/* --------------------------------------------------------------- interface */

void uw_inflate_init(struct uw_inflate *inflate, u8 *window, size_t fresh_len,
		     u32 cpu)
{
	assert(fresh_len >= UW_INFLATE_FRESH_MIN);
	inflate->bits = 0;
	inflate->bit_count = 0;
	inflate->stored_left = 0;
	inflate->state = HEADER;
	inflate->final = false;
	inflate->fixed_ready = false;
	inflate->mixed = false;
	inflate->reason = UW_WHY_NONE;
	inflate->window = window;
	inflate->fresh_len = fresh_len;
	inflate->out = window + UW_INFLATE_HISTORY;
	inflate->valid = inflate->out;
	inflate->cpu = cpu;
}

/* One step: a header, or as much as there is.  False: more input is needed. */
static bool step(struct uw_inflate *s, const u8 **next, const u8 *end,
		 struct uw_shadow *shadow)
{
	switch (s->state) {
	case HEADER:
		return uw_inflate_read_header(s, next, end);
	case STORED:
		return copy_stored(s, next, end);
	default:
		return decode_codes(s, next, end, shadow);
	}
}

static enum uw_inflate_result run(struct uw_inflate *s, const u8 **next,
				  const u8 *end, struct uw_shadow *shadow)
{
	for (;;) {
		if (s->state == ENDED)
			return UW_INFLATE_DONE;
		if (s->state == BROKEN)
			return UW_INFLATE_ERROR;
		if (s->out >= window_end(s))
			return UW_INFLATE_SPAN;
		if (!step(s, next, end, shadow))
			return UW_INFLATE_NEED;
	}
}

enum uw_inflate_result uw_inflate_run(struct uw_inflate *inflate,
				      const u8 **next, const u8 *end,
				      struct uw_shadow *shadow,
				      const u8 **span_ret, size_t *span_len_ret,
				      enum uw_reason *reason_ret)
{
	enum uw_inflate_result result;
	u8 *start;

	if (uw_inflate_full(inflate))
		uw_inflate_move(inflate, inflate->window, inflate->fresh_len);
	start = inflate->out;
	result = run(inflate, next, end, shadow);
	*span_ret = start;
	*span_len_ret = (size_t)(inflate->out - start);
	*reason_ret = inflate->reason;
	return result;
}

bool uw_inflate_full(const struct uw_inflate *inflate)
{
	return inflate->out >= window_end(inflate);
}

void uw_inflate_move(struct uw_inflate *inflate, u8 *window, size_t fresh_len)
{
	size_t len = min_size((size_t)(inflate->out - inflate->valid),
			      UW_INFLATE_HISTORY);

	assert(fresh_len >= UW_INFLATE_FRESH_MIN);
	inflate->valid = window + UW_INFLATE_HISTORY - len;
	memmove(inflate->valid, inflate->out - len, len);
	inflate->window = window;
	inflate->fresh_len = fresh_len;
	inflate->out = window + UW_INFLATE_HISTORY;
}

void uw_inflate_extend(struct uw_inflate *inflate, size_t more)
{
	inflate->fresh_len = (size_t)(inflate->out - inflate->window) -
			     UW_INFLATE_HISTORY + more;
}
