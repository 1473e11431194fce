/*
 * tree_system_posix.c - what only some of the systems can do
 *
 * Every function exists everywhere and answers as a system call does; where the
 * system has none it is ENOSYS, and the caller takes its other way.
 */
#include "tree_posix.h"

#if defined(__linux__)

#include <sys/ioctl.h>
#include <sys/syscall.h>

/* As in <linux/openat2.h>, which is younger than the systems we build on. */
struct beneath_how {
	u64 flags;
	u64 mode;
	u64 resolve;
};

enum { NO_MAGICLINKS = 0x02, NO_SYMLINKS = 0x04, BENEATH = 0x08 };

/* One number for all architectures (but alpha). */
#ifndef SYS_openat2
#define SYS_openat2 437
#endif

#define BENEATH_TRIES 16

/*
 * EAGAIN: the kernel met a rename or mount and cannot tell any more whether it
 * is still beneath.  That passes, unless somebody renames all the time.
 */
int uw_system_open_beneath(int root, const char *path)
{
	struct beneath_how how = {.flags = UW_DIR_FLAGS,
				  .resolve = BENEATH | NO_SYMLINKS |
					     NO_MAGICLINKS};
	long fd = -1;

	for (int i = 0; i < BENEATH_TRIES; i++) {
		fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return (int)fd;
}

/* Of renameat2(2); not every libc has a wrapper for it. */
int uw_system_rename(int from_dir, const char *from, int to_dir, const char *to,
		     enum uw_system_rename how)
{
	unsigned int flag = how == UW_RENAME_NEW ? 1 : 2;

	return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flag);
}

/*
 * The whole file system at once.  One fsync per file waits for the journal each
 * time: minutes instead of seconds for thousands of files.  To have each file
 * written back as it is closed (sync_file_range) gains nothing with large ones,
 * and loses a quarter with small ones.
 */
int uw_system_sync(int root)
{
	int result;

	do
		result = syncfs(root);
	while (result != 0 && errno == EINTR);
	return result;
}

/* FICLONE; <linux/fs.h> has it, and quarrels with <sys/mount.h>. */
#define CLONE_REQUEST _IOW(0x94, 9, int)

int uw_system_clone(int from, int dir, const char *leaf, int *fd)
{
	int result;

	(void)dir;
	(void)leaf;
	do
		result = ioctl(*fd, CLONE_REQUEST, from);
	while (result != 0 && errno == EINTR);
	return result;
}

ssize_t uw_system_copy(int from, int to, off_t offset, size_t len)
{
	off_t from_offset = offset, to_offset = offset;
	ssize_t done;

	do
		done = copy_file_range(from, &from_offset, to, &to_offset, len,
				       0);
	while (done < 0 && errno == EINTR);
	return done;
}

#else

int uw_system_open_beneath(int root, const char *path)
{
	(void)root;
	(void)path;
	errno = ENOSYS;
	return -1;
}

ssize_t uw_system_copy(int from, int to, off_t offset, size_t len)
{
	(void)from;
	(void)to;
	(void)offset;
	(void)len;
	errno = ENOSYS;
	return -1;
}

#ifdef __APPLE__

#include <stdio.h>
#include <sys/clonefile.h>

int uw_system_rename(int from_dir, const char *from, int to_dir, const char *to,
		     enum uw_system_rename how)
{
	return renameatx_np(from_dir, from, to_dir, to,
			    how == UW_RENAME_NEW ? RENAME_EXCL : RENAME_SWAP);
}

/* fsync() on macOS stops at the cache of the drive; this does not. */
int uw_system_sync(int root)
{
	return fsync_volume_np(root, SYNC_VOLUME_FULLSYNC | SYNC_VOLUME_WAIT);
}

/* A clone takes the mode and the times of its source, too: undone here. */
static int become(int clone, int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || fchmod(clone, st.st_mode & 0777) != 0)
		return -1;
	return futimens(clone, NULL);
}

/* macOS clones only to a name that is free: to another one, then renamed. */
int uw_system_clone(int from, int dir, const char *leaf, int *fd)
{
	struct uw_temporary temporary;
	int clone, saved;

	if (uw_temporary_choose(&temporary) != 0 ||
	    fclonefileat(from, dir, temporary.name, CLONE_NOOWNERCOPY) != 0)
		return -1;
	clone = openat(dir, temporary.name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	if (clone >= 0 && become(clone, *fd) == 0 &&
	    renameat(dir, temporary.name, dir, leaf) == 0) {
		close(*fd);
		*fd = clone;
		return 0;
	}
	saved = errno;
	uw_fd_close(clone);
	unlinkat(dir, temporary.name, 0);
	errno = saved;
	return -1;
}

#else

int uw_system_rename(int from_dir, const char *from, int to_dir, const char *to,
		     enum uw_system_rename how)
{
	(void)from_dir;
	(void)from;
	(void)to_dir;
	(void)to;
	(void)how;
	errno = ENOSYS;
	return -1;
}

int uw_system_sync(int root)
{
	sync();
	return fsync(root);
}

int uw_system_clone(int from, int dir, const char *leaf, int *fd)
{
	(void)from;
	(void)dir;
	(void)leaf;
	(void)fd;
	errno = ENOSYS;
	return -1;
}

#endif
#endif
