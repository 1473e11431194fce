/*
 * error.h - filling in struct uw_error and struct uw_problems
 */
#ifndef UW_ERROR_H
#define UW_ERROR_H

#include "base.h"

/* Fill @err and return @status; @err->entry is -1, found and expected are 0. */
enum uw_status uw_fail(struct uw_error *err, enum uw_status status,
		       enum uw_reason reason, u64 offset, const char *format,
		       ...) UW_PRINTF(5, 6);

/* The same for a system call that failed with @os_error. */
enum uw_status uw_fail_os(struct uw_error *err, int os_error, const char *call);

/* The next free place in @problems; beyond the bound a place that is lost. */
struct uw_error *uw_problem(struct uw_problems *problems);

#endif
