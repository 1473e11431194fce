/*
 * tree_copy_posix.c - a second file of the same content
 *
 * By a hard link, by sharing blocks (a reflink), or by copying: the first that
 * the caller wants and the file system has.  That it has one is not asked, it
 * is tried: the answer differs from file to file (another owner, a mount in the
 * middle of the tree, too many names of one file).
 */
#include "tree_posix.h"

#include <stdlib.h>

#define ALL_WAYS (UW_STAND_HARDLINK | UW_STAND_REFLINK | UW_STAND_COPY)

struct duplicate {
	struct uw_place from;
	int ways;		 /* bits of enum uw_stand_in */
	bool like_source;	 /* executable if the source is */
	bool executable;	 /* else this */
	off_t len;		 /* of the source when it was opened */
	const atomic_bool *stop; /* ends copying, or NULL */
	int way;		 /* afterwards, the one that worked */
	uw_file file; /* and the open file, if it has one of its own */
};

/*
 * What file systems, kernels and sandboxes say to a way that they do not have,
 * or not for these two files.  Everything else (no room, a broken disk) would
 * stop the next way, too, and is told.
 */
static bool lacks_way(int os_error)
{
	static const int answers[] = {EPERM,  EACCES, EOPNOTSUPP, ENOTSUP,
				      ENOSYS, ENOTTY, EXDEV,	  EINVAL,
				      EMLINK, EBADF,  ETXTBSY};

	for (size_t i = 0; i < ARRAY_LEN(answers); i++)
		if (os_error == answers[i])
			return true;
	return false;
}

/*
 * Open the source itself.  It may have been swapped for anything: O_NOFOLLOW
 * makes a link an error, and O_NONBLOCK does not wait for who writes to a FIFO.
 */
static enum uw_status source_open(struct duplicate *duplicate, int *fd_ret,
				  struct uw_error *err)
{
	struct stat st;
	int fd, os_error = 0;

	*fd_ret = -1;
	do
		fd = openat(duplicate->from.dir, duplicate->from.leaf,
			    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return uw_fail_os(err, errno, "openat");
	if (fstat(fd, &st) != 0)
		os_error = errno;
	else if (!S_ISREG(st.st_mode))
		os_error = EINVAL;
	if (os_error != 0) {
		uw_fd_close(fd);
		return uw_fail_os(err, os_error, "fstat");
	}
	if (duplicate->like_source)
		duplicate->executable = (st.st_mode & 0111) != 0;
	duplicate->len = st.st_size;
	*fd_ret = fd;
	return UW_OK;
}

/* ------------------------------------------------------------------ content */

/* Small enough for a slow disk to answer @stop in time. */
#define PIECE_LEN  ((size_t)256 << 10)
#define KERNEL_LEN ((size_t)8 << 20)

static enum uw_status go_on(const atomic_bool *stop, struct uw_error *err)
{
	if (stop != NULL && atomic_load_explicit(stop, memory_order_relaxed))
		return uw_fail(err, UW_ERR_CANCELLED, UW_WHY_NONE, 0,
			       "cancelled");
	return UW_OK;
}

static size_t piece_of(off_t left, size_t most)
{
	return (u64)left < most ? (size_t)left : most;
}

static enum uw_status read_and_write(int from, uw_file to, off_t at, off_t len,
				     const atomic_bool *stop,
				     struct uw_error *err)
{
	enum uw_status status = UW_OK;
	u8 *piece = malloc(piece_of(len - at, PIECE_LEN) + 1);

	if (piece == NULL)
		return uw_fail(err, UW_ERR_MEMORY, UW_WHY_NONE, 0,
			       "out of memory");
	while (status == UW_OK && at < len) {
		ssize_t done =
			pread(from, piece, piece_of(len - at, PIECE_LEN), at);

		if (done > 0)
			status = uw_file_write(to, (u64)at, piece, (size_t)done,
					       err);
		else if (done == 0)
			status = uw_fail_os(err, EIO, "pread");
		else if (errno != EINTR)
			status = uw_fail_os(err, errno, "pread");
		at += done > 0 ? done : 0;
		if (status == UW_OK)
			status = go_on(stop, err);
	}
	free(piece);
	return status;
}

/*
 * Copy @len bytes, no more of a file that grows, and no less: one that is cut
 * short meanwhile is an error.
 *
 * The kernel's own copy is only a fast start.  Where it ends early, with 0
 * (some file systems, some kernels) or with whatever error, reading and writing
 * go on, and tell a failure from the end.  A small file does not begin with it:
 * where blocks can be shared it does that, and first writes them to the disk.
 */
static enum uw_status copy_content(int from, uw_file to, off_t len,
				   const atomic_bool *stop,
				   struct uw_error *err)
{
	enum uw_status status = go_on(stop, err);
	off_t at = 0;

	if (status == UW_OK && len <= (off_t)PIECE_LEN)
		return read_and_write(from, to, 0, len, stop, err);
	while (status == UW_OK && at < len) {
		ssize_t done = uw_system_copy(from, (int)to, at,
					      piece_of(len - at, KERNEL_LEN));

		if (done <= 0)
			return read_and_write(from, to, at, len, stop, err);
		at += done;
		status = go_on(stop, err);
	}
	return status;
}

static enum uw_status fill(struct duplicate *duplicate, int from, int dir,
			   const char *leaf, struct uw_error *err)
{
	int fd = (int)duplicate->file;
	int result, os_error;

	duplicate->way = UW_STAND_REFLINK;
	if (duplicate->ways & UW_STAND_REFLINK) {
		result = uw_system_clone(from, dir, leaf, &fd);
		os_error = errno;
		duplicate->file = fd;
		if (result == 0)
			return UW_OK;
		if (!lacks_way(os_error) || !(duplicate->ways & UW_STAND_COPY))
			return uw_fail_os(err, os_error, "reflink");
	}
	duplicate->way = UW_STAND_COPY;
	return copy_content(from, duplicate->file, duplicate->len,
			    duplicate->stop, err);
}

/* ------------------------------------------------------------- the new file */

static void discard(struct duplicate *duplicate, int dir, const char *leaf)
{
	uw_fd_close((int)duplicate->file);
	duplicate->file = UW_FILE_NONE;
	unlinkat(dir, leaf, 0);
}

static enum uw_status make_own(int dir, const char *leaf,
			       struct duplicate *duplicate,
			       struct uw_error *err)
{
	enum uw_status status;
	int from;

	status = source_open(duplicate, &from, err);
	if (status != UW_OK)
		return status;
	status = uw_file_create(dir, leaf, duplicate->executable,
				&duplicate->file, err);
	if (status == UW_OK) {
		status = fill(duplicate, from, dir, leaf, err);
		if (status != UW_OK)
			discard(duplicate, dir, leaf);
	}
	uw_fd_close(from);
	return status;
}

/* Leaves the new file open, if it is one of its own; nothing after a failure.
 */
static enum uw_status make_duplicate(int dir, const char *leaf,
				     struct duplicate *duplicate,
				     struct uw_error *err)
{
	enum uw_status status = UW_OK;

	duplicate->file = UW_FILE_NONE;
	if (duplicate->ways & UW_STAND_HARDLINK) {
		duplicate->way = UW_STAND_HARDLINK;
		status = uw_hardlink_make(dir, leaf, &duplicate->from, err);
		if (status == UW_OK || !lacks_way(err->os_error) ||
		    duplicate->ways == UW_STAND_HARDLINK)
			return status;
	}
	return make_own(dir, leaf, duplicate, err);
}

static enum uw_status check_ways(int ways, struct uw_error *err)
{
	if (ways == 0 || (ways & ~ALL_WAYS) != 0)
		return uw_fail(err, UW_ERR_USAGE, UW_WHY_NONE, 0,
			       "no such ways to make a second file: %d", ways);
	return UW_OK;
}

enum uw_status uw_file_duplicate(const struct uw_tree *tree, const char *from,
				 uw_dir dir, const char *leaf, bool executable,
				 int ways, const atomic_bool *stop,
				 int *way_ret, uw_file *file_ret,
				 struct uw_error *err)
{
	struct duplicate duplicate = {.from = {.dir = -1},
				      .ways = ways,
				      .executable = executable,
				      .stop = stop};
	enum uw_status status = check_ways(ways, err);

	*way_ret = 0;
	*file_ret = UW_FILE_NONE;
	if (status == UW_OK)
		status = uw_name_check_leaf(leaf, strlen(leaf), err);
	if (status == UW_OK)
		status = uw_place_open(tree, from, &duplicate.from, err);
	if (status == UW_OK)
		status = make_duplicate((int)dir, leaf, &duplicate, err);
	if (status == UW_OK) {
		*way_ret = duplicate.way;
		*file_ret = duplicate.file;
	}
	uw_place_close(&duplicate.from);
	return status;
}

/* ---------------------------------------------------------------- stand-ins */

static enum uw_status make_stand_in(int dir, const char *leaf, void *recipe,
				    struct uw_error *err)
{
	struct duplicate *duplicate = recipe;
	enum uw_status status = make_duplicate(dir, leaf, duplicate, err);

	if (status == UW_OK && duplicate->file != UW_FILE_NONE) {
		status = uw_file_close(duplicate->file, err);
		if (status != UW_OK)
			unlinkat(dir, leaf, 0);
	}
	return status;
}

int uw_tree_stand_in(const struct uw_tree *tree, const char *name,
		     const char *target, int ways, int *way_ret,
		     struct uw_error *err)
{
	struct duplicate duplicate = {
		.from = {.dir = -1}, .ways = ways, .like_source = true};
	struct uw_place to = {.dir = -1};
	enum uw_status status = check_ways(ways, err);

	*way_ret = 0;
	if (status == UW_OK)
		status = uw_place_open(tree, target, &duplicate.from, err);
	if (status == UW_OK)
		status = uw_place_make(tree, name, &to, err);
	if (status == UW_OK)
		status = uw_place_replace(&to, &make_stand_in, &duplicate, err);
	if (status == UW_OK)
		*way_ret = duplicate.way;
	uw_place_close(&duplicate.from);
	uw_place_close(&to);
	return (int)status;
}
