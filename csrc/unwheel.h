/*
 * unwheel.h - the public C API, and the very text that cffi reads
 *
 * Declarations and numbers only: no #include, no #if, no macro with arguments,
 * because cffi parses this file as it stands.  C code gets it through base.h.
 *
 * Conventions: *_open and *_new give a handle to the caller, *_close and *_free
 * take NULL; *_drop do the same to the place of a handle, and leave NULL there.
 * A function that can fail returns an enum uw_status and fills a
 * caller-owned struct uw_error; after a failure every handle is still usable
 * and every *_ret is NULL or zero.  Sizes are bytes.  An archive and a tree
 * never change once open, so threads may share them.
 */

/* ------------------------------------------------------------------ errors */

enum uw_status {
	UW_OK = 0,
	UW_ERR_MEMORY,	    /* our side: out of memory */
	UW_ERR_SYSTEM,	    /* our side: a system call failed, see os_error */
	UW_ERR_ARCHIVE,	    /* their fault: the container is malformed */
	UW_ERR_UNSUPPORTED, /* their fault: a feature that we do not take */
	UW_ERR_LIMIT,	    /* larger than the caller allows */
	UW_ERR_CORRUPT,	    /* their fault: the content of a member */
	UW_ERR_MISMATCH,    /* their fault: content is not what RECORD says */
	UW_ERR_NAME,	    /* a name that would leave the tree */
	UW_ERR_CANCELLED,   /* uw_batch_cancel(), or another order failed */
	UW_ERR_USAGE	    /* the caller broke the API's contract */
};

/*
 * Why a wheel was refused.  The part after UW_WHY_ is the reason code that
 * people and programs see; Python adds the reasons that it finds itself.
 */
enum uw_reason {
	UW_WHY_NONE = 0,
	/* the end of the archive, APPNOTE 4.3.14 to 4.3.16 */
	UW_WHY_NO_END_RECORD,
	UW_WHY_END_TRUNCATED,
	UW_WHY_TRAILING_DATA,
	UW_WHY_COMMENT_BYTES,
	UW_WHY_MULTI_DISK,
	UW_WHY_END_COUNTS,
	UW_WHY_ZIP64_LOCATOR,
	UW_WHY_ZIP64_RECORD,
	UW_WHY_ZIP64_EXTENSIBLE,
	UW_WHY_ZIP64_MISSING,
	/* the central directory, APPNOTE 4.3.12 */
	UW_WHY_DIRECTORY_PLACE,
	UW_WHY_DIRECTORY_TRUNCATED,
	UW_WHY_DIRECTORY_SIGNATURE,
	UW_WHY_DIRECTORY_EXCESS,
	UW_WHY_ENTRY_COUNT,
	UW_WHY_ENTRY_COMMENT,
	UW_WHY_STORED_SIZE,
	UW_WHY_NAME_EMPTY,
	UW_WHY_NAME_NUL,
	UW_WHY_DIRECTORY_HAS_DATA,
	/* the directory and local headers alike, APPNOTE 4.4 to 4.6 */
	UW_WHY_ENTRY_FLAGS,
	UW_WHY_ENCRYPTED,
	UW_WHY_METHOD,
	UW_WHY_VERSION_NEEDED,
	UW_WHY_EXTRA_TRUNCATED,
	UW_WHY_EXTRA_DUPLICATE,
	UW_WHY_ZIP64_EXTRA,
	UW_WHY_UNICODE_PATH,
	UW_WHY_EXTRA_ATTRIBUTES,
	/* local headers and descriptors, APPNOTE 4.3.7 and 4.3.9 */
	UW_WHY_LOCAL_SIGNATURE,
	UW_WHY_LOCAL_TRUNCATED,
	UW_WHY_LOCAL_NAME,
	UW_WHY_LOCAL_METHOD,
	UW_WHY_LOCAL_FLAGS,
	UW_WHY_LOCAL_CRC,
	UW_WHY_LOCAL_SIZES,
	UW_WHY_DESCRIPTOR,
	UW_WHY_DESCRIPTOR_STORED,
	UW_WHY_DESCRIPTOR_UNSIGNED,
	UW_WHY_DESCRIPTOR_REFUSED,
	/* tiling: headers, data and descriptors cover the file exactly */
	UW_WHY_PREFIX,
	UW_WHY_GAP,
	UW_WHY_OVERLAP,
	/* limits */
	UW_WHY_TOO_MANY_ENTRIES,
	UW_WHY_DIRECTORY_TOO_LARGE,
	UW_WHY_NAME_TOO_LONG,
	UW_WHY_MEMBER_TOO_LARGE,
	UW_WHY_TOTAL_TOO_LARGE,
	UW_WHY_TOTAL_RATIO,
	/* content, RFC 1951 and APPNOTE 4.4.7 */
	UW_WHY_DEFLATE_BLOCK_TYPE,
	UW_WHY_DEFLATE_STORED_LENGTH,
	UW_WHY_DEFLATE_CODE_COUNTS,
	UW_WHY_DEFLATE_CODE_LENGTHS,
	UW_WHY_DEFLATE_SYMBOL,
	UW_WHY_DEFLATE_DISTANCE,
	UW_WHY_DEFLATE_TRUNCATED,
	UW_WHY_DEFLATE_EXCESS,
	UW_WHY_SIZE,
	UW_WHY_CRC32,
	UW_WHY_SHA256,
	/* our side */
	UW_WHY_SOURCE_TRUNCATED,
	UW_WHY_SOURCE_READ
};

#define UW_MEMBER_MAX 256

/*
 * One failure.  @offset is a byte offset in the archive where that means
 * something; @found and @expected are numbers where the reason has them (sizes,
 * checks, counts).  @message is one ASCII sentence without the member's name;
 * @member is that name, of problems of an archive that could not be opened, as
 * stored, cut off after so many bytes.
 */
struct uw_error {
	int32_t status;	  /* enum uw_status */
	int32_t reason;	  /* enum uw_reason */
	int32_t os_error; /* errno, or GetLastError() on Windows; else 0 */
	int32_t entry;	  /* index in the directory, or -1 */
	uint64_t offset;
	uint64_t found;
	uint64_t expected;
	char message[120];
	char member[UW_MEMBER_MAX];
};

#define UW_PROBLEMS_MAX 32

/* All that is wrong with a container, up to a bound; @count may be larger. */
struct uw_problems {
	uint32_t count;
	struct uw_error list[UW_PROBLEMS_MAX];
};

/* --------------------------------------------------------------------- cpu */

enum uw_cpu {
	UW_CPU_PCLMUL = 0x01,	 /* x86: PCLMULQDQ, SSE4.1 */
	UW_CPU_VPCLMUL = 0x02,	 /* x86: VPCLMULQDQ, PCLMULQDQ, AVX2 */
	UW_CPU_SHA = 0x04,	 /* x86: SHA extensions, SSE4.1 */
	UW_CPU_BMI2 = 0x08,	 /* x86: BMI2, AVX2 */
	UW_CPU_ARM_PMULL = 0x10, /* ARMv8: PMULL on 64 bits, CRC32 */
	UW_CPU_ARM_SHA2 = 0x20	 /* ARMv8: SHA-256 instructions */
};

/* What this CPU can do, as bits of enum uw_cpu; 0 is always a valid choice. */
uint32_t uw_cpu_detect(void);

/* ----------------------------------------------- kernels, one call at a time
 */

/* CRC-32 of APPNOTE 4.4.7: @crc is 0 at the start, then the last value. */
uint32_t uw_crc32(uint32_t cpu, uint32_t crc, const uint8_t *data, size_t len);

struct uw_sha256 {
	uint32_t state[8];
	uint64_t len;	   /* bytes so far */
	uint8_t block[64]; /* the last len % 64 bytes */
	uint32_t cpu;
};

/* SHA-256, FIPS 180-4. */
void uw_sha256_init(struct uw_sha256 *sha, uint32_t cpu);
void uw_sha256_update(struct uw_sha256 *sha, const uint8_t *data, size_t len);
void uw_sha256_final(struct uw_sha256 *sha, uint8_t *digest_ret);

/*
 * The same of two messages at once: what both have of whole blocks takes little
 * more time than one alone.
 */
void uw_sha256_update_pair(struct uw_sha256 *a, const uint8_t *a_data,
			   size_t a_len, struct uw_sha256 *b,
			   const uint8_t *b_data, size_t b_len);
void uw_sha256_final_pair(struct uw_sha256 *a, uint8_t *a_digest_ret,
			  struct uw_sha256 *b, uint8_t *b_digest_ret);

/*
 * A DEFLATE decoder with windows of its own, for tests and benchmarks.
 * uw_inflater_run() returns an enum uw_inflate_result.
 */
enum uw_inflate_result {
	UW_INFLATE_SPAN = 1, /* the window is full: take the span, call again */
	UW_INFLATE_DONE = 2, /* the last block has ended */
	UW_INFLATE_NEED =
		3, /* all but the unconsumed tail is used: feed more */
	UW_INFLATE_ERROR = -1 /* not DEFLATE: see *reason_ret */
};

struct uw_inflater;
struct uw_inflater *uw_inflater_new(uint32_t cpu, size_t fresh_len);
void uw_inflater_free(struct uw_inflater *inflater);
void uw_inflater_reset(struct uw_inflater *inflater);

/* Continue in the other one of its two windows: uw_inflate_move(). */
void uw_inflater_move(struct uw_inflater *inflater);
int uw_inflater_run(struct uw_inflater *inflater, const uint8_t *in,
		    size_t in_len, size_t *consumed_ret,
		    const uint8_t **span_ret, size_t *span_len_ret,
		    int *reason_ret);

/*
 * Hash @count blocks of 64 bytes into the @state of a SHA-256 while it decodes.
 * Where that is not for nothing, or they are too many, some are not done:
 * the last uw_inflater_unhashed() of them.
 */
void uw_inflater_hash(struct uw_inflater *inflater, uint32_t *state,
		      const uint8_t *blocks, size_t count);
size_t uw_inflater_unhashed(const struct uw_inflater *inflater);

/* ----------------------------------------------------------------- archive */

enum uw_entry_fact {
	UW_ENTRY_DESCRIPTOR = 1,  /* flag bit 3, a data descriptor follows */
	UW_ENTRY_ZIP64 = 2,	  /* the entry has a ZIP64 extra field */
	UW_ENTRY_ASCII = 4,	  /* no byte of the name is above 0x7F */
	UW_ENTRY_LOCAL_ZIP64 = 8, /* so has its local header */
	UW_ENTRY_MTIME = 16,	  /* it has an extended timestamp, see mtime */
	UW_ENTRY_LINK_FIELD = 32 /* an extra field names what a link leads to */
};

/* A fact of the central directory (APPNOTE 4.3.12), as stored, unjudged. */
struct uw_entry {
	uint64_t size;
	uint64_t packed_size;
	uint64_t header_offset;
	uint64_t data_offset;
	uint32_t crc32;
	uint32_t external_attr;
	uint32_t name_offset; /* in uw_archive_names(); NUL follows the name */
	uint16_t name_len;
	uint16_t method;
	uint16_t flags;
	uint16_t made_by; /* low byte: version, high byte: host system */
	uint16_t dos_time;
	uint16_t dos_date;
	uint32_t facts; /* bits of enum uw_entry_fact */
	int32_t mtime;	/* seconds since 1970, of extra field 0x5455 */
};

enum uw_allow { UW_ALLOW_UNSIGNED_DESCRIPTORS = 1, UW_REFUSE_DESCRIPTORS = 2 };

struct uw_limits {
	uint64_t entries;	/* most entries */
	uint64_t directory_len; /* most bytes of central directory */
	uint32_t name_len;	/* most bytes of a name */
	uint32_t allow;		/* bits of enum uw_allow */
};

struct uw_archive;

/*
 * Open an archive, read its directory and check every local header against it.
 * @path is in the file system's encoding (UTF-8 on Windows).  Every problem
 * found is in @problems, the first of them is the status returned.
 */
int uw_archive_open(const char *path, const struct uw_limits *limits,
		    struct uw_archive **archive_ret,
		    struct uw_problems *problems);

/* The same over memory, which the caller keeps alive and unchanged. */
int uw_archive_open_memory(const uint8_t *data, size_t len,
			   const struct uw_limits *limits,
			   struct uw_archive **archive_ret,
			   struct uw_problems *problems);
void uw_archive_close(struct uw_archive *archive);
void uw_archive_drop(struct uw_archive **place);
uint64_t uw_archive_len(const struct uw_archive *archive);
uint32_t uw_archive_count(const struct uw_archive *archive);
const struct uw_entry *uw_archive_entries(const struct uw_archive *archive);

/* All names in directory order, each followed by NUL; @len_ret counts all. */
const char *uw_archive_names(const struct uw_archive *archive, size_t *len_ret);

/*
 * A member as a stream, for the few that Python has to see.  A read gives up to
 * @len bytes, zero at the end; the last one has checked size and CRC-32.
 */
struct uw_reader;
int uw_reader_open(const struct uw_archive *archive, uint32_t entry,
		   uint32_t cpu, struct uw_reader **reader_ret,
		   struct uw_error *err);
int uw_reader_read(struct uw_reader *reader, uint8_t *buf, size_t len,
		   size_t *got_ret, struct uw_error *err);
void uw_reader_close(struct uw_reader *reader);
void uw_reader_drop(struct uw_reader **place);

/* ----------------------------------------------------------------- forward */

/*
 * An archive as somebody sees it who gets it through a pipe: local header, data
 * and data descriptor of one member after another, up to the first signature of
 * anything else.  The directory is never looked at.
 */
struct uw_forward;

/* The most that may come out of it, in bytes. */
struct uw_bounds {
	uint64_t member_size;  /* of one member, inflated */
	uint64_t total_size;   /* of all of them */
	uint64_t ratio;	       /* of those, for each byte of the archive, */
	uint64_t ratio_floor;  /* once they are more than this */
	uint64_t content_size; /* larger members are not kept in memory */
};

/*
 * What a member's local header says (APPNOTE 4.3.7), with its ZIP64 field put
 * in, and what was found behind it.  Where the two could differ they do not,
 * but that a header with flag bit 3 may have zero for what is not known yet.
 */
struct uw_local {
	uint64_t offset; /* of the local header */
	uint64_t data_offset;
	uint64_t stated_size;
	uint64_t stated_packed_size;
	uint64_t size;	      /* found */
	uint64_t packed_size; /* found */
	uint32_t stated_crc32;
	uint32_t crc32;		/* found */
	uint8_t sha256[32];	/* found */
	const char *name;	/* as stored; NUL follows it */
	const uint8_t *content; /* NULL if it is larger than content_size */
	uint32_t facts;		/* bits of enum uw_entry_fact */
	int32_t mtime;		/* seconds since 1970, of extra field 0x5455 */
	uint16_t name_len;
	uint16_t method;
	uint16_t flags;
	uint16_t dos_time;
	uint16_t dos_date;
};

/* Of @limits, those of entries and names hold, and what is allowed. */
int uw_forward_open(const char *path, const struct uw_limits *limits,
		    const struct uw_bounds *bounds, uint32_t cpu,
		    struct uw_forward **forward_ret, struct uw_error *err);

/* The same over memory, which the caller keeps alive and unchanged. */
int uw_forward_open_memory(const uint8_t *data, size_t len,
			   const struct uw_limits *limits,
			   const struct uw_bounds *bounds, uint32_t cpu,
			   struct uw_forward **forward_ret,
			   struct uw_error *err);

/*
 * The next member, which is valid until the next call; or NULL, now and ever
 * after, where something begins that is no local header.  A failure is final
 * too.
 */
int uw_forward_next(struct uw_forward *forward,
		    const struct uw_local **local_ret, struct uw_error *err);

/*
 * Where the reading ended, and the four bytes there as a number; zeros stand
 * for those that the file does not have, @left_ret tells how many it has.
 */
uint64_t uw_forward_end(const struct uw_forward *forward,
			uint32_t *signature_ret, uint32_t *left_ret);
void uw_forward_close(struct uw_forward *forward);
void uw_forward_drop(struct uw_forward **place);

/* -------------------------------------------------------------------- tree */

struct uw_tree;

enum uw_tree_way {
	UW_TREE_BEST = 0,    /* openat2 where the kernel has it */
	UW_TREE_STEPWISE = 1 /* one component at a time, O_NOFOLLOW */
};

/*
 * The directory @path as the root of a tree; everything is created below it,
 * and no symlink below it is ever followed.  @path itself may be a link.
 */
int uw_tree_open(const char *path, int way, struct uw_tree **tree_ret,
		 struct uw_error *err);

/*
 * The directory that the descriptor @handle is open on, whatever it is called
 * by now; the descriptor stays the caller's.  UW_ERR_USAGE on Windows.
 */
int uw_tree_adopt(int handle, int way, struct uw_tree **tree_ret,
		  struct uw_error *err);
void uw_tree_close(struct uw_tree *tree);
void uw_tree_drop(struct uw_tree **place);

/*
 * Names below are relative, separated by '/', without '.', '..' or ''.  Missing
 * parents of what is made are made too.
 */
int uw_tree_mkdir(const struct uw_tree *tree, const char *name,
		  struct uw_error *err);
int uw_tree_write(const struct uw_tree *tree, const char *name, int executable,
		  const uint8_t *data, size_t len, struct uw_error *err);

/*
 * The new file @name, as uw_tree_write() makes it, but piece by piece.  Of a
 * file that is not finished the handle goes with uw_newfile_close(); what was
 * written so far stays below the tree, whose owner removes it.  After a failed
 * write nothing more is written, and finishing fails in the same way.
 */
struct uw_newfile;
int uw_tree_create(const struct uw_tree *tree, const char *name, int executable,
		   struct uw_newfile **newfile_ret, struct uw_error *err);
int uw_newfile_write(struct uw_newfile *newfile, const uint8_t *data,
		     size_t len, struct uw_error *err);

/* Once only: close the file, and tell if that lost anything. */
int uw_newfile_finish(struct uw_newfile *newfile, struct uw_error *err);
void uw_newfile_close(struct uw_newfile *newfile);
void uw_newfile_drop(struct uw_newfile **place);

/*
 * Under a temporary name, then renamed: replaces a file or a link, atomically;
 * a directory in the way is an error.  The target of a hard link is a regular
 * file below the tree.
 */
int uw_tree_symlink(const struct uw_tree *tree, const char *name,
		    const char *target, struct uw_error *err);
int uw_tree_hardlink(const struct uw_tree *tree, const char *name,
		     const char *target, struct uw_error *err);

/* The new or replaced file @name, in one step, not executable. */
int uw_tree_put(const struct uw_tree *tree, const char *name,
		const uint8_t *data, size_t len, struct uw_error *err);

/* Ways to make a second file of the same content, tried in this order. */
enum uw_stand_in {
	UW_STAND_HARDLINK = 1, /* linkat() */
	UW_STAND_REFLINK = 2,  /* FICLONE, clonefile */
	UW_STAND_COPY = 4      /* copy_file_range(), else read and write */
};

/*
 * Make @name what a link to @target would show, by the first of @ways (bits of
 * enum uw_stand_in) that the file system has; *@way_ret is the one.  @target is
 * a regular file below the tree; a copy is executable if it is.  Atomic, as
 * uw_tree_symlink() is.
 */
int uw_tree_stand_in(const struct uw_tree *tree, const char *name,
		     const char *target, int ways, int *way_ret,
		     struct uw_error *err);

/*
 * Set the time of modification of what is called @name (the empty name: the
 * root), in seconds since 1970; of a link its own, never its target's.
 */
int uw_tree_set_mtime(const struct uw_tree *tree, const char *name,
		      int64_t seconds, struct uw_error *err);

/*
 * Whether the file system of the tree, and this user, can make a symlink, a
 * hard link (1, 0, or -1).
 */
int uw_tree_can_symlink(const struct uw_tree *tree, struct uw_error *err);
int uw_tree_can_hardlink(const struct uw_tree *tree, struct uw_error *err);

enum uw_publish {
	UW_PUBLISH_NEW = 0,	 /* fail if @to exists; only a directory may */
				 /* take the place of another, an empty one */
	UW_PUBLISH_EXCHANGE = 1, /* swap @from and @to in one step */
	UW_PUBLISH_REPLACE = 2	 /* take the place of a file or a link */
};

/* One rename below the same tree; the parents of both names exist. */
int uw_tree_publish(const struct uw_tree *tree, const char *from,
		    const char *to, int how, struct uw_error *err);

/* Flush everything below the tree to the disk (durable=True). */
int uw_tree_sync(const struct uw_tree *tree, struct uw_error *err);

/* ---------------------------------------------------------- crew and batch */

enum uw_order_flag {
	UW_ORDER_EXECUTABLE = 1, /* mode 0777 & ~umask instead of 0666 */
	UW_ORDER_DIRECTORY = 2,	 /* make a directory, no content */
	UW_ORDER_SHA256 = 4	 /* compare with the digest in the sheet */
};

/* What is done with members whose packed bytes are the same. */
enum uw_dedupe {
	UW_DEDUPE_OFF = 0, /* each is inflated */
	UW_DEDUPE_COPY =
		1, /* one is, the others are reflinks or copies of it */
	UW_DEDUPE_HARDLINK =
		2 /* or hard links, where modes and times are the same */
};

/*
 * The sheet of orders of one wheel, in columns of @count.  The batch copies
 * what it needs; the caller's memory may go after uw_batch_new().
 */
struct uw_sheet {
	uint32_t count;
	const uint32_t *entries; /* index in the archive's directory */
	const uint8_t *flags;	 /* bits of enum uw_order_flag */
	const uint8_t *digests;	 /* 32 bytes each, or NULL */
	const char *paths;	 /* NUL-terminated, one after another; */
	size_t paths_len;	 /* or NULL: each entry's own name */
	const int64_t *times;	 /* seconds since 1970 of each file, or NULL */
	int32_t dedupe;		 /* enum uw_dedupe */
};

struct uw_result {
	int32_t status; /* enum uw_status */
	int32_t reason;
	int32_t os_error;
	uint32_t crc32;	    /* found */
	uint64_t size;	    /* bytes found, as far as it came */
	uint64_t offset;    /* in the archive, where decoding stopped */
	uint8_t sha256[32]; /* found */
};

struct uw_progress {
	uint64_t bytes;	  /* plain bytes done */
	uint64_t packed;  /* compressed bytes consumed */
	uint32_t members; /* orders done */
	uint32_t failures;
	int32_t finished;  /* no thread touches the batch any more */
	uint64_t repeated; /* of the bytes, those not inflated again */
	uint32_t repeats;  /* of the members, those not inflated again */
};

struct uw_crew;
struct uw_batch;

/* Free it when every lent thread has come back. */
struct uw_crew *uw_crew_new(uint32_t cpu);
void uw_crew_free(struct uw_crew *crew);

/* Lend the calling thread until uw_crew_dismiss(). */
int uw_crew_work(struct uw_crew *crew);
void uw_crew_dismiss(struct uw_crew *crew);

/*
 * @tree may be NULL: everything but writing.  Both outlive the batch.  One that
 * was given to a crew may be freed when it has finished, or after every thread
 * has come back; and then the crew is given no other.
 */
int uw_batch_new(const struct uw_archive *archive, const struct uw_tree *tree,
		 const struct uw_sheet *sheet, struct uw_batch **batch_ret,
		 struct uw_error *err);
void uw_batch_free(struct uw_batch *batch);
void uw_batch_drop(struct uw_batch **place);

/* Once only: give the batch to a crew, or do it all on the calling thread. */
void uw_crew_add(struct uw_crew *crew, struct uw_batch *batch);
int uw_batch_run(struct uw_batch *batch, uint32_t cpu, struct uw_error *err);

/*
 * 1 when no crew has the batch: it has finished, or was never given to one;
 * else 0 after @milliseconds or, when the crew has finished another batch,
 * earlier.
 */
int uw_batch_wait(struct uw_batch *batch, int milliseconds);
void uw_batch_cancel(struct uw_batch *batch);
void uw_batch_progress(struct uw_batch *batch,
		       struct uw_progress *progress_ret);
const struct uw_result *uw_batch_results(const struct uw_batch *batch);
