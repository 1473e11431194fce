/*
 * crew.c - threads, the queue, and big members done by two threads
 *
 * The crew owns no thread: each one is lent to it by uw_crew_work().  A thread
 * takes jobs, the largest first, of the first batch that has any; when there
 * are none it takes over the drain half of a big member that another thread is
 * decoding; when there is none of those either, it sleeps.  Members that seem
 * to repeat another one, their leader, are jobs that come up when it is done:
 * then they go first, while what they need is still in the caches.
 *
 * Locks: crew->mutex guards the queue, each batch's counts and the list of
 * splits; split->mutex guards one ring.  Where both are held, the crew's was
 * taken first.
 */
#include <stdlib.h>

#include "batch.h"
#include "sync.h"

/*
 * A member that may be done by two threads: the owner decodes into the ring
 * from @head, a helper measures from @tail, in order.  Chunks are written by
 * either, in any order: the helper after it has measured one, the owner instead
 * of waiting when the ring is full.
 */
struct chunk {
	const u8 *span;
	size_t len;
	u64 offset;
	enum chunk_state {
		CHUNK_PLAIN,   /* to be written */
		CHUNK_CLAIMED, /* being written */
		CHUNK_WRITTEN
	} state;
};

struct split {
	struct split *next; /* in crew->splits */
	struct uw_batch *batch;
	struct uw_drain *drain;
	u64 size;
	atomic_bool joined; /* a helper has come; set under the crew's mutex */
	struct uw_mutex mutex;
	struct uw_cond changed;
	struct chunk ring[UW_RING_COUNT];
	u32 head;
	u32 tail;
	bool ended; /* no chunk comes after head */
	bool left;  /* the helper has gone */
	enum uw_status status;
	struct uw_error error; /* of a write by either */
};

/* The helper sleeps until so many chunks wait: one wake-up for all of them. */
#define WAKE_COUNT (UW_RING_COUNT / 2)

struct uw_crew {
	struct uw_mutex mutex;
	struct uw_cond work;  /* there is something to do */
	struct uw_cond ended; /* a batch has finished */
	struct uw_batch *batches;
	struct split *splits;
	u32 cpu;
	u32 idle;
	bool dismissed;
};

struct worker {
	struct uw_crew *crew; /* NULL on a thread of its own */
	struct uw_scratch scratch;
	struct split split;
};

/* ------------------------------------------------------------------ splits */

static void split_offer(struct worker *worker, struct uw_batch *batch,
			struct uw_drain *drain, u64 size)
{
	struct uw_crew *crew = worker->crew;
	struct split *split = &worker->split;

	split->batch = batch;
	split->drain = drain;
	split->size = size;
	split->head = 0;
	split->tail = 0;
	split->ended = false;
	split->left = false;
	split->status = UW_OK;
	atomic_store(&split->joined, false);
	uw_mutex_lock(&crew->mutex);
	split->next = crew->splits;
	crew->splits = split;
	if (crew->idle != 0)
		uw_cond_signal(&crew->work);
	uw_mutex_unlock(&crew->mutex);
}

/* No helper may come from now on. */
static void split_withdraw(struct uw_crew *crew, struct split *split)
{
	struct split **at;

	uw_mutex_lock(&crew->mutex);
	for (at = &crew->splits; *at != NULL; at = &(*at)->next) {
		if (*at == split) {
			*at = split->next;
			break;
		}
	}
	uw_mutex_unlock(&crew->mutex);
}

/* The largest member that is decoded alone; crew->mutex is held. */
static struct split *split_join(struct uw_crew *crew)
{
	struct split **at, **best = NULL, *split;

	for (at = &crew->splits; *at != NULL; at = &(*at)->next)
		if (best == NULL || (*at)->size > (*best)->size)
			best = at;
	if (best == NULL)
		return NULL;
	split = *best;
	*best = split->next;
	atomic_store(&split->joined, true);
	return split;
}

/* Write @chunk, which the caller has claimed; split->mutex is held. */
static void chunk_write(struct split *split, struct chunk *chunk)
{
	struct uw_error error;
	enum uw_status status;

	chunk->state = CHUNK_CLAIMED;
	uw_mutex_unlock(&split->mutex);
	status = uw_file_write(split->drain->file, chunk->offset, chunk->span,
			       chunk->len, &error);
	uw_mutex_lock(&split->mutex);
	chunk->state = CHUNK_WRITTEN;
	if (status != UW_OK && split->status == UW_OK) {
		split->status = status;
		split->error = error;
	}
	uw_cond_broadcast(&split->changed);
}

/* Measure and write the chunk at the tail; split->mutex is held. */
static void split_drain_one(struct split *split)
{
	struct chunk *chunk = &split->ring[split->tail % UW_RING_COUNT];

	uw_mutex_unlock(&split->mutex);
	uw_drain_measure(split->drain, chunk->span, chunk->len);
	atomic_fetch_add_explicit(&split->batch->bytes, chunk->len,
				  memory_order_relaxed);
	uw_mutex_lock(&split->mutex);
	if (chunk->state == CHUNK_PLAIN)
		chunk_write(split, chunk);
	while (chunk->state == CHUNK_CLAIMED)
		uw_cond_wait(&split->changed, &split->mutex);
	split->tail++;
	uw_cond_broadcast(&split->changed);
}

/* The helper's part, until the owner has no more chunks. */
static void split_help(struct split *split)
{
	uw_mutex_lock(&split->mutex);
	for (;;) {
		while (split->head - split->tail < WAKE_COUNT && !split->ended)
			uw_cond_wait(&split->changed, &split->mutex);
		while (split->tail != split->head && split->status == UW_OK)
			split_drain_one(split);
		if (split->ended)
			break;
		if (split->status != UW_OK)
			split->tail = split->head;
		uw_cond_broadcast(&split->changed);
	}
	split->left = true;
	uw_cond_broadcast(&split->changed);
	uw_mutex_unlock(&split->mutex);
}

/* The newest chunk that nobody writes: the helper is busy with the oldest. */
static struct chunk *split_waiting_chunk(struct split *split)
{
	u32 k;

	for (k = split->head; k != split->tail; k--) {
		struct chunk *chunk = &split->ring[(k - 1) % UW_RING_COUNT];

		if (chunk->state == CHUNK_PLAIN)
			return chunk;
	}
	return NULL;
}

/* Wait for room in the ring, writing meanwhile; false after a failure. */
static bool split_make_room(struct split *split)
{
	struct chunk *chunk;
	bool sound;

	uw_mutex_lock(&split->mutex);
	while (split->head - split->tail == UW_RING_COUNT &&
	       split->status == UW_OK) {
		chunk = split_waiting_chunk(split);
		if (chunk != NULL)
			chunk_write(split, chunk);
		else
			uw_cond_wait(&split->changed, &split->mutex);
	}
	sound = split->status == UW_OK;
	uw_mutex_unlock(&split->mutex);
	return sound;
}

static void split_push(struct split *split, const u8 *span, size_t len,
		       u64 offset)
{
	bool keep = split->drain->file != UW_FILE_NONE;

	uw_mutex_lock(&split->mutex);
	split->ring[split->head % UW_RING_COUNT] = (struct chunk){
		span, len, offset, keep ? CHUNK_PLAIN : CHUNK_WRITTEN};
	split->head++;
	if (split->head - split->tail >= WAKE_COUNT)
		uw_cond_broadcast(&split->changed);
	uw_mutex_unlock(&split->mutex);
}

/* Nothing more comes; returns when the helper, if any, has gone. */
static enum uw_status split_end(struct worker *worker, struct uw_error *err)
{
	struct split *split = &worker->split;

	split_withdraw(worker->crew, split);
	if (!atomic_load(&split->joined))
		return UW_OK;
	uw_mutex_lock(&split->mutex);
	split->ended = true;
	uw_cond_broadcast(&split->changed);
	while (!split->left)
		uw_cond_wait(&split->changed, &split->mutex);
	uw_mutex_unlock(&split->mutex);
	if (split->status != UW_OK)
		*err = split->error;
	return split->status;
}

/* ----------------------------------------------------------------- members */

static bool cancelled(const struct uw_batch *batch)
{
	return atomic_load_explicit(&batch->cancelled, memory_order_relaxed);
}

static enum uw_status stop(struct uw_error *err)
{
	return uw_fail(err, UW_ERR_CANCELLED, UW_WHY_NONE, 0, "cancelled");
}

/* Both halves on this thread; returns early, not done, if a helper came. */
static enum uw_status run_alone(struct uw_batch *batch,
				struct uw_decode *decode,
				struct uw_drain *drain,
				const atomic_bool *joined, struct uw_error *err)
{
	enum uw_status status = UW_OK;
	const u8 *span;
	size_t len;

	while (!decode->done && status == UW_OK) {
		u64 offset = decode->plain_len;

		if (cancelled(batch))
			return stop(err);
		if (joined != NULL &&
		    atomic_load_explicit(joined, memory_order_acquire))
			return UW_OK;
		status = uw_decode_next(decode, &span, &len, err);
		if (status != UW_OK || len == 0)
			continue;
		uw_drain_measure(drain, span, len);
		if (drain->file != UW_FILE_NONE)
			status = uw_file_write(drain->file, offset, span, len,
					       err);
		atomic_fetch_add_explicit(&batch->bytes, len,
					  memory_order_relaxed);
	}
	return status;
}

/* The decode half on this thread, the drain half on the helper's. */
static enum uw_status run_split(struct worker *worker, struct uw_batch *batch,
				struct uw_decode *decode, struct uw_error *err)
{
	struct split *split = &worker->split;
	const u8 *span;
	size_t len;

	while (!decode->done) {
		u64 offset = decode->plain_len;
		enum uw_status status;

		if (cancelled(batch))
			return stop(err);
		if (!split_make_room(split))
			return UW_OK; /* split_end() tells */
		uw_decode_move(decode,
			       uw_scratch_ring(&worker->scratch,
					       split->head % UW_RING_COUNT),
			       UW_CHUNK_LEN);
		status = uw_decode_next(decode, &span, &len, err);
		if (status != UW_OK)
			return status;
		if (len != 0)
			split_push(split, span, len, offset);
	}
	return UW_OK;
}

/* A big member: alone until somebody has time to help. */
static enum uw_status run_big(struct worker *worker, struct uw_batch *batch,
			      struct uw_decode *decode, struct uw_drain *drain,
			      struct uw_error *err)
{
	enum uw_status status, split_status;
	struct uw_error split_err;

	split_offer(worker, batch, drain, decode->entry->size);
	status = run_alone(batch, decode, drain, &worker->split.joined, err);
	if (status == UW_OK && !decode->done)
		status = run_split(worker, batch, decode, err);
	split_status = split_end(worker, &split_err);
	if (status == UW_OK && split_status != UW_OK) {
		*err = split_err;
		status = split_status;
	}
	return status;
}

static const struct uw_entry *entry_of(const struct uw_batch *batch, u32 order)
{
	return &batch->archive->entries[batch->entries[order]];
}

/* What was found is what the directory states, and what RECORD says. */
static enum uw_status check(const struct uw_batch *batch, u32 order,
			    struct uw_error *err)
{
	const struct uw_result *result = &batch->results[order];
	const struct uw_entry *entry = entry_of(batch, order);

	if (result->crc32 != entry->crc32)
		return uw_fail(err, UW_ERR_CORRUPT, UW_WHY_CRC32,
			       entry->data_offset, "CRC-32 is wrong");
	if ((batch->flags[order] & UW_ORDER_SHA256) &&
	    memcmp(result->sha256, batch->digests + 32 * (size_t)order, 32))
		return uw_fail(err, UW_ERR_MISMATCH, UW_WHY_SHA256,
			       entry->data_offset, "SHA-256 is wrong");
	return UW_OK;
}

/* Content into @file (or nowhere), measured, compared, told in the result. */
static enum uw_status run_content(struct worker *worker, struct uw_batch *batch,
				  u32 order, uw_file file, struct uw_error *err)
{
	struct uw_result *result = &batch->results[order];
	const struct uw_entry *entry = entry_of(batch, order);
	struct uw_decode decode;
	struct uw_drain drain;
	enum uw_status status;

	uw_decode_init(&decode, batch->archive, batch->entries[order],
		       &worker->scratch);
	uw_drain_init(&drain, file, worker->scratch.cpu);
	if (worker->crew != NULL && entry->size >= UW_BIG_MEMBER &&
	    uw_scratch_ring(&worker->scratch, 0) != NULL)
		status = run_big(worker, batch, &decode, &drain, err);
	else
		status = run_alone(batch, &decode, &drain, NULL, err);
	result->crc32 = drain.crc;
	result->size = decode.plain_len;
	result->offset = entry->data_offset + uw_decode_consumed(&decode);
	uw_sha256_final(&drain.sha, result->sha256);
	if (status == UW_OK)
		status = check(batch, order, err);
	return status;
}

/* The new file of an order gets its time, if it is sound, and is closed. */
static enum uw_status end_file(const struct uw_batch *batch, u32 order,
			       uw_file file, enum uw_status status,
			       struct uw_error *err)
{
	struct uw_error close_err;

	if (file == UW_FILE_NONE)
		return status;
	if (status == UW_OK && batch->times != NULL)
		status = uw_file_set_mtime(file, batch->times[order], err);
	if (uw_file_close(file, &close_err) != UW_OK && status == UW_OK) {
		*err = close_err;
		status = UW_ERR_SYSTEM;
	}
	return status;
}

static enum uw_status run_file(struct worker *worker, struct uw_batch *batch,
			       u32 order, uw_dir dir, struct uw_error *err)
{
	bool executable = (batch->flags[order] & UW_ORDER_EXECUTABLE) != 0;
	uw_file file = UW_FILE_NONE;
	enum uw_status status = UW_OK;

	if (batch->tree != NULL)
		status = uw_file_create(dir,
					batch->paths + batch->leaf_at[order],
					executable, &file, err);
	if (status == UW_OK)
		status = run_content(worker, batch, order, file, err);
	return end_file(batch, order, file, status, err);
}

/* ----------------------------------------------------------------- repeats */

/* That they seem to be the same is an attacker's word; this is the proof. */
static enum uw_status compare_packed(struct worker *worker,
				     const struct uw_batch *batch, u32 order,
				     u32 leader, bool *same_ret,
				     struct uw_error *err)
{
	u32 a = batch->entries[order], b = batch->entries[leader];
	u64 packed_size = entry_of(batch, order)->packed_size, at;
	enum uw_status status;
	size_t len;

	*same_ret = false;
	for (at = 0; a != b && at < packed_size; at += len) {
		if (cancelled(batch))
			return stop(err);
		status = uw_packed_same(batch->archive, a, b, at,
					&worker->scratch, &len, err);
		if (status != UW_OK || len == 0)
			return status;
	}
	*same_ret = true;
	return UW_OK;
}

/* A second name has no mode and no time of its own. */
static bool may_hardlink(const struct uw_batch *batch, u32 order, u32 leader)
{
	u8 differ = batch->flags[order] ^ batch->flags[leader];

	return batch->dedupe == UW_DEDUPE_HARDLINK &&
	       (differ & UW_ORDER_EXECUTABLE) == 0 &&
	       (batch->times == NULL ||
		batch->times[order] == batch->times[leader]);
}

/*
 * Before blocks are shared the kernel writes them to the disk and waits for it,
 * and the leader was made just now: what is small is copied in memory.
 */
#define REFLINK_MIN UW_BIG_MEMBER

/* *@file_ret is to be closed, if there is one; nothing is left by a failure. */
static enum uw_status duplicate(const struct uw_batch *batch, u32 order,
				u32 leader, uw_dir dir, uw_file *file_ret,
				struct uw_error *err)
{
	int ways = UW_STAND_COPY, way;

	*file_ret = UW_FILE_NONE;
	if (batch->tree == NULL)
		return UW_OK;
	if (entry_of(batch, order)->size >= REFLINK_MIN)
		ways |= UW_STAND_REFLINK;
	if (may_hardlink(batch, order, leader))
		ways |= UW_STAND_HARDLINK;
	return uw_file_duplicate(
		batch->tree, batch->paths + batch->path_at[leader], dir,
		batch->paths + batch->leaf_at[order],
		(batch->flags[order] & UW_ORDER_EXECUTABLE) != 0, ways,
		&batch->cancelled, &way, file_ret, err);
}

/* What was found in the leader is what is in @order. */
static void take_result(struct uw_batch *batch, u32 order, u32 leader)
{
	const struct uw_entry *entry = entry_of(batch, order);
	const struct uw_result *from = &batch->results[leader];
	struct uw_result *result = &batch->results[order];

	result->crc32 = from->crc32;
	result->size = from->size;
	result->offset = entry->data_offset + entry->packed_size;
	memcpy(result->sha256, from->sha256, sizeof(result->sha256));
	atomic_fetch_add_explicit(&batch->bytes, from->size,
				  memory_order_relaxed);
	atomic_fetch_add_explicit(&batch->repeated, from->size,
				  memory_order_relaxed);
	atomic_fetch_add_explicit(&batch->repeats, 1, memory_order_relaxed);
}

/*
 * An order that seems to repeat @leader, which is done.  One that does not,
 * whose leader is not sound, or that cannot be made from it (umask 0777, no
 * descriptors left), is inflated like any other.
 */
static enum uw_status run_repeat(struct worker *worker, struct uw_batch *batch,
				 u32 order, u32 leader, uw_dir dir,
				 struct uw_error *err)
{
	enum uw_status status = UW_OK;
	bool same = false;
	uw_file file;

	if (batch->results[leader].status == UW_OK)
		status = compare_packed(worker, batch, order, leader, &same,
					err);
	if (status != UW_OK)
		return status;
	if (same)
		status = duplicate(batch, order, leader, dir, &file, err);
	if (status == UW_ERR_CANCELLED)
		return status;
	if (!same || status != UW_OK)
		return run_file(worker, batch, order, dir, err);
	take_result(batch, order, leader);
	status = end_file(batch, order, file, UW_OK, err);
	return status == UW_OK ? check(batch, order, err) : status;
}

/* ------------------------------------------------------------------- telling
 */

/*
 * A member that is wrong is told and the others go on, so that all that is
 * wrong is told.  A failure on our side (disk full) ends the batch.  An order
 * that is cut short by that is not done, and no failure of its own.
 */
static void tell(struct uw_batch *batch, u32 order, enum uw_status status,
		 const struct uw_error *err)
{
	struct uw_result *result = &batch->results[order];

	result->status = (int32_t)status;
	if (status == UW_ERR_CANCELLED)
		return;
	if (status != UW_OK) {
		result->reason = err->reason;
		result->os_error = err->os_error;
		atomic_fetch_add(&batch->failures, 1);
		if (status != UW_ERR_CORRUPT && status != UW_ERR_MISMATCH)
			uw_batch_cancel(batch);
	}
	atomic_fetch_add_explicit(&batch->packed,
				  entry_of(batch, order)->packed_size,
				  memory_order_relaxed);
	atomic_fetch_add_explicit(&batch->members, 1, memory_order_relaxed);
}

/* -------------------------------------------------------------------- jobs */

static u32 dir_len(const struct uw_batch *batch, u32 order)
{
	u32 len = batch->leaf_at[order] - batch->path_at[order];

	return len == 0 ? 0 : len - 1;
}

static bool same_dir(const struct uw_batch *batch, u32 a, u32 b)
{
	u32 len = dir_len(batch, a);

	return len == dir_len(batch, b) &&
	       memcmp(batch->paths + batch->path_at[a],
		      batch->paths + batch->path_at[b], len) == 0;
}

/* The directory of @order in place of @dir. */
static enum uw_status enter(const struct uw_batch *batch, u32 order,
			    uw_dir *dir, struct uw_error *err)
{
	const char *path = batch->paths + batch->path_at[order];
	u32 len = dir_len(batch, order);

	uw_dir_close(*dir);
	*dir = UW_DIR_NONE;
	if (batch->flags[order] & UW_ORDER_LEAF)
		return uw_dir_make(batch->tree, path, len, dir, err);
	return uw_dir_open(batch->tree, path, len, dir, err);
}

static enum uw_status run_order(struct worker *worker, struct uw_batch *batch,
				u32 order, u32 leader, uw_dir dir,
				struct uw_error *err)
{
	return leader == UW_NO_ORDER
		       ? run_file(worker, batch, order, dir, err)
		       : run_repeat(worker, batch, order, leader, dir, err);
}

/* Orders of one directory follow each other, so it is opened once. */
static void run_job(struct worker *worker, struct uw_batch *batch,
		    const struct uw_job *job)
{
	const u32 *queue = batch->queue + job->first;
	uw_dir dir = UW_DIR_NONE;
	enum uw_status entered = UW_OK, status;
	struct uw_error err;
	u32 k;

	for (k = 0; k < job->count && !cancelled(batch); k++) {
		if (batch->tree != NULL &&
		    (k == 0 || !same_dir(batch, queue[k], queue[k - 1])))
			entered = enter(batch, queue[k], &dir, &err);
		status = entered;
		if (status == UW_OK)
			status = run_order(worker, batch, queue[k], job->leader,
					   dir, &err);
		tell(batch, queue[k], status, &err);
	}
	uw_dir_close(dir);
}

/*
 * A job of @batch that can be done now, or NULL.  This and the next one are for
 * the thread that has the batch alone, or holds crew->mutex.
 */
static const struct uw_job *take_job(struct uw_batch *batch)
{
	const struct uw_job *job;

	if (batch->ready != 0) {
		job = &batch->jobs[batch->ready];
		batch->ready = job->later;
		return job;
	}
	return uw_batch_take(batch);
}

/* @job is done: its directory is free, and what repeats its members can be. */
static void after_job(struct uw_batch *batch, const struct uw_job *job)
{
	u32 order, at, k;

	uw_batch_leave(batch, job);
	for (k = job->first; k < job->first + job->count; k++) {
		order = batch->queue[k];
		if ((batch->flags[order] & UW_ORDER_LEADS) == 0)
			continue;
		for (at = batch->repeats_at[order];
		     at < batch->job_count && batch->jobs[at].leader == order;
		     at++) {
			batch->jobs[at].later = batch->ready;
			batch->ready = at;
		}
	}
}

/* The first batch with something to do, and that; crew->mutex is held. */
static struct uw_batch *choose_job(const struct uw_crew *crew,
				   const struct uw_job **job_ret)
{
	struct uw_batch *batch;

	for (batch = crew->batches; batch != NULL; batch = batch->later) {
		*job_ret = take_job(batch);
		if (*job_ret != NULL)
			break;
	}
	return batch;
}

/*
 * After this no thread touches @batch, if it was the last job; crew->mutex is
 * held.
 */
static void end_job(struct uw_crew *crew, struct uw_batch *batch,
		    const struct uw_job *job)
{
	struct uw_batch **at;

	after_job(batch, job);
	if (batch->ready != 0 && crew->idle != 0)
		uw_cond_broadcast(&crew->work);
	if (++batch->jobs_done != batch->job_count)
		return;
	for (at = &crew->batches; *at != batch; at = &(*at)->later)
		;
	*at = batch->later;
	batch->finished = true;
	uw_cond_broadcast(&crew->ended);
}

/* -------------------------------------------------------------------- crew */

static bool worker_init(struct worker *worker, struct uw_crew *crew, u32 cpu)
{
	memset(worker, 0, sizeof(*worker));
	worker->crew = crew;
	if (!uw_mutex_init(&worker->split.mutex))
		return false;
	if (!uw_cond_init(&worker->split.changed))
		goto no_cond;
	if (uw_scratch_init(&worker->scratch, cpu))
		return true;
	uw_cond_destroy(&worker->split.changed);
no_cond:
	uw_mutex_destroy(&worker->split.mutex);
	return false;
}

static void worker_free(struct worker *worker)
{
	uw_scratch_free(&worker->scratch);
	uw_cond_destroy(&worker->split.changed);
	uw_mutex_destroy(&worker->split.mutex);
	free(worker);
}

static struct worker *worker_new(struct uw_crew *crew, u32 cpu)
{
	struct worker *worker = malloc(sizeof(*worker));

	if (worker != NULL && worker_init(worker, crew, cpu))
		return worker;
	free(worker);
	return NULL;
}

struct uw_crew *uw_crew_new(uint32_t cpu)
{
	struct uw_crew *crew = calloc(1, sizeof(*crew));

	if (crew == NULL)
		return NULL;
	crew->cpu = cpu;
	if (!uw_mutex_init(&crew->mutex))
		goto no_mutex;
	if (!uw_cond_init(&crew->work))
		goto no_work;
	if (uw_cond_init(&crew->ended))
		return crew;
	uw_cond_destroy(&crew->work);
no_work:
	uw_mutex_destroy(&crew->mutex);
no_mutex:
	free(crew);
	return NULL;
}

void uw_crew_free(struct uw_crew *crew)
{
	if (crew == NULL)
		return;
	uw_cond_destroy(&crew->ended);
	uw_cond_destroy(&crew->work);
	uw_mutex_destroy(&crew->mutex);
	free(crew);
}

int uw_crew_work(struct uw_crew *crew)
{
	struct worker *worker = worker_new(crew, crew->cpu);
	struct uw_batch *batch;
	struct split *split;
	const struct uw_job *job;

	if (worker == NULL)
		return UW_ERR_MEMORY;
	uw_mutex_lock(&crew->mutex);
	for (;;) {
		batch = choose_job(crew, &job);
		split = batch == NULL ? split_join(crew) : NULL;
		if (batch == NULL && split == NULL) {
			if (crew->dismissed)
				break;
			crew->idle++;
			uw_cond_wait(&crew->work, &crew->mutex);
			crew->idle--;
			continue;
		}
		uw_mutex_unlock(&crew->mutex);
		if (batch != NULL)
			run_job(worker, batch, job);
		else
			split_help(split);
		uw_mutex_lock(&crew->mutex);
		if (batch != NULL)
			end_job(crew, batch, job);
	}
	uw_mutex_unlock(&crew->mutex);
	worker_free(worker);
	return UW_OK;
}

void uw_crew_dismiss(struct uw_crew *crew)
{
	uw_mutex_lock(&crew->mutex);
	crew->dismissed = true;
	uw_cond_broadcast(&crew->work);
	uw_mutex_unlock(&crew->mutex);
}

void uw_crew_add(struct uw_crew *crew, struct uw_batch *batch)
{
	struct uw_batch **at;

	batch->crew = crew;
	uw_mutex_lock(&crew->mutex);
	if (!batch->finished) {
		for (at = &crew->batches; *at != NULL; at = &(*at)->later)
			;
		*at = batch;
		uw_cond_broadcast(&crew->work);
	}
	uw_mutex_unlock(&crew->mutex);
}

int uw_batch_run(struct uw_batch *batch, uint32_t cpu, struct uw_error *err)
{
	struct worker *worker = worker_new(NULL, cpu);
	const struct uw_job *job;

	if (worker == NULL)
		return (int)uw_fail(err, UW_ERR_MEMORY, UW_WHY_NONE, 0,
				    "out of memory");
	while ((job = take_job(batch)) != NULL) {
		run_job(worker, batch, job);
		after_job(batch, job);
	}
	batch->finished = true;
	worker_free(worker);
	return UW_OK;
}

/* The crew may be gone once the batch is finished, so that is asked first. */
int uw_batch_wait(struct uw_batch *batch, int milliseconds)
{
	struct uw_crew *crew = batch->crew;
	bool finished = batch->finished;

	if (finished || crew == NULL)
		return 1;
	uw_mutex_lock(&crew->mutex);
	if (!batch->finished && milliseconds > 0)
		uw_cond_wait_for(&crew->ended, &crew->mutex, milliseconds);
	finished = batch->finished;
	uw_mutex_unlock(&crew->mutex);
	return finished;
}
