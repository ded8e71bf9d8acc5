"""Locks in a process that may be forked."""

from __future__ import annotations

import logging  # noqa: F401  (before a fork, its lock is to be taken after ours, which is held by what may log)
import os
import threading


def lock() -> threading.RLock:
    """Return a reentrant lock that is free in a forked process.

    Only the forking thread survives in the child, so a lock held by another thread would never be released there. A fork
    therefore waits until the lock is free. The data that it guards is then also consistent in the child. LLVM treats its own
    locks in the same way.
    """
    made = threading.RLock()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=made.acquire, after_in_parent=made.release, after_in_child=made.release)
    return made


loading = lock()
"""The single lock for compiling and loading code. With two, forks could take them in different orders."""
