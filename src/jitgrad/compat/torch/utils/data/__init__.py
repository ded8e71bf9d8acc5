"""``torch.utils.data``: data sets, samplers and loaders."""

from jitgrad.compat.modules import missing
from jitgrad.compat.torch.utils.data.collate import default_collate, default_convert
from jitgrad.compat.torch.utils.data.dataset import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)
from jitgrad.compat.torch.utils.data.loader import DataLoader
from jitgrad.compat.torch.utils.data.sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)


def get_worker_info() -> None:
    """Return None: everything is loaded in this process."""


__all__ = [
    "BatchSampler",
    "ChainDataset",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "IterableDataset",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "StackDataset",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "WeightedRandomSampler",
    "default_collate",
    "default_convert",
    "get_worker_info",
    "random_split",
]

__getattr__ = missing(
    "torch.utils.data",
    __all__,
    {"DistributedSampler": "jitgrad runs in one process; use RandomSampler."},
)
