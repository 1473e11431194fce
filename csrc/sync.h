/*
 * sync.h - mutexes, conditions and a clock; C11 atomics come from <stdatomic.h>
 */
#ifndef UW_SYNC_H
#define UW_SYNC_H

#include "base.h"

struct uw_mutex {
	void *native;
};

struct uw_cond {
	void *native;
};

/* False when out of memory or of system objects. */
bool uw_mutex_init(struct uw_mutex *mutex);
void uw_mutex_destroy(struct uw_mutex *mutex);
void uw_mutex_lock(struct uw_mutex *mutex);
void uw_mutex_unlock(struct uw_mutex *mutex);

bool uw_cond_init(struct uw_cond *cond);
void uw_cond_destroy(struct uw_cond *cond);
void uw_cond_wait(struct uw_cond *cond, struct uw_mutex *mutex);

/* False when @milliseconds have passed. */
bool uw_cond_wait_for(struct uw_cond *cond, struct uw_mutex *mutex,
		      int milliseconds);
void uw_cond_signal(struct uw_cond *cond);
void uw_cond_broadcast(struct uw_cond *cond);

#endif
