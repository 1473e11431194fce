/*
 * sha256.h - SHA-256 (FIPS 180-4), streamed
 *
 * struct uw_sha256 and its functions are declared in unwheel.h.
 */
#ifndef UW_SHA256_H
#define UW_SHA256_H

#include "cpu.h"

#define UW_SHA256_BLOCK 64

/* The constants of the rounds, FIPS 180-4 section 4.2.2. */
extern const u32 uw_sha256_constants[64];

/*
 * The variants: hash @count blocks of 64 bytes into @state; a pair, of which
 * @count is not zero, does it to two messages at once.
 */
void uw_sha256_blocks_portable(u32 *state, const u8 *data, size_t count);
#ifdef UW_X86
void uw_sha256_blocks_sha(u32 *state, const u8 *data, size_t count);
void uw_sha256_pair_sha(u32 *a_state, const u8 *a_data, u32 *b_state,
			const u8 *b_data, size_t count);
#endif
#ifdef UW_ARM
void uw_sha256_blocks_arm(u32 *state, const u8 *data, size_t count);
void uw_sha256_pair_arm(u32 *a_state, const u8 *a_data, u32 *b_state,
			const u8 *b_data, size_t count);
#endif

/*
 * uw_sha256_update(), but for the whole blocks: returned is how many there are,
 * at *@blocks_ret, which lie in @data.  They have to be hashed before @sha is
 * used again, by uw_sha256_blocks() or in the shadow of the decoder.
 */
size_t uw_sha256_defer(struct uw_sha256 *sha, const u8 *data, size_t len,
		       const u8 **blocks_ret);
void uw_sha256_blocks(struct uw_sha256 *sha, const u8 *data, size_t count);
void uw_sha256_blocks_pair(struct uw_sha256 *a, const u8 *a_data,
			   struct uw_sha256 *b, const u8 *b_data, size_t count);

#endif
