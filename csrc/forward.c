/*
 * forward.c - an archive read from the front, as from a pipe
 *
 * What a reader sees that never looks at the directory: it goes from local
 * header to local header, lets DEFLATE tell where its data ends, and comes back
 * to no byte.  Memory is bounded by the scratch, one name, and what the caller
 * wants to keep of a member; nothing is allocated by a size that is claimed.
 */
#include "member.h"

#include <stdlib.h>

#include "crc32.h"
#include "sha256.h"
#include "zip.h"

#define STORED	      0 /* APPNOTE 4.4.5 */
#define INPUT_LEN     (UW_INFLATE_KEEP_MAX + UW_INPUT_LEN)
#define CONTENT_LEAST 4096
#define NO_CONTENT    SIZE_MAX

static_assert(INPUT_LEN >= UW_ZIP_LOCAL_MAX, "a local header must fit");

struct uw_forward {
	struct uw_source source;
	struct uw_limits limits;
	struct uw_bounds bounds;
	struct uw_scratch scratch;
	struct uw_problems problems;
	struct uw_local local;
	struct uw_sha256 sha;
	struct uw_error failure; /* what stopped it, and is said ever after */
	const u8 *next;		 /* input that is read but not consumed */
	const u8 *end;
	u64 read_len; /* bytes of the file read so far */
	u64 total;    /* plain bytes of all members */
	u8 *content;  /* NULL if nothing is to be kept */
	size_t content_room;
	size_t content_len; /* of this member, or NO_CONTENT */
	u32 count;	    /* members, but for this one */
	bool ended;
	char name[UINT16_MAX + 1];
};

static size_t there(const struct uw_forward *f)
{
	return (size_t)(f->end - f->next);
}

/* In the file. */
static u64 position(const struct uw_forward *f)
{
	return f->read_len - there(f);
}

/* ------------------------------------------------------------------ errors */

/* It is about the member that is being read, and names it. */
static enum uw_status refuse(const struct uw_forward *f, enum uw_status status,
			     enum uw_reason reason, u64 found, u64 expected,
			     const char *message, struct uw_error *err)
{
	uw_fail(err, status, reason, position(f), "%s", message);
	err->entry = (int32_t)f->count;
	err->found = found;
	err->expected = expected;
	return status;
}

static enum uw_status corrupt(const struct uw_forward *f, enum uw_reason reason,
			      u64 found, u64 expected, const char *message,
			      struct uw_error *err)
{
	return refuse(f, UW_ERR_CORRUPT, reason, found, expected, message, err);
}

static enum uw_status too_large(const struct uw_forward *f,
				enum uw_reason reason, u64 found, u64 expected,
				const char *message, struct uw_error *err)
{
	return refuse(f, UW_ERR_LIMIT, reason, found, expected, message, err);
}

/* The first problem that the ZIP stage has found, if it has. */
static enum uw_status first_problem(const struct uw_forward *f,
				    struct uw_error *err)
{
	if (f->problems.count == 0)
		return UW_OK;
	*err = f->problems.list[0];
	return (enum uw_status)err->status;
}

static void name_member(const struct uw_forward *f, struct uw_error *err)
{
	size_t len = strlen(f->name);

	if (len >= UW_MEMBER_MAX)
		len = UW_MEMBER_MAX - 1;
	memcpy(err->member, f->name, len);
	err->member[len] = '\0';
}

/* ------------------------------------------------------------------- input */

/*
 * Read on until @least bytes are there, or all that the file has.  What is kept
 * is less than @least, so no byte is moved often.
 */
static enum uw_status want(struct uw_forward *f, size_t least,
			   struct uw_error *err)
{
	size_t kept = there(f), room = INPUT_LEN - kept;
	u64 left = f->source.len - f->read_len;
	size_t len = left < room ? (size_t)left : room;
	enum uw_status status;

	assert(least <= INPUT_LEN);
	if (kept >= least || len == 0)
		return UW_OK;
	memmove(f->scratch.input, f->next, kept);
	f->next = f->scratch.input;
	f->end = f->next + kept;
	status = uw_source_read(&f->source, f->read_len,
				f->scratch.input + kept, len, err);
	if (status != UW_OK)
		return status;
	f->end += len;
	f->read_len += len;
	return UW_OK;
}

/* ----------------------------------------------------------------- headers */

static void keep_name(struct uw_forward *f)
{
	memcpy(f->name, f->local.name, f->local.name_len);
	f->name[f->local.name_len] = '\0';
	f->local.name = f->name;
}

/* What the header states is not read at all if it is too much. */
static enum uw_status check_stated(const struct uw_forward *f,
				   struct uw_error *err)
{
	if (f->local.stated_size > f->bounds.member_size)
		return too_large(f, UW_WHY_MEMBER_TOO_LARGE,
				 f->local.stated_size, f->bounds.member_size,
				 "the member is larger than is allowed", err);
	return UW_OK;
}

static enum uw_status read_header(struct uw_forward *f, struct uw_error *err)
{
	struct uw_local *local = &f->local;
	size_t needed = UW_ZIP_LOCAL_LEN;
	u64 room = f->source.len - position(f);
	enum uw_status status;

	memset(local, 0, sizeof(*local));
	local->offset = position(f);
	do {
		status = want(f, needed, err);
		if (status != UW_OK)
			return status;
		needed = uw_zip_front(f->next, there(f), room, f->count,
				      &f->limits, local, &f->problems);
	} while (needed > there(f));
	if (local->name != NULL)
		keep_name(f);
	status = first_problem(f, err);
	if (status != UW_OK)
		return status;
	f->next += needed;
	return check_stated(f, err);
}

/* ----------------------------------------------------------------- content */

static u64 product(u64 a, u64 b)
{
	return b != 0 && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

/* More than is stated, or than is allowed, is a bomb: stop at once. */
static enum uw_status check_size(const struct uw_forward *f, size_t more,
				 struct uw_error *err)
{
	const struct uw_bounds *bounds = &f->bounds;
	u64 size = f->local.size + more, total = f->total + more;
	u64 most = product(bounds->ratio, f->source.len);

	if (uw_zip_front_states(&f->local, f->local.stated_size) &&
	    size > f->local.stated_size)
		return corrupt(f, UW_WHY_SIZE, size, f->local.stated_size,
			       "more bytes than the local header states", err);
	if (size > bounds->member_size)
		return too_large(f, UW_WHY_MEMBER_TOO_LARGE, size,
				 bounds->member_size,
				 "the member is larger than is allowed", err);
	if (total > bounds->total_size)
		return too_large(f, UW_WHY_TOTAL_TOO_LARGE, total,
				 bounds->total_size,
				 "all members together are larger "
				 "than is allowed",
				 err);
	if (total > bounds->ratio_floor && total > most)
		return too_large(f, UW_WHY_TOTAL_RATIO, total, most,
				 "the members are too many times the size "
				 "of the archive",
				 err);
	return UW_OK;
}

/* @room grows as the content does, never by what is claimed. */
static enum uw_status keep_content(struct uw_forward *f, const u8 *span,
				   size_t len, struct uw_error *err)
{
	size_t room = f->content_room;
	u8 *larger;

	if (f->content == NULL || f->content_len == NO_CONTENT)
		return UW_OK;
	if (len > f->bounds.content_size - f->content_len) {
		f->content_len = NO_CONTENT;
		return UW_OK;
	}
	while (len > room - f->content_len)
		room *= 2;
	if (room != f->content_room) {
		larger = realloc(f->content, room);
		if (larger == NULL)
			return uw_fail(err, UW_ERR_MEMORY, UW_WHY_NONE, 0,
				       "out of memory");
		f->content = larger;
		f->content_room = room;
	}
	memcpy(f->content + f->content_len, span, len);
	f->content_len += len;
	return UW_OK;
}

/* Take the next plain bytes of the member. */
static enum uw_status measure(struct uw_forward *f, const u8 *span, size_t len,
			      struct uw_error *err)
{
	struct uw_local *local = &f->local;
	enum uw_status status = check_size(f, len, err);

	if (status != UW_OK || len == 0)
		return status;
	local->crc32 = uw_crc32(f->scratch.cpu, local->crc32, span, len);
	uw_sha256_update(&f->sha, span, len);
	local->size += len;
	f->total += len;
	return keep_content(f, span, len, err);
}

static enum uw_status read_stored(struct uw_forward *f, struct uw_error *err)
{
	struct uw_local *local = &f->local;
	u64 left = local->stated_packed_size;
	enum uw_status status = UW_OK;
	size_t len;

	while (status == UW_OK && left > 0) {
		status = want(f, 1, err);
		if (status != UW_OK)
			break;
		len = left < there(f) ? (size_t)left : there(f);
		status = measure(f, f->next, len, err);
		f->next += len;
		local->packed_size += len;
		left -= len;
	}
	return status;
}

/* The end of the input that belongs to the member, as far as it is there. */
static const u8 *data_end(const struct uw_forward *f)
{
	const struct uw_local *local = &f->local;
	u64 left = local->stated_packed_size - local->packed_size;

	if (uw_zip_front_states(local, local->stated_packed_size) &&
	    left < there(f))
		return f->next + (size_t)left;
	return f->end;
}

/* The decoder wants more than was there before @end. */
static enum uw_status read_on(struct uw_forward *f, const u8 *end,
			      struct uw_error *err)
{
	if (end != f->end || f->read_len == f->source.len)
		return corrupt(f, UW_WHY_DEFLATE_TRUNCATED, 0, 0,
			       "the data ends before the DEFLATE stream does",
			       err);
	return want(f, there(f) + 1, err);
}

static enum uw_status read_deflated(struct uw_forward *f, struct uw_error *err)
{
	struct uw_inflate *inflate = &f->scratch.inflate;
	enum uw_inflate_result result = UW_INFLATE_NEED;
	enum uw_reason reason = UW_WHY_NONE;
	enum uw_status status = UW_OK;
	const u8 *before, *end, *span;
	size_t len;

	uw_inflate_init(inflate, f->scratch.windows[0], UW_SPAN_LEN,
			f->scratch.cpu);
	while (status == UW_OK && result != UW_INFLATE_DONE) {
		before = f->next;
		end = data_end(f);
		result = uw_inflate_run(inflate, &f->next, end, NULL, &span,
					&len, &reason);
		f->local.packed_size += (u64)(f->next - before);
		status = measure(f, span, len, err);
		if (status == UW_OK && result == UW_INFLATE_ERROR)
			status = corrupt(f, reason, 0, 0,
					 uw_decode_message(reason), err);
		if (status == UW_OK && result == UW_INFLATE_NEED)
			status = read_on(f, end, err);
	}
	return status;
}

static enum uw_status check_found(const struct uw_forward *f,
				  struct uw_error *err)
{
	const struct uw_local *local = &f->local;

	if (uw_zip_front_states(local, local->stated_packed_size) &&
	    local->packed_size != local->stated_packed_size)
		return corrupt(f, UW_WHY_DEFLATE_EXCESS, local->packed_size,
			       local->stated_packed_size,
			       "the DEFLATE stream ends before the member does",
			       err);
	if (uw_zip_front_states(local, local->stated_size) &&
	    local->size != local->stated_size)
		return corrupt(f, UW_WHY_SIZE, local->size, local->stated_size,
			       "fewer bytes than the local header states", err);
	if (uw_zip_front_states(local, local->stated_crc32) &&
	    local->crc32 != local->stated_crc32)
		return corrupt(f, UW_WHY_CRC32, local->crc32,
			       local->stated_crc32, "CRC-32 is wrong", err);
	return UW_OK;
}

static enum uw_status read_data(struct uw_forward *f, struct uw_error *err)
{
	enum uw_status status;

	uw_sha256_init(&f->sha, f->scratch.cpu);
	f->content_len = 0;
	status = f->local.method == STORED ? read_stored(f, err)
					   : read_deflated(f, err);
	if (status == UW_OK)
		status = check_found(f, err);
	if (status != UW_OK)
		return status;
	uw_sha256_final(&f->sha, f->local.sha256);
	if (f->content != NULL && f->content_len != NO_CONTENT)
		f->local.content = f->content;
	return UW_OK;
}

/* ----------------------------------------------------------------- members */

static enum uw_status read_descriptor(struct uw_forward *f,
				      struct uw_error *err)
{
	enum uw_status status = want(f, UW_ZIP_DESCRIPTOR_MAX, err);
	size_t len = there(f);

	if (status != UW_OK)
		return status;
	if (len > UW_ZIP_DESCRIPTOR_MAX)
		len = UW_ZIP_DESCRIPTOR_MAX;
	f->next += uw_zip_front_descriptor(f->next, len, position(f), &f->local,
					   f->count, &f->limits, &f->problems);
	return first_problem(f, err);
}

static enum uw_status read_member(struct uw_forward *f, struct uw_error *err)
{
	enum uw_status status;

	f->problems.count = 0;
	f->name[0] = '\0';
	if (f->count >= f->limits.entries)
		return too_large(f, UW_WHY_TOO_MANY_ENTRIES, (u64)f->count + 1,
				 f->limits.entries, "too many entries", err);
	status = read_header(f, err);
	if (status == UW_OK)
		status = read_data(f, err);
	if (status == UW_OK && f->local.facts & UW_ENTRY_DESCRIPTOR)
		status = read_descriptor(f, err);
	if (status != UW_OK)
		name_member(f, err);
	return status;
}

int uw_forward_next(struct uw_forward *forward,
		    const struct uw_local **local_ret, struct uw_error *err)
{
	struct uw_forward *f = forward;

	*local_ret = NULL;
	if (f->failure.status == UW_OK && !f->ended &&
	    want(f, 4, &f->failure) == UW_OK) {
		f->ended = !uw_zip_front_seen(f->next, there(f));
		if (!f->ended && read_member(f, &f->failure) == UW_OK) {
			f->count++;
			*local_ret = &f->local;
		}
	}
	if (f->failure.status != UW_OK)
		*err = f->failure;
	return f->failure.status;
}

uint64_t uw_forward_end(const struct uw_forward *forward,
			uint32_t *signature_ret, uint32_t *left_ret)
{
	u8 bytes[4] = {0};
	size_t left = there(forward) < 4 ? there(forward) : 4;

	memcpy(bytes, forward->next, left);
	*signature_ret = load_le32(bytes);
	*left_ret = (u32)left;
	return position(forward);
}

/* -------------------------------------------------------------------- open */

/* Takes over @source, in any case. */
static int open_source(struct uw_source source, const struct uw_limits *limits,
		       const struct uw_bounds *bounds, u32 cpu,
		       struct uw_forward **forward_ret, struct uw_error *err)
{
	struct uw_forward *f = calloc(1, sizeof(*f));

	if (f == NULL) {
		uw_source_close(&source);
		goto no_memory;
	}
	f->source = source;
	f->limits = *limits;
	f->bounds = *bounds;
	/* So that an index fits into an error, and twice this into memory. */
	if (f->limits.entries > INT32_MAX)
		f->limits.entries = INT32_MAX;
	if (f->bounds.content_size > SIZE_MAX / 4)
		f->bounds.content_size = SIZE_MAX / 4;
	if (!uw_scratch_init(&f->scratch, cpu))
		goto no_memory;
	f->next = f->scratch.input;
	f->end = f->scratch.input;
	if (bounds->content_size > 0) {
		f->content = malloc(CONTENT_LEAST);
		f->content_room = CONTENT_LEAST;
		if (f->content == NULL)
			goto no_memory;
	}
	*forward_ret = f;
	return UW_OK;

no_memory:
	uw_forward_close(f);
	return (int)uw_fail(err, UW_ERR_MEMORY, UW_WHY_NONE, 0,
			    "out of memory");
}

int uw_forward_open(const char *path, const struct uw_limits *limits,
		    const struct uw_bounds *bounds, uint32_t cpu,
		    struct uw_forward **forward_ret, struct uw_error *err)
{
	struct uw_source source;
	enum uw_status status;

	*forward_ret = NULL;
	status = uw_source_open(&source, path, err);
	if (status != UW_OK)
		return (int)status;
	return open_source(source, limits, bounds, cpu, forward_ret, err);
}

int uw_forward_open_memory(const uint8_t *data, size_t len,
			   const struct uw_limits *limits,
			   const struct uw_bounds *bounds, uint32_t cpu,
			   struct uw_forward **forward_ret,
			   struct uw_error *err)
{
	struct uw_source source;

	*forward_ret = NULL;
	uw_source_memory(&source, data, len);
	return open_source(source, limits, bounds, cpu, forward_ret, err);
}

void uw_forward_close(struct uw_forward *forward)
{
	if (forward == NULL)
		return;
	uw_source_close(&forward->source);
	uw_scratch_free(&forward->scratch);
	free(forward->content);
	free(forward);
}
