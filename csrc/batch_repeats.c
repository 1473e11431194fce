/*
 * batch_repeats.c - which members of a batch seem to be the same
 */
#include "batch_repeats.h"

#include <stdlib.h>

/*
 * From this size on a copy is cheaper: benchmarks/compare_dedupe.py.  A hard
 * link always is, and so is comparing where nothing is written; of the smallest
 * stored members that is a reading too many, which is less than a microsecond.
 */
#define COPY_MIN ((u64)8 << 10)

static int compare_u64(u64 a, u64 b)
{
	return a < b ? -1 : a > b;
}

static int compare_kind(const struct uw_kin *a, const struct uw_kin *b)
{
	if (a->crc32 != b->crc32)
		return compare_u64(a->crc32, b->crc32);
	if (a->size != b->size)
		return compare_u64(a->size, b->size);
	if (a->packed_size != b->packed_size)
		return compare_u64(a->packed_size, b->packed_size);
	return compare_u64(a->method, b->method);
}

/* By kind; the first of a kind, its leader, is the first in the sheet. */
static int compare_kin(const void *left, const void *right)
{
	const struct uw_kin *a = left, *b = right;
	int order = compare_kind(a, b);

	return order != 0 ? order : compare_u64(a->order, b->order);
}

static bool may_repeat(const struct uw_batch *batch, u32 order)
{
	u64 least = batch->tree != NULL && batch->dedupe == UW_DEDUPE_COPY
			    ? COPY_MIN
			    : 1;

	return (batch->flags[order] & UW_ORDER_DIRECTORY) == 0 &&
	       uw_batch_entry(batch, order)->size >= least;
}

/*
 * Most members are the only one with half of their CRC-32: they need not be
 * sorted.  Forged, all are alike in it, and then all are sorted.
 */
#define SEEN_COUNT (1 << 16)

static u8 *seen_of(u8 *seen, const struct uw_batch *batch, u32 order)
{
	return &seen[uw_batch_entry(batch, order)->crc32 % SEEN_COUNT];
}

static u32 list_kin(const struct uw_batch *batch, u8 *seen, struct uw_kin *list)
{
	u32 count = 0, k;

	for (k = 0; k < batch->count; k++)
		if (may_repeat(batch, k) && *seen_of(seen, batch, k) < 2)
			++*seen_of(seen, batch, k);
	for (k = 0; k < batch->count; k++) {
		const struct uw_entry *entry = uw_batch_entry(batch, k);

		if (may_repeat(batch, k) && *seen_of(seen, batch, k) == 2)
			list[count++] =
				(struct uw_kin){entry->size, entry->packed_size,
						entry->crc32, entry->method, k};
	}
	return count;
}

/* Drop those that are the only one of their kind; mark the others. */
static void mark_repeats(struct uw_batch *batch, struct uw_kindred *kindred)
{
	struct uw_kin *list = kindred->list;
	u32 kept = 0, first, end, k;

	for (first = 0; first < kindred->count; first = end) {
		end = first + 1;
		while (end < kindred->count &&
		       compare_kind(&list[first], &list[end]) == 0)
			end++;
		if (end - first == 1)
			continue;
		batch->flags[list[first].order] |= UW_ORDER_LEADS;
		for (k = first + 1; k < end; k++)
			batch->flags[list[k].order] |= UW_ORDER_REPEATS;
		memmove(list + kept, list + first,
			(end - first) * sizeof(*list));
		kept += end - first;
	}
	kindred->count = kept;
}

/* False when out of memory. */
static bool sort_kin(const struct uw_batch *batch, struct uw_kindred *kindred)
{
	u8 *seen = calloc(SEEN_COUNT, 1);

	kindred->list =
		malloc(((size_t)batch->count + 1) * sizeof(*kindred->list));
	if (seen == NULL || kindred->list == NULL) {
		free(seen);
		return false;
	}
	kindred->count = list_kin(batch, seen, kindred->list);
	free(seen);
	qsort(kindred->list, kindred->count, sizeof(*kindred->list),
	      compare_kin);
	return true;
}

bool uw_repeats_find(struct uw_batch *batch, struct uw_kindred *kindred)
{
	if (batch->dedupe == UW_DEDUPE_OFF)
		return true;
	if (!sort_kin(batch, kindred))
		return false;
	mark_repeats(batch, kindred);
	if (kindred->count == 0)
		return true;
	batch->repeats_at = calloc(batch->count, sizeof(*batch->repeats_at));
	return batch->repeats_at != NULL;
}
