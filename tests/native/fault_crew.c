/*
 * fault_crew.c - a wheel taken apart while one call after the other fails
 *
 *   fault_crew WHEEL NEW_DIRECTORY [THREADS_MAX]
 *
 * For each kind of call, and for each n, the n-th call of that kind fails,
 * alone or with all after it; by uw_batch_run() and by crews of 1, 2 and 4
 * threads, each in a process of its own.  Whatever fails, nothing may hang or
 * crash, no memory and no descriptor may be lost, the failure must be told with
 * its number, and what is said to be done must be on the disk as the directory
 * states it.  A failure of what makes a copy need not be told: then the member
 * is inflated instead.
 */
#include "fault_plan.h"

#include <errno.h>
#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

#define THREADS_MAX  4
#define PATH_LEN     4096
#define WAIT_MS	     20
#define HANG_SECONDS 60

static u32 thread_count;
static u32 repeats; /* members that are copies, if nothing fails */

static void die(const char *what)
{
	fprintf(stderr,
		"fault_crew: %s (threads %u, kind %d, errno %d, nth %u%s)\n",
		what, thread_count, (int)fault.kind, fault.os_error, fault.nth,
		fault.for_ever ? " and later" : "");
	exit(1);
}

static void require(bool truth, const char *what)
{
	if (!truth)
		die(what);
}

/* ---------------------------------------------------------------- one play */

struct play {
	const char *wheel;
	const char *root;
	struct uw_archive *archive;
	struct uw_tree *tree;
	struct uw_batch *batch;
	struct uw_crew *crew;
	pthread_t threads[THREADS_MAX];
	atomic_uint gone; /* threads without memory */
	bool forgiven;	  /* the core could do without what failed */
};

/* A function that fails says so as the fault was made. */
static bool took(int status, const struct uw_error *err)
{
	if (status == UW_OK)
		return true;
	require(fault_fired() && !fault.harmless, "failed without a reason");
	require(status == err->status, "two statuses of one failure");
	if (fault.kind == MEMORY)
		require(status == UW_ERR_MEMORY, "not called out of memory");
	else
		require(status == UW_ERR_SYSTEM &&
				err->os_error == fault.os_error,
			"not called a failure of the system");
	return false;
}

static bool open_archive(struct play *p)
{
	struct uw_limits limits = {
		.entries = 1 << 20, .directory_len = 1 << 28, .name_len = 4095};
	struct uw_problems problems;
	int status;

	status = uw_archive_open(p->wheel, &limits, &p->archive, &problems);
	require((status == UW_OK) == (problems.count == 0),
		"a status that the problems do not have");
	require((status == UW_OK) == (p->archive != NULL), "half an archive");
	return took(status, &problems.list[0]);
}

static int dedupe(void)
{
	return thread_count == 1 ? UW_DEDUPE_HARDLINK : UW_DEDUPE_COPY;
}

/* All entries, as large as they are in memory of its own; no directory. */
static bool open_batch(struct play *p)
{
	u32 count = uw_archive_count(p->archive), k;
	u32 *entries = malloc(count * sizeof(*entries));
	u8 *flags = calloc(count, 1);
	int64_t *times = calloc(count, sizeof(*times));
	struct uw_sheet sheet = {.count = count,
				 .entries = entries,
				 .flags = flags,
				 .times = times,
				 .dedupe = dedupe()};
	struct uw_error err;
	int status;

	require(entries != NULL && flags != NULL && times != NULL,
		"no memory for a sheet");
	for (k = 0; k < count; k++)
		entries[k] = k;
	status = uw_batch_new(p->archive, p->tree, &sheet, &p->batch, &err);
	free(entries);
	free(flags);
	free(times);
	require((status == UW_OK) == (p->batch != NULL), "half a batch");
	return took(status, &err);
}

static void *work(void *argument)
{
	struct play *p = argument;
	int status = uw_crew_work(p->crew);

	if (status != UW_OK) {
		require(status == UW_ERR_MEMORY && fault.kind == MEMORY,
			"a thread left without a reason");
		atomic_fetch_add(&p->gone, 1);
	}
	return NULL;
}

static void await_batch(struct play *p)
{
	time_t end = time(NULL) + HANG_SECONDS;
	struct uw_progress progress;

	while (!uw_batch_wait(p->batch, WAIT_MS) &&
	       atomic_load(&p->gone) < thread_count)
		require(time(NULL) < end, "it hangs");
	uw_batch_progress(p->batch, &progress);
	require(progress.finished || fault.kind == MEMORY, "left unfinished");
}

static bool run_by_crew(struct play *p)
{
	u32 k;

	p->crew = uw_crew_new(uw_cpu_detect());
	if (p->crew == NULL) {
		require(fault.kind == MEMORY, "no crew");
		return false;
	}
	for (k = 0; k < thread_count; k++)
		require(pthread_create(p->threads + k, NULL, work, p) == 0,
			"cannot make a thread");
	uw_crew_add(p->crew, p->batch);
	await_batch(p);
	uw_crew_dismiss(p->crew);
	for (k = 0; k < thread_count; k++)
		pthread_join(p->threads[k], NULL);
	/* What is finished is asked without it. */
	uw_crew_free(p->crew);
	return atomic_load(&p->gone) < thread_count;
}

static bool run(struct play *p)
{
	struct uw_error err;

	if (thread_count != 0)
		return run_by_crew(p);
	return took(uw_batch_run(p->batch, uw_cpu_detect(), &err), &err);
}

/* --------------------------------------------------------- what came of it */

static u32 crc_on_disk(const char *root, const char *name, u64 *len_ret)
{
	static u8 buf[1 << 16];
	char path[PATH_LEN];
	u32 crc = 0;
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	fd = open(path, O_RDONLY);
	require(fd >= 0, "a file that was written is not there");
	*len_ret = 0;
	while ((got = read(fd, buf, sizeof(buf))) > 0) {
		crc = uw_crc32(0, crc, buf, (size_t)got);
		*len_ret += (u64)got;
	}
	close(fd);
	return crc;
}

static void check_done(const struct play *p, u32 k)
{
	const struct uw_entry *entry = uw_archive_entries(p->archive) + k;
	size_t names_len;
	const char *names = uw_archive_names(p->archive, &names_len);
	u64 len;

	require(crc_on_disk(p->root, names + entry->name_offset, &len) ==
			entry->crc32,
		"a file has other bytes");
	require(len == entry->size, "a file has another size");
}

static void check_results(const struct play *p)
{
	const struct uw_result *results = uw_batch_results(p->batch);
	u32 count = uw_archive_count(p->archive);
	struct uw_progress progress;
	bool told = fault_fired() && fault.kind != MEMORY &&
		    fault.kind != SHARE && !fault.harmless && !p->forgiven;
	u32 failed = 0, done = 0, k;

	for (k = 0; k < count; k++) {
		if (results[k].status == UW_OK) {
			check_done(p, k);
			done++;
		} else if (results[k].status != UW_ERR_CANCELLED) {
			require(results[k].status == UW_ERR_SYSTEM &&
					results[k].os_error == fault.os_error,
				"an order failed for another reason");
			failed++;
		}
	}
	uw_batch_progress(p->batch, &progress);
	require(progress.failures == failed, "failures are counted wrongly");
	require(progress.members == done + failed, "a count of orders done");
	if (fault.kind == NOTHING)
		repeats = progress.repeats;
	require(progress.repeats <= repeats, "more repeats than there are");
	require(progress.repeats == repeats || fault_fired(),
		"a repeat was inflated for no reason");
	if (!told)
		require(done == count, "not everything was done");
	else if (progress.repeats == repeats)
		require(failed > 0, "a failure was not told");
	else
		require(failed > 0 || done == count, "an order is missing");
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

/* It tries openat2() once, and goes step by step if that fails. */
static bool open_tree(struct play *p)
{
	struct uw_error err;
	int status = uw_tree_open(p->root, UW_TREE_BEST, &p->tree, &err);

	p->forgiven = fault_fired() && !fault.for_ever;
	return took(status, &err);
}

static void play(const char *wheel, const char *root)
{
	struct play p = {.wheel = wheel, .root = root};

	fault_begin();
	require(mkdir(root, 0777) == 0, "cannot make the directory");
	if (open_archive(&p) && open_tree(&p) && open_batch(&p) && run(&p))
		check_results(&p);
	fault.kind = NOTHING;
	uw_batch_free(p.batch);
	uw_tree_close(p.tree);
	uw_archive_close(p.archive);
	require(nftw(root, remove_one, 32, FTW_DEPTH | FTW_PHYS) == 0,
		"cannot remove what was written");
	require(fault_blocks() == 0, "memory is lost");
	require(fault_descriptors() == 0, "a descriptor is lost");
}

/* Until there is no n-th call any more. */
static u32 play_each(const struct fault *next, bool for_ever, const char *wheel,
		     const char *root)
{
	u32 nth = 0;

	do {
		fault = *next;
		fault.nth = ++nth;
		fault.for_ever = for_ever;
		play(wheel, root);
	} while (fault_fired());
	return nth;
}

static u32 play_failures(const char *wheel, const char *root)
{
	static const struct fault faults[] = {
		{.kind = MEMORY, .os_error = ENOMEM},
		{.kind = OPEN, .os_error = EMFILE},
		{.kind = CLOSE, .os_error = EDQUOT},
		{.kind = READ, .os_error = EIO},
		{.kind = READ, .os_error = 0},
		{.kind = WRITE, .os_error = ENOSPC},
		{.kind = SHARE, .os_error = EOPNOTSUPP},
		{.kind = SHARE, .os_error = EIO},
		{.kind = TIME, .os_error = EIO},
	};
	u32 plays = 0, k;

	for (k = 0; k < ARRAY_LEN(faults); k++) {
		plays += play_each(faults + k, false, wheel, root);
		plays += play_each(faults + k, true, wheel, root);
	}
	return plays;
}

/* What a signal or a slow disk does: the core tries again. */
static u32 play_hindrances(const char *wheel, const char *root)
{
	static const enum kind kinds[] = {OPEN, READ, WRITE};
	u32 k;

	for (k = 0; k < ARRAY_LEN(kinds); k++) {
		fault = (struct fault){
			.kind = kinds[k], .os_error = EINTR, .harmless = true};
		play(wheel, root);
		require(fault_fired(), "nothing was in the way");
	}
	fault_pieces = true;
	play(wheel, root);
	fault_pieces = false;
	return k + 1;
}

/* All of it with thread_count threads; for a process of its own. */
static void play_all(const char *wheel, const char *directory)
{
	char root[PATH_LEN];
	u32 plays;

	snprintf(root, sizeof(root), "%s.%u", directory, thread_count);
	fault = (struct fault){.kind = NOTHING};
	play(wheel, root);
	require(repeats > 0, "a wheel without repeats is no test");
	plays = play_failures(wheel, root);
	plays += play_hindrances(wheel, root);
	printf("fault_crew: %u plays by %u threads\n", plays, thread_count);
}

int main(int argc, char **argv)
{
	static const u32 counts[] = {0, 1, 2, 4};
	u32 most = THREADS_MAX, k;
	int status, failed = 0;

	if (argc < 3)
		die("usage: fault_crew WHEEL NEW_DIRECTORY [THREADS_MAX]");
	if (argc > 3)
		most = (u32)strtoul(argv[3], NULL, 10);
	for (k = 0; k < ARRAY_LEN(counts) && counts[k] <= most; k++) {
		pid_t child = fork();

		require(child >= 0, "cannot make a process");
		if (child > 0)
			continue;
		thread_count = counts[k];
		play_all(argv[1], argv[2]);
		return 0;
	}
	while (wait(&status) > 0)
		failed |= status;
	return failed != 0;
}
