/*
 * tree.h - create below a directory handle, never follow a link
 *
 * Names are relative, '/'-separated, and refused again here if a component is
 * empty, '.', '..' or holds a NUL: the core trusts nobody.
 */
#ifndef UW_TREE_H
#define UW_TREE_H

#include "error.h"

typedef intptr_t uw_dir;  /* an open directory below the tree */
typedef intptr_t uw_file; /* an open new file */

#define UW_DIR_NONE  ((uw_dir) - 1)
#define UW_FILE_NONE ((uw_file) - 1)

/*
 * Make the directories @names (sorted, so that a parent comes before its
 * children; each name's ancestors need not be listed).  One that exists is no
 * error; a link or a file in its place is.
 */
enum uw_status uw_tree_make_dirs(const struct uw_tree *tree,
				 const char *const *names, size_t count,
				 size_t *failed_ret, struct uw_error *err);

/* Open the directory @name (the empty name: the root) below the tree. */
enum uw_status uw_dir_open(const struct uw_tree *tree, const char *name,
			   size_t name_len, uw_dir *dir_ret,
			   struct uw_error *err);
void uw_dir_close(uw_dir dir);

/* Make a new file @leaf in @dir; anything that exists is an error. */
enum uw_status uw_file_create(uw_dir dir, const char *leaf, bool executable,
			      uw_file *file_ret, struct uw_error *err);
enum uw_status uw_file_write(uw_file file, u64 offset, const u8 *data,
			     size_t len, struct uw_error *err);
enum uw_status uw_file_close(uw_file file, struct uw_error *err);

#endif
