/*
 * zip_directory.c - the central directory (APPNOTE 4.3.12)
 */
#include "zip_parts.h"

/*
 * A directory has no content.  Of nothing, DEFLATE makes two bytes, which some
 * writers put there (PySocks' wheel has them); uw_zip_nothing() sees that it is
 * those.  A descriptor behind them would be found in two ways.
 */

static bool is_empty(const struct header *h)
{
	return h->size == 0 && h->crc32 == 0 &&
	       (h->packed_size == 0 || (h->method == METHOD_DEFLATED &&
					(h->flags & FLAG_DESCRIPTOR) == 0 &&
					h->packed_size == UW_ZIP_NOTHING_LEN));
}

/* What needs the fields that a ZIP64 extra field may give. */
static void check_wide_fields(const struct subject *s, const struct header *h,
			      const u8 *name)
{
	bool directory = h->name_len > 0 && name[h->name_len - 1] == '/';

	uw_zip_check_disk(s, h->disk, 0);
	if (h->method == METHOD_STORED && h->packed_size != h->size)
		uw_zip_complain(
			s, UW_WHY_STORED_SIZE, h->packed_size, h->size,
			"the member is stored, but its two sizes differ");
	if (directory && !is_empty(h))
		uw_zip_complain(s, UW_WHY_DIRECTORY_HAS_DATA, h->size, 0,
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
	uw_zip_complain(&r->s, UW_WHY_DIRECTORY_TRUNCATED, r->c.left, 0,
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

	uw_zip_check_version(s, h->version);
	uw_zip_check_flags(s, h->flags, r->limits);
	if (comment_len != 0)
		uw_zip_complain(s, UW_WHY_ENTRY_COMMENT, comment_len, 0,
				"the directory entry has a comment");
	uw_zip_check_method(s, h->method);
	uw_zip_check_name(s, name, h->name_len, r->limits);
	if (uw_zip_check_extras(s, extra,
				s->offset + UW_ZIP_ENTRY_LEN + h->name_len,
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
		uw_zip_complain(
			&r->s, UW_WHY_DIRECTORY_SIGNATURE, signature,
			SIGNATURE_ENTRY,
			"there is no directory entry where one should be");
		return false;
	}
	entry->made_by = take_le16(&r->c);
	uw_zip_take_header(&r->c, &h);
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
		uw_zip_complain(
			&r->s, UW_WHY_ENTRY_COUNT, count + 1, count,
			"the directory has more entries than are stated");
	else
		uw_zip_complain(&r->s, UW_WHY_DIRECTORY_EXCESS, c->left, 0,
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
			uw_zip_complain(&r.s, UW_WHY_ENTRY_COUNT, i, end->count,
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
