/*
 * zip_local.c - local headers and data descriptors, against the directory
 *
 * APPNOTE 4.3.7 and 4.3.9.
 */
#include "zip_parts.h"

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
		uw_zip_complain(s, UW_WHY_LOCAL_SIZES, h->packed_size,
				entry->packed_size,
				"the packed size in the local header "
				"differs from the directory's");
	else if (entry->method == METHOD_STORED && entry->packed_size > 0 &&
		 entry->facts & UW_ENTRY_DESCRIPTOR)
		/*
		 * Who reads from the front could not know where it ends; or
		 * takes for the end what looks like a descriptor in the data,
		 * though the local header says how long that is.
		 */
		uw_zip_complain(s, UW_WHY_DESCRIPTOR_STORED, h->packed_size,
				entry->packed_size,
				"the member is stored, "
				"and a data descriptor follows it");
	if (!is_stated(entry, h->size, entry->size))
		uw_zip_complain(s, UW_WHY_LOCAL_SIZES, h->size, entry->size,
				"the size in the local header "
				"differs from the directory's");
}

static void check_local(const struct subject *s, const struct header *h,
			const struct uw_entry *entry, const u8 *found_name,
			const char *name)
{
	uw_zip_check_version(s, h->version);
	if (h->name_len != entry->name_len ||
	    memcmp(found_name, name, h->name_len) != 0)
		uw_zip_complain(s, UW_WHY_LOCAL_NAME, h->name_len,
				entry->name_len,
				"the name in the local header "
				"differs from the directory's");
	if (h->method != entry->method)
		uw_zip_complain(s, UW_WHY_LOCAL_METHOD, h->method,
				entry->method,
				"the method in the local header "
				"differs from the directory's");
	if (h->flags != entry->flags)
		uw_zip_complain(s, UW_WHY_LOCAL_FLAGS, h->flags, entry->flags,
				"the flags in the local header "
				"differ from the directory's");
	if (!is_stated(entry, h->crc32, entry->crc32))
		uw_zip_complain(s, UW_WHY_LOCAL_CRC, h->crc32, entry->crc32,
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
		uw_zip_complain(
			&s, UW_WHY_LOCAL_SIGNATURE, signature, SIGNATURE_LOCAL,
			"there is no local header where the entry says");
		return 0;
	}
	uw_zip_take_header(&c, &h);
	h.is_local = true;
	needed = (size_t)UW_ZIP_LOCAL_LEN + h.name_len + h.extra_len;
	if (needed > room) {
		uw_zip_complain(&s, UW_WHY_LOCAL_TRUNCATED, needed, room,
				"the local header runs into the directory");
		return 0;
	}
	if (needed > len)
		return needed;

	found_name = take(&c, h.name_len);
	check_local(&s, &h, entry, found_name, name);
	if (uw_zip_check_extras(&s, take_part(&c, h.extra_len),
				s.offset + UW_ZIP_LOCAL_LEN + h.name_len,
				found_name, &h))
		check_local_sizes(&s, &h, entry);
	if (h.is_zip64)
		entry->facts |= UW_ENTRY_LOCAL_ZIP64;
	entry->data_offset = entry->header_offset + needed;
	return needed;
}

/* ------------------------------------------------------ data of directories */

/* RFC 1951, 3.2.6: the last block, of fixed codes, that ends at once. */
static const u8 deflated_nothing[UW_ZIP_NOTHING_LEN] = {3, 0};

void uw_zip_nothing(const u8 *bytes, const struct uw_entry *entry, u32 index,
		    struct uw_problems *problems)
{
	struct subject s = {problems, "data", entry->data_offset,
			    (int32_t)index};

	if (memcmp(bytes, deflated_nothing, sizeof(deflated_nothing)) != 0)
		uw_zip_complain(&s, UW_WHY_DIRECTORY_HAS_DATA, 0, 0,
				"the member is a directory, "
				"and its data is no empty stream");
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
	if (without) {
		uw_zip_check_unsigned(&s, entry->method, limits);
		return body;
	}
	uw_zip_complain(&s, UW_WHY_DESCRIPTOR, 0, 0,
			with ? "the data descriptor differs from the directory"
			     : "there is no data descriptor after the data");
	return with && has(&c, body) ? 4 + body : 0;
}
