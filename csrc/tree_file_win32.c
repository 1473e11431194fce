/*
 * tree_file_win32.c - new files and what is written to them
 */
#include "tree_win32.h"

static const struct uw_request new_file = {
	FILE_GENERIC_WRITE | FILE_READ_ATTRIBUTES | DELETE, FILE_CREATE,
	UW_ANY_KIND | FILE_NON_DIRECTORY_FILE,
	FILE_SHARE_READ | FILE_SHARE_DELETE};

/* FILE_WRITE_ATTRIBUTES alone does not ask to share the content. */
static const struct uw_request date_any = {FILE_WRITE_ATTRIBUTES | SYNCHRONIZE,
					   FILE_OPEN, UW_ANY_KIND,
					   UW_SHARE_ALL};

enum uw_status uw_file_make(struct uw_place *at, HANDLE *file_ret,
			    struct uw_error *err)
{
	NTSTATUS result = uw_handle_open(at, &new_file, file_ret);

	return result < 0 ? uw_fail_nt(err, result, "NtCreateFile") : UW_OK;
}

/* Windows knows no executable files. */
enum uw_status uw_file_create(uw_dir dir, const char *leaf, bool executable,
			      uw_file *file_ret, struct uw_error *err)
{
	enum uw_status status = uw_name_check_leaf(leaf, strlen(leaf), err);
	struct uw_place at = {.dir = (HANDLE)dir};
	HANDLE file;

	(void)executable;
	*file_ret = UW_FILE_NONE;
	if (status == UW_OK)
		status = uw_component_read(leaf, strlen(leaf), &at.leaf, err);
	if (status == UW_OK)
		status = uw_file_make(&at, &file, err);
	if (status == UW_OK)
		*file_ret = (uw_file)file;
	return status;
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
			return uw_fail_last(err, "WriteFile");
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
		return uw_fail_last(err, "CloseHandle");
	return UW_OK;
}

/* FILETIME counts 100 ns since 1601; 0 and -1 in it mean to change nothing. */
#define TICKS		INT64_C(10000000)
#define SECONDS_TO_1970 INT64_C(11644473600)

enum uw_status uw_file_set_mtime(uw_file file, int64_t seconds,
				 struct uw_error *err)
{
	FILETIME time;
	u64 ticks;

	if (seconds <= -SECONDS_TO_1970 ||
	    seconds > INT64_MAX / TICKS - SECONDS_TO_1970)
		return uw_fail_os(err, ERROR_INVALID_PARAMETER, "SetFileTime");
	ticks = (u64)((seconds + SECONDS_TO_1970) * TICKS);
	time.dwLowDateTime = (DWORD)ticks;
	time.dwHighDateTime = (DWORD)(ticks >> 32);
	if (!SetFileTime((HANDLE)file, NULL, NULL, &time))
		return uw_fail_last(err, "SetFileTime");
	return UW_OK;
}

/* -------------------------------------------------------------- by its name */

int uw_tree_write(const struct uw_tree *tree, const char *name, int executable,
		  const uint8_t *data, size_t len, struct uw_error *err)
{
	struct uw_place place;
	enum uw_status status =
		uw_place_open(tree, name, &uw_make_dir, &place, err);
	struct uw_error close_err;
	HANDLE file = NULL;

	(void)executable;
	if (status == UW_OK)
		status = uw_file_make(&place, &file, err);
	if (status == UW_OK)
		status = uw_file_write((uw_file)file, 0, data, len, err);
	if (file != NULL && uw_file_close((uw_file)file, &close_err) != UW_OK &&
	    status == UW_OK) {
		*err = close_err;
		status = UW_ERR_SYSTEM;
	}
	uw_place_close(&place);
	return (int)status;
}

struct content {
	const u8 *data;
	size_t len;
};

static enum uw_status make_file(struct uw_place *at, void *recipe,
				HANDLE *made_ret, struct uw_error *err)
{
	const struct content *content = recipe;
	enum uw_status status = uw_file_make(at, made_ret, err);

	if (status != UW_OK)
		return status;
	status = uw_file_write((uw_file)*made_ret, 0, content->data,
			       content->len, err);
	if (status != UW_OK) {
		uw_handle_delete(*made_ret);
		CloseHandle(*made_ret);
	}
	return status;
}

int uw_tree_put(const struct uw_tree *tree, const char *name,
		const uint8_t *data, size_t len, struct uw_error *err)
{
	struct content content = {.data = data, .len = len};
	struct uw_place to;
	enum uw_status status =
		uw_place_open(tree, name, &uw_make_dir, &to, err);

	if (status == UW_OK)
		status = uw_place_replace(&to, &make_file, &content, err);
	uw_place_close(&to);
	return (int)status;
}

int uw_tree_set_mtime(const struct uw_tree *tree, const char *name,
		      int64_t seconds, struct uw_error *err)
{
	/* A place whose leaf is empty is the directory itself. */
	struct uw_place place = {.dir = tree->root};
	enum uw_status status = UW_OK;
	HANDLE handle = NULL;
	NTSTATUS result;

	if (name[0] != '\0')
		status = uw_place_open(tree, name, &uw_open_dir, &place, err);
	if (status == UW_OK) {
		result = uw_handle_open(&place, &date_any, &handle);
		if (result < 0)
			status = uw_fail_nt(err, result, "NtCreateFile");
	}
	if (status == UW_OK)
		status = uw_file_set_mtime((uw_file)handle, seconds, err);
	uw_handle_close(handle);
	if (place.dir != tree->root)
		uw_place_close(&place);
	return (int)status;
}
