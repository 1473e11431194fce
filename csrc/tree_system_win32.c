/*
 * tree_system_win32.c - calls by a handle and a component, and their errors
 */
#include "tree_win32.h"

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

/* FILE_RENAME_INFORMATION(_EX) and FILE_LINK_INFORMATION are laid out alike. */
struct name_information {
	ULONG flags; /* the older classes look at one byte of it, a BOOLEAN */
	HANDLE parent;
	ULONG name_len; /* bytes */
	WCHAR name[256];
};

/* To rename, link or delete whatever it is. */
const struct uw_request uw_handle_any = {
	DELETE | FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES | SYNCHRONIZE,
	FILE_OPEN, UW_ANY_KIND, UW_SHARE_ALL};

/* ------------------------------------------------------------------- errors */

enum uw_status uw_fail_last(struct uw_error *err, const char *call)
{
	return uw_fail_os(err, (int)GetLastError(), call);
}

enum uw_status uw_fail_nt(struct uw_error *err, NTSTATUS result,
			  const char *call)
{
	return uw_fail_os(err, (int)RtlNtStatusToDosError(result), call);
}

/* Windows has no error of its own for a link where none may be. */
enum uw_status uw_fail_link(struct uw_error *err)
{
	uw_fail(err, UW_ERR_SYSTEM, UW_WHY_NONE, 0, "a link is in the way");
	err->os_error = ERROR_CANT_ACCESS_FILE;
	return UW_ERR_SYSTEM;
}

enum uw_status uw_fail_memory(struct uw_error *err)
{
	return uw_fail(err, UW_ERR_MEMORY, UW_WHY_NONE, 0, "out of memory");
}

/* ----------------------------------------------------- one component, opened
 */

enum uw_status uw_component_read(const char *part, size_t len,
				 struct uw_component *component,
				 struct uw_error *err)
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

NTSTATUS uw_handle_open(struct uw_place *place,
			const struct uw_request *request, HANDLE *handle_ret)
{
	UNICODE_STRING name = {place->leaf.len, place->leaf.len,
			       place->leaf.text};
	OBJECT_ATTRIBUTES object = {.Length = sizeof(object),
				    .RootDirectory = place->dir,
				    .ObjectName = &name,
				    .Attributes = OBJ_CASE_INSENSITIVE};
	IO_STATUS_BLOCK io;

	*handle_ret = NULL;
	return NtCreateFile(handle_ret, request->access, &object, &io, NULL,
			    FILE_ATTRIBUTE_NORMAL, request->share,
			    request->disposition, request->options, NULL, 0);
}

/*
 * A reparse point that stands for another name is a link: symlink, junction,
 * mount point.  Others (a file in the cloud, a compressed one) are what they
 * seem to be.
 */
enum uw_kind uw_kind_of(HANDLE handle)
{
	FILE_ATTRIBUTE_TAG_INFO info;

	if (!GetFileInformationByHandleEx(handle, FileAttributeTagInfo, &info,
					  sizeof(info)))
		return UW_KIND_UNKNOWN;
	if ((info.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) &&
	    IsReparseTagNameSurrogate(info.ReparseTag))
		return UW_KIND_LINK;
	return info.FileAttributes & FILE_ATTRIBUTE_DIRECTORY
		       ? UW_KIND_DIRECTORY
		       : UW_KIND_FILE;
}

void uw_handle_close(HANDLE handle)
{
	if (handle != NULL)
		CloseHandle(handle);
}

/* -------------------------------------------------- renaming by the handle */

static NTSTATUS set_name(HANDLE handle, const struct uw_place *to, int what,
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
NTSTATUS uw_handle_rename(HANDLE handle, const struct uw_place *to,
			  enum uw_taken taken)
{
	NTSTATUS result;

	if (taken == UW_TAKEN_FAILS)
		return set_name(handle, to, RENAME_INFORMATION, 0);
	result = set_name(handle, to, RENAME_INFORMATION_EX,
			  REPLACE_IF_EXISTS | POSIX_SEMANTICS);
	if (result < 0 && result != UW_NAME_COLLISION)
		result = set_name(handle, to, RENAME_INFORMATION,
				  REPLACE_IF_EXISTS);
	return result;
}

NTSTATUS uw_handle_link(HANDLE handle, const struct uw_place *to,
			enum uw_taken taken)
{
	return set_name(handle, to, LINK_INFORMATION,
			taken == UW_TAKEN_GOES ? REPLACE_IF_EXISTS : 0);
}

NTSTATUS uw_handle_delete(HANDLE handle)
{
	IO_STATUS_BLOCK io;
	BOOLEAN gone = TRUE;

	return NtSetInformationFile(
		handle, &io, &gone, sizeof(gone),
		(FILE_INFORMATION_CLASS)DISPOSITION_INFORMATION);
}
