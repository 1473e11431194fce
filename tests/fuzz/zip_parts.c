/*
 * zip_parts.c - an archive taken apart and put together again
 *
 * Putting together makes the lengths of names and fields, the offsets and the
 * end record true; all else stays as it was, lies included.
 */
#include "zip_parts.h"

#include <zlib.h>

#define ARENA_LEN ((size_t)1 << 20)

static u8 arena[ARENA_LEN];
static size_t arena_len;
u8 member_plain[MEMBER_PLAIN_MAX];

void arena_begin(void)
{
	arena_len = 0;
}

/* ----------------------------------------------------------- parts, numbers */

/* Room for @len bytes, or NULL. */
static u8 *room_for(size_t len)
{
	u8 *bytes = arena + arena_len;

	if (len > ARENA_LEN - arena_len)
		return NULL;
	arena_len += len;
	return bytes;
}

/* A part of its own, with room to grow; without bytes if there is no room. */
struct part part_copy(const u8 *bytes, size_t len)
{
	struct part part = {room_for(len + GROW), len};

	if (part.bytes == NULL)
		return (struct part){room_for(0), 0};
	if (len > 0)
		memcpy(part.bytes, bytes, len);
	return part;
}

void part_mutate(struct part *part)
{
	struct part changed = part_copy(part->bytes, part->len);

	if (changed.len == part->len)
		changed.len = LLVMFuzzerMutate(changed.bytes, changed.len,
					       part->len + GROW);
	*part = changed;
}

void part_append(struct part *part, const u8 *bytes, size_t len)
{
	struct part longer = part_copy(part->bytes, part->len);

	if (len > GROW || longer.len != part->len)
		return;
	memcpy(longer.bytes + longer.len, bytes, len);
	longer.len += len;
	*part = longer;
}

u8 *member_field(struct member *member, enum header header, u32 field)
{
	return member->fixed[header] + field +
	       (header == CENTRAL ? CENTRAL_SHIFT : 0);
}

void member_put(struct member *member, u32 field, u64 value, u32 width)
{
	put_le(member_field(member, LOCAL, field), value, width);
	put_le(member_field(member, CENTRAL, field), value, width);
}

/* -------------------------------------------------------------------- ZIP64 */

/* The extra field @tag, header and all, or nothing. */
struct part extra_find(const struct part *extra, u32 tag)
{
	size_t at = 0, len;

	while (extra->len - at >= 4) {
		len = 4 + get_le(extra->bytes + at + 2, 2);
		if (len > extra->len - at)
			break;
		if (get_le(extra->bytes + at, 2) == tag)
			return (struct part){extra->bytes + at, len};
		at += len;
	}
	return (struct part){NULL, 0};
}

/*
 * Where a size or offset is, and how wide: in the ZIP64 extra field after those
 * of the wide fields before it that are all ones too, or in its own place.
 */
static u8 *wide_at(struct member *member, enum header header, u8 *field,
		   u32 *width_ret)
{
	struct part extra = extra_find(&member->extra[header], ZIP64_TAG);
	u8 *fields[] = {member_field(member, header, SIZE),
			member_field(member, header, PACKED),
			member->fixed[CENTRAL] + OFFSET};
	size_t at = 4;
	u32 k;

	*width_ret = 4;
	if (get_le(field, 4) != ALL_32)
		return field;
	for (k = 0; fields[k] != field; k++)
		if (get_le(fields[k], 4) == ALL_32)
			at += 8;
	if (extra.len < at + 8)
		return field;
	*width_ret = 8;
	return extra.bytes + at;
}

u64 member_get_wide(struct member *member, enum header header, u8 *field)
{
	u32 width;
	const u8 *at = wide_at(member, header, field, &width);

	return get_le(at, width);
}

static void put_wide(struct member *member, enum header header, u8 *field,
		     u64 value)
{
	u32 width;
	u8 *at = wide_at(member, header, field, &width);

	put_le(at, value, width);
}

/* ------------------------------------------------------------- taking apart */

/* The last end record; its length to the end of the file in @comment. */
static bool find_end(u8 *data, size_t len, struct model *model)
{
	size_t at;

	if (len < END_LEN)
		return false;
	for (at = len - END_LEN + 1; at-- > 0;) {
		if (get_le(data + at, 4) != SIGNATURE_END)
			continue;
		model->end = (struct part){data + at, END_LEN};
		model->comment =
			(struct part){data + at + END_LEN, len - at - END_LEN};
		return true;
	}
	return false;
}

static void find_zip64(u8 *data, struct model *model)
{
	size_t end = (size_t)(model->end.bytes - data);
	u8 *locator, *record;

	if (end < RECORD_LEN + LOCATOR_LEN)
		return;
	locator = model->end.bytes - LOCATOR_LEN;
	record = locator - RECORD_LEN;
	if (get_le(locator, 4) != SIGNATURE_LOCATOR ||
	    get_le(record, 4) != SIGNATURE_RECORD)
		return;
	model->locator = (struct part){locator, LOCATOR_LEN};
	model->record = (struct part){record, RECORD_LEN};
}

/* The first @len bytes of what is left go to the part. */
static bool split_off(struct part *left, size_t len, struct part *part)
{
	if (len > left->len)
		return false;
	*part = (struct part){left->bytes, len};
	left->bytes += len;
	left->len -= len;
	return true;
}

/* Fixed fields, name and extra field of either header. */
static bool split_header(struct part *left, struct member *member,
			 enum header header)
{
	size_t len = header == LOCAL ? LOCAL_LEN : CENTRAL_LEN;
	u32 signature = header == LOCAL ? SIGNATURE_LOCAL : SIGNATURE_CENTRAL;
	struct part fixed;

	if (!split_off(left, len, &fixed) ||
	    get_le(fixed.bytes, 4) != signature)
		return false;
	memcpy(member->fixed[header], fixed.bytes, len);
	return split_off(left,
			 get_le(member_field(member, header, NAME_LEN), 2),
			 &member->name[header]) &&
	       split_off(left,
			 get_le(member_field(member, header, EXTRA_LEN), 2),
			 &member->extra[header]);
}

static void split_directory(struct part left, struct model *model)
{
	struct member *member = model->members;

	for (; model->count < MEMBERS_MAX; member++, model->count++)
		if (!split_header(&left, member, CENTRAL) ||
		    !split_off(&left,
			       get_le(member->fixed[CENTRAL] + COMMENT_LEN, 2),
			       &member->comment))
			break;
}

static void order_members(struct model *model)
{
	u32 k, at;

	for (k = 0; k < model->count; k++) {
		size_t offset = model->members[k].offset;

		for (at = k;
		     at > 0 &&
		     model->members[model->places[at - 1]].offset > offset;
		     at--)
			model->places[at] = model->places[at - 1];
		model->places[at] = k;
	}
}

/* What lies between this member and the next is its own. */
static void split_member(u8 *data, size_t end, struct member *member)
{
	struct part left = {data + member->offset, end - member->offset};
	u64 packed;

	member->written = split_header(&left, member, LOCAL);
	if (!member->written)
		return;
	packed = member_get_wide(member, CENTRAL,
				 member_field(member, CENTRAL, PACKED));
	if (packed > left.len)
		packed = left.len;
	split_off(&left, (size_t)packed, &member->data);
	member->after = left;
}

static void split_members(u8 *data, size_t directory, struct model *model)
{
	size_t end = directory;
	struct member *member;
	u32 k;

	for (k = 0; k < model->count; k++) {
		u64 offset;

		member = &model->members[k];
		offset = member_get_wide(member, CENTRAL,
					 member->fixed[CENTRAL] + OFFSET);
		member->offset =
			offset < directory ? (size_t)offset : directory;
	}
	order_members(model);
	for (k = model->count; k-- > 0;) {
		member = &model->members[model->places[k]];
		split_member(data, end, member);
		end = member->offset;
	}
	model->before = (struct part){data, end};
}

/* False: there is nothing here that looks like an archive. */
bool model_take_apart(u8 *data, size_t len, struct model *model)
{
	u64 directory;
	size_t end;

	memset(model, 0, sizeof(*model));
	if (!find_end(data, len, model))
		return false;
	find_zip64(data, model);
	directory = get_le(model->end.bytes + 16, 4);
	if (directory == ALL_32 && model->record.len != 0)
		directory = get_le(model->record.bytes + 48, 8);
	end = (size_t)(model->end.bytes - data) - model->locator.len -
	      model->record.len;
	if (directory > end)
		return false;
	split_directory(
		(struct part){data + directory, end - (size_t)directory},
		model);
	split_members(data, (size_t)directory, model);
	return true;
}

/* --------------------------------------------------------- putting together */

static void put(struct output *out, const u8 *bytes, size_t len)
{
	if (len > out->most - out->len) {
		out->full = true;
		return;
	}
	if (len > 0)
		memcpy(out->bytes + out->len, bytes, len);
	out->len += len;
}

static void put_part(struct output *out, const struct part *part)
{
	put(out, part->bytes, part->len);
}

static void put_header(struct output *out, struct member *member,
		       enum header header)
{
	put_le(member_field(member, header, NAME_LEN), member->name[header].len,
	       2);
	put_le(member_field(member, header, EXTRA_LEN),
	       member->extra[header].len, 2);
	put(out, member->fixed[header],
	    header == LOCAL ? LOCAL_LEN : CENTRAL_LEN);
	put_part(out, &member->name[header]);
	put_part(out, &member->extra[header]);
}

static void put_member(struct output *out, struct member *member)
{
	member->offset = out->len;
	if (member->written) {
		put_header(out, member, LOCAL);
		put_part(out, &member->data);
	}
	put_part(out, &member->after);
}

static void put_entry(struct output *out, struct member *member)
{
	member->entry_offset = out->len;
	put_wide(member, CENTRAL, member->fixed[CENTRAL] + OFFSET,
		 member->offset);
	put_le(member->fixed[CENTRAL] + COMMENT_LEN, member->comment.len, 2);
	put_header(out, member, CENTRAL);
	put_part(out, &member->comment);
}

/* A value of the end record, and the same in the ZIP64 record. */
static void put_end_field(struct model *model, size_t at, u32 width,
			  size_t wide_at, u64 value)
{
	u8 *narrow = model->end.bytes + at;
	u64 all_ones = width == 2 ? 0xffff : ALL_32;

	if (model->record.len != 0)
		put_le(model->record.bytes + wide_at, value, 8);
	if (model->record.len == 0 || get_le(narrow, width) != all_ones)
		put_le(narrow, value, width);
}

static void put_end(struct output *out, struct model *model, size_t directory)
{
	size_t len = out->len - directory;

	put_end_field(model, 8, 2, 24, model->count);
	put_end_field(model, 10, 2, 32, model->count);
	put_end_field(model, 12, 4, 40, len);
	put_end_field(model, 16, 4, 48, directory);
	put_le(model->end.bytes + 20, model->comment.len, 2);
	model->record_offset = out->len;
	put_part(out, &model->record);
	if (model->locator.len != 0)
		put_le(model->locator.bytes + 8, model->record_offset, 8);
	model->locator_offset = out->len;
	put_part(out, &model->locator);
	model->end_offset = out->len;
	put_part(out, &model->end);
	put_part(out, &model->comment);
}

void model_put_together(struct output *out, struct model *model)
{
	size_t directory;
	u32 k;

	put_part(out, &model->before);
	for (k = 0; k < model->count; k++)
		put_member(out, &model->members[model->places[k]]);
	directory = out->len;
	for (k = 0; k < model->count; k++)
		put_entry(out, &model->members[k]);
	put_end(out, model, directory);
}

/* ------------------------------------------------------------------ content */

/* The length of what @data inflates to, in @member_plain, or false. */
bool member_unpack(struct member *member, size_t *len_ret)
{
	z_stream z = {.next_in = member->data.bytes,
		      .avail_in = (uInt)member->data.len,
		      .next_out = member_plain,
		      .avail_out = MEMBER_PLAIN_MAX};
	int got;

	*len_ret = member->data.len;
	if (get_le(member_field(member, CENTRAL, METHOD), 2) == 0) {
		if (member->data.len > MEMBER_PLAIN_MAX)
			return false;
		if (member->data.len > 0)
			memcpy(member_plain, member->data.bytes,
			       member->data.len);
		return true;
	}
	require(inflateInit2(&z, -15) == Z_OK);
	got = inflate(&z, Z_FINISH);
	*len_ret = z.total_out;
	inflateEnd(&z);
	return got == Z_STREAM_END;
}

struct part member_pack(struct choices *choices, size_t plain_len)
{
	z_stream z = {.next_in = member_plain, .avail_in = (uInt)plain_len};
	size_t most = plain_len + plain_len / 8 + 1024;
	struct part packed = {room_for(most + GROW), 0};

	if (packed.bytes == NULL)
		return part_copy(NULL, 0);
	require(deflateInit2(&z, (int)choose(choices, 10), Z_DEFLATED, -15,
			     1 + (int)choose(choices, 9),
			     (int)choose(choices, 5)) == Z_OK);
	z.next_out = packed.bytes;
	z.avail_out = (uInt)most;
	if (deflate(&z, Z_FINISH) == Z_STREAM_END)
		packed.len = z.total_out;
	deflateEnd(&z);
	return packed;
}

/* Both headers say @size; the local one does not if a descriptor will. */
static void put_sizes(struct member *member, u64 packed, u64 size, u32 crc)
{
	bool later = (get_le(member_field(member, LOCAL, FLAGS), 2) &
		      FLAG_DESCRIPTOR) != 0 &&
		     get_le(member_field(member, LOCAL, METHOD), 2) != 0;
	u32 header;

	for (header = LOCAL; header <= CENTRAL; header++) {
		bool zero = header == LOCAL && later;

		put_le(member_field(member, header, CRC), zero ? 0 : crc, 4);
		put_wide(member, header, member_field(member, header, PACKED),
			 zero ? 0 : packed);
		put_wide(member, header, member_field(member, header, SIZE),
			 zero ? 0 : size);
	}
}

static void describe(struct member *member, u64 packed, u64 size, u32 crc)
{
	bool wide = extra_find(&member->extra[LOCAL], ZIP64_TAG).len != 0;
	bool bare = member->after.len >= 12 &&
		    get_le(member->after.bytes, 4) != SIGNATURE_DESCRIPTOR;
	u32 width = wide ? 8 : 4;
	u8 bytes[24];
	u8 *at = bytes;

	put_le(bytes, SIGNATURE_DESCRIPTOR, 4);
	if (!bare)
		at += 4;
	put_le(at, crc, 4);
	put_le(at + 4, packed, width);
	put_le(at + 4 + width, size, width);
	member->after =
		part_copy(bytes, (size_t)(at - bytes) + 4 + 2 * (size_t)width);
}

/* What is said of the content becomes true, as far as it has a content. */
void member_refresh(struct member *member)
{
	u64 packed = member->data.len;
	u64 size = member_get_wide(member, CENTRAL,
				   member_field(member, CENTRAL, SIZE));
	u32 crc = (u32)get_le(member_field(member, CENTRAL, CRC), 4);
	size_t len;

	member->stale = false;
	if (!member->written)
		return;
	if (member_unpack(member, &len)) {
		size = len;
		crc = (u32)crc32(0, member_plain, (uInt)len);
	}
	put_sizes(member, packed, size, crc);
	if (get_le(member_field(member, CENTRAL, FLAGS), 2) & FLAG_DESCRIPTOR)
		describe(member, packed, size, crc);
}
