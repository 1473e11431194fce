/*
 * tree_file_posix.c - new files and what is written to them
 */
#include "tree_posix.h"

/* The mode stands in the open call, so that the umask of the process holds. */
enum uw_status uw_file_create(uw_dir dir, const char *leaf, bool executable,
			      uw_file *file_ret, struct uw_error *err)
{
	enum uw_status status = uw_name_check_leaf(leaf, strlen(leaf), err);
	int fd;

	*file_ret = UW_FILE_NONE;
	if (status != UW_OK)
		return status;
	do
		fd = openat((int)dir, leaf,
			    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
				    O_CLOEXEC,
			    executable ? 0777 : 0666);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return uw_fail_os(err, errno, "openat");
	*file_ret = fd;
	return UW_OK;
}

/* Linux writes at most 2 GiB at a time, macOS refuses more. */
#define WRITE_MAX ((size_t)1 << 30)

enum uw_status uw_file_write(uw_file file, u64 offset, const u8 *data,
			     size_t len, struct uw_error *err)
{
	if (offset > INT64_MAX || len > INT64_MAX - offset)
		return uw_fail_os(err, EFBIG, "pwrite");
	while (len > 0) {
		ssize_t done = pwrite((int)file, data,
				      len < WRITE_MAX ? len : WRITE_MAX,
				      (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		/* Nothing written and no error: would be for ever. */
		if (done <= 0)
			return uw_fail_os(err, done < 0 ? errno : EIO,
					  "pwrite");
		data += done;
		offset += (u64)done;
		len -= (size_t)done;
	}
	return UW_OK;
}

/* Not tried again after EINTR: on Linux the descriptor is free by then. */
enum uw_status uw_file_close(uw_file file, struct uw_error *err)
{
	if (close((int)file) != 0)
		return uw_fail_os(err, errno, "close");
	return UW_OK;
}

/* A time that no call can be told would be cut to another one. */
static bool time_spec(int64_t seconds, struct timespec spec[2])
{
	spec[0] = (struct timespec){.tv_nsec = UTIME_OMIT};
	spec[1] = (struct timespec){.tv_sec = (time_t)seconds};
	return spec[1].tv_sec == seconds;
}

enum uw_status uw_file_set_mtime(uw_file file, int64_t seconds,
				 struct uw_error *err)
{
	struct timespec spec[2];

	if (!time_spec(seconds, spec))
		return uw_fail_os(err, EOVERFLOW, "futimens");
	if (futimens((int)file, spec) != 0)
		return uw_fail_os(err, errno, "futimens");
	return UW_OK;
}

/* ------------------------------------------------------------- by its name */

/* All of it, and the close; the file is closed in any case. */
static enum uw_status fill(uw_file file, const u8 *data, size_t len,
			   struct uw_error *err)
{
	enum uw_status status = uw_file_write(file, 0, data, len, err);
	struct uw_error close_err;

	if (uw_file_close(file, &close_err) != UW_OK && status == UW_OK) {
		*err = close_err;
		status = UW_ERR_SYSTEM;
	}
	return status;
}

int uw_tree_write(const struct uw_tree *tree, const char *name, int executable,
		  const uint8_t *data, size_t len, struct uw_error *err)
{
	struct uw_place place;
	enum uw_status status = uw_place_make(tree, name, &place, err);
	uw_file file;

	if (status == UW_OK)
		status = uw_file_create(place.dir, place.leaf, executable != 0,
					&file, err);
	if (status == UW_OK)
		status = fill(file, data, len, err);
	uw_place_close(&place);
	return (int)status;
}

struct content {
	const u8 *data;
	size_t len;
};

static enum uw_status make_file(int dir, const char *leaf, void *recipe,
				struct uw_error *err)
{
	const struct content *content = recipe;
	uw_file file;
	enum uw_status status = uw_file_create(dir, leaf, false, &file, err);

	if (status != UW_OK)
		return status;
	status = fill(file, content->data, content->len, err);
	if (status != UW_OK)
		unlinkat(dir, leaf, 0);
	return status;
}

int uw_tree_put(const struct uw_tree *tree, const char *name,
		const uint8_t *data, size_t len, struct uw_error *err)
{
	struct content content = {.data = data, .len = len};
	struct uw_place to;
	enum uw_status status = uw_place_make(tree, name, &to, err);

	if (status == UW_OK)
		status = uw_place_replace(&to, &make_file, &content, err);
	uw_place_close(&to);
	return (int)status;
}

int uw_tree_set_mtime(const struct uw_tree *tree, const char *name,
		      int64_t seconds, struct uw_error *err)
{
	struct timespec spec[2];
	struct uw_place place;
	enum uw_status status;

	if (name[0] == '\0')
		return (int)uw_file_set_mtime(tree->root, seconds, err);
	if (!time_spec(seconds, spec))
		return (int)uw_fail_os(err, EOVERFLOW, "utimensat");
	status = uw_place_open(tree, name, &place, err);
	if (status == UW_OK &&
	    utimensat(place.dir, place.leaf, spec, AT_SYMLINK_NOFOLLOW) != 0)
		status = uw_fail_os(err, errno, "utimensat");
	uw_place_close(&place);
	return (int)status;
}
