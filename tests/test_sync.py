"""Locks and conditions of the core."""

from __future__ import annotations

import threading
import time

import pytest
from internals import room

DECLARATIONS = """
struct uw_mutex { uint64_t room[8]; };
struct uw_cond { uint64_t room[8]; };
bool uw_mutex_init(struct uw_mutex *);
void uw_mutex_destroy(struct uw_mutex *);
void uw_mutex_lock(struct uw_mutex *);
void uw_mutex_unlock(struct uw_mutex *);
bool uw_cond_init(struct uw_cond *);
void uw_cond_destroy(struct uw_cond *);
void uw_cond_wait(struct uw_cond *, struct uw_mutex *);
bool uw_cond_wait_for(struct uw_cond *, struct uw_mutex *, int);
void uw_cond_signal(struct uw_cond *);
void uw_cond_broadcast(struct uw_cond *);
"""


@pytest.fixture
def sync():
    """The room, a mutex and a condition."""
    ffi, lib = room(DECLARATIONS, "sync_posix")
    mutex, cond = ffi.new("struct uw_mutex *"), ffi.new("struct uw_cond *")
    assert lib.uw_mutex_init(mutex)
    assert lib.uw_cond_init(cond)
    yield lib, mutex, cond
    lib.uw_cond_destroy(cond)
    lib.uw_mutex_destroy(mutex)


@pytest.mark.parametrize("milliseconds", [-1, 0, 30, 999])
def test_a_wait_ends_when_its_time_has_passed(sync, milliseconds):
    """
    Not before, and with the answer that it has passed.
    """
    lib, mutex, cond = sync
    end = time.monotonic() + milliseconds / 1000

    lib.uw_mutex_lock(mutex)
    while lib.uw_cond_wait_for(cond, mutex, milliseconds):
        assert time.monotonic() < end  # woken for no reason
    lib.uw_mutex_unlock(mutex)

    assert end - 0.002 <= time.monotonic()


@pytest.mark.parametrize("wake", ["signal", "broadcast"])
def test_waiters_are_woken_with_the_mutex_held(sync, wake):
    """
    Each of several waiters takes exactly one token.
    """
    lib, mutex, cond = sync
    tokens, taken = [], []

    def wait(timed):
        lib.uw_mutex_lock(mutex)
        while not tokens:
            if timed:
                lib.uw_cond_wait_for(cond, mutex, 60000)
            else:
                lib.uw_cond_wait(cond, mutex)
        taken.append(tokens.pop())
        lib.uw_mutex_unlock(mutex)

    threads = [threading.Thread(target=wait, args=[i % 2]) for i in range(4)]
    for thread in threads:
        thread.start()
    for token in range(4):
        lib.uw_mutex_lock(mutex)
        tokens.append(token)
        getattr(lib, f"uw_cond_{wake}")(cond)
        lib.uw_mutex_unlock(mutex)
    for thread in threads:
        thread.join()

    assert [0, 1, 2, 3] == sorted(taken)
    assert [] == tokens
