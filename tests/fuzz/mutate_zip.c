/*
 * mutate_zip.c - mutations of archives, for libFuzzer
 *
 * A flipped byte makes most archives fail the first check that there is.  Here
 * an archive is taken apart, one or more of its parts are changed, and it is
 * put together again with the offsets and lengths that it has now; sizes,
 * checks and descriptors follow the content in most cases.  Then, in some of
 * them, one field of one record lies.  Now and then bytes are just bytes.
 */
#include "zip_parts.h"

#include <zlib.h>

struct mutation {
	struct choices choices;
	struct model *model;
};

static struct model models[2];

static u8 inputs[2][INPUT_MAX];

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
	u64 value = get_le(member_field(member, CENTRAL, fields[k].at),
			   fields[k].width);

	member_put(member, fields[k].at, some_value(&m->choices, value),
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
		part_append(&name, (const u8 *)"/", 1);
	else
		part_mutate(&name);
	member->name[CENTRAL] = name;
	member->name[LOCAL] = name;
}

static void mutate_extra(struct mutation *m)
{
	struct member *member = some_member(m);
	enum header header = choose(&m->choices, 2);

	part_mutate(&member->extra[header]);
	if (once_in(&m->choices, 2))
		member->extra[!header] = part_copy(member->extra[header].bytes,
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
	part_append(&member->extra[LOCAL], field, 4 + len);
	part_append(&member->extra[CENTRAL], field, 4 + len);
}

/* So many that looking for two of a kind takes another way. */
static void add_extras(struct mutation *m)
{
	struct member *member = some_member(m);
	u32 first = choose(&m->choices, 1u << 16), left = 60;
	u8 fields[4 * 60] = {0};

	for (; left > 0; left--)
		put_le(fields + 4 * (left - 1), first + 7 * left, 2);
	part_append(&member->extra[LOCAL], fields, sizeof(fields));
	part_append(&member->extra[CENTRAL], fields, sizeof(fields));
}

static void mutate_packed(struct mutation *m)
{
	struct member *member = some_member(m);

	part_mutate(&member->data);
	member->stale = true;
}

/* Other content, or the same in other blocks, or not deflated at all. */
static void repack(struct mutation *m)
{
	struct member *member = some_member(m);
	size_t len;

	if (!member_unpack(member, &len))
		return;
	if (once_in(&m->choices, 2))
		len = LLVMFuzzerMutate(member_plain, len, MEMBER_PLAIN_MAX);
	if (once_in(&m->choices, 4))
		len = choose(&m->choices, MEMBER_PLAIN_MAX);
	if (once_in(&m->choices, 3)) {
		member->data = part_copy(member_plain, len);
		member_put(member, METHOD, 0, 2);
	} else {
		member->data = member_pack(&m->choices, len);
		member_put(member, METHOD, 8, 2);
	}
	member->stale = true;
}

/* Two members that seem to have one content, and have or have not. */
static void repeat(struct mutation *m)
{
	struct member *from = some_member(m), *to = some_member(m);

	to->data = from->data;
	member_put(to, METHOD, get_le(member_field(from, CENTRAL, METHOD), 2),
		   2);
	member_refresh(to);
	if (once_in(&m->choices, 3))
		part_mutate(&to->data);
}

static void toggle_descriptor(struct mutation *m)
{
	static const u8 unsigned_descriptor[12];
	struct member *member = some_member(m);
	u64 flags = get_le(member_field(member, CENTRAL, FLAGS), 2) ^
		    FLAG_DESCRIPTOR;

	member_put(member, FLAGS, flags, 2);
	member->after = part_copy(NULL, 0);
	/* Where there is one without a signature, describe() makes another. */
	if (flags & FLAG_DESCRIPTOR && once_in(&m->choices, 2))
		part_append(&member->after, unsigned_descriptor,
			    sizeof(unsigned_descriptor));
	member->stale = true;
}

static void remove_zip64(struct member *member, enum header header,
			 struct part field)
{
	struct part *extra = &member->extra[header];
	u64 packed = member_get_wide(member, header,
				     member_field(member, header, PACKED));
	u64 size = member_get_wide(member, header,
				   member_field(member, header, SIZE));
	struct part rest = part_copy(extra->bytes, extra->len);
	size_t at = (size_t)(field.bytes - extra->bytes);

	if (rest.len != extra->len)
		return;
	memmove(rest.bytes + at, rest.bytes + at + field.len,
		rest.len - at - field.len);
	rest.len -= field.len;
	*extra = rest;
	put_le(member_field(member, header, PACKED), packed, 4);
	put_le(member_field(member, header, SIZE), size, 4);
	if (header == CENTRAL)
		put_le(member->fixed[CENTRAL] + OFFSET, 0, 4);
}

static void add_zip64(struct member *member, enum header header)
{
	u8 field[4 + 24] = {ZIP64_TAG};
	size_t len = header == LOCAL ? 16 : 24;

	put_le(field + 2, len, 2);
	put_le(field + 4, get_le(member_field(member, header, SIZE), 4), 8);
	put_le(field + 12, get_le(member_field(member, header, PACKED), 4), 8);
	part_append(&member->extra[header], field, 4 + len);
	if (extra_find(&member->extra[header], ZIP64_TAG).len == 0)
		return;
	put_le(member_field(member, header, SIZE), ALL_32, 4);
	put_le(member_field(member, header, PACKED), ALL_32, 4);
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
			extra_find(&member->extra[header], ZIP64_TAG);

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
	model->record = part_copy(record, RECORD_LEN);
	model->locator = part_copy(locator, LOCATOR_LEN);
	if (model->record.len == 0 || model->locator.len == 0)
		model->record.len = model->locator.len = 0;
	else if (once_in(&m->choices, 2))
		memset(model->end.bytes + 8, 0xff, 12);
}

static void mutate_gap(struct mutation *m)
{
	struct part *gaps[] = {&m->model->before, &some_member(m)->after,
			       &m->model->comment, &some_member(m)->comment};

	part_mutate(gaps[choose(&m->choices, ARRAY_LEN(gaps))]);
}

static void close_gaps(struct mutation *m)
{
	struct model *model = m->model;
	u32 k;

	model->before.len = 0;
	model->comment.len = 0;
	for (k = 0; k < model->count; k++) {
		model->members[k].comment.len = 0;
		if (!(get_le(member_field(&model->members[k], CENTRAL, FLAGS),
			     2) &
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
	member->name[LOCAL] = part_copy(name + choose(&m->choices, 3), 2);
	part_append(&member->name[LOCAL], name + 2, 3);
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
		member->extra[header] = part_copy(member->extra[header].bytes,
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
	u64 flags = get_le(member_field(member, CENTRAL, FLAGS), 2) & 0x080e;
	u64 method = get_le(member_field(member, CENTRAL, METHOD), 2);
	u8 *offset = member->fixed[CENTRAL] + OFFSET;

	put_le(member_field(member, CENTRAL, 4), 20, 2);
	put_le(member_field(member, CENTRAL, FLAGS), flags, 2);
	put_le(member_field(member, CENTRAL, METHOD), method == 0 ? 0 : 8, 2);
	put_le(member->fixed[CENTRAL] + DISK, 0, 2);
	put_le(offset, 0, 4);
	member_put(member, SIZE, 0, 4); /* all ones would call for ZIP64 */
	member_put(member, PACKED, 0, 4);
	put_le(member->fixed[LOCAL], SIGNATURE_LOCAL, 4);
	memcpy(member->fixed[LOCAL] + 4,
	       member->fixed[CENTRAL] + 4 + CENTRAL_SHIFT, LOCAL_LEN - 4);
	member->extra[LOCAL] = part_copy(NULL, 0);
	member->extra[CENTRAL] = part_copy(NULL, 0);
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
	mutate_field,  mutate_attributes,
	mutate_name,   mutate_extra,
	add_extra,     add_extras,
	mutate_packed, mutate_packed,
	repack,	       repack,
	repeat,	       toggle_descriptor,
	toggle_zip64,  toggle_end,
	mutate_gap,    close_gaps,
	add_member,    remove_member,
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
	return model_take_apart(inputs[which], len, &models[which]) &&
	       models[which].count > 0;
}

static size_t finish(struct mutation *m, u8 *bytes, size_t most)
{
	struct output out = {.bytes = bytes, .most = most};
	u32 k;

	for (k = 0; k < m->model->count; k++)
		if (m->model->members[k].stale && !once_in(&m->choices, 8))
			member_refresh(&m->model->members[k]);
	model_put_together(&out, m->model);
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

	arena_begin();
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

	arena_begin();
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
