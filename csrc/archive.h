/*
 * archive.h - what the stages above the ZIP reader see of an open archive
 */
#ifndef UW_ARCHIVE_H
#define UW_ARCHIVE_H

#include "source.h"

/* Never changes once open, so threads share it. */
struct uw_archive {
	struct uw_source source;
	struct uw_entry *entries; /* @count, in directory order */
	char *names;		  /* in directory order, each followed by NUL */
	size_t names_len;
	u32 count;
};

#endif
