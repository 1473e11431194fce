/*
 * zip_header.c - what an entry of the directory and a local header have alike
 *
 * APPNOTE 4.4: the fixed fields that both have, and which of them are taken.
 */
#include "zip_parts.h"

/* APPNOTE 6.3; later versions are about encryption and patching. */
#define VERSION_MAX	63

#define FLAGS_ENCRYPTED (FLAG_ENCRYPTED | FLAG_STRONG | FLAG_MASKED)
#define FLAGS_TAKEN	(FLAG_LEVEL | FLAG_DESCRIPTOR | FLAG_UTF8)

void uw_zip_take_header(struct cursor *c, struct header *h)
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

void uw_zip_check_version(const struct subject *s, u16 version)
{
	if (version > VERSION_MAX)
		uw_zip_complain(s, UW_WHY_VERSION_NEEDED, version, VERSION_MAX,
				"the %s needs version %u.%u of the ZIP format",
				s->place, version / 10u, version % 10u);
}

void uw_zip_check_flags(const struct subject *s, u16 flags,
			const struct uw_limits *limits)
{
	if (flags & FLAGS_ENCRYPTED)
		uw_zip_complain(s, UW_WHY_ENCRYPTED, flags, 0,
				"the member is encrypted");
	else if (flags & ~FLAGS_TAKEN)
		uw_zip_complain(s, UW_WHY_ENTRY_FLAGS, flags,
				flags & FLAGS_TAKEN,
				"flags 0x%04x are not supported",
				(unsigned)(flags & ~FLAGS_TAKEN));
	if (flags & FLAG_DESCRIPTOR && limits->allow & UW_REFUSE_DESCRIPTORS)
		uw_zip_complain(s, UW_WHY_DESCRIPTOR_REFUSED, flags,
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

void uw_zip_check_method(const struct subject *s, u16 method)
{
	if (method != METHOD_STORED && method != METHOD_DEFLATED)
		uw_zip_complain(s, UW_WHY_METHOD, method, METHOD_DEFLATED,
				"method %u (%s) is not supported", method,
				name_of_method(method));
}

/*
 * Of nothing stored, too: who looks for the signature does not find it there,
 * and what comes up to the next one is content to him.
 */
void uw_zip_check_unsigned(const struct subject *s, u16 method,
			   const struct uw_limits *limits)
{
	if ((limits->allow & UW_ALLOW_UNSIGNED_DESCRIPTORS) == 0)
		uw_zip_complain(s, UW_WHY_DESCRIPTOR_UNSIGNED, 0, 0,
				"the data descriptor has no signature");
	else if (method == METHOD_STORED)
		uw_zip_complain(s, UW_WHY_DESCRIPTOR_STORED, 0, 0,
				"the member is stored, and its data descriptor "
				"has no signature");
}

void uw_zip_check_name(const struct subject *s, const u8 *name, size_t len,
		       const struct uw_limits *limits)
{
	if (len == 0)
		uw_zip_complain(s, UW_WHY_NAME_EMPTY, 0, 1,
				"the name is empty");
	else if (memchr(name, 0, len) != NULL)
		uw_zip_complain(s, UW_WHY_NAME_NUL, 0, 0,
				"the name has a NUL in it");
	if (len > limits->name_len)
		uw_zip_complain(s, UW_WHY_NAME_TOO_LONG, len, limits->name_len,
				"the name is too long");
}
