/*
 * source.c - bytes at an offset: a file, or memory
 *
 * What is the same on every system; source_posix.c and source_win32.c open,
 * read and close files.
 */
#include "source.h"

void uw_source_memory(struct uw_source *source, const u8 *data, size_t len)
{
	/* memory must not be NULL, by which a file is known. */
	static const u8 nothing;

	*source = (struct uw_source){
		.file = UW_SOURCE_NO_FILE,
		.memory = data != NULL ? data : &nothing,
		.len = len,
	};
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

/* Linux and Windows read at most 2 or 4 GiB at a time, macOS refuses more. */
#define READ_MAX ((size_t)1 << 30)

static enum uw_status read_file(intptr_t file, u64 offset, u8 *buf, size_t len,
				struct uw_error *err)
{
	enum uw_status status;
	size_t got, done;

	for (got = 0; got < len; got += done) {
		size_t want = len - got < READ_MAX ? len - got : READ_MAX;

		status = uw_source_read_part(file, offset + got, buf + got,
					     want, &done, err);
		if (status != UW_OK) {
			/* Tells whose fault it is: all else is a write. */
			err->reason = UW_WHY_SOURCE_READ;
			return status;
		}
		if (done == 0)
			return fail_truncated(offset, got, len, err);
	}
	return UW_OK;
}

enum uw_status uw_source_read(const struct uw_source *source, u64 offset,
			      u8 *buf, size_t len, struct uw_error *err)
{
	u64 there = offset < source->len ? source->len - offset : 0;

	/* Also what makes offset + len fit into an off_t. */
	if (len > there)
		return fail_truncated(offset, there, len, err);
	if (source->memory == NULL)
		return read_file(source->file, offset, buf, len, err);
	if (len > 0)
		memcpy(buf, source->memory + offset, len);
	return UW_OK;
}
