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
#include "inflate.h"

enum state { HEADER, STORED, CODES, ENDED, BROKEN };

enum block_type { BLOCK_STORED, BLOCK_FIXED, BLOCK_DYNAMIC };

#define CODE_MAX_BITS	   15
#define LITLEN_COUNT	   286 /* symbols that mean something, */
#define DIST_COUNT	   30
#define FIXED_LITLEN_COUNT 288 /* and those that the fixed codes name */
#define FIXED_DIST_COUNT   32
#define END_OF_BLOCK	   256
#define MATCH_MAX	   258

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

static u32 take(struct bits *b, u32 count)
{
	u32 value = low_bits(b->buf, count);

	drop(b, count);
	return value;
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
 * A displacement costs that cycle again.  Compilers make one of the table's
 * place in the state, and an encoding wants one for a base in rbp or r13.  So
 * the instruction is given: its base is the offset, in a register of "Q", and
 * its index the table.
 */
#if defined(UW_X86) && defined(__GNUC__)
UW_INLINE u32 look_up(const u32 *table, u64 raised, u32 mask)
{
	u32 entry;

	__asm__("movl (%1,%2), %0"
		: "=r"(entry)
		: "Q"(raised & (u64)mask << RAISED_BITS), "r"(table),
		  "m"(*(const u32(*)[mask + 1]) table));
	return entry;
}
#else
UW_INLINE u32 look_up(const u32 *table, u64 raised, u32 mask)
{
	u32 entry;

	memcpy(&entry, (const u8 *)table + (raised & (u64)mask << RAISED_BITS),
	       sizeof(entry));
	return entry;
}
#endif
UW_INLINE struct bits resume(const struct uw_inflate *s, const u8 *next)
{
	return (struct bits){s->bits, s->bit_count, next};
}

UW_INLINE void suspend(struct uw_inflate *s, const struct bits *b)
{
	s->bits = b->buf;
	s->bit_count = (u32)b->count;
}

static bool broken(struct uw_inflate *s, enum uw_reason reason)
{
	s->state = BROKEN;
	s->reason = reason;
	return true;
}

static const u8 *window_end(const struct uw_inflate *s)
{
	return s->window + UW_INFLATE_HISTORY + s->fresh_len;
}

/* ----------------------------------------------------------------- tables */

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

/* What stands for a symbol, and what each bit of its code's length adds. */
struct kind {
	u32 entry;
	u32 per_bit;
};

#define LIT1(n)	 {LITERAL | (u32)(n) << 16, 1}
#define LIT4(n)	 LIT1(n), LIT1((n) + 1), LIT1((n) + 2), LIT1((n) + 3)
#define LIT16(n) LIT4(n), LIT4((n) + 4), LIT4((n) + 8), LIT4((n) + 12)
#define LIT64(n) LIT16(n), LIT16((n) + 16), LIT16((n) + 32), LIT16((n) + 48)
#define LENGTH(base, extra)                                                    \
	{(u32)(base) << 16 | (extra) << 8, 1u << 25 | 1u << 8}
#define ENDING(flags)	  {SPECIAL | END | (flags), 1u << 8}
#define DIST(base, extra) {(u32)(base) << 16 | (extra), 1u << 8 | 1u}

/* RFC 1951, 3.2.5 */
static const struct kind litlen_kinds[FIXED_LITLEN_COUNT] = {
	LIT64(0),	LIT64(64),	LIT64(128),	   LIT64(192),
	ENDING(0),	LENGTH(3, 0),	LENGTH(4, 0),	   LENGTH(5, 0),
	LENGTH(6, 0),	LENGTH(7, 0),	LENGTH(8, 0),	   LENGTH(9, 0),
	LENGTH(10, 0),	LENGTH(11, 1),	LENGTH(13, 1),	   LENGTH(15, 1),
	LENGTH(17, 1),	LENGTH(19, 2),	LENGTH(23, 2),	   LENGTH(27, 2),
	LENGTH(31, 2),	LENGTH(35, 3),	LENGTH(43, 3),	   LENGTH(51, 3),
	LENGTH(59, 3),	LENGTH(67, 4),	LENGTH(83, 4),	   LENGTH(99, 4),
	LENGTH(115, 4), LENGTH(131, 5), LENGTH(163, 5),	   LENGTH(195, 5),
	LENGTH(227, 5), LENGTH(258, 0), ENDING(NO_SYMBOL), ENDING(NO_SYMBOL),
};

static const struct kind dist_kinds[FIXED_DIST_COUNT] = {
	DIST(1, 0),	 DIST(2, 0),	  DIST(3, 0),	  DIST(4, 0),
	DIST(5, 1),	 DIST(7, 1),	  DIST(9, 2),	  DIST(13, 2),
	DIST(17, 3),	 DIST(25, 3),	  DIST(33, 4),	  DIST(49, 4),
	DIST(65, 5),	 DIST(97, 5),	  DIST(129, 6),	  DIST(193, 6),
	DIST(257, 7),	 DIST(385, 7),	  DIST(513, 8),	  DIST(769, 8),
	DIST(1025, 9),	 DIST(1537, 9),	  DIST(2049, 10), DIST(3073, 10),
	DIST(4097, 11),	 DIST(6145, 11),  DIST(8193, 12), DIST(12289, 12),
	DIST(16385, 13), DIST(24577, 13), DIST(0, 0),	  DIST(0, 0),
};

#define REV2(n) n, (n) + 128, (n) + 64, (n) + 192
#define REV4(n) REV2(n), REV2((n) + 32), REV2((n) + 16), REV2((n) + 48)
#define REV6(n) REV4(n), REV4((n) + 8), REV4((n) + 4), REV4((n) + 12)

static const u8 reversed_byte[256] = {REV6(0), REV6(2), REV6(1), REV6(3)};

static u32 reverse16(u32 x)
{
	return (u32)reversed_byte[x & 255] << 8 | reversed_byte[x >> 8 & 255];
}

/*
 * The symbols of both codes, by code length, ascending.  Literals and lengths
 * come first; the first @litlen_counts of a row are theirs.  Distances are
 * numbered on from @dist_first.
 *
 * Row 0 only counts.  Row REPEAT is where a repetition of nothing ends up.
 */
#define REPEAT	    16
#define RUN_STORE   8 /* a run of a length other than 0 is no longer than 6 */
#define LENGTHS_MAX (FIXED_LITLEN_COUNT + FIXED_DIST_COUNT)

struct lengths {
	bool mixed; /* see looks_mixed() */
	u32 dist_first;
	u16 litlen_counts[REPEAT + 1];
	u16 counts[REPEAT + 1];
	u16 rows[REPEAT + 1][LENGTHS_MAX + RUN_STORE];
};

#define NUM4(n)	 n, (n) + 1, (n) + 2, (n) + 3
#define NUM16(n) NUM4(n), NUM4((n) + 4), NUM4((n) + 8), NUM4((n) + 12)
#define NUM64(n) NUM16(n), NUM16((n) + 16), NUM16((n) + 32), NUM16((n) + 48)

/* Neighbours, to be copied to a row at once. */
static const u16 numbers[LENGTHS_MAX + RUN_STORE] = {
	NUM64(0),   NUM64(64), NUM64(128), NUM64(192),
	NUM64(256), NUM4(320), NUM4(324),
};

/* Which part of the rows a table is made of, and how. */
struct code {
	u32 *table;
	u32 root_bits;
	const struct kind *kinds;
	u32 first;
	const u16 *from; /* by code length */
	const u16 *to;
	u32 subtable; /* of an entry that leads to a subtable, */
	u32 none;     /* and the one for bits that are no code */
};

#define WHOLE_SPACE 0x10000u

/* How much of the code space codes take; hostile ones take more than all. */
static u32 space(const u16 *from, const u16 *to)
{
	u32 taken = 0;
	u32 len;

	for (len = 1; len <= CODE_MAX_BITS; len++)
		taken += (u32)(to[len] - from[len]) * (WHOLE_SPACE >> len);
	return taken;
}

static const u16 no_counts[REPEAT + 1];

/*
 * A set of lengths must use up the code space.  As in zlib there are two
 * exceptions: one code of one bit, and none at all (no end-of-block code is
 * refused elsewhere; no distance code is an error once it is used).
 */
static bool is_code(const u16 *from, const u16 *to)
{
	u32 taken = space(from, to);

	return taken == WHOLE_SPACE || taken == 0 ||
	       (taken == WHOLE_SPACE / 2 && to[1] - from[1] == 1);
}

UW_INLINE u32 entry_of(const struct code *c, u32 symbol, u32 len)
{
	const struct kind *kind = &c->kinds[symbol - c->first];

	return kind->entry + len * kind->per_bit;
}

/*
 * Codes longer than the root.  @next_code is the next one, its first bit being
 * bit 15.  All codes with the same beginning are neighbours, so each subtable
 * is finished before the next is begun.
 */
static void build_subtables(const struct code *c, const struct lengths *l,
			    u32 next_code, u32 longest)
{
	u32 sub_bits = longest - c->root_bits;
	u32 end = 1u << c->root_bits;
	u32 start = 0;
	u32 last = ~0u;
	u32 len, k, at;

	for (len = c->root_bits + 1; len <= longest; len++) {
		for (k = c->from[len]; k < c->to[len]; k++) {
			u32 code = reverse16(next_code);
			u32 prefix = code & ((1u << c->root_bits) - 1);
			u32 step = 1u << (len - c->root_bits);

			next_code += WHOLE_SPACE >> len;
			if (prefix != last) {
				last = prefix;
				start = end;
				end += 1u << sub_bits;
				c->table[prefix] = c->subtable | start << 16 |
						   sub_bits << 8;
			}
			for (at = start + (code >> c->root_bits); at < end;
			     at += step)
				c->table[at] = entry_of(c, l->rows[len][k],
							len - c->root_bits);
		}
	}
}

/* Codes up to here are written to all their places; tables are no smaller. */
#define FILLED_BITS 5
static_assert(FILLED_BITS <= UW_INFLATE_LITLEN_BITS &&
		      FILLED_BITS <= UW_INFLATE_DIST_BITS,
	      "a root is doubled up to its size, not down");

/* What is left by an incomplete code, of one code of one bit or of none. */
static void fill_rest(const struct code *c, u32 next_code)
{
	u32 step = next_code == 0 ? 1 : 2;
	u32 at;

	for (at = step - 1; at < 1u << c->root_bits; at += step)
		c->table[at] = c->none;
}

/*
 * Canonical codes ascend (RFC 1951, 3.2.2); counted from bit 15 down, the next
 * is just a sum.  Short ones are written to all their places in a small table.
 * Then the table is doubled where the length grows, and each code written once,
 * which costs no more than it has symbols.  What is copied from places not yet
 * written is overwritten: a complete code leaves none out.
 */
UW_INLINE void build(const struct code *c, const struct lengths *l)
{
	u32 longest = CODE_MAX_BITS;
	u32 next_code = 0;
	u32 len, k, at;

	for (len = 1; len <= FILLED_BITS; len++) {
		for (k = c->from[len]; k < c->to[len]; k++) {
			u32 entry = entry_of(c, l->rows[len][k], len);

			for (at = reverse16(next_code); at < 1u << FILLED_BITS;
			     at += 1u << len)
				c->table[at] = entry;
			next_code += WHOLE_SPACE >> len;
		}
	}
	for (; len <= c->root_bits; len++) {
		memcpy(c->table + (1u << (len - 1)), c->table,
		       sizeof(u32) << (len - 1));
		for (k = c->from[len]; k < c->to[len]; k++) {
			c->table[reverse16(next_code)] =
				entry_of(c, l->rows[len][k], len);
			next_code += WHOLE_SPACE >> len;
		}
	}
	if (next_code == WHOLE_SPACE)
		return;
	while (c->from[longest] == c->to[longest] && longest > c->root_bits)
		longest--;
	if (longest > c->root_bits)
		build_subtables(c, l, next_code, longest);
	else
		fill_rest(c, next_code);
}

static void build_tables(struct uw_inflate *s, const struct lengths *l)
{
	const struct code litlen = {
		.table = s->litlen,
		.root_bits = UW_INFLATE_LITLEN_BITS,
		.kinds = litlen_kinds,
		.from = no_counts,
		.to = l->litlen_counts,
		.subtable = SPECIAL,
		.none = SPECIAL | END | NO_SYMBOL | 1u << 8,
	};
	const struct code dist = {
		.table = s->dist,
		.root_bits = UW_INFLATE_DIST_BITS,
		.kinds = dist_kinds,
		.first = l->dist_first,
		.from = l->litlen_counts,
		.to = l->counts,
		.subtable = DIST_SUBTABLE | UW_INFLATE_DIST_BITS,
		.none = 1u << 8 | 1u,
	};

	build(&litlen, l);
	build(&dist, l);
}

/* ---------------------------------------------------------- block headers */

/*
 * The longest header: 3 bits, three counts, 19 code lengths of the code for
 * code lengths, and a code length of 7 bits for every symbol; a repetition
 * takes fewer bits per symbol, but one may reach past the end.
 */
#define PRECODE_COUNT	 19
#define PRECODE_MAX_BITS 7
#define PRECODE_MASK	 ((1u << PRECODE_MAX_BITS) - 1)
#define HEADER_MAX_BITS                                                        \
	(3 + 14 + PRECODE_COUNT * 3 +                                          \
	 (LITLEN_COUNT + DIST_COUNT + 1) * PRECODE_MAX_BITS + 7)
#define HEADER_MAX_LEN ((HEADER_MAX_BITS + 7) / 8)
/* refill() reads 8 bytes from up to 7 beyond the byte it needs. */
#define HEADER_ROOM (HEADER_MAX_LEN + 16)
static_assert(HEADER_MAX_LEN <= UW_INFLATE_KEEP_MAX, "a header may be kept");

/*
 * An entry of the precode table: 31 set if the last code length is repeated,
 * else 27..24 the code length; 23..16 how often at least, 15..8 length of this
 * code, 7..0 with its extra bits.
 */
static const u32 precode_kinds[PRECODE_COUNT] = {
	0x00010000, 0x01010000, 0x02010000, 0x03010000, 0x04010000,
	0x05010000, 0x06010000, 0x07010000, 0x08010000, 0x09010000,
	0x0a010000, 0x0b010000, 0x0c010000, 0x0d010000, 0x0e010000,
	0x0f010000, 0x80030002, 0x00030003, 0x000b0007,
};

/*
 * Sort the symbols of the precode by code length, ascending; @symbols has room
 * for as many that have none after them.  The result has a byte for each
 * length: where its symbols end and those of the next begin.  A number with a
 * byte for each length counts and sorts without a branch.
 */
static u64 sort_precode(const u8 *lens, u8 *symbols)
{
	u64 ends = 0;
	u32 symbol;

	for (symbol = 0; symbol < PRECODE_COUNT; symbol++)
		ends += (u64)1 << lens[symbol] * 8;
	/* Sums of the counts before: for now it is where the symbols begin. */
	ends = (ends & ~(u64)255) * 0x0101010101010100 + PRECODE_COUNT;
	for (symbol = 0; symbol < PRECODE_COUNT; symbol++) {
		u32 at = lens[symbol] * 8u;

		symbols[ends >> at & 255] = (u8)symbol;
		ends += (u64)1 << at;
	}
	return ends;
}

/* Incomplete sets are refused, the empty one included. */
static bool build_precode(const u8 *symbols, u64 ends, u32 *table)
{
	u32 next_code = 0;
	u32 k = 0;
	u32 len, at;

	for (len = 1; len <= PRECODE_MAX_BITS; len++) {
		for (; k < (ends >> len * 8 & 255); k++) {
			u32 entry = precode_kinds[symbols[k]] + len * 0x101;

			for (at = reverse16(next_code);
			     at < 1u << PRECODE_MAX_BITS; at += 1u << len)
				table[at] = entry;
			next_code += WHOLE_SPACE >> len;
		}
	}
	return next_code == WHOLE_SPACE;
}

/* Their lengths stand in this order, so that the last ones are often none. */
static const u8 precode_order[PRECODE_COUNT] = {
	16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
};

#define PRECODE_LEN_BITS 3
static_assert((PRECODE_COUNT - 1) * PRECODE_LEN_BITS <= REFILLED_BITS,
	      "all lengths but one in one refill");

static bool read_precode(struct bits *b, u32 count, u32 *table)
{
	u32 early = count < PRECODE_COUNT ? count : PRECODE_COUNT - 1;
	u8 lens[PRECODE_COUNT];
	u8 symbols[2 * PRECODE_COUNT];
	u64 buf;
	u32 i;

	refill(b);
	buf = b->buf & (((u64)1 << early * PRECODE_LEN_BITS) - 1);
	for (i = 0; i < PRECODE_COUNT - 1; i++)
		lens[precode_order[i]] = buf >> i * PRECODE_LEN_BITS & 7;
	drop(b, early * PRECODE_LEN_BITS);
	refill(b);
	lens[precode_order[i]] = 0;
	if (count == PRECODE_COUNT)
		lens[precode_order[i]] = (u8)take(b, PRECODE_LEN_BITS);
	return build_precode(symbols, sort_precode(lens, symbols), table);
}

/* A code length that may be repeated, and how far they have been read. */
struct run {
	u32 value;
	u32 next;
};

/*
 * Read code lengths for the symbols up to @end; the last run may go beyond.
 * Each run is put in its row without a branch: stored longer than it is, the
 * next one of that row overwrites the excess.
 */
static void read_runs(struct bits *bits, const u32 *table, struct lengths *l,
		      struct run *run, u32 end)
{
	struct bits b = *bits;
	u32 value = run->value;
	u32 next = run->next;

	raise_refill(&b);
	while (next < end) {
		u32 entry = look_up(table, b.buf, PRECODE_MASK);
		u32 count;

		refill(&b);
		count = (entry >> 16 & 255) +
			(low_bits(b.buf >> RAISED_BITS, entry & 255) >>
			 (entry >> 8 & 15));
		drop(&b, entry);
		/* All ones if the value stays, else the entry brings one. */
		value = (value & (0 - (entry >> 31))) | (entry >> 24 & 15);
		memcpy(l->rows[value] + l->counts[value], numbers + next,
		       RUN_STORE * sizeof(u16));
		l->counts[value] = (u16)(l->counts[value] + count);
		next += count;
	}
	lower(&b);
	*bits = b;
	run->value = value;
	run->next = next;
}

/*
 * Whether literals and matches are likely to follow each other at random, from
 * the code lengths up to the end of block.  It is so in machine code: nearly
 * all byte values are in use, and matches are not rare.  In text a prediction
 * is worth more than two literals without a branch.
 */
#define MIXED_LITERALS 180
#define MIXED_SPACE    (WHOLE_SPACE / 4 * 3)

static bool looks_mixed(const struct lengths *l)
{
	return END_OF_BLOCK - l->counts[0] >= MIXED_LITERALS &&
	       space(no_counts, l->counts) < MIXED_SPACE;
}

static enum uw_reason read_dynamic(struct bits *b, struct lengths *l)
{
	u32 table[1 << PRECODE_MAX_BITS];
	struct run run = {REPEAT, 0};
	u32 litlen_count = take(b, 5) + 257;
	u32 dist_count = take(b, 5) + 1;

	if (litlen_count > LITLEN_COUNT || dist_count > DIST_COUNT)
		return UW_WHY_DEFLATE_CODE_COUNTS;
	if (!read_precode(b, take(b, 4) + 4, table))
		return UW_WHY_DEFLATE_CODE_LENGTHS;

	memset(l->counts, 0, sizeof(l->counts));
	l->dist_first = litlen_count;
	read_runs(b, table, l, &run, END_OF_BLOCK + 1);
	if (run.value == 0)
		return UW_WHY_DEFLATE_CODE_LENGTHS;
	l->mixed = looks_mixed(l);
	read_runs(b, table, l, &run, litlen_count);
	/* What the last run has too much belongs to the distances. */
	memcpy(l->litlen_counts, l->counts, sizeof(l->counts));
	l->litlen_counts[run.value] =
		(u16)(l->counts[run.value] - (run.next - litlen_count));
	read_runs(b, table, l, &run, litlen_count + dist_count);
	if (run.next != litlen_count + dist_count || l->counts[REPEAT] != 0)
		return UW_WHY_DEFLATE_CODE_LENGTHS;
	return UW_WHY_NONE;
}

static void add_run(struct lengths *l, u32 len, u32 first, u32 end)
{
	u32 symbol;

	for (symbol = first; symbol < end; symbol++)
		l->rows[len][l->counts[len]++] = (u16)symbol;
}

/* RFC 1951, 3.2.6 */
static void fixed_lengths(struct lengths *l)
{
	memset(l->counts, 0, sizeof(l->counts));
	add_run(l, 8, 0, 144);
	add_run(l, 9, 144, 256);
	add_run(l, 7, 256, 280);
	add_run(l, 8, 280, FIXED_LITLEN_COUNT);
	memcpy(l->litlen_counts, l->counts, sizeof(l->counts));
	l->dist_first = FIXED_LITLEN_COUNT;
	add_run(l, 5, FIXED_LITLEN_COUNT, LENGTHS_MAX);
}

struct header {
	u32 final;
	u32 type;
	u32 stored_len;
	struct lengths lengths;
};

static enum uw_reason parse_header(struct bits *b, struct header *h)
{
	u32 complement;

	refill(b);
	h->final = take(b, 1);
	h->type = take(b, 2);
	switch (h->type) {
	case BLOCK_STORED:
		drop(b, b->count & 7);
		refill(b);
		h->stored_len = take(b, 16);
		complement = take(b, 16);
		return h->stored_len == (complement ^ 0xffff)
			       ? UW_WHY_NONE
			       : UW_WHY_DEFLATE_STORED_LENGTH;
	case BLOCK_FIXED:
		return UW_WHY_NONE;
	case BLOCK_DYNAMIC:
		return read_dynamic(b, &h->lengths);
	default:
		return UW_WHY_DEFLATE_BLOCK_TYPE;
	}
}

static bool start_codes(struct uw_inflate *s, struct header *h)
{
	const struct lengths *l = &h->lengths;

	s->state = CODES;
	s->mixed = h->type == BLOCK_DYNAMIC && l->mixed;
	if (h->type == BLOCK_FIXED) {
		if (!s->fixed_ready) {
			fixed_lengths(&h->lengths);
			build_tables(s, l);
			s->fixed_ready = true;
		}
		return true;
	}
	if (!is_code(no_counts, l->litlen_counts) ||
	    !is_code(l->litlen_counts, l->counts))
		return broken(s, UW_WHY_DEFLATE_CODE_LENGTHS);
	s->fixed_ready = false;
	build_tables(s, l);
	return true;
}

/*
 * Take a block header if all of it is there.  Near the end of the input it is
 * parsed from a copy with zeros after it, and what was found counts only if no
 * bit of them was used: so parsing need not ask for each bit whether it exists.
 */
static bool read_header(struct uw_inflate *s, const u8 **next, const u8 *end)
{
	struct header header;
	u8 tail[HEADER_ROOM];
	size_t left = (size_t)(end - *next);
	const u8 *start = *next;
	enum uw_reason reason;
	struct bits b;
	size_t used;

	if (left < sizeof(tail)) {
		memset(tail, 0, sizeof(tail));
		if (left > 0)
			memcpy(tail, start, left);
		start = tail;
	}
	b = resume(s, start);
	reason = parse_header(&b, &header);
	give_back(&b);
	used = (size_t)(b.next - start);
	if (used > left)
		return false;
	if (reason != UW_WHY_NONE)
		return broken(s, reason);

	*next += used;
	suspend(s, &b);
	s->final = header.final;
	if (header.type != BLOCK_STORED)
		return start_codes(s, &header);
	s->state = STORED;
	s->stored_left = header.stored_len;
	return true;
}

static bool end_block(struct uw_inflate *s)
{
	s->state = s->final ? ENDED : HEADER;
	return true;
}

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

/* Take a literal, or nothing, and look at what is next. */
UW_INLINE u8 *take_literal(u8 *out, const u32 *litlen, struct bits *b,
			   u32 *entry)
{
	*out = (u8)(*entry >> 16);
	out += *entry >> 31;
	drop(b, *entry);
	*entry = look_up(litlen, b->buf, LITLEN_MASK);
	return out;
}

/*
 * The order of things is made for latency.  A turn begins with the entry at
 * hand.  The first literal, with @mixed the first two, is taken without a
 * branch; an entry is looked up before a refill, not after it, and before a
 * match is copied.  @wide and @mixed are constants where this is inlined.
 */
UW_INLINE void decode_fast(struct uw_inflate *s, const u8 **next, const u8 *end,
			   bool wide, bool mixed)
{
	const u8 *const next_limit = end - TURN_INPUT;
	const u8 *const out_limit = window_end(s);
	const u8 *const valid = s->valid;
	const u32 *const litlen = s->litlen;
	const u32 *const dist = s->dist;
	struct bits b = resume(s, *next);
	u8 *out = s->out;
	u32 entry;

	raise_refill(&b);
	entry = look_up(litlen, b.buf, LITLEN_MASK);
	do {
		u32 len, distance, total;
		u64 saved;

		out = take_literal(out, litlen, &b, &entry);
		if (mixed)
			out = take_literal(out, litlen, &b, &entry);
		if (entry & LITERAL) {
		literal:
			out = take_literal(out, litlen, &b, &entry);
			refill(&b);
			continue;
		}
		if (unlikely(entry & SPECIAL)) {
			if (!(entry & END)) {
				drop(&b, UW_INFLATE_LITLEN_BITS);
				entry = litlen[(entry >> 16 & 0x1fff) +
					       low_bits(b.buf >> RAISED_BITS,
							entry >> 8 & 15)];
				if (entry & LITERAL)
					goto literal;
			}
			if (entry & SPECIAL) {
				drop(&b, entry >> 8);
				if (entry & NO_SYMBOL)
					broken(s, UW_WHY_DEFLATE_SYMBOL);
				else
					end_block(s);
				break;
			}
		}
		saved = b.buf >> RAISED_BITS;
		total = entry >> 8;
		drop(&b, total);
		len = (entry >> 16 & 0x1ff) +
		      (low_bits(saved, total) >> (entry >> 25));
		entry = look_up(dist, b.buf, DIST_MASK);
		refill(&b);
		if (unlikely(entry & DIST_SUBTABLE)) {
			drop(&b, UW_INFLATE_DIST_BITS);
			entry = dist[(entry >> 16) +
				     low_bits(b.buf >> RAISED_BITS,
					      entry >> 8 & 15)];
		}
		saved = b.buf >> RAISED_BITS;
		drop(&b, entry);
		distance = (entry >> 16) +
			   (low_bits(saved, entry) >> (entry >> 8 & 63));
		entry = look_up(litlen, b.buf, LITLEN_MASK);
		refill(&b);
		if (unlikely((size_t)distance - 1 >= (size_t)(out - valid))) {
			broken(s, distance == 0 ? UW_WHY_DEFLATE_SYMBOL
						: UW_WHY_DEFLATE_DISTANCE);
			break;
		}
		copy(out, distance, len, wide);
		out += len;
	} while (b.next <= next_limit && out < out_limit);

	lower(&b);
	give_back(&b);
	suspend(s, &b);
	*next = b.next;
	s->out = out;
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

static void decode(struct uw_inflate *s, const u8 **next, const u8 *end)
{
	if (s->cpu & UW_CPU_BMI2)
		decode_bmi2(s, next, end);
	else
		decode_plain(s, next, end);
}
#else
static void decode(struct uw_inflate *s, const u8 **next, const u8 *end)
{
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

static bool decode_codes(struct uw_inflate *s, const u8 **next, const u8 *end)
{
	if ((size_t)(end - *next) >= FAST_INPUT) {
		decode(s, next, end);
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
static bool step(struct uw_inflate *s, const u8 **next, const u8 *end)
{
	switch (s->state) {
	case HEADER:
		return read_header(s, next, end);
	case STORED:
		return copy_stored(s, next, end);
	default:
		return decode_codes(s, next, end);
	}
}

static enum uw_inflate_result run(struct uw_inflate *s, const u8 **next,
				  const u8 *end)
{
	for (;;) {
		if (s->state == ENDED)
			return UW_INFLATE_DONE;
		if (s->state == BROKEN)
			return UW_INFLATE_ERROR;
		if (s->out >= window_end(s))
			return UW_INFLATE_SPAN;
		if (!step(s, next, end))
			return UW_INFLATE_NEED;
	}
}

enum uw_inflate_result uw_inflate_run(struct uw_inflate *inflate,
				      const u8 **next, const u8 *end,
				      const u8 **span_ret, size_t *span_len_ret,
				      enum uw_reason *reason_ret)
{
	enum uw_inflate_result result;
	u8 *start;

	if (inflate->out >= window_end(inflate))
		uw_inflate_move(inflate, inflate->window, inflate->fresh_len);
	start = inflate->out;
	result = run(inflate, next, end);
	*span_ret = start;
	*span_len_ret = (size_t)(inflate->out - start);
	*reason_ret = inflate->reason;
	return result;
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
