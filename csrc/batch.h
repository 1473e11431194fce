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

struct uw_job {
	u64 cost;  /* what it takes, in bytes to inflate */
	u32 first; /* in batch->queue */
	u32 count;
};

struct uw_batch {
	const struct uw_archive *archive;
	const struct uw_tree *tree; /* NULL: everything but writing */
	u32 count;
	u32 *entries;	 /* of each order: index in the directory */
	u8 *flags;	 /* bits of enum uw_order_flag */
	u8 *digests;	 /* 32 bytes each, or NULL */
	u32 *path_at;	 /* of each order: where its path starts in @paths */
	u32 *leaf_at;	 /* and where the last component does */
	char *own_paths; /* the sheet's, or NULL if the archive's names serve */
	const char *paths;
	struct uw_result *results;

	u32 *queue; /* orders, those of one job side by side */
	struct uw_job *jobs;
	u32 job_count;

	struct uw_crew *crew; /* NULL before it is given to one */

	/* Under the crew's mutex. */
	struct uw_batch *later;
	u32 jobs_taken;
	u32 jobs_done;

	atomic_bool finished; /* the last that a thread says of the batch */
	atomic_bool cancelled;
	atomic_uint_fast64_t bytes;
	atomic_uint_fast64_t packed;
	atomic_uint members;
	atomic_uint failures;
};

#endif
