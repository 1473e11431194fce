/*
 * source_win32.c - bytes at an offset: a file, or memory
 */
#include "source.h"

#include <stdlib.h>
#include <windows.h>

#define NO_FILE ((intptr_t)-1)

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

	*source = (struct uw_source){.file = NO_FILE};
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

void uw_source_memory(struct uw_source *source, const u8 *data, size_t len)
{
	/* memory must not be NULL, by which a file is known. */
	static const u8 nothing;

	*source = (struct uw_source){
		.file = NO_FILE,
		.memory = data != NULL ? data : &nothing,
		.len = len,
	};
}

void uw_source_close(struct uw_source *source)
{
	if (source->memory == NULL && source->file != NO_FILE)
		CloseHandle((HANDLE)source->file);
	*source = (struct uw_source){.file = NO_FILE};
}

static enum uw_status fail_truncated(u64 offset, u64 found, u64 expected,
				     struct uw_error *err)
{
	uw_fail(err, UW_ERR_SYSTEM, UW_WHY_SOURCE_TRUNCATED, offset,
		"the archive ends too early: it was cut short while in use");
	err->found = found;
	err->expected = expected;
	return UW_ERR_SYSTEM;
}

#define READ_MAX ((size_t)1 << 30)

/* The reason tells whose fault it is: all else that fails is a write. */
static enum uw_status fail_read(struct uw_error *err)
{
	fail_last(err, "ReadFile");
	err->reason = UW_WHY_SOURCE_READ;
	return UW_ERR_SYSTEM;
}

/* The offset stands in each call, so threads do not move each other's. */
static enum uw_status read_file(HANDLE file, u64 offset, u8 *buf, size_t len,
				struct uw_error *err)
{
	size_t got = 0;

	while (got < len) {
		size_t want = len - got < READ_MAX ? len - got : READ_MAX;
		OVERLAPPED at = {0};
		DWORD n = 0;

		at.Offset = (DWORD)(offset + got);
		at.OffsetHigh = (DWORD)((offset + got) >> 32);
		if (!ReadFile(file, buf + got, (DWORD)want, &n, &at) &&
		    GetLastError() != ERROR_HANDLE_EOF)
			return fail_read(err);
		if (n == 0)
			return fail_truncated(offset, got, len, err);
		got += n;
	}
	return UW_OK;
}

enum uw_status uw_source_read(const struct uw_source *source, u64 offset,
			      u8 *buf, size_t len, struct uw_error *err)
{
	u64 there = offset < source->len ? source->len - offset : 0;

	if (len > there)
		return fail_truncated(offset, there, len, err);
	if (source->memory == NULL)
		return read_file((HANDLE)source->file, offset, buf, len, err);
	if (len > 0)
		memcpy(buf, source->memory + offset, len);
	return UW_OK;
}
