/*
 * zip_parts.h - what the zip_*.c files know of each other
 *
 *   zip_end.c        the end of the archive, with ZIP64 or without
 *   zip_header.c     what an entry and a local header have in common
 *   zip_extra.c      their extra fields
 *   zip_directory.c  the central directory
 *   zip_tiling.c     the order of the members; that they cover the file
 *   zip_local.c      local headers and data descriptors
 *   zip_front.c      the same, for who knows of no directory
 *   zip_complain.c   what is wrong, as a problem
 *
 * Pure: no system call, no allocation.  An archive must mean one thing to every
 * reader, whether it trusts the directory or walks the local headers from the
 * front.  So whatever is written down twice must agree, and whatever only some
 * readers look at is refused.  Nothing here is judged by what names mean.
 */
#ifndef UW_ZIP_PARTS_H
#define UW_ZIP_PARTS_H

#include "zip.h"

enum signature {
	SIGNATURE_LOCAL = 0x04034b50,
	SIGNATURE_DESCRIPTOR = 0x08074b50,
	SIGNATURE_ENTRY = 0x02014b50,
	SIGNATURE_ZIP64 = 0x06064b50,
	SIGNATURE_LOCATOR = 0x07064b50,
	SIGNATURE_END = 0x06054b50
};

enum flag {
	FLAG_ENCRYPTED = 1 << 0,
	FLAG_LEVEL = 1 << 1 | 1 << 2,
	FLAG_DESCRIPTOR = 1 << 3,
	FLAG_STRONG = 1 << 6,
	FLAG_UTF8 = 1 << 11,
	FLAG_MASKED = 1 << 13
};

enum method { METHOD_STORED = 0, METHOD_DEFLATED = 8 };

/* "Look into the ZIP64 fields": APPNOTE 4.4.1.4. */
#define ALL_ONES_16 0xffffu
#define ALL_ONES_32 0xffffffffu

/* ------------------------------------------------------------------ cursor */

struct cursor {
	const u8 *next;
	size_t left;
};

UW_INLINE bool has(const struct cursor *c, size_t n)
{
	return n <= c->left;
}

UW_INLINE const u8 *take(struct cursor *c, size_t n)
{
	const u8 *bytes = c->next;

	assert(has(c, n));
	c->next += n;
	c->left -= n;
	return bytes;
}

UW_INLINE struct cursor take_part(struct cursor *c, size_t n)
{
	struct cursor part = {take(c, n), n};

	return part;
}

UW_INLINE u16 take_le16(struct cursor *c)
{
	return load_le16(take(c, 2));
}

UW_INLINE u32 take_le32(struct cursor *c)
{
	return load_le32(take(c, 4));
}

UW_INLINE u64 take_le64(struct cursor *c)
{
	return load_le64(take(c, 8));
}

/* ----------------------------------------------------------- zip_complain.c */

/* What is being looked at, for the problems found in it. */
struct subject {
	struct uw_problems *problems;
	const char *place; /* for messages */
	u64 offset;	   /* of its first byte in the file */
	int32_t entry;	   /* index, or -1 */
};

/* Gives the problem back for the few that want another offset. */
UW_PRINTF(5, 6)
struct uw_error *uw_zip_complain(const struct subject *s, enum uw_reason reason,
				 u64 found, u64 expected, const char *format,
				 ...);

/* Whether the number @disk is that of the @sole one. */
bool uw_zip_check_disk(const struct subject *s, u32 disk, u32 sole);

/* ------------------------------------------------------------- zip_header.c */

/* What an entry of the directory and a local header have in common. */
struct header {
	u16 version;
	u16 flags;
	u16 method;
	u16 dos_time;
	u16 dos_date;
	u16 name_len;
	u16 extra_len;
	u32 crc32;
	u64 packed_size;
	u64 size;
	/* these two in the directory only */
	u32 disk;
	u64 offset;
	bool is_local;
	/* what the extra fields say */
	bool is_zip64;
	bool has_mtime;
	bool has_link_field;
	int32_t mtime;
};

/* The fixed fields from "version needed" to the length of the extra field. */
void uw_zip_take_header(struct cursor *c, struct header *h);

void uw_zip_check_version(const struct subject *s, u16 version);
void uw_zip_check_flags(const struct subject *s, u16 flags,
			const struct uw_limits *limits);
void uw_zip_check_method(const struct subject *s, u16 method);

/* A descriptor without a signature. */
void uw_zip_check_unsigned(const struct subject *s, u16 method,
			   const struct uw_limits *limits);
void uw_zip_check_name(const struct subject *s, const u8 *name, size_t len,
		       const struct uw_limits *limits);

/* -------------------------------------------------------------- zip_extra.c */

/*
 * Take what the whole extra field @extra, at @offset in the file, says of the
 * header.  False: the header's sizes or place are unknown.
 */
bool uw_zip_check_extras(const struct subject *s, struct cursor extra,
			 u64 offset, const u8 *name, struct header *h);

#endif
