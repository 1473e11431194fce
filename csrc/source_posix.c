/*
 * source_posix.c - opening, reading and closing the file of a source
 */
#define _FILE_OFFSET_BITS 64
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static_assert(sizeof(off_t) == 8, "archives of more than 2 GiB");

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

	*source = (struct uw_source){.file = UW_SOURCE_NO_FILE};
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

void uw_source_close(struct uw_source *source)
{
	if (source->memory == NULL && source->file != UW_SOURCE_NO_FILE)
		close((int)source->file);
	*source = (struct uw_source){.file = UW_SOURCE_NO_FILE};
}

enum uw_status uw_source_read_part(intptr_t file, u64 offset, u8 *buf,
				   size_t len, size_t *got_ret,
				   struct uw_error *err)
{
	ssize_t n;

	do
		n = pread((int)file, buf, len, (off_t)offset);
	while (n < 0 && errno == EINTR);
	*got_ret = n < 0 ? 0 : (size_t)n;
	return n < 0 ? uw_fail_os(err, errno, "pread") : UW_OK;
}
