/*
 * zip.h - the ZIP container (PKWARE APPNOTE), from bytes that it is given
 *
 * Pure: it says which bytes it needs, archive.c fetches them.  The steps:
 *
 *   1. uw_zip_end()        the last bytes of the file -> where everything is,
 *                          or which ZIP64 record is to be fetched first
 *   2. uw_zip_zip64()      that record
 *   3. uw_zip_directory()  the central directory -> entries and names
 *   4. uw_zip_local()      each local header, checked against its entry
 *   5. uw_zip_descriptor() each data descriptor, where there is one
 *   6. uw_zip_tile()       all of them cover the file, no byte left or shared
 */
#ifndef UW_ZIP_H
#define UW_ZIP_H

#include "error.h"

/* The most bytes at the end of a file that uw_zip_end() has to see. */
#define UW_ZIP_TAIL_MAX	      (20 + 22 + 65535)
#define UW_ZIP_LOCAL_LEN      30
#define UW_ZIP_ZIP64_LEN      56
#define UW_ZIP_DESCRIPTOR_MAX 24

struct uw_zip_end {
	u64 directory_offset;
	u64 directory_len;
	u64 count;
	u64 zip64_offset; /* of the ZIP64 record, if is_zip64 */
	u64 end_offset;	  /* of what follows the directory */
	bool is_zip64;
};

/* @tail is the last @tail_len bytes of a file of @file_len. */
enum uw_status uw_zip_end(const u8 *tail, size_t tail_len, u64 file_len,
			  struct uw_zip_end *end_ret,
			  struct uw_problems *problems);

/* @record is UW_ZIP_ZIP64_LEN bytes at end->zip64_offset. */
enum uw_status uw_zip_zip64(const u8 *record, struct uw_zip_end *end,
			    struct uw_problems *problems);

/*
 * @entries has room for end->count, @names for directory_len bytes (a name and
 * its NUL are shorter than its header).  All problems of all entries are told.
 */
enum uw_status uw_zip_directory(const u8 *directory,
				const struct uw_zip_end *end,
				const struct uw_limits *limits,
				struct uw_entry *entries, char *names,
				size_t *names_len_ret,
				struct uw_problems *problems);

/*
 * @header is UW_ZIP_LOCAL_LEN bytes and what follows them, @len in all, at
 * entry->header_offset.  Returns how many bytes it needs in all (more than
 * @len: fetch them and call again), and sets entry->data_offset.
 */
size_t uw_zip_local(const u8 *header, size_t len, struct uw_entry *entry,
		    const char *name, u32 index, struct uw_problems *problems);

/*
 * @bytes are the @len (at most UW_ZIP_DESCRIPTOR_MAX) bytes after the member's
 * data.  Returns the length of the descriptor; 0 after a problem.
 */
size_t uw_zip_descriptor(const u8 *bytes, size_t len,
			 const struct uw_entry *entry, u32 index,
			 const struct uw_limits *limits,
			 struct uw_problems *problems);

/*
 * @extents are [offset, offset + len) of each member with header and
 * descriptor, in any order (sorted in place); they must cover [0, @end).
 */
struct uw_zip_extent {
	u64 offset;
	u64 len;
	u32 entry;
	u32 reserved;
};

enum uw_status uw_zip_tile(struct uw_zip_extent *extents, u32 count, u64 end,
			   struct uw_problems *problems);

#endif
