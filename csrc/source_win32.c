/*
 * source_win32.c - opening, reading and closing the file of a source
 */
#include "source.h"

#include <stdlib.h>
#include <windows.h>

static_assert(sizeof(HANDLE) == sizeof(intptr_t), "a HANDLE in an intptr_t");

static enum uw_status fail_last(struct uw_error *err, const char *call)
{
	return uw_fail_os(err, (int)GetLastError(), call);
}

/* The longest path that Windows takes, in UTF-16 units with its NUL. */
#define PATH_UNITS 32768

/* Deleting and renaming stay allowed while we read, as on other systems. */
static HANDLE open_utf8(const char *path)
{
	WCHAR *wide = malloc(PATH_UNITS * sizeof(*wide));
	HANDLE file = INVALID_HANDLE_VALUE;
	DWORD error;

	if (wide == NULL) {
		SetLastError(ERROR_NOT_ENOUGH_MEMORY);
		return file;
	}
	if (MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, wide,
				PATH_UNITS) > 0)
		file = CreateFileW(
			wide, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE,
			NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
	error = GetLastError();
	free(wide);
	SetLastError(error);
	return file;
}

static enum uw_status refuse_kind(const char *kind, struct uw_error *err)
{
	uw_fail(err, UW_ERR_SYSTEM, UW_WHY_NONE, 0,
		"the archive is %s, not a regular file", kind);
	err->os_error = ERROR_BAD_FILE_TYPE;
	return UW_ERR_SYSTEM;
}

/* A pipe or a console could make us wait for ever. */
static enum uw_status measure(HANDLE file, u64 *len_ret, struct uw_error *err)
{
	BY_HANDLE_FILE_INFORMATION info;

	if (GetFileType(file) != FILE_TYPE_DISK)
		return refuse_kind("a pipe or a device", err);
	if (!GetFileInformationByHandle(file, &info))
		return fail_last(err, "GetFileInformationByHandle");
	if (info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY)
		return refuse_kind("a directory", err);
	*len_ret = (u64)info.nFileSizeHigh << 32 | info.nFileSizeLow;
	return UW_OK;
}

enum uw_status uw_source_open(struct uw_source *source, const char *path,
			      struct uw_error *err)
{
	enum uw_status status;
	HANDLE file;
	u64 len = 0;

	*source = (struct uw_source){.file = UW_SOURCE_NO_FILE};
	file = open_utf8(path);
	if (file == INVALID_HANDLE_VALUE)
		return fail_last(err, "CreateFile");
	status = measure(file, &len, err);
	if (status != UW_OK) {
		CloseHandle(file);
		return status;
	}
	source->file = (intptr_t)file;
	source->len = len;
	return UW_OK;
}

void uw_source_close(struct uw_source *source)
{
	if (source->memory == NULL && source->file != UW_SOURCE_NO_FILE)
		CloseHandle((HANDLE)source->file);
	*source = (struct uw_source){.file = UW_SOURCE_NO_FILE};
}

/* The offset stands in each call, so threads do not move each other's. */
enum uw_status uw_source_read_part(intptr_t file, u64 offset, u8 *buf,
				   size_t len, size_t *got_ret,
				   struct uw_error *err)
{
	OVERLAPPED at = {0};
	DWORD n = 0;

	at.Offset = (DWORD)offset;
	at.OffsetHigh = (DWORD)(offset >> 32);
	*got_ret = 0;
	if (!ReadFile((HANDLE)file, buf, (DWORD)len, &n, &at) &&
	    GetLastError() != ERROR_HANDLE_EOF)
		return fail_last(err, "ReadFile");
	*got_ret = n;
	return UW_OK;
}
