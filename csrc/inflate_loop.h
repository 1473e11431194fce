/*
 * inflate_loop.h - the fast loop of the decoder, and what it is made of
 *
 * For those who compile it: inflate.c for the decoder alone, and
 * shadow_x86.c, where SHA-256 goes on between its turns.
 */
#ifndef UW_INFLATE_LOOP_H
#define UW_INFLATE_LOOP_H

#include "inflate.h"

enum state { HEADER, STORED, CODES, ENDED, BROKEN };

#define CODE_MAX_BITS 15
#define MATCH_MAX     258

/* ------------------------------------------------------------------- bits */

/*
 * Bits to come, the next one lowest.  Only the low 8 bits of count count: that
 * way a whole table entry, whose low byte is a number of bits, is subtracted.
 * Above them buf may hold bits of the byte at next, which refill() finds equal.
 */
struct bits {
	u64 buf;
	u64 count;
	const u8 *next;
};

/* A refill loads whole bytes: then at least this many bits are there. */
#define REFILLED_BITS (64 - 8)

/* Reads 8 bytes at b->next, wherever that is; consumes what fits. */
UW_INLINE void refill(struct bits *b)
{
	b->buf |= load_le64(b->next) << (b->count & 63);
	b->next += 7 - (b->count >> 3 & 7);
	b->count |= REFILLED_BITS;
}

/* Consume as many bits as the low byte of @entry says (below 64). */
UW_INLINE void drop(struct bits *b, u32 entry)
{
	b->buf >>= (u8)entry & 63;
	b->count -= entry;
}

UW_INLINE u32 low_bits(u64 buf, u32 count)
{
	return (u32)(buf & (((u64)1 << (count & 63)) - 1));
}

/* Give back the bytes of which no bit was consumed. */
UW_INLINE void give_back(struct bits *b)
{
	b->next -= b->count >> 3 & 7;
	b->count &= 7;
	b->buf &= ((u64)1 << b->count) - 1;
}

/*
 * Raised, two bits that were consumed are kept below those to come, which then
 * are, masked, the offset of a table's entry: an index that has yet to be
 * scaled is a cycle of seven in each look-up, where each waits for the one
 * before.  The two count as bits.
 */
#define RAISED_BITS 2
static_assert(1 << RAISED_BITS == sizeof(u32), "places are that far apart");

UW_INLINE void raise_refill(struct bits *b)
{
	give_back(b);
	b->buf <<= RAISED_BITS;
	b->count += RAISED_BITS;
	refill(b);
}

UW_INLINE void lower(struct bits *b)
{
	b->buf >>= RAISED_BITS;
	b->count -= RAISED_BITS;
}

/*
 * A displacement in the address costs the cycle that was won.  So the table of
 * literals is the first thing in the state, and a compiler that knows where
 * the other one is must be kept from making one address of the two.
 */
#if defined(__GNUC__)
UW_INLINE const u32 *by_itself(const u32 *table)
{
	__asm__("" : "+r"(table));
	return table;
}
#else
UW_INLINE const u32 *by_itself(const u32 *table)
{
	return table;
}
#endif
static_assert(offsetof(struct uw_inflate, litlen) == 0, "no displacement");

UW_INLINE u32 look_up(const u32 *table, u64 raised, u32 mask)
{
	u32 entry;

	memcpy(&entry, (const u8 *)table + (raised & (u64)mask << RAISED_BITS),
	       sizeof(entry));
	return entry;
}

UW_INLINE struct bits resume(const struct uw_inflate *s, const u8 *next)
{
	return (struct bits){s->bits, s->bit_count, next};
}

UW_INLINE void suspend(struct uw_inflate *s, const struct bits *b)
{
	s->bits = b->buf;
	s->bit_count = (u32)b->count;
}

UW_INLINE bool broken(struct uw_inflate *s, enum uw_reason reason)
{
	s->state = BROKEN;
	s->reason = reason;
	return true;
}

UW_INLINE const u8 *window_end(const struct uw_inflate *s)
{
	return s->window + UW_INFLATE_HISTORY + s->fresh_len;
}

UW_INLINE bool end_block(struct uw_inflate *s)
{
	s->state = s->final ? ENDED : HEADER;
	return true;
}

/* ---------------------------------------------------------------- entries */

/*
 * An entry of the literal/length table:
 *
 *   literal   31 set, 23..16 the byte, 7..0 code length
 *   length    28..25 code length, 24..16 base, 13..8 code length + extra bits
 *   end       29 and 30 set, 13..8 code length
 *   no symbol 29, 30 and 16 set, 13..8 code length
 *   subtable  29 set, 28..16 its place, 11..8 its bits
 *
 * Bits 7..0 are zero in all but literals: "take a literal" applied to anything
 * else takes nothing, so it needs no branch.
 */
#define LITERAL	  0x80000000u
#define END	  0x40000000u
#define SPECIAL	  0x20000000u
#define NO_SYMBOL 0x00010000u

/*
 * An entry of the distance table:
 *
 *   distance  31..16 base, 13..8 code length, 7..0 code length + extra bits
 *   no symbol the same with base 0
 *   subtable  31..16 its place, 15 set, 13..8 its bits, 7..0 bits of the root
 */
#define DIST_SUBTABLE 0x8000u

/* ---------------------------------------------------------------- matches */

/* What a machine moves at once; the widest only where the CPU was asked. */
#if defined(__GNUC__)
typedef u64 chunk16 __attribute__((vector_size(16)));
typedef u64 chunk32 __attribute__((vector_size(32)));
#else
typedef struct {
	u64 part[2];
} chunk16;
typedef struct {
	u64 part[4];
} chunk32;
#endif

UW_INLINE void copy8(u8 *to, const u8 *from)
{
	u64 c;

	memcpy(&c, from, sizeof(c));
	memcpy(to, &c, sizeof(c));
}

UW_INLINE void copy16(u8 *to, const u8 *from)
{
	chunk16 c;

	memcpy(&c, from, sizeof(c));
	memcpy(to, &c, sizeof(c));
}

/* Loads all of it before it stores. */
UW_INLINE void copy32(u8 *to, const u8 *from, bool wide)
{
	chunk32 c;
	chunk16 low, high;

	if (wide) {
		memcpy(&c, from, sizeof(c));
		memcpy(to, &c, sizeof(c));
		return;
	}
	memcpy(&low, from, sizeof(low));
	memcpy(&high, from + 16, sizeof(high));
	memcpy(to, &low, sizeof(low));
	memcpy(to + 16, &high, sizeof(high));
}

/* All that gcc makes one store of; it does not of a loop. */
UW_INLINE void store_le64(u8 *p, u64 v)
{
	p[0] = (u8)v;
	p[1] = (u8)(v >> 8);
	p[2] = (u8)(v >> 16);
	p[3] = (u8)(v >> 24);
	p[4] = (u8)(v >> 32);
	p[5] = (u8)(v >> 40);
	p[6] = (u8)(v >> 48);
	p[7] = (u8)(v >> 56);
}

/*
 * Distances below 8: the pattern fills a word, and as many whole patterns as
 * fit are kept of each store.
 */
UW_INLINE void repeat_bytes(u8 *to, const u8 *end, u32 distance)
{
	u64 word = load_le64(to - distance);
	u32 step = 8 / distance * distance;
	u32 shift = 8 * distance;

	word &= ((u64)1 << shift) - 1;
	for (; shift < 64; shift *= 2)
		word |= word << shift;
	for (; to < end; to += step)
		store_le64(to, word);
}

/*
 * A match longer than its distance, from 8 up.  The pattern is written by two
 * stores, the second ending where the pattern ends; nothing that was just
 * stored is loaded again, which would have to wait.
 */
UW_INLINE void repeat_words(u8 *to, const u8 *end, u32 distance)
{
	const u8 *from = to - distance;

	for (; to < end; to += distance) {
		copy8(to, from);
		copy8(to + distance - 8, from + distance - 8);
	}
}

UW_INLINE void repeat_chunks(u8 *to, const u8 *end, u32 distance)
{
	const u8 *from = to - distance;

	for (; to < end; to += distance) {
		copy16(to, from);
		copy16(to + distance - 16, from + distance - 16);
	}
}

#define COPY_LEN 64
#define LONG_LEN (5 * COPY_LEN)
static_assert(MATCH_MAX <= LONG_LEN, "a long copy is that of any match");

UW_INLINE void copy64(u8 *to, const u8 *from, bool wide)
{
	copy32(to, from, wide);
	copy32(to + 32, from + 32, wide);
}

/*
 * However much is wanted: nothing could predict where a loop ends.  What is
 * nearer than 64 bytes repeats itself, in pieces of 32.
 */
UW_INLINE void copy_long(u8 *to, const u8 *from, bool wide)
{
	copy64(to, from, wide);
	copy64(to + COPY_LEN, from + COPY_LEN, wide);
	copy64(to + 2 * COPY_LEN, from + 2 * COPY_LEN, wide);
	copy64(to + 3 * COPY_LEN, from + 3 * COPY_LEN, wide);
	copy64(to + 4 * COPY_LEN, from + 4 * COPY_LEN, wide);
}

/* Matches that are long or overlap themselves. */
UW_INLINE void copy_match(u8 *to, u32 distance, u32 len, bool wide)
{
	const u8 *end = to + len;

	if (distance >= 32) {
		copy_long(to, to - distance, wide);
	} else if (distance >= 16) {
		repeat_chunks(to, end, distance);
	} else if (distance >= 8) {
		repeat_words(to, end, distance);
	} else {
		repeat_bytes(to, end, distance);
	}
}

/* Nearly all matches: 64 bytes, however many are wanted. */
UW_INLINE void copy(u8 *to, u32 distance, u32 len, bool wide)
{
	const u8 *from = to - distance;

	if (likely(len <= COPY_LEN && len <= distance)) {
		copy64(to, from, wide);
	} else {
		copy_match(to, distance, len, wide);
	}
}

/* Both loops begin a turn below the window's end; one turn writes this much. */
#define TURN_MAX (2 + MATCH_MAX + COPY_LEN)
static_assert(LONG_LEN <= MATCH_MAX + COPY_LEN, "and so does a long copy");
static_assert(TURN_MAX <= UW_INFLATE_SLACK, "a turn stays in the slack");

/* -------------------------------------------------------------- fast loop */

#define LITLEN_MASK	  ((1u << UW_INFLATE_LITLEN_BITS) - 1)
#define DIST_MASK	  ((1u << UW_INFLATE_DIST_BITS) - 1)

#define LENGTH_MAX_BITS	  (CODE_MAX_BITS + 5)
#define DISTANCE_MAX_BITS (CODE_MAX_BITS + 13)

/*
 * A turn of the fast loop takes up to two literals of the root, then one more
 * of any length, or a match; it refills after that literal, and before and
 * after a distance.
 */
static_assert(2 * UW_INFLATE_LITLEN_BITS + LENGTH_MAX_BITS +
			      UW_INFLATE_DIST_BITS <=
		      REFILLED_BITS - RAISED_BITS,
	      "two literals, a length and the look-up of a distance");
static_assert(2 * UW_INFLATE_LITLEN_BITS + CODE_MAX_BITS +
			      UW_INFLATE_LITLEN_BITS <=
		      REFILLED_BITS - RAISED_BITS,
	      "two literals, a long one, and the look-up of the next symbol");
static_assert(DISTANCE_MAX_BITS + UW_INFLATE_LITLEN_BITS <=
		      REFILLED_BITS - RAISED_BITS,
	      "a distance and the look-up of the next symbol");

/* It reads 8 bytes at up to 7 bytes beyond the place where it begins. */
#define TURN_INPUT 16
/* There is a refill before the first turn. */
#define FAST_INPUT (TURN_INPUT + 8)

/* What the loop has in registers: the entry is looked up, and not yet taken. */
struct loop {
	struct bits b;
	u8 *out;
	u32 entry;
	const u32 *litlen;
	const u32 *dist;
};

/* As long as it may go on: there is input and window for another turn. */
struct limits {
	const u8 *next;
	const u8 *out;
};

UW_INLINE struct limits loop_limits(const struct uw_inflate *s, const u8 *end)
{
	return (struct limits){end - TURN_INPUT, window_end(s)};
}

UW_INLINE bool loop_goes_on(const struct loop *l, const struct limits *limits)
{
	return l->b.next <= limits->next && l->out < limits->out;
}

/* Whether the loop may begin: there is a refill before the first turn. */
UW_INLINE bool loop_may_begin(const struct uw_inflate *s, const u8 *next,
			      const u8 *end)
{
	return end - next >= FAST_INPUT && s->out < window_end(s);
}

UW_INLINE struct loop loop_begin(const struct uw_inflate *s, const u8 *next)
{
	struct loop l = {.b = resume(s, next),
			 .out = s->out,
			 .litlen = s->litlen,
			 .dist = by_itself(s->dist)};

	raise_refill(&l.b);
	l.entry = look_up(l.litlen, l.b.buf, LITLEN_MASK);
	return l;
}

UW_INLINE void loop_end(struct uw_inflate *s, struct loop *l, const u8 **next)
{
	lower(&l->b);
	give_back(&l->b);
	suspend(s, &l->b);
	*next = l->b.next;
	s->out = l->out;
}

/* Take a literal, or nothing, and look at what is next. */
UW_INLINE void take_literal(struct loop *l, const u32 *litlen)
{
	*l->out = (u8)(l->entry >> 16);
	l->out += l->entry >> 31;
	drop(&l->b, l->entry);
	l->entry = look_up(litlen, l->b.buf, LITLEN_MASK);
}

/*
 * A turn; false if it was the last of the block, or the block is broken.
 *
 * The order of things is made for latency.  A turn begins with the entry at
 * hand.  The first literal, with @mixed the first two, is taken without a
 * branch; an entry is looked up before a refill, not after it, and before a
 * match is copied.  @wide and @mixed are constants where this is inlined.
 */
UW_INLINE bool loop_turn(struct loop *l, struct uw_inflate *s, bool wide,
			 bool mixed)
{
	const u32 *const litlen = l->litlen;
	const u32 *const dist = l->dist;
	u32 entry, len, distance, total;
	u64 saved;

	take_literal(l, litlen);
	if (mixed)
		take_literal(l, litlen);
	entry = l->entry;
	if (entry & LITERAL) {
	literal:
		l->entry = entry;
		take_literal(l, litlen);
		refill(&l->b);
		return true;
	}
	if (unlikely(entry & SPECIAL)) {
		if (!(entry & END)) {
			drop(&l->b, UW_INFLATE_LITLEN_BITS);
			entry = litlen[(entry >> 16 & 0x1fff) +
				       low_bits(l->b.buf >> RAISED_BITS,
						entry >> 8 & 15)];
			if (entry & LITERAL)
				goto literal;
		}
		if (entry & SPECIAL) {
			drop(&l->b, entry >> 8);
			if (entry & NO_SYMBOL)
				broken(s, UW_WHY_DEFLATE_SYMBOL);
			else
				end_block(s);
			return false;
		}
	}
	saved = l->b.buf >> RAISED_BITS;
	total = entry >> 8;
	drop(&l->b, total);
	len = (entry >> 16 & 0x1ff) + (low_bits(saved, total) >> (entry >> 25));
	entry = look_up(dist, l->b.buf, DIST_MASK);
	refill(&l->b);
	if (unlikely(entry & DIST_SUBTABLE)) {
		drop(&l->b, UW_INFLATE_DIST_BITS);
		entry = dist[(entry >> 16) + low_bits(l->b.buf >> RAISED_BITS,
						      entry >> 8 & 15)];
	}
	saved = l->b.buf >> RAISED_BITS;
	drop(&l->b, entry);
	distance =
		(entry >> 16) + (low_bits(saved, entry) >> (entry >> 8 & 63));
	l->entry = look_up(litlen, l->b.buf, LITLEN_MASK);
	refill(&l->b);
	if (unlikely((size_t)distance - 1 >= (size_t)(l->out - s->valid))) {
		broken(s, distance == 0 ? UW_WHY_DEFLATE_SYMBOL
					: UW_WHY_DEFLATE_DISTANCE);
		return false;
	}
	copy(l->out, distance, len, wide);
	l->out += len;
	return true;
}

/*
 * inflate_header.c: take a block's header if all of it is there; else false,
 * and nothing is consumed.
 */
bool uw_inflate_read_header(struct uw_inflate *s, const u8 **next,
			    const u8 *end);

#ifdef UW_X86
/* shadow_x86.c: decode_fast() that works off blocks of @shadow. */
void uw_shadow_decode(struct uw_inflate *s, const u8 **next, const u8 *end,
		      struct uw_shadow *shadow);
#endif

#endif
