/*
 * trial_tree.c - what a tree answers, the same on every system
 *
 *   trial_tree DIRECTORY
 *
 * Works in the empty DIRECTORY and prints each step that went another way. Only
 * the core's own calls and <stdio.h>: it is built for Windows, too.
 */
#include "tree.h"

#include <stdio.h>
#include <stdlib.h>

#define ALL_WAYS (UW_STAND_HARDLINK | UW_STAND_REFLINK | UW_STAND_COPY)

struct trial {
	const char *root;
	struct uw_tree *tree;
	struct uw_error err;
	int way;
	int wrong;
};

static void expect(struct trial *trial, const char *step, int expected,
		   int found)
{
	if (found == expected)
		return;
	trial->wrong++;
	printf("%s: %d, expected %d (%s, %d)\n", step, found, expected,
	       trial->err.message, trial->err.os_error);
}

/* @content NULL: there is no such file. */
static void expect_file(struct trial *trial, const char *name,
			const char *content)
{
	char path[1024], found[64];
	size_t len;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", trial->root, name);
	file = fopen(path, "rb");
	expect(trial, name, content != NULL, file != NULL);
	if (file == NULL)
		return;
	len = fread(found, 1, sizeof(found) - 1, file);
	found[len] = '\0';
	fclose(file);
	if (content != NULL)
		expect(trial, name, 0, strcmp(found, content));
}

static int put(struct trial *trial, const char *name, const char *text)
{
	return uw_tree_put(trial->tree, name, (const uint8_t *)text,
			   strlen(text), &trial->err);
}

static int stand_in(struct trial *trial, const char *name, const char *target,
		    int ways)
{
	return uw_tree_stand_in(trial->tree, name, target, ways, &trial->way,
				&trial->err);
}

static void try_put(struct trial *trial)
{
	expect(trial, "mkdir", UW_OK,
	       uw_tree_mkdir(trial->tree, "folder", &trial->err));
	expect(trial, "put", UW_OK, put(trial, "a/x", "one"));
	expect_file(trial, "a/x", "one");
	expect(trial, "put over", UW_OK, put(trial, "a/x", "second"));
	expect_file(trial, "a/x", "second");
	expect(trial, "put on a folder", UW_ERR_SYSTEM,
	       put(trial, "folder", "x"));
	expect(trial, "put outside", UW_ERR_NAME, put(trial, "../x", "x"));
}

static void try_stand_in(struct trial *trial)
{
	expect(trial, "hard link", UW_OK,
	       stand_in(trial, "h", "a/x", ALL_WAYS));
	expect(trial, "hard link's way", UW_STAND_HARDLINK, trial->way);
	expect_file(trial, "h", "second");
	expect(trial, "copy over a name of the same file", UW_OK,
	       stand_in(trial, "h", "a/x", UW_STAND_COPY));
	expect(trial, "copy's way", UW_STAND_COPY, trial->way);
	expect_file(trial, "h", "second");
	expect(trial, "hard link twice", UW_OK,
	       stand_in(trial, "h", "a/x", UW_STAND_HARDLINK) |
		       stand_in(trial, "h", "a/x", UW_STAND_HARDLINK));
	expect_file(trial, "h", "second");

	expect(trial, "no ways", UW_ERR_USAGE, stand_in(trial, "n", "a/x", 0));
	expect(trial, "of a folder", UW_ERR_SYSTEM,
	       stand_in(trial, "n", "folder", ALL_WAYS));
	expect(trial, "of nothing", UW_ERR_SYSTEM,
	       stand_in(trial, "n", "nothing", ALL_WAYS));
	expect(trial, "in place of a folder", UW_ERR_SYSTEM,
	       stand_in(trial, "folder", "a/x", ALL_WAYS));
	expect_file(trial, "n", NULL);
	expect(trial, "can hard link", 1,
	       uw_tree_can_hardlink(trial->tree, &trial->err));
}

static int duplicate(struct trial *trial, const char *leaf, int ways,
		     bool stopped)
{
	atomic_bool stop = stopped;
	uw_file file = UW_FILE_NONE;
	uw_dir dir;
	int status;

	status = (int)uw_dir_open(trial->tree, "a", 1, &dir, &trial->err);
	if (status != UW_OK)
		return status;
	status = (int)uw_file_duplicate(trial->tree, "a/x", dir, leaf, false,
					ways, &stop, &trial->way, &file,
					&trial->err);
	expect(trial, "an open file", file != UW_FILE_NONE,
	       status == UW_OK && trial->way != UW_STAND_HARDLINK);
	if (file != UW_FILE_NONE) {
		expect(trial, "set mtime", UW_OK,
		       (int)uw_file_set_mtime(file, 1000000000, &trial->err));
		expect(trial, "close", UW_OK,
		       (int)uw_file_close(file, &trial->err));
	}
	uw_dir_close(dir);
	return status;
}

static void try_duplicate(struct trial *trial)
{
	expect(trial, "linked", UW_OK,
	       duplicate(trial, "d1", UW_STAND_HARDLINK, false));
	expect(trial, "copied", UW_OK,
	       duplicate(trial, "d2", UW_STAND_COPY, false));
	expect_file(trial, "a/d1", "second");
	expect_file(trial, "a/d2", "second");
	expect(trial, "taken", UW_ERR_SYSTEM,
	       duplicate(trial, "d2", UW_STAND_HARDLINK, false));
	expect(trial, "taken", UW_ERR_SYSTEM,
	       duplicate(trial, "d1", UW_STAND_COPY, false));
	expect(trial, "stopped", UW_ERR_CANCELLED,
	       duplicate(trial, "d3", UW_STAND_COPY, true));
	expect_file(trial, "a/d3", NULL);
	expect(trial, "outside", UW_ERR_NAME,
	       duplicate(trial, "..", UW_STAND_COPY, false));
}

static int replace(struct trial *trial, const char *from, const char *to)
{
	return uw_tree_publish(trial->tree, from, to, UW_PUBLISH_REPLACE,
			       &trial->err);
}

static void try_replace(struct trial *trial)
{
	expect(trial, "put", UW_OK, put(trial, "new", "third"));
	expect(trial, "replace", UW_OK, replace(trial, "new", "a/x"));
	expect_file(trial, "new", NULL);
	expect_file(trial, "a/x", "third");
	expect(trial, "replace a folder", UW_ERR_SYSTEM,
	       replace(trial, "a/x", "folder"));
	expect(trial, "by a folder", UW_ERR_SYSTEM,
	       replace(trial, "folder", "a/x"));
	expect(trial, "a folder by a folder", UW_ERR_SYSTEM,
	       replace(trial, "a", "folder"));
	expect(trial, "nothing by a folder", UW_OK,
	       replace(trial, "folder", "renamed"));
	expect_file(trial, "a/x", "third");
}

static void try_times(struct trial *trial)
{
	static const char *const names[] = {"a/x", "a", ""};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		expect(trial, "set mtime", UW_OK,
		       uw_tree_set_mtime(trial->tree, names[i], 1000000000,
					 &trial->err));
	expect(trial, "mtime of nothing", UW_ERR_SYSTEM,
	       uw_tree_set_mtime(trial->tree, "nothing", 0, &trial->err));
}

int main(int argc, char **argv)
{
	struct trial trial = {.root = argc > 1 ? argv[1] : "."};

	if (uw_tree_open(trial.root, UW_TREE_BEST, &trial.tree, &trial.err) !=
	    UW_OK) {
		printf("%s: %s\n", trial.root, trial.err.message);
		return EXIT_FAILURE;
	}
	try_put(&trial);
	try_stand_in(&trial);
	try_duplicate(&trial);
	try_replace(&trial);
	try_times(&trial);
	uw_tree_close(trial.tree);
	return trial.wrong > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
