/*
 * archive.c - opening an archive: fetch the bytes that the ZIP reader asks for
 *
 * Memory is allocated for what the file is long enough to hold, never for what
 * it says.  An ordinary archive takes one short read at its end, one of the
 * directory, one of its start, and one for each run of local headers that lie
 * close together.
 */
#include "archive.h"

#include <stdlib.h>

#include "zip.h"

/* Enough for an end record with ZIP64 and a short comment. */
#define TAIL_FIRST 1024

/*
 * Reading on to the next header is cheaper than another system call if it is
 * less than NEAR away; HEADER is what to read of a header whose length is not
 * known yet.  Chosen by trial on wheels of 50 to 12,000 members.
 */
#define NEAR	   8192
#define HEADER	   256
#define WINDOW_LEN (132 * 1024)
static_assert(WINDOW_LEN >= UW_ZIP_TAIL_MAX, "the tail must fit");
static_assert(WINDOW_LEN >= UW_ZIP_LOCAL_MAX, "a local header must fit");

/* What opening needs and the open archive does not. */
struct opening {
	struct uw_archive *archive;
	const struct uw_limits *limits;
	struct uw_problems *problems;
	struct uw_zip_end end;
	u32 *order; /* indices of entries, by offset */
	/* the bytes [offset, offset + len) of the file */
	u8 *window;
	u64 offset;
	size_t len;
};

static bool out_of_memory(const struct opening *o)
{
	uw_fail(uw_problem(o->problems), UW_ERR_MEMORY, UW_WHY_NONE, 0,
		"out of memory");
	return false;
}

static bool fetch(const struct opening *o, u64 offset, u8 *buf, size_t len)
{
	struct uw_error err;

	if (uw_source_read(&o->archive->source, offset, buf, len, &err) ==
	    UW_OK)
		return true;
	*uw_problem(o->problems) = err;
	return false;
}

/* --------------------------------------------------------------------- end */

static bool read_end(struct opening *o)
{
	u64 file_len = o->archive->source.len;
	size_t most = UW_ZIP_TAIL_MAX, len;

	if (most > file_len)
		most = (size_t)file_len;
	len = most < TAIL_FIRST ? most : TAIL_FIRST;
	if (!fetch(o, file_len - len, o->window, len))
		return false;
	if (len < most && !uw_zip_end_seen(o->window, len)) {
		len = most;
		if (!fetch(o, file_len - len, o->window, len))
			return false;
	}
	if (!uw_zip_end(o->window, len, file_len, o->limits, &o->end,
			o->problems))
		return false;
	if (!o->end.is_zip64)
		return true;
	if (!fetch(o, o->end.zip64_offset, o->window, UW_ZIP_ZIP64_LEN))
		return false;
	return uw_zip_zip64(o->window, o->limits, &o->end, o->problems);
}

/* --------------------------------------------------------------- directory */

/* What is allocated here is at most three times what was read just now. */
static bool parse_directory(struct opening *o, const u8 *directory)
{
	struct uw_archive *archive = o->archive;
	size_t len = (size_t)o->end.directory_len;
	char *fitting;
	bool placed;

	archive->count = (u32)o->end.count;
	archive->entries =
		calloc(archive->count + (size_t)1, sizeof(*archive->entries));
	archive->names = malloc(len + 1);
	if (archive->entries == NULL || archive->names == NULL)
		return out_of_memory(o);
	placed = uw_zip_directory(directory, &o->end, o->limits,
				  archive->entries, archive->names,
				  &archive->names_len, o->problems);
	if (!placed) /* every name read so far is still needed, to be told */
		return false;
	fitting = realloc(archive->names, archive->names_len + 1);
	if (fitting != NULL)
		archive->names = fitting;
	return true;
}

static bool read_directory(struct opening *o)
{
	size_t len = (size_t)o->end.directory_len;
	u8 *directory = malloc(len + 1);
	bool placed;

	if (directory == NULL)
		return out_of_memory(o);
	placed = fetch(o, o->end.directory_offset, directory, len) &&
		 parse_directory(o, directory);
	free(directory);
	return placed;
}

/* ----------------------------------------------------------- local headers */

/*
 * How much to read from @offset, @least or more: to the last of the headers
 * from the @next one in order on that lie close enough together.
 */
static size_t plan_window(const struct opening *o, u64 offset, size_t least,
			  u32 next)
{
	u64 most = o->end.directory_offset - offset;
	u64 len = least > HEADER ? least : HEADER;
	u64 at;

	if (most > WINDOW_LEN)
		most = WINDOW_LEN;
	for (; next < o->archive->count; next++) {
		at = o->archive->entries[o->order[next]].header_offset;
		if (at < offset || at - offset > most)
			break;
		if (at - offset > len + NEAR)
			break;
		if (at - offset + HEADER > len)
			len = at - offset + HEADER;
	}
	return (size_t)(len < most ? len : most);
}

/*
 * @least bytes at @offset, or all up to the directory if those are fewer.  The
 * caller may look at *@len_ret of them; they are valid until the next call.
 */
static const u8 *look(struct opening *o, u64 offset, size_t least, u32 next,
		      size_t *len_ret)
{
	u64 room = o->end.directory_offset - offset;

	if (least > room)
		least = (size_t)room;
	if (offset < o->offset || offset - o->offset > o->len ||
	    o->len - (size_t)(offset - o->offset) < least) {
		o->len = plan_window(o, offset, least, next);
		o->offset = offset;
		if (!fetch(o, offset, o->window, o->len))
			return NULL;
	}
	*len_ret = o->len - (size_t)(offset - o->offset);
	return o->window + (size_t)(offset - o->offset);
}

/* The results of checking one member that end the opening. */
enum step {
	STEP_ON,
	STEP_LOST, /* where the member ends is unknown */
	STEP_STOP  /* our side: nothing more can be read */
};

static enum step check_header(struct opening *o, struct uw_entry *entry,
			      u32 index, u32 next)
{
	const char *name = o->archive->names + entry->name_offset;
	u64 room = o->end.directory_offset - entry->header_offset;
	size_t needed = UW_ZIP_LOCAL_LEN;
	const u8 *bytes;
	size_t len;

	do {
		bytes = look(o, entry->header_offset, needed, next, &len);
		if (bytes == NULL)
			return STEP_STOP;
		needed = uw_zip_local(bytes, len, room, entry, name, index,
				      o->problems);
	} while (needed > len);
	return needed == 0 ? STEP_LOST : STEP_ON;
}

static enum step check_descriptor(struct opening *o,
				  struct uw_zip_tiling *tiling,
				  const struct uw_entry *entry, u32 index,
				  u32 next)
{
	const u8 *bytes;
	size_t len;

	bytes = look(o, tiling->next, UW_ZIP_DESCRIPTOR_MAX, next, &len);
	if (bytes == NULL)
		return STEP_STOP;
	len = uw_zip_descriptor(bytes, len, tiling->next, entry, index,
				o->limits, o->problems);
	tiling->next += len;
	return len == 0 ? STEP_LOST : STEP_ON;
}

/* Who reads from the front decodes what a directory has for data. */
static enum step check_nothing(struct opening *o, const struct uw_entry *entry,
			       u32 index, u32 next)
{
	const u8 *bytes;
	size_t len;

	bytes = look(o, entry->data_offset, UW_ZIP_NOTHING_LEN, next, &len);
	if (bytes == NULL)
		return STEP_STOP;
	if (len >= UW_ZIP_NOTHING_LEN)
		uw_zip_nothing(bytes, entry, index, o->problems);
	return STEP_ON;
}

static bool is_directory(const struct opening *o, const struct uw_entry *entry)
{
	const char *name = o->archive->names + entry->name_offset;

	return entry->name_len > 0 && name[entry->name_len - 1] == '/';
}

static enum step check_member(struct opening *o, struct uw_zip_tiling *tiling,
			      u32 place)
{
	u32 index = o->order[place];
	struct uw_entry *entry = &o->archive->entries[index];
	enum step step;

	if (!uw_zip_tile_header(tiling, entry, index, o->problems))
		return STEP_ON;
	step = check_header(o, entry, index, place + 1);
	if (step != STEP_ON)
		return step;
	if (!uw_zip_tile_data(tiling, entry, index, o->problems))
		return STEP_LOST;
	if (entry->packed_size == UW_ZIP_NOTHING_LEN && is_directory(o, entry))
		step = check_nothing(o, entry, index, place + 1);
	if (step == STEP_ON && entry->facts & UW_ENTRY_DESCRIPTOR)
		step = check_descriptor(o, tiling, entry, index, place + 1);
	return step;
}

/* Not by look(): in a short archive what tar reads is the directory also. */
static bool check_start(struct opening *o)
{
	if (o->archive->source.len < UW_ZIP_TAR_LEN)
		return true;
	if (!fetch(o, 0, o->window, UW_ZIP_TAR_LEN))
		return false;
	uw_zip_refuse_tar(o->window, o->problems);
	return true;
}

static void check_members(struct opening *o)
{
	struct uw_zip_tiling tiling = {.end = o->end.directory_offset};
	enum step step;
	u32 place;

	o->order = calloc(o->archive->count + (size_t)1, sizeof(*o->order));
	if (o->order == NULL) {
		out_of_memory(o);
		return;
	}
	uw_zip_order(o->archive->entries, o->archive->count, o->order);
	o->offset = 0;
	o->len = 0;
	for (place = 0; place < o->archive->count; place++) {
		step = check_member(o, &tiling, place);
		if (step == STEP_STOP)
			return;
		if (step == STEP_LOST)
			tiling.lost = true;
	}
	uw_zip_tile_end(&tiling, o->problems);
}

/* -------------------------------------------------------------------- open */

/* An archive that is refused takes its names with it: say them now. */
static void name_members(const struct uw_archive *archive,
			 struct uw_problems *problems)
{
	u32 k;

	for (k = 0; k < problems->count && k < UW_PROBLEMS_MAX; k++) {
		struct uw_error *err = &problems->list[k];
		const struct uw_entry *entry;
		size_t len;

		if (err->entry < 0 || archive->names == NULL)
			continue;
		entry = &archive->entries[err->entry];
		len = entry->name_len;
		if (len >= UW_MEMBER_MAX)
			len = UW_MEMBER_MAX - 1;
		memcpy(err->member, archive->names + entry->name_offset, len);
		err->member[len] = '\0';
	}
}

static enum uw_status read_archive(struct uw_archive *archive,
				   const struct uw_limits *limits,
				   struct uw_problems *problems)
{
	struct opening o = {
		.archive = archive, .limits = limits, .problems = problems};

	o.window = malloc(WINDOW_LEN);
	if (o.window == NULL)
		out_of_memory(&o);
	else if (read_end(&o) && read_directory(&o) && check_start(&o))
		check_members(&o);
	name_members(archive, problems);
	free(o.order);
	free(o.window);
	return problems->count == 0 ? UW_OK
				    : (enum uw_status)problems->list[0].status;
}

/* Takes over @source, in any case. */
static enum uw_status open_source(struct uw_source source,
				  const struct uw_limits *limits,
				  struct uw_archive **archive_ret,
				  struct uw_problems *problems)
{
	struct uw_archive *archive = calloc(1, sizeof(*archive));
	enum uw_status status;

	if (archive == NULL) {
		uw_source_close(&source);
		return uw_fail(uw_problem(problems), UW_ERR_MEMORY, UW_WHY_NONE,
			       0, "out of memory");
	}
	archive->source = source;
	status = read_archive(archive, limits, problems);
	if (status == UW_OK)
		*archive_ret = archive;
	else
		uw_archive_close(archive);
	return status;
}

int uw_archive_open(const char *path, const struct uw_limits *limits,
		    struct uw_archive **archive_ret,
		    struct uw_problems *problems)
{
	struct uw_source source;
	struct uw_error err;

	*archive_ret = NULL;
	memset(problems, 0, sizeof(*problems));
	if (uw_source_open(&source, path, &err) != UW_OK) {
		*uw_problem(problems) = err;
		return err.status;
	}
	return (int)open_source(source, limits, archive_ret, problems);
}

int uw_archive_open_memory(const uint8_t *data, size_t len,
			   const struct uw_limits *limits,
			   struct uw_archive **archive_ret,
			   struct uw_problems *problems)
{
	struct uw_source source;

	*archive_ret = NULL;
	memset(problems, 0, sizeof(*problems));
	uw_source_memory(&source, data, len);
	return (int)open_source(source, limits, archive_ret, problems);
}

void uw_archive_close(struct uw_archive *archive)
{
	if (archive == NULL)
		return;
	uw_source_close(&archive->source);
	free(archive->entries);
	free(archive->names);
	free(archive);
}

uint64_t uw_archive_len(const struct uw_archive *archive)
{
	return archive->source.len;
}

uint32_t uw_archive_count(const struct uw_archive *archive)
{
	return archive->count;
}

const struct uw_entry *uw_archive_entries(const struct uw_archive *archive)
{
	return archive->entries;
}

const char *uw_archive_names(const struct uw_archive *archive, size_t *len_ret)
{
	*len_ret = archive->names_len;
	return archive->names;
}
