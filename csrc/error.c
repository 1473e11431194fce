/*
 * error.c - filling in struct uw_error and struct uw_problems
 */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>

enum uw_status uw_fail(struct uw_error *err, enum uw_status status,
		       enum uw_reason reason, u64 offset, const char *format,
		       ...)
{
	va_list args;

	memset(err, 0, sizeof(*err));
	err->status = (int32_t)status;
	err->reason = (int32_t)reason;
	err->entry = -1;
	err->offset = offset;
	va_start(args, format);
	vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
	return status;
}

enum uw_status uw_fail_os(struct uw_error *err, int os_error, const char *call)
{
	uw_fail(err, UW_ERR_SYSTEM, UW_WHY_NONE, 0, "%s failed", call);
	err->os_error = os_error;
	return UW_ERR_SYSTEM;
}

/*
 * A hostile directory can have a million bad entries: only the first few are
 * kept, the last place is overwritten by the rest, and count tells how many.
 */
struct uw_error *uw_problem(struct uw_problems *problems)
{
	u32 at = problems->count++;

	if (at >= UW_PROBLEMS_MAX)
		at = UW_PROBLEMS_MAX - 1;
	return &problems->list[at];
}
