/*
 * split.c - big members, done by two threads
 *
 * Locks: split->mutex guards one ring, crew->mutex the list of splits.  Where
 * both are held, the crew's was taken first.
 */
#include "crew.h"

/* The helper sleeps until so many chunks wait: one wake-up for all of them. */
#define WAKE_COUNT (UW_RING_COUNT / 2)

void uw_split_offer(struct uw_worker *worker, struct uw_batch *batch,
		    struct uw_drain *drain, u64 size)
{
	struct uw_crew *crew = worker->crew;
	struct uw_split *split = &worker->split;

	split->batch = batch;
	split->drain = drain;
	split->size = size;
	split->head = 0;
	split->measured = 0;
	split->tail = 0;
	split->measuring = false;
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
static void split_withdraw(struct uw_crew *crew, struct uw_split *split)
{
	struct uw_split **at;

	uw_mutex_lock(&crew->mutex);
	for (at = &crew->splits; *at != NULL; at = &(*at)->next) {
		if (*at == split) {
			*at = split->next;
			break;
		}
	}
	uw_mutex_unlock(&crew->mutex);
}

struct uw_split *uw_split_join(struct uw_crew *crew)
{
	struct uw_split **at, **best = NULL, *split;

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

static struct uw_chunk *chunk_of(struct uw_split *split, u32 number)
{
	return &split->ring[number % UW_RING_COUNT];
}

/* From here to uw_split_help(), split->mutex is held. */

/* Something has been done of the chunks. */
static void split_tell(struct uw_split *split)
{
	while (split->tail != split->measured &&
	       chunk_of(split, split->tail)->state == UW_CHUNK_WRITTEN)
		split->tail++;
	uw_cond_broadcast(&split->changed);
}

/* Write @chunk, which nobody writes. */
static void split_write(struct uw_split *split, struct uw_chunk *chunk)
{
	struct uw_error error;
	enum uw_status status;

	chunk->state = UW_CHUNK_CLAIMED;
	uw_mutex_unlock(&split->mutex);
	status = uw_file_write(split->drain->file, chunk->offset, chunk->span,
			       chunk->len, &error);
	uw_mutex_lock(&split->mutex);
	chunk->state = UW_CHUNK_WRITTEN;
	if (status != UW_OK && split->status == UW_OK) {
		split->status = status;
		split->error = error;
	}
	split_tell(split);
}

/* Measure the next chunk, when nobody else measures. */
static void split_measure(struct uw_split *split)
{
	struct uw_chunk *chunk = chunk_of(split, split->measured);

	split->measuring = true;
	uw_mutex_unlock(&split->mutex);
	uw_drain_take(split->drain, chunk->span, chunk->len);
	uw_drain_settle(split->drain);
	atomic_fetch_add_explicit(&split->batch->bytes, chunk->len,
				  memory_order_relaxed);
	uw_mutex_lock(&split->mutex);
	split->measuring = false;
	split->measured++;
	split_tell(split);
}

/* The oldest chunk before @end that nobody writes, or NULL. */
static struct uw_chunk *split_oldest(struct uw_split *split, u32 end)
{
	u32 k;

	for (k = split->tail; k != end; k++)
		if (chunk_of(split, k)->state == UW_CHUNK_PLAIN)
			return chunk_of(split, k);
	return NULL;
}

/* The newest one: the helper is busy with the oldest. */
static struct uw_chunk *split_newest(struct uw_split *split)
{
	u32 k;

	for (k = split->head; k != split->tail; k--)
		if (chunk_of(split, k - 1)->state == UW_CHUNK_PLAIN)
			return chunk_of(split, k - 1);
	return NULL;
}

/* Write what was just measured, or measure; false if nothing is to be done. */
static bool split_work(struct uw_split *split)
{
	struct uw_chunk *chunk = split_oldest(split, split->measured);

	if (split->status != UW_OK)
		return false;
	if (chunk == NULL && !split->measuring &&
	    split->measured != split->head) {
		split_measure(split);
		return true;
	}
	if (chunk == NULL)
		chunk = split_oldest(split, split->head);
	if (chunk == NULL)
		return false;
	split_write(split, chunk);
	return true;
}

/* Whether it is time for the helper to wake up. */
static bool split_calls(const struct uw_split *split)
{
	return split->head - split->tail >= WAKE_COUNT || split->ended;
}

static bool split_is_over(const struct uw_split *split)
{
	return split->ended &&
	       (split->tail == split->head || split->status != UW_OK);
}

void uw_split_help(struct uw_split *split)
{
	uw_mutex_lock(&split->mutex);
	while (!split_is_over(split)) {
		if (split_calls(split))
			while (split_work(split))
				;
		if (!split_is_over(split))
			uw_cond_wait(&split->changed, &split->mutex);
	}
	split->left = true;
	uw_cond_broadcast(&split->changed);
	uw_mutex_unlock(&split->mutex);
}

/*
 * Whether nothing at @at and behind it is needed any more, as far as decoding a
 * chunk may write: the oldest chunk is farther away, or before it.
 */
static bool split_has_room(struct uw_split *split, const u8 *at)
{
	const u8 *oldest = chunk_of(split, split->tail)->span;

	return split->head == split->tail ||
	       (split->head - split->tail < UW_RING_COUNT &&
		(oldest < at ||
		 (size_t)(oldest - at) >= UW_CHUNK_LEN + UW_INFLATE_SLACK));
}

/*
 * Without room nearly all of the ring is in use, however long the chunks are:
 * so many that the helper was called when the last one came.
 */
static_assert((UW_RING_LEN - UW_CHUNK_LEN) / (UW_CHUNK_LEN + UW_INFLATE_SLACK) -
			      1 >=
		      WAKE_COUNT,
	      "nobody waits for a helper that sleeps");

/* Wait for room in the ring, writing meanwhile; false after a failure. */
static bool split_make_room(struct uw_split *split, const u8 *at)
{
	struct uw_chunk *chunk;
	bool sound;

	uw_mutex_lock(&split->mutex);
	while (!split_has_room(split, at) && split->status == UW_OK) {
		chunk = split_newest(split);
		if (chunk != NULL) {
			split_write(split, chunk);
			continue;
		}
		uw_cond_wait(&split->changed, &split->mutex);
	}
	sound = split->status == UW_OK;
	uw_mutex_unlock(&split->mutex);
	return sound;
}

static void split_push(struct uw_split *split, const u8 *span, size_t len,
		       u64 offset)
{
	bool keep = split->drain->file != UW_FILE_NONE;

	uw_mutex_lock(&split->mutex);
	*chunk_of(split, split->head) = (struct uw_chunk){
		span, len, offset, keep ? UW_CHUNK_PLAIN : UW_CHUNK_WRITTEN};
	split->head++;
	if (split_calls(split))
		uw_cond_broadcast(&split->changed);
	uw_mutex_unlock(&split->mutex);
}

/*
 * The spans follow each other through the ring's window, so that what a match
 * reaches is there; where it ends, they begin again, which copies the history.
 */
enum uw_status uw_split_run(struct uw_worker *worker, struct uw_batch *batch,
			    struct uw_decode *decode, struct uw_error *err)
{
	struct uw_split *split = &worker->split;
	u8 *ring = worker->scratch.ring;
	const u8 *start = ring + UW_INFLATE_HISTORY;
	const u8 *last = start + UW_RING_LEN - UW_CHUNK_LEN;
	const u8 *at = NULL, *span;
	enum uw_status status;
	size_t len;

	while (!decode->done) {
		u64 offset = decode->plain_len;
		bool again = at == NULL || at > last;

		if (uw_batch_cancelled(batch))
			return uw_batch_stop(err);
		if (!split_make_room(split, again ? start : at))
			return UW_OK; /* uw_split_end() tells */
		if (again)
			uw_decode_move(decode, ring, UW_CHUNK_LEN);
		else
			uw_decode_extend(decode, UW_CHUNK_LEN);
		status = uw_decode_next(decode, NULL, &span, &len, err);
		if (status != UW_OK)
			return status;
		if (len != 0)
			split_push(split, span, len, offset);
		at = span + len;
	}
	return UW_OK;
}

enum uw_status uw_split_end(struct uw_worker *worker, struct uw_error *err)
{
	struct uw_split *split = &worker->split;

	split_withdraw(worker->crew, split);
	if (!atomic_load(&split->joined))
		return UW_OK;
	uw_mutex_lock(&split->mutex);
	split->ended = true;
	uw_cond_broadcast(&split->changed);
	while (split_work(split))
		;
	while (!split->left)
		uw_cond_wait(&split->changed, &split->mutex);
	uw_mutex_unlock(&split->mutex);
	if (split->status != UW_OK)
		*err = split->error;
	return split->status;
}
