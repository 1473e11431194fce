/*
 * tree_win32.c - create below a directory handle, never follow a link
 *
 * NtCreateFile() opens relative to a handle, and with FILE_OPEN_REPARSE_POINT
 * it opens a link itself instead of following it.  Both ways of opening a tree
 * are therefore the same here: a component at a time, each one looked at.
 *
 * Two things Windows cannot do: make a symlink below a handle (see link_make()
 * for what that leaves open), and swap two names in one step.
 */
#define _CRT_RAND_S /* rand_s(), the system's random numbers */
#include "tree.h"
#include "tree_name.h"

#include <stdlib.h>
#include <windows.h>
#include <winternl.h>

static_assert(sizeof(HANDLE) == sizeof(intptr_t), "a HANDLE in an intptr_t");

/* In Microsoft's <winternl.h> it is missing, in mingw's it is not. */
NTSTATUS NTAPI NtSetInformationFile(HANDLE file, PIO_STATUS_BLOCK io,
				    PVOID info, ULONG len,
				    FILE_INFORMATION_CLASS what);

/* Of <ntifs.h>, which belongs to the driver kit. */
enum {
	RENAME_INFORMATION = 10,
	LINK_INFORMATION = 11,
	DISPOSITION_INFORMATION = 13,
	RENAME_INFORMATION_EX = 65
};

enum { REPLACE_IF_EXISTS = 1, POSIX_SEMANTICS = 2 };

#define NAME_COLLISION ((NTSTATUS)0xC0000035)

/* FILE_RENAME_INFORMATION(_EX) and FILE_LINK_INFORMATION are laid out alike. */
struct name_information {
	ULONG flags; /* the older classes look at one byte of it, a BOOLEAN */
	HANDLE parent;
	ULONG name_len; /* bytes */
	WCHAR name[256];
};

struct uw_tree {
	HANDLE root;
};

/* One component, as Windows wants it. */
struct component {
	USHORT len; /* bytes */
	WCHAR text[256];
};

struct request {
	ACCESS_MASK access;
	ULONG disposition;
	ULONG options;
	ULONG share;
};

#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
#define ANY_KIND  (FILE_OPEN_REPARSE_POINT | FILE_SYNCHRONOUS_IO_NONALERT)

static const struct request open_dir = {
	FILE_LIST_DIRECTORY | FILE_TRAVERSE | FILE_READ_ATTRIBUTES |
		SYNCHRONIZE,
	FILE_OPEN, ANY_KIND | FILE_DIRECTORY_FILE, SHARE_ALL};

static const struct request make_dir = {
	FILE_LIST_DIRECTORY | FILE_TRAVERSE | FILE_READ_ATTRIBUTES |
		SYNCHRONIZE,
	FILE_OPEN_IF, ANY_KIND | FILE_DIRECTORY_FILE, SHARE_ALL};

static const struct request new_file = {FILE_GENERIC_WRITE, FILE_CREATE,
					ANY_KIND | FILE_NON_DIRECTORY_FILE,
					FILE_SHARE_READ | FILE_SHARE_DELETE};

/* To rename, link or delete whatever it is. */
static const struct request handle_any = {
	DELETE | FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES | SYNCHRONIZE,
	FILE_OPEN, ANY_KIND, SHARE_ALL};

static const struct request look_at = {FILE_READ_ATTRIBUTES | SYNCHRONIZE,
				       FILE_OPEN, ANY_KIND, SHARE_ALL};

/* ------------------------------------------------------------------- errors */

static enum uw_status fail_last(struct uw_error *err, const char *call)
{
	return uw_fail_os(err, (int)GetLastError(), call);
}

static enum uw_status fail_nt(struct uw_error *err, NTSTATUS result,
			      const char *call)
{
	return uw_fail_os(err, (int)RtlNtStatusToDosError(result), call);
}

/* Windows has no error of its own for a link where none may be. */
static enum uw_status fail_link(struct uw_error *err)
{
	uw_fail(err, UW_ERR_SYSTEM, UW_WHY_NONE, 0, "a link is in the way");
	err->os_error = ERROR_CANT_ACCESS_FILE;
	return UW_ERR_SYSTEM;
}

static enum uw_status fail_memory(struct uw_error *err)
{
	return uw_fail(err, UW_ERR_MEMORY, UW_WHY_NONE, 0, "out of memory");
}

/* ----------------------------------------------------- one component, opened
 */

static enum uw_status widen(const char *part, size_t len,
			    struct component *component, struct uw_error *err)
{
	const int room = (int)ARRAY_LEN(component->text) - 1;
	int units;

	if (!uw_name_is_portable(part, len))
		return uw_fail(err, UW_ERR_NAME, UW_WHY_NONE, 0,
			       "a name that Windows reserves or cuts");
	units = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, part,
				    (int)len, component->text, room);
	if (units == 0 && GetLastError() == ERROR_INSUFFICIENT_BUFFER)
		return uw_fail_os(err, ERROR_FILENAME_EXCED_RANGE,
				  "NtCreateFile");
	if (units == 0)
		return uw_fail(err, UW_ERR_NAME, UW_WHY_NONE, 0,
			       "a name that is not UTF-8");
	component->text[units] = L'\0';
	component->len = (USHORT)(units * (int)sizeof(WCHAR));
	return UW_OK;
}

/* Open or make @component of @parent itself, never what it points to. */
static NTSTATUS open_component(HANDLE parent, struct component *component,
			       const struct request *request,
			       HANDLE *handle_ret)
{
	UNICODE_STRING name = {component->len, component->len, component->text};
	OBJECT_ATTRIBUTES object = {.Length = sizeof(object),
				    .RootDirectory = parent,
				    .ObjectName = &name,
				    .Attributes = OBJ_CASE_INSENSITIVE};
	IO_STATUS_BLOCK io;

	return NtCreateFile(handle_ret, request->access, &object, &io, NULL,
			    FILE_ATTRIBUTE_NORMAL, request->share,
			    request->disposition, request->options, NULL, 0);
}

enum kind { KIND_UNKNOWN, KIND_FILE, KIND_DIRECTORY, KIND_LINK };

/*
 * A reparse point that stands for another name is a link: symlink, junction,
 * mount point.  Others (a file in the cloud, a compressed one) are what they
 * seem to be.
 */
static enum kind kind_of(HANDLE handle)
{
	FILE_ATTRIBUTE_TAG_INFO info;

	if (!GetFileInformationByHandleEx(handle, FileAttributeTagInfo, &info,
					  sizeof(info)))
		return KIND_UNKNOWN;
	if ((info.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) &&
	    IsReparseTagNameSurrogate(info.ReparseTag))
		return KIND_LINK;
	return info.FileAttributes & FILE_ATTRIBUTE_DIRECTORY ? KIND_DIRECTORY
							      : KIND_FILE;
}

static void close_if_open(HANDLE handle)
{
	if (handle != NULL)
		CloseHandle(handle);
}

/* Open or make the directory @part of @parent; a link in its place is none. */
static enum uw_status enter(HANDLE parent, const char *part, size_t len,
			    const struct request *request, HANDLE *child_ret,
			    struct uw_error *err)
{
	struct component component;
	enum uw_status status = widen(part, len, &component, err);
	HANDLE child = NULL;
	NTSTATUS result;

	*child_ret = NULL;
	if (status != UW_OK)
		return status;
	result = open_component(parent, &component, request, &child);
	if (result < 0)
		return fail_nt(err, result, "NtCreateFile");
	if (kind_of(child) != KIND_DIRECTORY) {
		CloseHandle(child);
		return fail_link(err);
	}
	*child_ret = child;
	return UW_OK;
}

/* From the root through all of @name, which may be empty. */
static enum uw_status enter_all(const struct uw_tree *tree, const char *name,
				size_t len, const struct request *request,
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
			return fail_last(err, "DuplicateHandle");
		return UW_OK;
	}

	status = uw_name_check(name, len, err);
	while (status == UW_OK && name < end) {
		const char *slash = memchr(name, '/', (size_t)(end - name));
		const char *stop = slash != NULL ? slash : end;
		HANDLE child;

		status = enter(dir != NULL ? dir : tree->root, name,
			       (size_t)(stop - name), request, &child, err);
		close_if_open(dir);
		dir = child;
		name = slash != NULL ? slash + 1 : end;
	}
	*dir_ret = dir;
	return status;
}

/* -------------------------------------------------------------- directories */

/* The longest path that Windows takes, in UTF-16 units with its NUL. */
#define PATH_UNITS 32768

static HANDLE open_root(const char *path)
{
	WCHAR *wide = malloc(PATH_UNITS * sizeof(*wide));
	HANDLE root = INVALID_HANDLE_VALUE;
	DWORD error;

	if (wide == NULL) {
		SetLastError(ERROR_NOT_ENOUGH_MEMORY);
		return root;
	}
	if (MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, wide,
				PATH_UNITS) > 0)
		root = CreateFileW(wide, open_dir.access, SHARE_ALL, NULL,
				   OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS,
				   NULL);
	error = GetLastError();
	free(wide);
	if (root != INVALID_HANDLE_VALUE && kind_of(root) != KIND_DIRECTORY) {
		CloseHandle(root);
		root = INVALID_HANDLE_VALUE;
		error = ERROR_DIRECTORY;
	}
	SetLastError(error);
	return root;
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
		return (int)fail_memory(err);
	tree->root = open_root(path);
	if (tree->root == INVALID_HANDLE_VALUE) {
		fail_last(err, "CreateFile");
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
		enter_all(tree, name, name_len, &open_dir, &dir, err);

	*dir_ret = status == UW_OK ? (uw_dir)dir : UW_DIR_NONE;
	return status;
}

void uw_dir_close(uw_dir dir)
{
	if (dir != UW_DIR_NONE)
		CloseHandle((HANDLE)dir);
}

int uw_tree_mkdir(const struct uw_tree *tree, const char *name,
		  struct uw_error *err)
{
	enum uw_status status = uw_name_check(name, strlen(name), err);
	HANDLE dir = NULL;

	if (status == UW_OK)
		status = enter_all(tree, name, strlen(name), &make_dir, &dir,
				   err);
	close_if_open(dir);
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

/* -------------------------------------------------------------------- files */

/* Windows knows no executable files. */
enum uw_status uw_file_create(uw_dir dir, const char *leaf, bool executable,
			      uw_file *file_ret, struct uw_error *err)
{
	enum uw_status status = uw_name_check_leaf(leaf, strlen(leaf), err);
	struct component component;
	HANDLE file = NULL;
	NTSTATUS result;

	(void)executable;
	*file_ret = UW_FILE_NONE;
	if (status == UW_OK)
		status = widen(leaf, strlen(leaf), &component, err);
	if (status != UW_OK)
		return status;
	result = open_component((HANDLE)dir, &component, &new_file, &file);
	if (result < 0)
		return fail_nt(err, result, "NtCreateFile");
	*file_ret = (uw_file)file;
	return UW_OK;
}

#define WRITE_MAX ((size_t)1 << 30)

enum uw_status uw_file_write(uw_file file, u64 offset, const u8 *data,
			     size_t len, struct uw_error *err)
{
	if (offset > INT64_MAX || len > INT64_MAX - offset)
		return uw_fail_os(err, ERROR_FILE_TOO_LARGE, "WriteFile");
	while (len > 0) {
		DWORD want = (DWORD)(len < WRITE_MAX ? len : WRITE_MAX);
		OVERLAPPED at = {0};
		DWORD done = 0;

		at.Offset = (DWORD)offset;
		at.OffsetHigh = (DWORD)(offset >> 32);
		if (!WriteFile((HANDLE)file, data, want, &done, &at))
			return fail_last(err, "WriteFile");
		/* Nothing written and no error: would be for ever. */
		if (done == 0)
			return uw_fail_os(err, ERROR_WRITE_FAULT, "WriteFile");
		data += done;
		offset += done;
		len -= done;
	}
	return UW_OK;
}

enum uw_status uw_file_close(uw_file file, struct uw_error *err)
{
	if (!CloseHandle((HANDLE)file))
		return fail_last(err, "CloseHandle");
	return UW_OK;
}

/* ------------------------------------------------- a name as parent and leaf
 */

struct place {
	HANDLE dir;
	struct component leaf;
};

static enum uw_status place_open(const struct uw_tree *tree, const char *name,
				 const struct request *parents,
				 struct place *place, struct uw_error *err)
{
	size_t len = strlen(name);
	size_t parent_len = uw_name_parent_len(name, len);
	size_t leaf_at = parent_len > 0 ? parent_len + 1 : 0;
	enum uw_status status = uw_name_check(name, len, err);

	place->dir = NULL;
	if (status == UW_OK)
		status =
			widen(name + leaf_at, len - leaf_at, &place->leaf, err);
	if (status == UW_OK)
		status = enter_all(tree, name, parent_len, parents, &place->dir,
				   err);
	return status;
}

static void place_close(struct place *place)
{
	close_if_open(place->dir);
}

int uw_tree_write(const struct uw_tree *tree, const char *name, int executable,
		  const uint8_t *data, size_t len, struct uw_error *err)
{
	size_t parent_len = uw_name_parent_len(name, strlen(name));
	struct place place;
	enum uw_status status = place_open(tree, name, &make_dir, &place, err);
	struct uw_error close_err;
	uw_file file = UW_FILE_NONE;

	if (status == UW_OK)
		status = uw_file_create((uw_dir)place.dir,
					name + parent_len + (parent_len > 0),
					executable != 0, &file, err);
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

/* -------------------------------------------------- renaming by the handle */

static NTSTATUS set_name(HANDLE handle, const struct place *to, int what,
			 ULONG flags)
{
	struct name_information info = {
		.flags = flags, .parent = to->dir, .name_len = to->leaf.len};
	IO_STATUS_BLOCK io;

	memcpy(info.name, to->leaf.text, to->leaf.len);
	return NtSetInformationFile(handle, &io, &info, sizeof(info),
				    (FILE_INFORMATION_CLASS)what);
}

/*
 * With POSIX semantics also a directory link is replaced, and a file that
 * somebody has open.  Windows before 10 and FAT do not have them.
 */
static NTSTATUS rename_over(HANDLE handle, const struct place *to)
{
	NTSTATUS result = set_name(handle, to, RENAME_INFORMATION_EX,
				   REPLACE_IF_EXISTS | POSIX_SEMANTICS);

	if (result < 0 && result != NAME_COLLISION)
		result = set_name(handle, to, RENAME_INFORMATION,
				  REPLACE_IF_EXISTS);
	return result;
}

static NTSTATUS delete_handle(HANDLE handle)
{
	IO_STATUS_BLOCK io;
	BOOLEAN gone = TRUE;

	return NtSetInformationFile(
		handle, &io, &gone, sizeof(gone),
		(FILE_INFORMATION_CLASS)DISPOSITION_INFORMATION);
}

static enum kind kind_at(struct place *place)
{
	enum kind kind = KIND_UNKNOWN;
	HANDLE handle;

	if (open_component(place->dir, &place->leaf, &look_at, &handle) >= 0) {
		kind = kind_of(handle);
		CloseHandle(handle);
	}
	return kind;
}

/* -------------------------------------------------------------------- links */

/* Paths of one symlink to make; too large for the stack. */
struct link_paths {
	WCHAR parent[PATH_UNITS];
	WCHAR joined[PATH_UNITS];
	WCHAR full[PATH_UNITS];
	WCHAR target[4096];
};

/* ".unwheel-" and 64 random bits: nobody can be waiting at that name. */
static enum uw_status temporary_choose(struct component *leaf,
				       struct uw_error *err)
{
	static const WCHAR prefix[] = L".unwheel-";
	static const WCHAR digits[] = L"0123456789abcdef";
	WCHAR *end = leaf->text + ARRAY_LEN(prefix) - 1;

	memcpy(leaf->text, prefix, sizeof(prefix));
	for (int word = 0; word < 2; word++) {
		unsigned int random;

		if (rand_s(&random) != 0)
			return uw_fail_os(err, ERROR_GEN_FAILURE, "rand_s");
		for (int i = 0; i < 8; i++, random >>= 4)
			*end++ = digits[random & 15];
	}
	*end = L'\0';
	leaf->len = (USHORT)((end - leaf->text) * (int)sizeof(WCHAR));
	return UW_OK;
}

/* @parent '\' @child; false if that is too long. */
static bool join(WCHAR *joined, const WCHAR *parent, const WCHAR *child)
{
	size_t parent_len = wcslen(parent);
	size_t child_len = wcslen(child);

	if (parent_len + child_len + 2 > PATH_UNITS)
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
		return fail_last(err, "MultiByteToWideChar");
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
	len = GetFullPathNameW(paths->joined, PATH_UNITS, paths->full, NULL);
	if (len == 0 || len >= PATH_UNITS)
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

/*
 * Make a symlink at a temporary leaf of @dir and open it there.
 *
 * This call alone takes a path.  Who swaps a directory of that path for a link
 * gets a symlink of a random name elsewhere, which nobody uses: it is not found
 * below the handle, and that is an error.
 */
static enum uw_status link_make(HANDLE dir, const char *target,
				struct link_paths *paths, HANDLE *link_ret,
				struct uw_error *err)
{
	struct component leaf;
	enum uw_status status = temporary_choose(&leaf, err);
	NTSTATUS result;
	DWORD len;

	if (status == UW_OK)
		status = read_target(target, paths, err);
	if (status != UW_OK)
		return status;
	len = GetFinalPathNameByHandleW(dir, paths->parent, PATH_UNITS, 0);
	if (len == 0)
		return fail_last(err, "GetFinalPathNameByHandle");
	if (len >= PATH_UNITS)
		return uw_fail_os(err, ERROR_FILENAME_EXCED_RANGE,
				  "GetFinalPathNameByHandle");

	bool directory = leads_to_directory(paths);
	if (!join(paths->joined, paths->parent, leaf.text))
		return uw_fail_os(err, ERROR_FILENAME_EXCED_RANGE,
				  "CreateSymbolicLink");
	if (!create_symlink(paths->joined, paths->target, directory))
		return fail_last(err, "CreateSymbolicLink");
	result = open_component(dir, &leaf, &handle_any, link_ret);
	return result < 0 ? fail_nt(err, result, "NtCreateFile") : UW_OK;
}

/* A directory in the way is an error; POSIX semantics would replace it. */
static enum uw_status link_settle(HANDLE link, struct place *to,
				  struct uw_error *err)
{
	NTSTATUS result;

	if (kind_at(to) == KIND_DIRECTORY)
		return uw_fail_os(err, ERROR_ALREADY_EXISTS, "rename");
	result = rename_over(link, to);
	return result < 0 ? fail_nt(err, result, "rename") : UW_OK;
}

int uw_tree_symlink(const struct uw_tree *tree, const char *name,
		    const char *target, struct uw_error *err)
{
	struct link_paths *paths = malloc(sizeof(*paths));
	HANDLE link = NULL;
	struct place to;
	enum uw_status status = place_open(tree, name, &make_dir, &to, err);

	if (paths == NULL)
		status = fail_memory(err);
	if (status == UW_OK)
		status = link_make(to.dir, target, paths, &link, err);
	if (status == UW_OK) {
		status = link_settle(link, &to, err);
		if (status != UW_OK)
			delete_handle(link);
	}
	close_if_open(link);
	place_close(&to);
	free(paths);
	return (int)status;
}

/* Only a file gets a second name: a relative link would lead elsewhere. */
static enum uw_status link_name(HANDLE file, struct place *to,
				struct uw_error *err)
{
	NTSTATUS result;

	if (kind_of(file) != KIND_FILE)
		return fail_link(err);
	if (kind_at(to) == KIND_DIRECTORY)
		return uw_fail_os(err, ERROR_ALREADY_EXISTS,
				  "NtSetInformationFile");
	result = set_name(file, to, LINK_INFORMATION, REPLACE_IF_EXISTS);
	return result < 0 ? fail_nt(err, result, "NtSetInformationFile")
			  : UW_OK;
}

int uw_tree_hardlink(const struct uw_tree *tree, const char *name,
		     const char *target, struct uw_error *err)
{
	struct place from, to = {.dir = NULL};
	enum uw_status status = place_open(tree, target, &open_dir, &from, err);
	HANDLE file = NULL;
	NTSTATUS result;

	if (status == UW_OK)
		status = place_open(tree, name, &make_dir, &to, err);
	if (status == UW_OK) {
		result = open_component(from.dir, &from.leaf, &handle_any,
					&file);
		status = result < 0 ? fail_nt(err, result, "NtCreateFile")
				    : link_name(file, &to, err);
	}
	close_if_open(file);
	place_close(&from);
	place_close(&to);
	return (int)status;
}

/* No right to make them, or FAT; Wine claims to make one and does not. */
static bool means_no_symlinks(int os_error)
{
	return os_error == ERROR_FILE_NOT_FOUND ||
	       os_error == ERROR_PRIVILEGE_NOT_HELD ||
	       os_error == ERROR_INVALID_FUNCTION ||
	       os_error == ERROR_NOT_SUPPORTED ||
	       os_error == ERROR_ACCESS_DENIED;
}

int uw_tree_can_symlink(const struct uw_tree *tree, struct uw_error *err)
{
	struct link_paths *paths = malloc(sizeof(*paths));
	HANDLE link = NULL;
	int can;

	if (paths == NULL) {
		fail_memory(err);
		return -1;
	}
	if (link_make(tree->root, "unwheel-probe", paths, &link, err) == UW_OK)
		can = kind_of(link) == KIND_LINK;
	else
		can = means_no_symlinks(err->os_error) ? 0 : -1;
	if (link != NULL)
		delete_handle(link);
	close_if_open(link);
	free(paths);
	return can;
}

/* --------------------------------------------------------------- publishing */

/* Windows refuses to delete a directory with something in it. */
static NTSTATUS delete_empty_dir(struct place *place)
{
	NTSTATUS result;
	HANDLE handle;

	result = open_component(place->dir, &place->leaf, &handle_any, &handle);
	if (result < 0)
		return result;
	result = kind_of(handle) == KIND_DIRECTORY ? delete_handle(handle)
						   : NAME_COLLISION;
	CloseHandle(handle);
	return result;
}

/*
 * An empty directory makes two steps of it: between them the name is free, and
 * who takes it meanwhile makes the second step fail.
 */
static NTSTATUS publish_new(HANDLE from, struct place *to)
{
	NTSTATUS result = set_name(from, to, RENAME_INFORMATION, 0);

	if (result != NAME_COLLISION || kind_of(from) != KIND_DIRECTORY)
		return result;
	result = delete_empty_dir(to);
	if (result < 0)
		return result;
	return set_name(from, to, RENAME_INFORMATION, 0);
}

int uw_tree_publish(const struct uw_tree *tree, const char *from,
		    const char *to, int how, struct uw_error *err)
{
	struct place old, new = {.dir = NULL};
	enum uw_status status;
	HANDLE handle = NULL;
	NTSTATUS result;

	if (how != UW_PUBLISH_NEW)
		return (int)uw_fail_os(err, ERROR_NOT_SUPPORTED, "exchange");
	status = place_open(tree, from, &open_dir, &old, err);
	if (status == UW_OK)
		status = place_open(tree, to, &open_dir, &new, err);
	if (status == UW_OK) {
		result = open_component(old.dir, &old.leaf, &handle_any,
					&handle);
		if (result >= 0)
			result = publish_new(handle, &new);
		if (result < 0)
			status = fail_nt(err, result, "rename");
	}
	close_if_open(handle);
	place_close(&old);
	place_close(&new);
	return (int)status;
}

/*
 * To flush a volume takes an administrator, and to flush each file takes the
 * list of them.  An honest error is better than a promise not kept.
 */
int uw_tree_sync(const struct uw_tree *tree, struct uw_error *err)
{
	(void)tree;
	return (int)uw_fail_os(err, ERROR_NOT_SUPPORTED, "sync");
}
