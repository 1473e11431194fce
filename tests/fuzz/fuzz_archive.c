/*
 * fuzz_archive.c - any bytes as an archive: opened, listed, every member read
 *
 * Checks what callers rely on: a refusal has a reason, an entry lies within the
 * file, a name ends where it says, what is allowed by default is allowed by a
 * laxer policy, and a member that was read to its end has the entry's size and
 * CRC-32 (zlib's opinion).
 */
#include "fuzz.h"

#include <zlib.h>

#define MEMBER_MAX (1 << 20) /* then the reader is closed halfway */
#define TOTAL_MAX  (1 << 22)

static const struct uw_limits strict = {
	.entries = 1000, .directory_len = 1 << 20, .name_len = 4095};
static const struct uw_limits lax = {.entries = 1000,
				     .directory_len = 1 << 20,
				     .name_len = 4095,
				     .allow = UW_ALLOW_UNSIGNED_DESCRIPTORS};
static const struct uw_limits tight = {.entries = 3,
				       .directory_len = 200,
				       .name_len = 20,
				       .allow = UW_REFUSE_DESCRIPTORS};

static struct uw_archive *open_archive(const u8 *data, size_t len,
				       const struct uw_limits *limits)
{
	struct uw_problems problems = {0};
	struct uw_archive *archive;
	int status;

	status = uw_archive_open_memory(data, len, limits, &archive, &problems);
	require((status == UW_OK) == (archive != NULL));
	require((status == UW_OK) == (problems.count == 0));
	if (status != UW_OK) {
		require(status == problems.list[0].status);
		require(problems.list[0].message[0] != '\0');
	}
	return archive;
}

static void check_entry(const struct uw_archive *archive,
			const struct uw_entry *entry)
{
	u64 len = uw_archive_len(archive);
	size_t names_len;
	const char *names = uw_archive_names(archive, &names_len);

	require(entry->data_offset <= len);
	require(entry->packed_size <= len - entry->data_offset);
	require(entry->header_offset < entry->data_offset);
	require(entry->name_len > 0);
	require(entry->name_offset < names_len);
	require(entry->name_len < names_len - entry->name_offset);
	require(strlen(names + entry->name_offset) == entry->name_len);
}

/* Read a member in pieces of odd sizes; returns the bytes it gave. */
static u64 read_member(const struct uw_archive *archive, u32 index)
{
	const struct uw_entry *entry = uw_archive_entries(archive) + index;
	struct uw_error err = {0};
	struct uw_reader *reader;
	size_t got = 1;
	u8 buf[4099];
	u64 total = 0;
	uLong crc = crc32(0, NULL, 0);
	int status;

	status = uw_reader_open(archive, index, index & 1 ? whole_cpu() : 0,
				&reader, &err);
	require((status == UW_OK) == (reader != NULL));
	while (status == UW_OK && got > 0 && total < MEMBER_MAX) {
		status = uw_reader_read(reader, buf,
					1 + (size_t)(total % sizeof(buf)), &got,
					&err);
		require(status == UW_OK || got == 0);
		crc = crc32(crc, buf, (uInt)got);
		total += got;
	}
	uw_reader_close(reader);
	require(status == err.status);
	require(total <= entry->size);
	if (status == UW_OK && got == 0) {
		require(total == entry->size);
		require(crc == entry->crc32);
	}
	return total;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct uw_archive *by_default = open_archive(data, len, &strict);
	struct uw_archive *archive = open_archive(data, len, &lax);
	struct uw_archive *by_tight = open_archive(data, len, &tight);
	u64 total = 0;
	u32 k;

	require(by_default == NULL || archive != NULL);
	require(by_tight == NULL || by_default != NULL);
	uw_archive_close(by_tight);
	uw_archive_close(by_default);
	if (archive == NULL)
		return 0;
	require(uw_archive_len(archive) == len);
	for (k = 0; k < uw_archive_count(archive); k++)
		check_entry(archive, uw_archive_entries(archive) + k);
	for (k = 0; k < uw_archive_count(archive) && total < TOTAL_MAX; k++)
		total += read_member(archive, k);
	uw_archive_close(archive);
	return 0;
}
