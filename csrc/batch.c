/*
 * batch.c - one wheel's orders, sorted into jobs
 *
 * Jobs go out largest first, so that the last thread to finish has little left.
 * Small members are handed out by directory: two threads that create files in
 * one directory wait for its lock, so each is sent to one where nobody is, as
 * long as there is one.  Members that seem to be the same are put
 * behind one of them, their leader, of which they may become copies.
 */
#include "batch.h"
#include "batch_repeats.h"
#include "tree_name.h"

#include <stdlib.h>

/* What creating a file costs besides its bytes, in bytes to inflate. */
#define FILE_COST 16384

/* A job of small members is at most this, so that threads can share a wheel. */
#define JOB_COST_MAX ((u64)4 << 20)

/* So many jobs are looked at for one in a directory where nobody is. */
#define LOOK_AHEAD 64

/*
 * What it costs to make a copy of a file that is done, as a part of what it
 * costs to inflate it.
 */
#define REPEAT_SHARE 8

/* A job of repeats is at most this, or one: they are ready at the end. */
#define REPEAT_JOB_COST_MAX UW_BIG_MEMBER

/* ------------------------------------------------------------------- paths */

static const char *order_path(const struct uw_batch *batch, u32 order)
{
	return batch->paths + batch->path_at[order];
}

/*
 * Where the last component starts; a directory's own '/' does not count.  Nor
 * does that of "/x", which would name a file of the root: it stays in the leaf,
 * and is refused there.
 */
static u32 find_leaf(const char *path, size_t len)
{
	if (len != 0 && path[len - 1] == '/')
		len--;
	while (len > 1 && path[len - 1] != '/')
		len--;
	return len > 1 ? (u32)len : 0;
}

static enum uw_status take_own_paths(struct uw_batch *batch,
				     const struct uw_sheet *sheet,
				     struct uw_error *err)
{
	const char *next, *end;
	u32 k;

	if (sheet->paths_len >= UINT32_MAX)
		return uw_fail(err, UW_ERR_LIMIT, UW_WHY_NONE, 0,
			       "4 GiB of paths");
	batch->own_paths = malloc(sheet->paths_len + 1);
	if (batch->own_paths == NULL)
		return uw_fail(err, UW_ERR_MEMORY, UW_WHY_NONE, 0,
			       "out of memory");
	memcpy(batch->own_paths, sheet->paths, sheet->paths_len);
	batch->own_paths[sheet->paths_len] = '\0';
	batch->paths = batch->own_paths;
	next = batch->paths;
	end = batch->paths + sheet->paths_len;
	for (k = 0; k < batch->count && next < end; k++) {
		size_t len = strlen(next);

		batch->path_at[k] = (u32)(next - batch->paths);
		batch->leaf_at[k] = batch->path_at[k] + find_leaf(next, len);
		next += len + 1;
	}
	if (k != batch->count || next != end)
		return uw_fail(err, UW_ERR_USAGE, UW_WHY_NONE, 0,
			       "a sheet of %u orders with other paths",
			       batch->count);
	return UW_OK;
}

static enum uw_status take_paths(struct uw_batch *batch,
				 const struct uw_sheet *sheet,
				 struct uw_error *err)
{
	u32 k;

	if (sheet->paths != NULL)
		return take_own_paths(batch, sheet, err);
	batch->paths = batch->archive->names;
	for (k = 0; k < batch->count; k++) {
		const struct uw_entry *entry =
			&batch->archive->entries[batch->entries[k]];

		batch->path_at[k] = entry->name_offset;
		batch->leaf_at[k] = entry->name_offset +
				    find_leaf(batch->paths + entry->name_offset,
					      entry->name_len);
	}
	return UW_OK;
}

/* -------------------------------------------------------------------- runs */

/*
 * Orders that follow each other into one directory.  Archives are written
 * directory by directory, so there are few runs; they are sorted, not hashed,
 * because the names are an attacker's and sorting has no bad case.
 */
struct run {
	const char *dir;
	u32 dir_len;
	u32 first; /* order */
	u32 count; /* 0 for a directory that was ordered itself */
};

struct runs {
	struct run *list;
	u32 count;
};

static bool same_dir(const struct run *a, const struct run *b)
{
	return a->dir_len == b->dir_len &&
	       memcmp(a->dir, b->dir, a->dir_len) == 0;
}

/* A parent before its children: '/' sorts below every other byte. */
static int compare_runs(const void *left, const void *right)
{
	const struct run *a = left, *b = right;
	u32 len = a->dir_len < b->dir_len ? a->dir_len : b->dir_len, k;

	for (k = 0; k < len; k++) {
		u8 x = (u8)a->dir[k], y = (u8)b->dir[k];

		if (x != y)
			return x == '/' ? -1 : y == '/' ? 1 : x < y ? -1 : 1;
	}
	if (a->dir_len != b->dir_len)
		return a->dir_len < b->dir_len ? -1 : 1;
	return a->first < b->first ? -1 : 1;
}

static struct run run_of(const struct uw_batch *batch, u32 order)
{
	struct run run = {order_path(batch, order),
			  uw_batch_dir_len(batch, order), order, 1};

	if (batch->flags[order] & UW_ORDER_DIRECTORY) {
		run.dir_len = (u32)strlen(run.dir);
		if (run.dir_len != 0 && run.dir[run.dir_len - 1] == '/')
			run.dir_len--;
		run.count = 0;
	}
	return run;
}

static bool runs_init(struct runs *runs, const struct uw_batch *batch)
{
	u32 k;

	runs->count = 0;
	runs->list = malloc(((size_t)batch->count + 1) * sizeof(*runs->list));
	if (runs->list == NULL)
		return false;
	for (k = 0; k < batch->count; k++) {
		struct run run = run_of(batch, k);
		struct run *last =
			runs->count == 0 ? NULL : &runs->list[runs->count - 1];

		if (last != NULL && run.count != 0 && last->count != 0 &&
		    same_dir(last, &run))
			last->count++;
		else
			runs->list[runs->count++] = run;
	}
	qsort(runs->list, runs->count, sizeof(*runs->list), compare_runs);
	return true;
}

/* -------------------------------------------------------------------- jobs */

static u64 order_size(const struct uw_batch *batch, u32 order)
{
	return uw_batch_entry(batch, order)->size;
}

static u64 repeat_cost(u64 size)
{
	return size / REPEAT_SHARE + FILE_COST;
}

/* With that of one repeat, which cannot be begun before, nor be shared. */
static u64 order_cost(const struct uw_batch *batch, u32 order)
{
	u64 size = order_size(batch, order);

	return batch->flags[order] & UW_ORDER_LEADS ? size + repeat_cost(size)
						    : size;
}

static void add_job(struct uw_batch *batch, struct uw_job job)
{
	if (job.count == 0)
		return;
	job.leader = UW_NO_ORDER;
	batch->jobs[batch->job_count++] = job;
}

/* Queue the small members of a run; each big one is a job of its own. */
static void queue_run(struct uw_batch *batch, const struct run *run,
		      u32 *queued, struct uw_job *open)
{
	u32 order;

	for (order = run->first; order < run->first + run->count; order++) {
		if (order_size(batch, order) >= UW_BIG_MEMBER ||
		    (batch->flags[order] & UW_ORDER_REPEATS))
			continue;
		if (open->cost >= JOB_COST_MAX) {
			add_job(batch, *open);
			*open = (struct uw_job){.first = *queued,
						.dir = open->dir};
		}
		batch->queue[(*queued)++] = order;
		open->count++;
		open->cost += order_cost(batch, order) + FILE_COST;
	}
}

static int larger_first(const void *left, const void *right)
{
	const struct uw_job *a = left, *b = right;

	if (a->cost != b->cost)
		return a->cost > b->cost ? -1 : 1;
	return a->first < b->first ? -1 : 1;
}

/* Returns how many orders are queued now. */
static u32 make_free_jobs(struct uw_batch *batch, const struct runs *runs)
{
	struct uw_job open = {.dir = 1};
	u32 queued = 0, k;

	for (k = 0; k < runs->count; k++) {
		if (k != 0 && !same_dir(&runs->list[k - 1], &runs->list[k])) {
			add_job(batch, open);
			open = (struct uw_job){.first = queued, .dir = k + 1};
		}
		queue_run(batch, &runs->list[k], &queued, &open);
	}
	add_job(batch, open);
	for (k = 0; k < batch->count; k++) {
		if ((batch->flags[k] &
		     (UW_ORDER_DIRECTORY | UW_ORDER_REPEATS)) ||
		    order_size(batch, k) < UW_BIG_MEMBER)
			continue;
		batch->queue[queued] = k;
		add_job(batch, (struct uw_job){.cost = order_cost(batch, k),
					       .first = queued++,
					       .count = 1});
	}
	qsort(batch->jobs, batch->job_count, sizeof(*batch->jobs),
	      larger_first);
	batch->free_count = batch->job_count;
	return queued;
}

/* A job's index is never 0: its leader is in a job before it. */
static void make_repeat_jobs(struct uw_batch *batch,
			     const struct uw_kindred *kindred, u32 queued)
{
	struct uw_job *job = NULL;
	u32 leader = UW_NO_ORDER, k;

	for (k = 0; k < kindred->count; k++) {
		const struct uw_kin *kin = &kindred->list[k];

		if (batch->flags[kin->order] & UW_ORDER_LEADS) {
			leader = kin->order;
			batch->repeats_at[leader] = batch->job_count;
			job = NULL;
			continue;
		}
		if (job == NULL || job->cost >= REPEAT_JOB_COST_MAX) {
			job = &batch->jobs[batch->job_count++];
			*job = (struct uw_job){.first = queued,
					       .leader = leader};
		}
		batch->queue[queued++] = kin->order;
		job->count++;
		job->cost += repeat_cost(kin->size);
	}
}

/* The index of the free job to take next: by size, but not into a crowd. */
static u32 choose_free_job(const struct uw_batch *batch)
{
	u32 first = batch->free_taken, end = batch->free_count, k;

	if (end - first > LOOK_AHEAD)
		end = first + LOOK_AHEAD;
	for (k = first; k < end; k++)
		if (batch->busy[batch->jobs[k].dir] == 0)
			return k;
	return first;
}

/* Jobs that are taken stay where they are: threads have pointers to them. */
const struct uw_job *uw_batch_take(struct uw_batch *batch)
{
	struct uw_job *next, job;
	u32 chosen;

	if (batch->free_taken == batch->free_count)
		return NULL;
	chosen = choose_free_job(batch);
	next = &batch->jobs[batch->free_taken];
	job = batch->jobs[chosen];
	memmove(next + 1, next, (chosen - batch->free_taken) * sizeof(*next));
	*next = job;
	batch->free_taken++;
	if (job.dir != 0)
		batch->busy[job.dir]++;
	return next;
}

void uw_batch_leave(struct uw_batch *batch, const struct uw_job *job)
{
	if (job->dir != 0)
		batch->busy[job->dir]--;
}

/* ------------------------------------------------------------- directories */

/* After the runs of the same directory as run @first. */
static u32 dir_end(const struct runs *runs, u32 first)
{
	u32 end = first + 1;

	while (end < runs->count &&
	       same_dir(&runs->list[first], &runs->list[end]))
		end++;
	return end;
}

static bool is_below(const struct run *run, const struct run *dir)
{
	return run->dir_len > dir->dir_len && run->dir[dir->dir_len] == '/' &&
	       memcmp(run->dir, dir->dir, dir->dir_len) == 0;
}

/*
 * A directory, the runs from @first to @end, that holds files only.  Others are
 * made before the jobs in any case, for those below: their jobs need not try.
 */
static bool is_leaf(const struct runs *runs, u32 first, u32 end)
{
	const struct run *dir = &runs->list[first];
	u32 k;

	for (k = first; k < end; k++)
		if (runs->list[k].count == 0)
			return false;
	return dir->dir_len != 0 &&
	       (end == runs->count || !is_below(&runs->list[end], dir));
}

static void mark_leaf(struct uw_batch *batch, const struct run *run)
{
	u32 k;

	for (k = run->first; k < run->first + run->count; k++)
		batch->flags[k] |= UW_ORDER_LEAF;
}

/* Of a directory, how much of its name has to be there before any job. */
static u32 needed_len(struct uw_batch *batch, const struct runs *runs,
		      u32 first, u32 end)
{
	const struct run *dir = &runs->list[first];
	u32 k;

	if (!is_leaf(runs, first, end))
		return dir->dir_len;
	for (k = first; k < end; k++)
		mark_leaf(batch, &runs->list[k]);
	return (u32)uw_name_parent_len(dir->dir, dir->dir_len);
}

struct dir_list {
	const char **names;
	char *text;
	size_t count;
};

static enum uw_status dir_list_init(struct dir_list *list,
				    const struct runs *runs,
				    struct uw_error *err)
{
	size_t len = 1;
	u32 k;

	for (k = 0; k < runs->count; k++)
		len += (size_t)runs->list[k].dir_len + 1;
	list->names = malloc(((size_t)runs->count + 1) * sizeof(*list->names));
	list->text = malloc(len);
	list->count = 0;
	if (list->names != NULL && list->text != NULL)
		return UW_OK;
	return uw_fail(err, UW_ERR_MEMORY, UW_WHY_NONE, 0, "out of memory");
}

/* A name that is refused is refused before anything is made. */
static enum uw_status list_dirs(struct uw_batch *batch, const struct runs *runs,
				struct dir_list *list, struct uw_error *err)
{
	char *text = list->text;
	u32 k, end;

	for (k = 0; k < runs->count; k = end) {
		const struct run *dir = &runs->list[k];
		enum uw_status status = UW_OK;
		u32 len;

		end = dir_end(runs, k);
		if (dir->dir_len != 0 || dir->count == 0)
			status = uw_name_check(dir->dir, dir->dir_len, err);
		if (status != UW_OK)
			return status;
		len = needed_len(batch, runs, k, end);
		if (len == 0)
			continue;
		list->names[list->count++] = text;
		memcpy(text, dir->dir, len);
		text[len] = '\0';
		text += len + 1;
	}
	return UW_OK;
}

/*
 * Directories that hold others are made before any member: each once, parents
 * first.  Those that hold files only, which are most of them, are left to the
 * jobs, which make them side by side.
 */
static enum uw_status make_dirs(struct uw_batch *batch, const struct runs *runs,
				struct uw_error *err)
{
	struct dir_list list;
	size_t failed;
	enum uw_status status = dir_list_init(&list, runs, err);

	if (status == UW_OK)
		status = list_dirs(batch, runs, &list, err);
	if (status == UW_OK)
		status = uw_tree_make_dirs(batch->tree, list.names, list.count,
					   &failed, err);
	free(list.names);
	free(list.text);
	return status;
}

static void finish_directories(struct uw_batch *batch)
{
	u32 k;

	for (k = 0; k < batch->count; k++) {
		if (!(batch->flags[k] & UW_ORDER_DIRECTORY))
			continue;
		batch->results[k].status = UW_OK;
		atomic_fetch_add(&batch->members, 1);
	}
}

/* -------------------------------------------------------------- new, free */

static bool allocate(struct uw_batch *batch, const struct uw_sheet *sheet)
{
	size_t count = (size_t)sheet->count + 1;

	batch->entries = malloc(count * sizeof(*batch->entries));
	batch->flags = malloc(count);
	batch->path_at = malloc(count * sizeof(*batch->path_at));
	batch->leaf_at = malloc(count * sizeof(*batch->leaf_at));
	batch->results = calloc(count, sizeof(*batch->results));
	batch->queue = malloc(count * sizeof(*batch->queue));
	batch->jobs = malloc(count * sizeof(*batch->jobs));
	batch->busy = calloc(count, sizeof(*batch->busy));
	if (sheet->digests != NULL)
		batch->digests = malloc(count * 32);
	if (sheet->times != NULL)
		batch->times = malloc(count * sizeof(*batch->times));
	return batch->entries != NULL && batch->flags != NULL &&
	       batch->path_at != NULL && batch->leaf_at != NULL &&
	       batch->results != NULL && batch->queue != NULL &&
	       batch->jobs != NULL && batch->busy != NULL &&
	       (batch->digests != NULL || sheet->digests == NULL) &&
	       (batch->times != NULL || sheet->times == NULL);
}

#define ORDER_FLAGS (UW_ORDER_EXECUTABLE | UW_ORDER_DIRECTORY | UW_ORDER_SHA256)

static enum uw_status take_sheet(struct uw_batch *batch,
				 const struct uw_sheet *sheet,
				 struct uw_error *err)
{
	u32 k;

	if (sheet->dedupe < UW_DEDUPE_OFF || sheet->dedupe > UW_DEDUPE_HARDLINK)
		return uw_fail(err, UW_ERR_USAGE, UW_WHY_NONE, 0,
			       "no such way to treat repeats: %d",
			       sheet->dedupe);
	if (!allocate(batch, sheet))
		return uw_fail(err, UW_ERR_MEMORY, UW_WHY_NONE, 0,
			       "out of memory");
	batch->count = sheet->count;
	batch->dedupe = sheet->dedupe;
	for (k = 0; k < sheet->count; k++) {
		if (sheet->entries[k] >= batch->archive->count ||
		    ((sheet->flags[k] & UW_ORDER_SHA256) &&
		     sheet->digests == NULL))
			return uw_fail(err, UW_ERR_USAGE, UW_WHY_NONE, 0,
				       "order %u is not in the archive", k);
		batch->entries[k] = sheet->entries[k];
		batch->flags[k] = sheet->flags[k] & ORDER_FLAGS;
		batch->results[k].status = UW_ERR_CANCELLED;
	}
	if (sheet->digests != NULL)
		memcpy(batch->digests, sheet->digests,
		       (size_t)sheet->count * 32);
	if (sheet->times != NULL)
		memcpy(batch->times, sheet->times,
		       sheet->count * sizeof(*batch->times));
	return take_paths(batch, sheet, err);
}

int uw_batch_new(const struct uw_archive *archive, const struct uw_tree *tree,
		 const struct uw_sheet *sheet, struct uw_batch **batch_ret,
		 struct uw_error *err)
{
	struct uw_batch *batch;
	struct runs runs = {NULL, 0};
	struct uw_kindred kindred = {NULL, 0};
	enum uw_status status;

	*batch_ret = NULL;
	batch = calloc(1, sizeof(*batch));
	if (batch == NULL)
		return (int)uw_fail(err, UW_ERR_MEMORY, UW_WHY_NONE, 0,
				    "out of memory");
	batch->archive = archive;
	batch->tree = tree;
	status = take_sheet(batch, sheet, err);
	if (status == UW_OK &&
	    (!runs_init(&runs, batch) || !uw_repeats_find(batch, &kindred)))
		status = uw_fail(err, UW_ERR_MEMORY, UW_WHY_NONE, 0,
				 "out of memory");
	if (status == UW_OK && tree != NULL)
		status = make_dirs(batch, &runs, err);
	if (status == UW_OK) {
		make_repeat_jobs(batch, &kindred, make_free_jobs(batch, &runs));
		finish_directories(batch);
		batch->finished = batch->job_count == 0;
		*batch_ret = batch;
	} else {
		uw_batch_free(batch);
	}
	free(kindred.list);
	free(runs.list);
	return (int)status;
}

void uw_batch_free(struct uw_batch *batch)
{
	if (batch == NULL)
		return;
	free(batch->entries);
	free(batch->flags);
	free(batch->digests);
	free(batch->times);
	free(batch->path_at);
	free(batch->leaf_at);
	free(batch->own_paths);
	free(batch->results);
	free(batch->queue);
	free(batch->jobs);
	free(batch->busy);
	free(batch->repeats_at);
	free(batch);
}

void uw_batch_cancel(struct uw_batch *batch)
{
	atomic_store(&batch->cancelled, true);
}

/* Whether it is finished comes first: then the counts after it are final. */
void uw_batch_progress(struct uw_batch *batch, struct uw_progress *progress_ret)
{
	progress_ret->finished = atomic_load(&batch->finished);
	progress_ret->bytes = atomic_load(&batch->bytes);
	progress_ret->packed = atomic_load(&batch->packed);
	progress_ret->members = atomic_load(&batch->members);
	progress_ret->failures = atomic_load(&batch->failures);
	progress_ret->repeated = atomic_load(&batch->repeated);
	progress_ret->repeats = atomic_load(&batch->repeats);
}

const struct uw_result *uw_batch_results(const struct uw_batch *batch)
{
	return batch->results;
}
