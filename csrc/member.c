/*
 * member.c - one member of an archive on its way through the stages
 *
 * Both halves of the way (member.h), and the reader for the few members that
 * Python has to see.  Memory is bounded by the scratch, whatever a member's
 * size; nothing is allocated by a size that an archive claims.
 */
#include "member.h"

#include <stdlib.h>

#include "crc32.h"
#include "sha256.h"

#define STORED 0 /* APPNOTE 4.4.5 */

static_assert(UW_CHUNK_LEN <= UW_INPUT_LEN && UW_CHUNK_LEN <= UW_SPAN_LEN,
	      "uw_packed_same() has room for two pieces");

bool uw_scratch_init(struct uw_scratch *scratch, u32 cpu)
{
	scratch->cpu = cpu;
	scratch->ring = NULL;
	scratch->input = malloc(UW_INFLATE_KEEP_MAX + UW_INPUT_LEN);
	scratch->windows[0] = malloc(UW_INFLATE_WINDOW(UW_SPAN_LEN));
	scratch->windows[1] = malloc(UW_INFLATE_WINDOW(UW_SPAN_LEN));
	scratch->current = 0;
	if (scratch->input != NULL && scratch->windows[0] != NULL &&
	    scratch->windows[1] != NULL)
		return true;
	uw_scratch_free(scratch);
	return false;
}

void uw_scratch_free(struct uw_scratch *scratch)
{
	free(scratch->input);
	free(scratch->windows[0]);
	free(scratch->windows[1]);
	free(scratch->ring);
	scratch->input = NULL;
	scratch->windows[0] = NULL;
	scratch->windows[1] = NULL;
	scratch->ring = NULL;
}

u8 *uw_scratch_ring(struct uw_scratch *scratch)
{
	if (scratch->ring == NULL)
		scratch->ring = malloc(UW_INFLATE_WINDOW(UW_RING_LEN));
	return scratch->ring;
}

/* ------------------------------------------------------------- decode half */

static u8 *other_window(struct uw_scratch *scratch)
{
	scratch->current ^= 1;
	return scratch->windows[scratch->current];
}

/*
 * Half of what is left: a span is hashed while the next one is decoded, so that
 * the last one, for which there is none, had better be short.
 */
static size_t choose_span_len(const struct uw_decode *decode)
{
	u64 left = decode->entry->size - decode->plain_len;

	if (decode->entry->method == STORED || left / 2 >= UW_SPAN_LEN)
		return UW_SPAN_LEN;
	return left / 2 > UW_SPAN_LEAST ? (size_t)left / 2 : UW_SPAN_LEAST;
}

void uw_decode_init(struct uw_decode *decode, const struct uw_archive *archive,
		    u32 entry, struct uw_scratch *scratch)
{
	decode->source = &archive->source;
	decode->entry = &archive->entries[entry];
	decode->scratch = scratch;
	decode->window = other_window(scratch);
	decode->next = scratch->input;
	decode->end = scratch->input;
	decode->read_len = 0;
	decode->plain_len = 0;
	decode->done = false;
	decode->span_len = choose_span_len(decode);
	uw_inflate_init(&scratch->inflate, decode->window, decode->span_len,
			scratch->cpu);
}

void uw_decode_turn(struct uw_decode *decode)
{
	struct uw_scratch *scratch = decode->scratch;

	if (decode->entry->method == STORED
		    ? decode->read_len != 0
		    : uw_inflate_full(&scratch->inflate))
		uw_decode_move(decode, other_window(scratch),
			       choose_span_len(decode));
}

void uw_decode_move(struct uw_decode *decode, u8 *window, size_t span_len)
{
	if (decode->entry->method != STORED)
		uw_inflate_move(&decode->scratch->inflate, window, span_len);
	decode->window = window;
	decode->span_len = span_len;
}

void uw_decode_extend(struct uw_decode *decode, size_t span_len)
{
	if (decode->entry->method != STORED)
		uw_inflate_extend(&decode->scratch->inflate, span_len);
	else
		decode->window += decode->span_len;
	decode->span_len = span_len;
}

u64 uw_decode_consumed(const struct uw_decode *decode)
{
	return decode->read_len - (u64)(decode->end - decode->next);
}

static enum uw_status corrupt(const struct uw_decode *decode,
			      enum uw_reason reason, u64 found, u64 expected,
			      const char *message, struct uw_error *err)
{
	uw_fail(err, UW_ERR_CORRUPT, reason,
		decode->entry->data_offset + uw_decode_consumed(decode), "%s",
		message);
	err->found = found;
	err->expected = expected;
	return UW_ERR_CORRUPT;
}

/* Read on, behind the few bytes that the decoder left. */
static enum uw_status decode_fill(struct uw_decode *decode,
				  struct uw_error *err)
{
	u8 *input = decode->scratch->input;
	size_t kept = (size_t)(decode->end - decode->next);
	u64 left = decode->entry->packed_size - decode->read_len;
	size_t len = left < UW_INPUT_LEN ? (size_t)left : UW_INPUT_LEN;
	enum uw_status status;

	assert(kept <= UW_INFLATE_KEEP_MAX);
	memmove(input, decode->next, kept);
	decode->next = input;
	decode->end = input + kept;
	status = uw_source_read(decode->source,
				decode->entry->data_offset + decode->read_len,
				input + kept, len, err);
	if (status != UW_OK)
		return status;
	decode->end += len;
	decode->read_len += len;
	return UW_OK;
}

/* A stored member is read straight into the window. */
static enum uw_status decode_stored(struct uw_decode *decode,
				    const u8 **span_ret, size_t *len_ret,
				    struct uw_error *err)
{
	u64 left = decode->entry->packed_size - decode->read_len;
	size_t len = left < decode->span_len ? (size_t)left : decode->span_len;
	u8 *span = decode->window + UW_INFLATE_HISTORY;
	enum uw_status status = UW_OK;

	if (len != 0)
		status = uw_source_read(decode->source,
					decode->entry->data_offset +
						decode->read_len,
					span, len, err);
	if (status != UW_OK)
		return status;
	decode->read_len += len;
	decode->done = decode->read_len == decode->entry->packed_size;
	*span_ret = span;
	*len_ret = len;
	return UW_OK;
}

const char *uw_decode_message(enum uw_reason reason)
{
	switch (reason) {
	case UW_WHY_DEFLATE_BLOCK_TYPE:
		return "the reserved DEFLATE block type 3";
	case UW_WHY_DEFLATE_STORED_LENGTH:
		return "a stored block's length differs from its complement";
	case UW_WHY_DEFLATE_CODE_COUNTS:
		return "a DEFLATE block has too many codes";
	case UW_WHY_DEFLATE_CODE_LENGTHS:
		return "a DEFLATE block's code lengths are no prefix code";
	case UW_WHY_DEFLATE_SYMBOL:
		return "a DEFLATE symbol that has no meaning";
	case UW_WHY_DEFLATE_DISTANCE:
		return "a DEFLATE match reaches before the start";
	default:
		return "not a DEFLATE stream";
	}
}

/* The stream has ended: it must have ended exactly where the entry says. */
static enum uw_status decode_end(struct uw_decode *decode, struct uw_error *err)
{
	u64 consumed = uw_decode_consumed(decode);

	decode->done = true;
	if (consumed != decode->entry->packed_size)
		return corrupt(decode, UW_WHY_DEFLATE_EXCESS, consumed,
			       decode->entry->packed_size,
			       "the DEFLATE stream ends before the member does",
			       err);
	return UW_OK;
}

static enum uw_status decode_deflate(struct uw_decode *decode,
				     struct uw_shadow *shadow,
				     const u8 **span_ret, size_t *len_ret,
				     struct uw_error *err)
{
	enum uw_reason reason = UW_WHY_NONE;

	switch (uw_inflate_run(&decode->scratch->inflate, &decode->next,
			       decode->end, shadow, span_ret, len_ret,
			       &reason)) {
	case UW_INFLATE_SPAN:
		return UW_OK;
	case UW_INFLATE_DONE:
		return decode_end(decode, err);
	case UW_INFLATE_ERROR:
		return corrupt(decode, reason, 0, 0, uw_decode_message(reason),
			       err);
	case UW_INFLATE_NEED:
		break;
	}
	if (decode->read_len == decode->entry->packed_size)
		return corrupt(decode, UW_WHY_DEFLATE_TRUNCATED,
			       decode->read_len, decode->entry->packed_size,
			       "the member ends before the DEFLATE stream does",
			       err);
	return decode_fill(decode, err);
}

/* More plain bytes than the entry states are a bomb: stop at once. */
static enum uw_status check_size(const struct uw_decode *decode, size_t more,
				 struct uw_error *err)
{
	u64 size = decode->entry->size;

	if (more > size - decode->plain_len)
		return corrupt(decode, UW_WHY_SIZE, decode->plain_len + more,
			       size, "more bytes than the directory states",
			       err);
	if (decode->done && decode->plain_len + more != size)
		return corrupt(decode, UW_WHY_SIZE, decode->plain_len + more,
			       size, "fewer bytes than the directory states",
			       err);
	return UW_OK;
}

enum uw_status uw_decode_next(struct uw_decode *decode,
			      struct uw_shadow *shadow, const u8 **span_ret,
			      size_t *len_ret, struct uw_error *err)
{
	enum uw_status status = UW_OK;

	*len_ret = 0;
	if (!decode->done)
		status = decode->entry->method == STORED
				 ? decode_stored(decode, span_ret, len_ret, err)
				 : decode_deflate(decode, shadow, span_ret,
						  len_ret, err);
	if (status == UW_OK)
		status = check_size(decode, *len_ret, err);
	if (status != UW_OK)
		return status;
	decode->plain_len += *len_ret;
	return UW_OK;
}

/* ---------------------------------------------------------------- compared */

enum uw_status uw_packed_same(const struct uw_archive *archive, u32 entry,
			      u32 other, u64 offset, struct uw_scratch *scratch,
			      size_t *same_len_ret, struct uw_error *err)
{
	const struct uw_entry *a = &archive->entries[entry];
	const struct uw_entry *b = &archive->entries[other];
	u64 left = a->packed_size - offset;
	size_t len = left < UW_CHUNK_LEN ? (size_t)left : UW_CHUNK_LEN;
	enum uw_status status;

	assert(a->packed_size == b->packed_size);
	*same_len_ret = 0;
	status = uw_source_read(&archive->source, a->data_offset + offset,
				scratch->input, len, err);
	if (status == UW_OK)
		status = uw_source_read(&archive->source,
					b->data_offset + offset,
					scratch->windows[0], len, err);
	if (status == UW_OK &&
	    memcmp(scratch->input, scratch->windows[0], len) == 0)
		*same_len_ret = len;
	return status;
}

/* -------------------------------------------------------------- drain half */

void uw_drain_init(struct uw_drain *drain, uw_file file, u32 cpu)
{
	uw_sha256_init(&drain->sha, cpu);
	drain->rest = (struct uw_shadow){.state = drain->sha.state};
	drain->file = file;
	drain->crc = 0;
	drain->cpu = cpu;
}

void uw_drain_take(struct uw_drain *drain, const u8 *span, size_t len)
{
	struct uw_shadow *rest = &drain->rest;

	assert(rest->count == 0);
	drain->crc = uw_crc32(drain->cpu, drain->crc, span, len);
	rest->count = uw_sha256_defer(&drain->sha, span, len, &rest->blocks);
}

void uw_drain_settle(struct uw_drain *drain)
{
	uw_sha256_blocks(&drain->sha, drain->rest.blocks, drain->rest.count);
	drain->rest.count = 0;
}

void uw_drain_settle_pair(struct uw_drain *drain, struct uw_drain *other)
{
	struct uw_shadow *a = &drain->rest, *b = &other->rest;
	size_t count = a->count < b->count ? a->count : b->count;

	/* Where there is no block, there may be no address to move either. */
	if (count != 0) {
		uw_sha256_blocks_pair(&drain->sha, a->blocks, &other->sha,
				      b->blocks, count);
		a->blocks += count * UW_SHA256_BLOCK;
		a->count -= count;
		b->blocks += count * UW_SHA256_BLOCK;
		b->count -= count;
	}
	uw_drain_settle(drain);
}

/* ------------------------------------------------------------------ reader */

struct uw_reader {
	struct uw_decode decode;
	struct uw_scratch scratch;
	const u8 *span;
	size_t span_len;
	u32 crc;
	struct uw_error failure; /* what stopped it, and is said ever after */
};

int uw_reader_open(const struct uw_archive *archive, uint32_t entry,
		   uint32_t cpu, struct uw_reader **reader_ret,
		   struct uw_error *err)
{
	struct uw_reader *reader;

	*reader_ret = NULL;
	if (entry >= archive->count)
		return (int)uw_fail(err, UW_ERR_USAGE, UW_WHY_NONE, 0,
				    "no such entry");
	reader = calloc(1, sizeof(*reader));
	if (reader == NULL || !uw_scratch_init(&reader->scratch, cpu)) {
		free(reader);
		return (int)uw_fail(err, UW_ERR_MEMORY, UW_WHY_NONE, 0,
				    "out of memory");
	}
	uw_decode_init(&reader->decode, archive, entry, &reader->scratch);
	*reader_ret = reader;
	return UW_OK;
}

/* A span counts only when all is well: what came before an error is not. */
static enum uw_status reader_fill(struct uw_reader *reader,
				  struct uw_error *err)
{
	struct uw_decode *decode = &reader->decode;
	enum uw_status status;
	size_t len;

	do
		status = uw_decode_next(decode, NULL, &reader->span, &len, err);
	while (status == UW_OK && len == 0 && !decode->done);
	if (status != UW_OK)
		return status;
	reader->crc =
		uw_crc32(reader->scratch.cpu, reader->crc, reader->span, len);
	if (decode->done && reader->crc != decode->entry->crc32)
		return corrupt(decode, UW_WHY_CRC32, reader->crc,
			       decode->entry->crc32, "CRC-32 is wrong", err);
	reader->span_len = len;
	return UW_OK;
}

int uw_reader_read(struct uw_reader *reader, uint8_t *buf, size_t len,
		   size_t *got_ret, struct uw_error *err)
{
	*got_ret = 0;
	if (reader->span_len == 0 && reader->failure.status == UW_OK)
		reader_fill(reader, &reader->failure);
	if (reader->failure.status != UW_OK) {
		*err = reader->failure;
		return err->status;
	}
	if (len > reader->span_len)
		len = reader->span_len;
	if (len != 0)
		memcpy(buf, reader->span, len);
	reader->span += len;
	reader->span_len -= len;
	*got_ret = len;
	return UW_OK;
}

void uw_reader_close(struct uw_reader *reader)
{
	if (reader == NULL)
		return;
	uw_scratch_free(&reader->scratch);
	free(reader);
}
