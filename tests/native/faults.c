/*
 * faults.c - the calls of faults.h: they fail as fault_plan.h says
 */
#include "fault_plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>

struct fault fault;
bool fault_pieces;

static atomic_uint calls;
static atomic_bool fired;
static atomic_int blocks;
static atomic_int descriptors;

void fault_begin(void)
{
	atomic_store(&calls, 0);
	atomic_store(&fired, false);
}

bool fault_fired(void)
{
	return atomic_load(&fired);
}

int fault_blocks(void)
{
	return atomic_load(&blocks);
}

int fault_descriptors(void)
{
	return atomic_load(&descriptors);
}

static bool fails(enum kind kind)
{
	u32 call;

	if (kind != fault.kind)
		return false;
	call = atomic_fetch_add(&calls, 1) + 1;
	if (fault.harmless
		    ? call % 2 == 0
		    : call < fault.nth || (call > fault.nth && !fault.for_ever))
		return false;
	atomic_store(&fired, true);
	errno = fault.os_error;
	return true;
}

static void *counted(void *block)
{
	if (block != NULL)
		atomic_fetch_add(&blocks, 1);
	return block;
}

void *fault_malloc(size_t len)
{
	return fails(MEMORY) ? NULL : counted(malloc(len));
}

void *fault_calloc(size_t count, size_t len)
{
	return fails(MEMORY) ? NULL : counted(calloc(count, len));
}

void *fault_realloc(void *block, size_t len)
{
	void *moved = fails(MEMORY) ? NULL : realloc(block, len);

	return block == NULL ? counted(moved) : moved;
}

void fault_free(void *block)
{
	if (block != NULL)
		atomic_fetch_sub(&blocks, 1);
	free(block);
}

static int opened(int fd)
{
	if (fd >= 0)
		atomic_fetch_add(&descriptors, 1);
	return fd;
}

int fault_open(const char *path, int flags, ...)
{
	return fails(OPEN) ? -1 : opened(open(path, flags));
}

int fault_openat(int dir, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list args;

	va_start(args, flags);
	if (flags & O_CREAT)
		mode = va_arg(args, mode_t);
	va_end(args);
	return fails(OPEN) ? -1 : opened(openat(dir, path, flags, mode));
}

/* This and the next one no signal can hinder. */
int fault_mkdirat(int dir, const char *path, mode_t mode)
{
	return !fault.harmless && fails(OPEN) ? -1 : mkdirat(dir, path, mode);
}

int fault_fcntl(int fd, int command, ...)
{
	return !fault.harmless && fails(OPEN) ? -1
					      : opened(fcntl(fd, command, 0));
}

static long open_beneath(long number, va_list args)
{
	int root = va_arg(args, int);
	const char *path = va_arg(args, const char *);
	void *how = va_arg(args, void *);
	size_t how_len = va_arg(args, size_t);

	if (fails(OPEN))
		return -1;
	return opened((int)syscall(number, root, path, how, how_len));
}

static long rename_with(long number, va_list args)
{
	int from_dir = va_arg(args, int);
	const char *from = va_arg(args, const char *);
	int dir = va_arg(args, int);
	const char *path = va_arg(args, const char *);
	unsigned flags = va_arg(args, unsigned);

	if (!fault.harmless && fails(NAME))
		return -1;
	return syscall(number, from_dir, from, dir, path, flags);
}

/* The core makes two calls by their numbers: openat2() and renameat2(). */
long fault_syscall(long number, ...)
{
	va_list args;
	long result;

	va_start(args, number);
	result = number == SYS_renameat2 ? rename_with(number, args)
					 : open_beneath(number, args);
	va_end(args);
	return result;
}

/* It can lose data only of what was written; the descriptor is always gone. */
int fault_close(int fd)
{
	bool written = (fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY;
	int result = close(fd);

	if (result == 0)
		atomic_fetch_sub(&descriptors, 1);
	return written && fails(CLOSE) ? -1 : result;
}

static size_t piece(size_t len)
{
	return fault_pieces && len > 1 ? len - len / 3 : len;
}

/* One that is at the end of its file is none that can fail. */
ssize_t fault_pread(int fd, void *buf, size_t len, off_t offset)
{
	ssize_t got = pread(fd, buf, piece(len), offset);

	if (got > 0 && fails(READ))
		return fault.os_error == 0 ? 0 : -1;
	return got;
}

ssize_t fault_pwrite(int fd, const void *buf, size_t len, off_t offset)
{
	return fails(WRITE) ? -1 : pwrite(fd, buf, piece(len), offset);
}

int fault_linkat(int from_dir, const char *from, int dir, const char *path,
		 int flags)
{
	return fails(SHARE) ? -1 : linkat(from_dir, from, dir, path, flags);
}

int fault_ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	int from;

	va_start(args, request);
	from = va_arg(args, int);
	va_end(args);
	return fails(SHARE) ? -1 : ioctl(fd, request, from);
}

ssize_t fault_copy_file_range(int from, off64_t *from_offset, int to,
			      off64_t *to_offset, size_t len, unsigned flags)
{
	return fails(SHARE) ? -1
			    : copy_file_range(from, from_offset, to, to_offset,
					      piece(len), flags);
}

int fault_futimens(int fd, const struct timespec *times)
{
	return fails(TIME) ? -1 : futimens(fd, times);
}

int fault_symlinkat(const char *target, int dir, const char *path)
{
	return fails(NAME) ? -1 : symlinkat(target, dir, path);
}

int fault_renameat(int from_dir, const char *from, int dir, const char *path)
{
	return fails(NAME) ? -1 : renameat(from_dir, from, dir, path);
}

int fault_utimensat(int dir, const char *path, const struct timespec *times,
		    int flags)
{
	return fails(TIME) ? -1 : utimensat(dir, path, times, flags);
}

int fault_syncfs(int fd)
{
	return fails(WRITE) ? -1 : syncfs(fd);
}
