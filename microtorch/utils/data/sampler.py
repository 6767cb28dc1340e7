"""Samplers: in which order the samples of a dataset are taken, and how they form batches."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

import numpy as np

from ... import dtypes
from ...ops.data import as_tensor
from ...ops.generator import Generator, stream
from ...ops.random import multinomial, randint, randperm

Array = np.ndarray[Any, np.dtype[Any]]
T_co = TypeVar("T_co", covariant=True)

CHUNK = 32  # indices drawn at once with replacement
RUN = 4096  # indices counted at once, as a dataset may say that it is longer than memory


def draw_seed(generator: Generator | None = None) -> int:
    """A random integer of 63 bits."""
    return stream(generator, "random_").word64() % 2**63


class Sampler(Generic[T_co]):
    """An iterable of indices, or of lists of indices; a subclass has `__iter__`, and mostly `__len__`."""

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError


class SequentialSampler(Sampler[int]):
    """0, 1, 2, … up to the length of the dataset."""

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def _runs(self) -> Iterator[Array]:
        """The indices, many at a time."""
        n = len(self.data_source)
        for start in range(0, n, RUN):
            yield np.arange(start, min(start + RUN, n))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """Indices in random order; with `replacement` drawn independently of each other.

    `num_samples`: how many, the length of the dataset unless given. Without a `generator` each pass has one of its own,
    seeded from the default generator.
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement should be a boolean value, but got replacement={replacement}")
        if not isinstance(self.num_samples, int) or self.num_samples <= 0:
            raise ValueError(f"num_samples should be a positive integer value, but got num_samples={self.num_samples}")

    @property
    def num_samples(self) -> int:
        """How many indices a pass gives; the dataset may grow meanwhile."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        for run in self._runs():
            yield from run.tolist()

    def _runs(self) -> Iterator[Array]:
        """The indices, those together that are drawn together."""
        n = len(self.data_source)
        generator = self.generator
        if generator is None:
            generator = Generator()
            generator.manual_seed(draw_seed())
        passes, rest = divmod(self.num_samples, CHUNK if self.replacement else n)
        if self.replacement:
            for count in itertools.chain(itertools.repeat(CHUNK, passes), (rest,)):
                yield randint(high=n, size=(count,), dtype=dtypes.int64, generator=generator)._array
        else:
            for _ in range(passes):
                yield randperm(n, generator=generator)._array
            if rest or generator is self.generator:  # which is drawn from even if nothing is needed
                yield randperm(n, generator=generator)._array[:rest]

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """The given indices in random order."""

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        for i in randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """`num_samples` indices, index i with probability weights[i] / Σ weights; none twice without `replacement`."""

    def __init__(
        self,
        weights: Sequence[float],
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        if not is_count(num_samples):
            raise ValueError(f"num_samples should be a positive integer value, but got num_samples={num_samples}")
        if not isinstance(replacement, bool):
            raise ValueError(f"replacement should be a boolean value, but got replacement={replacement}")
        tensor = as_tensor(weights, dtype=dtypes.float64)
        if tensor.dim() != 1:
            raise ValueError(f"weights should be a 1d sequence but given weights have shape {tuple(tensor.shape)}")
        self.weights = tensor
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        yield from multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator).tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """Lists of `batch_size` indices of another sampler; a shorter last one is left out with `drop_last`."""

    def __init__(self, sampler: Sampler[int] | Iterable[int], batch_size: int, drop_last: bool) -> None:
        if not is_count(batch_size):
            raise ValueError(f"batch_size should be a positive integer value, but got batch_size={batch_size}")
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if self.drop_last and len(batch) < self.batch_size:
                return
            yield batch

    def arrays(self) -> Iterator[Array] | None:
        """The same batches as arrays; None where the indices need not be integers."""
        if type(self) is BatchSampler and type(self.sampler) in (RandomSampler, SequentialSampler):
            return self._cut(self.sampler._runs())  # type: ignore[union-attr]
        return None

    def _cut(self, runs: Iterator[Array]) -> Iterator[Array]:
        run, start = np.empty(0, np.int64), 0
        while True:
            end = start + self.batch_size
            while end > len(run):
                more = next(runs, None)
                if more is None:
                    if start < len(run) and not self.drop_last:
                        yield run[start:]
                    return
                run, start, end = np.concatenate((run[start:], more)), 0, self.batch_size
            yield run[start:end]
            start = end

    def __len__(self) -> int:
        whole, rest = divmod(len(self.sampler), self.batch_size)  # type: ignore[arg-type]
        return whole + (rest > 0 and not self.drop_last)


def is_count(value: Any) -> bool:
    """Whether a value is a positive integer."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
