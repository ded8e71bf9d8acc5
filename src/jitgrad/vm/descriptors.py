"""Descriptors of the native training loop: passes over rows, and its position. The loop is in ``train.py``."""

from __future__ import annotations

from typing import Annotated

from jitgrad.vm.records import Count, Counts, Elements, Flag, Reals, Record, pointer_to, record


@record
class BatchDescriptor(Record):
    """A Program for a batch of a given number of rows."""

    context: Annotated[int, pointer_to("ContextDescriptor")]
    stop: Count  # instruction
    trips: Count  # maximum number of steps of a run if the Program is a loop of steps; 0 if it is a single step
    loss: Count  # place in the arena; for a loop, of the first trip
    sums: Count  # place in the arena; for a loop, of the first trip
    slots: Counts  # place in the arena of each data array


@record
class Feed(Record):
    """A data array."""

    rows: Elements
    width: Count  # elements of a row


@record
class Copy(Record):
    """A Variable that an evaluation pass copies from the training arena."""

    source: Count  # place in the training arena
    batch: Annotated[int, pointer_to("BatchDescriptor")]
    place: Count  # place in the evaluation arena
    size: Count  # number of elements


@record
class PassDescriptor(Record):
    """A pass over rows in batches."""

    full: Annotated[int, pointer_to("BatchDescriptor")]
    tail: Annotated[int, pointer_to("BatchDescriptor")]  # the last, smaller batch, or ``full``
    rows: Count
    size: Count  # rows of a full batch
    feeds: Annotated[int, pointer_to("Feed")]
    n_feeds: Count  # 0 if the data is already in the arena
    order: Counts  # permutation of the rows
    shuffles: Flag
    seed: Count
    copies: Annotated[int, pointer_to("Copy")]
    n_copies: Count
    n_state: Count  # elements of state at the start of the arena
    n_sums: Count
    losses: Reals  # mean over rows of each epoch
    sums: Reals  # n_sums for each epoch


@record
class Position(Record):
    """The position of the loop."""

    epoch: Count
    row: Count
    evaluates: Flag  # whether the epoch is in its evaluation pass
    not_finite: Flag  # whether a loss or the state was not finite
