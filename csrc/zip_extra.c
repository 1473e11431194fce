/*
 * zip_extra.c - the extra fields of an entry or a local header
 *
 * APPNOTE 4.5 and 4.6.  What changes the meaning of a header has to be there
 * once, whole, and just as the header asks for it; the rest is passed over.
 */
#include "zip_parts.h"

enum tag {
	TAG_ZIP64 = 0x0001,
	TAG_UNIX = 0x000d, /* APPNOTE 4.5.7 */
	TAG_TIMESTAMP = 0x5455,
	TAG_UNICODE_PATH = 0x7075,
	TAG_ASI_UNIX = 0x756e,
	TAG_XL = 0x6c78 /* libarchive's, "zip:experimental" */
};

/* What these two have before the name that a link leads to. */
#define UNIX_FIXED_LEN	   12
#define ASI_UNIX_FIXED_LEN 14

/* The extra fields that mean something to us. */
struct extras {
	struct cursor zip64;
	struct cursor unicode_path;
	struct cursor timestamp;
	bool has_zip64;
	bool has_unicode_path;
	bool has_timestamp;
	bool has_link;
	bool has_attributes;
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
		x->has_timestamp = true;
	} else if ((tag == TAG_UNIX && data.left > UNIX_FIXED_LEN) ||
		   (tag == TAG_ASI_UNIX && data.left > ASI_UNIX_FIXED_LEN)) {
		x->has_link = true;
	} else if (tag == TAG_XL) {
		x->has_attributes = true;
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
		uw_zip_complain(s, UW_WHY_EXTRA_DUPLICATE, 0, 0,
				"the %s has two extra fields of one kind",
				s->place)
			->offset = offset;
		return false;
	}
	return true;

truncated:
	uw_zip_complain(s, UW_WHY_EXTRA_TRUNCATED, 0, 0,
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
		uw_zip_complain(s, UW_WHY_ZIP64_MISSING, 0, 0,
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
	uw_zip_complain(
		s, UW_WHY_ZIP64_EXTRA, x->zip64.left, x->zip64.left - c.left,
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
		uw_zip_complain(s, UW_WHY_UNICODE_PATH, 0, 0,
				"the Unicode path of the %s is malformed",
				s->place);
		return;
	}
	take(&c, 4);
	if (c.left != name_len || memcmp(c.next, name, name_len) != 0)
		uw_zip_complain(
			s, UW_WHY_UNICODE_PATH, c.left, name_len,
			"the Unicode path of the %s differs from the name",
			s->place);
}

/*
 * It repeats the attributes of the directory for who reads from the front.
 * libarchive believes the one in a local header, of which nobody else knows:
 * what is a file to all others is a link to it.
 */
static void check_attributes(const struct subject *s, const struct extras *x)
{
	if (x->has_attributes)
		uw_zip_complain(s, UW_WHY_EXTRA_ATTRIBUTES, 0, 0,
				"an extra field of the %s has attributes of "
				"its own",
				s->place);
}

/*
 * Info-ZIP's extended timestamp: flags, of which bit 0 says that the time of
 * modification comes next, in seconds since 1970.  One that is cut short is no
 * way to fool anybody about content, so it is as good as none; but one without
 * flags makes libarchive give up the whole archive.
 */
static void read_timestamp(const struct subject *s, const struct extras *x,
			   struct header *h)
{
	struct cursor c = x->timestamp;

	if (x->has_timestamp && c.left == 0)
		uw_zip_complain(s, UW_WHY_EXTRA_TRUNCATED, 0, 1,
				"the extended timestamp of the %s is empty",
				s->place);
	if (!has(&c, 5) || (*take(&c, 1) & 1) == 0)
		return;
	h->mtime = (int32_t)take_le32(&c);
	h->has_mtime = true;
}

bool uw_zip_check_extras(const struct subject *s, struct cursor extra,
			 u64 offset, const u8 *name, struct header *h)
{
	struct extras x;

	if (!read_extras(s, extra, offset, &x))
		return false;
	check_unicode_path(s, &x, name, h->name_len);
	check_attributes(s, &x);
	read_timestamp(s, &x, h);
	h->has_link_field = x.has_link;
	return resolve_zip64(s, &x, h);
}
