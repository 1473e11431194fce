/*
 * tree_name.c - which names may be created below a tree
 *
 * Pure: no system call, no allocation.  Lengths of components are left to the
 * file system, whose limits differ.
 */
#include "tree_name.h"

static enum uw_status refuse(struct uw_error *err, const char *why)
{
	return uw_fail(err, UW_ERR_NAME, UW_WHY_NONE, 0, "%s", why);
}

enum uw_status uw_name_check_leaf(const char *name, size_t len,
				  struct uw_error *err)
{
	if (len == 0)
		return refuse(err, "an empty component is not a name");
	if (len == 1 && name[0] == '.')
		return refuse(err, "'.' is not a name");
	if (len == 2 && name[0] == '.' && name[1] == '.')
		return refuse(err, "'..' is not a name");
	if (memchr(name, '\0', len) != NULL)
		return refuse(err, "a NUL byte inside a name");
	if (memchr(name, '/', len) != NULL)
		return refuse(err, "a '/' inside a component");
	return UW_OK;
}

enum uw_status uw_name_check(const char *name, size_t len, struct uw_error *err)
{
	const char *const end = name + len;
	const char *slash;
	enum uw_status status;

	if (len > UW_NAME_MAX)
		return refuse(err, "a name of more than 4095 bytes");
	for (;; name = slash + 1) {
		slash = memchr(name, '/', (size_t)(end - name));
		status = uw_name_check_leaf(
			name, (size_t)((slash != NULL ? slash : end) - name),
			err);
		if (status != UW_OK || slash == NULL)
			return status;
	}
}

size_t uw_name_parent_len(const char *name, size_t len)
{
	while (len > 0 && name[len - 1] != '/')
		len--;
	return len > 0 ? len - 1 : 0;
}

/* Compares the ASCII letters of @part with @upper, which is upper case. */
static bool equals_upper(const char *part, const char *upper, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = part[i];

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		if (c != upper[i])
			return false;
	}
	return true;
}

/* COM and LPT take a digit, or one of the superscripts 1, 2, 3 of Latin-1. */
static bool is_port_digit(const char *tail, size_t len)
{
	const u8 *t = (const u8 *)tail;

	if (len == 1)
		return t[0] >= '0' && t[0] <= '9';
	return len == 2 && t[0] == 0xC2 &&
	       (t[1] == 0xB9 || t[1] == 0xB2 || t[1] == 0xB3);
}

/* Win32 looks at what is before the first dot, without spaces at its end. */
static bool is_device(const char *part, size_t len)
{
	static const char *const devices[] = {
		"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$"};
	const char *dot = memchr(part, '.', len);
	size_t stem_len = dot != NULL ? (size_t)(dot - part) : len;

	while (stem_len > 0 && part[stem_len - 1] == ' ')
		stem_len--;
	for (size_t i = 0; i < ARRAY_LEN(devices); i++)
		if (strlen(devices[i]) == stem_len &&
		    equals_upper(part, devices[i], stem_len))
			return true;
	return stem_len > 3 &&
	       (equals_upper(part, "COM", 3) || equals_upper(part, "LPT", 3)) &&
	       is_port_digit(part + 3, stem_len - 3);
}

bool uw_name_is_portable(const char *part, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((u8)part[i] < 0x20 ||
		    strchr("<>:\"/\\|?*", part[i]) != NULL)
			return false;
	if (len == 0 || part[len - 1] == '.' || part[len - 1] == ' ')
		return false;
	return !is_device(part, len);
}
