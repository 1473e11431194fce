/*
 * handles.c - giving back a handle together with the place it is kept in
 *
 * For callers that may be interrupted between a call and the line after it:
 * whoever owns the place owns what is put there, from the first moment.
 */
#include "base.h"

void uw_archive_drop(struct uw_archive **place)
{
	uw_archive_close(*place);
	*place = NULL;
}

void uw_reader_drop(struct uw_reader **place)
{
	uw_reader_close(*place);
	*place = NULL;
}

void uw_forward_drop(struct uw_forward **place)
{
	uw_forward_close(*place);
	*place = NULL;
}

void uw_tree_drop(struct uw_tree **place)
{
	uw_tree_close(*place);
	*place = NULL;
}

void uw_newfile_drop(struct uw_newfile **place)
{
	uw_newfile_close(*place);
	*place = NULL;
}

void uw_batch_drop(struct uw_batch **place)
{
	uw_batch_free(*place);
	*place = NULL;
}
