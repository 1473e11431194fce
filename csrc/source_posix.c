/*
 * source_posix.c - bytes at an offset: a file, or memory
 */
#define _FILE_OFFSET_BITS 64
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static_assert(sizeof(off_t) == 8, "archives of more than 2 GiB");

#define NO_FILE ((intptr_t)-1)

static const char *kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "a directory";
	case S_IFIFO:
		return "a FIFO";
	case S_IFCHR:
	case S_IFBLK:
		return "a device";
	default:
		return "neither file nor directory";
	}
}

static enum uw_status refuse_kind(mode_t mode, struct uw_error *err)
{
	uw_fail(err, UW_ERR_SYSTEM, UW_WHY_NONE, 0,
		"the archive is %s, not a regular file", kind_of(mode));
	err->os_error = S_ISDIR(mode) ? EISDIR : EINVAL;
	return UW_ERR_SYSTEM;
}

/* O_NONBLOCK: the open itself must not wait for the writer of a FIFO. */
enum uw_status uw_source_open(struct uw_source *source, const char *path,
			      struct uw_error *err)
{
	enum uw_status status = UW_OK;
	struct stat st;
	int fd;

	*source = (struct uw_source){.file = NO_FILE};
	do
		fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return uw_fail_os(err, errno, "open");

	if (fstat(fd, &st) != 0)
		status = uw_fail_os(err, errno, "fstat");
	else if (!S_ISREG(st.st_mode))
		status = refuse_kind(st.st_mode, err);
	if (status != UW_OK) {
		close(fd);
		return status;
	}
	source->file = fd;
	source->len = (u64)st.st_size;
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
		close((int)source->file);
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

/* The reason tells whose fault it is: all else that fails is a write. */
static enum uw_status fail_read(int os_error, struct uw_error *err)
{
	uw_fail_os(err, os_error, "pread");
	err->reason = UW_WHY_SOURCE_READ;
	return UW_ERR_SYSTEM;
}

/* Linux reads at most 2 GiB at a time, macOS refuses more. */
#define READ_MAX ((size_t)1 << 30)

static enum uw_status read_file(int fd, u64 offset, u8 *buf, size_t len,
				struct uw_error *err)
{
	size_t got = 0;

	while (got < len) {
		size_t want = len - got < READ_MAX ? len - got : READ_MAX;
		ssize_t n = pread(fd, buf + got, want, (off_t)(offset + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_read(errno, err);
		if (n == 0)
			return fail_truncated(offset, got, len, err);
		got += (size_t)n;
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
		return read_file((int)source->file, offset, buf, len, err);
	if (len > 0)
		memcpy(buf, source->memory + offset, len);
	return UW_OK;
}
