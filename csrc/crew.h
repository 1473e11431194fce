/*
 * crew.h - what the files of the crew share
 *
 * crew.c has the threads and the queue, job.c what one of them does with a job,
 * split.c big members that two of them do.
 */
#ifndef UW_CREW_H
#define UW_CREW_H

#include "batch.h"
#include "sync.h"

/*
 * A member that is done by two threads, if a helper comes.  The owner decodes
 * chunks.  They are measured in order, by one thread at a time, and written in
 * any order; one that is both, and those before it, makes room.  All of that is
 * the helper's, as far as it can; the owner writes instead of waiting for room.
 */
struct uw_chunk {
	const u8 *span;
	size_t len;
	u64 offset;
	enum uw_chunk_state {
		UW_CHUNK_PLAIN,	  /* to be written */
		UW_CHUNK_CLAIMED, /* being written */
		UW_CHUNK_WRITTEN
	} state;
};

struct uw_split {
	struct uw_split *next; /* in crew->splits */
	struct uw_batch *batch;
	struct uw_drain *drain;
	u64 size;
	atomic_bool joined; /* a helper has come; set under the crew's mutex */
	struct uw_mutex mutex;
	struct uw_cond changed;
	struct uw_chunk ring[UW_RING_COUNT];
	u32 head;	/* chunks so far, */
	u32 measured;	/* measured, */
	u32 tail;	/* and gone */
	bool measuring; /* somebody does the next one */
	bool ended;	/* no chunk comes after head */
	bool left;	/* the helper has gone */
	enum uw_status status;
	struct uw_error error; /* of a write by either */
};

struct uw_crew {
	struct uw_mutex mutex;
	struct uw_cond work;  /* there is something to do */
	struct uw_cond ended; /* a batch has finished */
	struct uw_batch *batches;
	struct uw_split *splits;
	u32 cpu;
	u32 idle;
	bool dismissed;
};

/* A member that is done, but for some blocks of its SHA-256. */
struct uw_waiting {
	struct uw_batch *batch;
	u32 order;
	struct uw_drain drain;
};

/* What a thread has for itself. */
struct uw_worker {
	struct uw_crew *crew; /* NULL on a thread of its own */
	struct uw_scratch scratch;
	struct uw_split split;
	struct uw_waiting members[2]; /* the present one, and the one before */
	struct uw_waiting *waiting;   /* the one before, or NULL */
};

/* Let another thread take over the drain half of the member of @decode. */
void uw_split_offer(struct uw_worker *worker, struct uw_batch *batch,
		    struct uw_drain *drain, u64 size);

/* The decode half, when a helper has come. */
enum uw_status uw_split_run(struct uw_worker *worker, struct uw_batch *batch,
			    struct uw_decode *decode, struct uw_error *err);

/* Nothing more comes; returns when the helper, if any, has gone. */
enum uw_status uw_split_end(struct uw_worker *worker, struct uw_error *err);

/* The largest member that is decoded alone; crew->mutex is held. */
struct uw_split *uw_split_join(struct uw_crew *crew);

/* The helper's part, until the owner has no more chunks. */
void uw_split_help(struct uw_split *split);

/* Every order of @job is told when this returns, or the batch is cancelled. */
void uw_job_run(struct uw_worker *worker, struct uw_batch *batch,
		const struct uw_job *job);

UW_INLINE bool uw_batch_cancelled(const struct uw_batch *batch)
{
	return atomic_load_explicit(&batch->cancelled, memory_order_relaxed);
}

UW_INLINE enum uw_status uw_batch_stop(struct uw_error *err)
{
	return uw_fail(err, UW_ERR_CANCELLED, UW_WHY_NONE, 0, "cancelled");
}

#endif
