/*
 * tree_posix.h - what the tree_*_posix.c files know of each other
 *
 *   tree_posix.c          the tree, opening what is below it, places
 *   tree_dirs_posix.c     making directories
 *   tree_file_posix.c     new files and what is written to them
 *   tree_copy_posix.c     a second file of the same content
 *   tree_link_posix.c     symlinks, and second names of files
 *   tree_publish_posix.c  names that are taken in one step
 *   tree_system_posix.c   what only some of the systems can do
 *
 * The tree_*_win32.c files are divided alike.
 */
#ifndef UW_TREE_POSIX_H
#define UW_TREE_POSIX_H

#define _FILE_OFFSET_BITS 64
#include "tree.h"
#include "tree_name.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static_assert(sizeof(off_t) == 8, "files of more than 2 GiB");

struct uw_tree {
	int root;
	bool beneath; /* openat2() works here; decided once, in uw_tree_open */
};

/*
 * A handle that only names a directory needs no permission to read it, so both
 * ways ask for the same: to search what is above.
 */
#ifdef O_PATH
#define UW_DIR_FLAGS (O_PATH | O_DIRECTORY | O_CLOEXEC)
#else
#define UW_DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#endif

/* ------------------------------------------------------------- tree_posix.c */

/* -1 is taken, and ignored; errno stays what it is. */
void uw_fd_close(int fd);

/* The type of an entry, never of what a link points to; 0 if there is none. */
mode_t uw_type_of(int dir, const char *leaf);

/* Open the child directory @leaf of @parent; ELOOP if it is a link. */
int uw_child_open(int parent, const char *leaf);

/* Open a directory by a name that uw_name_check() has passed. */
enum uw_status uw_below_open(const struct uw_tree *tree, const char *name,
			     size_t len, int *dir_ret, struct uw_error *err);

/* A name, as the open directory it is in and its last component. */
struct uw_place {
	int dir;
	const char *leaf; /* points into the name */
};

enum uw_status uw_place_open(const struct uw_tree *tree, const char *name,
			     struct uw_place *place, struct uw_error *err);

/* The same, making the parents if there are none yet. */
enum uw_status uw_place_make(const struct uw_tree *tree, const char *name,
			     struct uw_place *place, struct uw_error *err);
void uw_place_close(struct uw_place *place);

/* ----------------------------------------------------- tree_publish_posix.c */

/* ".unwheel-" and 64 random bits: nobody can be waiting at that name. */
struct uw_temporary {
	char name[9 + 16 + 1];
};

/* 0, or -1 and errno. */
int uw_temporary_choose(struct uw_temporary *temporary);

/*
 * Make something new called @leaf in @dir, as @recipe says.  It leaves nothing
 * there when it fails, and says EEXIST if the name is taken.
 */
typedef enum uw_status uw_maker(int dir, const char *leaf, void *recipe,
				struct uw_error *err);

/* Have @make make it under a name that is chosen here. */
enum uw_status uw_temporary_make(int dir, uw_maker *make, void *recipe,
				 struct uw_temporary *temporary,
				 struct uw_error *err);

/* The same, then put it in the place of what @to names, in one step. */
enum uw_status uw_place_replace(const struct uw_place *to, uw_maker *make,
				void *recipe, struct uw_error *err);

/* -------------------------------------------------------- tree_link_posix.c */

/* A uw_maker: a second name of what the struct uw_place @from names. */
enum uw_status uw_hardlink_make(int dir, const char *leaf, void *from,
				struct uw_error *err);

/* ------------------------------------------------------ tree_system_posix.c */

/* All of these answer as system calls do, ENOSYS where there is no such. */

/* openat2() of a directory, following no link and never leaving @root. */
int uw_system_open_beneath(int root, const char *path);

enum uw_system_rename { UW_RENAME_NEW, UW_RENAME_EXCHANGE };

/* One rename that fails with EEXIST if @to exists, or swaps the two. */
int uw_system_rename(int from_dir, const char *from, int to_dir, const char *to,
		     enum uw_system_rename how);

/* Flush the file system of @root. */
int uw_system_sync(int root);

/*
 * Let the empty new file *@fd, called @leaf in @dir, share the blocks of @from.
 * *@fd may be another descriptor afterwards; the mode is the same.
 */
int uw_system_clone(int from, int dir, const char *leaf, int *fd);

/* copy_file_range() at the same offset of both. */
ssize_t uw_system_copy(int from, int to, off_t offset, size_t len);

#endif
