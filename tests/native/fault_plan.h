/*
 * fault_plan.h - which call fails, for the programs that have calls fail
 */
#ifndef FAULT_PLAN_H
#define FAULT_PLAN_H

#define FAULTS_REAL
#include "faults.h"

#include "base.h"

struct fault {
	enum kind {
		NOTHING,
		MEMORY,
		OPEN,
		CLOSE,
		READ,
		WRITE,
		SHARE, /* what makes a second file of one content */
		TIME,
		NAME /* what gives a name to something */
	} kind;
	int os_error;  /* of READ may be 0: the file ends there */
	u32 nth;       /* the call that fails, from 1, */
	bool for_ever; /* and all after it, not that one alone */
	bool harmless; /* every other call fails, and is to be tried again */
};

/* What is to happen, and whether reads and writes do a part of what they may.
 */
extern struct fault fault;
extern bool fault_pieces;

/* Count from now on; nothing has failed yet. */
void fault_begin(void);
bool fault_fired(void);

/* What the core has and has not given back. */
int fault_blocks(void);
int fault_descriptors(void);

#endif
