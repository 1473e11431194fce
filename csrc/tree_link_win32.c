/*
 * tree_link_win32.c - symlinks, and second names of files
 */
#include "tree_win32.h"

#include <stdlib.h>

/* ----------------------------------------------------------------- symlinks */

/* Paths of one symlink to make; too large for the stack. */
struct link_paths {
	WCHAR parent[UW_PATH_UNITS];
	WCHAR joined[UW_PATH_UNITS];
	WCHAR full[UW_PATH_UNITS];
	WCHAR target[4096];
};

/* @parent '\' @child; false if that is too long. */
static bool join(WCHAR *joined, const WCHAR *parent, const WCHAR *child)
{
	size_t parent_len = wcslen(parent);
	size_t child_len = wcslen(child);

	if (parent_len + child_len + 2 > UW_PATH_UNITS)
		return false;
	memcpy(joined, parent, parent_len * sizeof(WCHAR));
	joined[parent_len] = L'\\';
	memcpy(joined + parent_len + 1, child, (child_len + 1) * sizeof(WCHAR));
	return true;
}

static enum uw_status read_target(const char *target, struct link_paths *paths,
				  struct uw_error *err)
{
	if (MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, target, -1,
				paths->target,
				(int)ARRAY_LEN(paths->target)) == 0)
		return uw_fail_last(err, "MultiByteToWideChar");
	for (WCHAR *c = paths->target; *c != L'\0'; c++)
		if (*c == L'/')
			*c = L'\\';
	return UW_OK;
}

/*
 * A symlink on Windows is one to a file or one to a directory.  Links are made
 * last, so the target is there to be looked at.
 */
static bool leads_to_directory(struct link_paths *paths)
{
	DWORD len, attributes;

	if (!join(paths->joined, paths->parent, paths->target))
		return false;
	len = GetFullPathNameW(paths->joined, UW_PATH_UNITS, paths->full, NULL);
	if (len == 0 || len >= UW_PATH_UNITS)
		return false;
	attributes = GetFileAttributesW(paths->full);
	return attributes != INVALID_FILE_ATTRIBUTES &&
	       (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
}

/* Windows before 10 1703 does not know the flag, and refuses all of it. */
static bool create_symlink(const WCHAR *path, const WCHAR *target,
			   bool directory)
{
	DWORD flags = directory ? SYMBOLIC_LINK_FLAG_DIRECTORY : 0;

	if (CreateSymbolicLinkW(
		    path, target,
		    flags | SYMBOLIC_LINK_FLAG_ALLOW_UNPRIVILEGED_CREATE))
		return true;
	return GetLastError() == ERROR_INVALID_PARAMETER &&
	       CreateSymbolicLinkW(path, target, flags);
}

static enum uw_status make_at_path(struct uw_place *at,
				   struct link_paths *paths, HANDLE *made_ret,
				   struct uw_error *err)
{
	DWORD len;
	NTSTATUS result;
	bool directory;

	len = GetFinalPathNameByHandleW(at->dir, paths->parent, UW_PATH_UNITS,
					0);
	if (len == 0)
		return uw_fail_last(err, "GetFinalPathNameByHandle");
	if (len >= UW_PATH_UNITS)
		return uw_fail_os(err, ERROR_FILENAME_EXCED_RANGE,
				  "GetFinalPathNameByHandle");
	directory = leads_to_directory(paths);
	if (!join(paths->joined, paths->parent, at->leaf.text))
		return uw_fail_os(err, ERROR_FILENAME_EXCED_RANGE,
				  "CreateSymbolicLink");
	if (!create_symlink(paths->joined, paths->target, directory))
		return uw_fail_last(err, "CreateSymbolicLink");
	result = uw_handle_open(at, &uw_handle_any, made_ret);
	return result < 0 ? uw_fail_nt(err, result, "NtCreateFile") : UW_OK;
}

/*
 * This call alone takes a path.  Who swaps a directory of that path for a link
 * gets a symlink of a random name elsewhere, which nobody uses: it is not found
 * below the handle, and that is an error.
 */
static enum uw_status make_symlink(struct uw_place *at, void *recipe,
				   HANDLE *made_ret, struct uw_error *err)
{
	const char *const *target = recipe;
	struct link_paths *paths = malloc(sizeof(*paths));
	enum uw_status status;

	if (paths == NULL)
		return uw_fail_memory(err);
	status = read_target(*target, paths, err);
	if (status == UW_OK)
		status = make_at_path(at, paths, made_ret, err);
	free(paths);
	return status;
}

int uw_tree_symlink(const struct uw_tree *tree, const char *name,
		    const char *target, struct uw_error *err)
{
	struct uw_place to;
	enum uw_status status =
		uw_place_open(tree, name, &uw_make_dir, &to, err);

	if (status == UW_OK)
		status = uw_place_replace(&to, &make_symlink, &target, err);
	uw_place_close(&to);
	return (int)status;
}

/* --------------------------------------------------------------- hard links */

/* Only a file gets a second name: a relative link would lead elsewhere. */
enum uw_status uw_link_make(HANDLE file, struct uw_place *to,
			    enum uw_taken taken, struct uw_error *err)
{
	NTSTATUS result;

	if (uw_kind_of(file) != UW_KIND_FILE)
		return uw_fail_link(err);
	if (uw_place_kind(to) == UW_KIND_DIRECTORY)
		return uw_fail_os(err, ERROR_ALREADY_EXISTS,
				  "NtSetInformationFile");
	result = uw_handle_link(file, to, taken);
	return result < 0 ? uw_fail_nt(err, result, "NtSetInformationFile")
			  : UW_OK;
}

int uw_tree_hardlink(const struct uw_tree *tree, const char *name,
		     const char *target, struct uw_error *err)
{
	int way;

	return uw_tree_stand_in(tree, name, target, UW_STAND_HARDLINK, &way,
				err);
}

/* ------------------------------------------------------------------- probes */

/* No right to make them, or FAT; Wine claims to make one and does not. */
static bool means_no_links(int os_error)
{
	return os_error == ERROR_FILE_NOT_FOUND ||
	       os_error == ERROR_PRIVILEGE_NOT_HELD ||
	       os_error == ERROR_INVALID_FUNCTION ||
	       os_error == ERROR_NOT_SUPPORTED ||
	       os_error == ERROR_ACCESS_DENIED;
}

int uw_tree_can_symlink(const struct uw_tree *tree, struct uw_error *err)
{
	struct uw_place at = {.dir = tree->root};
	const char *target = "unwheel-probe";
	HANDLE link = NULL;
	int can;

	if (uw_temporary_choose(&at.leaf, err) != UW_OK)
		return -1;
	if (make_symlink(&at, &target, &link, err) != UW_OK)
		return means_no_links(err->os_error) ? 0 : -1;
	can = uw_kind_of(link) == UW_KIND_LINK;
	uw_handle_delete(link);
	CloseHandle(link);
	return can;
}

/* Give @file a second name, and take that away again. */
static enum uw_status try_hardlink(HANDLE file, struct uw_place *second,
				   struct uw_error *err)
{
	enum uw_status status = uw_link_make(file, second, UW_TAKEN_FAILS, err);
	HANDLE link;

	if (status == UW_OK &&
	    uw_handle_open(second, &uw_handle_any, &link) >= 0) {
		uw_handle_delete(link);
		CloseHandle(link);
	}
	return status;
}

int uw_tree_can_hardlink(const struct uw_tree *tree, struct uw_error *err)
{
	struct uw_place first = {.dir = tree->root};
	struct uw_place second = {.dir = tree->root};
	HANDLE file;
	enum uw_status status;

	if (uw_temporary_choose(&first.leaf, err) != UW_OK ||
	    uw_temporary_choose(&second.leaf, err) != UW_OK)
		return -1;
	status = uw_file_make(&first, &file, err);
	if (status == UW_OK) {
		status = try_hardlink(file, &second, err);
		uw_handle_delete(file);
		CloseHandle(file);
	}
	if (status == UW_OK)
		return 1;
	return means_no_links(err->os_error) ? 0 : -1;
}
