/*
 * job.c - what a thread does with a job: contents, files, repeats
 *
 * A member's last blocks are hashed while the next member of the job is
 * decoded, or together with it: until then it waits to be told.
 */
#include "crew.h"

/* What was found is what the directory states, and what RECORD says. */
static enum uw_status check(const struct uw_batch *batch, u32 order,
			    struct uw_error *err)
{
	const struct uw_result *result = &batch->results[order];
	const struct uw_entry *entry = uw_batch_entry(batch, order);

	if (result->crc32 != entry->crc32)
		return uw_fail(err, UW_ERR_CORRUPT, UW_WHY_CRC32,
			       entry->data_offset, "CRC-32 is wrong");
	if ((batch->flags[order] & UW_ORDER_SHA256) &&
	    memcmp(result->sha256, batch->digests + 32 * (size_t)order, 32))
		return uw_fail(err, UW_ERR_MISMATCH, UW_WHY_SHA256,
			       entry->data_offset, "SHA-256 is wrong");
	return UW_OK;
}

/* ----------------------------------------------------------------- telling */

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
				  uw_batch_entry(batch, order)->packed_size,
				  memory_order_relaxed);
	atomic_fetch_add_explicit(&batch->members, 1, memory_order_relaxed);
}

/* ---------------------------------------------------------------- contents */

/* The member before is hashed to its end, and told. */
static void conclude(struct uw_worker *worker)
{
	struct uw_waiting *waiting = worker->waiting;
	enum uw_status status;
	struct uw_error err;

	if (waiting == NULL)
		return;
	worker->waiting = NULL;
	uw_drain_settle(&waiting->drain);
	uw_sha256_final(&waiting->drain.sha,
			waiting->batch->results[waiting->order].sha256);
	status = check(waiting->batch, waiting->order, &err);
	tell(waiting->batch, waiting->order, status, &err);
}

/* What may be hashed while the member of @drain is decoded. */
static struct uw_shadow *shadow_of(struct uw_worker *worker,
				   struct uw_drain *drain)
{
	return worker->waiting != NULL ? &worker->waiting->drain.rest
				       : &drain->rest;
}

/* Measure the next span, and all that rests of the one before, whosever. */
static void measure(struct uw_worker *worker, struct uw_drain *drain,
		    const u8 *span, size_t len)
{
	uw_drain_settle(drain);
	uw_drain_take(drain, span, len);
	if (worker->waiting != NULL) {
		uw_drain_settle_pair(&worker->waiting->drain, drain);
		conclude(worker);
	}
}

/* Both halves on this thread; returns early, not done, if a helper came. */
static enum uw_status run_alone(struct uw_worker *worker,
				struct uw_batch *batch,
				struct uw_decode *decode,
				struct uw_drain *drain,
				const atomic_bool *joined, struct uw_error *err)
{
	enum uw_status status = UW_OK;
	const u8 *span;
	size_t len = 0;

	while (!decode->done && status == UW_OK) {
		u64 offset = decode->plain_len;

		if (uw_batch_cancelled(batch))
			return uw_batch_stop(err);
		if (joined != NULL &&
		    atomic_load_explicit(joined, memory_order_acquire))
			return UW_OK;
		uw_decode_turn(decode);
		status = uw_decode_next(decode, shadow_of(worker, drain), &span,
					&len, err);
		if (status != UW_OK || len == 0)
			continue;
		measure(worker, drain, span, len);
		if (drain->file != UW_FILE_NONE)
			status = uw_file_write(drain->file, offset, span, len,
					       err);
		atomic_fetch_add_explicit(&batch->bytes, len,
					  memory_order_relaxed);
	}
	/* Else what rests is in the last window, which the next one spares. */
	if (len == 0)
		uw_drain_settle(drain);
	return status;
}

/* A big member: alone until somebody has time to help. */
static enum uw_status run_big(struct uw_worker *worker, struct uw_batch *batch,
			      struct uw_decode *decode, struct uw_drain *drain,
			      struct uw_error *err)
{
	enum uw_status status, split_status;
	struct uw_error split_err;

	uw_split_offer(worker, batch, drain, decode->entry->size);
	status = run_alone(worker, batch, decode, drain, &worker->split.joined,
			   err);
	if (status == UW_OK && !decode->done) {
		uw_drain_settle(drain);
		status = uw_split_run(worker, batch, decode, err);
	}
	split_status = uw_split_end(worker, &split_err);
	if (status == UW_OK && split_status != UW_OK) {
		*err = split_err;
		status = split_status;
	}
	return status;
}

/* Content into @file (or nowhere), measured but for what rests in @drain. */
static enum uw_status run_content(struct uw_worker *worker,
				  struct uw_batch *batch, u32 order,
				  uw_file file, struct uw_drain *drain,
				  struct uw_error *err)
{
	struct uw_result *result = &batch->results[order];
	const struct uw_entry *entry = uw_batch_entry(batch, order);
	struct uw_decode decode;
	enum uw_status status;

	uw_decode_init(&decode, batch->archive, batch->entries[order],
		       &worker->scratch);
	uw_drain_init(drain, file, worker->scratch.cpu);
	if (worker->crew != NULL && entry->size >= UW_BIG_MEMBER &&
	    uw_scratch_ring(&worker->scratch) != NULL)
		status = run_big(worker, batch, &decode, drain, err);
	else
		status = run_alone(worker, batch, &decode, drain, NULL, err);
	/* What it waits for lies in the window that the next member gets. */
	conclude(worker);
	result->crc32 = drain->crc;
	result->size = decode.plain_len;
	result->offset = entry->data_offset + uw_decode_consumed(&decode);
	return status;
}

/* The new file of an order gets its time, if all is well, and is closed. */
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

/* Told at once if it fails, else when the rest of it is hashed. */
static void run_file(struct uw_worker *worker, struct uw_batch *batch,
		     u32 order, uw_dir dir)
{
	struct uw_waiting *member =
		&worker->members[worker->waiting == &worker->members[0]];
	bool executable = (batch->flags[order] & UW_ORDER_EXECUTABLE) != 0;
	uw_file file = UW_FILE_NONE;
	enum uw_status status = UW_OK;
	struct uw_error err;

	if (batch->tree != NULL)
		status = uw_file_create(dir,
					batch->paths + batch->leaf_at[order],
					executable, &file, &err);
	if (status == UW_OK)
		status = run_content(worker, batch, order, file, &member->drain,
				     &err);
	status = end_file(batch, order, file, status, &err);
	if (status != UW_OK) {
		tell(batch, order, status, &err);
		return;
	}
	member->batch = batch;
	member->order = order;
	worker->waiting = member;
}

/* ----------------------------------------------------------------- repeats */

/* That they seem to be the same is an attacker's word; this is the proof. */
static enum uw_status compare_packed(struct uw_worker *worker,
				     const struct uw_batch *batch, u32 order,
				     u32 leader, bool *same_ret,
				     struct uw_error *err)
{
	u32 a = batch->entries[order], b = batch->entries[leader];
	u64 packed_size = uw_batch_entry(batch, order)->packed_size, at;
	enum uw_status status;
	size_t len;

	*same_ret = false;
	for (at = 0; a != b && at < packed_size; at += len) {
		if (uw_batch_cancelled(batch))
			return uw_batch_stop(err);
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
	if (uw_batch_entry(batch, order)->size >= REFLINK_MIN)
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
	const struct uw_entry *entry = uw_batch_entry(batch, order);
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
 * An order that seems to repeat @leader, which is done; *@made_ret if it was
 * made from it.  One that does not, whose leader is not sound, or that cannot
 * be made from it (umask 0777, no descriptors left), is inflated like any
 * other.
 */
static enum uw_status make_repeat(struct uw_worker *worker,
				  struct uw_batch *batch, u32 order, u32 leader,
				  uw_dir dir, bool *made_ret,
				  struct uw_error *err)
{
	enum uw_status status;
	uw_file file;
	bool same;

	*made_ret = false;
	if (batch->results[leader].status != UW_OK)
		return UW_OK;
	status = compare_packed(worker, batch, order, leader, &same, err);
	if (status != UW_OK || !same)
		return status;
	status = duplicate(batch, order, leader, dir, &file, err);
	if (status != UW_OK)
		return status == UW_ERR_CANCELLED ? status : UW_OK;
	*made_ret = true;
	take_result(batch, order, leader);
	status = end_file(batch, order, file, UW_OK, err);
	return status == UW_OK ? check(batch, order, err) : status;
}

/* -------------------------------------------------------------------- jobs */

static bool same_dir(const struct uw_batch *batch, u32 a, u32 b)
{
	u32 len = uw_batch_dir_len(batch, a);

	return len == uw_batch_dir_len(batch, b) &&
	       memcmp(batch->paths + batch->path_at[a],
		      batch->paths + batch->path_at[b], len) == 0;
}

/* The directory of @order in place of @dir. */
static enum uw_status enter(const struct uw_batch *batch, u32 order,
			    uw_dir *dir, struct uw_error *err)
{
	const char *path = batch->paths + batch->path_at[order];
	u32 len = uw_batch_dir_len(batch, order);

	uw_dir_close(*dir);
	*dir = UW_DIR_NONE;
	if (batch->flags[order] & UW_ORDER_LEAF)
		return uw_dir_make(batch->tree, path, len, dir, err);
	return uw_dir_open(batch->tree, path, len, dir, err);
}

static void run_order(struct uw_worker *worker, struct uw_batch *batch,
		      u32 order, u32 leader, uw_dir dir)
{
	enum uw_status status;
	struct uw_error err;
	bool made;

	if (leader != UW_NO_ORDER) {
		conclude(worker); /* comparing needs the windows */
		status = make_repeat(worker, batch, order, leader, dir, &made,
				     &err);
		if (made || status != UW_OK) {
			tell(batch, order, status, &err);
			return;
		}
	}
	run_file(worker, batch, order, dir);
}

/* Orders of one directory follow each other, so it is opened once. */
void uw_job_run(struct uw_worker *worker, struct uw_batch *batch,
		const struct uw_job *job)
{
	const u32 *queue = batch->queue + job->first;
	enum uw_status entered = UW_OK;
	uw_dir dir = UW_DIR_NONE;
	struct uw_error err;
	u32 k;

	for (k = 0; k < job->count && !uw_batch_cancelled(batch); k++) {
		if (batch->tree != NULL &&
		    (k == 0 || !same_dir(batch, queue[k], queue[k - 1])))
			entered = enter(batch, queue[k], &dir, &err);
		if (entered == UW_OK)
			run_order(worker, batch, queue[k], job->leader, dir);
		else
			tell(batch, queue[k], entered, &err);
	}
	conclude(worker);
	uw_dir_close(dir);
}
