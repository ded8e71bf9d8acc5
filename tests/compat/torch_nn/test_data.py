"""Data sets, samplers and loaders."""

from __future__ import annotations

from collections import Counter, namedtuple
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import jitgrad.compat.torch as torch
from jitgrad.compat.torch.utils import data
from jitgrad.compat.torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset


class Squares(Dataset):
    def __init__(self, rows: int = 10) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, index: int) -> Any:
        return torch.tensor([float(index)]), index**2


class Stream(IterableDataset):
    def __iter__(self) -> Iterator[int]:
        return iter(range(7))


def table(rows: int = 10) -> TensorDataset:
    return TensorDataset(torch.arange(2 * rows).reshape(rows, 2).float(), torch.arange(rows))


def sizes(loader: Any) -> list[int]:
    return [len(batch[0]) for batch in loader]


def rows(loader: Any) -> list[int]:
    return [n for _, y in loader for n in y.tolist()]


@pytest.mark.parametrize("made", [table, Squares])
def test_batches(made: Callable[[], Any]) -> None:
    assert sizes(DataLoader(made(), batch_size=4)) == [4, 4, 2]
    assert sizes(DataLoader(made(), batch_size=4, drop_last=True)) == [4, 4]
    assert len(DataLoader(made(), batch_size=4)) == 3 and len(DataLoader(made(), batch_size=4, drop_last=True)) == 2
    x, y = next(iter(DataLoader(made(), batch_size=3, num_workers=2, pin_memory=True)))
    assert x.dtype is torch.float32 and y.dtype is torch.int64 and isinstance(next(iter(DataLoader(made()))), list)


def test_rows_of_a_table_and_of_a_data_set_are_alike() -> None:
    class Rows(Dataset):
        def __len__(self) -> int:
            return 10

        def __getitem__(self, index: int) -> Any:
            return table()[index]

    for fast, slow in zip(DataLoader(table(), 4), DataLoader(Rows(), 4), strict=True):
        assert all(torch.equal(a, b) and a.dtype is b.dtype for a, b in zip(fast, slow, strict=True))


@pytest.mark.parametrize("made", [table, lambda: data.Subset(table(20), range(0, 20, 2))])
def test_shuffling(made: Callable[[], Any]) -> None:
    loader = DataLoader(made(), batch_size=3, shuffle=True, generator=torch.Generator().manual_seed(1))
    first, second = rows(loader), rows(loader)
    assert first != second and sorted(first) == sorted(second) == rows(DataLoader(made()))
    again = DataLoader(made(), batch_size=3, shuffle=True, generator=torch.Generator().manual_seed(1))
    assert rows(again) == first
    torch.manual_seed(3)
    seeded = rows(DataLoader(made(), shuffle=True))
    torch.manual_seed(3)
    assert rows(DataLoader(made(), shuffle=True)) == seeded


def test_a_table_that_is_longer_than_what_is_taken_at_once() -> None:
    loader = DataLoader(table(9000), batch_size=64, shuffle=True)
    assert sorted(rows(loader)) == list(range(9000)) and sizes(loader)[-1] == 9000 % 64
    x, y = next(iter(loader))
    assert torch.equal(x[:, 0], 2.0 * y)


def test_a_table_that_requires_gradients() -> None:
    x = torch.ones(4, 1, requires_grad=True)
    sum(batch.sum() for (batch,) in DataLoader(TensorDataset(x), batch_size=2)).backward()
    assert x.grad.tolist() == [[1]] * 4


def test_samplers() -> None:
    assert list(data.SequentialSampler(range(3))) == [0, 1, 2]
    assert sorted(data.RandomSampler(range(5))) == [0, 1, 2, 3, 4]
    assert len(list(data.RandomSampler(range(3), replacement=True, num_samples=20))) == 20
    assert Counter(data.RandomSampler(range(3), num_samples=6)) == {0: 2, 1: 2, 2: 2}
    assert sorted(data.SubsetRandomSampler([7, 8])) == [7, 8]
    assert set(data.WeightedRandomSampler([0, 1, 0.0], 9)) == {1}
    assert sorted(data.WeightedRandomSampler(torch.tensor([1.0, 2.0]), 2, replacement=False)) == [0, 1]
    assert list(data.BatchSampler(range(5), 2, False)) == [[0, 1], [2, 3], [4]]
    assert rows(DataLoader(table(), sampler=[3, 1])) == [3, 1]
    assert sizes(DataLoader(table(), batch_sampler=[[0], [1, 2]])) == [1, 2]


def test_splits() -> None:
    a, b = data.random_split(table(), [7, 3])
    assert sorted([*a.indices, *b.indices]) == list(range(10)) and len(a) == 7
    assert [len(part) for part in data.random_split(range(10), [0.5, 0.25, 0.25])] == [6, 2, 2]
    same = [data.random_split(range(10), [5, 5], torch.Generator().manual_seed(42))[0].indices for _ in range(2)]
    assert same[0] == same[1]
    assert sorted(rows(DataLoader(a, batch_size=4))) == sorted(a.indices)


def test_compositions() -> None:
    both = table(3) + table(2)
    assert len(both) == 5 and both[-1][1].item() == 1 and isinstance(both, data.ConcatDataset)
    assert rows(DataLoader(both, batch_size=2)) == [0, 1, 2, 0, 1]
    assert list(data.ChainDataset([Stream(), Stream()])) == [*range(7)] * 2
    assert data.StackDataset(a=[1, 2], b=[3, 4])[1] == {"a": 2, "b": 4}


def test_streams() -> None:
    assert [batch.tolist() for batch in DataLoader(Stream(), batch_size=3)] == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(DataLoader(Stream(), batch_size=None)) == list(range(7))


Point = namedtuple("Point", "x y")


@pytest.mark.parametrize(
    ("batch", "wanted"),
    [
        ([1, 2], [1, 2]),
        ([0.5, 1.5], [0.5, 1.5]),
        ([np.float32(1), np.float32(2)], [1, 2]),
        ([np.ones(2), np.zeros(2)], [[1, 1], [0, 0]]),
        (["a", "b"], ["a", "b"]),
        ([{"a": 1, "b": [2.0]}, {"a": 3, "b": [4.0]}], {"a": [1, 3], "b": [[2, 4]]}),
        ([(1, "x"), (2, "y")], [[1, 2], ["x", "y"]]),
        ([Point(1, 2), Point(3, 4)], Point([1, 3], [2, 4])),
    ],
)
def test_collating(batch: list[Any], wanted: Any) -> None:
    def plain(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return value.tolist()
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if hasattr(value, "_fields"):
            return type(value)(*map(plain, value))
        return [plain(item) for item in value] if isinstance(value, list) else value

    assert plain(data.default_collate(batch)) == wanted


def test_dtypes_of_batches() -> None:
    assert data.default_collate([0.5]).dtype is torch.float64 and data.default_collate([1]).dtype is torch.int64
    assert data.default_collate([np.float32(1)]).dtype is torch.float32


def test_a_function_that_collates() -> None:
    loader = DataLoader(Squares(4), batch_size=2, collate_fn=lambda rows: sum(y for _, y in rows))
    assert list(loader) == [1, 13]
    assert [x.item() for x, _ in DataLoader(Squares(3), batch_size=None)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: TensorDataset(torch.ones(2), torch.ones(3)), "Size mismatch between tensors"),
        (lambda: DataLoader(table(), batch_size=0), "batch_size should be a positive integer value"),
        (lambda: DataLoader(table(), shuffle=True, sampler=[1]), "mutually exclusive with shuffle"),
        (lambda: DataLoader(table(), batch_size=2, batch_sampler=[[1]]), "mutually exclusive with batch_size"),
        (lambda: DataLoader(Stream(), shuffle=True), "IterableDataset does not support shuffle"),
        (lambda: data.random_split(range(3), [1, 1]), "Sum of input lengths does not equal"),
        (lambda: data.WeightedRandomSampler([0.0, 0.0], 1), "not all 0"),
        (lambda: data.DistributedSampler, "one process"),
    ],
)
def test_wrong_uses(wrong: Callable[[], Any], words: str) -> None:
    with pytest.raises((ValueError, AttributeError)) as caught:
        wrong()
    assert words in str(caught.value)
