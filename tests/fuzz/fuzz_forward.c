/*
 * fuzz_forward.c - any bytes read from the front, as from a pipe
 *
 * Every member that comes out is what zlib finds at its place, each begins
 * where the one before ended, and an end is an end.  If the reader of the
 * directory opens the archive, the reader from the front finds just the members
 * that are listed, and then the directory, if and only if all of them are
 * sound: for else one of them may have others inside.
 */
#include "fuzz.h"

#include <zlib.h>

#include "sha256.h"
#include "zip.h"

#define PLAIN_MAX ((u64)1 << 17) /* of a member */
#define TOTAL_MAX ((u64)1 << 19)

static const struct uw_limits limits = {.entries = 1000,
					.directory_len = 1 << 20,
					.name_len = 4095,
					.allow = UW_ALLOW_UNSIGNED_DESCRIPTORS};

static const struct uw_limits tight = {
	.entries = 3, .name_len = 20, .allow = UW_REFUSE_DESCRIPTORS};

struct trial {
	struct choices choices;
	const u8 *data;
	size_t len;
	const struct uw_archive *archive; /* NULL if it cannot be opened */
	u32 *order;			  /* of its entries, by offset */
	u32 count;
};

static u8 plain[PLAIN_MAX + 1];

/* -------------------------------------------------------------------- truth */

/*
 * What @packed holds, in @plain: false if that is nothing whole, or more than
 * PLAIN_MAX.
 */
static bool unpack(const u8 *packed, u64 packed_size, u32 method,
		   size_t *consumed_ret, size_t *len_ret)
{
	z_stream z = {.next_in = (Bytef *)(uintptr_t)packed,
		      .avail_in = (uInt)packed_size,
		      .next_out = plain,
		      .avail_out = (uInt)sizeof(plain)};
	int got;

	*consumed_ret = (size_t)packed_size;
	*len_ret = (size_t)packed_size;
	if (method == 0) {
		if (packed_size > 0)
			memcpy(plain, packed, (size_t)packed_size);
		return true;
	}
	require(inflateInit2(&z, -15) == Z_OK);
	got = inflate(&z, Z_SYNC_FLUSH);
	*consumed_ret = z.total_in;
	*len_ret = z.total_out;
	inflateEnd(&z);
	return got == Z_STREAM_END && *len_ret <= PLAIN_MAX;
}

static bool is_sound(const struct trial *t, const struct uw_entry *entry)
{
	size_t consumed, len;

	return unpack(t->data + entry->data_offset, entry->packed_size,
		      entry->method, &consumed, &len) &&
	       consumed == entry->packed_size && len == entry->size &&
	       crc32(0, plain, (uInt)len) == entry->crc32;
}

/* Whether every member is; none if they are more than the bounds allow. */
static bool all_sound(const struct trial *t)
{
	const struct uw_entry *entries = uw_archive_entries(t->archive);
	u64 total = 0;
	u32 k;

	for (k = 0; k < t->count; k++) {
		if (entries[k].size > PLAIN_MAX)
			return false;
		total += entries[k].size;
		if (total > TOTAL_MAX || !is_sound(t, &entries[k]))
			return false;
	}
	return true;
}

/* ------------------------------------------------------------------ members */

static void check_member(const struct trial *t, const struct uw_local *local,
			 u64 content_size)
{
	size_t consumed, len;
	struct uw_sha256 sha;
	u8 digest[32];

	require(local->data_offset <= t->len);
	require(local->packed_size <= t->len - local->data_offset);
	require(strlen(local->name) == local->name_len);
	require(local->name_len > 0);
	require(unpack(t->data + local->data_offset, local->packed_size,
		       local->method, &consumed, &len));
	require(consumed == local->packed_size);
	require(len == local->size);
	require(crc32(0, plain, (uInt)len) == local->crc32);
	uw_sha256_init(&sha, whole_cpu());
	uw_sha256_update(&sha, plain, len);
	uw_sha256_final(&sha, digest);
	require(memcmp(digest, local->sha256, 32) == 0);
	require((local->content != NULL) ==
		(content_size > 0 && len <= content_size));
	if (local->content != NULL)
		require(memcmp(local->content, plain, len) == 0);
}

/* Whether the directory says the same of the member at this @place. */
static bool is_listed(const struct trial *t, const struct uw_local *local,
		      u32 place)
{
	const struct uw_entry *entry;
	const char *names;
	size_t names_len;

	if (t->archive == NULL || place >= t->count)
		return false;
	entry = uw_archive_entries(t->archive) + t->order[place];
	names = uw_archive_names(t->archive, &names_len);
	return local->offset == entry->header_offset &&
	       local->data_offset == entry->data_offset &&
	       local->packed_size == entry->packed_size &&
	       local->size == entry->size && local->crc32 == entry->crc32 &&
	       local->method == entry->method && local->flags == entry->flags &&
	       strcmp(local->name, names + entry->name_offset) == 0;
}

/* What ended stays ended, and says the same. */
static void check_end(struct uw_forward *forward, int status)
{
	const struct uw_local *local;
	struct uw_error err = {0};
	u32 signature, left;
	u64 end = uw_forward_end(forward, &signature, &left);

	require(uw_forward_next(forward, &local, &err) == status);
	require(local == NULL);
	require(err.status == status);
	require((err.reason != UW_WHY_NONE) == (status != UW_OK));
	require(uw_forward_end(forward, &signature, &left) == end);
	require(left <= 4);
}

/*
 * Read it all: *@count_ret members, to *@end_ret.  Returned is whether nothing
 * is wrong, and the directory lists each of them.
 */
static bool read_forward(struct trial *t, u32 *count_ret, u64 *end_ret)
{
	static const u64 kept[] = {0, 1, 100, 5000, PLAIN_MAX};
	struct uw_bounds bounds = {
		.member_size = PLAIN_MAX,
		.total_size = TOTAL_MAX,
		.ratio = t->archive == NULL ? 5 : 2000,
		.content_size = kept[choose(&t->choices, ARRAY_LEN(kept))]};
	const struct uw_local *local;
	struct uw_forward *forward;
	struct uw_error err = {0};
	u32 signature, left;
	u64 next = 0;
	bool listed = true;
	int status;

	*count_ret = 0;
	/* Without an archive to compare, by other limits too. */
	require(uw_forward_open_memory(t->data, t->len,
				       t->archive == NULL ? &tight : &limits,
				       &bounds, choose_cpu(&t->choices),
				       &forward, &err) == UW_OK);
	while ((status = uw_forward_next(forward, &local, &err)) == UW_OK &&
	       local != NULL) {
		require(local->offset == next);
		check_member(t, local, bounds.content_size);
		listed = is_listed(t, local, *count_ret) && listed;
		next = uw_forward_end(forward, &signature, &left);
		++*count_ret;
	}
	check_end(forward, status);
	*end_ret = uw_forward_end(forward, &signature, &left);
	uw_forward_close(forward);
	return status == UW_OK && listed;
}

/* Whether the directory, or what follows an empty one, is at @offset. */
static bool is_directory(const struct trial *t, u64 offset)
{
	static const u32 signatures[] = {0x02014b50, 0x06064b50, 0x06054b50};
	u32 found;

	require(offset <= t->len && t->len - offset >= 4);
	found = load_le32(t->data + offset);
	return found == signatures[0] ||
	       (t->count == 0 &&
		(found == signatures[1] || found == signatures[2]));
}

static void check_agreement(struct trial *t)
{
	bool through;
	u32 count;
	u64 end;

	through = read_forward(t, &count, &end);
	if (t->archive == NULL)
		return;
	through = through && count == t->count;
	require(through == all_sound(t));
	require(!through || is_directory(t, end));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct trial t = {.choices = {crc32(0, data, (uInt)len)},
			  .data = data,
			  .len = len};
	struct uw_problems problems;
	struct uw_archive *archive;

	if (uw_archive_open_memory(data, len, &limits, &archive, &problems) ==
	    UW_OK) {
		t.archive = archive;
		t.count = uw_archive_count(archive);
		t.order = allocate((t.count + (size_t)1) * sizeof(*t.order));
		uw_zip_order(uw_archive_entries(archive), t.count, t.order);
	}
	check_agreement(&t);
	free(t.order);
	uw_archive_close(archive);
	return 0;
}
