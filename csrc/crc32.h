/*
 * crc32.h - CRC-32 as in APPNOTE 4.4.7 (polynomial 0x04C11DB7, reflected)
 */
#ifndef UW_CRC32_H
#define UW_CRC32_H

#include "cpu.h"

/*
 * uw_crc32() itself is declared in unwheel.h.  The variants, for its choice,
 * take and return the bare remainder, without the inversion at both ends.
 */
u32 uw_crc32_table(u32 crc, const u8 *data, size_t len);
#ifdef UW_X86
u32 uw_crc32_pclmul(u32 crc, const u8 *data, size_t len);
u32 uw_crc32_vpclmul(u32 crc, const u8 *data, size_t len);
#endif
#ifdef UW_ARM
u32 uw_crc32_pmull(u32 crc, const u8 *data, size_t len);
#endif

/*
 * Folding, for the variants with a carry-less multiply.
 *
 * P is the polynomial, x^32 + x^26 + ... + 1.  The message is a polynomial too,
 * its first bit the highest power, and only its value modulo P counts.  So 16
 * bytes that stand D bits before the end may be taken away there, if their
 * product with x^D mod P is added where they are taken to:
 *
 *	first 8 bytes * (x^(D+64) mod P) + last 8 bytes * (x^D mod P)
 *
 * Bytes are reflected: bit 0 is the highest power.  A reflected multiply of 64
 * by 64 bits gives 127 bits that lie one place too low, and a constant of 32
 * bits stands in the upper half of its 64.  UW_CRC32_X(n), below as a number,
 * makes up for both: it is x^n mod P, reflected in 32 bits, shifted left by
 * one, and a multiply by it is a multiply by x^(n+32).  Hence for a distance
 * of D bits the pair n = D + 32, D - 32.  tests/test_crc32.py computes each
 * again from its name.
 */
#define UW_CRC32_X64   0x163cd6124
#define UW_CRC32_X96   0x0ccaa009e
#define UW_CRC32_X160  0x1751997d0
#define UW_CRC32_X224  0x15a546366
#define UW_CRC32_X288  0x0f1da05aa
#define UW_CRC32_X480  0x1c6e41596
#define UW_CRC32_X544  0x154442bd4
#define UW_CRC32_X992  0x14a7fe880
#define UW_CRC32_X1056 0x1e88ef372

/* P itself and x^64 / P (without the remainder), each reflected in 33 bits. */
#define UW_CRC32_POLYNOMIAL 0x1db710641
#define UW_CRC32_INVERSE    0x1f7011641

#endif
