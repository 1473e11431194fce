/*
 * mutate_deflate.c - mutations of DEFLATE streams (RFC 1951), for libFuzzer
 *
 * A flipped byte in the header of a block leaves no prefix code, most times.
 * Here blocks are made anew, of every kind and with any complete codes, some
 * of them with one lie; and bits are moved where a stream has bits, not bytes.
 * The first bytes of an input are no stream: see fuzz_inflate.c.
 */
#include "fuzz.h"

#define CHOICE_LEN   8
#define LITLEN_COUNT 288
#define DIST_COUNT   32
#define ORDER_COUNT  19
#define END_SYMBOL   256
#define DEEPEST	     15
#define HEADER_MAX   (LITLEN_COUNT + DIST_COUNT)
#define STREAM_MAX   ((size_t)1 << 16)
#define STORED_MAX   2000

/* Bits, from the lowest of each byte on. */
struct writer {
	u8 *bytes;
	size_t room; /* in bits */
	size_t at;
};

struct code {
	u32 count;
	u8 lens[LITLEN_COUNT];
	u16 codes[LITLEN_COUNT]; /* the first bit lowest */
};

/* A symbol of the header's own code, with its extra bits. */
struct length {
	u8 symbol, extra_bits;
	u16 extra;
};

struct maker {
	struct choices choices;
	struct writer out;
	struct code litlen, dist;
	size_t made; /* plain bytes so far, about */
};

static const u16 length_bases[29] = {
	3,  4,	5,  6,	7,  8,	9,  10, 11,  13,  15,  17,  19,	 23, 27,
	31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
static const u8 length_extras[31] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1,
				     1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4,
				     4, 4, 5, 5, 5, 5, 0, 0, 0};

/* --------------------------------------------------------------------- bits */

static void put(struct writer *out, u32 value, u32 count)
{
	u32 k;

	for (k = 0; k < count && out->at < out->room; k++, out->at++) {
		u8 bit = (u8)(1 << (out->at & 7));

		if (value >> k & 1)
			out->bytes[out->at / 8] |= bit;
		else
			out->bytes[out->at / 8] &= (u8)~bit;
	}
}

static void copy_bits(struct writer *out, const u8 *from, size_t at, size_t end)
{
	for (; at < end; at++)
		put(out, from[at / 8] >> (at & 7) & 1, 1);
}

/* -------------------------------------------------------------------- codes */

/*
 * The lengths of a complete code of @leaves symbols: each leaf of a tree in
 * turn becomes two, the deepest or any.
 */
static void grow(struct choices *choices, u8 *depths, u32 leaves, u32 deepest)
{
	bool chain = once_in(choices, 3);
	u32 count = 1, tries = 64 * leaves;

	depths[0] = 0;
	while (count < leaves && tries-- > 0) {
		u32 k = chain ? count - 1 : choose(choices, count);

		if (depths[k] == deepest) {
			k = choose(choices, count);
			chain = false;
		}
		if (depths[k] == deepest)
			continue;
		depths[k]++;
		depths[count++] = depths[k];
	}
	while (count < leaves)
		depths[count++] = 0; /* not in the code after all */
}

static void assign(struct code *code)
{
	u32 next = 0, len, k, bit;

	for (len = 1; len <= DEEPEST; len++) {
		for (k = 0; k < code->count; k++) {
			if (code->lens[k] != len)
				continue;
			code->codes[k] = 0;
			for (bit = 0; bit < len; bit++)
				if (next >> bit & 1)
					code->codes[k] |=
						(u16)(1 << (len - 1 - bit));
			next++;
		}
		next <<= 1;
	}
}

/* Symbol @needed is one of the @leaves of the code; the others are any. */
static void make_code(struct choices *choices, struct code *code, u32 count,
		      u32 leaves, u32 needed)
{
	u8 depths[LITLEN_COUNT];
	u32 k;

	memset(code, 0, sizeof(*code));
	code->count = count;
	grow(choices, depths, leaves, DEEPEST);
	for (k = 0; k < leaves; k++) {
		u32 symbol = k == 0 ? needed : choose(choices, count);

		while (code->lens[symbol] != 0)
			symbol = (symbol + 1) % count;
		code->lens[symbol] = depths[k];
	}
	if (leaves == 1)
		code->lens[needed] = 1;
	if (once_in(choices, 16))
		code->lens[choose(choices, count)] ^=
			(u8)(1 + choose(choices, 15));
	assign(code);
}

/* ------------------------------------------------------------------- headers
 */

/* How often the length at @at comes, up to @most times. */
static u32 repeats(const u8 *lens, u32 at, u32 end, u32 most)
{
	u32 count = 1;

	while (at + count < end && count < most && lens[at + count] == lens[at])
		count++;
	return count;
}

static struct length repeat(u8 symbol, u8 extra_bits, u32 extra)
{
	return (struct length){symbol, extra_bits, (u16)extra};
}

/* The next lengths as one symbol; some that could be repeats are not. */
static u32 next_length(struct choices *choices, const u8 *lens, u32 at, u32 end,
		       struct length *length)
{
	u32 count = repeats(lens, at, end, lens[at] == 0 ? 138 : 6);

	*length = repeat(lens[at], 0, 0);
	if (once_in(choices, 8))
		return 1;
	if (lens[at] == 0 && count > 10) {
		*length = repeat(18, 7, count - 11);
		return count;
	}
	if (lens[at] == 0 && count > 2) {
		*length = repeat(17, 3, count - 3);
		return count;
	}
	if (at > 0 && lens[at] == lens[at - 1] && count > 2) {
		*length = repeat(16, 2, count - 3);
		return count;
	}
	return 1;
}

/* A complete code for the symbols of @list, of 7 bits at most. */
static void make_length_code(struct choices *choices, const struct length *list,
			     u32 count, struct code *code)
{
	u8 depths[ORDER_COUNT];
	u32 leaves = 0, k;

	memset(code, 0, sizeof(*code));
	code->count = ORDER_COUNT;
	for (k = 0; k < count; k++)
		code->lens[list[k].symbol] = 1;
	code->lens[choose(choices, ORDER_COUNT)] = 1;
	code->lens[code->lens[0] ? 18 : 0] = 1;
	for (k = 0; k < ORDER_COUNT; k++)
		leaves += code->lens[k];
	grow(choices, depths, leaves, 7);
	for (k = 0; k < ORDER_COUNT; k++)
		if (code->lens[k] != 0)
			code->lens[k] = depths[--leaves];
	assign(code);
}

static void put_symbol(struct writer *out, const struct code *code, u32 symbol)
{
	put(out, code->codes[symbol], code->lens[symbol]);
}

static void put_header(struct maker *m, u32 litlens, u32 dists)
{
	static const u8 order[ORDER_COUNT] = {16, 17, 18, 0,  8, 7,  9,
					      6,  10, 5,  11, 4, 12, 3,
					      13, 2,  14, 1,  15};
	struct length list[HEADER_MAX];
	u8 lens[HEADER_MAX];
	struct code code;
	u32 count = 0, at = 0, k, shown = ORDER_COUNT;

	memcpy(lens, m->litlen.lens, litlens);
	memcpy(lens + litlens, m->dist.lens, dists);
	while (at < litlens + dists)
		at += next_length(&m->choices, lens, at, litlens + dists,
				  &list[count++]);
	make_length_code(&m->choices, list, count, &code);
	while (shown > 4 && code.lens[order[shown - 1]] == 0)
		shown--;
	put(&m->out, litlens - 257, 5);
	put(&m->out, dists - 1, 5);
	put(&m->out, shown - 4, 4);
	for (k = 0; k < shown; k++)
		put(&m->out, code.lens[order[k]], 3);
	for (k = 0; k < count; k++) {
		put_symbol(&m->out, &code, list[k].symbol);
		put(&m->out, list[k].extra, list[k].extra_bits);
	}
}

/* -------------------------------------------------------------------- blocks
 */

/* A symbol that the code has, if there is one near a random place. */
static u32 some_symbol(struct choices *choices, const struct code *code)
{
	u32 symbol = choose(choices, code->count), k;

	for (k = 0; k < code->count && code->lens[symbol] == 0; k++)
		symbol = (symbol + 1) % code->count;
	return symbol;
}

static void put_distance(struct maker *m)
{
	u32 symbol = some_symbol(&m->choices, &m->dist), tries, bits;

	/* Too far is an error: mostly, it is not. */
	for (tries = 0; tries < 20; tries++) {
		bits = symbol < 2 ? 0 : symbol / 2;
		if (m->made >> bits >= 2 || once_in(&m->choices, 64))
			break;
		symbol = some_symbol(&m->choices, &m->dist);
	}
	bits = symbol < 4 ? 0 : symbol / 2 - 1;
	put_symbol(&m->out, &m->dist, symbol);
	put(&m->out, choose(&m->choices, 1u << 15), bits);
}

static void put_symbols(struct maker *m)
{
	u32 left = choose(&m->choices, once_in(&m->choices, 4) ? 3000 : 100);

	for (; left > 0; left--) {
		u32 symbol = some_symbol(&m->choices, &m->litlen);

		if (symbol == END_SYMBOL)
			continue;
		put_symbol(&m->out, &m->litlen, symbol);
		m->made++;
		if (symbol < END_SYMBOL)
			continue;
		symbol -= END_SYMBOL + 1;
		put(&m->out, choose(&m->choices, 32), length_extras[symbol]);
		put_distance(m);
		if (symbol < ARRAY_LEN(length_bases))
			m->made += length_bases[symbol];
	}
	put_symbol(&m->out, &m->litlen, END_SYMBOL);
}

static void put_stored(struct maker *m)
{
	u32 len = choose(&m->choices, STORED_MAX), k;

	put(&m->out, 0, (u32)(-m->out.at & 7));
	put(&m->out, len, 16);
	put(&m->out, ~len, 16);
	for (k = 0; k < len; k++)
		put(&m->out, k & 16 ? 'x' : choose(&m->choices, 256), 8);
	m->made += len;
}

static void fix_codes(struct maker *m)
{
	u32 k;

	m->litlen.count = LITLEN_COUNT;
	m->dist.count = DIST_COUNT;
	for (k = 0; k < LITLEN_COUNT; k++)
		m->litlen.lens[k] = k < 144 ? 8 : k < 256 ? 9 : k < 280 ? 7 : 8;
	memset(m->dist.lens, 5, DIST_COUNT);
	assign(&m->litlen);
	assign(&m->dist);
	if (!once_in(&m->choices, 8)) { /* symbols without a meaning */
		m->litlen.count = 286;
		m->dist.count = 30;
	}
}

static void make_codes(struct maker *m)
{
	u32 litlens = 257 + choose(&m->choices, 30);
	u32 dists = 1 + choose(&m->choices, 30);
	u32 leaves =
		1 + choose(&m->choices, once_in(&m->choices, 2) ? 12 : litlens);

	make_code(&m->choices, &m->litlen, litlens, leaves, END_SYMBOL);
	leaves = 1 + choose(&m->choices, dists);
	make_code(&m->choices, &m->dist, dists, leaves,
		  choose(&m->choices, dists));
	if (once_in(&m->choices, 8))
		memset(m->dist.lens, 0, sizeof(m->dist.lens));
	if (once_in(&m->choices, 64)) /* more than there are */
		dists = 31 + choose(&m->choices, 2);
	put_header(m, litlens, dists);
}

static void put_block(struct maker *m, bool final)
{
	u32 type = choose(&m->choices, 8);

	put(&m->out, final, 1);
	put(&m->out, type < 2 ? type : 2, 2);
	if (type == 0) {
		put_stored(m);
		return;
	}
	if (type == 1)
		fix_codes(m);
	else
		make_codes(m);
	put_symbols(m);
}

/* ------------------------------------------------------------------ mutations
 */

/* Some bits are gone, come twice, are others, or are shifted by new ones. */
static void edit_bits(struct maker *m, const u8 *old, size_t bits)
{
	size_t from = choose(&m->choices, (u32)bits + 1);
	size_t left = bits - from;
	size_t some = choose(&m->choices, 64);

	if (some > left)
		some = left;
	copy_bits(&m->out, old, 0, from);
	switch (choose(&m->choices, 4)) {
	case 0:
		copy_bits(&m->out, old, from + some, bits);
		break;
	case 1:
		copy_bits(&m->out, old, from, from + some);
		copy_bits(&m->out, old, from, bits);
		break;
	case 2:
		put(&m->out, choose(&m->choices, 1u << 31),
		    (u32)(some < 31 ? some : 31));
		copy_bits(&m->out, old, from + (some < 31 ? some : 31), bits);
		break;
	default:
		put(&m->out, choose(&m->choices, 1u << 31),
		    1 + choose(&m->choices, 9));
		copy_bits(&m->out, old, from, bits);
		break;
	}
}

/* New blocks, and perhaps the old ones after them. */
static void add_blocks(struct maker *m, const u8 *old, size_t bits)
{
	u32 left = 1 + choose(&m->choices, 3);
	bool alone = once_in(&m->choices, 2);

	for (; left > 0; left--)
		put_block(m, alone && left == 1);
	if (!alone)
		copy_bits(&m->out, old, 0, bits);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t most,
			       unsigned int seed)
{
	static u8 old[STREAM_MAX];
	struct maker m = {.choices = {seed}};
	size_t stream_len = len - CHOICE_LEN;

	choose(&m.choices, 2); /* the first is much like the seed */
	if (len <= CHOICE_LEN || most <= CHOICE_LEN ||
	    stream_len > STREAM_MAX || once_in(&m.choices, 2))
		return LLVMFuzzerMutate(data, len, most);
	memcpy(old, data + CHOICE_LEN, stream_len);
	m.out = (struct writer){data + CHOICE_LEN, 8 * (most - CHOICE_LEN), 0};
	if (once_in(&m.choices, 2))
		edit_bits(&m, old, 8 * stream_len);
	else
		add_blocks(&m, old, 8 * stream_len);
	put(&m.out, 0, (u32)(-m.out.at & 7));
	return CHOICE_LEN + m.out.at / 8;
}
