/*
 * source.h - bytes at an offset: a file, or memory
 *
 * A file is read with pread, not mapped: a file cut short under us is an error,
 * not a SIGBUS.  Threads may read one source at the same time.
 */
#ifndef UW_SOURCE_H
#define UW_SOURCE_H

#include "error.h"

#define UW_SOURCE_NO_FILE ((intptr_t)-1)

struct uw_source {
	intptr_t file;	  /* descriptor or HANDLE; unused for memory */
	const u8 *memory; /* NULL for a file */
	u64 len;	  /* bytes, as they were when it was opened */
};

/*
 * A regular file, and nothing else: a FIFO or a device could make us wait for
 * ever, or read without end.  @path may be a link to a file.  After a failure
 * @source is zeroed but for its file, which closing ignores.
 */
enum uw_status uw_source_open(struct uw_source *source, const char *path,
			      struct uw_error *err);

/* @data stays the caller's, who keeps it as it is. */
void uw_source_memory(struct uw_source *source, const u8 *data, size_t len);
void uw_source_close(struct uw_source *source);

/*
 * Exactly @len bytes at @offset, or UW_ERR_SYSTEM: with UW_WHY_SOURCE_TRUNCATED
 * when there are fewer, as `found` and `expected` tell, or with the OS error.
 */
enum uw_status uw_source_read(const struct uw_source *source, u64 offset,
			      u8 *buf, size_t len, struct uw_error *err);

/*
 * For uw_source_read(), once per system: one read of at most @len bytes, 1 GiB
 * or less, of an open file.  *@got_ret is 0 at its end.
 */
enum uw_status uw_source_read_part(intptr_t file, u64 offset, u8 *buf,
				   size_t len, size_t *got_ret,
				   struct uw_error *err);

#endif
