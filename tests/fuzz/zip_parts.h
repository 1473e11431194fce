/*
 * zip_parts.h - an archive taken apart, for mutate_zip.c
 *
 * The parts point into a copy of the input, or into an arena that each mutation
 * begins anew; nothing is allocated.
 */
#ifndef UW_ZIP_PARTS_H
#define UW_ZIP_PARTS_H

#include "fuzz.h"

/* Files and fields (APPNOTE 4.3), and how much of them is looked at. */
#define MEMBERS_MAX	  24
#define MEMBER_PLAIN_MAX  ((size_t)1 << 16)
#define INPUT_MAX	  ((size_t)1 << 18)
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

/* Where an archive is put together. */
struct output {
	u8 *bytes;
	size_t len, most;
	bool full;
};

static inline void put_le(u8 *at, u64 value, u32 width)
{
	u32 k;

	for (k = 0; k < width; k++)
		at[k] = (u8)(value >> 8 * k);
}

static inline u64 get_le(const u8 *at, u32 width)
{
	u64 value = 0;
	u32 k;

	for (k = width; k-- > 0;)
		value = value << 8 | at[k];
	return value;
}

/* Every part that there was is gone. */
void arena_begin(void);

/* A part of its own, with room to grow; without bytes if there is no room. */
struct part part_copy(const u8 *bytes, size_t len);
void part_append(struct part *part, const u8 *bytes, size_t len);

/* Leave it to libFuzzer. */
void part_mutate(struct part *part);

/* The extra field @tag, header and all, or nothing. */
struct part extra_find(const struct part *extra, u32 tag);

/* A field that both headers have. */
u8 *member_field(struct member *member, enum header header, u32 field);
void member_put(struct member *member, u32 field, u64 value, u32 width);

/* A size or an offset, which may be in the ZIP64 extra field. */
u64 member_get_wide(struct member *member, enum header header, u8 *field);

/* The length of what the member inflates to, in member_plain, or false. */
bool member_unpack(struct member *member, size_t *len_ret);

/* The first @len bytes of member_plain, deflated in some way. */
struct part member_pack(struct choices *choices, size_t len);

/* What is said of the content becomes true, as far as it has a content. */
void member_refresh(struct member *member);

extern u8 member_plain[MEMBER_PLAIN_MAX];

/* False: there is nothing here that looks like an archive. */
bool model_take_apart(u8 *data, size_t len, struct model *model);
void model_put_together(struct output *out, struct model *model);

#endif
