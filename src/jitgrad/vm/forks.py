"""Locks in a process that may be forked."""

from __future__ import annotations

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
