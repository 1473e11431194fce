/*
 * fuzz_verify.c - any bytes as an archive, verified as the engine does it
 *
 * Its members go through a batch: on this thread or two of a crew, in any
 * order, some twice, with digests that are right, wrong or not asked for, with
 * repeats looked for or not, on any part of the CPU's features.  What each
 * order must come to is known before, from zlib and a SHA-256 in one go.  Now
 * and then they are written, under their names or others, and nothing may be
 * beside the tree.
 */
#include "fuzz.h"

#include <dirent.h>
#include <ftw.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "sha256.h"

/* Larger members are left out; on this thread alone, most of these too. */
#define PLAIN_MAX  ((u64)5 << 17)
#define ALONE_MAX  ((u64)1 << 16)
#define TOTAL_MAX  ((u64)1 << 21)
#define ORDERS_MAX 64
#define CREW_LEN   2
#define PATH_LEN   64
#define PLACE_LEN  4096
#define LONGEST	   60000 /* milliseconds, then it hangs */

static const struct uw_limits limits = {.entries = 1000,
					.directory_len = 1 << 20,
					.name_len = 4095,
					.allow = UW_ALLOW_UNSIGNED_DESCRIPTORS};

struct order {
	u32 entry;
	u8 flags;
	u8 digest[32]; /* that is asked for, */
	u8 sha256[32]; /* and that of a member that is sound */
	bool sound;    /* the content is what the directory says */
};

struct trial {
	struct choices choices;
	const u8 *data;
	const struct uw_archive *archive;
	struct uw_tree *tree; /* NULL: nothing is written */
	struct order orders[ORDERS_MAX];
	u32 count;
	bool crewed;
	bool cancelled;
};

static u8 plain[PLAIN_MAX];

/* --------------------------------------------------------------- the orders */

/* The member in @plain; false if it is not what the directory says. */
static bool unpack(const u8 *packed, const struct uw_entry *entry)
{
	z_stream z = {.next_in = (Bytef *)(uintptr_t)packed,
		      .avail_in = (uInt)entry->packed_size,
		      .next_out = plain,
		      .avail_out = (uInt)entry->size + 1};
	int got;

	if (entry->method == 0) {
		memcpy(plain, packed, (size_t)entry->size);
		return true;
	}
	require(inflateInit2(&z, -15) == Z_OK);
	got = inflate(&z, Z_SYNC_FLUSH);
	inflateEnd(&z);
	return got == Z_STREAM_END && z.avail_in == 0 &&
	       z.total_out == entry->size;
}

static void find_truth(const struct trial *t, const struct uw_entry *entry,
		       struct order *order)
{
	struct uw_sha256 sha;

	if (!unpack(t->data + entry->data_offset, entry) ||
	    crc32(0, plain, (uInt)entry->size) != entry->crc32)
		return;
	order->sound = true;
	uw_sha256_init(&sha, whole_cpu());
	uw_sha256_update(&sha, plain, (size_t)entry->size);
	uw_sha256_final(&sha, order->sha256);
}

/* The digest in the order is right, or wrong in one bit, or not looked at. */
static void choose_digest(struct choices *choices, struct order *order)
{
	memcpy(order->digest, order->sha256, 32);
	if (once_in(choices, 4))
		order->digest[choose(choices, 32)] ^=
			(u8)(1 << choose(choices, 8));
	if (once_in(choices, 2))
		order->flags |= UW_ORDER_SHA256;
}

static void add_orders(struct trial *t, u32 index)
{
	const struct uw_entry *entry = uw_archive_entries(t->archive) + index;
	struct order order = {.entry = index};
	size_t names_len;
	const char *name =
		uw_archive_names(t->archive, &names_len) + entry->name_offset;

	if (name[entry->name_len - 1] == '/')
		order.flags = UW_ORDER_DIRECTORY;
	else
		find_truth(t, entry, &order);
	do {
		if (order.flags != UW_ORDER_DIRECTORY)
			choose_digest(&t->choices, &order);
		t->orders[t->count++] = order;
	} while (t->count < ORDERS_MAX && once_in(&t->choices, 8));
}

static void make_orders(struct trial *t)
{
	const struct uw_entry *entries = uw_archive_entries(t->archive);
	u32 all = uw_archive_count(t->archive), k;
	u64 total = 0, most = t->crewed ? PLAIN_MAX : ALONE_MAX;

	for (k = 0; k < all && t->count < ORDERS_MAX; k++) {
		if (entries[k].size >= most ||
		    total + entries[k].size > TOTAL_MAX)
			continue;
		total += entries[k].size;
		add_orders(t, k);
	}
	if (once_in(&t->choices, 2))
		return;
	for (k = t->count; k > 1; k--) {
		u32 other = choose(&t->choices, k);
		struct order order = t->orders[k - 1];

		t->orders[k - 1] = t->orders[other];
		t->orders[other] = order;
	}
}

/* Names that no order shares with another, one after another. */
static size_t make_paths(struct trial *t, char *paths)
{
	static const char *const dirs[] = {"", "a/", "a/b/", "c/"};
	size_t len = 0;
	u32 k;

	for (k = 0; k < t->count; k++)
		len += 1 + (size_t)snprintf(paths + len, PATH_LEN, "%sp%u",
					    dirs[choose(&t->choices, 4)], k);
	return len;
}

/* NULL if it would write what has no place in a tree. */
static struct uw_batch *make_batch(struct trial *t)
{
	static u32 entries[ORDERS_MAX];
	static u8 flags[ORDERS_MAX], digests[ORDERS_MAX][32];
	static int64_t times[ORDERS_MAX];
	static char paths[ORDERS_MAX * PATH_LEN];
	struct uw_sheet sheet = {.count = t->count,
				 .entries = entries,
				 .flags = flags,
				 .digests = digests[0],
				 .dedupe = (int32_t)choose(&t->choices, 3)};
	struct uw_batch *batch;
	struct uw_error err;
	u32 k;

	for (k = 0; k < t->count; k++) {
		entries[k] = t->orders[k].entry;
		flags[k] = t->orders[k].flags;
		memcpy(digests[k], t->orders[k].digest, 32);
		times[k] = choose(&t->choices, 1u << 31);
	}
	if (once_in(&t->choices, 4))
		sheet.times = times;
	if (once_in(&t->choices, 4)) {
		sheet.paths_len = make_paths(t, paths);
		sheet.paths = paths;
	}
	if (uw_batch_new(t->archive, t->tree, &sheet, &batch, &err) == UW_OK)
		return batch;
	require(t->tree != NULL && sheet.paths == NULL);
	require(batch == NULL);
	return NULL;
}

/* --------------------------------------------------------------- the outcome
 */

static enum uw_status expected(const struct order *order)
{
	if (order->flags & UW_ORDER_DIRECTORY)
		return UW_OK;
	if (!order->sound)
		return UW_ERR_CORRUPT;
	if (order->flags & UW_ORDER_SHA256 &&
	    memcmp(order->digest, order->sha256, 32) != 0)
		return UW_ERR_MISMATCH;
	return UW_OK;
}

static void check_result(const struct trial *t, const struct order *order,
			 const struct uw_result *result)
{
	const struct uw_entry *entry =
		uw_archive_entries(t->archive) + order->entry;

	if (t->cancelled && result->status == UW_ERR_CANCELLED)
		return;
	/* Two of one name, a name that is too long: the system refuses. */
	if (t->tree != NULL && result->status != UW_OK &&
	    result->status != UW_ERR_CORRUPT &&
	    result->status != UW_ERR_MISMATCH)
		return;
	require(result->status == (int)expected(order));
	require((result->reason == UW_WHY_NONE) == (result->status == UW_OK));
	if (order->flags & UW_ORDER_DIRECTORY)
		return;
	require(result->size <= entry->size);
	if (!order->sound)
		return;
	require(result->size == entry->size);
	require(result->crc32 == entry->crc32);
	require(memcmp(result->sha256, order->sha256, 32) == 0);
	require(result->offset == entry->data_offset + entry->packed_size);
}

static void check_batch(const struct trial *t, struct uw_batch *batch)
{
	struct uw_progress progress;
	u32 members = 0, failures = 0, k;

	uw_batch_progress(batch, &progress);
	require(progress.finished);
	for (k = 0; k < t->count; k++) {
		const struct uw_result *result = uw_batch_results(batch) + k;

		check_result(t, &t->orders[k], result);
		members += result->status != UW_ERR_CANCELLED;
		failures += result->status != UW_OK &&
			    result->status != UW_ERR_CANCELLED;
	}
	require(progress.members == members);
	require(progress.failures == failures);
	require(progress.repeats <= members);
	require(progress.repeated <= progress.bytes);
}

static void *work(void *crew)
{
	uw_crew_work(crew);
	return NULL;
}

static void run_on_crew(struct trial *t, struct uw_batch *batch)
{
	struct uw_crew *crew = uw_crew_new(choose_cpu(&t->choices));
	pthread_t threads[CREW_LEN];
	u32 k;

	require(crew != NULL);
	for (k = 0; k < CREW_LEN; k++)
		require(pthread_create(&threads[k], NULL, work, crew) == 0);
	uw_crew_add(crew, batch);
	t->cancelled = once_in(&t->choices, 8);
	if (t->cancelled)
		uw_batch_cancel(batch);
	while (!uw_batch_wait(batch, LONGEST))
		;
	uw_crew_dismiss(crew);
	for (k = 0; k < CREW_LEN; k++)
		require(pthread_join(threads[k], NULL) == 0);
	uw_crew_free(crew);
}

static void run_batch(struct trial *t)
{
	struct uw_batch *batch = make_batch(t);
	struct uw_error err;

	if (batch == NULL)
		return;
	if (t->crewed)
		run_on_crew(t, batch);
	else
		require(uw_batch_run(batch, choose_cpu(&t->choices), &err) ==
			UW_OK);
	check_batch(t, batch);
	uw_batch_free(batch);
}

/* --------------------------------------------------------------------- trees
 */

static int remove_one(const char *path, const struct stat *status, int type,
		      struct FTW *place)
{
	(void)status;
	(void)type;
	(void)place;
	return remove(path);
}

static u32 count_entries(const char *path)
{
	DIR *dir = opendir(path);
	u32 count = 0;

	require(dir != NULL);
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count;
}

/* The same into a directory; what is beside that is not touched. */
static void write_batch(struct trial *t)
{
	const char *above = getenv("TMPDIR");
	char room[PLACE_LEN], root[PLACE_LEN + 8];
	struct uw_error err;

	snprintf(room, sizeof(room), "%s/fuzz.XXXXXX",
		 above != NULL ? above : "/tmp");
	require(mkdtemp(room) != NULL);
	snprintf(root, sizeof(root), "%s/root", room);
	require(mkdir(root, 0777) == 0);
	require(uw_tree_open(root, (int)choose(&t->choices, 2), &t->tree,
			     &err) == UW_OK);
	run_batch(t);
	uw_tree_close(t->tree);
	require(count_entries(room) == 3); /* with "." and ".." */
	require(nftw(room, remove_one, 64, FTW_DEPTH | FTW_PHYS) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	/* What is done follows from the bytes, so any archive is an input. */
	struct trial t = {.choices = {crc32(0, data, (uInt)len)}, .data = data};
	struct uw_problems problems;
	struct uw_archive *archive;

	if (uw_archive_open_memory(data, len, &limits, &archive, &problems) !=
	    UW_OK)
		return 0;
	t.archive = archive;
	t.crewed = once_in(&t.choices, 8);
	make_orders(&t);
	if (once_in(&t.choices, 32))
		write_batch(&t);
	else
		run_batch(&t);
	uw_archive_close(archive);
	return 0;
}
