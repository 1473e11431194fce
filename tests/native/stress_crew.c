/*
 * stress_crew.c - crews, batches and cancelling at random, for ThreadSanitizer
 *
 *   stress_crew WHEEL NEW_DIRECTORY SECONDS [SEED]
 *
 * Each round several crews of several threads share several batches of the same
 * archive; some batches write, some only verify, some expect a wrong digest,
 * some are cancelled at a random moment, some run on a thread of their own.
 * After each round every batch must have an outcome that its fate allows.  Same
 * seed, same plan; the scheduler does the rest.
 */
#include "base.h"

#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#define CREWS_MAX   3
#define THREADS_MAX 3
#define BATCHES_MAX 5
#define PATH_LEN    4096

/* What a batch goes through. */
struct fate {
	bool writes;
	bool cancelled;
	bool wrong; /* one digest is not the member's */
	bool alone; /* uw_batch_run() instead of a crew */
	int dedupe; /* enum uw_dedupe */
};

struct job {
	struct fate fate;
	struct uw_tree *tree;
	struct uw_batch *batch;
	u32 wrong_order;
	u32 cpu;
	pthread_t thread; /* if alone, */
	int status;	  /* and what it returned */
};

struct crew {
	struct uw_crew *crew;
	pthread_t threads[THREADS_MAX];
	u32 thread_count;
};

/* The orders of the wheel, and the digests that the first pass found. */
struct wheel {
	struct uw_archive *archive;
	u32 count;
	u32 *entries;
	u8 *flags;
	u8 *digests;
};

static u64 random_state;

static u32 choose(u32 below)
{
	random_state = random_state * 6364136223846793005u + 1;
	return (u32)(random_state >> 33) % below;
}

static bool once_in(u32 times)
{
	return choose(times) == 0;
}

static void die(const char *what)
{
	fprintf(stderr, "stress_crew: %s\n", what);
	exit(1);
}

static void require(bool truth, const char *what)
{
	if (!truth)
		die(what);
}

static void *allocate(size_t count, size_t len)
{
	void *block = calloc(count, len);

	require(block != NULL, "out of memory");
	return block;
}

static void pause_for(u32 microseconds)
{
	struct timespec t = {.tv_nsec = (long)microseconds * 1000};

	nanosleep(&t, NULL);
}

/* ------------------------------------------------------------- the orders */

static u8 flags_of(const struct uw_entry *entry, const char *name)
{
	if (name[entry->name_len - 1] == '/')
		return UW_ORDER_DIRECTORY;
	return entry->external_attr >> 16 & 0111 ? UW_ORDER_EXECUTABLE : 0;
}

static void open_wheel(struct wheel *wheel, const char *path)
{
	struct uw_limits limits = {
		.entries = 1 << 20, .directory_len = 1 << 28, .name_len = 4095};
	struct uw_problems problems = {0};
	const struct uw_entry *entries;
	const char *names;
	size_t names_len;
	u32 k;

	if (uw_archive_open(path, &limits, &wheel->archive, &problems) != UW_OK)
		die(problems.list[0].message);
	entries = uw_archive_entries(wheel->archive);
	names = uw_archive_names(wheel->archive, &names_len);
	wheel->count = uw_archive_count(wheel->archive);
	require(wheel->count > 0, "an empty wheel is no test");
	wheel->entries = allocate(wheel->count, sizeof(*wheel->entries));
	wheel->flags = allocate(wheel->count, 1);
	wheel->digests = allocate(wheel->count, 32);
	for (k = 0; k < wheel->count; k++) {
		wheel->entries[k] = k;
		wheel->flags[k] =
			flags_of(entries + k, names + entries[k].name_offset);
	}
}

static void close_wheel(struct wheel *wheel)
{
	uw_archive_close(wheel->archive);
	free(wheel->entries);
	free(wheel->flags);
	free(wheel->digests);
}

static struct uw_batch *new_batch(const struct wheel *wheel,
				  const struct uw_tree *tree, const u8 *digests,
				  int dedupe)
{
	struct uw_sheet sheet = {.count = wheel->count,
				 .entries = wheel->entries,
				 .flags = wheel->flags,
				 .digests = digests,
				 .dedupe = dedupe};
	struct uw_batch *batch;
	struct uw_error err = {0};

	if (uw_batch_new(wheel->archive, tree, &sheet, &batch, &err) != UW_OK)
		die(err.message);
	return batch;
}

static bool is_file(const struct wheel *wheel, u32 order)
{
	return (wheel->flags[order] & UW_ORDER_DIRECTORY) == 0;
}

/* The first pass, on this thread alone, finds the digests to expect later. */
static void learn_digests(struct wheel *wheel)
{
	struct uw_batch *batch = new_batch(wheel, NULL, NULL, UW_DEDUPE_OFF);
	struct uw_error err = {0};
	u32 k;

	if (uw_batch_run(batch, 0, &err) != UW_OK)
		die(err.message);
	for (k = 0; k < wheel->count; k++) {
		if (!is_file(wheel, k))
			continue;
		memcpy(wheel->digests + (size_t)k * 32,
		       uw_batch_results(batch)[k].sha256, 32);
		wheel->flags[k] |= UW_ORDER_SHA256;
	}
	uw_batch_free(batch);
}

/* ---------------------------------------------------------------- the jobs */

static u32 choose_file(const struct wheel *wheel)
{
	u32 order;

	do
		order = choose(wheel->count);
	while (!is_file(wheel, order));
	return order;
}

static struct uw_batch *new_wrong_batch(const struct wheel *wheel,
					const struct job *job)
{
	u8 *digests = allocate(wheel->count, 32);
	struct uw_batch *batch;

	memcpy(digests, wheel->digests, (size_t)wheel->count * 32);
	digests[(size_t)job->wrong_order * 32 + choose(32)] ^= 1;
	batch = new_batch(wheel, job->tree, digests, job->fate.dedupe);
	free(digests); /* the batch has copied what it needs */
	return batch;
}

static void open_job(struct job *job, const struct wheel *wheel,
		     const char *root, u32 index)
{
	struct uw_error err = {0};
	char path[PATH_LEN];

	job->fate.writes = !once_in(3);
	job->fate.cancelled = once_in(2);
	job->fate.wrong = once_in(5);
	job->fate.alone = once_in(4);
	job->fate.dedupe = (int)choose(3);
	job->cpu = once_in(3) ? 0 : uw_cpu_detect();
	job->tree = NULL;
	if (job->fate.writes) {
		snprintf(path, sizeof(path), "%s/%u", root, index);
		require(mkdir(path, 0777) == 0, "cannot make a directory");
		if (uw_tree_open(path, UW_TREE_BEST, &job->tree, &err) != UW_OK)
			die(err.message);
	}
	job->wrong_order = choose_file(wheel);
	job->batch = job->fate.wrong
			     ? new_wrong_batch(wheel, job)
			     : new_batch(wheel, job->tree, wheel->digests,
					 job->fate.dedupe);
}

static void *run_alone(void *argument)
{
	struct job *job = argument;
	struct uw_error err = {0};

	job->status = uw_batch_run(job->batch, job->cpu, &err);
	return NULL;
}

static void start_job(struct job *job, const struct crew *crew)
{
	if (!job->fate.alone)
		uw_crew_add(crew->crew, job->batch);
	else
		require(pthread_create(&job->thread, NULL, run_alone, job) == 0,
			"cannot make a thread");
}

/* As the engine does: wait a little, look at the counters, wait again. */
static void await_job(struct job *job, u64 *bytes_seen)
{
	struct uw_progress progress;

	do {
		uw_batch_progress(job->batch, &progress);
		require(progress.bytes >= *bytes_seen, "progress went back");
		*bytes_seen = progress.bytes;
		if (job->fate.alone)
			pause_for(100); /* there is no crew to wake us */
	} while (job->fate.alone ? !progress.finished
				 : !uw_batch_wait(job->batch, 1));
	if (job->fate.alone)
		pthread_join(job->thread, NULL);
	uw_batch_progress(job->batch, &progress);
	require(progress.finished, "waited for, but not finished");
	require(job->fate.dedupe != UW_DEDUPE_OFF || progress.repeats == 0,
		"repeats that nobody wanted");
	require(progress.repeated <= progress.bytes, "more repeats than bytes");
}

/* An order's outcome is one that the fate of its batch allows. */
static void check_order(const struct wheel *wheel, const struct job *job,
			u32 order)
{
	const struct uw_result *result = uw_batch_results(job->batch) + order;
	bool wrong = job->fate.wrong && order == job->wrong_order;

	if (result->status == UW_ERR_CANCELLED) {
		require(job->fate.cancelled || job->fate.wrong,
			"an order is cancelled for no reason");
		return;
	}
	if (result->status != (wrong ? UW_ERR_MISMATCH : UW_OK)) {
		fprintf(stderr, "order %u: status %d, reason %d, errno %d\n",
			order, result->status, result->reason,
			result->os_error);
		die("an order has the wrong outcome");
	}
	if (is_file(wheel, order))
		require(memcmp(result->sha256,
			       wheel->digests + (size_t)order * 32, 32) == 0,
			"a digest is wrong");
}

static void close_job(struct job *job, const struct wheel *wheel)
{
	bool sound = !job->fate.cancelled && !job->fate.wrong;
	u32 k;

	if (job->fate.alone && sound)
		require(job->status == UW_OK, "a sound batch failed");
	for (k = 0; k < wheel->count; k++)
		check_order(wheel, job, k);
	uw_batch_free(job->batch);
	uw_tree_close(job->tree);
}

/* --------------------------------------------------------------- the crews */

static void *work(void *argument)
{
	uw_crew_work(argument);
	return NULL;
}

static void open_crew(struct crew *crew)
{
	u32 k;

	crew->crew = uw_crew_new(once_in(3) ? 0 : uw_cpu_detect());
	require(crew->crew != NULL, "no crew");
	crew->thread_count = 1 + choose(THREADS_MAX);
	for (k = 0; k < crew->thread_count; k++)
		require(pthread_create(crew->threads + k, NULL, work,
				       crew->crew) == 0,
			"cannot make a thread");
}

static void close_crew(struct crew *crew)
{
	u32 k;

	uw_crew_dismiss(crew->crew);
	for (k = 0; k < crew->thread_count; k++)
		pthread_join(crew->threads[k], NULL);
	uw_crew_free(crew->crew);
}

/* --------------------------------------------------------------- the rounds */

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

static void remove_tree(const char *path)
{
	require(nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS) == 0,
		"cannot remove what was written");
}

static void play_round(const struct wheel *wheel, const char *root)
{
	struct crew crews[CREWS_MAX];
	struct job jobs[BATCHES_MAX];
	u64 bytes_seen[BATCHES_MAX] = {0};
	u32 crew_count = 1 + choose(CREWS_MAX);
	u32 job_count = 1 + choose(BATCHES_MAX);
	u32 k;

	require(mkdir(root, 0777) == 0, "cannot make the directory");
	for (k = 0; k < job_count; k++)
		open_job(jobs + k, wheel, root, k);
	for (k = 0; k < crew_count; k++)
		open_crew(crews + k);
	for (k = 0; k < job_count; k++)
		start_job(jobs + k, crews + choose(crew_count));
	for (k = 0; k < job_count; k++) {
		pause_for(choose(once_in(3) ? 20000 : 200));
		if (jobs[k].fate.cancelled)
			uw_batch_cancel(jobs[k].batch);
	}
	for (k = 0; k < job_count; k++)
		await_job(jobs + k, bytes_seen + k);
	/* A finished batch may go while the crew still works on others. */
	for (k = 0; k < job_count; k++)
		close_job(jobs + k, wheel);
	for (k = 0; k < crew_count; k++)
		close_crew(crews + k);
	remove_tree(root);
}

int main(int argc, char **argv)
{
	struct wheel wheel = {0};
	time_t end;
	u32 rounds = 0;

	if (argc < 4)
		die("usage: stress_crew WHEEL NEW_DIRECTORY SECONDS [SEED]");
	random_state = argc > 4 ? strtoull(argv[4], NULL, 10) : 1;
	open_wheel(&wheel, argv[1]);
	learn_digests(&wheel);
	end = time(NULL) + atoi(argv[3]);
	do {
		play_round(&wheel, argv[2]);
		rounds++;
	} while (time(NULL) < end);
	close_wheel(&wheel);
	printf("stress_crew: %u rounds\n", rounds);
	return 0;
}
