/*
 * tree_posix.c - create below a directory handle, never follow a link
 *
 * The attack everywhere: whoever may write to the tree swaps a directory for a
 * symlink between two of our calls.  So no call is given a path that it could
 * follow out of the tree: either the kernel promises not to (openat2), or the
 * path is a single component and the flags forbid links.
 */
#include "tree_posix.h"

#include <stdlib.h>

void uw_fd_close(int fd)
{
	int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
}

mode_t uw_type_of(int dir, const char *leaf)
{
	struct stat st;

	if (fstatat(dir, leaf, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return 0;
	return st.st_mode & S_IFMT;
}

/*
 * Open the child directory @leaf of @parent.
 *
 * For a link O_DIRECTORY|O_NOFOLLOW is ENOTDIR on Linux, ELOOP elsewhere and
 * with openat2().  Made ELOOP everywhere: the user should hear of a link.
 */
int uw_child_open(int parent, const char *leaf)
{
	int fd;

	do
		fd = openat(parent, leaf, UW_DIR_FLAGS | O_NOFOLLOW);
	while (fd < 0 && errno == EINTR);
	if (fd < 0 && errno == ENOTDIR)
		errno = uw_type_of(parent, leaf) == S_IFLNK ? ELOOP : ENOTDIR;
	return fd;
}

/* One component at a time.  @path is cut up. */
static int open_stepwise(int root, char *path)
{
	int dir = root;

	for (char *part = path; part != NULL;) {
		char *slash = strchr(part, '/');
		int child;

		if (slash != NULL)
			*slash++ = '\0';
		child = uw_child_open(dir, part);
		if (dir != root)
			uw_fd_close(dir);
		if (child < 0)
			return -1;
		dir = child;
		part = slash;
	}
	return dir;
}

enum uw_status uw_below_open(const struct uw_tree *tree, const char *name,
			     size_t len, int *dir_ret, struct uw_error *err)
{
	char path[UW_NAME_MAX + 1];

	memcpy(path, name, len);
	path[len] = '\0';
	if (tree->beneath) {
		*dir_ret = uw_system_open_beneath(tree->root, path);
		if (*dir_ret >= 0)
			return UW_OK;
		if (errno != EAGAIN && errno != EINTR)
			return uw_fail_os(err, errno, "openat2");
	}
	*dir_ret = open_stepwise(tree->root, path);
	return *dir_ret >= 0 ? UW_OK : uw_fail_os(err, errno, "openat");
}

/* Readable, not O_PATH: uw_system_sync() needs it. */
#define ROOT_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

static int open_again(int from, const char *path)
{
	int fd;

	do
		fd = openat(from, path, ROOT_FLAGS);
	while (fd < 0 && errno == EINTR);
	return fd;
}

/* The directory @path, seen from @from. */
static enum uw_status open_tree(int from, const char *path, int way,
				struct uw_tree **tree_ret, struct uw_error *err)
{
	struct uw_tree *tree;
	int probe;

	*tree_ret = NULL;
	if (way != UW_TREE_BEST && way != UW_TREE_STEPWISE)
		return uw_fail(err, UW_ERR_USAGE, UW_WHY_NONE, 0,
			       "no such way to open a tree: %d", way);
	tree = calloc(1, sizeof(*tree));
	if (tree == NULL)
		return uw_fail(err, UW_ERR_MEMORY, UW_WHY_NONE, 0,
			       "out of memory");
	tree->root = open_again(from, path);
	if (tree->root < 0) {
		uw_fail_os(err, errno, "open");
		free(tree);
		return UW_ERR_SYSTEM;
	}

	/*
	 * Whatever the reason (no such call, seccomp, a filter that wants a
	 * smaller struct): if the root cannot be opened from itself, openat2()
	 * is of no use.
	 */
	if (way == UW_TREE_BEST) {
		probe = uw_system_open_beneath(tree->root, ".");
		tree->beneath = probe >= 0;
		uw_fd_close(probe);
	}
	*tree_ret = tree;
	return UW_OK;
}

int uw_tree_open(const char *path, int way, struct uw_tree **tree_ret,
		 struct uw_error *err)
{
	return (int)open_tree(AT_FDCWD, path, way, tree_ret, err);
}

int uw_tree_adopt(int handle, int way, struct uw_tree **tree_ret,
		  struct uw_error *err)
{
	return (int)open_tree(handle, ".", way, tree_ret, err);
}

void uw_tree_close(struct uw_tree *tree)
{
	if (tree == NULL)
		return;
	close(tree->root);
	free(tree);
}

enum uw_status uw_dir_open(const struct uw_tree *tree, const char *name,
			   size_t name_len, uw_dir *dir_ret,
			   struct uw_error *err)
{
	enum uw_status status = UW_OK;
	int dir = -1;

	*dir_ret = UW_DIR_NONE;
	if (name_len == 0) {
		dir = fcntl(tree->root, F_DUPFD_CLOEXEC, 0);
		if (dir < 0)
			status = uw_fail_os(err, errno, "fcntl");
	} else {
		status = uw_name_check(name, name_len, err);
		if (status == UW_OK)
			status = uw_below_open(tree, name, name_len, &dir, err);
	}
	if (status == UW_OK)
		*dir_ret = dir;
	return status;
}

void uw_dir_close(uw_dir dir)
{
	uw_fd_close((int)dir);
}

/* ------------------------------------------------- a name as parent and leaf
 */

enum uw_status uw_place_open(const struct uw_tree *tree, const char *name,
			     struct uw_place *place, struct uw_error *err)
{
	size_t len = strlen(name);
	size_t parent_len = uw_name_parent_len(name, len);
	enum uw_status status = uw_name_check(name, len, err);
	uw_dir dir;

	place->dir = -1;
	place->leaf = name + (parent_len > 0 ? parent_len + 1 : 0);
	if (status == UW_OK)
		status = uw_dir_open(tree, name, parent_len, &dir, err);
	if (status == UW_OK)
		place->dir = (int)dir;
	return status;
}

void uw_place_close(struct uw_place *place)
{
	uw_fd_close(place->dir);
}

enum uw_status uw_place_make(const struct uw_tree *tree, const char *name,
			     struct uw_place *place, struct uw_error *err)
{
	enum uw_status status = uw_place_open(tree, name, place, err);
	size_t parent_len = uw_name_parent_len(name, strlen(name));
	char parent[UW_NAME_MAX + 1];

	if (status != UW_ERR_SYSTEM || err->os_error != ENOENT ||
	    parent_len == 0)
		return status;
	memcpy(parent, name, parent_len);
	parent[parent_len] = '\0';
	status = (enum uw_status)uw_tree_mkdir(tree, parent, err);
	return status == UW_OK ? uw_place_open(tree, name, place, err) : status;
}
