/*
 * tree_publish_win32.c - names that are taken in one step
 *
 * Who looks at such a name sees what was there or what is there now, never
 * nothing and never a half.  Windows cannot swap two names in one step.
 */
#define _CRT_RAND_S /* rand_s(), the system's random numbers */
#include "tree_win32.h"

#include <stdlib.h>

/* -------------------------------------------------------- temporary names */

enum uw_status uw_temporary_choose(struct uw_component *leaf,
				   struct uw_error *err)
{
	static const WCHAR prefix[] = L".unwheel-";
	static const WCHAR digits[] = L"0123456789abcdef";
	WCHAR *end = leaf->text + ARRAY_LEN(prefix) - 1;

	memcpy(leaf->text, prefix, sizeof(prefix));
	for (int word = 0; word < 2; word++) {
		unsigned int random;

		if (rand_s(&random) != 0)
			return uw_fail_os(err, ERROR_GEN_FAILURE, "rand_s");
		for (int i = 0; i < 8; i++, random >>= 4)
			*end++ = digits[random & 15];
	}
	*end = L'\0';
	leaf->len = (USHORT)((end - leaf->text) * (int)sizeof(WCHAR));
	return UW_OK;
}

/* POSIX semantics would let a link take the place of a directory. */
static enum uw_status settle(HANDLE made, struct uw_place *to,
			     struct uw_error *err)
{
	NTSTATUS result;

	if (uw_place_kind(to) == UW_KIND_DIRECTORY)
		return uw_fail_os(err, ERROR_ALREADY_EXISTS, "rename");
	result = uw_handle_rename(made, to, UW_TAKEN_GOES);
	return result < 0 ? uw_fail_nt(err, result, "rename") : UW_OK;
}

enum uw_status uw_place_replace(struct uw_place *to, uw_maker *make,
				void *recipe, struct uw_error *err)
{
	struct uw_place at = {.dir = to->dir};
	enum uw_status status = uw_temporary_choose(&at.leaf, err);
	HANDLE made;

	if (status == UW_OK)
		status = make(&at, recipe, &made, err);
	if (status != UW_OK)
		return status;
	status = settle(made, to, err);
	if (status != UW_OK)
		uw_handle_delete(made);
	CloseHandle(made);
	return status;
}

/* --------------------------------------------------------------- publishing */

/* Windows refuses to delete a directory with something in it. */
static NTSTATUS delete_empty_dir(struct uw_place *place)
{
	NTSTATUS result;
	HANDLE handle;

	result = uw_handle_open(place, &uw_handle_any, &handle);
	if (result < 0)
		return result;
	result = uw_kind_of(handle) == UW_KIND_DIRECTORY
			 ? uw_handle_delete(handle)
			 : UW_NAME_COLLISION;
	CloseHandle(handle);
	return result;
}

/*
 * An empty directory makes two steps of it: between them the name is free, and
 * who takes it meanwhile makes the second step fail.
 */
static NTSTATUS publish_new(HANDLE from, struct uw_place *to)
{
	NTSTATUS result = uw_handle_rename(from, to, UW_TAKEN_FAILS);

	if (result != UW_NAME_COLLISION ||
	    uw_kind_of(from) != UW_KIND_DIRECTORY)
		return result;
	result = delete_empty_dir(to);
	if (result < 0)
		return result;
	return uw_handle_rename(from, to, UW_TAKEN_FAILS);
}

/* A directory takes the place of nothing. */
static enum uw_status publish(HANDLE from, struct uw_place *to, int how,
			      struct uw_error *err)
{
	NTSTATUS result;

	if (how == UW_PUBLISH_NEW)
		result = publish_new(from, to);
	else if (uw_kind_of(from) == UW_KIND_DIRECTORY)
		result = uw_handle_rename(from, to, UW_TAKEN_FAILS);
	else
		return settle(from, to, err);
	return result < 0 ? uw_fail_nt(err, result, "rename") : UW_OK;
}

int uw_tree_publish(const struct uw_tree *tree, const char *from,
		    const char *to, int how, struct uw_error *err)
{
	struct uw_place old, new = {.dir = NULL};
	enum uw_status status;
	HANDLE handle = NULL;
	NTSTATUS result;

	if (how != UW_PUBLISH_NEW && how != UW_PUBLISH_REPLACE)
		return (int)uw_fail_os(err, ERROR_NOT_SUPPORTED, "exchange");
	status = uw_place_open(tree, from, &uw_open_dir, &old, err);
	if (status == UW_OK)
		status = uw_place_open(tree, to, &uw_open_dir, &new, err);
	if (status == UW_OK) {
		result = uw_handle_open(&old, &uw_handle_any, &handle);
		status = result < 0 ? uw_fail_nt(err, result, "NtCreateFile")
				    : publish(handle, &new, how, err);
	}
	uw_handle_close(handle);
	uw_place_close(&old);
	uw_place_close(&new);
	return (int)status;
}

/*
 * To flush a volume takes an administrator, and to flush each file takes the
 * list of them.  An honest error is better than a promise not kept.
 */
int uw_tree_sync(const struct uw_tree *tree, struct uw_error *err)
{
	(void)tree;
	return (int)uw_fail_os(err, ERROR_NOT_SUPPORTED, "sync");
}
