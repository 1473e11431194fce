/*
 * zip_complain.c - what is wrong with an archive, as a problem
 */
#include "zip_parts.h"

#include <stdarg.h>
#include <stdio.h>

static enum uw_status status_of(enum uw_reason reason)
{
	switch ((int)reason) {
	case UW_WHY_MULTI_DISK:
	case UW_WHY_ZIP64_EXTENSIBLE:
	case UW_WHY_ENTRY_FLAGS:
	case UW_WHY_ENCRYPTED:
	case UW_WHY_METHOD:
	case UW_WHY_VERSION_NEEDED:
		return UW_ERR_UNSUPPORTED;
	case UW_WHY_TOO_MANY_ENTRIES:
	case UW_WHY_DIRECTORY_TOO_LARGE:
	case UW_WHY_NAME_TOO_LONG:
		return UW_ERR_LIMIT;
	case UW_WHY_NAME_EMPTY:
	case UW_WHY_NAME_NUL:
		return UW_ERR_NAME;
	default:
		return UW_ERR_ARCHIVE;
	}
}

struct uw_error *uw_zip_complain(const struct subject *s, enum uw_reason reason,
				 u64 found, u64 expected, const char *format,
				 ...)
{
	struct uw_error *err = uw_problem(s->problems);
	char message[sizeof(err->message)];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	uw_fail(err, status_of(reason), reason, s->offset, "%s", message);
	err->entry = s->entry;
	err->found = found;
	err->expected = expected;
	return err;
}

bool uw_zip_check_disk(const struct subject *s, u32 disk, u32 sole)
{
	if (disk == sole)
		return true;
	uw_zip_complain(s, UW_WHY_MULTI_DISK, disk, sole,
			"the archive has several disks, the %s says", s->place);
	return false;
}
