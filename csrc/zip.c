/*
 * zip.c - the ZIP container (PKWARE APPNOTE), from bytes that it is given
 *
 * Pure: no system call, no allocation.  An archive must mean one thing to every
 * reader, whether it trusts the directory or walks the local headers from the
 * front.  So whatever is written down twice must agree, and whatever only some
 * readers look at is refused.  Nothing here is judged by what names mean.
 */
#include "zip.h"

#include <stdarg.h>
#include <stdio.h>

enum signature {
	SIGNATURE_LOCAL = 0x04034b50,
	SIGNATURE_DESCRIPTOR = 0x08074b50,
	SIGNATURE_ENTRY = 0x02014b50,
	SIGNATURE_ZIP64 = 0x06064b50,
	SIGNATURE_LOCATOR = 0x07064b50,
	SIGNATURE_END = 0x06054b50
};

enum {
	LOCATOR_LEN = 20,
	END_LEN = 22,
	/* The size that a ZIP64 record states leaves out its first fields. */
	ZIP64_STATED_LEN = UW_ZIP_ZIP64_LEN - 12
};

enum flag {
	FLAG_ENCRYPTED = 1 << 0,
	FLAG_LEVEL = 1 << 1 | 1 << 2,
	FLAG_DESCRIPTOR = 1 << 3,
	FLAG_STRONG = 1 << 6,
	FLAG_UTF8 = 1 << 11,
	FLAG_MASKED = 1 << 13
};

#define FLAGS_ENCRYPTED (FLAG_ENCRYPTED | FLAG_STRONG | FLAG_MASKED)
#define FLAGS_TAKEN	(FLAG_LEVEL | FLAG_DESCRIPTOR | FLAG_UTF8)

enum method { METHOD_STORED = 0, METHOD_DEFLATED = 8 };

enum tag {
	TAG_ZIP64 = 0x0001,
	TAG_UNIX = 0x000d, /* APPNOTE 4.5.7 */
	TAG_TIMESTAMP = 0x5455,
	TAG_UNICODE_PATH = 0x7075,
	TAG_ASI_UNIX = 0x756e
};

/* What these two have before the name that a link leads to. */
#define UNIX_FIXED_LEN	   12
#define ASI_UNIX_FIXED_LEN 14

/* APPNOTE 6.3; later versions are about encryption and patching. */
#define VERSION_MAX 63

/* "Look into the ZIP64 fields": APPNOTE 4.4.1.4. */
#define ALL_ONES_16 0xffffu
#define ALL_ONES_32 0xffffffffu

/* ------------------------------------------------------------------ cursor */

struct cursor {
	const u8 *next;
	size_t left;
};

static bool has(const struct cursor *c, size_t n)
{
	return n <= c->left;
}

static const u8 *take(struct cursor *c, size_t n)
{
	const u8 *bytes = c->next;

	assert(has(c, n));
	c->next += n;
	c->left -= n;
	return bytes;
}

static struct cursor take_part(struct cursor *c, size_t n)
{
	struct cursor part = {take(c, n), n};

	return part;
}

static u16 take_le16(struct cursor *c)
{
	return load_le16(take(c, 2));
}

static u32 take_le32(struct cursor *c)
{
	return load_le32(take(c, 4));
}

static u64 take_le64(struct cursor *c)
{
	return load_le64(take(c, 8));
}

/* -------------------------------------------------------------- complaints */

/* What is being looked at, for the problems found in it. */
struct subject {
	struct uw_problems *problems;
	const char *place; /* for messages */
	u64 offset;	   /* of its first byte in the file */
	int32_t entry;	   /* index, or -1 */
};

static enum uw_status status_of(enum uw_reason reason)
{
	switch ((int)reason) {
	case UW_WHY_MULTI_DISK:
	case UW_WHY_ZIP64_EXTENSIBLE:
	case UW_WHY_ENTRY_FLAGS:
	case UW_WHY_ENCRYPTED:
	case UW_WHY_METHOD:
	case UW_WHY_VERSION_NEEDED:
		return UW_ERR_UNSUPPORTED;
	case UW_WHY_TOO_MANY_ENTRIES:
	case UW_WHY_DIRECTORY_TOO_LARGE:
	case UW_WHY_NAME_TOO_LONG:
		return UW_ERR_LIMIT;
	case UW_WHY_NAME_EMPTY:
	case UW_WHY_NAME_NUL:
		return UW_ERR_NAME;
	default:
		return UW_ERR_ARCHIVE;
	}
}

/* Gives the problem back for the few that want another offset. */
static UW_PRINTF(5, 6) struct uw_error *complain(const struct subject *s,
						 enum uw_reason reason,
						 u64 found, u64 expected,
						 const char *format, ...)
{
	struct uw_error *err = uw_problem(s->problems);
	char message[sizeof(err->message)];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	uw_fail(err, status_of(reason), reason, s->offset, "%s", message);
	err->entry = s->entry;
	err->found = found;
	err->expected = expected;
	return err;
}

static void check_version(const struct subject *s, u16 version)
{
	if (version > VERSION_MAX)
		complain(s, UW_WHY_VERSION_NEEDED, version, VERSION_MAX,
			 "the %s needs version %u.%u of the ZIP format",
			 s->place, version / 10u, version % 10u);
}

/* ------------------------------------------------------- end of the archive */

#define NOT_FOUND SIZE_MAX

/* The end record whose comment ends where the file does. */
static size_t find_end(const u8 *tail, size_t tail_len)
{
	size_t at;

	if (tail_len < END_LEN)
		return NOT_FOUND;
	for (at = tail_len - END_LEN; at != NOT_FOUND; at--) {
		if (load_le32(tail + at) == SIGNATURE_END &&
		    load_le16(tail + at + 20) == tail_len - at - END_LEN)
			return at;
	}
	return NOT_FOUND;
}

/* The last signature of an end record, whatever follows it. */
static size_t find_end_signature(const u8 *tail, size_t tail_len)
{
	size_t at;

	if (tail_len < 4)
		return NOT_FOUND;
	for (at = tail_len - 4; at != NOT_FOUND; at--) {
		if (load_le32(tail + at) == SIGNATURE_END)
			return at;
	}
	return NOT_FOUND;
}

/* Say why there is no end record at the end. */
static void complain_no_end(struct subject *s, const u8 *tail, size_t tail_len)
{
	size_t at = find_end_signature(tail, tail_len);
	u64 left, needed;

	if (at == NOT_FOUND) {
		s->offset += tail_len;
		complain(s, UW_WHY_NO_END_RECORD, 0, 0,
			 "there is no end record: not a ZIP archive, "
			 "or cut short");
		return;
	}
	s->offset += at;
	left = tail_len - at;
	needed = END_LEN;
	if (left >= END_LEN)
		needed += load_le16(tail + at + 20);
	if (left < needed)
		complain(s, UW_WHY_END_TRUNCATED, left, needed,
			 "the file ends within the end record or its comment");
	else
		complain(s, UW_WHY_TRAILING_DATA, left, needed,
			 "bytes follow the end record and its comment")
			->offset += needed;
}

/*
 * The last two bytes of every signature are in 1...8.  A comment without such
 * bytes cannot hold another end record, or anything else of an archive that a
 * reader could find by searching.
 */
static void check_comment(const struct subject *s, struct cursor comment)
{
	size_t len = comment.left;
	u8 byte;

	while (comment.left > 0) {
		byte = *take(&comment, 1);
		if (byte < 1 || byte > 8)
			continue;
		complain(s, UW_WHY_COMMENT_BYTES, byte, 0,
			 "the comment has a byte that occurs in signatures")
			->offset += END_LEN + (len - comment.left - 1);
		return;
	}
}

static bool check_disk(const struct subject *s, u32 disk, u32 sole)
{
	if (disk == sole)
		return true;
	complain(s, UW_WHY_MULTI_DISK, disk, sole,
		 "the archive has several disks, the %s says", s->place);
	return false;
}

/* What holds for an end with and without ZIP64, once the fields are known. */
static bool check_end(const struct subject *s, const struct uw_limits *limits,
		      const struct uw_zip_end *end)
{
	u64 room = end->end_offset;
	u64 len = end->directory_len;
	u64 most = limits->directory_len;
	u32 before = s->problems->count;

	if (len > room || end->directory_offset != room - len)
		complain(s, UW_WHY_DIRECTORY_PLACE, end->directory_offset,
			 len > room ? 0 : room - len,
			 "the directory does not end where the %s begins",
			 s->place);
	if (end->count > len / UW_ZIP_ENTRY_LEN)
		complain(s, UW_WHY_ENTRY_COUNT, len / UW_ZIP_ENTRY_LEN,
			 end->count,
			 "more entries are stated than the directory can hold");
	if (end->count > limits->entries)
		complain(s, UW_WHY_TOO_MANY_ENTRIES, end->count,
			 limits->entries, "too many entries");
	/* An offset of a name has 32 bits; so may a size_t, of a byte more. */
	if (most > UINT32_MAX - 1)
		most = UINT32_MAX - 1;
	if (len > most)
		complain(s, UW_WHY_DIRECTORY_TOO_LARGE, len, most,
			 "the directory is too large");
	return s->problems->count == before;
}

static bool check_end_counts(const struct subject *s, u64 here, u64 count)
{
	if (here == count)
		return true;
	complain(s, UW_WHY_END_COUNTS, here, count,
		 "the %s counts its entries in two ways", s->place);
	return false;
}

static bool read_locator(struct subject *s, struct cursor locator,
			 struct uw_zip_end *end)
{
	bool sole;

	s->place = "ZIP64 locator";
	s->offset = end->locator_offset;
	take(&locator, 4);
	sole = check_disk(s, take_le32(&locator), 0);
	end->zip64_offset = take_le64(&locator);
	sole = check_disk(s, take_le32(&locator), 1) && sole;
	if (end->locator_offset < UW_ZIP_ZIP64_LEN ||
	    end->zip64_offset > end->locator_offset - UW_ZIP_ZIP64_LEN) {
		complain(s, UW_WHY_ZIP64_LOCATOR, end->zip64_offset, 0,
			 "the ZIP64 locator leaves no room for its record");
		return false;
	}
	return sole;
}

/* The fields that ZIP64 widens; a disk number may be all ones with it. */
static bool read_end_fields(const struct subject *s, struct cursor record,
			    struct uw_zip_end *end)
{
	u32 disk, directory_disk;
	bool sole = true;

	take(&record, 4);
	disk = take_le16(&record);
	directory_disk = take_le16(&record);
	end->count_here = take_le16(&record);
	end->count = take_le16(&record);
	end->directory_len = take_le32(&record);
	end->directory_offset = take_le32(&record);
	if (!end->is_zip64 &&
	    (disk == ALL_ONES_16 || directory_disk == ALL_ONES_16 ||
	     end->count_here == ALL_ONES_16 || end->count == ALL_ONES_16 ||
	     end->directory_len == ALL_ONES_32 ||
	     end->directory_offset == ALL_ONES_32)) {
		complain(s, UW_WHY_ZIP64_MISSING, 0, 0,
			 "the end record refers to ZIP64, which is missing");
		return false;
	}
	if (disk != ALL_ONES_16)
		sole = check_disk(s, disk, 0);
	if (directory_disk != ALL_ONES_16)
		sole = check_disk(s, directory_disk, 0) && sole;
	return sole;
}

bool uw_zip_end_seen(const u8 *tail, size_t tail_len)
{
	size_t at = find_end(tail, tail_len);

	return at != NOT_FOUND && at >= LOCATOR_LEN;
}

bool uw_zip_end(const u8 *tail, size_t tail_len, u64 file_len,
		const struct uw_limits *limits, struct uw_zip_end *end,
		struct uw_problems *problems)
{
	struct subject s = {problems, "end record", file_len - tail_len, -1};
	struct cursor locator = {NULL, 0};
	struct cursor record;
	size_t at = find_end(tail, tail_len);

	memset(end, 0, sizeof(*end));
	if (at == NOT_FOUND) {
		complain_no_end(&s, tail, tail_len);
		return false;
	}
	s.offset += at;
	end->end_offset = s.offset;
	record = (struct cursor){tail + at, END_LEN};
	/*
	 * Some readers look for the locator always, some only when a field is
	 * all ones; so it counts always, and must fit.
	 */
	if (at >= LOCATOR_LEN &&
	    load_le32(tail + at - LOCATOR_LEN) == SIGNATURE_LOCATOR) {
		end->is_zip64 = true;
		end->locator_offset = s.offset - LOCATOR_LEN;
		locator = (struct cursor){tail + at - LOCATOR_LEN, LOCATOR_LEN};
	}
	check_comment(&s, (struct cursor){tail + at + END_LEN,
					  tail_len - at - END_LEN});
	if (!read_end_fields(&s, record, end))
		return false;
	if (end->is_zip64)
		return read_locator(&s, locator, end);
	return check_end_counts(&s, end->count_here, end->count) &&
	       check_end(&s, limits, end);
}

/* A narrow field is all ones, or says the same as the wide one. */
static bool agrees(u64 narrow, u64 all_ones, u64 wide)
{
	return narrow == all_ones || narrow == wide;
}

static bool read_zip64_fields(const struct subject *s, struct cursor record,
			      struct uw_zip_end *end)
{
	u64 here, count, len, offset;
	bool fits;

	take(&record, 2); /* made by */
	check_version(s, take_le16(&record));
	if (!check_disk(s, take_le32(&record), 0) ||
	    !check_disk(s, take_le32(&record), 0))
		return false;
	here = take_le64(&record);
	count = take_le64(&record);
	len = take_le64(&record);
	offset = take_le64(&record);
	fits = agrees(end->count_here, ALL_ONES_16, here) &&
	       agrees(end->count, ALL_ONES_16, count) &&
	       agrees(end->directory_len, ALL_ONES_32, len) &&
	       agrees(end->directory_offset, ALL_ONES_32, offset);
	if (!fits)
		complain(s, UW_WHY_ZIP64_RECORD, 0, 0,
			 "the ZIP64 record contradicts the end record");
	end->count = count;
	end->directory_len = len;
	end->directory_offset = offset;
	return check_end_counts(s, here, count) && fits;
}

bool uw_zip_zip64(const u8 *record, const struct uw_limits *limits,
		  struct uw_zip_end *end, struct uw_problems *problems)
{
	struct subject s = {problems, "ZIP64 record", end->zip64_offset, -1};
	struct cursor c = {record, UW_ZIP_ZIP64_LEN};
	u64 stated_len, end_offset;

	if (take_le32(&c) != SIGNATURE_ZIP64) {
		complain(&s, UW_WHY_ZIP64_LOCATOR, load_le32(record),
			 SIGNATURE_ZIP64,
			 "there is no ZIP64 record where the locator says");
		return false;
	}
	stated_len = take_le64(&c);
	if (stated_len != ZIP64_STATED_LEN) {
		complain(&s, UW_WHY_ZIP64_EXTENSIBLE, stated_len,
			 ZIP64_STATED_LEN,
			 "the ZIP64 record has an extensible data sector");
		return false;
	}
	end_offset = end->zip64_offset + UW_ZIP_ZIP64_LEN;
	if (end_offset != end->locator_offset) {
		complain(&s, UW_WHY_ZIP64_LOCATOR, end_offset,
			 end->locator_offset,
			 "bytes lie between the ZIP64 record and its locator");
		return false;
	}
	end->end_offset = end->zip64_offset;
	return read_zip64_fields(&s, c, end) && check_end(&s, limits, end);
}

/* ----------------------------------------------------------------- headers */

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

static void take_header(struct cursor *c, struct header *h)
{
	h->version = take_le16(c);
	h->flags = take_le16(c);
	h->method = take_le16(c);
	h->dos_time = take_le16(c);
	h->dos_date = take_le16(c);
	h->crc32 = take_le32(c);
	h->packed_size = take_le32(c);
	h->size = take_le32(c);
	h->name_len = take_le16(c);
	h->extra_len = take_le16(c);
	h->disk = 0;
	h->offset = 0;
	h->is_local = false;
	h->is_zip64 = false;
	h->has_mtime = false;
	h->has_link_field = false;
	h->mtime = 0;
}

/* The extra fields that mean something to us. */
struct extras {
	struct cursor zip64;
	struct cursor unicode_path;
	struct cursor timestamp; /* empty if there is none */
	bool has_zip64;
	bool has_unicode_path;
	bool has_link;
};

/*
 * An extra field can hold 16,383 records without content, and an archive a
 * thousand such fields: telling every record from every other one would be a
 * way to keep us busy for hours.  So the many go through a map.
 */
#define FEW_RECORDS 8

static bool repeats_among_many(struct cursor extra)
{
	u64 seen[(UINT16_MAX + 1) / 64] = {0};
	u16 tag;

	while (extra.left > 0) {
		tag = take_le16(&extra);
		if (seen[tag / 64] >> (tag % 64) & 1)
			return true;
		seen[tag / 64] |= (u64)1 << (tag % 64);
		take(&extra, take_le16(&extra));
	}
	return false;
}

/* Whether a tag occurs twice in @extra, whose records are not truncated. */
static bool repeats_a_tag(struct cursor extra)
{
	struct cursor rest = extra;
	u16 seen[FEW_RECORDS];
	size_t count, i;
	u16 tag;

	for (count = 0; rest.left > 0; count++) {
		if (count == FEW_RECORDS)
			return repeats_among_many(extra);
		tag = take_le16(&rest);
		for (i = 0; i < count; i++) {
			if (seen[i] == tag)
				return true;
		}
		seen[count] = tag;
		take(&rest, take_le16(&rest));
	}
	return false;
}

static void note_extra(struct extras *x, u16 tag, struct cursor data)
{
	if (tag == TAG_ZIP64) {
		x->zip64 = data;
		x->has_zip64 = true;
	} else if (tag == TAG_UNICODE_PATH) {
		x->unicode_path = data;
		x->has_unicode_path = true;
	} else if (tag == TAG_TIMESTAMP) {
		x->timestamp = data;
	} else if ((tag == TAG_UNIX && data.left > UNIX_FIXED_LEN) ||
		   (tag == TAG_ASI_UNIX && data.left > ASI_UNIX_FIXED_LEN)) {
		x->has_link = true;
	}
}

/* @extra is the whole extra field, @offset where it is in the file. */
static bool read_extras(const struct subject *s, struct cursor extra,
			u64 offset, struct extras *x)
{
	struct cursor rest = extra;
	u16 tag, len;

	memset(x, 0, sizeof(*x));
	while (rest.left > 0) {
		if (!has(&rest, 4))
			goto truncated;
		tag = take_le16(&rest);
		len = take_le16(&rest);
		if (!has(&rest, len))
			goto truncated;
		note_extra(x, tag, take_part(&rest, len));
	}
	if (extra.left > 0 && repeats_a_tag(extra)) {
		complain(s, UW_WHY_EXTRA_DUPLICATE, 0, 0,
			 "the %s has two extra fields of one kind", s->place)
			->offset = offset;
		return false;
	}
	return true;

truncated:
	complain(s, UW_WHY_EXTRA_TRUNCATED, 0, 0,
		 "an extra field of the %s runs over its end", s->place)
		->offset = offset + (extra.left - rest.left);
	return false;
}

static bool widen64(struct cursor *c, u64 *value)
{
	if (*value != ALL_ONES_32)
		return true;
	if (!has(c, 8))
		return false;
	*value = take_le64(c);
	return true;
}

static bool widen_disk(struct cursor *c, u32 *disk)
{
	if (*disk != ALL_ONES_16)
		return true;
	if (!has(c, 4))
		return false;
	*disk = take_le32(c);
	return true;
}

/*
 * Some writers (the wheels of protobuf are theirs) put both sizes into the
 * ZIP64 field of every local header, needed or not.  Where they are those of
 * their own fields, no two readers can disagree; but a data descriptor would be
 * of one length or the other.
 */
static bool repeats_sizes(struct cursor c, const struct header *h)
{
	return h->is_local && (h->flags & FLAG_DESCRIPTOR) == 0 &&
	       c.left == 16 && take_le64(&c) == h->size &&
	       take_le64(&c) == h->packed_size;
}

/*
 * APPNOTE 4.5.3: the ZIP64 field has those values, in this order, whose own
 * fields are all ones.  One more or one less, and readers would disagree about
 * what the others are.
 */
static bool resolve_zip64(const struct subject *s, const struct extras *x,
			  struct header *h)
{
	struct cursor c = x->zip64;
	bool wanted = h->size == ALL_ONES_32 || h->packed_size == ALL_ONES_32 ||
		      h->offset == ALL_ONES_32 || h->disk == ALL_ONES_16;

	h->is_zip64 = x->has_zip64;
	if (!wanted && !x->has_zip64)
		return true;
	if (!x->has_zip64) {
		complain(s, UW_WHY_ZIP64_MISSING, 0, 0,
			 "the %s refers to a ZIP64 extra field, "
			 "which is missing",
			 s->place);
		return false;
	}
	if (!wanted && repeats_sizes(c, h))
		return true;
	if (wanted && widen64(&c, &h->size) && widen64(&c, &h->packed_size) &&
	    widen64(&c, &h->offset) && widen_disk(&c, &h->disk) && c.left == 0)
		return true;
	complain(s, UW_WHY_ZIP64_EXTRA, x->zip64.left, x->zip64.left - c.left,
		 "the ZIP64 extra field of the %s does not match its fields",
		 s->place);
	return false;
}

/*
 * Info-ZIP's Unicode path, APPNOTE 4.6.9: version 1, CRC-32 of the name, and
 * the name to use if that is right.  A name that is the same either way needs
 * no check of the CRC-32.
 */
static void check_unicode_path(const struct subject *s, const struct extras *x,
			       const u8 *name, size_t name_len)
{
	struct cursor c = x->unicode_path;

	if (!x->has_unicode_path)
		return;
	if (!has(&c, 5) || *take(&c, 1) != 1) {
		complain(s, UW_WHY_UNICODE_PATH, 0, 0,
			 "the Unicode path of the %s is malformed", s->place);
		return;
	}
	take(&c, 4);
	if (c.left != name_len || memcmp(c.next, name, name_len) != 0)
		complain(s, UW_WHY_UNICODE_PATH, c.left, name_len,
			 "the Unicode path of the %s differs from the name",
			 s->place);
}

/*
 * Info-ZIP's extended timestamp: flags, of which bit 0 says that the time of
 * modification comes next, in seconds since 1970.  One that is cut short is no
 * way to fool anybody about content, so it is as good as none.
 */
static void read_timestamp(const struct extras *x, struct header *h)
{
	struct cursor c = x->timestamp;

	if (!has(&c, 5) || (*take(&c, 1) & 1) == 0)
		return;
	h->mtime = (int32_t)take_le32(&c);
	h->has_mtime = true;
}

/* False: the header's sizes or place are unknown. */
static bool check_extras(const struct subject *s, struct cursor extra,
			 u64 offset, const u8 *name, struct header *h)
{
	struct extras x;

	if (!read_extras(s, extra, offset, &x))
		return false;
	check_unicode_path(s, &x, name, h->name_len);
	read_timestamp(&x, h);
	h->has_link_field = x.has_link;
	return resolve_zip64(s, &x, h);
}

/* --------------------------------------------------------------- directory */

static void check_flags(const struct subject *s, u16 flags,
			const struct uw_limits *limits)
{
	if (flags & FLAGS_ENCRYPTED)
		complain(s, UW_WHY_ENCRYPTED, flags, 0,
			 "the member is encrypted");
	else if (flags & ~FLAGS_TAKEN)
		complain(s, UW_WHY_ENTRY_FLAGS, flags, flags & FLAGS_TAKEN,
			 "flags 0x%04x are not supported",
			 (unsigned)(flags & ~FLAGS_TAKEN));
	if (flags & FLAG_DESCRIPTOR && limits->allow & UW_REFUSE_DESCRIPTORS)
		complain(s, UW_WHY_DESCRIPTOR_REFUSED, flags,
			 flags & ~(u32)FLAG_DESCRIPTOR,
			 "data descriptors are refused");
}

/* APPNOTE 4.4.5. */
static const char *name_of_method(u16 method)
{
	static const struct {
		u16 method;
		const char *name;
	} known[] = {
		{1, "Shrink"},
		{6, "Implode"},
		{9, "Deflate64"},
		{10, "DCL Implode"},
		{12, "bzip2"},
		{14, "LZMA"},
		{16, "CMPSC"},
		{18, "TERSE"},
		{19, "LZ77"},
		{20, "Zstandard, withdrawn"},
		{93, "Zstandard"},
		{94, "MP3"},
		{95, "xz"},
		{96, "JPEG"},
		{97, "WavPack"},
		{98, "PPMd"},
		{99, "AES encryption"},
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(known); i++) {
		if (known[i].method == method)
			return known[i].name;
	}
	return method >= 2 && method <= 5 ? "Reduce" : "unknown";
}

static void check_method(const struct subject *s, u16 method)
{
	if (method != METHOD_STORED && method != METHOD_DEFLATED)
		complain(s, UW_WHY_METHOD, method, METHOD_DEFLATED,
			 "method %u (%s) is not supported", method,
			 name_of_method(method));
}

static void check_name(const struct subject *s, const u8 *name, size_t len,
		       const struct uw_limits *limits)
{
	if (len == 0)
		complain(s, UW_WHY_NAME_EMPTY, 0, 1, "the name is empty");
	else if (memchr(name, 0, len) != NULL)
		complain(s, UW_WHY_NAME_NUL, 0, 0, "the name has a NUL in it");
	if (len > limits->name_len)
		complain(s, UW_WHY_NAME_TOO_LONG, len, limits->name_len,
			 "the name is too long");
}

/*
 * A directory has no content.  Of nothing, DEFLATE makes two bytes, which some
 * writers put there (PySocks' wheel has them).  No reader looks at them, unless
 * a descriptor behind them has to be found.
 */
#define DEFLATED_NOTHING_LEN 2

static bool is_empty(const struct header *h)
{
	return h->size == 0 && h->crc32 == 0 &&
	       (h->packed_size == 0 ||
		(h->method == METHOD_DEFLATED &&
		 (h->flags & FLAG_DESCRIPTOR) == 0 &&
		 h->packed_size == DEFLATED_NOTHING_LEN));
}

/* What needs the fields that a ZIP64 extra field may give. */
static void check_wide_fields(const struct subject *s, const struct header *h,
			      const u8 *name)
{
	bool directory = h->name_len > 0 && name[h->name_len - 1] == '/';

	check_disk(s, h->disk, 0);
	if (h->method == METHOD_STORED && h->packed_size != h->size)
		complain(s, UW_WHY_STORED_SIZE, h->packed_size, h->size,
			 "the member is stored, but its two sizes differ");
	if (directory && !is_empty(h))
		complain(s, UW_WHY_DIRECTORY_HAS_DATA, h->size, 0,
			 "the member is a directory and has data");
}

static bool is_ascii(const u8 *bytes, size_t len)
{
	u8 all = 0;
	size_t i;

	for (i = 0; i < len; i++)
		all |= bytes[i];
	return all < 0x80;
}

static u32 facts_of(const struct header *h, const u8 *name)
{
	u32 facts = 0;

	if (h->flags & FLAG_DESCRIPTOR)
		facts |= UW_ENTRY_DESCRIPTOR;
	if (h->is_zip64)
		facts |= UW_ENTRY_ZIP64;
	if (is_ascii(name, h->name_len))
		facts |= UW_ENTRY_ASCII;
	if (h->has_mtime)
		facts |= UW_ENTRY_MTIME;
	if (h->has_link_field)
		facts |= UW_ENTRY_LINK_FIELD;
	return facts;
}

static void fill_entry(struct uw_entry *entry, const struct header *h,
		       const u8 *name)
{
	entry->size = h->size;
	entry->packed_size = h->packed_size;
	entry->header_offset = h->offset;
	entry->data_offset = 0;
	entry->crc32 = h->crc32;
	entry->name_len = h->name_len;
	entry->method = h->method;
	entry->flags = h->flags;
	entry->dos_time = h->dos_time;
	entry->dos_date = h->dos_date;
	entry->facts = facts_of(h, name);
	entry->mtime = h->mtime;
}

/* Where the reading of the directory has come to. */
struct reading {
	struct subject s;
	const struct uw_limits *limits;
	struct cursor c;
	char *names;
	size_t names_len;
	bool placed; /* so far, the place of every entry is known */
};

static bool complain_truncated(const struct reading *r)
{
	complain(&r->s, UW_WHY_DIRECTORY_TRUNCATED, r->c.left, 0,
		 "the directory ends within an entry");
	return false;
}

static void keep_name(struct reading *r, const u8 *name, size_t len,
		      struct uw_entry *entry)
{
	entry->name_offset = (u32)r->names_len;
	memcpy(r->names + r->names_len, name, len);
	r->names[r->names_len + len] = '\0';
	r->names_len += len + 1;
}

/* What follows the fixed fields: name, extra fields, comment. */
static bool read_variable(struct reading *r, struct header *h,
			  size_t comment_len, struct uw_entry *entry)
{
	const struct subject *s = &r->s;
	const u8 *name;
	struct cursor extra;

	if (!has(&r->c, (size_t)h->name_len + h->extra_len + comment_len))
		return complain_truncated(r);
	name = take(&r->c, h->name_len);
	extra = take_part(&r->c, h->extra_len);
	take(&r->c, comment_len);

	check_version(s, h->version);
	check_flags(s, h->flags, r->limits);
	if (comment_len != 0)
		complain(s, UW_WHY_ENTRY_COMMENT, comment_len, 0,
			 "the directory entry has a comment");
	check_method(s, h->method);
	check_name(s, name, h->name_len, r->limits);
	if (check_extras(s, extra, s->offset + UW_ZIP_ENTRY_LEN + h->name_len,
			 name, h))
		check_wide_fields(s, h, name);
	else
		r->placed = false;
	fill_entry(entry, h, name);
	keep_name(r, name, h->name_len, entry);
	return true;
}

/* False: where the next entry begins is unknown. */
static bool read_entry(struct reading *r, struct uw_entry *entry)
{
	struct header h;
	size_t comment_len;
	u32 signature;

	if (!has(&r->c, UW_ZIP_ENTRY_LEN))
		return complain_truncated(r);
	signature = take_le32(&r->c);
	if (signature != SIGNATURE_ENTRY) {
		complain(&r->s, UW_WHY_DIRECTORY_SIGNATURE, signature,
			 SIGNATURE_ENTRY,
			 "there is no directory entry where one should be");
		return false;
	}
	entry->made_by = take_le16(&r->c);
	take_header(&r->c, &h);
	comment_len = take_le16(&r->c);
	h.disk = take_le16(&r->c);
	take(&r->c, 2); /* internal attributes: hints about text */
	entry->external_attr = take_le32(&r->c);
	h.offset = take_le32(&r->c);
	return read_variable(r, &h, comment_len, entry);
}

/* The directory and the count of the end record run out together. */
static void check_rest(struct reading *r, u64 count)
{
	struct cursor *c = &r->c;

	r->s.entry = -1;
	if (c->left == 0)
		return;
	if (has(c, 4) && load_le32(c->next) == SIGNATURE_ENTRY)
		complain(&r->s, UW_WHY_ENTRY_COUNT, count + 1, count,
			 "the directory has more entries than are stated");
	else
		complain(&r->s, UW_WHY_DIRECTORY_EXCESS, c->left, 0,
			 "bytes follow the last entry of the directory");
}

bool uw_zip_directory(const u8 *directory, const struct uw_zip_end *end,
		      const struct uw_limits *limits, struct uw_entry *entries,
		      char *names, size_t *names_len_ret,
		      struct uw_problems *problems)
{
	struct reading r = {
		.s = {problems, "directory entry", end->directory_offset, 0},
		.limits = limits,
		.c = {directory, (size_t)end->directory_len},
		.names = names,
		.placed = true,
	};
	u64 i;

	*names_len_ret = 0;
	for (i = 0; i < end->count; i++) {
		r.s.entry = (int32_t)i;
		r.s.offset =
			end->directory_offset + (end->directory_len - r.c.left);
		if (r.c.left == 0) {
			complain(&r.s, UW_WHY_ENTRY_COUNT, i, end->count,
				 "the directory has fewer entries "
				 "than are stated");
			return false;
		}
		if (!read_entry(&r, &entries[i]))
			return false;
	}
	r.s.offset = end->directory_offset + (end->directory_len - r.c.left);
	check_rest(&r, end->count);
	*names_len_ret = r.names_len;
	return r.placed;
}

/* ------------------------------------------------------------------- order */

static bool comes_before(const struct uw_entry *entries, u32 a, u32 b)
{
	u64 at_a = entries[a].header_offset;
	u64 at_b = entries[b].header_offset;

	return at_a < at_b || (at_a == at_b && a < b);
}

/* Move @order[root] down to its place in the heap of the first @count. */
static void sift_down(const struct uw_entry *entries, u32 *order, u32 root,
		      u32 count)
{
	u32 moved = order[root];
	u64 child;

	while ((child = 2 * (u64)root + 1) < count) {
		if (child + 1 < count &&
		    comes_before(entries, order[child], order[child + 1]))
			child++;
		if (!comes_before(entries, moved, order[child]))
			break;
		order[root] = order[child];
		root = (u32)child;
	}
	order[root] = moved;
}

/* Heap sort: in place, and no input makes it slow. */
static void sort_order(const struct uw_entry *entries, u32 count, u32 *order)
{
	u32 i, last;

	for (i = count / 2; i-- > 0;)
		sift_down(entries, order, i, count);
	for (i = count; i-- > 1;) {
		last = order[i];
		order[i] = order[0];
		order[0] = last;
		sift_down(entries, order, 0, i);
	}
}

void uw_zip_order(const struct uw_entry *entries, u32 count, u32 *order)
{
	bool sorted = true;
	u32 i;

	for (i = 0; i < count; i++) {
		order[i] = i;
		if (i > 0 && !comes_before(entries, i - 1, i))
			sorted = false;
	}
	if (!sorted)
		sort_order(entries, count, order);
}

/* ------------------------------------------------------------------ tiling */

/*
 * A zip bomb of overlapping members, a member that only one kind of reader
 * sees, an archive behind a program or within a tar file: each of them leaves
 * a byte uncovered, or covers one twice.
 */
bool uw_zip_tile_header(struct uw_zip_tiling *t, const struct uw_entry *entry,
			u32 index, struct uw_problems *problems)
{
	struct subject s = {problems, "local header", entry->header_offset,
			    (int32_t)index};
	u64 at = entry->header_offset;

	if (at > t->end || t->end - at < UW_ZIP_LOCAL_LEN) {
		complain(&s, UW_WHY_LOCAL_TRUNCATED, at, t->end,
			 "there is no room for a local header "
			 "before the directory");
		t->lost = true;
		return false;
	}
	if (at < t->next) {
		complain(&s, UW_WHY_OVERLAP, at, t->next,
			 "the member begins within another one");
		return false;
	}
	if (at > t->next && !t->lost)
		complain(&s, t->next == 0 ? UW_WHY_PREFIX : UW_WHY_GAP, at,
			 t->next, "bytes before the member belong to nothing")
			->offset = t->next;
	t->lost = false;
	t->next = at + UW_ZIP_LOCAL_LEN;
	return true;
}

bool uw_zip_tile_data(struct uw_zip_tiling *t, const struct uw_entry *entry,
		      u32 index, struct uw_problems *problems)
{
	struct subject s = {problems, "data", entry->data_offset,
			    (int32_t)index};
	u64 room = t->end - entry->data_offset;

	t->next = entry->data_offset;
	if (entry->packed_size > room) {
		complain(&s, UW_WHY_OVERLAP, entry->packed_size, room,
			 "the member's data runs into the directory");
		t->lost = true;
		return false;
	}
	t->next += entry->packed_size;
	return true;
}

void uw_zip_tile_end(const struct uw_zip_tiling *t,
		     struct uw_problems *problems)
{
	struct subject s = {problems, "directory", t->next, -1};

	if (t->next != t->end && !t->lost)
		complain(&s, t->next == 0 ? UW_WHY_PREFIX : UW_WHY_GAP, t->end,
			 t->next,
			 "bytes before the directory belong to no member");
}

/* ----------------------------------------------------------- local headers */

/* With a descriptor, what was not known yet is zero. */
static bool is_stated(const struct uw_entry *entry, u64 found, u64 expected)
{
	return found == expected ||
	       (found == 0 && entry->facts & UW_ENTRY_DESCRIPTOR);
}

static void check_local_sizes(const struct subject *s, const struct header *h,
			      const struct uw_entry *entry)
{
	if (!is_stated(entry, h->packed_size, entry->packed_size))
		complain(s, UW_WHY_LOCAL_SIZES, h->packed_size,
			 entry->packed_size,
			 "the packed size in the local header "
			 "differs from the directory's");
	else if (entry->method == METHOD_STORED &&
		 h->packed_size != entry->packed_size)
		/* Who reads from the front could not know where it ends. */
		complain(s, UW_WHY_DESCRIPTOR_STORED, h->packed_size,
			 entry->packed_size,
			 "the member is stored, and its local header "
			 "does not say how long it is");
	if (!is_stated(entry, h->size, entry->size))
		complain(s, UW_WHY_LOCAL_SIZES, h->size, entry->size,
			 "the size in the local header "
			 "differs from the directory's");
}

static void check_local(const struct subject *s, const struct header *h,
			const struct uw_entry *entry, const u8 *found_name,
			const char *name)
{
	check_version(s, h->version);
	if (h->name_len != entry->name_len ||
	    memcmp(found_name, name, h->name_len) != 0)
		complain(s, UW_WHY_LOCAL_NAME, h->name_len, entry->name_len,
			 "the name in the local header "
			 "differs from the directory's");
	if (h->method != entry->method)
		complain(s, UW_WHY_LOCAL_METHOD, h->method, entry->method,
			 "the method in the local header "
			 "differs from the directory's");
	if (h->flags != entry->flags)
		complain(s, UW_WHY_LOCAL_FLAGS, h->flags, entry->flags,
			 "the flags in the local header "
			 "differ from the directory's");
	if (!is_stated(entry, h->crc32, entry->crc32))
		complain(s, UW_WHY_LOCAL_CRC, h->crc32, entry->crc32,
			 "the CRC-32 in the local header "
			 "differs from the directory's");
}

size_t uw_zip_local(const u8 *bytes, size_t len, u64 room,
		    struct uw_entry *entry, const char *name, u32 index,
		    struct uw_problems *problems)
{
	struct subject s = {problems, "local header", entry->header_offset,
			    (int32_t)index};
	struct cursor c = {bytes, len};
	const u8 *found_name;
	struct header h;
	size_t needed;
	u32 signature;

	if (len < UW_ZIP_LOCAL_LEN)
		return UW_ZIP_LOCAL_LEN;
	signature = take_le32(&c);
	if (signature != SIGNATURE_LOCAL) {
		complain(&s, UW_WHY_LOCAL_SIGNATURE, signature, SIGNATURE_LOCAL,
			 "there is no local header where the entry says");
		return 0;
	}
	take_header(&c, &h);
	h.is_local = true;
	needed = (size_t)UW_ZIP_LOCAL_LEN + h.name_len + h.extra_len;
	if (needed > room) {
		complain(&s, UW_WHY_LOCAL_TRUNCATED, needed, room,
			 "the local header runs into the directory");
		return 0;
	}
	if (needed > len)
		return needed;

	found_name = take(&c, h.name_len);
	check_local(&s, &h, entry, found_name, name);
	if (check_extras(&s, take_part(&c, h.extra_len),
			 s.offset + UW_ZIP_LOCAL_LEN + h.name_len, found_name,
			 &h))
		check_local_sizes(&s, &h, entry);
	if (h.is_zip64)
		entry->facts |= UW_ENTRY_LOCAL_ZIP64;
	entry->data_offset = entry->header_offset + needed;
	return needed;
}

/* ------------------------------------------------------------- descriptors */

/* The rest of a descriptor, after its signature. */
static bool describes(struct cursor c, const struct uw_entry *entry)
{
	bool wide = (entry->facts & UW_ENTRY_LOCAL_ZIP64) != 0;
	u64 packed_size, size;

	if (!has(&c, wide ? 20 : 12) || take_le32(&c) != entry->crc32)
		return false;
	packed_size = wide ? take_le64(&c) : take_le32(&c);
	size = wide ? take_le64(&c) : take_le32(&c);
	return packed_size == entry->packed_size && size == entry->size;
}

/*
 * APPNOTE 4.3.9: sizes are 64-bit if the local header has a ZIP64 extra field,
 * for that is all that a reader from the front can know.  The signature is
 * optional there; without it a reader cannot tell which CRC-32 equals one, so
 * it is an option here.
 */
size_t uw_zip_descriptor(const u8 *bytes, size_t len, u64 offset,
			 const struct uw_entry *entry, u32 index,
			 const struct uw_limits *limits,
			 struct uw_problems *problems)
{
	struct subject s = {problems, "data descriptor", offset,
			    (int32_t)index};
	struct cursor c = {bytes, len};
	size_t body = entry->facts & UW_ENTRY_LOCAL_ZIP64 ? 20 : 12;
	bool without = describes(c, entry);
	bool with = false;

	if (has(&c, 4))
		with = take_le32(&c) == SIGNATURE_DESCRIPTOR;
	if (with && describes(c, entry))
		return 4 + body;
	if (without && limits->allow & UW_ALLOW_UNSIGNED_DESCRIPTORS)
		return body;
	if (without) {
		complain(&s, UW_WHY_DESCRIPTOR_UNSIGNED, 0, 0,
			 "the data descriptor has no signature");
		return body;
	}
	complain(&s, UW_WHY_DESCRIPTOR, 0, 0,
		 with ? "the data descriptor differs from the directory"
		      : "there is no data descriptor after the data");
	return with && has(&c, body) ? 4 + body : 0;
}
