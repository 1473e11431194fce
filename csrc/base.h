/*
 * base.h - what every file of the core starts with
 *
 * Fixed-width words, little-endian loads, branch hints.  Together with the
 * *_win32.c files the only place that may ask for the operating system.
 */
#ifndef UW_BASE_H
#define UW_BASE_H

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#elif !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "unwheel.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#if defined(__GNUC__)
#define likely(x)	      __builtin_expect(!!(x), 1)
#define unlikely(x)	      __builtin_expect(!!(x), 0)
#define UW_INLINE	      static inline __attribute__((always_inline))
#define UW_NOINLINE	      __attribute__((noinline))
#define UW_TARGET(isa)	      __attribute__((target(isa)))
#define UW_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#else
#define likely(x)   (x)
#define unlikely(x) (x)
#define UW_INLINE   static __forceinline
#define UW_NOINLINE __declspec(noinline)
#define UW_TARGET(isa)
#define UW_PRINTF(fmt, first)
#endif

/* Whole-file guards of the *_x86.c and *_arm.c files. */
#if defined(__x86_64__) || defined(_M_X64)
#define UW_X86 1
#elif defined(__aarch64__) || defined(_M_ARM64)
#define UW_ARM 1
#endif

UW_INLINE u16 load_le16(const u8 *p)
{
	return (u16)(p[0] | p[1] << 8);
}

UW_INLINE u32 load_le32(const u8 *p)
{
	return (u32)p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24;
}

UW_INLINE u64 load_le64(const u8 *p)
{
	return (u64)load_le32(p) | (u64)load_le32(p + 4) << 32;
}

#endif
