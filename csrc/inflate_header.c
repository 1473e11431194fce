/*
 * inflate_header.c - the header of a DEFLATE block: code lengths and tables
 *
 * Pure, as inflate.c.  A header is taken whole or not at all (RFC 1951, 3.2.3
 * to 3.2.7); its codes become the tables that the loops look symbols up in.
 */
#include "inflate_loop.h"

enum block_type { BLOCK_STORED, BLOCK_FIXED, BLOCK_DYNAMIC };

#define LITLEN_COUNT	   286 /* symbols that mean something, */
#define DIST_COUNT	   30
#define FIXED_LITLEN_COUNT 288 /* and those that the fixed codes name */
#define FIXED_DIST_COUNT   32
#define END_OF_BLOCK	   256

/* ------------------------------------------------------------------- bits */

static u32 take(struct bits *b, u32 count)
{
	u32 value = low_bits(b->buf, count);

	drop(b, count);
	return value;
}

/* ----------------------------------------------------------------- tables */

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
bool uw_inflate_read_header(struct uw_inflate *s, const u8 **next,
			    const u8 *end)
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
