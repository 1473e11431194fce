/*
 * member.h - one member of an archive on its way through the stages
 *
 * The way has two halves.  The decode half reads and inflates, and gives spans
 * of plain bytes.  The drain half takes them in order: CRC-32, SHA-256, write.
 * One thread does both, span by span, while the bytes are in its cache; or two
 * threads do one half each (crew.c).
 */
#ifndef UW_MEMBER_H
#define UW_MEMBER_H

#include "archive.h"
#include "inflate.h"
#include "tree.h"

/*
 * Plain bytes per span.  A thread that does both halves decodes into two
 * windows in turn, so that the last span can still be hashed; there are more
 * and smaller ones where two threads share a member.
 */
#define UW_SPAN_LEN   ((size_t)64 << 10)
#define UW_SPAN_LEAST ((size_t)16 << 10)
#define UW_CHUNK_LEN  ((size_t)64 << 10)
#define UW_RING_COUNT 8
#define UW_RING_LEN   (UW_RING_COUNT * (UW_CHUNK_LEN + UW_INFLATE_SLACK))

/* Compressed bytes read at a time. */
#define UW_INPUT_LEN ((size_t)128 << 10)

/* What one thread needs for any number of members, one after another. */
struct uw_scratch {
	struct uw_inflate inflate;
	u8 *input;	/* UW_INFLATE_KEEP_MAX + UW_INPUT_LEN */
	u8 *windows[2]; /* UW_INFLATE_WINDOW(UW_SPAN_LEN) each */
	u32 current;	/* the window of the last span */
	u8 *ring;	/* UW_RING_COUNT windows of UW_CHUNK_LEN, once needed */
	u32 cpu;
};

static_assert(UW_INFLATE_KEEP_MAX + UW_INPUT_LEN +
			      2 * UW_INFLATE_WINDOW(UW_SPAN_LEN) +
			      UW_INFLATE_WINDOW(UW_RING_LEN) +
			      sizeof(struct uw_inflate) <=
		      (size_t)4 << 20,
	      "a thread may use 4 MiB");

bool uw_scratch_init(struct uw_scratch *scratch, u32 cpu);
void uw_scratch_free(struct uw_scratch *scratch);

/* The ring's window, or NULL when there is no memory for it. */
u8 *uw_scratch_ring(struct uw_scratch *scratch);

/* The decode half. */
struct uw_decode {
	const struct uw_source *source;
	const struct uw_entry *entry;
	struct uw_scratch *scratch;
	u8 *window;	 /* where the next span goes */
	size_t span_len; /* what the window yields */
	const u8 *next;	 /* input that is read but not consumed */
	const u8 *end;
	u64 read_len;  /* packed bytes read so far */
	u64 plain_len; /* plain bytes given so far */
	bool done;
};

/* The first span does not go where the last one of the member before is. */
void uw_decode_init(struct uw_decode *decode, const struct uw_archive *archive,
		    u32 entry, struct uw_scratch *scratch);

/* See to it that the next span leaves the last one where it is. */
void uw_decode_turn(struct uw_decode *decode);

/* Continue in another window, which yields @span_len bytes at a time. */
void uw_decode_move(struct uw_decode *decode, u8 *window, size_t span_len);

/* Continue behind the last span, with @span_len bytes more. */
void uw_decode_extend(struct uw_decode *decode, size_t span_len);

/*
 * The next span; decode->done when it is the last one and every size was right.
 * It may be empty: a member can be megabytes of blocks without content, and who
 * calls must be able to stop in between.  Never more than the entry's size in
 * all; after a failure *@len_ret means nothing.  @shadow: uw_inflate_run().
 */
enum uw_status uw_decode_next(struct uw_decode *decode,
			      struct uw_shadow *shadow, const u8 **span_ret,
			      size_t *len_ret, struct uw_error *err);

/*
 * Compare a piece of the packed bytes of two entries, which have as many, from
 * @offset on.  *@same_len_ret is how many are the same, or 0 if any differs.
 */
enum uw_status uw_packed_same(const struct uw_archive *archive, u32 entry,
			      u32 other, u64 offset, struct uw_scratch *scratch,
			      size_t *same_len_ret, struct uw_error *err);

/* What the decoder's @reason means, as a sentence. */
const char *uw_decode_message(enum uw_reason reason);

/* Packed bytes consumed so far. */
u64 uw_decode_consumed(const struct uw_decode *decode);

/* The drain half. */
struct uw_drain {
	struct uw_sha256 sha;
	struct uw_shadow rest; /* what @sha still lacks of the last span */
	uw_file file;	       /* UW_FILE_NONE: measure only */
	u32 crc;
	u32 cpu;
};

void uw_drain_init(struct uw_drain *drain, uw_file file, u32 cpu);

/* Measure the next span, but for its SHA-256; there must be no rest. */
void uw_drain_take(struct uw_drain *drain, const u8 *span, size_t len);

/* Hash the rest. */
void uw_drain_settle(struct uw_drain *drain);

/* Hash the rest of @drain, as much as there is of @other's alongside. */
void uw_drain_settle_pair(struct uw_drain *drain, struct uw_drain *other);

#endif
