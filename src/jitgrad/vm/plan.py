"""The numbers, most of them addresses, by which the native loop knows what to do. Its side is ``train.py``."""

from __future__ import annotations

# A pass over rows: the Program for full batches; LOSS and SUMS are places in its arena.
CODE, TABLE, ARENA, STOP, LOSS, SUMS = range(6)
TAIL = 6  # then the same of the Program for the smaller last batch
FEEDS, ORDER, COPIES, LOSSES, RECORDS, ROWS, BATCH, SHUFFLE, SEED, N_FEEDS, N_COPIES, N_STATE, N_SUMS = range(12, 25)
PASS_SIZE = 25

# The columns of FEEDS, a row for each array of data: its address, a row's elements, the slots in the two arenas.
FEED_DATA, FEED_WIDTH, FEED_FULL, FEED_TAIL = range(4)
# The columns of COPIES: a place in the training arena, 0 or TAIL for one of the looking arenas, a place there, a size.
COPY_FROM, COPY_PART, COPY_TO, COPY_SIZE = range(4)
# The position: the epoch, the row in it, whether the epoch is at its looking pass, whether something was not finite.
EPOCH, ROW, LOOKING, NOT_FINITE = range(4)
