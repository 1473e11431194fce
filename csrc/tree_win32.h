/*
 * tree_win32.h - what the tree_*_win32.c files know of each other
 *
 *   tree_win32.c          the tree, opening what is below it, places
 *   tree_dirs_win32.c     making directories
 *   tree_file_win32.c     new files and what is written to them
 *   tree_copy_win32.c     a second file of the same content
 *   tree_link_win32.c     symlinks, and second names of files
 *   tree_publish_win32.c  names that are taken in one step
 *   tree_system_win32.c   calls by a handle and a component, and their errors
 *
 * The tree_*_posix.c files are divided alike.
 */
#ifndef UW_TREE_NT_H
#define UW_TREE_NT_H

#include "tree.h"
#include "tree_name.h"

#include <windows.h>
#include <winternl.h>

static_assert(sizeof(HANDLE) == sizeof(intptr_t), "a HANDLE in an intptr_t");

struct uw_tree {
	HANDLE root;
};

/* ------------------------------------------------------ tree_system_win32.c */

enum uw_status uw_fail_last(struct uw_error *err, const char *call);
enum uw_status uw_fail_nt(struct uw_error *err, NTSTATUS result,
			  const char *call);

/* A link where none may be. */
enum uw_status uw_fail_link(struct uw_error *err);
enum uw_status uw_fail_memory(struct uw_error *err);

/* One component, as Windows wants it. */
struct uw_component {
	USHORT len; /* bytes */
	WCHAR text[256];
};

enum uw_status uw_component_read(const char *part, size_t len,
				 struct uw_component *component,
				 struct uw_error *err);

/* A name, as the open directory it is in and its last component. */
struct uw_place {
	HANDLE dir;
	struct uw_component leaf;
};

/* How NtCreateFile() is to open or make something. */
struct uw_request {
	ACCESS_MASK access;
	ULONG disposition;
	ULONG options;
	ULONG share;
};

#define UW_SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
#define UW_ANY_KIND  (FILE_OPEN_REPARSE_POINT | FILE_SYNCHRONOUS_IO_NONALERT)

/* To rename, link or delete whatever it is. */
extern const struct uw_request uw_handle_any;

#define UW_NAME_COLLISION ((NTSTATUS)0xC0000035)

/* Open or make what @place names itself, never what that points to. */
NTSTATUS uw_handle_open(struct uw_place *place,
			const struct uw_request *request, HANDLE *handle_ret);

enum uw_kind { UW_KIND_UNKNOWN, UW_KIND_FILE, UW_KIND_DIRECTORY, UW_KIND_LINK };

enum uw_kind uw_kind_of(HANDLE handle);

/* NULL is taken, and ignored. */
void uw_handle_close(HANDLE handle);

/* Whether a name that is taken is an error, or gives way. */
enum uw_taken { UW_TAKEN_FAILS, UW_TAKEN_GOES };

/* The file of @handle gets another name, or a second one. */
NTSTATUS uw_handle_rename(HANDLE handle, const struct uw_place *to,
			  enum uw_taken taken);
NTSTATUS uw_handle_link(HANDLE handle, const struct uw_place *to,
			enum uw_taken taken);
NTSTATUS uw_handle_delete(HANDLE handle);

/* ------------------------------------------------------------- tree_win32.c */

/* The longest path that Windows takes, in UTF-16 units with its NUL. */
#define UW_PATH_UNITS 32768

extern const struct uw_request uw_open_dir;
extern const struct uw_request uw_make_dir;

/* From the root through all of @name, which may be empty. */
enum uw_status uw_enter_all(const struct uw_tree *tree, const char *name,
			    size_t len, const struct uw_request *request,
			    HANDLE *dir_ret, struct uw_error *err);

enum uw_status uw_place_open(const struct uw_tree *tree, const char *name,
			     const struct uw_request *parents,
			     struct uw_place *place, struct uw_error *err);
void uw_place_close(struct uw_place *place);
enum uw_kind uw_place_kind(struct uw_place *place);

/* -------------------------------------------------------- tree_file_win32.c */

/* A new file, which can also be renamed, linked and deleted by its handle. */
enum uw_status uw_file_make(struct uw_place *at, HANDLE *file_ret,
			    struct uw_error *err);

/* ----------------------------------------------------- tree_publish_win32.c */

/* ".unwheel-" and 64 random bits: nobody can be waiting at that name. */
enum uw_status uw_temporary_choose(struct uw_component *leaf,
				   struct uw_error *err);

/*
 * Make something new at the name @at, as @recipe says, and leave it open.  It
 * leaves nothing there when it fails.
 */
typedef enum uw_status uw_maker(struct uw_place *at, void *recipe,
				HANDLE *made_ret, struct uw_error *err);

/*
 * Have @make make it under a name that is chosen here, then put it in the place
 * of what @to names, in one step; a directory is in the way.
 */
enum uw_status uw_place_replace(struct uw_place *to, uw_maker *make,
				void *recipe, struct uw_error *err);

/* -------------------------------------------------------- tree_link_win32.c */

/* A second name for an open file; UW_ERR_SYSTEM if it is not a file. */
enum uw_status uw_link_make(HANDLE file, struct uw_place *to,
			    enum uw_taken taken, struct uw_error *err);

#endif
