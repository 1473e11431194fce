/*
 * sha256.c - SHA-256 (FIPS 180-4): the stream, and the portable variant
 *
 * Pure: no system call, no allocation, no state but the caller's.  As the
 * standard, at most 2^61 - 1 bytes.
 */
#include "sha256.h"

#define STATE_WORDS    8
#define LENGTH_LEN     8 /* the number of bits at the end of the padding */
#define SCHEDULE_WORDS 64
#define END_LEN	       (2 * UW_SHA256_BLOCK) /* the most that padding makes */

/*
 * The first 32 bits of the fractions of the cube roots of the first primes;
 * aligned, for instructions that take four of them from memory.
 */
_Alignas(16) const u32 uw_sha256_constants[SCHEDULE_WORDS] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
	0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
	0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
	0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
	0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
	0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* FIPS 180-4 section 5.3.3: the same of the square roots. */
static const u32 initial_state[STATE_WORDS] = {
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static u32 load_be32(const u8 *p)
{
	return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | (u32)p[3];
}

static void store_be32(u8 *p, u32 v)
{
	p[0] = (u8)(v >> 24);
	p[1] = (u8)(v >> 16);
	p[2] = (u8)(v >> 8);
	p[3] = (u8)v;
}

UW_INLINE u32 rotate_right(u32 v, int n)
{
	return v >> n | v << (32 - n);
}

/* FIPS 180-4 section 6.2.2, step 1. */
static void fill_schedule(u32 *w, const u8 *block)
{
	u32 s0, s1;
	int t;

	for (t = 0; t < 16; t++)
		w[t] = load_be32(block + 4 * t);
	for (; t < SCHEDULE_WORDS; t++) {
		s0 = rotate_right(w[t - 15], 7) ^ rotate_right(w[t - 15], 18) ^
		     w[t - 15] >> 3;
		s1 = rotate_right(w[t - 2], 17) ^ rotate_right(w[t - 2], 19) ^
		     w[t - 2] >> 10;
		w[t] = s1 + w[t - 7] + s0 + w[t - 16];
	}
}

/*
 * Step 3, one round.  Instead of moving eight variables along, the caller names
 * them anew: @d becomes the next e, @h the next a.
 */
UW_INLINE void round_once(u32 a, u32 b, u32 c, u32 *d, u32 e, u32 f, u32 g,
			  u32 *h, u32 word)
{
	u32 s0 = rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22);
	u32 s1 = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25);
	u32 choice = (e & (f ^ g)) ^ g;
	u32 majority = (a & b) | (c & (a | b));

	*h += s1 + choice + word;
	*d += *h;
	*h += s0 + majority;
}

static void hash_block(u32 *state, const u8 *block)
{
	const u32 *k = uw_sha256_constants;
	u32 a = state[0], b = state[1], c = state[2], d = state[3];
	u32 e = state[4], f = state[5], g = state[6], h = state[7];
	u32 w[SCHEDULE_WORDS];
	int t;

	fill_schedule(w, block);
	for (t = 0; t < SCHEDULE_WORDS; t += 8) {
		round_once(a, b, c, &d, e, f, g, &h, k[t] + w[t]);
		round_once(h, a, b, &c, d, e, f, &g, k[t + 1] + w[t + 1]);
		round_once(g, h, a, &b, c, d, e, &f, k[t + 2] + w[t + 2]);
		round_once(f, g, h, &a, b, c, d, &e, k[t + 3] + w[t + 3]);
		round_once(e, f, g, &h, a, b, c, &d, k[t + 4] + w[t + 4]);
		round_once(d, e, f, &g, h, a, b, &c, k[t + 5] + w[t + 5]);
		round_once(c, d, e, &f, g, h, a, &b, k[t + 6] + w[t + 6]);
		round_once(b, c, d, &e, f, g, h, &a, k[t + 7] + w[t + 7]);
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
	state[5] += f;
	state[6] += g;
	state[7] += h;
}

void uw_sha256_blocks_portable(u32 *state, const u8 *data, size_t count)
{
	for (; count > 0; data += UW_SHA256_BLOCK, count--)
		hash_block(state, data);
}

#if defined(UW_X86)

static void hash_blocks(struct uw_sha256 *sha, const u8 *data, size_t count)
{
	if (sha->cpu & UW_CPU_SHA)
		uw_sha256_blocks_sha(sha->state, data, count);
	else
		uw_sha256_blocks_portable(sha->state, data, count);
}

static void hash_both(struct uw_sha256 *a, const u8 *a_data,
		      struct uw_sha256 *b, const u8 *b_data, size_t count)
{
	if (a->cpu & b->cpu & UW_CPU_SHA) {
		uw_sha256_pair_sha(a->state, a_data, b->state, b_data, count);
	} else {
		hash_blocks(a, a_data, count);
		hash_blocks(b, b_data, count);
	}
}

#elif defined(UW_ARM)

static void hash_blocks(struct uw_sha256 *sha, const u8 *data, size_t count)
{
	if (sha->cpu & UW_CPU_ARM_SHA2)
		uw_sha256_blocks_arm(sha->state, data, count);
	else
		uw_sha256_blocks_portable(sha->state, data, count);
}

static void hash_both(struct uw_sha256 *a, const u8 *a_data,
		      struct uw_sha256 *b, const u8 *b_data, size_t count)
{
	if (a->cpu & b->cpu & UW_CPU_ARM_SHA2) {
		uw_sha256_pair_arm(a->state, a_data, b->state, b_data, count);
	} else {
		hash_blocks(a, a_data, count);
		hash_blocks(b, b_data, count);
	}
}

#else

static void hash_blocks(struct uw_sha256 *sha, const u8 *data, size_t count)
{
	uw_sha256_blocks_portable(sha->state, data, count);
}

static void hash_both(struct uw_sha256 *a, const u8 *a_data,
		      struct uw_sha256 *b, const u8 *b_data, size_t count)
{
	hash_blocks(a, a_data, count);
	hash_blocks(b, b_data, count);
}

#endif

/* Whole blocks, one after the other. */
struct run {
	const u8 *data;
	size_t count;
};

/* What a call has to hash: first one run, then the other; either may be empty.
 */
struct work {
	struct uw_sha256 *sha;
	struct run first, second;
};

static void advance(struct work *w, size_t count)
{
	w->first.data += count * UW_SHA256_BLOCK;
	w->first.count -= count;
	if (w->first.count == 0) {
		w->first = w->second;
		w->second.count = 0;
	}
}

static void hash_alone(const struct work *w)
{
	if (w->first.count > 0)
		hash_blocks(w->sha, w->first.data, w->first.count);
	if (w->second.count > 0)
		hash_blocks(w->sha, w->second.data, w->second.count);
}

/* Side by side the blocks that both have, then what one has more. */
static void hash_pair(struct work *a, struct work *b)
{
	size_t count;

	while (a->first.count > 0 && b->first.count > 0) {
		count = a->first.count;
		if (count > b->first.count)
			count = b->first.count;
		hash_both(a->sha, a->first.data, b->sha, b->first.data, count);
		advance(a, count);
		advance(b, count);
	}
	hash_alone(a);
	hash_alone(b);
}

void uw_sha256_init(struct uw_sha256 *sha, u32 cpu)
{
	memcpy(sha->state, initial_state, sizeof(sha->state));
	sha->len = 0;
	sha->cpu = cpu;
}

/* The blocks that @len more bytes complete; keep_rest() follows their hash. */
static struct work take_blocks(struct uw_sha256 *sha, const u8 *data,
			       size_t len)
{
	size_t have = sha->len % UW_SHA256_BLOCK;
	size_t missing = UW_SHA256_BLOCK - have;

	sha->len += len;
	if (have == 0)
		return (struct work){sha, {data, len / UW_SHA256_BLOCK}, {0}};
	if (len < missing) {
		if (len > 0)
			memcpy(sha->block + have, data, len);
		return (struct work){.sha = sha};
	}
	memcpy(sha->block + have, data, missing);
	data += missing;
	len -= missing;
	return (struct work){
		sha, {sha->block, 1}, {data, len / UW_SHA256_BLOCK}};
}

/* A rest longer than @len is that of a block begun before: it is there. */
static void keep_rest(struct uw_sha256 *sha, const u8 *data, size_t len)
{
	size_t rest = sha->len % UW_SHA256_BLOCK;

	if (rest > 0 && rest <= len)
		memcpy(sha->block, data + len - rest, rest);
}

void uw_sha256_update(struct uw_sha256 *sha, const u8 *data, size_t len)
{
	struct work w = take_blocks(sha, data, len);

	hash_alone(&w);
	keep_rest(sha, data, len);
}

size_t uw_sha256_defer(struct uw_sha256 *sha, const u8 *data, size_t len,
		       const u8 **blocks_ret)
{
	struct work w = take_blocks(sha, data, len);

	if (w.first.data == sha->block) {
		hash_blocks(sha, sha->block, 1);
		advance(&w, 1);
	}
	keep_rest(sha, data, len);
	*blocks_ret = w.first.data;
	return w.first.count;
}

void uw_sha256_blocks(struct uw_sha256 *sha, const u8 *data, size_t count)
{
	if (count > 0)
		hash_blocks(sha, data, count);
}

void uw_sha256_blocks_pair(struct uw_sha256 *a, const u8 *a_data,
			   struct uw_sha256 *b, const u8 *b_data, size_t count)
{
	if (count > 0)
		hash_both(a, a_data, b, b_data, count);
}

void uw_sha256_update_pair(struct uw_sha256 *a, const u8 *a_data, size_t a_len,
			   struct uw_sha256 *b, const u8 *b_data, size_t b_len)
{
	struct work a_work = take_blocks(a, a_data, a_len);
	struct work b_work = take_blocks(b, b_data, b_len);

	hash_pair(&a_work, &b_work);
	keep_rest(a, a_data, a_len);
	keep_rest(b, b_data, b_len);
}

/*
 * FIPS 180-4 section 5.1.1: a one, zeros, the number of bits.  @end has room
 * for the two blocks that this may take; both are hashed by one call.
 */
static struct work pad(struct uw_sha256 *sha, u8 *end)
{
	size_t have = sha->len % UW_SHA256_BLOCK;
	size_t count = have + 1 + LENGTH_LEN <= UW_SHA256_BLOCK ? 1 : 2;
	u8 *length = end + count * UW_SHA256_BLOCK - LENGTH_LEN;
	u64 bits = sha->len * 8;

	memset(end, 0, END_LEN);
	memcpy(end, sha->block, have);
	end[have] = 0x80;
	store_be32(length, (u32)(bits >> 32));
	store_be32(length + 4, (u32)bits);
	return (struct work){sha, {end, count}, {0}};
}

static void store_digest(const struct uw_sha256 *sha, u8 *digest_ret)
{
	int i;

	for (i = 0; i < STATE_WORDS; i++)
		store_be32(digest_ret + 4 * i, sha->state[i]);
}

void uw_sha256_final(struct uw_sha256 *sha, u8 *digest_ret)
{
	u8 end[END_LEN];
	struct work w = pad(sha, end);

	hash_alone(&w);
	store_digest(sha, digest_ret);
}

void uw_sha256_final_pair(struct uw_sha256 *a, u8 *a_digest_ret,
			  struct uw_sha256 *b, u8 *b_digest_ret)
{
	u8 a_end[END_LEN], b_end[END_LEN];
	struct work a_work = pad(a, a_end);
	struct work b_work = pad(b, b_end);

	hash_pair(&a_work, &b_work);
	store_digest(a, a_digest_ret);
	store_digest(b, b_digest_ret);
}
