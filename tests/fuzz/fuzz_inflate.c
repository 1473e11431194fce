/*
 * fuzz_inflate.c - our DEFLATE decoder against zlib, at splits the input picks
 *
 * The first bytes choose the splits, the window's size and the CPU's features,
 * the rest is a stream.  Both must accept or both refuse; accepted content and
 * its end must be equal, refused content equal as far as both came.  Meanwhile
 * the stream itself is hashed, as a span before it would be.
 *
 * Each piece of input, and the window, is a heap block of its own exact size,
 * so AddressSanitizer sees one byte read too many.
 */
#include <stdlib.h>
#include <zlib.h>

#include "cpu.h"
#include "inflate.h"
#include "sha256.h"

#define PLAIN_MAX  (1 << 20) /* a bomb is not more interesting than this */
#define CHOICE_LEN 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum verdict { ACCEPTED, REFUSED, TRUNCATED, TOO_LONG };

struct outcome {
	enum verdict verdict;
	size_t consumed; /* of an accepted stream */
	u8 *plain;
	size_t plain_len;
};

/* What a mutation can steer: a sequence of numbers from the first bytes. */
struct choices {
	u64 state;
};

static u32 choose(struct choices *choices, u32 below)
{
	choices->state = choices->state * 6364136223846793005u + 1;
	return (u32)(choices->state >> 33) % below;
}

static void require(bool truth)
{
	if (!truth)
		abort();
}

static void *allocate(size_t len)
{
	void *block = malloc(len);

	require(block != NULL);
	return block;
}

/* Static, because a megabyte from AddressSanitizer costs more than decoding. */
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
	struct uw_shadow shadow;
};

/* Now and then the member moves to another window, as it does between crew. */
static void move(struct run *run)
{
	size_t fresh = UW_INFLATE_FRESH_MIN + choose(run->choices, 8192);
	u8 *window;

	if (choose(run->choices, 4) != 0)
		return;
	window = allocate(UW_INFLATE_WINDOW(fresh));
	uw_inflate_move(run->inflate, window, fresh);
	free(run->window);
	run->window = window;
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
		if (result != UW_INFLATE_SPAN)
			break;
		require(span_len > 0);
		move(run);
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

static size_t next_len(struct choices *choices)
{
	static const u32 most[] = {1, 2, 8, 64, 1024, 65536};

	return 1 + choose(choices, most[choose(choices, ARRAY_LEN(most))]);
}

/* What the decoder has done of @shadow, and what it has left, give the hash. */
static void check_hash(const struct uw_shadow *shadow, const u8 *in,
		       size_t in_len)
{
	struct uw_sha256 sha;
	size_t count = in_len / UW_SHA256_BLOCK;
	size_t done = count - shadow->count;

	uw_sha256_init(&sha, 0);
	require(shadow->blocks == in + done * UW_SHA256_BLOCK);
	uw_sha256_blocks_portable(sha.state, in, done);
	require(memcmp(sha.state, shadow->state, sizeof(sha.state)) == 0);
}

static struct outcome ask_ours(const u8 *in, size_t in_len,
			       struct choices *choices)
{
	struct outcome outcome = {.verdict = TRUNCATED, .plain = our_plain};
	size_t fresh = UW_INFLATE_FRESH_MIN + choose(choices, 65536);
	struct run run = {.inflate = allocate(sizeof(*run.inflate)),
			  .choices = choices,
			  .window = allocate(UW_INFLATE_WINDOW(fresh))};
	size_t fed = 0, used;
	struct uw_sha256 sha;
	bool over = false;

	uw_sha256_init(&sha, 0);
	run.shadow =
		(struct uw_shadow){sha.state, in, in_len / UW_SHA256_BLOCK};
	uw_inflate_init(run.inflate, run.window, fresh,
			choose(choices, 2) ? uw_cpu_detect() : 0);
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
	check_hash(&run.shadow, in, in_len);
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
