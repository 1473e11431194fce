/*
 * faults.h - system calls and allocations that fail when they are told to
 *
 * The core is compiled with this in front of every file; faults.c has the
 * functions, and the real ones behind them.
 */
#ifndef FAULTS_H
#define FAULTS_H

#define _FILE_OFFSET_BITS 64
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

void *fault_malloc(size_t len);
void *fault_calloc(size_t count, size_t len);
void *fault_realloc(void *block, size_t len);
void fault_free(void *block);
int fault_open(const char *path, int flags, ...);
int fault_openat(int dir, const char *path, int flags, ...);
int fault_mkdirat(int dir, const char *path, mode_t mode);
int fault_fcntl(int fd, int command, ...);
long fault_syscall(long number, ...);
int fault_close(int fd);
ssize_t fault_pread(int fd, void *buf, size_t len, off_t offset);
ssize_t fault_pwrite(int fd, const void *buf, size_t len, off_t offset);
int fault_linkat(int from_dir, const char *from, int dir, const char *path,
		 int flags);
int fault_ioctl(int fd, unsigned long request, ...);
ssize_t fault_copy_file_range(int from, off64_t *from_offset, int to,
			      off64_t *to_offset, size_t len, unsigned flags);
int fault_futimens(int fd, const struct timespec *times);
int fault_utimensat(int dir, const char *path, const struct timespec *times,
		    int flags);
int fault_symlinkat(const char *target, int dir, const char *path);
int fault_renameat(int from_dir, const char *from, int dir, const char *path);
int fault_syncfs(int fd);

#ifndef FAULTS_REAL
#define malloc		fault_malloc
#define calloc		fault_calloc
#define realloc		fault_realloc
#define free		fault_free
#define open		fault_open
#define openat		fault_openat
#define mkdirat		fault_mkdirat
#define fcntl		fault_fcntl
#define syscall		fault_syscall
#define close		fault_close
#define pread		fault_pread
#define pwrite		fault_pwrite
#define linkat		fault_linkat
#define ioctl		fault_ioctl
#define futimens	fault_futimens
#define copy_file_range fault_copy_file_range
#define utimensat	fault_utimensat
#define symlinkat	fault_symlinkat
#define renameat	fault_renameat
#define syncfs		fault_syncfs
#endif

#endif
