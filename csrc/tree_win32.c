/*
 * tree_win32.c - create below a directory handle, never follow a link
 *
 * NtCreateFile() opens relative to a handle, and with FILE_OPEN_REPARSE_POINT
 * it opens a link itself instead of following it.  Both ways of opening a tree
 * are therefore the same here: a component at a time, each one looked at.
 *
 * Two things Windows cannot do: make a symlink below a handle (make_symlink()
 * in tree_link_win32.c tells what that leaves open), and swap two names in one
 * step.
 */
#include "tree_win32.h"

#include <stdlib.h>

const struct uw_request uw_open_dir = {
	FILE_LIST_DIRECTORY | FILE_TRAVERSE | FILE_READ_ATTRIBUTES |
		SYNCHRONIZE,
	FILE_OPEN, UW_ANY_KIND | FILE_DIRECTORY_FILE, UW_SHARE_ALL};

const struct uw_request uw_make_dir = {
	FILE_LIST_DIRECTORY | FILE_TRAVERSE | FILE_READ_ATTRIBUTES |
		SYNCHRONIZE,
	FILE_OPEN_IF, UW_ANY_KIND | FILE_DIRECTORY_FILE, UW_SHARE_ALL};

static const struct uw_request look_at = {FILE_READ_ATTRIBUTES | SYNCHRONIZE,
					  FILE_OPEN, UW_ANY_KIND, UW_SHARE_ALL};

/* Open or make the directory @part of @parent; a link in its place is none. */
static enum uw_status enter(HANDLE parent, const char *part, size_t len,
			    const struct uw_request *request, HANDLE *child_ret,
			    struct uw_error *err)
{
	struct uw_place place = {.dir = parent};
	enum uw_status status = uw_component_read(part, len, &place.leaf, err);
	HANDLE child;
	NTSTATUS result;

	*child_ret = NULL;
	if (status != UW_OK)
		return status;
	result = uw_handle_open(&place, request, &child);
	if (result < 0)
		return uw_fail_nt(err, result, "NtCreateFile");
	if (uw_kind_of(child) != UW_KIND_DIRECTORY) {
		CloseHandle(child);
		return uw_fail_link(err);
	}
	*child_ret = child;
	return UW_OK;
}

enum uw_status uw_enter_all(const struct uw_tree *tree, const char *name,
			    size_t len, const struct uw_request *request,
			    HANDLE *dir_ret, struct uw_error *err)
{
	const char *const end = name + len;
	enum uw_status status = UW_OK;
	HANDLE dir = NULL;

	*dir_ret = NULL;
	if (len == 0) {
		if (!DuplicateHandle(GetCurrentProcess(), tree->root,
				     GetCurrentProcess(), dir_ret, 0, FALSE,
				     DUPLICATE_SAME_ACCESS))
			return uw_fail_last(err, "DuplicateHandle");
		return UW_OK;
	}

	status = uw_name_check(name, len, err);
	while (status == UW_OK && name < end) {
		const char *slash = memchr(name, '/', (size_t)(end - name));
		const char *stop = slash != NULL ? slash : end;
		HANDLE child;

		status = enter(dir != NULL ? dir : tree->root, name,
			       (size_t)(stop - name), request, &child, err);
		uw_handle_close(dir);
		dir = child;
		name = slash != NULL ? slash + 1 : end;
	}
	*dir_ret = dir;
	return status;
}

/* -------------------------------------------------------------- directories */

static HANDLE open_root(const char *path)
{
	WCHAR *wide = malloc(UW_PATH_UNITS * sizeof(*wide));
	HANDLE root = INVALID_HANDLE_VALUE;
	DWORD error;

	if (wide == NULL) {
		SetLastError(ERROR_NOT_ENOUGH_MEMORY);
		return root;
	}
	if (MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, wide,
				UW_PATH_UNITS) > 0)
		root = CreateFileW(wide, uw_open_dir.access, UW_SHARE_ALL, NULL,
				   OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS,
				   NULL);
	error = GetLastError();
	free(wide);
	if (root != INVALID_HANDLE_VALUE &&
	    uw_kind_of(root) != UW_KIND_DIRECTORY) {
		CloseHandle(root);
		root = INVALID_HANDLE_VALUE;
		error = ERROR_DIRECTORY;
	}
	SetLastError(error);
	return root;
}

int uw_tree_adopt(int handle, int way, struct uw_tree **tree_ret,
		  struct uw_error *err)
{
	(void)way;
	*tree_ret = NULL;
	return (int)uw_fail(err, UW_ERR_USAGE, UW_WHY_NONE, 0,
			    "no tree of descriptor %d on Windows", handle);
}

int uw_tree_open(const char *path, int way, struct uw_tree **tree_ret,
		 struct uw_error *err)
{
	struct uw_tree *tree;

	*tree_ret = NULL;
	if (way != UW_TREE_BEST && way != UW_TREE_STEPWISE)
		return (int)uw_fail(err, UW_ERR_USAGE, UW_WHY_NONE, 0,
				    "no such way to open a tree: %d", way);
	tree = calloc(1, sizeof(*tree));
	if (tree == NULL)
		return (int)uw_fail_memory(err);
	tree->root = open_root(path);
	if (tree->root == INVALID_HANDLE_VALUE) {
		uw_fail_last(err, "CreateFile");
		free(tree);
		return UW_ERR_SYSTEM;
	}
	*tree_ret = tree;
	return UW_OK;
}

void uw_tree_close(struct uw_tree *tree)
{
	if (tree == NULL)
		return;
	CloseHandle(tree->root);
	free(tree);
}

enum uw_status uw_dir_open(const struct uw_tree *tree, const char *name,
			   size_t name_len, uw_dir *dir_ret,
			   struct uw_error *err)
{
	HANDLE dir;
	enum uw_status status =
		uw_enter_all(tree, name, name_len, &uw_open_dir, &dir, err);

	*dir_ret = status == UW_OK ? (uw_dir)dir : UW_DIR_NONE;
	return status;
}

void uw_dir_close(uw_dir dir)
{
	if (dir != UW_DIR_NONE)
		CloseHandle((HANDLE)dir);
}

/* ------------------------------------------------- a name as parent and leaf
 */

enum uw_status uw_place_open(const struct uw_tree *tree, const char *name,
			     const struct uw_request *parents,
			     struct uw_place *place, struct uw_error *err)
{
	size_t len = strlen(name);
	size_t parent_len = uw_name_parent_len(name, len);
	size_t leaf_at = parent_len > 0 ? parent_len + 1 : 0;
	enum uw_status status = uw_name_check(name, len, err);

	place->dir = NULL;
	if (status == UW_OK)
		status = uw_component_read(name + leaf_at, len - leaf_at,
					   &place->leaf, err);
	if (status == UW_OK)
		status = uw_enter_all(tree, name, parent_len, parents,
				      &place->dir, err);
	return status;
}

void uw_place_close(struct uw_place *place)
{
	uw_handle_close(place->dir);
}

enum uw_kind uw_place_kind(struct uw_place *place)
{
	enum uw_kind kind = UW_KIND_UNKNOWN;
	HANDLE handle;

	if (uw_handle_open(place, &look_at, &handle) >= 0) {
		kind = uw_kind_of(handle);
		CloseHandle(handle);
	}
	return kind;
}
