/*
 * odd_copy.c - the tree's system calls over a copy_file_range() that is odd
 *
 * It copies a few bytes at a time, and after some calls it says 0 or fails, as
 * some kernels and file systems do in the middle of a file.  At its first call
 * somebody can make the source longer or shorter.
 */
#include "tree_posix.h"

#include <sys/types.h>

ssize_t odd_copy(int from, off_t *from_at, int to, off_t *to_at, size_t len,
		 unsigned int flags);

/* What the next calls do; set by the test. */
struct odd {
	int32_t calls;	  /* that still copy */
	int32_t piece;	  /* bytes of each */
	int32_t os_error; /* of all after them; 0: they say 0 */
	int32_t source;	  /* 0, or the source, open for writing, */
	int32_t resized;  /* and the bytes that it has from the first call on */
};
struct odd odd;

ssize_t odd_copy(int from, off_t *from_at, int to, off_t *to_at, size_t len,
		 unsigned int flags)
{
	u8 bytes[4096];
	ssize_t done;

	(void)flags;
	if (odd.source != 0 && ftruncate(odd.source, odd.resized) != 0)
		return -1;
	if (odd.calls == 0) {
		errno = odd.os_error;
		return odd.os_error != 0 ? -1 : 0;
	}
	odd.calls--;
	if (len > (size_t)odd.piece)
		len = (size_t)odd.piece;
	done = pread(from, bytes, len, *from_at);
	return done > 0 ? pwrite(to, bytes, (size_t)done, *to_at) : done;
}

#define copy_file_range odd_copy
#include "tree_system_posix.c"
