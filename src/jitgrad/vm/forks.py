"""Locks in a process that may be forked."""

from __future__ import annotations

import logging  # noqa: F401  (before a fork, its lock is to be taken after ours, which is held by what may log)
import os
import threading


def lock() -> threading.RLock:
    """A reentrant lock that a forked process finds free.

    Only the thread that forks lives on in the child: what another one holds at that moment would be held there for ever. So a
    fork waits until the lock is free. What it guards is whole in the child, too, as LLVM is with its own locks.
    """
    made = threading.RLock()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=made.acquire, after_in_parent=made.release, after_in_child=made.release)
    return made


loading = lock()
"""Who compiles or loads code has this one lock: two would be taken in either order by a fork."""
