/*
 * zip_front.c - local headers and data descriptors, for who reads from the
 * front
 *
 * APPNOTE 4.3.7 and 4.3.9.  There is no directory to compare with: a header is
 * believed, if it can mean one thing only, and a descriptor has to say what was
 * found before it.
 */
#include "zip_parts.h"

bool uw_zip_front_seen(const u8 *bytes, size_t len)
{
	return len >= 4 && load_le32(bytes) == SIGNATURE_LOCAL;
}

bool uw_zip_front_states(const struct uw_local *local, u64 stated)
{
	return stated != 0 || (local->flags & FLAG_DESCRIPTOR) == 0;
}

static u32 facts_of(const struct header *h)
{
	u32 facts = 0;

	if (h->flags & FLAG_DESCRIPTOR)
		facts |= UW_ENTRY_DESCRIPTOR;
	if (h->is_zip64)
		facts |= UW_ENTRY_LOCAL_ZIP64;
	if (h->has_mtime)
		facts |= UW_ENTRY_MTIME;
	if (h->has_link_field)
		facts |= UW_ENTRY_LINK_FIELD;
	return facts;
}

static void fill_local(struct uw_local *local, const struct header *h)
{
	local->stated_size = h->size;
	local->stated_packed_size = h->packed_size;
	local->stated_crc32 = h->crc32;
	local->method = h->method;
	local->flags = h->flags;
	local->dos_time = h->dos_time;
	local->dos_date = h->dos_date;
	local->facts = facts_of(h);
	local->mtime = h->mtime;
}

/* What needs the sizes that a ZIP64 extra field may give. */
static void check_sizes(const struct subject *s, const struct uw_local *local,
			u64 room)
{
	u64 size = local->stated_size, packed_size = local->stated_packed_size;

	if (packed_size > room)
		uw_zip_complain(s, UW_WHY_LOCAL_SIZES, room, packed_size,
				"the file ends before the data does");
	/* Others, who do not believe the size, look for the descriptor. */
	if (local->method == METHOD_STORED && packed_size != 0 &&
	    local->flags & FLAG_DESCRIPTOR)
		uw_zip_complain(s, UW_WHY_DESCRIPTOR_STORED, packed_size, 0,
				"the member is stored, "
				"and a data descriptor follows it");
	if (local->method == METHOD_STORED && size != packed_size &&
	    uw_zip_front_states(local, size) &&
	    uw_zip_front_states(local, packed_size))
		uw_zip_complain(
			s, UW_WHY_STORED_SIZE, packed_size, size,
			"the member is stored, but its two sizes differ");
}

size_t uw_zip_front(const u8 *bytes, size_t len, u64 room, u32 index,
		    const struct uw_limits *limits, struct uw_local *local,
		    struct uw_problems *problems)
{
	struct subject s = {problems, "local header", local->offset,
			    (int32_t)index};
	struct cursor c = {bytes, len};
	const u8 *name;
	struct header h;
	size_t needed = UW_ZIP_LOCAL_LEN;

	if (needed <= room && needed > len)
		return needed;
	if (needed <= room) {
		take(&c, 4);
		uw_zip_take_header(&c, &h);
		h.is_local = true;
		needed += (size_t)h.name_len + h.extra_len;
	}
	if (needed > room) {
		uw_zip_complain(&s, UW_WHY_LOCAL_TRUNCATED, room, needed,
				"the file ends within a local header");
		return 0;
	}
	if (needed > len)
		return needed;

	name = take(&c, h.name_len);
	local->name = (const char *)name;
	local->name_len = h.name_len;
	uw_zip_check_version(&s, h.version);
	uw_zip_check_flags(&s, h.flags, limits);
	uw_zip_check_method(&s, h.method);
	uw_zip_check_name(&s, name, h.name_len, limits);
	if (!uw_zip_check_extras(&s, take_part(&c, h.extra_len),
				 s.offset + UW_ZIP_LOCAL_LEN + h.name_len, name,
				 &h))
		return 0;
	fill_local(local, &h);
	local->data_offset = local->offset + needed;
	check_sizes(&s, local, room - needed);
	return needed;
}

/* ------------------------------------------------------------- descriptors */

/* The four forms of a descriptor, as bits. */
enum form { FORM_SIGNED = 1, FORM_WIDE = 2, FORM_COUNT = 4 };

static size_t form_len(u32 form)
{
	return (size_t)(form & FORM_SIGNED ? 4 : 0) +
	       (form & FORM_WIDE ? 20 : 12);
}

/* Whether what is there, in this form, says what was found. */
static bool describes(struct cursor c, u32 form, const struct uw_local *local)
{
	bool wide = (form & FORM_WIDE) != 0;
	u64 packed_size, size;

	if (!has(&c, form_len(form)))
		return false;
	if (form & FORM_SIGNED && take_le32(&c) != SIGNATURE_DESCRIPTOR)
		return false;
	if (take_le32(&c) != local->crc32)
		return false;
	packed_size = wide ? take_le64(&c) : take_le32(&c);
	size = wide ? take_le64(&c) : take_le32(&c);
	return packed_size == local->packed_size && size == local->size;
}

static size_t complain_none(const struct subject *s, struct cursor c,
			    const struct uw_local *local)
{
	bool with = has(&c, 4) && take_le32(&c) == SIGNATURE_DESCRIPTOR;

	if (local->method == METHOD_STORED && local->stated_packed_size == 0)
		uw_zip_complain(s, UW_WHY_DESCRIPTOR_STORED, 0, 0,
				"the member is stored, "
				"and a data descriptor follows it");
	else
		uw_zip_complain(
			s, UW_WHY_DESCRIPTOR, 0, 0, "%s",
			with ? "the data descriptor differs from the data"
			     : "there is no data descriptor after the data");
	return 0;
}

/*
 * A reader of a pipe has inflated the data by now, and knows its CRC-32 and its
 * sizes; what it cannot know is the form of the descriptor, which nothing
 * states.  APPNOTE 4.3.9.2 has 64-bit sizes where the local header has a ZIP64
 * field.  Readers that do not go by that try which form fits; so one of the
 * four has to, and it is that of the standard.
 *
 * A wide descriptor of nothing (size and CRC-32 zero) begins with the bytes of
 * a narrow one.  Where the header has ZIP64 that fools nobody: what is left is
 * zeros, not a header.  But after a narrow one such zeros are refused, for who
 * tries the wide form first would take them for its end, and read on behind.
 */
size_t uw_zip_front_descriptor(const u8 *bytes, size_t len, u64 offset,
			       const struct uw_local *local, u32 index,
			       const struct uw_limits *limits,
			       struct uw_problems *problems)
{
	struct subject s = {problems, "data descriptor", offset,
			    (int32_t)index};
	struct cursor c = {bytes, len};
	u32 width = local->facts & UW_ENTRY_LOCAL_ZIP64 ? FORM_WIDE : 0;
	u32 form, found = 0, count = 0;

	for (form = width; form < FORM_COUNT; form++) {
		if (describes(c, form, local)) {
			found = form;
			count++;
		}
	}
	if (count == 0)
		return complain_none(&s, c, local);
	if (count > 1 || (found & FORM_WIDE) != width) {
		uw_zip_complain(&s, UW_WHY_DESCRIPTOR, 0, 0, "%s",
				count > 1 ? "the data descriptor can be read "
					    "in two ways"
					  : "the data descriptor has 64-bit "
					    "sizes without ZIP64");
		return 0;
	}
	if ((found & FORM_SIGNED) == 0)
		uw_zip_check_unsigned(&s, local->method, limits);
	return form_len(found);
}
