/*
 * tree_publish_posix.c - names that are taken in one step
 *
 * Who looks at such a name sees what was there or what is there now, never
 * nothing and never a half.
 */
#include "tree_posix.h"

#include <stdio.h>
#include <sys/random.h>

/* -------------------------------------------------------- temporary names */

#define TEMPORARY_TRIES 8

int uw_temporary_choose(struct uw_temporary *temporary)
{
	u64 random;

	if (getentropy(&random, sizeof(random)) != 0)
		return -1;
	snprintf(temporary->name, sizeof(temporary->name), ".unwheel-%016llx",
		 (unsigned long long)random);
	return 0;
}

enum uw_status uw_temporary_make(int dir, uw_maker *make, void *recipe,
				 struct uw_temporary *temporary,
				 struct uw_error *err)
{
	enum uw_status status;

	for (int i = 1;; i++) {
		if (uw_temporary_choose(temporary) != 0)
			return uw_fail_os(err, errno, "getentropy");
		status = make(dir, temporary->name, recipe, err);
		if (status != UW_ERR_SYSTEM || err->os_error != EEXIST ||
		    i == TEMPORARY_TRIES)
			return status;
	}
}

/*
 * The unlink is for a failure, and for a renameat() between two names of one
 * file, which does nothing and returns 0.
 */
enum uw_status uw_place_replace(const struct uw_place *to, uw_maker *make,
				void *recipe, struct uw_error *err)
{
	struct uw_temporary temporary;
	enum uw_status status =
		uw_temporary_make(to->dir, make, recipe, &temporary, err);

	if (status != UW_OK)
		return status;
	if (renameat(to->dir, temporary.name, to->dir, to->leaf) != 0)
		status = uw_fail_os(err, errno, "renameat");
	unlinkat(to->dir, temporary.name, 0);
	return status;
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
static int publish_new(const struct uw_place *from, const struct uw_place *to)
{
	int os_error;

	if (uw_system_rename(from->dir, from->leaf, to->dir, to->leaf,
			     UW_RENAME_NEW) == 0)
		return 0;
	os_error = errno;
	if (os_error != EEXIST && !lacks_rename_flags(os_error))
		return -1;
	if (uw_type_of(from->dir, from->leaf) == S_IFDIR)
		return renameat(from->dir, from->leaf, to->dir, to->leaf);
	errno = os_error;
	if (os_error == EEXIST ||
	    linkat(from->dir, from->leaf, to->dir, to->leaf, 0) != 0)
		return -1;
	return unlinkat(from->dir, from->leaf, 0);
}

/* Whether the two are in different directories, so never the same entry. */
static bool are_apart(const struct uw_place *one, const struct uw_place *two)
{
	struct stat a, b;

	return fstat(one->dir, &a) == 0 && fstat(two->dir, &b) == 0 &&
	       (a.st_ino != b.st_ino || a.st_dev != b.st_dev);
}

/*
 * The kernel lets only a directory take the place of one, and only of an empty
 * one; not even that is asked for here.
 *
 * A rename between two names of one file does nothing and returns 0; then the
 * old name is yet to go.  In one directory it stays: where upper and lower case
 * are the same, the two may be one name.
 */
static int publish_over(const struct uw_place *from, const struct uw_place *to)
{
	struct stat old, new = {0};

	if (fstatat(from->dir, from->leaf, &old, AT_SYMLINK_NOFOLLOW) != 0)
		return -1;
	fstatat(to->dir, to->leaf, &new, AT_SYMLINK_NOFOLLOW);
	if (S_ISDIR(old.st_mode) && S_ISDIR(new.st_mode)) {
		errno = EEXIST;
		return -1;
	}
	if (renameat(from->dir, from->leaf, to->dir, to->leaf) != 0)
		return -1;
	if (old.st_ino != new.st_ino || old.st_dev != new.st_dev ||
	    !are_apart(from, to) || unlinkat(from->dir, from->leaf, 0) == 0 ||
	    errno == ENOENT)
		return 0;
	return -1;
}

static int publish(const struct uw_place *from, const struct uw_place *to,
		   int how)
{
	if (how == UW_PUBLISH_NEW)
		return publish_new(from, to);
	if (how == UW_PUBLISH_REPLACE)
		return publish_over(from, to);
	return uw_system_rename(from->dir, from->leaf, to->dir, to->leaf,
				UW_RENAME_EXCHANGE);
}

int uw_tree_publish(const struct uw_tree *tree, const char *from,
		    const char *to, int how, struct uw_error *err)
{
	struct uw_place old, new = {.dir = -1};
	enum uw_status status = uw_place_open(tree, from, &old, err);

	if (status == UW_OK)
		status = uw_place_open(tree, to, &new, err);
	if (status == UW_OK && publish(&old, &new, how) != 0)
		status = uw_fail_os(err, errno, "rename");
	uw_place_close(&old);
	uw_place_close(&new);
	return (int)status;
}

int uw_tree_sync(const struct uw_tree *tree, struct uw_error *err)
{
	if (uw_system_sync(tree->root) != 0)
		return (int)uw_fail_os(err, errno, "sync");
	return UW_OK;
}
