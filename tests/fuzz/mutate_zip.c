/*
 * mutate_zip.c - mutations of archives, for libFuzzer
 *
 * A flipped byte makes most archives fail the first check that there is.  Here
 * an archive is taken apart, one or more of its parts are changed, and it is
 * put together again with the offsets and lengths that it has now; sizes,
 * checks and descriptors follow the content in most cases.  Then, in some of
 * them, one field of one record lies.  Now and then bytes are just bytes.
 *
 * The parts point into the input, or into the arena, which each mutation begins
 * anew; nothing is allocated.
 */
#include "fuzz.h"

#include <zlib.h>

#define MEMBERS_MAX	  24
#define ARENA_LEN	  ((size_t)1 << 20)
#define PLAIN_MAX	  ((size_t)1 << 16)
#define INPUT_MAX	  ((size_t)1 << 17)
#define GROW		  256 /* the most that a part becomes longer at once */

#define LOCAL_LEN	  30
#define CENTRAL_LEN	  46
#define RECORD_LEN	  56
#define LOCATOR_LEN	  20
#define END_LEN		  22

#define SIGNATURE_LOCAL	  0x04034b50
#define SIGNATURE_CENTRAL 0x02014b50
#define SIGNATURE_RECORD  0x06064b50
#define SIGNATURE_LOCATOR 0x07064b50
#define SIGNATURE_END	  0x06054b50
#define SIGNATURE_DESCRIPTOR 0x08074b50

#define ALL_32		     0xffffffffu
#define FLAG_DESCRIPTOR	     8
#define ZIP64_TAG	     1

enum header { LOCAL, CENTRAL };

/* Offsets of fields that both headers have; in an entry they come later. */
enum field {
	FLAGS = 6,
	METHOD = 8,
	CRC = 14,
	PACKED = 18,
	SIZE = 22,
	NAME_LEN = 26,
	EXTRA_LEN = 28
};
#define CENTRAL_SHIFT 2
#define COMMENT_LEN   32 /* of an entry alone */
#define DISK	      34
#define EXTERNAL      38
#define OFFSET	      42

struct part {
	u8 *bytes;
	size_t len;
};

struct member {
	u8 fixed[2][CENTRAL_LEN];
	struct part name[2], extra[2], comment;
	struct part data;  /* as packed */
	struct part after; /* a descriptor; or what belongs to nobody */
	bool written;	   /* there is a local header */
	bool stale;	   /* its sizes and CRC-32 are of other content */
	/* in the input, then in the output */
	size_t offset, entry_offset;
};

struct model {
	struct member members[MEMBERS_MAX];
	u32 count;
	u32 places[MEMBERS_MAX]; /* members in the order of the file */
	struct part before;	 /* the first of them */
	struct part record, locator, end, comment;
	/* of these three in the output */
	size_t record_offset, locator_offset, end_offset;
};

struct mutation {
	struct choices choices;
	struct model *model;
};

static struct model models[2];

static u8 arena[ARENA_LEN];
static size_t arena_len;
static u8 inputs[2][INPUT_MAX];
static u8 plain[PLAIN_MAX];

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
static struct part copy_of(const u8 *bytes, size_t len)
{
	struct part part = {room_for(len + GROW), len};

	if (part.bytes == NULL)
		return (struct part){room_for(0), 0};
	if (len > 0)
		memcpy(part.bytes, bytes, len);
	return part;
}

static void mutate_part(struct part *part)
{
	struct part changed = copy_of(part->bytes, part->len);

	if (changed.len == part->len)
		changed.len = LLVMFuzzerMutate(changed.bytes, changed.len,
					       part->len + GROW);
	*part = changed;
}

static void append(struct part *part, const u8 *bytes, size_t len)
{
	struct part longer = copy_of(part->bytes, part->len);

	if (len > GROW || longer.len != part->len)
		return;
	memcpy(longer.bytes + longer.len, bytes, len);
	longer.len += len;
	*part = longer;
}

static void put_le(u8 *at, u64 value, u32 width)
{
	u32 k;

	for (k = 0; k < width; k++)
		at[k] = (u8)(value >> 8 * k);
}

static u64 get_le(const u8 *at, u32 width)
{
	u64 value = 0;
	u32 k;

	for (k = width; k-- > 0;)
		value = value << 8 | at[k];
	return value;
}

static u8 *field_at(struct member *member, enum header header, u32 field)
{
	return member->fixed[header] + field +
	       (header == CENTRAL ? CENTRAL_SHIFT : 0);
}

static void put_both(struct member *member, u32 field, u64 value, u32 width)
{
	put_le(field_at(member, LOCAL, field), value, width);
	put_le(field_at(member, CENTRAL, field), value, width);
}

/* -------------------------------------------------------------------- ZIP64 */

/* The extra field @tag, header and all, or nothing. */
static struct part find_extra(const struct part *extra, u32 tag)
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
	struct part extra = find_extra(&member->extra[header], ZIP64_TAG);
	u8 *fields[] = {field_at(member, header, SIZE),
			field_at(member, header, PACKED),
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

static u64 get_wide(struct member *member, enum header header, u8 *field)
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
	return split_off(left, get_le(field_at(member, header, NAME_LEN), 2),
			 &member->name[header]) &&
	       split_off(left, get_le(field_at(member, header, EXTRA_LEN), 2),
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
	packed = get_wide(member, CENTRAL, field_at(member, CENTRAL, PACKED));
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
		offset = get_wide(member, CENTRAL,
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
static bool take_apart(u8 *data, size_t len, struct model *model)
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

struct output {
	u8 *bytes;
	size_t len, most;
	bool full;
};

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
	put_le(field_at(member, header, NAME_LEN), member->name[header].len, 2);
	put_le(field_at(member, header, EXTRA_LEN), member->extra[header].len,
	       2);
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

static void put_together(struct output *out, struct model *model)
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

/* The length of what @data inflates to, in @plain, or false. */
static bool unpack(struct member *member, size_t *len_ret)
{
	z_stream z = {.next_in = member->data.bytes,
		      .avail_in = (uInt)member->data.len,
		      .next_out = plain,
		      .avail_out = PLAIN_MAX};
	int got;

	*len_ret = member->data.len;
	if (get_le(field_at(member, CENTRAL, METHOD), 2) == 0) {
		if (member->data.len > PLAIN_MAX)
			return false;
		if (member->data.len > 0)
			memcpy(plain, member->data.bytes, member->data.len);
		return true;
	}
	require(inflateInit2(&z, -15) == Z_OK);
	got = inflate(&z, Z_FINISH);
	*len_ret = z.total_out;
	inflateEnd(&z);
	return got == Z_STREAM_END;
}

static struct part pack(struct choices *choices, size_t plain_len)
{
	z_stream z = {.next_in = plain, .avail_in = (uInt)plain_len};
	size_t most = plain_len + plain_len / 8 + 1024;
	struct part packed = {room_for(most + GROW), 0};

	if (packed.bytes == NULL)
		return copy_of(NULL, 0);
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
	bool later = (get_le(field_at(member, LOCAL, FLAGS), 2) &
		      FLAG_DESCRIPTOR) != 0 &&
		     get_le(field_at(member, LOCAL, METHOD), 2) != 0;
	u32 header;

	for (header = LOCAL; header <= CENTRAL; header++) {
		bool zero = header == LOCAL && later;

		put_le(field_at(member, header, CRC), zero ? 0 : crc, 4);
		put_wide(member, header, field_at(member, header, PACKED),
			 zero ? 0 : packed);
		put_wide(member, header, field_at(member, header, SIZE),
			 zero ? 0 : size);
	}
}

static void describe(struct member *member, u64 packed, u64 size, u32 crc)
{
	bool wide = find_extra(&member->extra[LOCAL], ZIP64_TAG).len != 0;
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
		copy_of(bytes, (size_t)(at - bytes) + 4 + 2 * (size_t)width);
}

/* What is said of the content becomes true, as far as it has a content. */
static void refresh(struct member *member)
{
	u64 packed = member->data.len;
	u64 size = get_wide(member, CENTRAL, field_at(member, CENTRAL, SIZE));
	u32 crc = (u32)get_le(field_at(member, CENTRAL, CRC), 4);
	size_t len;

	member->stale = false;
	if (!member->written)
		return;
	if (unpack(member, &len)) {
		size = len;
		crc = (u32)crc32(0, plain, (uInt)len);
	}
	put_sizes(member, packed, size, crc);
	if (get_le(field_at(member, CENTRAL, FLAGS), 2) & FLAG_DESCRIPTOR)
		describe(member, packed, size, crc);
}

/* ---------------------------------------------------------------- mutations */

static struct member *some_member(struct mutation *m)
{
	return &m->model->members[choose(&m->choices, m->model->count)];
}

static u64 some_value(struct choices *choices, u64 value)
{
	static const u64 odd[] = {0,	  1,	      2,	  8,
				  20,	  45,	      0x7f,	  0xff,
				  0x800,  0x7fff,     0x8000,	  0xffff,
				  0x7fff, 0x7fffffff, 0x80000000, 0xfffffffe,
				  ALL_32, 1ull << 32, 1ull << 63, ~0ull};

	switch (choose(choices, 4)) {
	case 0:
		return odd[choose(choices, ARRAY_LEN(odd))];
	case 1:
		return value ^ 1ull << choose(choices, 64);
	case 2:
		return value + choose(choices, 17) - 8;
	default:
		return (u64)choose(choices, 1u << 31) << 32 | choices->state;
	}
}

static void mutate_field(struct mutation *m)
{
	static const struct {
		u32 at, width;
	} fields[] = {{4, 2},	   {FLAGS, 2}, {METHOD, 2}, {10, 2},
		      {12, 2},	   {CRC, 4},   {PACKED, 4}, {SIZE, 4},
		      {METHOD, 2}, {FLAGS, 2}};
	u32 k = choose(&m->choices, ARRAY_LEN(fields));
	struct member *member = some_member(m);
	u64 value = get_le(field_at(member, CENTRAL, fields[k].at),
			   fields[k].width);

	put_both(member, fields[k].at, some_value(&m->choices, value),
		 fields[k].width);
}

static void mutate_attributes(struct mutation *m)
{
	static const u32 modes[] = {0100644, 0100755, 0120777, 040755,
				    0060644, 0104755, 0,       0010644};
	struct member *member = some_member(m);

	put_le(member->fixed[CENTRAL] + EXTERNAL + 2,
	       modes[choose(&m->choices, ARRAY_LEN(modes))], 2);
	if (once_in(&m->choices, 3))
		member->fixed[CENTRAL][5] = (u8)choose(&m->choices, 21);
}

static void mutate_name(struct mutation *m)
{
	struct member *member = some_member(m);
	struct part name = member->name[CENTRAL];

	if (once_in(&m->choices, 3))
		name = some_member(m)->name[CENTRAL];
	else if (once_in(&m->choices, 3))
		append(&name, (const u8 *)"/", 1);
	else
		mutate_part(&name);
	member->name[CENTRAL] = name;
	member->name[LOCAL] = name;
}

static void mutate_extra(struct mutation *m)
{
	struct member *member = some_member(m);
	enum header header = choose(&m->choices, 2);

	mutate_part(&member->extra[header]);
	if (once_in(&m->choices, 2))
		member->extra[!header] = copy_of(member->extra[header].bytes,
						 member->extra[header].len);
}

/* A field that is known somewhere; that of the name is even true. */
static void add_extra(struct mutation *m)
{
	static const u16 tags[] = {0x5455, 0x7075, 0x000d, 0x756e, 0x5855,
				   0x7875, 0x0001, 0x000a, 0x9901, 0xcafe};
	struct member *member = some_member(m);
	u32 tag = tags[choose(&m->choices, ARRAY_LEN(tags))];
	const struct part *name = &member->name[CENTRAL];
	u8 field[4 + 5 + 64] = {0};
	size_t len = choose(&m->choices, 25);

	put_le(field, tag, 2);
	if (tag == 0x7075 && name->len <= 64) {
		len = 5 + name->len;
		field[4] = 1;
		put_le(field + 5, crc32(0, name->bytes, (uInt)name->len), 4);
		if (name->len > 0)
			memcpy(field + 9, name->bytes, name->len);
	}
	put_le(field + 2, len, 2);
	append(&member->extra[LOCAL], field, 4 + len);
	append(&member->extra[CENTRAL], field, 4 + len);
}

static void mutate_packed(struct mutation *m)
{
	struct member *member = some_member(m);

	mutate_part(&member->data);
	member->stale = true;
}

/* Other content, or the same in other blocks, or not deflated at all. */
static void repack(struct mutation *m)
{
	struct member *member = some_member(m);
	size_t len;

	if (!unpack(member, &len))
		return;
	if (once_in(&m->choices, 2))
		len = LLVMFuzzerMutate(plain, len, PLAIN_MAX);
	if (once_in(&m->choices, 4))
		len = choose(&m->choices, PLAIN_MAX);
	if (once_in(&m->choices, 3)) {
		member->data = copy_of(plain, len);
		put_both(member, METHOD, 0, 2);
	} else {
		member->data = pack(&m->choices, len);
		put_both(member, METHOD, 8, 2);
	}
	member->stale = true;
}

/* Two members that seem to have one content, and have or have not. */
static void repeat(struct mutation *m)
{
	struct member *from = some_member(m), *to = some_member(m);

	to->data = from->data;
	put_both(to, METHOD, get_le(field_at(from, CENTRAL, METHOD), 2), 2);
	refresh(to);
	if (once_in(&m->choices, 3))
		mutate_part(&to->data);
}

static void toggle_descriptor(struct mutation *m)
{
	static const u8 unsigned_descriptor[12];
	struct member *member = some_member(m);
	u64 flags =
		get_le(field_at(member, CENTRAL, FLAGS), 2) ^ FLAG_DESCRIPTOR;

	put_both(member, FLAGS, flags, 2);
	member->after = copy_of(NULL, 0);
	/* Where there is one without a signature, describe() makes another. */
	if (flags & FLAG_DESCRIPTOR && once_in(&m->choices, 2))
		append(&member->after, unsigned_descriptor,
		       sizeof(unsigned_descriptor));
	member->stale = true;
}

static void remove_zip64(struct member *member, enum header header,
			 struct part field)
{
	struct part *extra = &member->extra[header];
	u64 packed = get_wide(member, header, field_at(member, header, PACKED));
	u64 size = get_wide(member, header, field_at(member, header, SIZE));
	struct part rest = copy_of(extra->bytes, extra->len);
	size_t at = (size_t)(field.bytes - extra->bytes);

	if (rest.len != extra->len)
		return;
	memmove(rest.bytes + at, rest.bytes + at + field.len,
		rest.len - at - field.len);
	rest.len -= field.len;
	*extra = rest;
	put_le(field_at(member, header, PACKED), packed, 4);
	put_le(field_at(member, header, SIZE), size, 4);
	if (header == CENTRAL)
		put_le(member->fixed[CENTRAL] + OFFSET, 0, 4);
}

static void add_zip64(struct member *member, enum header header)
{
	u8 field[4 + 24] = {ZIP64_TAG};
	size_t len = header == LOCAL ? 16 : 24;

	put_le(field + 2, len, 2);
	put_le(field + 4, get_le(field_at(member, header, SIZE), 4), 8);
	put_le(field + 12, get_le(field_at(member, header, PACKED), 4), 8);
	append(&member->extra[header], field, 4 + len);
	if (find_extra(&member->extra[header], ZIP64_TAG).len == 0)
		return;
	put_le(field_at(member, header, SIZE), ALL_32, 4);
	put_le(field_at(member, header, PACKED), ALL_32, 4);
	if (header == CENTRAL)
		put_le(member->fixed[CENTRAL] + OFFSET, ALL_32, 4);
}

static void toggle_zip64(struct mutation *m)
{
	struct member *member = some_member(m);
	u32 only = choose(&m->choices, 3);
	u32 header;

	for (header = LOCAL; header <= CENTRAL; header++) {
		struct part field =
			find_extra(&member->extra[header], ZIP64_TAG);

		if (header == only)
			continue;
		if (field.len != 0)
			remove_zip64(member, header, field);
		else
			add_zip64(member, header);
	}
	member->stale = true;
}

static void toggle_end(struct mutation *m)
{
	struct model *model = m->model;
	u8 record[RECORD_LEN] = {0}, locator[LOCATOR_LEN] = {0};

	if (model->record.len != 0) {
		model->record.len = 0;
		model->locator.len = 0;
		return;
	}
	put_le(record, SIGNATURE_RECORD, 4);
	put_le(record + 4, RECORD_LEN - 12, 8);
	put_le(record + 12, 3 << 8 | 45, 2);
	put_le(record + 14, 45, 2);
	put_le(locator, SIGNATURE_LOCATOR, 4);
	put_le(locator + 16, 1, 4);
	model->record = copy_of(record, RECORD_LEN);
	model->locator = copy_of(locator, LOCATOR_LEN);
	if (model->record.len == 0 || model->locator.len == 0)
		model->record.len = model->locator.len = 0;
	else if (once_in(&m->choices, 2))
		memset(model->end.bytes + 8, 0xff, 12);
}

static void mutate_gap(struct mutation *m)
{
	struct part *gaps[] = {&m->model->before, &some_member(m)->after,
			       &m->model->comment, &some_member(m)->comment};

	mutate_part(gaps[choose(&m->choices, ARRAY_LEN(gaps))]);
}

static void close_gaps(struct mutation *m)
{
	struct model *model = m->model;
	u32 k;

	model->before.len = 0;
	model->comment.len = 0;
	for (k = 0; k < model->count; k++) {
		model->members[k].comment.len = 0;
		if (!(get_le(field_at(&model->members[k], CENTRAL, FLAGS), 2) &
		      FLAG_DESCRIPTOR))
			model->members[k].after.len = 0;
	}
}

/* A name that no other member has, most likely. */
static void rename_member(struct mutation *m, struct member *member)
{
	u8 name[6] = "d/abc/";
	u32 k;

	for (k = 2; k < 5; k++)
		name[k] = (u8)('a' + choose(&m->choices, 26));
	member->name[LOCAL] = copy_of(name + choose(&m->choices, 3), 2);
	append(&member->name[LOCAL], name + 2, 3);
	member->name[CENTRAL] = member->name[LOCAL];
}

static void add_member(struct mutation *m)
{
	struct model *model = m->model;
	struct member *member = &model->members[model->count];
	u32 header;

	if (model->count == MEMBERS_MAX)
		return;
	*member = *some_member(m);
	for (header = LOCAL; header <= CENTRAL; header++)
		member->extra[header] = copy_of(member->extra[header].bytes,
						member->extra[header].len);
	if (!once_in(&m->choices, 4)) /* else it is there twice */
		rename_member(m, member);
	model->places[model->count] = model->count;
	model->count++;
}

static void remove_member(struct mutation *m)
{
	struct model *model = m->model;
	u32 k, gone = choose(&m->choices, model->count), left = 0;

	for (k = 0; k < model->count; k++)
		if (model->places[k] != gone)
			model->places[left++] =
				model->places[k] -
				(model->places[k] > gone ? 1 : 0);
	model->count--;
	for (k = gone; k < model->count; k++)
		model->members[k] = model->members[k + 1];
}

static void swap_places(struct mutation *m)
{
	u32 a = choose(&m->choices, m->model->count);
	u32 b = choose(&m->choices, m->model->count);
	u32 place = m->model->places[a];

	m->model->places[a] = m->model->places[b];
	m->model->places[b] = place;
}

static bool is_sound_name(const struct part *name)
{
	return name->len > 0 && memchr(name->bytes, 0, name->len) == NULL &&
	       name->bytes[name->len - 1] != '/';
}

static void heal_member(struct mutation *m, struct member *member)
{
	u64 flags = get_le(field_at(member, CENTRAL, FLAGS), 2) & 0x080e;
	u64 method = get_le(field_at(member, CENTRAL, METHOD), 2);
	u8 *offset = member->fixed[CENTRAL] + OFFSET;

	put_le(field_at(member, CENTRAL, 4), 20, 2);
	put_le(field_at(member, CENTRAL, FLAGS), flags, 2);
	put_le(field_at(member, CENTRAL, METHOD), method == 0 ? 0 : 8, 2);
	put_le(member->fixed[CENTRAL] + DISK, 0, 2);
	put_le(offset, 0, 4);
	put_both(member, SIZE, 0, 4); /* all ones would call for ZIP64 */
	put_both(member, PACKED, 0, 4);
	put_le(member->fixed[LOCAL], SIGNATURE_LOCAL, 4);
	memcpy(member->fixed[LOCAL] + 4,
	       member->fixed[CENTRAL] + 4 + CENTRAL_SHIFT, LOCAL_LEN - 4);
	member->extra[LOCAL] = copy_of(NULL, 0);
	member->extra[CENTRAL] = copy_of(NULL, 0);
	if (is_sound_name(&member->name[CENTRAL]))
		member->name[LOCAL] = member->name[CENTRAL];
	else
		rename_member(m, member);
	member->after.len = 0; /* a descriptor is made anew, with a signature */
	member->written = true;
	member->stale = true;
}

/* What many mutations have broken is made whole, for others to follow. */
static void heal(struct mutation *m)
{
	struct model *model = m->model;
	u32 k;

	for (k = 0; k < model->count; k++)
		heal_member(m, &model->members[k]);
	close_gaps(m);
	model->record.len = 0;
	model->locator.len = 0;
	put_le(model->end.bytes + 4, 0, 4);
}

static void (*const mutations[])(struct mutation *) = {
	mutate_field,
	mutate_attributes,
	mutate_name,
	mutate_extra,
	add_extra,
	mutate_packed,
	mutate_packed,
	repack,
	repack,
	repeat,
	toggle_descriptor,
	toggle_zip64,
	toggle_end,
	mutate_gap,
	close_gaps,
	add_member,
	remove_member,
	swap_places,
};

/* --------------------------------------------------------------------- lies */

struct place {
	u8 at, width;
};

static const struct place local_places[] = {{0, 4},  {4, 2},  {6, 2},  {8, 2},
					    {10, 2}, {12, 2}, {14, 4}, {18, 4},
					    {22, 4}, {26, 2}, {28, 2}};
static const struct place central_places[] = {
	{0, 4},	 {4, 2},  {6, 2},  {8, 2},  {10, 2}, {16, 4}, {20, 4},
	{24, 4}, {28, 2}, {30, 2}, {32, 2}, {34, 2}, {38, 4}, {42, 4}};
static const struct place end_places[] = {{0, 4},  {4, 2},  {6, 2},  {8, 2},
					  {10, 2}, {12, 4}, {16, 4}, {20, 2}};
static const struct place record_places[] = {{0, 4},  {4, 8},  {12, 2}, {14, 2},
					     {16, 4}, {20, 4}, {24, 8}, {32, 8},
					     {40, 8}, {48, 8}};
static const struct place locator_places[] = {{0, 4}, {4, 4}, {8, 8}, {16, 4}};

#define LIE_IN(out, choices, offset, places)                                   \
	lie_in(out, choices, offset,                                           \
	       &(places)[choose(choices, ARRAY_LEN(places))])

static void lie_in(struct output *out, struct choices *choices, size_t offset,
		   const struct place *place)
{
	u8 *at = out->bytes + offset + place->at;

	if (out->len < offset + place->at + place->width)
		return;
	put_le(at, some_value(choices, get_le(at, place->width)), place->width);
}

/* One field of one record says something else, and nothing follows it. */
static void lie(struct mutation *m, struct output *out)
{
	const struct member *member = some_member(m);
	struct choices *choices = &m->choices;

	switch (choose(choices, m->model->record.len != 0 ? 7 : 5)) {
	case 0:
	case 1:
		LIE_IN(out, choices, member->offset, local_places);
		break;
	case 2:
	case 3:
		LIE_IN(out, choices, member->entry_offset, central_places);
		break;
	case 4:
		LIE_IN(out, choices, m->model->end_offset, end_places);
		break;
	case 5:
		LIE_IN(out, choices, m->model->record_offset, record_places);
		break;
	default:
		LIE_IN(out, choices, m->model->locator_offset, locator_places);
		break;
	}
}

/* ---------------------------------------------------------------- libFuzzer */

/* The bytes themselves must not change while they are taken apart. */
static bool understand(u32 which, const u8 *data, size_t len)
{
	if (len > INPUT_MAX)
		return false;
	if (len > 0)
		memcpy(inputs[which], data, len);
	return take_apart(inputs[which], len, &models[which]) &&
	       models[which].count > 0;
}

static size_t finish(struct mutation *m, u8 *bytes, size_t most)
{
	struct output out = {.bytes = bytes, .most = most};
	u32 k;

	for (k = 0; k < m->model->count; k++)
		if (m->model->members[k].stale && !once_in(&m->choices, 8))
			refresh(&m->model->members[k]);
	put_together(&out, m->model);
	if (out.full)
		return 0;
	if (once_in(&m->choices, 5))
		lie(m, &out);
	return out.len;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t most,
			       unsigned int seed)
{
	struct mutation m = {.choices = {seed}, .model = &models[0]};
	size_t changed;
	u32 left;

	arena_len = 0;
	choose(&m.choices, 2); /* the first is much like the seed */
	if (once_in(&m.choices, 16) || !understand(0, data, len))
		return LLVMFuzzerMutate(data, len, most);
	if (once_in(&m.choices, 4))
		heal(&m);
	for (left = choose(&m.choices, 4); left > 0 && m.model->count > 0;
	     left--)
		mutations[choose(&m.choices, ARRAY_LEN(mutations))](&m);
	if (m.model->count == 0)
		return LLVMFuzzerMutate(data, len, most);
	if (once_in(&m.choices, 4))
		heal(&m);
	changed = finish(&m, data, most);
	return changed != 0 ? changed : len;
}

/* Some members of both, under the end of the first. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_len,
				 const uint8_t *b, size_t b_len, uint8_t *out,
				 size_t most, unsigned int seed)
{
	struct mutation m = {.choices = {seed}, .model = &models[0]};
	u32 k;

	arena_len = 0;
	choose(&m.choices, 2);
	if (!understand(0, a, a_len) || !understand(1, b, b_len))
		return 0;
	for (k = 0; k < models[1].count; k++) {
		u32 at = m.model->count;

		if (at == MEMBERS_MAX || once_in(&m.choices, 2))
			continue;
		m.model->members[at] = models[1].members[k];
		m.model->places[at] = at;
		m.model->count++;
	}
	return finish(&m, out, most);
}
