/*
 * tree_link_posix.c - symlinks, and second names of files
 */
#include "tree_posix.h"

/* ----------------------------------------------------------------- symlinks */

static enum uw_status make_symlink(int dir, const char *leaf, void *recipe,
				   struct uw_error *err)
{
	const char *const *target = recipe;

	if (symlinkat(*target, dir, leaf) != 0)
		return uw_fail_os(err, errno, "symlinkat");
	return UW_OK;
}

int uw_tree_symlink(const struct uw_tree *tree, const char *name,
		    const char *target, struct uw_error *err)
{
	struct uw_place to;
	enum uw_status status = uw_place_make(tree, name, &to, err);

	if (status == UW_OK)
		status = uw_place_replace(&to, &make_symlink, &target, err);
	uw_place_close(&to);
	return (int)status;
}

/* --------------------------------------------------------------- hard links */

/*
 * Only a regular file gets a second name.  A relative symlink would lead to
 * another place from there, perhaps outside.  Looked at under the new name: the
 * old one may have been swapped meanwhile.
 */
enum uw_status uw_hardlink_make(int dir, const char *leaf, void *from,
				struct uw_error *err)
{
	const struct uw_place *target = from;
	mode_t type;

	if (linkat(target->dir, target->leaf, dir, leaf, 0) != 0)
		return uw_fail_os(err, errno, "linkat");
	type = uw_type_of(dir, leaf);
	if (type == S_IFREG)
		return UW_OK;
	unlinkat(dir, leaf, 0);
	return uw_fail_os(err, type == S_IFLNK ? ELOOP : EINVAL, "linkat");
}

int uw_tree_hardlink(const struct uw_tree *tree, const char *name,
		     const char *target, struct uw_error *err)
{
	struct uw_place from, to = {.dir = -1};
	enum uw_status status = uw_place_open(tree, target, &from, err);

	if (status == UW_OK)
		status = uw_place_make(tree, name, &to, err);
	if (status == UW_OK)
		status = uw_place_replace(&to, &uw_hardlink_make, &from, err);
	uw_place_close(&from);
	uw_place_close(&to);
	return (int)status;
}

/* ------------------------------------------------------------------- probes */

/* FAT, some network and container file systems, and a tree we may not write. */
static bool means_no_links(int os_error)
{
	return os_error == EPERM || os_error == EACCES || os_error == ENOSYS ||
	       os_error == ENOTSUP || os_error == EOPNOTSUPP ||
	       os_error == EMLINK;
}

/*
 * A probe that cannot be removed would be published with the tree: that is a
 * failure, whatever it has shown.
 */
static bool removed(const struct uw_tree *tree, const char *probe,
		    struct uw_error *err)
{
	if (unlinkat(tree->root, probe, 0) == 0)
		return true;
	uw_fail_os(err, errno, "unlinkat");
	return false;
}

int uw_tree_can_symlink(const struct uw_tree *tree, struct uw_error *err)
{
	const char *target = "unwheel-probe";
	struct uw_temporary temporary;
	char found[16];
	ssize_t len;

	if (uw_temporary_make(tree->root, &make_symlink, &target, &temporary,
			      err) != UW_OK)
		return means_no_links(err->os_error) ? 0 : -1;
	len = readlinkat(tree->root, temporary.name, found, sizeof(found));
	if (len < 0)
		uw_fail_os(err, errno, "readlinkat");
	if (!removed(tree, temporary.name, err))
		return -1;
	if (len < 0)
		return means_no_links(err->os_error) ? 0 : -1;
	return len == (ssize_t)strlen(target) &&
	       memcmp(found, target, (size_t)len) == 0;
}

static enum uw_status make_empty(int dir, const char *leaf, void *nothing,
				 struct uw_error *err)
{
	enum uw_status status;
	uw_file file;

	(void)nothing;
	status = uw_file_create(dir, leaf, false, &file, err);
	if (status == UW_OK)
		uw_fd_close((int)file);
	return status;
}

int uw_tree_can_hardlink(const struct uw_tree *tree, struct uw_error *err)
{
	struct uw_temporary first, second;
	struct uw_place from = {.dir = tree->root, .leaf = first.name};
	bool clean = true;
	enum uw_status status =
		uw_temporary_make(tree->root, &make_empty, NULL, &first, err);

	if (status == UW_OK) {
		status = uw_temporary_make(tree->root, &uw_hardlink_make, &from,
					   &second, err);
		if (status == UW_OK)
			clean = removed(tree, second.name, err);
		if (!removed(tree, first.name, err))
			clean = false;
	}
	if (!clean)
		return -1;
	if (status == UW_OK)
		return 1;
	return means_no_links(err->os_error) ? 0 : -1;
}
