/*
 * floor.c - the naive library pipeline: a bar to measure by, not a tool
 *
 *   floor WHEEL NEW_DIRECTORY THREADS
 *
 * Each member is inflated whole with libdeflate, its CRC-32 is compared, its
 * SHA-256 is computed with OpenSSL, and it is written with one call, by threads
 * that take the largest member first.  Nothing is safe here: names are taken as
 * they are, RECORD is not read, nothing is staged, ZIP64 is unknown, and memory
 * grows with the largest member.  What a careful extractor takes longer than
 * this is the price of its care.
 *
 *   cc -O2 floor.c -o floor -ldeflate -lcrypto -lpthread
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <libdeflate.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define THREADS_MAX   256
#define END_LEN	      22
#define END_SIGNATURE 0x06054b50
#define ENTRY_LEN     46
#define LOCAL_LEN     30

struct member {
	char *name;
	uint32_t method;
	uint32_t crc32;
	size_t packed_len;
	size_t len;
	size_t offset;
};

struct floor {
	const uint8_t *wheel;
	size_t wheel_len;
	int tree;
	struct member *members;
	size_t count;
	size_t next;
	pthread_mutex_t lock;
};

/* What a thread keeps from member to member. */
struct hand {
	struct libdeflate_decompressor *inflater;
	EVP_MD_CTX *sha256;
	uint8_t *plain;
	size_t room;
};

static void die(const char *what, const char *whom)
{
	fprintf(stderr, "floor: %s: %s\n", what, whom);
	exit(1);
}

static void *require(void *block)
{
	if (block == NULL)
		die("failed", "out of memory");
	return block;
}

static uint32_t le16(const uint8_t *p)
{
	return (uint32_t)(p[0] | p[1] << 8);
}

static uint32_t le32(const uint8_t *p)
{
	return le16(p) | le16(p + 2) << 16;
}

/* -------------------------------------------------------------- the archive */

static void open_wheel(struct floor *floor, const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *map;

	if (file < 0 || fstat(file, &st) != 0 || st.st_size < END_LEN)
		die("not a wheel", path);
	floor->wheel_len = (size_t)st.st_size;
	map = mmap(NULL, floor->wheel_len, PROT_READ, MAP_SHARED | MAP_POPULATE,
		   file, 0);
	if (map == MAP_FAILED)
		die("cannot map", path);
	floor->wheel = map;
	close(file);
}

static void make_parents(int tree, char *name)
{
	char *slash = name;

	while ((slash = strchr(slash, '/')) != NULL) {
		*slash = '\0';
		mkdirat(tree, name, 0777);
		*slash++ = '/';
	}
}

static const uint8_t *find_end(const struct floor *floor)
{
	const uint8_t *end = floor->wheel + floor->wheel_len - END_LEN;

	while (end > floor->wheel && le32(end) != END_SIGNATURE)
		end--;
	return end;
}

static int larger_first(const void *a, const void *b)
{
	size_t x = ((const struct member *)a)->len;
	size_t y = ((const struct member *)b)->len;

	return (x < y) - (x > y);
}

static void read_directory(struct floor *floor)
{
	const uint8_t *end = find_end(floor);
	const uint8_t *entry = floor->wheel + le32(end + 16);
	size_t entries = le16(end + 10);
	size_t k, name_len;

	floor->members = require(calloc(entries + 1, sizeof(struct member)));
	for (k = 0; k < entries; k++) {
		struct member *member = floor->members + floor->count;

		name_len = le16(entry + 28);
		member->name = require(
			strndup((const char *)entry + ENTRY_LEN, name_len));
		member->method = le16(entry + 10);
		member->crc32 = le32(entry + 16);
		member->packed_len = le32(entry + 20);
		member->len = le32(entry + 24);
		member->offset = le32(entry + 42);
		make_parents(floor->tree, member->name);
		if (name_len > 0 && member->name[name_len - 1] != '/')
			floor->count++;
		entry += ENTRY_LEN + name_len + le16(entry + 30) +
			 le16(entry + 32);
	}
	qsort(floor->members, floor->count, sizeof(struct member),
	      larger_first);
}

/* -------------------------------------------------------------- the members */

static const uint8_t *packed(const struct floor *floor,
			     const struct member *member)
{
	const uint8_t *local = floor->wheel + member->offset;

	return local + LOCAL_LEN + le16(local + 26) + le16(local + 28);
}

static const uint8_t *inflate(struct hand *hand, const struct member *member,
			      const uint8_t *in)
{
	if (member->method == 0)
		return in;
	if (hand->room < member->len) {
		free(hand->plain);
		hand->room = member->len;
		hand->plain = require(malloc(hand->room));
	}
	if (libdeflate_deflate_decompress(hand->inflater, in,
					  member->packed_len, hand->plain,
					  member->len, NULL) != 0)
		die("not DEFLATE", member->name);
	return hand->plain;
}

static void digest(struct hand *hand, const uint8_t *plain, size_t len)
{
	uint8_t result[EVP_MAX_MD_SIZE];

	if (!EVP_DigestInit_ex(hand->sha256, EVP_sha256(), NULL) ||
	    !EVP_DigestUpdate(hand->sha256, plain, len) ||
	    !EVP_DigestFinal_ex(hand->sha256, result, NULL))
		die("failed", "SHA-256");
}

static void write_file(int tree, const char *name, const uint8_t *plain,
		       size_t len)
{
	int file = openat(tree, name, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC,
			  0666);
	ssize_t written;

	if (file < 0)
		die("cannot make", name);
	for (; len > 0; plain += written, len -= (size_t)written) {
		written = write(file, plain, len);
		if (written < 0)
			die("cannot write", name);
	}
	close(file);
}

static void extract(const struct floor *floor, struct hand *hand,
		    const struct member *member)
{
	const uint8_t *plain = inflate(hand, member, packed(floor, member));

	if (libdeflate_crc32(0, plain, member->len) != member->crc32)
		die("wrong CRC-32", member->name);
	digest(hand, plain, member->len);
	write_file(floor->tree, member->name, plain, member->len);
}

/* -------------------------------------------------------------- the threads */

static const struct member *take(struct floor *floor)
{
	const struct member *member = NULL;

	pthread_mutex_lock(&floor->lock);
	if (floor->next < floor->count)
		member = floor->members + floor->next++;
	pthread_mutex_unlock(&floor->lock);
	return member;
}

static void *work(void *argument)
{
	struct floor *floor = argument;
	struct hand hand = {
		.inflater = require(libdeflate_alloc_decompressor()),
		.sha256 = require(EVP_MD_CTX_new()),
	};
	const struct member *member;

	while ((member = take(floor)) != NULL)
		extract(floor, &hand, member);
	libdeflate_free_decompressor(hand.inflater);
	EVP_MD_CTX_free(hand.sha256);
	free(hand.plain);
	return NULL;
}

int main(int argc, char **argv)
{
	struct floor floor = {.lock = PTHREAD_MUTEX_INITIALIZER};
	pthread_t threads[THREADS_MAX];
	int count, k;

	if (argc != 4)
		die("usage", "floor WHEEL NEW_DIRECTORY THREADS");
	count = atoi(argv[3]);
	if (count < 1 || count > THREADS_MAX)
		die("not a number of threads", argv[3]);
	open_wheel(&floor, argv[1]);
	if (mkdir(argv[2], 0777) != 0)
		die("cannot make", argv[2]);
	floor.tree = open(argv[2], O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	read_directory(&floor);
	for (k = 0; k < count; k++)
		if (pthread_create(threads + k, NULL, work, &floor) != 0)
			die("failed", "a thread");
	for (k = 0; k < count; k++)
		pthread_join(threads[k], NULL);
	return 0;
}
