/*
 * tree_dirs_win32.c - making directories
 */
#include "tree_win32.h"

int uw_tree_mkdir(const struct uw_tree *tree, const char *name,
		  struct uw_error *err)
{
	enum uw_status status = uw_name_check(name, strlen(name), err);
	HANDLE dir = NULL;

	if (status == UW_OK)
		status = uw_enter_all(tree, name, strlen(name), &uw_make_dir,
				      &dir, err);
	uw_handle_close(dir);
	return (int)status;
}

/* One call makes and opens, so nothing is gained by remembering handles. */
enum uw_status uw_tree_make_dirs(const struct uw_tree *tree,
				 const char *const *names, size_t count,
				 size_t *failed_ret, struct uw_error *err)
{
	enum uw_status status = UW_OK;

	*failed_ret = 0;
	for (size_t i = 0; i < count && status == UW_OK; i++) {
		status = (enum uw_status)uw_tree_mkdir(tree, names[i], err);
		if (status != UW_OK)
			*failed_ret = i;
	}
	return status;
}

enum uw_status uw_dir_make(const struct uw_tree *tree, const char *name,
			   size_t name_len, uw_dir *dir_ret,
			   struct uw_error *err)
{
	HANDLE dir = NULL;
	enum uw_status status = uw_name_check(name, name_len, err);

	if (status == UW_OK)
		status = uw_enter_all(tree, name, name_len, &uw_make_dir, &dir,
				      err);
	*dir_ret = status == UW_OK ? (uw_dir)dir : UW_DIR_NONE;
	return status;
}
