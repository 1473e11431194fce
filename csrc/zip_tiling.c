/*
 * zip_tiling.c - the members in their order, and that they cover the file
 */
#include "zip_parts.h"

static bool comes_before(const struct uw_entry *entries, u32 a, u32 b)
{
	u64 at_a = entries[a].header_offset;
	u64 at_b = entries[b].header_offset;

	return at_a < at_b || (at_a == at_b && a < b);
}

/* Move @order[root] down to its place in the heap of the first @count. */
static void sift_down(const struct uw_entry *entries, u32 *order, u32 root,
		      u32 count)
{
	u32 moved = order[root];
	u64 child;

	while ((child = 2 * (u64)root + 1) < count) {
		if (child + 1 < count &&
		    comes_before(entries, order[child], order[child + 1]))
			child++;
		if (!comes_before(entries, moved, order[child]))
			break;
		order[root] = order[child];
		root = (u32)child;
	}
	order[root] = moved;
}

/* Heap sort: in place, and no input makes it slow. */
static void sort_order(const struct uw_entry *entries, u32 count, u32 *order)
{
	u32 i, last;

	for (i = count / 2; i-- > 0;)
		sift_down(entries, order, i, count);
	for (i = count; i-- > 1;) {
		last = order[i];
		order[i] = order[0];
		order[0] = last;
		sift_down(entries, order, 0, i);
	}
}

void uw_zip_order(const struct uw_entry *entries, u32 count, u32 *order)
{
	bool sorted = true;
	u32 i;

	for (i = 0; i < count; i++) {
		order[i] = i;
		if (i > 0 && !comes_before(entries, i - 1, i))
			sorted = false;
	}
	if (!sorted)
		sort_order(entries, count, order);
}

/* ------------------------------------------------------------------ tiling */

/*
 * A zip bomb of overlapping members, a member that only one kind of reader
 * sees, an archive behind a program or within a tar file: each of them leaves
 * a byte uncovered, or covers one twice.
 */
bool uw_zip_tile_header(struct uw_zip_tiling *t, const struct uw_entry *entry,
			u32 index, struct uw_problems *problems)
{
	struct subject s = {problems, "local header", entry->header_offset,
			    (int32_t)index};
	u64 at = entry->header_offset;

	if (at > t->end || t->end - at < UW_ZIP_LOCAL_LEN) {
		uw_zip_complain(&s, UW_WHY_LOCAL_TRUNCATED, at, t->end,
				"there is no room for a local header "
				"before the directory");
		t->lost = true;
		return false;
	}
	if (at < t->next) {
		uw_zip_complain(&s, UW_WHY_OVERLAP, at, t->next,
				"the member begins within another one");
		return false;
	}
	if (at > t->next && !t->lost)
		uw_zip_complain(&s, t->next == 0 ? UW_WHY_PREFIX : UW_WHY_GAP,
				at, t->next,
				"bytes before the member belong to nothing")
			->offset = t->next;
	t->lost = false;
	t->next = at + UW_ZIP_LOCAL_LEN;
	return true;
}

/* A number as tar has them: octal, or big-endian behind a byte of 0x80. */
static u64 tar_number(const u8 *field, size_t len)
{
	u64 number = 0;
	size_t i = 0;

	if (field[0] == 0x80) {
		for (i = 1; i < len; i++)
			number = number << 8 | field[i];
		return number;
	}
	while (i < len && field[i] == ' ')
		i++;
	for (; i < len && field[i] >= '0' && field[i] <= '7'; i++)
		number = number << 3 | (u64)(field[i] - '0');
	return number;
}

/*
 * A tar archive can also begin with the signature of a local header: that is
 * the name of its first member then, and the rest of its header is in an extra
 * field, or in data.  All that tar asks for is that a checksum, of all bytes
 * but its own, is right; some tools take bytes as signed.
 */
void uw_zip_refuse_tar(const u8 *bytes, struct uw_problems *problems)
{
	struct subject s = {problems, "archive", 0, -1};
	u64 sum = 8 * ' ', stated = tar_number(bytes + 148, 8);
	u64 above = 0;
	size_t i;

	for (i = 0; i < UW_ZIP_TAR_LEN; i++) {
		if (i >= 148 && i < 156)
			continue;
		sum += bytes[i];
		above += bytes[i] >> 7;
	}
	if (stated == sum || stated + 256 * above == sum)
		uw_zip_complain(&s, UW_WHY_PREFIX, 0, 0,
				"the archive is also a tar archive");
}

bool uw_zip_tile_data(struct uw_zip_tiling *t, const struct uw_entry *entry,
		      u32 index, struct uw_problems *problems)
{
	struct subject s = {problems, "data", entry->data_offset,
			    (int32_t)index};
	u64 room = t->end - entry->data_offset;

	t->next = entry->data_offset;
	if (entry->packed_size > room) {
		uw_zip_complain(&s, UW_WHY_OVERLAP, entry->packed_size, room,
				"the member's data runs into the directory");
		t->lost = true;
		return false;
	}
	t->next += entry->packed_size;
	return true;
}

void uw_zip_tile_end(const struct uw_zip_tiling *t,
		     struct uw_problems *problems)
{
	struct subject s = {problems, "directory", t->next, -1};

	if (t->next != t->end && !t->lost)
		uw_zip_complain(
			&s, t->next == 0 ? UW_WHY_PREFIX : UW_WHY_GAP, t->end,
			t->next,
			"bytes before the directory belong to no member");
}
