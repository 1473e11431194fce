/*
 * tree_copy_win32.c - a second file of the same content
 *
 * By a hard link or by copying: the first that the caller wants and the file
 * system has.  Blocks can be shared on ReFS alone, and are not.
 */
#include "tree_win32.h"

#include <stdlib.h>

#define ALL_WAYS (UW_STAND_HARDLINK | UW_STAND_REFLINK | UW_STAND_COPY)

struct duplicate {
	HANDLE from;
	int ways;		 /* bits of enum uw_stand_in */
	const atomic_bool *stop; /* ends copying, or NULL */
	int way;		 /* afterwards, the one that worked */
};

static const struct uw_request source = {FILE_GENERIC_READ |
						 FILE_WRITE_ATTRIBUTES,
					 FILE_OPEN, UW_ANY_KIND, UW_SHARE_ALL};

/*
 * What a file system says to hard links that it does not have, or not for this
 * file.  Everything else would stop the copy, too, and is told.
 */
static bool lacks_links(int os_error)
{
	static const int answers[] = {
		ERROR_INVALID_FUNCTION,	 ERROR_NOT_SUPPORTED,
		ERROR_NOT_SAME_DEVICE,	 ERROR_TOO_MANY_LINKS,
		ERROR_ACCESS_DENIED,	 ERROR_INVALID_PARAMETER,
		ERROR_PRIVILEGE_NOT_HELD};

	for (size_t i = 0; i < ARRAY_LEN(answers); i++)
		if (os_error == answers[i])
			return true;
	return false;
}

/* Open the source itself, which may have been swapped for a link. */
static enum uw_status source_open(struct uw_place *place, HANDLE *handle_ret,
				  struct uw_error *err)
{
	NTSTATUS result = uw_handle_open(place, &source, handle_ret);

	if (result < 0)
		return uw_fail_nt(err, result, "NtCreateFile");
	if (uw_kind_of(*handle_ret) == UW_KIND_FILE)
		return UW_OK;
	CloseHandle(*handle_ret);
	*handle_ret = NULL;
	return uw_fail_link(err);
}

/* ------------------------------------------------------------------ content */

#define PIECE_LEN ((DWORD)256 << 10)

/* @done_ret is 0 at the end. */
static bool read_at(HANDLE file, u64 offset, u8 *piece, DWORD *done_ret)
{
	OVERLAPPED at = {0};

	at.Offset = (DWORD)offset;
	at.OffsetHigh = (DWORD)(offset >> 32);
	*done_ret = 0;
	return ReadFile(file, piece, PIECE_LEN, done_ret, &at) ||
	       GetLastError() == ERROR_HANDLE_EOF;
}

static enum uw_status go_on(const atomic_bool *stop, struct uw_error *err)
{
	if (stop != NULL && atomic_load_explicit(stop, memory_order_relaxed))
		return uw_fail(err, UW_ERR_CANCELLED, UW_WHY_NONE, 0,
			       "cancelled");
	return UW_OK;
}

static enum uw_status copy_content(HANDLE from, HANDLE to,
				   const atomic_bool *stop,
				   struct uw_error *err)
{
	enum uw_status status = UW_OK;
	u8 *piece = malloc(PIECE_LEN);
	u64 at = 0;
	DWORD done;

	if (piece == NULL)
		return uw_fail_memory(err);
	do {
		if (!read_at(from, at, piece, &done))
			status = uw_fail_last(err, "ReadFile");
		else if (done > 0)
			status = uw_file_write((uw_file)to, at, piece, done,
					       err);
		at += done;
		if (status == UW_OK)
			status = go_on(stop, err);
	} while (status == UW_OK && done > 0);
	free(piece);
	return status;
}

/*
 * A uw_maker.  The source is closed when it is read: what is to be replaced may
 * be another name of it, and an open file gives way only where there are POSIX
 * semantics.
 */
static enum uw_status make_copy(struct uw_place *at, void *recipe,
				HANDLE *made_ret, struct uw_error *err)
{
	struct duplicate *duplicate = recipe;
	enum uw_status status = uw_file_make(at, made_ret, err);

	if (status != UW_OK)
		return status;
	duplicate->way = UW_STAND_COPY;
	status = copy_content(duplicate->from, *made_ret, duplicate->stop, err);
	uw_handle_close(duplicate->from);
	duplicate->from = NULL;
	if (status != UW_OK) {
		uw_handle_delete(*made_ret);
		CloseHandle(*made_ret);
	}
	return status;
}

/* ----------------------------------------------------------------- the ways */

/* Whether a hard link settles it; if not, another way is to be tried. */
static bool links(struct duplicate *duplicate, struct uw_place *to,
		  enum uw_taken taken, enum uw_status *status_ret,
		  struct uw_error *err)
{
	duplicate->way = UW_STAND_HARDLINK;
	if (!(duplicate->ways & UW_STAND_HARDLINK))
		return false;
	*status_ret = uw_link_make(duplicate->from, to, taken, err);
	return *status_ret == UW_OK || !lacks_links(err->os_error) ||
	       !(duplicate->ways & UW_STAND_COPY);
}

/* Everything but making the new file. */
static enum uw_status begin(const struct uw_tree *tree, const char *from,
			    int ways, const atomic_bool *stop,
			    struct duplicate *duplicate, struct uw_error *err)
{
	struct uw_place place = {.dir = NULL};
	enum uw_status status;

	*duplicate = (struct duplicate){.ways = ways, .stop = stop};
	if (ways == 0 || (ways & ~ALL_WAYS) != 0)
		return uw_fail(err, UW_ERR_USAGE, UW_WHY_NONE, 0,
			       "no such ways to make a second file: %d", ways);
	if (ways == UW_STAND_REFLINK)
		return uw_fail_os(err, ERROR_NOT_SUPPORTED, "reflink");
	status = uw_place_open(tree, from, &uw_open_dir, &place, err);
	if (status == UW_OK)
		status = source_open(&place, &duplicate->from, err);
	uw_place_close(&place);
	return status;
}

enum uw_status uw_file_duplicate(const struct uw_tree *tree, const char *from,
				 uw_dir dir, const char *leaf, bool executable,
				 int ways, const atomic_bool *stop,
				 int *way_ret, uw_file *file_ret,
				 struct uw_error *err)
{
	struct uw_place to = {.dir = (HANDLE)dir};
	struct duplicate duplicate = {.from = NULL};
	enum uw_status status = uw_name_check_leaf(leaf, strlen(leaf), err);
	HANDLE made = NULL;

	(void)executable;
	*way_ret = 0;
	*file_ret = UW_FILE_NONE;
	if (status == UW_OK)
		status = uw_component_read(leaf, strlen(leaf), &to.leaf, err);
	if (status == UW_OK)
		status = begin(tree, from, ways, stop, &duplicate, err);
	if (status == UW_OK &&
	    !links(&duplicate, &to, UW_TAKEN_FAILS, &status, err))
		status = make_copy(&to, &duplicate, &made, err);
	if (status == UW_OK) {
		*way_ret = duplicate.way;
		if (duplicate.way == UW_STAND_COPY)
			*file_ret = (uw_file)made;
	}
	uw_handle_close(duplicate.from);
	return status;
}

int uw_tree_stand_in(const struct uw_tree *tree, const char *name,
		     const char *target, int ways, int *way_ret,
		     struct uw_error *err)
{
	struct uw_place to = {.dir = NULL};
	struct duplicate duplicate;
	enum uw_status status =
		begin(tree, target, ways, NULL, &duplicate, err);

	*way_ret = 0;
	if (status == UW_OK)
		status = uw_place_open(tree, name, &uw_make_dir, &to, err);
	if (status == UW_OK &&
	    !links(&duplicate, &to, UW_TAKEN_GOES, &status, err))
		status = uw_place_replace(&to, &make_copy, &duplicate, err);
	if (status == UW_OK)
		*way_ret = duplicate.way;
	uw_handle_close(duplicate.from);
	uw_place_close(&to);
	return (int)status;
}
