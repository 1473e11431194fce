/*
 * injector.c - any system call of this process fails, is cut short, or is its
 * last
 *
 * A seccomp filter turns every call into a signal, whoever makes it: the core,
 * the interpreter, the C library inside.  The handler counts them, does one of
 * them harm, and makes all the others itself, from the one address that the
 * filter lets through.
 *
 * Left alone are calls that cannot fail for a reason outside of the process,
 * and those that the C library makes while it blocks signals.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef SYS_openat2
#define SYS_openat2 437
#endif

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NUMBERS_MAX  8192
#define UNKNOWN_LEN  ((size_t)-1)
#define LAST_NUMBER  1024

enum action { NOTHING, FAIL, SHORTEN, KILL_BEFORE, KILL_AFTER };

/* Which calls are counted, and may be harmed. */
enum kind {
	OTHER = 1,
	OPENS = 2,   /* gives a descriptor */
	WRITES = 4,  /* takes room on the disk */
	MEMORY = 8,  /* gives memory; trapped only when asked for */
	COUNTED = 16 /* has a count of bytes, of which fewer may be done */
};

/* Shared with who forks the process: it outlives a kill. */
struct injection {
	uint32_t action; /* enum action */
	uint32_t os_error;
	uint32_t nth;	  /* of the calls of these kinds, from 1, */
	uint32_t lasting; /* and all after it */
	uint32_t kinds;	  /* bits of enum kind */
	atomic_uint armed;
	atomic_uint calls;
	atomic_uint harmed; /* how many */
	uint32_t number;    /* of the first that was harmed */
	uint16_t numbers[NUMBERS_MAX];
};

static struct injection *injection;

/* ----------------------------------------------------- what goes through */

long injector_call(long number, long a, long b, long c, long d, long e, long f);
extern const char injector_called[];

#if defined(__x86_64__)

#define ARCHITECTURE AUDIT_ARCH_X86_64
__asm__(".text\n"
	".globl injector_call\n"
	".type injector_call, @function\n"
	"injector_call:\n"
	"	movq %rdi, %rax\n"
	"	movq %rsi, %rdi\n"
	"	movq %rdx, %rsi\n"
	"	movq %rcx, %rdx\n"
	"	movq %r8, %r10\n"
	"	movq %r9, %r8\n"
	"	movq 8(%rsp), %r9\n"
	"	syscall\n"
	".globl injector_called\n"
	"injector_called:\n"
	"	ret\n");

static void read_arguments(const ucontext_t *context, long *args)
{
	static const int registers[] = {REG_RDI, REG_RSI, REG_RDX,
					REG_R10, REG_R8,  REG_R9};

	for (size_t i = 0; i < COUNT(registers); i++)
		args[i] = (long)context->uc_mcontext.gregs[registers[i]];
}

static void answer(ucontext_t *context, long result)
{
	context->uc_mcontext.gregs[REG_RAX] = result;
}

#elif defined(__aarch64__)

#define ARCHITECTURE AUDIT_ARCH_AARCH64
__asm__(".text\n"
	".globl injector_call\n"
	".type injector_call, %function\n"
	"injector_call:\n"
	"	mov x8, x0\n"
	"	mov x0, x1\n"
	"	mov x1, x2\n"
	"	mov x2, x3\n"
	"	mov x3, x4\n"
	"	mov x4, x5\n"
	"	mov x5, x6\n"
	"	svc 0\n"
	".globl injector_called\n"
	"injector_called:\n"
	"	ret\n");

static void read_arguments(const ucontext_t *context, long *args)
{
	for (size_t i = 0; i < 6; i++)
		args[i] = (long)context->uc_mcontext.regs[i];
}

static void answer(ucontext_t *context, long result)
{
	context->uc_mcontext.regs[0] = (unsigned long long)result;
}

#else
#error "not known how this machine makes system calls"
#endif

static long make(long number, const long *args)
{
	return injector_call(number, args[0], args[1], args[2], args[3],
			     args[4], args[5]);
}

/* --------------------------------------------------------- kinds of calls */

static bool is_memory(long number)
{
	return number == SYS_mmap || number == SYS_brk || number == SYS_mremap;
}

static bool opens(long number, const long *args)
{
	switch (number) {
#ifdef SYS_open
	case SYS_open:
#endif
	case SYS_openat:
	case SYS_openat2:
	case SYS_dup:
	case SYS_dup3:
	case SYS_pipe2:
		return true;
	case SYS_fcntl:
		return args[1] == F_DUPFD || args[1] == F_DUPFD_CLOEXEC;
	default:
		return false;
	}
}

#define CLONE_REQUEST 0x40049409L

static bool writes(long number, const long *args)
{
	switch (number) {
#ifdef SYS_open
	case SYS_open:
		return (args[1] & O_CREAT) != 0;
	case SYS_mkdir:
	case SYS_rename:
	case SYS_link:
	case SYS_symlink:
#endif
#ifdef SYS_renameat
	case SYS_renameat:
#endif
	case SYS_mkdirat:
	case SYS_write:
	case SYS_pwrite64:
	case SYS_writev:
	case SYS_symlinkat:
	case SYS_linkat:
	case SYS_renameat2:
	case SYS_copy_file_range:
	case SYS_fsync:
	case SYS_syncfs:
		return true;
	case SYS_openat:
		return (args[2] & O_CREAT) != 0;
	case SYS_ioctl:
		return args[1] == CLONE_REQUEST;
	default:
		return false;
	}
}

/* Which argument counts bytes; UNKNOWN_LEN if none does. */
static size_t count_of(long number)
{
	switch (number) {
	case SYS_read:
	case SYS_write:
	case SYS_pread64:
	case SYS_pwrite64:
		return 2;
	case SYS_copy_file_range:
		return 4;
	case SYS_getrandom:
		return 1;
	default:
		return UNKNOWN_LEN;
	}
}

static unsigned kinds_of(long number, const long *args)
{
	unsigned kinds = is_memory(number) ? MEMORY : OTHER;

	if (opens(number, args))
		kinds |= OPENS;
	if (writes(number, args))
		kinds |= WRITES;
	if (count_of(number) != UNKNOWN_LEN)
		kinds |= COUNTED;
	return kinds;
}

/* -------------------------------------------------------------- the harm */

static void die(void)
{
	injector_call(SYS_kill, getpid(), SIGKILL, 0, 0, 0, 0);
}

/* Whatever close() says, on Linux the descriptor is gone. */
static long fail(long number, const long *args)
{
	if (number == SYS_close)
		make(number, args);
	return -(long)injection->os_error;
}

static long harm(long number, long *args)
{
	long result;

	if (atomic_fetch_add(&injection->harmed, 1) == 0)
		injection->number = (uint32_t)number;
	switch ((enum action)injection->action) {
	case FAIL:
		return fail(number, args);
	case SHORTEN:
		if (args[count_of(number)] > 1)
			args[count_of(number)] /= 2;
		return make(number, args);
	case KILL_BEFORE:
		die();
		return -EINTR;
	case KILL_AFTER:
		result = make(number, args);
		die();
		return result;
	case NOTHING:
		break;
	}
	return make(number, args);
}

static long serve(long number, long *args)
{
	unsigned call;

	if (!atomic_load(&injection->armed) ||
	    (kinds_of(number, args) & injection->kinds) == 0)
		return make(number, args);
	call = atomic_fetch_add(&injection->calls, 1) + 1;
	if (call <= NUMBERS_MAX)
		injection->numbers[call - 1] = (uint16_t)number;
	if (injection->action == NOTHING || call < injection->nth ||
	    (call > injection->nth && !injection->lasting))
		return make(number, args);
	return harm(number, args);
}

static void trapped(int signal, siginfo_t *info, void *context)
{
	long args[6];

	(void)signal;
	read_arguments(context, args);
	answer(context, serve(info->si_syscall, args));
}

/* ------------------------------------------------------------- the filter */

static const int passed[] = {
	SYS_rt_sigreturn,
	SYS_rt_sigprocmask,
	SYS_rt_sigaction,
	SYS_sigaltstack,
	SYS_futex,
	SYS_clone,
	SYS_clone3,
	SYS_exit,
	SYS_exit_group,
	SYS_set_robust_list,
	SYS_rseq,
	SYS_madvise,
	SYS_munmap,
	SYS_mprotect,
	SYS_sched_yield,
	SYS_gettid,
	SYS_getpid,
	SYS_tgkill,
	SYS_clock_gettime,
	SYS_clock_nanosleep,
	SYS_getuid,
	SYS_geteuid,
	SYS_getgid,
	SYS_getegid,
	SYS_set_tid_address,
	SYS_prctl,
	SYS_wait4,
	SYS_restart_syscall,
};

#define STEP(code, k, yes, no)                                                 \
	((struct sock_filter){(uint16_t)(code), (yes), (no), (uint32_t)(k)})
#define LOAD(field)                                                            \
	STEP(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field),   \
	     0, 0)
#define LOAD_HIGH(field)                                                       \
	STEP(BPF_LD | BPF_W | BPF_ABS,                                         \
	     offsetof(struct seccomp_data, field) + 4, 0, 0)
#define SKIP_UNLESS(k, steps) STEP(BPF_JMP | BPF_JEQ | BPF_K, k, 0, steps)
#define RETURN(what)	      STEP(BPF_RET | BPF_K, what, 0, 0)

static size_t pass(struct sock_filter *steps, size_t at, long number)
{
	steps[at++] = SKIP_UNLESS(number, 1);
	steps[at++] = RETURN(SECCOMP_RET_ALLOW);
	return at;
}

static bool filter(bool memory)
{
	uint64_t through = (uint64_t)(uintptr_t)injector_called;
	struct sock_filter steps[2 * COUNT(passed) + 16];
	struct sock_fprog program = {.filter = steps};
	size_t at = 0;

	steps[at++] = LOAD(arch);
	steps[at++] = SKIP_UNLESS(ARCHITECTURE, 4);
	steps[at++] = LOAD(instruction_pointer);
	steps[at++] = SKIP_UNLESS(through, 3);
	steps[at++] = LOAD_HIGH(instruction_pointer);
	steps[at++] = SKIP_UNLESS(through >> 32, 1);
	steps[at++] = RETURN(SECCOMP_RET_ALLOW);
	steps[at++] = LOAD(nr);
	for (size_t i = 0; i < COUNT(passed); i++)
		at = pass(steps, at, passed[i]);
	if (!memory) {
		at = pass(steps, at, SYS_mmap);
		at = pass(steps, at, SYS_mremap);
		at = pass(steps, at, SYS_brk);
	}
	steps[at++] = RETURN(SECCOMP_RET_TRAP);
	program.len = (unsigned short)at;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* ---------------------------------------------------------- for Python */

int injector_start(struct injection *told);
int injector_number(const char *name);
void injector_arm(int armed);

/* For good: in a process that is made for it.  Nothing is counted yet. */
int injector_start(struct injection *told)
{
	struct sigaction action = {.sa_sigaction = trapped,
				   .sa_flags = SA_SIGINFO};

	injection = told;
	if (sigaction(SIGSYS, &action, NULL) != 0)
		return -1;
	return filter((told->kinds & MEMORY) != 0) ? 0 : -1;
}

/* That of a call which is called so; -1 if it is not known here. */
int injector_number(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} calls[] = {
		{"newfstatat", SYS_newfstatat},
		{"unlinkat", SYS_unlinkat},
		{"openat", SYS_openat},
		{"openat2", SYS_openat2},
		{"read", SYS_read},
		{"pread64", SYS_pread64},
		{"write", SYS_write},
		{"pwrite64", SYS_pwrite64},
		{"flock", SYS_flock},
		{"copy_file_range", SYS_copy_file_range},
		{"ioctl", SYS_ioctl},
		{"syncfs", SYS_syncfs},
		{"getrandom", SYS_getrandom},
	};

	for (size_t i = 0; i < COUNT(calls); i++)
		if (strcmp(calls[i].name, name) == 0)
			return calls[i].number;
	return -1;
}

void injector_arm(int armed)
{
	atomic_store(&injection->armed, (unsigned)armed);
}
