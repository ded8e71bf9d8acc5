"""The context in which the interpreter runs: ``execute(context, start, stop)`` runs the instructions start ≤ i < stop."""

from __future__ import annotations

from typing import Annotated

from jitgrad.vm.records import Count, Counts, Elements, Record, Shared, pointer_to, record

MOST_TASKS = 32
"""Maximum number of tasks of a thread pool: a ticket has one bit for each."""


@record
class ContextDescriptor(Record):
    """A Program with its memory."""

    execute: Count  # address of the interpreter, through which compiled code calls it
    code: Counts  # instructions, WIDTH words each
    table: Counts  # operands of instructions that do not fit in a row
    arena: Elements
    lanes: Count  # instruction after the Program, at which the copies for the lanes of loops begin
    pool: Annotated[int, pointer_to("Pool")]  # null if this thread works alone


@record
class Pool(Record):
    """Tasks that the threads of a pool share: the lanes of a loop. See ``kernels/tasks.py``."""

    ticket: Shared  # number of shared loops so far and, in the lower half, one bit for each task that has not begun
    done: Shared  # finished tasks
    leave: Shared  # whether helpers should return to Python
    threads: Count  # number of threads, including the one that shares
    context: Annotated[int, pointer_to("ContextDescriptor")]  # one context for each task, without pools
    loop: Count  # instruction
    count: Count  # number of tasks
