/*
 * fault_calls.c - every function of the core while one call after the other
 * fails
 *
 *   fault_calls WHEEL NEW_DIRECTORY
 *
 * A scene is what a caller does with a few functions.  Each is played for every
 * n with the n-th call of a kind failing, alone or with all after it: of memory
 * every one, of the others those that faults.h has.  Whatever fails, the scene
 * is told so with the failure's number, nothing is lost, and nothing is left in
 * the tree that has a name of ours.  What fault_crew.c does with batches and
 * threads is not here.
 */
#include "fault_plan.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/wait.h>

#define PATH_LEN 4096
#define FILE_LEN 300000

static const char *wheel;
static const char *root;
static const char *scene_name;

/* The wheel as bytes, for who reads it from memory. */
static u8 *image;
static size_t image_len;

static void die(const char *what)
{
	fprintf(stderr, "fault_calls: %s: %s (kind %d, errno %d, nth %u%s)\n",
		scene_name, what, (int)fault.kind, fault.os_error, fault.nth,
		fault.for_ever ? " and later" : "");
	exit(1);
}

static void require(bool truth, const char *what)
{
	if (!truth)
		die(what);
}

/* Whether a function has worked; if not, it says so as the fault was made. */
static bool took(int status, const struct uw_error *err)
{
	if (status == UW_OK)
		return true;
	require(fault_fired(), "failed without a reason");
	require(status == err->status, "two statuses of one failure");
	if (fault.kind == MEMORY)
		require(status == UW_ERR_MEMORY, "not called out of memory");
	else
		require(status == UW_ERR_SYSTEM &&
				(err->os_error == fault.os_error ||
				 err->reason == UW_WHY_SOURCE_TRUNCATED),
			"not called a failure of the system");
	return false;
}

/* ----------------------------------------------------------------- archives */

static const struct uw_limits limits = {
	.entries = 1 << 20, .directory_len = 1 << 28, .name_len = 4095};

static bool opened(int status, const struct uw_archive *archive,
		   const struct uw_problems *problems)
{
	require((status == UW_OK) == (archive != NULL), "half an archive");
	require((status == UW_OK) == (problems->count == 0),
		"a status that the problems do not have");
	return took(status, &problems->list[0]);
}

/* One member, in pieces; the last read has checked it. */
static void read_member(const struct uw_archive *archive, u32 entry)
{
	struct uw_reader *reader;
	struct uw_error err;
	size_t got = 1;
	u8 piece[5000];

	if (!took(uw_reader_open(archive, entry, 0, &reader, &err), &err)) {
		require(reader == NULL, "half a reader");
		return;
	}
	while (got > 0 &&
	       took(uw_reader_read(reader, piece, sizeof(piece), &got, &err),
		    &err)) {
	}
	uw_reader_close(reader);
}

static void read_all(const struct uw_archive *archive)
{
	for (u32 k = 0; k < uw_archive_count(archive); k++)
		read_member(archive, k);
}

static void scene_file(void)
{
	struct uw_archive *archive;
	struct uw_problems problems;
	int status = uw_archive_open(wheel, &limits, &archive, &problems);

	if (opened(status, archive, &problems))
		read_all(archive);
	uw_archive_close(archive);
}

static void scene_memory(void)
{
	struct uw_archive *archive;
	struct uw_problems problems;
	int status = uw_archive_open_memory(image, image_len, &limits, &archive,
					    &problems);

	if (opened(status, archive, &problems))
		read_all(archive);
	uw_archive_close(archive);
}

static const struct uw_bounds bounds = {.member_size = 1 << 30,
					.total_size = 1 << 30,
					.ratio = 2000,
					.ratio_floor = 1 << 20,
					.content_size = 1 << 20};

/* Member after member, up to what is none. */
static void go_forward(int status, struct uw_forward *forward,
		       struct uw_error *err)
{
	const struct uw_local *local = NULL;

	require((status == UW_OK) == (forward != NULL), "half a reader");
	if (!took(status, err))
		return;
	do
		status = uw_forward_next(forward, &local, err);
	while (took(status, err) && local != NULL);
	uw_forward_close(forward);
}

static void scene_forward(void)
{
	struct uw_forward *forward;
	struct uw_error err;
	int status;

	status = uw_forward_open(wheel, &limits, &bounds, 0, &forward, &err);
	go_forward(status, forward, &err);
	status = uw_forward_open_memory(image, image_len, &limits, &bounds, 0,
					&forward, &err);
	go_forward(status, forward, &err);
}

static void scene_kernels(void)
{
	struct uw_inflater *inflater = uw_inflater_new(0, 1 << 16);
	struct uw_crew *crew = uw_crew_new(0);

	require((inflater != NULL && crew != NULL) || fault_fired(),
		"no memory for no reason");
	uw_inflater_free(inflater);
	uw_crew_free(crew);
}

/* -------------------------------------------------------------------- trees */

static struct uw_tree *tree_of(int way)
{
	struct uw_tree *tree;
	struct uw_error err;
	bool there = took(uw_tree_open(root, way, &tree, &err), &err);

	require(there == (tree != NULL), "half a tree");
	return tree;
}

static void create(const struct uw_tree *tree, const u8 *data, size_t len)
{
	struct uw_newfile *newfile;
	struct uw_error err;
	int status = uw_tree_create(tree, "n/new", 1, &newfile, &err);

	require((status == UW_OK) == (newfile != NULL), "half a file");
	if (!took(status, &err))
		return;
	if (took(uw_newfile_write(newfile, data, len, &err), &err))
		took(uw_newfile_write(newfile, data, len, &err), &err);
	took(uw_newfile_finish(newfile, &err), &err);
	uw_newfile_close(newfile);
}

/* Each step whatever became of the others. */
static void fill(const struct uw_tree *tree)
{
	static const u8 data[FILE_LEN];
	struct uw_error err;

	took(uw_tree_mkdir(tree, "a/b/c", &err), &err);
	took(uw_tree_write(tree, "a/file", 0, data, sizeof(data), &err), &err);
	took(uw_tree_put(tree, "p/put", data, 10, &err), &err);
	took(uw_tree_symlink(tree, "l/link", "../a", &err), &err);
	create(tree, data, sizeof(data) / 2);
}

/* On what is there for certain: laid before anything fails. */
static void change(const struct uw_tree *tree)
{
	static const int ways[] = {UW_STAND_REFLINK | UW_STAND_COPY,
				   UW_STAND_COPY};
	struct uw_error err;
	int way;

	took(uw_tree_put(tree, "old/put", (const u8 *)"new", 3, &err), &err);
	took(uw_tree_hardlink(tree, "old/second", "old/big", &err), &err);
	for (size_t k = 0; k < ARRAY_LEN(ways); k++) {
		if (took(uw_tree_stand_in(tree, "old/copy", "old/big", ways[k],
					  &way, &err),
			 &err))
			require(way != 0, "made in no way");
	}
	took(uw_tree_set_mtime(tree, "old/put", 1, &err), &err);
	took(uw_tree_set_mtime(tree, "", 1, &err), &err);
	took(uw_tree_publish(tree, "old/a", "new", UW_PUBLISH_NEW, &err), &err);
	took(uw_tree_publish(tree, "old/b", "old/c", UW_PUBLISH_EXCHANGE, &err),
	     &err);
	took(uw_tree_publish(tree, "old/b", "old/c", UW_PUBLISH_REPLACE, &err),
	     &err);
	took(uw_tree_sync(tree, &err), &err);
}

static void probe(const struct uw_tree *tree)
{
	struct uw_error err = {0};
	int answer = uw_tree_can_symlink(tree, &err);

	require(answer >= 0 || !took(err.status, &err), "a probe without end");
	answer = uw_tree_can_hardlink(tree, &err);
	require(answer >= 0 || !took(err.status, &err), "a probe without end");
}

static void in_tree(int way, void (*act)(const struct uw_tree *))
{
	struct uw_tree *tree = tree_of(way);

	if (tree != NULL)
		act(tree);
	uw_tree_close(tree);
}

static void scene_fill(void)
{
	in_tree(UW_TREE_BEST, fill);
}

static void scene_fill_stepwise(void)
{
	in_tree(UW_TREE_STEPWISE, fill);
}

static void scene_change(void)
{
	in_tree(UW_TREE_BEST, change);
}

static void scene_change_stepwise(void)
{
	in_tree(UW_TREE_STEPWISE, change);
}

static void scene_probe(void)
{
	in_tree(UW_TREE_BEST, probe);
}

/* The tree of a directory that is open already. */
static void scene_adopted(void)
{
	int dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct uw_tree *tree;
	struct uw_error err;

	if (took(uw_tree_adopt(dir, UW_TREE_BEST, &tree, &err), &err))
		fill(tree);
	else
		require(tree == NULL, "half a tree");
	uw_tree_close(tree);
	close(dir);
}

/* ------------------------------------------------------------------ playing */

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

static int refuse_ours(const char *path, const struct stat *st, int type,
		       struct FTW *walk)
{
	(void)st;
	(void)type;
	require(strncmp(path + walk->base, ".unwheel-", 9) != 0,
		"a temporary name was left");
	return 0;
}

static void lay_file(const char *name, size_t len)
{
	char path[PATH_LEN];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	file = fopen(path, "w");
	require(file != NULL && ftruncate(fileno(file), (off_t)len) == 0 &&
			fclose(file) == 0,
		"cannot lay a file");
}

static void lay(void)
{
	char path[PATH_LEN];

	snprintf(path, sizeof(path), "%s/old", root);
	require(mkdir(root, 0777) == 0 && mkdir(path, 0777) == 0,
		"cannot make a directory");
	lay_file("old/big", FILE_LEN);
	lay_file("old/put", 1);
	lay_file("old/a", 1);
	lay_file("old/b", 1);
	lay_file("old/c", 1);
}

static void play(void (*scene)(void))
{
	enum kind kind = fault.kind;

	fault.kind = NOTHING;
	lay();
	fault.kind = kind;
	fault_begin();
	scene();
	fault.kind = NOTHING;
	require(nftw(root, refuse_ours, 32, FTW_PHYS) == 0, "cannot look");
	require(nftw(root, remove_one, 32, FTW_DEPTH | FTW_PHYS) == 0,
		"cannot remove what was written");
	fault.kind = kind;
	require(fault_blocks() == 0, "memory is lost");
	require(fault_descriptors() == 0, "a descriptor is lost");
}

/* Until there is no n-th call any more; how many there were. */
static u32 play_each(void (*scene)(void), struct fault next)
{
	fault = next;
	do {
		fault.nth++;
		play(scene);
	} while (fault_fired());
	return fault.nth - 1;
}

static u32 play_all(void (*scene)(void))
{
	static const struct fault faults[] = {
		{.kind = MEMORY, .os_error = ENOMEM},
		{.kind = OPEN, .os_error = EMFILE},
		{.kind = CLOSE, .os_error = EDQUOT},
		{.kind = READ, .os_error = EIO},
		{.kind = READ, .os_error = 0},
		{.kind = WRITE, .os_error = ENOSPC},
		{.kind = SHARE, .os_error = EIO},
		{.kind = TIME, .os_error = EIO},
		{.kind = NAME, .os_error = EDQUOT},
	};
	u32 plays = 0;

	for (size_t k = 0; k < ARRAY_LEN(faults); k++) {
		struct fault lasting = faults[k];

		plays += play_each(scene, faults[k]);
		lasting.for_ever = true;
		plays += play_each(scene, lasting);
	}
	return plays;
}

static void read_image(void)
{
	FILE *file = fopen(wheel, "rb");
	struct stat st;

	require(file != NULL && fstat(fileno(file), &st) == 0, "no wheel");
	image_len = (size_t)st.st_size;
	image = malloc(image_len);
	require(image != NULL &&
			fread(image, 1, image_len, file) == image_len &&
			fclose(file) == 0,
		"cannot read the wheel");
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*play)(void);
	} scenes[] = {
		{"an archive in a file", scene_file},
		{"an archive in memory", scene_memory},
		{"local headers", scene_forward},
		{"an inflater and a crew", scene_kernels},
		{"new things in a tree", scene_fill},
		{"the same, step by step", scene_fill_stepwise},
		{"changes in a tree", scene_change},
		{"the same, step by step", scene_change_stepwise},
		{"probes", scene_probe},
		{"a tree that was open", scene_adopted},
	};

	scene_name = "start";
	require(argc == 3, "usage: fault_calls WHEEL NEW_DIRECTORY");
	wheel = argv[1];
	root = argv[2];
	read_image();
	for (size_t k = 0; k < ARRAY_LEN(scenes); k++) {
		u32 plays;

		scene_name = scenes[k].name;
		plays = play_all(scenes[k].play);
		require(plays > 0, "nothing could fail");
		printf("fault_calls: %s: %u failures\n", scene_name, plays);
	}
	free(image);
	return 0;
}
