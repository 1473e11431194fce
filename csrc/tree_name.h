/*
 * tree_name.h - which names may be created below a tree
 *
 * Pure.  Python has judged every name before; this is the second look of a core
 * that trusts nobody, and the same on every system.
 */
#ifndef UW_TREE_NAME_H
#define UW_TREE_NAME_H

#include "error.h"

/*
 * Bytes of a whole name, without its NUL: what one openat2() can take.  Walking
 * in steps could go deeper; the bound makes both ways refuse the same names.
 */
#define UW_NAME_MAX 4095

/*
 * UW_ERR_NAME unless @name is one or more components with a '/' between each
 * two, none of them '', '.' or '..', and no NUL in it.
 */
enum uw_status uw_name_check(const char *name, size_t len,
			     struct uw_error *err);

/* The same for a single component. */
enum uw_status uw_name_check_leaf(const char *name, size_t len,
				  struct uw_error *err);

/* The bytes of @name before its last '/', 0 if there is none. */
size_t uw_name_parent_len(const char *name, size_t len);

/*
 * Whether Windows would take the component for a file of just this name: no
 * separator, stream, wildcard or control character, no dot or space at its end
 * (Win32 would drop it), not a device (CON, aux.py, COM1 ...).
 */
bool uw_name_is_portable(const char *part, size_t len);

#endif
