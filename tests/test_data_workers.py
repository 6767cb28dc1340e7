"""A DataLoader that is asked for worker processes: the same batches without them, or a refusal."""

from __future__ import annotations

from typing import Any

import pytest
from alike import assert_same
from sides import OURS, Side
from test_data import data, rows, state, stream

pytestmark = [
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),  # of torch, where there are few processors
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork:DeprecationWarning"),
]

WORKERS: list[dict[str, Any]] = [
    {"num_workers": 1, "batch_size": 4},
    {"num_workers": 2, "batch_size": 3, "shuffle": True, "timeout": 60},
    {"num_workers": 2, "batch_size": 3, "drop_last": True, "prefetch_factor": 1},
]


@pytest.mark.parametrize("options", WORKERS, ids=str)
def test_worker_processes_that_make_no_difference(options: dict[str, Any]) -> None:
    """The batches that workers would make come from this process, as does every random number: also how early."""

    def case(side: Side) -> Any:
        side.module.manual_seed(0)
        part = data(side).Subset(rows(side), [1, 0, 5, 7, 3, 3, 2])
        loader = data(side).DataLoader(part, **options)
        start = iter(loader)
        drawn = state(side)
        return list(start), list(loader), drawn, state(side), loader.prefetch_factor, data(side).get_worker_info()

    assert_same(case)


def test_indices_are_drawn_as_early_as_for_workers() -> None:
    def case(side: Side) -> Any:
        log: list[Any] = []

        def numbers() -> Any:
            for i in range(8):
                log.append(i)
                yield i

        loader = data(side).DataLoader(rows(side), sampler=numbers(), num_workers=2, prefetch_factor=1)
        batches = iter(loader)
        while next(batches, None) is not None:
            log.append("batch")
        return log

    assert_same(case)


@pytest.mark.parametrize(
    "options",
    [
        {"num_workers": 1, "worker_init_fn": print},
        {"num_workers": 4, "collate_fn": list},
        {"num_workers": 2, "persistent_workers": True},
        {"num_workers": 2, "batch_size": None},
        {"num_workers": 2, "multiprocessing_context": "fork"},
    ],
    ids=str,
)
def test_worker_processes_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(NotImplementedError, match="microtorch does not have worker processes"):
        data(OURS).DataLoader(rows(OURS), **options)


def watched_rows(side: Side) -> Any:
    """A dataset whose rows a torch that has worker processes refuses to send from one to another."""
    return data(side).TensorDataset(side.module.ones(4, requires_grad=True))


@pytest.mark.parametrize("kind", [stream, lambda side: list(range(10)), watched_rows])
def test_worker_processes_are_refused_for(kind: Any) -> None:
    words = "microtorch does not have worker processes for loading data: num_workers must be 0, not 3, unless batches"
    with pytest.raises(NotImplementedError, match=words):
        data(OURS).DataLoader(kind(OURS), num_workers=3)
    loader = data(OURS).DataLoader(kind(OURS))
    loader.num_workers = 3
    with pytest.raises(NotImplementedError, match=words):
        iter(loader)


def test_nothing_is_drawn_ahead_of_no_batch() -> None:
    """torch says the same, but its half-made iterator then fails once more when it is collected."""
    loader = data(OURS).DataLoader(rows(OURS), num_workers=1, prefetch_factor=0)
    with pytest.raises(
        AssertionError, match="prefetch_factor must be greater than 0 for MultiProcessingDataLoaderIter"
    ):
        iter(loader)
