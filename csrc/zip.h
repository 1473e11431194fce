/*
 * zip.h - the ZIP container (PKWARE APPNOTE), from bytes that it is given
 *
 * Pure: it says which bytes it needs, archive.c fetches them.  The steps:
 *
 *   1. uw_zip_end()        the last bytes of the file -> where everything is,
 *                          or which ZIP64 record is to be fetched first
 *   2. uw_zip_zip64()      that record
 *   3. uw_zip_directory()  the central directory -> entries and names
 *   4. uw_zip_order()      the entries in the order of their members
 *   5. for each in that order:
 *      uw_zip_tile_header()  it begins where the one before it ended
 *      uw_zip_local()        its local header is what the entry says
 *      uw_zip_tile_data()    its data ends before the directory
 *      uw_zip_nothing()      that of a directory is none, also to DEFLATE
 *      uw_zip_descriptor()   so does its data descriptor, if it has one
 *   6. uw_zip_tile_end()   the last one ended where the directory begins
 *
 * forward.c, which reads from the front, takes uw_zip_front() and
 * uw_zip_front_descriptor() for each member instead.
 *
 * What is wrong goes to the problems, and the step goes on as far as it can.
 * A step that returns false, or 0, has said there why nothing can follow it.
 */
#ifndef UW_ZIP_H
#define UW_ZIP_H

#include "error.h"

/* The most bytes at the end of a file that uw_zip_end() has to see. */
#define UW_ZIP_TAIL_MAX	      (20 + 22 + 65535)
#define UW_ZIP_ENTRY_LEN      46
#define UW_ZIP_LOCAL_LEN      30
#define UW_ZIP_LOCAL_MAX      (30 + 65535 + 65535)
#define UW_ZIP_ZIP64_LEN      56
#define UW_ZIP_DESCRIPTOR_MAX 24
#define UW_ZIP_NOTHING_LEN    2

struct uw_zip_end {
	u64 directory_offset;
	u64 directory_len;
	u64 count;
	u64 end_offset;	    /* of what follows the directory */
	u64 zip64_offset;   /* of the ZIP64 record, if is_zip64 */
	u64 locator_offset; /* of the ZIP64 locator, if is_zip64 */
	u32 count_here;	    /* as the end record has it, for uw_zip_zip64() */
	bool is_zip64;
};

/*
 * Whether @tail, the last bytes of a file, is enough for uw_zip_end(): most
 * files have no comment, and then a few bytes are.
 */
bool uw_zip_end_seen(const u8 *tail, size_t tail_len);

/*
 * @tail is the last @tail_len bytes of a file of @file_len: all of it, or
 * UW_ZIP_TAIL_MAX, or what uw_zip_end_seen() was content with.  If is_zip64
 * is set, nothing else is final before uw_zip_zip64().
 */
bool uw_zip_end(const u8 *tail, size_t tail_len, u64 file_len,
		const struct uw_limits *limits, struct uw_zip_end *end_ret,
		struct uw_problems *problems);

/*
 * @record is UW_ZIP_ZIP64_LEN bytes at end->zip64_offset, which lies that far
 * before the locator at least.
 */
bool uw_zip_zip64(const u8 *record, const struct uw_limits *limits,
		  struct uw_zip_end *end, struct uw_problems *problems);

/*
 * @entries has room for end->count, @names for directory_len bytes (a name and
 * its NUL are shorter than its header).  Once uw_zip_end() and uw_zip_zip64()
 * are content, both fit in a small multiple of what the file really holds.
 */
bool uw_zip_directory(const u8 *directory, const struct uw_zip_end *end,
		      const struct uw_limits *limits, struct uw_entry *entries,
		      char *names, size_t *names_len_ret,
		      struct uw_problems *problems);

/* Fill @order with the indices of @entries, by header_offset. */
void uw_zip_order(const struct uw_entry *entries, u32 count, u32 *order);

/*
 * Members, in order, cover [0, @end) with no byte left or shared.  @next is
 * the first byte not covered yet; after a member whose length is unknown it is
 * a lower bound, and @lost is set.
 */
struct uw_zip_tiling {
	u64 next;
	u64 end;
	bool lost;
};

/* @bytes are the first UW_ZIP_TAR_LEN of the file. */
#define UW_ZIP_TAR_LEN 512
void uw_zip_refuse_tar(const u8 *bytes, struct uw_problems *problems);

/* False: @entry shares bytes with others, its header must not be read. */
bool uw_zip_tile_header(struct uw_zip_tiling *tiling,
			const struct uw_entry *entry, u32 index,
			struct uw_problems *problems);
bool uw_zip_tile_data(struct uw_zip_tiling *tiling,
		      const struct uw_entry *entry, u32 index,
		      struct uw_problems *problems);
void uw_zip_tile_end(const struct uw_zip_tiling *tiling,
		     struct uw_problems *problems);

/*
 * @bytes are the @len at entry->header_offset, and @room bytes lie between
 * there and the directory.  Returns how many bytes it needs in all (more than
 * @len: fetch them and call again), and sets entry->data_offset.
 */
size_t uw_zip_local(const u8 *bytes, size_t len, u64 room,
		    struct uw_entry *entry, const char *name, u32 index,
		    struct uw_problems *problems);

/*
 * @bytes are the UW_ZIP_NOTHING_LEN at entry->data_offset, all the data of a
 * member that is a directory.
 */
void uw_zip_nothing(const u8 *bytes, const struct uw_entry *entry, u32 index,
		    struct uw_problems *problems);

/*
 * @bytes are the @len after the member's data, at @offset: as many as there
 * are before the directory, UW_ZIP_DESCRIPTOR_MAX at most.  Returns the length
 * of the descriptor.  To be called after uw_zip_local().
 */
size_t uw_zip_descriptor(const u8 *bytes, size_t len, u64 offset,
			 const struct uw_entry *entry, u32 index,
			 const struct uw_limits *limits,
			 struct uw_problems *problems);

/*
 * For who reads from the front and knows of no directory: whether a local
 * header begins there, what it says by itself, and where the descriptor ends
 * that follows what was found.  @bytes, @len, @index: as above.  @room is all
 * that the file has from there on; local->offset is the caller's to set, and
 * local->name points into @bytes.
 */
bool uw_zip_front_seen(const u8 *bytes, size_t len);
size_t uw_zip_front(const u8 *bytes, size_t len, u64 room, u32 index,
		    const struct uw_limits *limits, struct uw_local *local,
		    struct uw_problems *problems);
size_t uw_zip_front_descriptor(const u8 *bytes, size_t len, u64 offset,
			       const struct uw_local *local, u32 index,
			       const struct uw_limits *limits,
			       struct uw_problems *problems);

/*
 * Whether the local header states a size or a CRC-32, of which @stated is what
 * it has: with a descriptor, zero means that it was not known yet.
 */
bool uw_zip_front_states(const struct uw_local *local, u64 stated);

#endif
