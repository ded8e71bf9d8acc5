"""The words by which threads share runs of instructions. Compiled code's side is ``kernels/together.py``."""

from __future__ import annotations

# Each word stands on a cache line of its own, so that who writes one does not slow down who reads another.
# TICKET: how often there was something to share, and in its lower half a bit for each run that nobody has begun.
# DONE: how many runs are done. LEAVE: whether helpers shall return to Python. The rest is what the runs are.
TICKET, DONE, LEAVE, THREADS, EXECUTE, CODE, TABLE, ARENA, FIRST, COUNT, LENGTH = range(0, 88, 8)
TEAM_SIZE = 88
MOST_RUNS = 32
