/*
 * batch_repeats.h - which members of a batch seem to be the same
 */
#ifndef UW_BATCH_REPEATS_H
#define UW_BATCH_REPEATS_H

#include "batch.h"

/*
 * An order with what the directory states of its member.  That costs nothing
 * to ask, but all of it can be forged: whether two members of one kind are the
 * same is known when their packed bytes have been compared.  They are compared
 * with their leader only, so that many forged ones cost one reading each.
 */
struct uw_kin {
	u64 size;
	u64 packed_size;
	u32 crc32;
	u32 method;
	u32 order;
};

/* Those that have kin, kind by kind, each with its leader first. */
struct uw_kindred {
	struct uw_kin *list;
	u32 count;
};

/*
 * Mark in @batch who leads and who repeats, and list them; nobody if members
 * are not to be deduplicated.  The caller frees the list.  False when out of
 * memory.
 */
bool uw_repeats_find(struct uw_batch *batch, struct uw_kindred *kindred);

#endif
