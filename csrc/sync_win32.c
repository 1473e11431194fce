/*
 * sync_win32.c - slim locks and condition variables
 */
#include "sync.h"

#include <windows.h>

static_assert(sizeof(SRWLOCK) <= sizeof(struct uw_mutex), "room");
static_assert(sizeof(CONDITION_VARIABLE) <= sizeof(struct uw_cond), "room");

static SRWLOCK *native_mutex(struct uw_mutex *mutex)
{
	return (SRWLOCK *)(void *)mutex->room;
}

static CONDITION_VARIABLE *native_cond(struct uw_cond *cond)
{
	return (CONDITION_VARIABLE *)(void *)cond->room;
}

bool uw_mutex_init(struct uw_mutex *mutex)
{
	InitializeSRWLock(native_mutex(mutex));
	return true;
}

/* Both kinds hold nothing that could be given back. */
void uw_mutex_destroy(struct uw_mutex *mutex)
{
	(void)mutex;
}

void uw_mutex_lock(struct uw_mutex *mutex)
{
	AcquireSRWLockExclusive(native_mutex(mutex));
}

void uw_mutex_unlock(struct uw_mutex *mutex)
{
	ReleaseSRWLockExclusive(native_mutex(mutex));
}

bool uw_cond_init(struct uw_cond *cond)
{
	InitializeConditionVariable(native_cond(cond));
	return true;
}

void uw_cond_destroy(struct uw_cond *cond)
{
	(void)cond;
}

void uw_cond_wait(struct uw_cond *cond, struct uw_mutex *mutex)
{
	SleepConditionVariableSRW(native_cond(cond), native_mutex(mutex),
				  INFINITE, 0);
}

bool uw_cond_wait_for(struct uw_cond *cond, struct uw_mutex *mutex,
		      int milliseconds)
{
	DWORD span = milliseconds > 0 ? (DWORD)milliseconds : 0;

	return SleepConditionVariableSRW(native_cond(cond), native_mutex(mutex),
					 span, 0) != 0;
}

void uw_cond_signal(struct uw_cond *cond)
{
	WakeConditionVariable(native_cond(cond));
}

void uw_cond_broadcast(struct uw_cond *cond)
{
	WakeAllConditionVariable(native_cond(cond));
}
