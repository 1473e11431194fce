/*
 * crc32.h - CRC-32 as in APPNOTE 4.4.7 (polynomial 0x04C11DB7, reflected)
 */
#ifndef UW_CRC32_H
#define UW_CRC32_H

#include "cpu.h"

/* uw_crc32() itself is declared in unwheel.h.  The variants, for its choice: */
u32 uw_crc32_table(u32 crc, const u8 *data, size_t len);
#ifdef UW_X86
u32 uw_crc32_pclmul(u32 crc, const u8 *data, size_t len);
u32 uw_crc32_vpclmul(u32 crc, const u8 *data, size_t len);
#endif
#ifdef UW_ARM
u32 uw_crc32_pmull(u32 crc, const u8 *data, size_t len);
#endif

#endif
