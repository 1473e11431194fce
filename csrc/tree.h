/*
 * tree.h - create below a directory handle, never follow a link
 *
 * Names are relative, '/'-separated, and refused again here if a component is
 * empty, '.', '..' or holds a NUL: the core trusts nobody.  A name that is
 * refused is UW_ERR_NAME; everything else is the error of the system call.
 */
#ifndef UW_TREE_H
#define UW_TREE_H

#include "error.h"

#include <stdatomic.h>

typedef intptr_t uw_dir;  /* an open directory below the tree */
typedef intptr_t uw_file; /* an open new file */

#define UW_DIR_NONE  ((uw_dir) - 1)
#define UW_FILE_NONE ((uw_file) - 1)

/*
 * Make the directories @names and their missing ancestors.  One that exists is
 * no error; a link or a file in its place is.
 *
 * Every order of @names gives the same tree.  The cheap one is that of a walk
 * through it, every directory followed by all that is below it, as sorting by
 * components gives: then a directory costs one system call, two more if it has
 * children.  After a failure *@failed_ret is the index of the name at fault,
 * and what was made before is still there.
 */
enum uw_status uw_tree_make_dirs(const struct uw_tree *tree,
				 const char *const *names, size_t count,
				 size_t *failed_ret, struct uw_error *err);

/* Open the directory @name (the empty name: the root) below the tree. */
enum uw_status uw_dir_open(const struct uw_tree *tree, const char *name,
			   size_t name_len, uw_dir *dir_ret,
			   struct uw_error *err);

/* The same, making it if it is missing; its parent is there. */
enum uw_status uw_dir_make(const struct uw_tree *tree, const char *name,
			   size_t name_len, uw_dir *dir_ret,
			   struct uw_error *err);

/* UW_DIR_NONE is taken, and ignored. */
void uw_dir_close(uw_dir dir);

/* Make a new file @leaf in @dir; anything that exists is an error. */
enum uw_status uw_file_create(uw_dir dir, const char *leaf, bool executable,
			      uw_file *file_ret, struct uw_error *err);

/* All of @data at @offset, or an error; two threads may write to one file. */
enum uw_status uw_file_write(uw_file file, u64 offset, const u8 *data,
			     size_t len, struct uw_error *err);

/*
 * Make the new file @leaf in @dir with the content of @from, a regular file
 * below the tree, by the first of @ways (bits of enum uw_stand_in) that works.
 * *@file_ret is open for writing, or UW_FILE_NONE for a hard link.  Copying is
 * done in pieces, and ends with UW_ERR_CANCELLED soon after *@stop is set.
 */
enum uw_status uw_file_duplicate(const struct uw_tree *tree, const char *from,
				 uw_dir dir, const char *leaf, bool executable,
				 int ways, const atomic_bool *stop,
				 int *way_ret, uw_file *file_ret,
				 struct uw_error *err);

/* Set the time of modification, in seconds since 1970. */
enum uw_status uw_file_set_mtime(uw_file file, int64_t seconds,
				 struct uw_error *err);

/*
 * @file is gone in any case.  An error says that some of its data may be gone
 * too: file systems that write late (NFS, quotas) tell it here.
 */
enum uw_status uw_file_close(uw_file file, struct uw_error *err);

#endif
