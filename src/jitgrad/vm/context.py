"""What the interpreter runs in: ``execute(context, start, stop)`` runs the instructions start ≤ i < stop."""

from __future__ import annotations

from typing import Annotated

from jitgrad.vm.records import Count, Counts, Elements, Record, Shared, pointer_to, record

MOST_TASKS = 32
"""That a thread pool is given at once: a ticket has a bit for each."""


@record
class ContextDescriptor(Record):
    """A Program with its memory."""

    execute: Count  # address of the interpreter, by which compiled code calls it
    code: Counts  # instructions, WIDTH numbers each
    table: Counts  # numbers of instructions that have more of them
    arena: Elements
    lanes: Count  # instruction behind the Program's, from which on there is room for the lanes of a loop
    pool: Annotated[int, pointer_to("Pool")]  # null where this thread works alone


@record
class Pool(Record):
    """Tasks that the threads of a pool share: the lanes of a loop. See ``kernels/tasks.py``."""

    ticket: Shared  # how often there was something to share, and in the lower half a bit for each task that nobody has begun
    done: Shared  # tasks
    leave: Shared  # whether helpers shall return to Python
    threads: Count  # with the one that shares
    context: Annotated[int, pointer_to("ContextDescriptor")]  # of the tasks, without a pool
    loop: Count  # instruction
    count: Count  # tasks
