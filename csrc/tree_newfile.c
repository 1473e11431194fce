/*
 * tree_newfile.c - a new file below a tree, written piece by piece
 *
 * For who brings bytes of his own, and does not have them all at once.  The
 * same on every system: only what tree.h promises is used.
 */
#include "tree.h"
#include "tree_name.h"

#include <stdlib.h>

struct uw_newfile {
	uw_file file; /* UW_FILE_NONE once it is finished */
	u64 len;      /* written so far */
	struct uw_error failure;
};

/* Make the first @len bytes of @name, a directory, and open it. */
static enum uw_status make_parent(const struct uw_tree *tree, const char *name,
				  size_t len, uw_dir *dir_ret,
				  struct uw_error *err)
{
	char parent[UW_NAME_MAX + 1];
	enum uw_status status;

	memcpy(parent, name, len);
	parent[len] = '\0';
	status = (enum uw_status)uw_tree_mkdir(tree, parent, err);
	return status == UW_OK ? uw_dir_open(tree, name, len, dir_ret, err)
			       : status;
}

/*
 * Most parents are there.  Whatever keeps one from being opened, making it says
 * the same or helps.
 */
static enum uw_status create(const struct uw_tree *tree, const char *name,
			     bool executable, uw_file *file_ret,
			     struct uw_error *err)
{
	size_t len = strlen(name), parent_len = uw_name_parent_len(name, len);
	const char *leaf = name + (parent_len > 0 ? parent_len + 1 : 0);
	enum uw_status status = uw_name_check(name, len, err);
	uw_dir dir = UW_DIR_NONE;

	if (status == UW_OK)
		status = uw_dir_open(tree, name, parent_len, &dir, err);
	if (status == UW_ERR_SYSTEM && parent_len > 0)
		status = make_parent(tree, name, parent_len, &dir, err);
	if (status == UW_OK)
		status = uw_file_create(dir, leaf, executable, file_ret, err);
	uw_dir_close(dir);
	return status;
}

int uw_tree_create(const struct uw_tree *tree, const char *name, int executable,
		   struct uw_newfile **newfile_ret, struct uw_error *err)
{
	struct uw_newfile *newfile = calloc(1, sizeof(*newfile));
	enum uw_status status;

	*newfile_ret = NULL;
	if (newfile == NULL)
		return (int)uw_fail(err, UW_ERR_MEMORY, UW_WHY_NONE, 0,
				    "out of memory");
	status = create(tree, name, executable != 0, &newfile->file, err);
	if (status == UW_OK)
		*newfile_ret = newfile;
	else
		free(newfile);
	return (int)status;
}

int uw_newfile_write(struct uw_newfile *newfile, const uint8_t *data,
		     size_t len, struct uw_error *err)
{
	if (newfile->file == UW_FILE_NONE)
		return (int)uw_fail(err, UW_ERR_USAGE, UW_WHY_NONE, 0,
				    "the file is finished");
	if (newfile->failure.status == UW_OK &&
	    uw_file_write(newfile->file, newfile->len, data, len,
			  &newfile->failure) == UW_OK)
		newfile->len += len;
	if (newfile->failure.status != UW_OK)
		*err = newfile->failure;
	return newfile->failure.status;
}

int uw_newfile_finish(struct uw_newfile *newfile, struct uw_error *err)
{
	struct uw_error close_err = {0};

	if (newfile->file == UW_FILE_NONE)
		return (int)uw_fail(err, UW_ERR_USAGE, UW_WHY_NONE, 0,
				    "the file is finished");
	uw_file_close(newfile->file, &close_err);
	newfile->file = UW_FILE_NONE;
	if (newfile->failure.status == UW_OK)
		newfile->failure = close_err;
	if (newfile->failure.status != UW_OK)
		*err = newfile->failure;
	return newfile->failure.status;
}

void uw_newfile_close(struct uw_newfile *newfile)
{
	struct uw_error err;

	if (newfile == NULL)
		return;
	if (newfile->file != UW_FILE_NONE)
		uw_file_close(newfile->file, &err);
	free(newfile);
}
