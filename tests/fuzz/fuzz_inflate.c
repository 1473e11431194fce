/*
 * fuzz_inflate.c - our DEFLATE decoder against zlib, at splits the input picks
 *
 * The first bytes choose the splits, the windows and the CPU's features, the
 * rest is a stream.  Both must accept or both refuse; accepted content and its
 * end must be equal, refused content equal as far as both came.  Meanwhile the
 * last span is hashed where it lies, as members are, or the input itself.
 *
 * Each piece of input, and each window, is a heap block of its own exact size,
 * so AddressSanitizer sees one byte read too many.
 */
#include "fuzz.h"

#include <zlib.h>

#include "inflate.h"
#include "sha256.h"

#define PLAIN_MAX  (1 << 18) /* a bomb is not more interesting than this */
#define CHOICE_LEN 8

enum verdict { ACCEPTED, REFUSED, TRUNCATED, TOO_LONG };

struct outcome {
	enum verdict verdict;
	size_t consumed; /* of an accepted stream */
	u8 *plain;
	size_t plain_len;
};

/* Static, because so much from AddressSanitizer costs more than decoding. */
static u8 their_plain[PLAIN_MAX];
static u8 our_plain[PLAIN_MAX];

static struct outcome ask_zlib(const u8 *in, size_t in_len)
{
	struct outcome outcome = {.plain = their_plain};
	z_stream z = {.next_in = (Bytef *)(uintptr_t)in,
		      .avail_in = (uInt)in_len,
		      .next_out = outcome.plain,
		      .avail_out = PLAIN_MAX};
	int got;

	require(inflateInit2(&z, -15) == Z_OK);
	got = inflate(&z, Z_SYNC_FLUSH);
	if (got == Z_STREAM_END)
		outcome.verdict = ACCEPTED;
	else if (got == Z_DATA_ERROR)
		outcome.verdict = REFUSED;
	else
		outcome.verdict = z.avail_out == 0 ? TOO_LONG : TRUNCATED;
	outcome.consumed = z.total_in;
	outcome.plain_len = z.total_out;
	inflateEnd(&z);
	return outcome;
}

/* Append a span; false when the output is long enough. */
static bool take(struct outcome *outcome, const u8 *span, size_t len)
{
	size_t room = PLAIN_MAX - outcome->plain_len;
	size_t taken = len < room ? len : room;

	memcpy(outcome->plain + outcome->plain_len, span, taken);
	outcome->plain_len += taken;
	return len <= room;
}

struct run {
	struct uw_inflate *inflate;
	struct choices *choices;
	u8 *window;
	size_t room; /* behind the history, without the slack */
	bool hashes; /* spans; else the input */
	u8 *last;    /* the window that the hashed span is in, if not this */
	struct uw_sha256 apart; /* of the same blocks, by themselves */
	struct uw_sha256 sha;
	struct uw_shadow shadow;
};

/* The rest of the shadow is done; it is what hashing alone makes of all. */
static void settle(struct run *run)
{
	uw_sha256_blocks(&run->sha, run->shadow.blocks, run->shadow.count);
	run->shadow.count = 0;
	require(memcmp(run->sha.state, run->apart.state,
		       sizeof(run->sha.state)) == 0);
	free(run->last);
	run->last = NULL;
}

/* The @span is what will be hashed during the next run. */
static void cast(struct run *run, const u8 *span, size_t len)
{
	size_t count = len / UW_SHA256_BLOCK;

	require(run->shadow.count == 0);
	uw_sha256_blocks(&run->apart, span, count);
	run->shadow = (struct uw_shadow){run->sha.state, span, count};
}

/* The member moves to another window; the last span stays where it is. */
static void move(struct run *run)
{
	size_t fresh = UW_INFLATE_FRESH_MIN + choose(run->choices, 8192);
	u8 *window = allocate(UW_INFLATE_WINDOW(fresh));

	uw_inflate_move(run->inflate, window, fresh);
	free(run->last);
	run->last = run->window;
	run->window = window;
	run->room = fresh;
}

/* On in this window, for some of what is left of it. */
static void extend(struct run *run)
{
	const u8 *begin = run->window + UW_INFLATE_HISTORY;
	size_t used = (size_t)(run->inflate->out - begin);
	size_t least = 1;

	if (used < UW_INFLATE_FRESH_MIN)
		least = UW_INFLATE_FRESH_MIN - used;
	if (used + least <= run->room)
		uw_inflate_extend(
			run->inflate,
			least + choose(run->choices,
				       (u32)(run->room - used - least + 1)));
}

/*
 * Between two spans: a full window slides, or is left for another one, or has
 * room for more.  What lies in a window that slides must have been hashed.
 */
static void turn(struct run *run, const u8 *span, size_t len)
{
	u32 way = choose(run->choices, 4);

	settle(run);
	if (way == 0)
		extend(run);
	if (way == 1 || (run->hashes && uw_inflate_full(run->inflate)))
		move(run);
	if (run->hashes)
		cast(run, span, len);
}

/* Decode one piece until it is used up; true when there is nothing more to do.
 */
static bool feed(struct run *run, const u8 *piece, size_t piece_len,
		 struct outcome *outcome, size_t *consumed_ret)
{
	const u8 *next = piece;
	const u8 *span;
	size_t span_len;
	enum uw_reason reason = UW_WHY_NONE;
	enum uw_inflate_result result;

	for (;;) {
		result =
			uw_inflate_run(run->inflate, &next, piece + piece_len,
				       &run->shadow, &span, &span_len, &reason);
		*consumed_ret = (size_t)(next - piece);
		require(*consumed_ret <= piece_len);
		if (!take(outcome, span, span_len)) {
			outcome->verdict = TOO_LONG;
			return true;
		}
		if (result == UW_INFLATE_DONE || result == UW_INFLATE_ERROR)
			break;
		require(span_len > 0 || result == UW_INFLATE_NEED);
		turn(run, span, span_len);
		if (result == UW_INFLATE_NEED)
			break;
	}
	require((result == UW_INFLATE_ERROR) == (reason != UW_WHY_NONE));
	if (result == UW_INFLATE_DONE)
		outcome->verdict = ACCEPTED;
	if (result == UW_INFLATE_ERROR)
		outcome->verdict = REFUSED;
	if (result == UW_INFLATE_NEED)
		require(piece_len - *consumed_ret <= UW_INFLATE_KEEP_MAX);
	return result != UW_INFLATE_NEED;
}

/* What ended stays ended, and says the same. */
static void check_end(struct run *run, const struct outcome *outcome)
{
	static const u8 more[300];
	const u8 *next = more, *span;
	enum uw_reason reason = UW_WHY_NONE;
	enum uw_inflate_result result;
	size_t len;

	if (outcome->verdict != ACCEPTED && outcome->verdict != REFUSED)
		return;
	result = uw_inflate_run(run->inflate, &next, more + sizeof(more), NULL,
				&span, &len, &reason);
	require(next == more && len == 0);
	require(result == (outcome->verdict == ACCEPTED ? UW_INFLATE_DONE
							: UW_INFLATE_ERROR));
	require((reason != UW_WHY_NONE) == (outcome->verdict == REFUSED));
}

static size_t next_len(struct choices *choices)
{
	static const u32 most[] = {1, 2, 8, 64, 1024, 65536};

	return 1 + choose(choices, most[choose(choices, ARRAY_LEN(most))]);
}

static void begin(struct run *run, const u8 *in, size_t in_len)
{
	size_t room = UW_INFLATE_FRESH_MIN + choose(run->choices, 65536);
	size_t fresh = room;

	/* Less than there is room for: then it can be extended. */
	if (once_in(run->choices, 4))
		fresh = UW_INFLATE_FRESH_MIN;
	run->inflate = allocate(sizeof(*run->inflate));
	run->window = allocate(UW_INFLATE_WINDOW(room));
	run->room = room;
	run->hashes = once_in(run->choices, 2);
	uw_sha256_init(&run->sha, choose_cpu(run->choices));
	uw_sha256_init(&run->apart, whole_cpu());
	run->shadow.state = run->sha.state;
	if (!run->hashes)
		cast(run, in, in_len);
	uw_inflate_init(run->inflate, run->window, fresh,
			choose_cpu(run->choices));
}

static struct outcome ask_ours(const u8 *in, size_t in_len,
			       struct choices *choices)
{
	struct outcome outcome = {.verdict = TRUNCATED, .plain = our_plain};
	struct run run = {.choices = choices};
	size_t fed = 0, used;
	bool over = false;

	begin(&run, in, in_len);
	while (!over && fed < in_len) {
		size_t more = next_len(choices);
		size_t len;
		u8 *piece;

		/* What was kept comes again, with at least one byte more. */
		fed = more < in_len - fed ? fed + more : in_len;
		len = fed - outcome.consumed;
		piece = allocate(len);
		memcpy(piece, in + outcome.consumed, len);
		over = feed(&run, piece, len, &outcome, &used);
		outcome.consumed += used;
		free(piece);
	}
	settle(&run);
	check_end(&run, &outcome);
	free(run.window);
	free(run.inflate);
	return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct outcome theirs, ours;
	struct choices choices;
	size_t common;

	if (len < CHOICE_LEN)
		return 0;
	choices.state = load_le64(data);
	theirs = ask_zlib(data + CHOICE_LEN, len - CHOICE_LEN);
	ours = ask_ours(data + CHOICE_LEN, len - CHOICE_LEN, &choices);

	common = theirs.plain_len < ours.plain_len ? theirs.plain_len
						   : ours.plain_len;
	require(memcmp(theirs.plain, ours.plain, common) == 0);
	require((theirs.verdict == ACCEPTED) == (ours.verdict == ACCEPTED));
	if (ours.verdict == ACCEPTED) {
		require(theirs.plain_len == ours.plain_len);
		require(theirs.consumed == ours.consumed);
	}
	return 0;
}
