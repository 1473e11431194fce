/*
 * sync.h - mutexes, conditions and a clock; C11 atomics come from <stdatomic.h>
 */
#ifndef UW_SYNC_H
#define UW_SYNC_H

#include "base.h"

/*
 * Room for the system's own type, which sync_*.c puts there: nothing is
 * allocated, and no system header comes in here.  They are not to be copied.
 */
struct uw_mutex {
	u64 room[8];
};

struct uw_cond {
	u64 room[8];
};

/* False when out of memory or of system objects. */
bool uw_mutex_init(struct uw_mutex *mutex);
void uw_mutex_destroy(struct uw_mutex *mutex);
void uw_mutex_lock(struct uw_mutex *mutex);
void uw_mutex_unlock(struct uw_mutex *mutex);

bool uw_cond_init(struct uw_cond *cond);
void uw_cond_destroy(struct uw_cond *cond);

/* May return without a signal, like every condition: wait in a loop. */
void uw_cond_wait(struct uw_cond *cond, struct uw_mutex *mutex);

/*
 * False when @milliseconds have passed, by a clock that nobody sets.  A true
 * may come without a signal.
 */
bool uw_cond_wait_for(struct uw_cond *cond, struct uw_mutex *mutex,
		      int milliseconds);
void uw_cond_signal(struct uw_cond *cond);
void uw_cond_broadcast(struct uw_cond *cond);

#endif
