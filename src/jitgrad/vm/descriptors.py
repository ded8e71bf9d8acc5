"""What the native loop over epochs is given: passes over rows, and where it is. Its side is ``train.py``."""

from __future__ import annotations

from typing import Annotated

from jitgrad.vm.records import Count, Counts, Elements, Flag, Reals, Record, pointer_to, record


@record
class BatchDescriptor(Record):
    """A Program for a number of rows."""

    context: Annotated[int, pointer_to("ContextDescriptor")]
    stop: Count  # instruction
    trips: Count  # steps that a run does at most, if the Program is a loop of them; 0 where it is a step
    loss: Count  # place in the arena, of a loop that of the first trip
    sums: Count  # place in the arena, of a loop that of the first trip
    slots: Counts  # place in the arena of each array of data


@record
class Feed(Record):
    """An array of data."""

    rows: Elements
    width: Count  # elements of a row


@record
class Copy(Record):
    """A Variable that an evaluation pass takes from the training arena."""

    source: Count  # place there
    batch: Annotated[int, pointer_to("BatchDescriptor")]
    place: Count  # in its arena
    size: Count  # elements


@record
class PassDescriptor(Record):
    """A pass over rows, batch by batch."""

    full: Annotated[int, pointer_to("BatchDescriptor")]
    tail: Annotated[int, pointer_to("BatchDescriptor")]  # the smaller last one, or ``full``
    rows: Count
    size: Count  # rows of a full batch
    feeds: Annotated[int, pointer_to("Feed")]
    n_feeds: Count  # 0 where they stand in the arena already
    order: Counts  # of the rows
    shuffles: Flag
    seed: Count
    copies: Annotated[int, pointer_to("Copy")]
    n_copies: Count
    n_state: Count  # elements of the arena, from its start on
    n_sums: Count
    losses: Reals  # of each epoch, the mean over rows
    sums: Reals  # n_sums of each epoch


@record
class Position(Record):
    """Where the loop is."""

    epoch: Count
    row: Count
    evaluates: Flag  # whether the epoch is at its evaluation pass
    not_finite: Flag  # whether a loss or the state was not
