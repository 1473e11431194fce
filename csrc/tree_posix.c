/*
 * tree_posix.c - create below a directory handle, never follow a link
 *
 * The attack everywhere: whoever may write to the tree swaps a directory for a
 * symlink between two of our calls.  So no call is given a path that it could
 * follow out of the tree: either the kernel promises not to (openat2), or the
 * path is a single component and the flags forbid links.
 */
#define _FILE_OFFSET_BITS 64
#include "tree.h"
#include "tree_name.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

static_assert(sizeof(off_t) == 8, "files of more than 2 GiB");

struct uw_tree {
	int root;
	bool beneath; /* openat2() works here; decided once, in uw_tree_open */
};

/*
 * A handle that only names a directory needs no permission to read it, so both
 * ways ask for the same: to search what is above.
 */
#ifdef O_PATH
#define DIR_FLAGS (O_PATH | O_DIRECTORY | O_CLOEXEC)
#else
#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#endif

/* ----------------------------------------- what only some systems can do */

#if defined(__linux__)

/* As in <linux/openat2.h>, which is younger than the systems we build on. */
struct beneath_how {
	u64 flags;
	u64 mode;
	u64 resolve;
};

enum { NO_MAGICLINKS = 0x02, NO_SYMLINKS = 0x04, BENEATH = 0x08 };

/* One number for all architectures (but alpha). */
#ifndef SYS_openat2
#define SYS_openat2 437
#endif

#define BENEATH_TRIES 16

/*
 * EAGAIN: the kernel met a rename or mount and cannot tell any more whether it
 * is still beneath.  That passes, unless somebody renames all the time.
 */
static int open_beneath(int root, const char *path)
{
	struct beneath_how how = {.flags = DIR_FLAGS,
				  .resolve = BENEATH | NO_SYMLINKS |
					     NO_MAGICLINKS};
	long fd = -1;

	for (int i = 0; i < BENEATH_TRIES; i++) {
		fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return (int)fd;
}

/* Of renameat2(2); not every libc has a wrapper for it. */
enum { FLAG_NEW = 1, FLAG_EXCHANGE = 2 };

static int rename_flagged(int from_dir, const char *from, int to_dir,
			  const char *to, unsigned int flag)
{
	return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flag);
}

/*
 * The whole file system at once.  One fsync per file waits for the journal each
 * time: minutes instead of seconds for thousands of files.
 */
static int sync_below(int root)
{
	return syncfs(root);
}

#else

static int open_beneath(int root, const char *path)
{
	(void)root;
	(void)path;
	errno = ENOSYS;
	return -1;
}

#ifdef __APPLE__

enum { FLAG_NEW = RENAME_EXCL, FLAG_EXCHANGE = RENAME_SWAP };

static int rename_flagged(int from_dir, const char *from, int to_dir,
			  const char *to, unsigned int flag)
{
	return renameatx_np(from_dir, from, to_dir, to, flag);
}

/* fsync() on macOS stops at the cache of the drive; this does not. */
static int sync_below(int root)
{
	return fsync_volume_np(root, SYNC_VOLUME_FULLSYNC | SYNC_VOLUME_WAIT);
}

#else

enum { FLAG_NEW = 1, FLAG_EXCHANGE = 2 };

static int rename_flagged(int from_dir, const char *from, int to_dir,
			  const char *to, unsigned int flag)
{
	(void)from_dir;
	(void)from;
	(void)to_dir;
	(void)to;
	(void)flag;
	errno = ENOSYS;
	return -1;
}

static int sync_below(int root)
{
	sync();
	return fsync(root);
}

#endif
#endif

/* -------------------------------------------------------------- directories */

static void close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* The type of an entry, never of what a link points to; 0 if there is none. */
static mode_t type_of(int dir, const char *leaf)
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
static int open_child(int parent, const char *leaf)
{
	int fd;

	do
		fd = openat(parent, leaf, DIR_FLAGS | O_NOFOLLOW);
	while (fd < 0 && errno == EINTR);
	if (fd < 0 && errno == ENOTDIR)
		errno = type_of(parent, leaf) == S_IFLNK ? ELOOP : ENOTDIR;
	return fd;
}

/* One component at a time.  @path is cut up. */
static int open_stepwise(int root, char *path)
{
	int dir = root;

	for (char *part = path; part != NULL;) {
		char *slash = strchr(part, '/');
		int child, saved;

		if (slash != NULL)
			*slash++ = '\0';
		child = open_child(dir, part);
		saved = errno;
		if (dir != root)
			close(dir);
		errno = saved;
		if (child < 0)
			return -1;
		dir = child;
		part = slash;
	}
	return dir;
}

/* Open a directory by a name that uw_name_check() has passed. */
static enum uw_status open_below(const struct uw_tree *tree, const char *name,
				 size_t len, int *dir_ret, struct uw_error *err)
{
	char path[UW_NAME_MAX + 1];

	memcpy(path, name, len);
	path[len] = '\0';
	if (tree->beneath) {
		*dir_ret = open_beneath(tree->root, path);
		if (*dir_ret >= 0)
			return UW_OK;
		if (errno != EAGAIN && errno != EINTR)
			return uw_fail_os(err, errno, "openat2");
	}
	*dir_ret = open_stepwise(tree->root, path);
	return *dir_ret >= 0 ? UW_OK : uw_fail_os(err, errno, "openat");
}

int uw_tree_open(const char *path, int way, struct uw_tree **tree_ret,
		 struct uw_error *err)
{
	struct uw_tree *tree;
	int probe;

	*tree_ret = NULL;
	if (way != UW_TREE_BEST && way != UW_TREE_STEPWISE)
		return (int)uw_fail(err, UW_ERR_USAGE, UW_WHY_NONE, 0,
				    "no such way to open a tree: %d", way);
	tree = calloc(1, sizeof(*tree));
	if (tree == NULL)
		return (int)uw_fail(err, UW_ERR_MEMORY, UW_WHY_NONE, 0,
				    "out of memory");

	/* Readable, not O_PATH: sync_below() needs it. */
	do
		tree->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (tree->root < 0 && errno == EINTR);
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
		probe = open_beneath(tree->root, ".");
		tree->beneath = probe >= 0;
		close_if_open(probe);
	}
	*tree_ret = tree;
	return UW_OK;
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
			status = open_below(tree, name, name_len, &dir, err);
	}
	if (status == UW_OK)
		*dir_ret = dir;
	return status;
}

void uw_dir_close(uw_dir dir)
{
	close_if_open((int)dir);
}

/* ------------------------------------------------------- making directories */

/*
 * A walk from directory to directory, with few handles however deep the tree.
 *
 * A handle is opened when a child is made, not before.  The one of level L lies
 * in handles[L % WALK_HANDLES]; a deeper level that needs the place takes it,
 * and the shallower one is opened again from the root when we come back.  So a
 * place never holds a level other than the one that asks for it.
 */
#define WALK_HANDLES 16

struct walk {
	const struct uw_tree *tree;
	size_t depth; /* components in path; 0 is the root */
	size_t len;
	char path[UW_NAME_MAX + 1]; /* where we are; known to be a directory */
	int handles[WALK_HANDLES];
};

static int *walk_place(struct walk *walk, size_t depth)
{
	return &walk->handles[depth % WALK_HANDLES];
}

static void walk_drop(struct walk *walk, size_t depth)
{
	int *place = walk_place(walk, depth);

	close_if_open(*place);
	*place = -1;
}

static void walk_begin(struct walk *walk, const struct uw_tree *tree)
{
	walk->tree = tree;
	walk->depth = 0;
	walk->len = 0;
	walk->path[0] = '\0';
	for (size_t i = 0; i < WALK_HANDLES; i++)
		walk->handles[i] = -1;
}

static void walk_end(struct walk *walk)
{
	for (size_t i = 0; i < WALK_HANDLES; i++)
		walk_drop(walk, i);
}

static void walk_up(struct walk *walk)
{
	walk_drop(walk, walk->depth);
	walk->depth--;
	walk->len = uw_name_parent_len(walk->path, walk->len);
	walk->path[walk->len] = '\0';
}

static const char *walk_leaf(const struct walk *walk)
{
	size_t parent_len = uw_name_parent_len(walk->path, walk->len);

	return walk->path + parent_len + (walk->depth > 1);
}

/* The handle of @depth, if it is open. */
static int walk_known(struct walk *walk, size_t depth)
{
	return depth == 0 ? walk->tree->root : *walk_place(walk, depth);
}

/* Open where we are, by the parent if that is open, else from the root. */
static enum uw_status walk_open(struct walk *walk, int *dir_ret,
				struct uw_error *err)
{
	int dir = walk_known(walk, walk->depth);
	enum uw_status status = UW_OK;

	if (dir < 0) {
		int parent = walk_known(walk, walk->depth - 1);

		if (parent < 0)
			status = open_below(walk->tree, walk->path, walk->len,
					    &dir, err);
		else if ((dir = open_child(parent, walk_leaf(walk))) < 0)
			status = uw_fail_os(err, errno, "openat");
		*walk_place(walk, walk->depth) = dir;
	}
	*dir_ret = dir;
	return status;
}

/* Go to the child @part, making it; one that exists must be a directory. */
static enum uw_status walk_down(struct walk *walk, const char *part, size_t len,
				struct uw_error *err)
{
	enum uw_status status;
	int dir;

	status = walk_open(walk, &dir, err);
	if (status != UW_OK)
		return status;

	if (walk->depth > 0)
		walk->path[walk->len++] = '/';
	memcpy(walk->path + walk->len, part, len);
	walk->len += len;
	walk->path[walk->len] = '\0';
	walk->depth++;
	walk_drop(walk, walk->depth);

	if (mkdirat(dir, walk_leaf(walk), 0777) == 0)
		return UW_OK;
	status = errno == EEXIST ? walk_open(walk, &dir, err)
				 : uw_fail_os(err, errno, "mkdirat");
	if (status != UW_OK)
		walk_up(walk);
	return status;
}

/* Whether we are at @name or above it. */
static bool walk_is_above(const struct walk *walk, const char *name)
{
	return strncmp(walk->path, name, walk->len) == 0 &&
	       (walk->len == 0 || name[walk->len] == '/' ||
		name[walk->len] == '\0');
}

static enum uw_status walk_to(struct walk *walk, const char *name,
			      struct uw_error *err)
{
	enum uw_status status = uw_name_check(name, strlen(name), err);
	const char *part;

	if (status != UW_OK)
		return status;
	while (!walk_is_above(walk, name))
		walk_up(walk);
	part = name + walk->len;
	while (status == UW_OK && *part != '\0') {
		size_t len;

		part += *part == '/';
		len = strcspn(part, "/");
		status = walk_down(walk, part, len, err);
		part += len;
	}
	return status;
}

enum uw_status uw_tree_make_dirs(const struct uw_tree *tree,
				 const char *const *names, size_t count,
				 size_t *failed_ret, struct uw_error *err)
{
	enum uw_status status = UW_OK;
	struct walk walk;

	*failed_ret = 0;
	walk_begin(&walk, tree);
	for (size_t i = 0; i < count && status == UW_OK; i++) {
		status = walk_to(&walk, names[i], err);
		if (status != UW_OK)
			*failed_ret = i;
	}
	walk_end(&walk);
	return status;
}

int uw_tree_mkdir(const struct uw_tree *tree, const char *name,
		  struct uw_error *err)
{
	size_t failed;

	return (int)uw_tree_make_dirs(tree, &name, 1, &failed, err);
}

/* -------------------------------------------------------------------- files */

/* The mode stands in the open call, so that the umask of the process holds. */
enum uw_status uw_file_create(uw_dir dir, const char *leaf, bool executable,
			      uw_file *file_ret, struct uw_error *err)
{
	enum uw_status status = uw_name_check_leaf(leaf, strlen(leaf), err);
	int fd;

	*file_ret = UW_FILE_NONE;
	if (status != UW_OK)
		return status;
	do
		fd = openat((int)dir, leaf,
			    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
				    O_CLOEXEC,
			    executable ? 0777 : 0666);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return uw_fail_os(err, errno, "openat");
	*file_ret = fd;
	return UW_OK;
}

/* Linux writes at most 2 GiB at a time, macOS refuses more. */
#define WRITE_MAX ((size_t)1 << 30)

enum uw_status uw_file_write(uw_file file, u64 offset, const u8 *data,
			     size_t len, struct uw_error *err)
{
	if (offset > INT64_MAX || len > INT64_MAX - offset)
		return uw_fail_os(err, EFBIG, "pwrite");
	while (len > 0) {
		ssize_t done = pwrite((int)file, data,
				      len < WRITE_MAX ? len : WRITE_MAX,
				      (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		/* Nothing written and no error: would be for ever. */
		if (done <= 0)
			return uw_fail_os(err, done < 0 ? errno : EIO,
					  "pwrite");
		data += done;
		offset += (u64)done;
		len -= (size_t)done;
	}
	return UW_OK;
}

/* Not tried again after EINTR: on Linux the descriptor is free by then. */
enum uw_status uw_file_close(uw_file file, struct uw_error *err)
{
	if (close((int)file) != 0)
		return uw_fail_os(err, errno, "close");
	return UW_OK;
}

/* ------------------------------------------------- a name as parent and leaf
 */

struct place {
	int dir;
	const char *leaf;
};

static enum uw_status place_open(const struct uw_tree *tree, const char *name,
				 struct place *place, struct uw_error *err)
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

static void place_close(struct place *place)
{
	close_if_open(place->dir);
}

/* The same, making the parents if there are none yet. */
static enum uw_status place_make(const struct uw_tree *tree, const char *name,
				 struct place *place, struct uw_error *err)
{
	enum uw_status status = place_open(tree, name, place, err);
	size_t parent_len = uw_name_parent_len(name, strlen(name));
	char parent[UW_NAME_MAX + 1];

	if (status != UW_ERR_SYSTEM || err->os_error != ENOENT ||
	    parent_len == 0)
		return status;
	memcpy(parent, name, parent_len);
	parent[parent_len] = '\0';
	status = (enum uw_status)uw_tree_mkdir(tree, parent, err);
	return status == UW_OK ? place_open(tree, name, place, err) : status;
}

int uw_tree_write(const struct uw_tree *tree, const char *name, int executable,
		  const uint8_t *data, size_t len, struct uw_error *err)
{
	struct place place;
	enum uw_status status = place_make(tree, name, &place, err);
	struct uw_error close_err;
	uw_file file = UW_FILE_NONE;

	if (status == UW_OK)
		status = uw_file_create(place.dir, place.leaf, executable != 0,
					&file, err);
	if (status == UW_OK)
		status = uw_file_write(file, 0, data, len, err);
	if (file != UW_FILE_NONE && uw_file_close(file, &close_err) != UW_OK &&
	    status == UW_OK) {
		*err = close_err;
		status = UW_ERR_SYSTEM;
	}
	place_close(&place);
	return (int)status;
}

/* -------------------------------------------------------------------- links */

/* ".unwheel-" and 64 random bits: nobody can be waiting at that name. */
#define TEMPORARY_LEN	(9 + 16)
#define TEMPORARY_TRIES 8

struct temporary {
	char name[TEMPORARY_LEN + 1];
};

static int temporary_choose(struct temporary *temporary)
{
	u64 random;

	if (getentropy(&random, sizeof(random)) != 0)
		return -1;
	snprintf(temporary->name, sizeof(temporary->name), ".unwheel-%016llx",
		 (unsigned long long)random);
	return 0;
}

/*
 * Make a link under a name that is chosen here: a second name of @from, or, if
 * that is NULL, a symlink to @target.
 */
static enum uw_status link_temporary(int dir, const struct place *from,
				     const char *target,
				     struct temporary *temporary,
				     struct uw_error *err)
{
	int result = -1;

	for (int i = 0; i < TEMPORARY_TRIES && result != 0; i++) {
		if (temporary_choose(temporary) != 0)
			return uw_fail_os(err, errno, "getentropy");
		if (from != NULL)
			result = linkat(from->dir, from->leaf, dir,
					temporary->name, 0);
		else
			result = symlinkat(target, dir, temporary->name);
		if (result != 0 && errno != EEXIST)
			break;
	}
	if (result != 0)
		return uw_fail_os(err, errno,
				  from != NULL ? "linkat" : "symlinkat");
	return UW_OK;
}

/*
 * Put the finished link at its name.  The unlink is for a failure, and for a
 * renameat() between two names of one file, which does nothing and returns 0.
 */
static enum uw_status link_settle(const struct temporary *temporary,
				  const struct place *to, struct uw_error *err)
{
	enum uw_status status = UW_OK;

	if (renameat(to->dir, temporary->name, to->dir, to->leaf) != 0)
		status = uw_fail_os(err, errno, "renameat");
	unlinkat(to->dir, temporary->name, 0);
	return status;
}

int uw_tree_symlink(const struct uw_tree *tree, const char *name,
		    const char *target, struct uw_error *err)
{
	struct temporary temporary;
	struct place to;
	enum uw_status status = place_make(tree, name, &to, err);

	if (status == UW_OK)
		status = link_temporary(to.dir, NULL, target, &temporary, err);
	if (status == UW_OK)
		status = link_settle(&temporary, &to, err);
	place_close(&to);
	return (int)status;
}

/*
 * Only a regular file gets a second name.  A relative symlink would lead to
 * another place from there, perhaps outside.  Looked at under the temporary
 * name: there nobody swaps it.
 */
static enum uw_status link_check(int dir, const struct temporary *temporary,
				 struct uw_error *err)
{
	mode_t type = type_of(dir, temporary->name);

	if (type == S_IFREG)
		return UW_OK;
	unlinkat(dir, temporary->name, 0);
	return uw_fail_os(err, type == S_IFLNK ? ELOOP : EINVAL, "linkat");
}

int uw_tree_hardlink(const struct uw_tree *tree, const char *name,
		     const char *target, struct uw_error *err)
{
	struct temporary temporary;
	struct place from, to = {.dir = -1};
	enum uw_status status = place_open(tree, target, &from, err);

	if (status == UW_OK)
		status = place_make(tree, name, &to, err);
	if (status == UW_OK)
		status = link_temporary(to.dir, &from, NULL, &temporary, err);
	if (status == UW_OK)
		status = link_check(to.dir, &temporary, err);
	if (status == UW_OK)
		status = link_settle(&temporary, &to, err);
	place_close(&from);
	place_close(&to);
	return (int)status;
}

/* FAT, some network and container file systems, and a tree we may not write. */
static bool means_no_symlinks(int os_error)
{
	return os_error == EPERM || os_error == EACCES || os_error == ENOSYS ||
	       os_error == ENOTSUP || os_error == EOPNOTSUPP;
}

int uw_tree_can_symlink(const struct uw_tree *tree, struct uw_error *err)
{
	static const char target[] = "unwheel-probe";
	struct temporary temporary;
	char found[sizeof(target)];
	ssize_t len;

	if (link_temporary(tree->root, NULL, target, &temporary, err) != UW_OK)
		return means_no_symlinks(err->os_error) ? 0 : -1;
	len = readlinkat(tree->root, temporary.name, found, sizeof(found));
	unlinkat(tree->root, temporary.name, 0);
	return len == sizeof(target) - 1 &&
	       memcmp(found, target, (size_t)len) == 0;
}

/* --------------------------------------------------------------- publishing */

/* EPERM is what older seccomp filters answer to a call they do not know. */
static bool lacks_rename_flags(int os_error)
{
	return os_error == ENOSYS || os_error == EINVAL || os_error == EPERM ||
	       os_error == ENOTSUP || os_error == EOPNOTSUPP;
}

/*
 * A directory renamed onto a name replaces at most an empty directory; over
 * anything else the kernel refuses.  So for directories the plain rename is
 * safe, both where flags are lacking (NFS) and for the empty destination.
 * Other things would be replaced by it; for them link, which never replaces.
 */
static int publish_new(const struct place *from, const struct place *to)
{
	int os_error;

	if (rename_flagged(from->dir, from->leaf, to->dir, to->leaf,
			   FLAG_NEW) == 0)
		return 0;
	os_error = errno;
	if (os_error != EEXIST && !lacks_rename_flags(os_error))
		return -1;
	if (type_of(from->dir, from->leaf) == S_IFDIR)
		return renameat(from->dir, from->leaf, to->dir, to->leaf);
	errno = os_error;
	if (os_error == EEXIST ||
	    linkat(from->dir, from->leaf, to->dir, to->leaf, 0) != 0)
		return -1;
	return unlinkat(from->dir, from->leaf, 0);
}

static int publish(const struct place *from, const struct place *to, int how)
{
	if (how == UW_PUBLISH_NEW)
		return publish_new(from, to);
	return rename_flagged(from->dir, from->leaf, to->dir, to->leaf,
			      FLAG_EXCHANGE);
}

int uw_tree_publish(const struct uw_tree *tree, const char *from,
		    const char *to, int how, struct uw_error *err)
{
	struct place old, new = {.dir = -1};
	enum uw_status status = place_open(tree, from, &old, err);

	if (status == UW_OK)
		status = place_open(tree, to, &new, err);
	if (status == UW_OK && publish(&old, &new, how) != 0)
		status = uw_fail_os(err, errno, "rename");
	place_close(&old);
	place_close(&new);
	return (int)status;
}

int uw_tree_sync(const struct uw_tree *tree, struct uw_error *err)
{
	if (sync_below(tree->root) != 0)
		return (int)uw_fail_os(err, errno, "sync");
	return UW_OK;
}
