/*
 * batch.h - one wheel's orders, sorted into jobs
 *
 * A job is what a thread takes at once: one big member, or some members of one
 * directory.  batch.c makes the jobs; crew.c has them done.
 */
#ifndef UW_BATCH_H
#define UW_BATCH_H

#include <stdatomic.h>

#include "member.h"

/* A member from this size on is a job of its own, and may be split. */
#define UW_BIG_MEMBER ((u64)512 << 10)

#define UW_NO_ORDER   UINT32_MAX

/* More bits of batch->flags, beside those of enum uw_order_flag. */
enum {
	UW_ORDER_LEAF = 0x20,	/* its directory is made when a job enters it */
	UW_ORDER_LEADS = 0x40,	/* others seem to repeat its member */
	UW_ORDER_REPEATS = 0x80 /* it seems to repeat that of a leader */
};

struct uw_job {
	u64 cost;  /* what it takes, in bytes to inflate */
	u32 first; /* in batch->queue */
	u32 count;
	u32 leader; /* order that all of them seem to repeat, or UW_NO_ORDER */
	u32 later;  /* the next one in batch->ready, or 0 */
	u32 dir;    /* of small members, in batch->busy; else 0 */
};

struct uw_batch {
	const struct uw_archive *archive;
	const struct uw_tree *tree; /* NULL: everything but writing */
	u32 count;
	u32 *entries;	 /* of each order: index in the directory */
	u8 *flags;	 /* bits of enum uw_order_flag */
	u8 *digests;	 /* 32 bytes each, or NULL */
	int64_t *times;	 /* seconds since 1970, or NULL */
	u32 *path_at;	 /* of each order: where its path starts in @paths */
	u32 *leaf_at;	 /* and where the last component does */
	char *own_paths; /* the sheet's, or NULL if the archive's names serve */
	const char *paths;
	struct uw_result *results;

	/*
	 * First the jobs that can be done at any time.  Then those of repeats,
	 * each after the job that its leader is in; @repeats_at has, of each
	 * leader, the index of the first of them.
	 */
	u32 *queue; /* orders, those of one job side by side */
	struct uw_job *jobs;
	u32 free_count;
	u32 job_count;
	u32 *repeats_at; /* NULL if there are none */
	int32_t dedupe;	 /* enum uw_dedupe */

	struct uw_crew *crew; /* NULL before it is given to one */

	/* Under the crew's mutex. */
	struct uw_batch *later;
	u32 free_taken;
	u32 *busy; /* of each directory: threads that make files in it */
	u32 jobs_done;
	u32 ready; /* jobs of repeats whose leader is done, a list; 0: none */

	atomic_bool finished; /* the last that a thread says of the batch */
	atomic_bool cancelled;
	atomic_uint_fast64_t bytes;
	atomic_uint_fast64_t packed;
	atomic_uint members;
	atomic_uint failures;
	atomic_uint_fast64_t repeated;
	atomic_uint repeats;
};

UW_INLINE const struct uw_entry *uw_batch_entry(const struct uw_batch *batch,
						u32 order)
{
	return &batch->archive->entries[batch->entries[order]];
}

/* How much of an order's path is its directory, without the last '/'. */
UW_INLINE u32 uw_batch_dir_len(const struct uw_batch *batch, u32 order)
{
	u32 len = batch->leaf_at[order] - batch->path_at[order];

	return len == 0 ? 0 : len - 1;
}

/*
 * The next of the free jobs, or NULL if all are taken; uw_batch_leave() when it
 * is done.  For the thread that has the batch alone, or holds the crew's mutex.
 */
const struct uw_job *uw_batch_take(struct uw_batch *batch);
void uw_batch_leave(struct uw_batch *batch, const struct uw_job *job);

#endif
