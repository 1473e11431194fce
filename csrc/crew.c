/*
 * crew.c - threads and the queue
 *
 * The crew owns no thread: each one is lent to it by uw_crew_work().  A thread
 * takes jobs, the largest first, of the first batch that has any; when there
 * are none it takes over the drain half of a big member that another thread is
 * decoding; when there is none of those either, it sleeps.  Members that seem
 * to repeat another one, their leader, are jobs that come up when it is done:
 * then they go first, while what they need is still in the caches.
 *
 * Locks: crew->mutex guards the queue, each batch's counts and the list of
 * splits.
 */
#include "crew.h"

#include <stdlib.h>

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

static bool worker_init(struct uw_worker *worker, struct uw_crew *crew, u32 cpu)
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

static void worker_free(struct uw_worker *worker)
{
	uw_scratch_free(&worker->scratch);
	uw_cond_destroy(&worker->split.changed);
	uw_mutex_destroy(&worker->split.mutex);
	free(worker);
}

static struct uw_worker *worker_new(struct uw_crew *crew, u32 cpu)
{
	struct uw_worker *worker = malloc(sizeof(*worker));

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
	struct uw_worker *worker = worker_new(crew, crew->cpu);
	struct uw_batch *batch;
	struct uw_split *split;
	const struct uw_job *job;

	if (worker == NULL)
		return UW_ERR_MEMORY;
	uw_mutex_lock(&crew->mutex);
	for (;;) {
		batch = choose_job(crew, &job);
		split = batch == NULL ? uw_split_join(crew) : NULL;
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
			uw_job_run(worker, batch, job);
		else
			uw_split_help(split);
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
	struct uw_worker *worker = worker_new(NULL, cpu);
	const struct uw_job *job;

	if (worker == NULL)
		return (int)uw_fail(err, UW_ERR_MEMORY, UW_WHY_NONE, 0,
				    "out of memory");
	while ((job = take_job(batch)) != NULL) {
		uw_job_run(worker, batch, job);
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
