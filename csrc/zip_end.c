/*
 * zip_end.c - where an archive ends, and where its directory is
 *
 * The end record, APPNOTE 4.3.16, and the record and locator of ZIP64, 4.3.14
 * and 4.3.15.  Pure, as all of zip_parts.h.
 */
#include "zip_parts.h"

enum {
	LOCATOR_LEN = 20,
	END_LEN = 22,
	/* The size that a ZIP64 record states leaves out its first fields. */
	ZIP64_STATED_LEN = UW_ZIP_ZIP64_LEN - 12
};

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
		uw_zip_complain(s, UW_WHY_NO_END_RECORD, 0, 0,
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
		uw_zip_complain(
			s, UW_WHY_END_TRUNCATED, left, needed,
			"the file ends within the end record or its comment");
	else
		uw_zip_complain(s, UW_WHY_TRAILING_DATA, left, needed,
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
		uw_zip_complain(
			s, UW_WHY_COMMENT_BYTES, byte, 0,
			"the comment has a byte that occurs in signatures")
			->offset += END_LEN + (len - comment.left - 1);
		return;
	}
}

/*
 * The counts, the length and the offset of a true end record can hold the
 * signature of another one, whose other fields are then bytes of the comment.
 * Who takes the last signature (zipfile, unzip) reads the archive by those.
 * Without a comment there is no room for a record there.
 */
static void check_fields(const struct subject *s, const u8 *record,
			 size_t comment_len)
{
	size_t at;

	if (comment_len == 0)
		return;
	for (at = 1; at <= END_LEN - 4; at++) {
		if (load_le32(record + at) != SIGNATURE_END)
			continue;
		uw_zip_complain(s, UW_WHY_COMMENT_BYTES, at, 0,
				"the end record has the signature of another "
				"one, and a comment for its fields")
			->offset += at;
		return;
	}
}

static bool check_end(const struct subject *s, const struct uw_limits *limits,
		      const struct uw_zip_end *end)
{
	u64 room = end->end_offset;
	u64 len = end->directory_len;
	u64 most = limits->directory_len;
	u32 before = s->problems->count;

	if (len > room || end->directory_offset != room - len)
		uw_zip_complain(
			s, UW_WHY_DIRECTORY_PLACE, end->directory_offset,
			len > room ? 0 : room - len,
			"the directory does not end where the %s begins",
			s->place);
	if (end->count > len / UW_ZIP_ENTRY_LEN)
		uw_zip_complain(
			s, UW_WHY_ENTRY_COUNT, len / UW_ZIP_ENTRY_LEN,
			end->count,
			"more entries are stated than the directory can hold");
	if (end->count > limits->entries)
		uw_zip_complain(s, UW_WHY_TOO_MANY_ENTRIES, end->count,
				limits->entries, "too many entries");
	/* An offset of a name has 32 bits; so may a size_t, of a byte more. */
	if (most > UINT32_MAX - 1)
		most = UINT32_MAX - 1;
	if (len > most)
		uw_zip_complain(s, UW_WHY_DIRECTORY_TOO_LARGE, len, most,
				"the directory is too large");
	return s->problems->count == before;
}

static bool check_end_counts(const struct subject *s, u64 here, u64 count)
{
	if (here == count)
		return true;
	uw_zip_complain(s, UW_WHY_END_COUNTS, here, count,
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
	sole = uw_zip_check_disk(s, take_le32(&locator), 0);
	end->zip64_offset = take_le64(&locator);
	sole = uw_zip_check_disk(s, take_le32(&locator), 1) && sole;
	if (end->locator_offset < UW_ZIP_ZIP64_LEN ||
	    end->zip64_offset > end->locator_offset - UW_ZIP_ZIP64_LEN) {
		uw_zip_complain(
			s, UW_WHY_ZIP64_LOCATOR, end->zip64_offset, 0,
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
		uw_zip_complain(
			s, UW_WHY_ZIP64_MISSING, 0, 0,
			"the end record refers to ZIP64, which is missing");
		return false;
	}
	if (disk != ALL_ONES_16)
		sole = uw_zip_check_disk(s, disk, 0);
	if (directory_disk != ALL_ONES_16)
		sole = uw_zip_check_disk(s, directory_disk, 0) && sole;
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
	check_fields(&s, tail + at, tail_len - at - END_LEN);
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
	uw_zip_check_version(s, take_le16(&record));
	if (!uw_zip_check_disk(s, take_le32(&record), 0) ||
	    !uw_zip_check_disk(s, take_le32(&record), 0))
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
		uw_zip_complain(s, UW_WHY_ZIP64_RECORD, 0, 0,
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
		uw_zip_complain(
			&s, UW_WHY_ZIP64_LOCATOR, load_le32(record),
			SIGNATURE_ZIP64,
			"there is no ZIP64 record where the locator says");
		return false;
	}
	stated_len = take_le64(&c);
	if (stated_len != ZIP64_STATED_LEN) {
		uw_zip_complain(
			&s, UW_WHY_ZIP64_EXTENSIBLE, stated_len,
			ZIP64_STATED_LEN,
			"the ZIP64 record has an extensible data sector");
		return false;
	}
	end_offset = end->zip64_offset + UW_ZIP_ZIP64_LEN;
	if (end_offset != end->locator_offset) {
		uw_zip_complain(
			&s, UW_WHY_ZIP64_LOCATOR, end_offset,
			end->locator_offset,
			"bytes lie between the ZIP64 record and its locator");
		return false;
	}
	end->end_offset = end->zip64_offset;
	return read_zip64_fields(&s, c, end) && check_end(&s, limits, end);
}
