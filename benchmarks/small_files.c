/*
 * small_files.c - what making a small file costs, without a wheel
 *
 *   small_files WAY DIRECTORY THREADS DIRECTORIES FILES SIZE
 *
 * Makes DIRECTORIES directories below DIRECTORY, then, timed, FILES files of
 * SIZE bytes in each of them, and prints the seconds.  WAY is "tree", the tree
 * stage of the core as the crew calls it, or "bare": a handle of the directory,
 * then openat, write and close of each file, and nothing else.  Threads take
 * BITE files of one directory at a time, those of another directory first.
 *
 * compare_files.py compiles it, with the tree stage, and says what came out.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tree.h"

#define THREADS_MAX 64
#define BITE	    64
#define NAME_LEN    24

struct work {
	bool bare;
	int root;
	struct uw_tree *tree;
	unsigned dirs;
	unsigned files;
	size_t size;
	u8 *content;
	atomic_uint next; /* bite */
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void require(enum uw_status status, const struct uw_error *err)
{
	if (status != UW_OK) {
		fprintf(stderr, "small_files: %s\n", err->message);
		exit(1);
	}
}

static void fill_bare(const struct work *work, const char *name, unsigned first,
		      unsigned end)
{
	int dir = openat(work->root, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char leaf[NAME_LEN];

	if (dir < 0)
		die("openat");
	for (; first < end; first++) {
		int file;

		snprintf(leaf, sizeof(leaf), "file%06u.py", first);
		file = openat(dir, leaf,
			      O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (file < 0 || write(file, work->content, work->size) < 0)
			die(leaf);
		close(file);
	}
	close(dir);
}

static void fill_tree(const struct work *work, const char *name, unsigned first,
		      unsigned end)
{
	struct uw_error err;
	char leaf[NAME_LEN];
	uw_dir dir;

	require(uw_dir_open(work->tree, name, strlen(name), &dir, &err), &err);
	for (; first < end; first++) {
		uw_file file;

		snprintf(leaf, sizeof(leaf), "file%06u.py", first);
		require(uw_file_create(dir, leaf, false, &file, &err), &err);
		require(uw_file_write(file, 0, work->content, work->size, &err),
			&err);
		require(uw_file_close(file, &err), &err);
	}
	uw_dir_close(dir);
}

static void *fill(void *argument)
{
	struct work *work = argument;
	unsigned bites = (work->files + BITE - 1) / BITE, bite, first, end;
	char name[NAME_LEN];

	while ((bite = atomic_fetch_add(&work->next, 1)) < bites * work->dirs) {
		snprintf(name, sizeof(name), "d%06u", bite % work->dirs);
		first = bite / work->dirs * BITE;
		end = first + BITE < work->files ? first + BITE : work->files;
		(work->bare ? fill_bare : fill_tree)(work, name, first, end);
	}
	return NULL;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double run(struct work *work, int threads)
{
	pthread_t list[THREADS_MAX];
	double begun = now();
	int k;

	for (k = 1; k < threads; k++)
		if (pthread_create(list + k, NULL, fill, work) != 0)
			die("pthread_create");
	fill(work);
	for (k = 1; k < threads; k++)
		pthread_join(list[k], NULL);
	return now() - begun;
}

static void make_dirs(const struct work *work)
{
	char name[NAME_LEN];
	unsigned k;

	for (k = 0; k < work->dirs; k++) {
		snprintf(name, sizeof(name), "d%06u", k);
		if (mkdirat(work->root, name, 0777) != 0)
			die(name);
	}
}

int main(int argc, char **argv)
{
	struct work work = {0};
	struct uw_error err;
	int threads;

	if (argc != 7 || (threads = atoi(argv[3])) < 1 || threads > THREADS_MAX)
		return 2;
	work.bare = strcmp(argv[1], "bare") == 0;
	work.dirs = (unsigned)atoi(argv[4]);
	work.files = (unsigned)atoi(argv[5]);
	work.size = (size_t)atoi(argv[6]);
	work.content = calloc(work.size + 1, 1);
	work.root = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (work.content == NULL || work.root < 0)
		die(argv[2]);
	require((enum uw_status)uw_tree_open(argv[2], UW_TREE_BEST, &work.tree,
					     &err),
		&err);
	make_dirs(&work);
	printf("%.9f\n", run(&work, threads));
	return 0;
}
