/*
 * sync_posix.c - mutexes and conditions of pthreads
 *
 * Lock and unlock cannot fail on a mutex that was initialised and is used as
 * intended; the asserts are for us, not for input.
 */
#include "sync.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

static_assert(sizeof(pthread_mutex_t) <= sizeof(struct uw_mutex), "room");
static_assert(sizeof(pthread_cond_t) <= sizeof(struct uw_cond), "room");
static_assert(_Alignof(pthread_mutex_t) <= _Alignof(struct uw_mutex), "place");
static_assert(_Alignof(pthread_cond_t) <= _Alignof(struct uw_cond), "place");

static pthread_mutex_t *native_mutex(struct uw_mutex *mutex)
{
	return (pthread_mutex_t *)(void *)mutex->room;
}

static pthread_cond_t *native_cond(struct uw_cond *cond)
{
	return (pthread_cond_t *)(void *)cond->room;
}

static void must_work(int result)
{
	assert(result == 0);
	(void)result;
}

bool uw_mutex_init(struct uw_mutex *mutex)
{
	return pthread_mutex_init(native_mutex(mutex), NULL) == 0;
}

void uw_mutex_destroy(struct uw_mutex *mutex)
{
	must_work(pthread_mutex_destroy(native_mutex(mutex)));
}

void uw_mutex_lock(struct uw_mutex *mutex)
{
	must_work(pthread_mutex_lock(native_mutex(mutex)));
}

void uw_mutex_unlock(struct uw_mutex *mutex)
{
	must_work(pthread_mutex_unlock(native_mutex(mutex)));
}

static struct timespec from_milliseconds(int milliseconds)
{
	if (milliseconds < 0)
		milliseconds = 0;
	return (struct timespec){
		.tv_sec = milliseconds / 1000,
		.tv_nsec = (long)(milliseconds % 1000) * 1000000,
	};
}

#ifdef __APPLE__

static bool init_monotonic(pthread_cond_t *cond)
{
	return pthread_cond_init(cond, NULL) == 0;
}

static int wait_for(pthread_cond_t *cond, pthread_mutex_t *mutex,
		    struct timespec span)
{
	return pthread_cond_timedwait_relative_np(cond, mutex, &span);
}

#else

static bool init_monotonic(pthread_cond_t *cond)
{
	pthread_condattr_t attributes;
	bool ok;

	if (pthread_condattr_init(&attributes) != 0)
		return false;
	ok = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
	     pthread_cond_init(cond, &attributes) == 0;
	pthread_condattr_destroy(&attributes);
	return ok;
}

static int wait_for(pthread_cond_t *cond, pthread_mutex_t *mutex,
		    struct timespec span)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += span.tv_sec;
	until.tv_nsec += span.tv_nsec;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	return pthread_cond_timedwait(cond, mutex, &until);
}

#endif

bool uw_cond_init(struct uw_cond *cond)
{
	return init_monotonic(native_cond(cond));
}

void uw_cond_destroy(struct uw_cond *cond)
{
	must_work(pthread_cond_destroy(native_cond(cond)));
}

void uw_cond_wait(struct uw_cond *cond, struct uw_mutex *mutex)
{
	must_work(pthread_cond_wait(native_cond(cond), native_mutex(mutex)));
}

bool uw_cond_wait_for(struct uw_cond *cond, struct uw_mutex *mutex,
		      int milliseconds)
{
	int result = wait_for(native_cond(cond), native_mutex(mutex),
			      from_milliseconds(milliseconds));

	assert(result == 0 || result == ETIMEDOUT);
	return result != ETIMEDOUT;
}

void uw_cond_signal(struct uw_cond *cond)
{
	must_work(pthread_cond_signal(native_cond(cond)));
}

void uw_cond_broadcast(struct uw_cond *cond)
{
	must_work(pthread_cond_broadcast(native_cond(cond)));
}
