"""DataLoader: batches of a dataset in the order of a sampler."""

from __future__ import annotations

import math
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Generic, TypeVar

import numpy as np

from ...engine import mode
from ...op import requires_grad
from ...ops.generator import Generator
from ...tensor import Tensor, wrap
from ._utils.collate import (
    collate_tensor_fn,
    default_collate,
    default_collate_fn_map,
    default_convert,
)
from .dataset import Dataset, IterableDataset, Subset, TensorDataset, fetch
from .sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler, draw_seed

T_co = TypeVar("T_co", covariant=True)

FIXED = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")


def get_worker_info() -> None:
    """What a worker process knows of itself: None in the process that runs the script, and there is no other."""


class _InfiniteConstantSampler(Sampler[None]):
    """None without end: what asks an iterable dataset for its next sample."""

    def __iter__(self) -> Iterator[None]:
        while True:
            yield None


class DataLoader(Generic[T_co]):
    """An iterable of batches: samples of `dataset` taken in the order of a sampler and put together by `collate_fn`.

    The sampler is sequential, random with `shuffle`, or given; `batch_sampler` gives lists of indices itself. With
    `batch_size=None` there are no batches, only samples. Every pass draws from `generator`, or the default one, also
    where nothing is shuffled. Data is loaded in this process: `num_workers` must be 0, unless it could make no difference.
    """

    _initialized = False

    def __init__(
        self,
        dataset: Dataset[T_co],
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Sampler[Any] | Iterable[Any] | None = None,
        batch_sampler: Sampler[list[Any]] | Iterable[list[Any]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        if num_workers > 0 and prefetch_factor is None:
            prefetch_factor = 2
        self.dataset = dataset
        self.num_workers = num_workers
        self.prefetch_factor = prefetch_factor
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.in_order = in_order

        self._is_iterable = isinstance(dataset, IterableDataset)
        if self._is_iterable:
            _check_unspecified(shuffle, sampler, batch_sampler)
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
                )
            batch_size = None
            drop_last = False
        elif batch_size is None and drop_last:
            raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")

        order: Any
        if sampler is not None:
            order = sampler
        elif self._is_iterable:
            order = _InfiniteConstantSampler()
        elif shuffle:
            order = RandomSampler(dataset, generator=generator)  # type: ignore[arg-type]
        else:
            order = SequentialSampler(dataset)  # type: ignore[arg-type]
        if batch_size is not None and batch_sampler is None:
            batch_sampler = BatchSampler(order, batch_size, drop_last)

        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = order
        self.batch_sampler = batch_sampler
        self.generator = generator
        if collate_fn is None:
            collate_fn = default_convert if batch_sampler is None else default_collate
        self.collate_fn = collate_fn
        self.persistent_workers = persistent_workers
        self._promised: int | None = None  # what an iterable dataset said when it was asked for its length
        self._require_no_worker()
        self._initialized = True

    def __setattr__(self, name: str, value: Any) -> None:
        if self._initialized and name in FIXED:
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    @property
    def multiprocessing_context(self) -> Any:
        """How worker processes are started; there are none."""
        return None

    @multiprocessing_context.setter
    def multiprocessing_context(self, multiprocessing_context: Any) -> None:
        if multiprocessing_context is not None and self.num_workers == 0:
            raise ValueError(
                "multiprocessing_context can only be used with multi-process loading (num_workers > 0), but got "
                f"num_workers={self.num_workers}"
            )
        if multiprocessing_context is not None:
            raise NotImplementedError("microtorch does not have worker processes: multiprocessing_context must be None")

    def __iter__(self) -> Iterator[Any]:
        self._require_no_worker()
        return _SingleProcessDataLoaderIter(self)

    def _require_no_worker(self) -> None:
        """Refuse worker processes wherever a script could tell them from this one.

        Rows of tensors put together by `default_collate` are the same numbers wherever that happens. Code of the script
        is another matter: workers have copies of the dataset, random numbers of their own and `get_worker_info`.
        """
        if self.num_workers == 0:
            return
        is_told = self.worker_init_fn is not None or self.persistent_workers or self.collate_fn is not default_collate
        if is_told or not _is_of_tensors(self.dataset):
            raise NotImplementedError(
                "microtorch does not have worker processes for loading data: num_workers must be 0, not "
                f"{self.num_workers}, unless batches of a TensorDataset are collated by default"
            )

    @property
    def _index_sampler(self) -> Any:
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    def __len__(self) -> int:
        if not self._is_iterable:
            return len(self._index_sampler)
        length = self._promised = len(self.dataset)  # type: ignore[arg-type]
        if self.batch_size is None:
            return length
        return length // self.batch_size if self.drop_last else math.ceil(length / self.batch_size)


class _SingleProcessDataLoaderIter:
    """One pass over a DataLoader."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        if loader.pin_memory and loader.pin_memory_device:
            warnings.warn(
                "pin_memory_device is deprecated, the current accelerator will be used as the device,ignore "
                f"pin_memory_device='{loader.pin_memory_device}'.",
                stacklevel=3,
            )
        if loader.pin_memory:
            warnings.warn(
                "'pin_memory' argument is set as true but no accelerator is found, then device pinned memory won't be "
                "used.",
                stacklevel=3,
            )
        self._dataset = loader.dataset
        self._index_sampler = loader._index_sampler
        self._batches = loader.batch_sampler is not None
        self._collate = loader.collate_fn
        self._drop_last = loader.drop_last
        arrays = None
        if self._collate is default_collate and isinstance(self._index_sampler, BatchSampler):
            arrays = self._index_sampler.arrays()  # so that the indices need not become integers one by one
        self._as_arrays = arrays is not None
        self._indices: Iterator[Any] = iter(self._index_sampler) if arrays is None else arrays
        self._base_seed = draw_seed(loader.generator)  # for worker processes, but drawn without them, too
        if loader.num_workers > 0:
            if loader.prefetch_factor == 0:
                raise AssertionError("prefetch_factor must be greater than 0 for MultiProcessingDataLoaderIter")
            self._indices = _Ahead(self._indices, loader.num_workers * loader.prefetch_factor)  # type: ignore[operator]
        elif loader.timeout != 0:
            raise AssertionError("_SingleProcessDataLoaderIter requires timeout == 0")
        self._promised = loader._promised
        self._yielded = 0
        self._samples: Iterator[Any] | None = iter(loader.dataset) if loader._is_iterable else None
        self._ended = False

    def __iter__(self) -> Iterator[Any]:
        return self

    def __len__(self) -> int:
        return len(self._index_sampler)

    def __next__(self) -> Any:
        index = next(self._indices)
        if self._samples is not None:
            return self._next_of_stream(self._samples, index)
        if not self._batches:
            return self._collate(self._dataset[index])
        if self._collate is default_collate and (self._as_arrays or _are_integers(index)):
            batch = _rows(self._dataset, index)
            if batch is not None:
                return batch
            if self._as_arrays:
                index = index.tolist()
        return self._collate(fetch(self._dataset, index))

    def _next_of_stream(self, samples: Iterator[Any], index: list[None] | None) -> Any:
        """The next sample or batch of an iterable dataset."""
        if self._ended:
            raise StopIteration
        if index is None:
            batch = next(samples)
        else:
            batch = []
            for _ in index:
                try:
                    batch.append(next(samples))
                except StopIteration:
                    self._ended = True
                    break
            if not batch or (self._drop_last and len(batch) < len(index)):
                raise StopIteration
        result = self._collate(batch)
        self._yielded += 1
        if self._promised is not None and self._yielded > self._promised:
            warnings.warn(
                f"Length of IterableDataset {self._dataset} was reported to be {self._promised}(when accessing "
                f"len(dataloader)), but {self._yielded} samples have been fetched. ",
                stacklevel=2,
            )
        return result

    def __getstate__(self) -> None:
        raise NotImplementedError("{} cannot be pickled", type(self).__name__)


class _Ahead:
    """Items of an iterator, drawn `count` ahead: as early as worker processes would be handed their indices."""

    def __init__(self, items: Iterator[Any], count: int) -> None:
        self._items = items
        self._drawn = deque(islice(items, count))

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if not self._drawn:
            raise StopIteration
        item = self._drawn.popleft()
        self._drawn.extend(islice(self._items, 1))
        return item


def _is_of_tensors(dataset: Any) -> bool:
    """Whether getting items of the dataset runs no code of the script and records nothing."""
    if type(dataset) is Subset:
        return _is_of_tensors(dataset.dataset)
    return type(dataset) is TensorDataset and not any(
        type(tensor) is not Tensor or requires_grad(tensor) for tensor in dataset.tensors
    )


def _are_integers(indices: Any) -> bool:
    return type(indices) is list and set(map(type, indices)) == {int}


def _rows(dataset: Any, indices: Any) -> list[Tensor] | None:
    """What `default_collate` makes of samples of a TensorDataset, or of a Subset of one, in one step for each tensor.

    None where this could show: classes derived from these, tensors that require gradients, other indices than integers,
    and what raises errors.
    """
    if type(dataset) is Subset and type(dataset.indices) in (list, tuple, range):
        try:
            indices = [dataset.indices[i] for i in indices]
        except (IndexError, TypeError):
            return None
        return _rows(dataset.dataset, indices) if _are_integers(indices) else None
    if type(dataset) is not TensorDataset or default_collate_fn_map.get(Tensor) is not collate_tensor_fn:
        return None
    batch = []
    try:
        places = indices if type(indices) is np.ndarray else np.array(indices, np.int64)
        for tensor in dataset.tensors:
            if type(tensor) is not Tensor or (requires_grad(tensor) and mode.grad):
                return None
            array = tensor._array
            rows = array.take(places, 0) if array.flags.c_contiguous else np.ascontiguousarray(array[places])
            batch.append(wrap(rows))
    except (IndexError, OverflowError):
        return None
    return batch


def _check_workers(
    num_workers: int, timeout: float = 0, prefetch_factor: int | None = None, persistent_workers: bool = False
) -> None:
    """Refuse what torch refuses, and options that only worker processes could have."""
    if num_workers < 0:
        raise ValueError("num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.")
    if timeout < 0:
        raise ValueError("timeout option should be non-negative")
    if num_workers == 0 and prefetch_factor is not None:
        raise ValueError(
            "prefetch_factor option could only be specified in multiprocessing.let num_workers > 0 to enable "
            "multiprocessing, otherwise set prefetch_factor to None."
        )
    if prefetch_factor is not None and prefetch_factor < 0:
        raise ValueError("prefetch_factor option should be non-negative")
    if num_workers == 0 and persistent_workers:
        raise ValueError("persistent_workers option needs num_workers > 0")


def _check_unspecified(shuffle: Any, sampler: Any, batch_sampler: Any) -> None:
    """An iterable dataset has an order of its own."""
    given = {"sampler": sampler, "batch_sampler": batch_sampler}
    if shuffle not in (False, None):
        given = {"shuffle": shuffle}
    for name, value in given.items():
        if value is not None:
            raise ValueError(
                f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={value}"
            )
