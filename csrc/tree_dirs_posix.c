/*
 * tree_dirs_posix.c - making directories
 */
#include "tree_posix.h"

/*
 * A walk from directory to directory, with few handles however deep the tree.
 *
 * A handle is opened when a child is made, not before.  The one of level L lies
 * in handles[L % WALK_HANDLES]; a deeper level that needs the place takes it,
 * and the shallower one is opened again from the root when we come back.  So a
 * place never holds a level other than the one that asks for it.
 */
#define WALK_HANDLES 16

struct walk {
	const struct uw_tree *tree;
	size_t depth; /* components in path; 0 is the root */
	size_t len;
	char path[UW_NAME_MAX + 1]; /* where we are; known to be a directory */
	int handles[WALK_HANDLES];
};

static int *walk_place(struct walk *walk, size_t depth)
{
	return &walk->handles[depth % WALK_HANDLES];
}

static void walk_drop(struct walk *walk, size_t depth)
{
	int *place = walk_place(walk, depth);

	uw_fd_close(*place);
	*place = -1;
}

static void walk_begin(struct walk *walk, const struct uw_tree *tree)
{
	walk->tree = tree;
	walk->depth = 0;
	walk->len = 0;
	walk->path[0] = '\0';
	for (size_t i = 0; i < WALK_HANDLES; i++)
		walk->handles[i] = -1;
}

static void walk_end(struct walk *walk)
{
	for (size_t i = 0; i < WALK_HANDLES; i++)
		walk_drop(walk, i);
}

static void walk_up(struct walk *walk)
{
	walk_drop(walk, walk->depth);
	walk->depth--;
	walk->len = uw_name_parent_len(walk->path, walk->len);
	walk->path[walk->len] = '\0';
}

static const char *walk_leaf(const struct walk *walk)
{
	size_t parent_len = uw_name_parent_len(walk->path, walk->len);

	return walk->path + parent_len + (walk->depth > 1);
}

/* The handle of @depth, if it is open. */
static int walk_known(struct walk *walk, size_t depth)
{
	return depth == 0 ? walk->tree->root : *walk_place(walk, depth);
}

/* Open where we are, by the parent if that is open, else from the root. */
static enum uw_status walk_open(struct walk *walk, int *dir_ret,
				struct uw_error *err)
{
	int dir = walk_known(walk, walk->depth);
	enum uw_status status = UW_OK;

	if (dir < 0) {
		int parent = walk_known(walk, walk->depth - 1);

		if (parent < 0)
			status = uw_below_open(walk->tree, walk->path,
					       walk->len, &dir, err);
		else if ((dir = uw_child_open(parent, walk_leaf(walk))) < 0)
			status = uw_fail_os(err, errno, "openat");
		*walk_place(walk, walk->depth) = dir;
	}
	*dir_ret = dir;
	return status;
}

/* Go to the child @part, making it; one that exists must be a directory. */
static enum uw_status walk_down(struct walk *walk, const char *part, size_t len,
				struct uw_error *err)
{
	enum uw_status status;
	int dir;

	status = walk_open(walk, &dir, err);
	if (status != UW_OK)
		return status;

	if (walk->depth > 0)
		walk->path[walk->len++] = '/';
	memcpy(walk->path + walk->len, part, len);
	walk->len += len;
	walk->path[walk->len] = '\0';
	walk->depth++;
	walk_drop(walk, walk->depth);

	if (mkdirat(dir, walk_leaf(walk), 0777) == 0)
		return UW_OK;
	status = errno == EEXIST ? walk_open(walk, &dir, err)
				 : uw_fail_os(err, errno, "mkdirat");
	if (status != UW_OK)
		walk_up(walk);
	return status;
}

/* Whether we are at @name or above it. */
static bool walk_is_above(const struct walk *walk, const char *name)
{
	return strncmp(walk->path, name, walk->len) == 0 &&
	       (walk->len == 0 || name[walk->len] == '/' ||
		name[walk->len] == '\0');
}

static enum uw_status walk_to(struct walk *walk, const char *name,
			      struct uw_error *err)
{
	enum uw_status status = uw_name_check(name, strlen(name), err);
	const char *part;

	if (status != UW_OK)
		return status;
	while (!walk_is_above(walk, name))
		walk_up(walk);
	part = name + walk->len;
	while (status == UW_OK && *part != '\0') {
		size_t len;

		part += *part == '/';
		len = strcspn(part, "/");
		status = walk_down(walk, part, len, err);
		part += len;
	}
	return status;
}

enum uw_status uw_tree_make_dirs(const struct uw_tree *tree,
				 const char *const *names, size_t count,
				 size_t *failed_ret, struct uw_error *err)
{
	enum uw_status status = UW_OK;
	struct walk walk;

	*failed_ret = 0;
	walk_begin(&walk, tree);
	for (size_t i = 0; i < count && status == UW_OK; i++) {
		status = walk_to(&walk, names[i], err);
		if (status != UW_OK)
			*failed_ret = i;
	}
	walk_end(&walk);
	return status;
}

int uw_tree_mkdir(const struct uw_tree *tree, const char *name,
		  struct uw_error *err)
{
	size_t failed;

	return (int)uw_tree_make_dirs(tree, &name, 1, &failed, err);
}

/*
 * Make the child @leaf of @parent, and open it.  It may be swapped for a link
 * in between: uw_child_open() follows none.
 */
static enum uw_status make_child(int parent, const char *leaf, uw_dir *dir_ret,
				 struct uw_error *err)
{
	int dir;

	if (mkdirat(parent, leaf, 0777) != 0 && errno != EEXIST)
		return uw_fail_os(err, errno, "mkdirat");
	dir = uw_child_open(parent, leaf);
	if (dir < 0)
		return uw_fail_os(err, errno, "openat");
	*dir_ret = dir;
	return UW_OK;
}

enum uw_status uw_dir_make(const struct uw_tree *tree, const char *name,
			   size_t name_len, uw_dir *dir_ret,
			   struct uw_error *err)
{
	enum uw_status status = uw_name_check(name, name_len, err);
	char path[UW_NAME_MAX + 1];
	struct uw_place place;

	*dir_ret = UW_DIR_NONE;
	if (status != UW_OK)
		return status;
	memcpy(path, name, name_len);
	path[name_len] = '\0';
	status = uw_place_open(tree, path, &place, err);
	if (status == UW_OK)
		status = make_child(place.dir, place.leaf, dir_ret, err);
	uw_place_close(&place);
	return status;
}
