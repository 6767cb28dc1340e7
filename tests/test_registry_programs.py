"""Random programs over all operations of the table: views, changes in place, hooks, several backward passes.

Both libraries go in step. After each step what can be seen of the tensors is compared, and microtorch's take on torch's
numbers, which differ by roundings at most: so a comparison or a rounding to whole numbers later in the program sees the
same on both sides. `PROGRAMS=20000 EXPLORE=1 pytest tests/test_registry_programs.py` runs that many others.
"""

from __future__ import annotations

import os
import warnings
from typing import Any

import hypothesis.strategies as st
import numpy as np
import torch
from hypothesis import HealthCheck, given, settings
from programs import graph
from rows import Array, Case, Draw, Row, all_rows
from sides import SIDES, THEIRS, Outcome, Side, as_array, assert_same_error, float_positions, tensors_in
from test_programs import CHANGES, GRAPH, LIMIT, VIEWS, Word

Step = tuple[str, int, int, int, int]

# Whose numbers are whatever was in memory, or that torch itself computes otherwise each time.
UNDEFINED = {"empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided", "resize_", "resize_as_"}
ROWS = [row for row in all_rows() if row.every and row.name not in UNDEFINED and "float64" in row.dtypes]
LAPACK = {
    row.name for row in ROWS if row.name.startswith("linalg.") or row.name in ("pinverse", "svd", "qr", "inverse")
}
DTYPES = ["float64", "float64", "float32", "float64", "int64", "float64", "bool", "float32"]
FORMS = {
    row.name: [
        form
        for form in ("function", "method", "in_place")
        if form in row.forms and form not in row.lacks and THEIRS.find(row, form) is not None
    ]
    for row in ROWS
}
WORDS: dict[str, Word] = {name: word for name, word in (VIEWS | CHANGES | GRAPH).items() if name != "set data"}
ROUNDING = {"float64": 1e-9, "float32": 1e-3, "float16": 0.1}  # of the largest number; the programs begin in float64


class Notes:
    """What a program of one library has said."""

    def __init__(self) -> None:
        self.entries: list[Any] = []

    def __call__(self, *values: Any) -> None:
        self.entries += values


class Machine:
    """One library's part: `pool` are the tensors that the words of `test_programs` work on."""

    def __init__(self, side: Side) -> None:
        self.side, self.t = side, side.module
        self.say = Notes()
        self.records = True
        self.pool: list[Any] = []
        self.born: list[int] = []  # the versions with which they came

    def keep(self, tensor: Any) -> None:
        if not any(tensor is known for known in self.pool):
            self.pool.append(tensor)
            self.born.append(version(tensor))

    def forget_integers_with_history(self) -> None:
        """In torch integers may come to require a gradient when floats are written into them, and then views of them fail."""
        for place in reversed(range(len(self.pool))):
            tensor = self.pool[place]
            if tensor.requires_grad and not tensor.is_floating_point() and len(self.pool) > 1:
                del self.pool[place], self.born[place]


def version(tensor: Any) -> int:
    return -1 if tensor.is_inference() else tensor._version


class Pair:
    """A program on both libraries."""

    def __init__(self) -> None:
        self.machines = [Machine(side) for side in SIDES]

    def start(self, leaves: list[tuple[int, bool]]) -> None:
        shapes = [(3, 4), (), (2, 3), (3,), (2, 3, 2), (4,), (2, 3, 4)]
        for number, (kind, requires_grad) in enumerate(leaves):
            dtype = DTYPES[kind // len(shapes) % len(DTYPES)]
            array = Draw(dtype, number)(*shapes[kind % len(shapes)])
            for machine in self.machines:
                machine.keep(machine.side.tensor(array, requires_grad and dtype.startswith("float")))

    def step(self, step: Step) -> None:
        results = [Outcome(lambda machine=machine: self.act(machine, step)) for machine in self.machines]  # type: ignore[misc]
        theirs, ours = results
        if theirs.error is not None:
            assert ours.error is not None, f"microtorch does not fail, torch: {theirs.error!r}"
            assert_same_error(theirs.error, ours.error)
        elif ours.error is not None:
            raise ours.error
        assert_alike(theirs.value, ours.value)
        assert_alike(*(machine.say.entries for machine in self.machines))
        found = [list(tensors_in(outcome.value)) for outcome in results]
        for pair in zip(*found, strict=True):
            array = as_array(pair[0])
            if (
                array.size
                and array.ndim < 5
                and bool((np.abs(array.astype(float)) <= LIMIT).all())
                and not mixed(array)
            ):
                for machine, tensor in zip(self.machines, pair, strict=True):
                    machine.keep(tensor)
        self.look()

    def act(self, machine: Machine, step: Step) -> Any:
        word, a, b, k, seed = step
        with machine.t.set_grad_enabled(machine.records):
            if word in WORDS:
                x, y = (machine.pool[i % len(machine.pool)] for i in (a, b))
                x.grad_fn, y.grad_fn  # noqa: B018  (a view that lost its history says so before shapes are looked at)
                return WORDS[word](machine, x, y, k)
            row = ROWS[a % len(ROWS)]
            return operate(machine, row, row.every[b % len(row.every)], form_of(row, k), seed)

    def look(self) -> None:
        """Compare all tensors and their gradients, and let the numbers be the same."""
        for place, (theirs, ours) in enumerate(zip(*(machine.pool for machine in self.machines), strict=True)):
            changes = [version(machine.pool[place]) - machine.born[place] for machine in self.machines]
            assert changes[0] == changes[1], f"{changes[1]} changes in place, torch: {changes[0]}"
            assert_alike(theirs, ours)
            gradients = [Outcome(lambda tensor=tensor: tensor.grad) for tensor in (theirs, ours)]  # type: ignore[misc]
            assert_alike(*(outcome.value for outcome in gradients))
        for machine in self.machines:
            machine.forget_integers_with_history()


def mixed(array: Array) -> bool:
    """Whether elements share memory otherwise than by repeating: what writing there does, torch leaves open."""
    once = array[tuple(slice(None) if stride else slice(1) for stride in array.strides)]
    places = sum(np.ix_(*(np.arange(n) * step for n, step in zip(once.shape, once.strides, strict=True))))
    return np.unique(places).size < once.size


def well_posed(name: str, array: Array) -> bool:
    """Whether a decomposition has to give one answer: of a singular matrix LAPACK leaves what it happens to have."""
    if name in ("linalg.cholesky_ex", "linalg.eigh") or array.ndim < 2 or not np.isfinite(array).all():
        return False
    values = np.linalg.svd(array, compute_uv=False)
    return bool((values[..., -1] > 0.01 * values[..., 0]).all() and (np.diff(values) < -0.01 * values[..., :1]).all())


def operate(machine: Machine, row: Row, case: Case, form: str, seed: int) -> Any:
    """Call an operation; arguments for which the pool has tensors of their shape are such, the others are new."""
    dtype = DTYPES[(seed >> 9) % len(DTYPES)]
    call = case(Draw(dtype if dtype in row.dtypes and case in row.cases else "float64", seed))
    floats = float_positions(call)
    used: list[Any] = []

    def tensor(array: Array) -> Any:
        used.append(chosen(array, len(used)))
        return used[-1]

    def chosen(array: Array, place: int) -> Any:
        fitting = [t for t in machine.pool if tuple(t.shape) == array.shape and str(t.dtype).endswith(array.dtype.name)]
        if row.name in LAPACK:
            fitting = [t for t in fitting if well_posed(row.name, as_array(t))]
        if fitting and (seed >> place) & 1:
            return fitting[(seed >> 4) % len(fitting)]
        return machine.side.tensor(array, place in floats and bool((seed >> place) & 2))

    args, kwargs = machine.side.arguments(call, tensor)
    function = machine.side.find(row, form)
    assert function is not None
    if form == "method" and not hasattr(args[0], "grad_fn"):
        raise TypeError("a number has no methods")
    if (form == "in_place" or row.mutates) and args[0].requires_grad and seed & 256:
        args[0] = args[0].clone()
    result = function(*args, **kwargs)
    result = args[0] if result is None and row.mutates else result
    return [result, gradients_of(machine, result, used, bool(seed & 64))] if seed & 128 else result


def gradients_of(machine: Machine, result: Any, used: list[Any], again: bool) -> Any:
    """The numbers of the gradients of all that an operation gave; with `again` also of the gradients of their squares."""
    wanted = [tensor for tensor in used if tensor.requires_grad]

    def gradients(tensors: Any, create_graph: bool) -> Any:
        roots = [tensor.sum() for tensor in tensors if tensor.requires_grad]
        if not (roots and wanted):
            return [tensor.new_zeros(tensor.shape) for tensor in wanted]
        found = machine.t.autograd.grad(roots, wanted, retain_graph=True, create_graph=create_graph, allow_unused=True)
        return [tensor.new_zeros(tensor.shape) if g is None else g for g, tensor in zip(found, wanted, strict=True)]

    first = gradients(tensors_in(result), again)
    second = gradients([g * g for g in first], False) if again else []
    return [
        machine.t.stack([g.detach().max(), g.detach().min(), g.detach().sum()]) for g in (*first, *second) if g.numel()
    ]


def form_of(row: Row, k: int) -> str:
    return FORMS[row.name][k % len(FORMS[row.name])]


def assert_alike(theirs: Any, ours: Any) -> None:
    """The same but for rounding; then ours become torch's numbers."""
    if isinstance(theirs, (list, tuple)):
        assert isinstance(ours, (list, tuple))
        assert len(ours) == len(theirs)
        for pair in zip(theirs, ours, strict=True):
            assert_alike(*pair)
    elif isinstance(theirs, torch.Tensor):
        assert seen(ours) == seen(theirs), f"{seen(ours)}\ntorch: {seen(theirs)}"
        a, b = as_array(theirs), as_array(ours)
        if a.dtype.kind == "f":
            finite = np.abs(a[np.isfinite(a)])
            room = ROUNDING[a.dtype.name] * max(1, finite.max(initial=0))
            with np.errstate(invalid="ignore"):
                near = (np.abs(a - b) <= room) | (a == b) | (np.isnan(a) & np.isnan(b))
            assert near.all(), f"{b[~near][:8]}, torch: {a[~near][:8]}"
            if b.flags.writeable and b is not a:
                b[...] = a
        else:
            assert np.array_equal(a, b), f"{b}, torch: {a}"
    elif isinstance(theirs, float):
        assert ours == theirs or abs(ours - theirs) <= 1e-9 * max(1, abs(theirs)) or (ours != ours and theirs != theirs)
    elif hasattr(theirs, "next_functions"):
        assert graph(ours) == graph(theirs), f"{graph(ours)}\ntorch: {graph(theirs)}"
    elif not callable(theirs) and not hasattr(theirs, "remove"):
        assert str(ours) == str(theirs)


def seen(tensor: Any) -> str:
    """All of a tensor but its numbers, as text."""
    try:
        history = "leaf" if tensor.is_leaf else f"{tensor.output_nr} of {graph(tensor.grad_fn)}"
    except RuntimeError as error:  # a view that must not be asked for its history any more
        history = str(error)
    marks = "requires_grad " * tensor.requires_grad + "view " * tensor._is_view() + "retains " * tensor.retains_grad
    return f"{tensor.dtype} {list(tensor.shape)} {marks}{history}"


numbers = st.integers(0, 15)
operations = st.tuples(
    st.just("operation"),
    st.integers(0, len(ROWS) - 1),
    st.integers(0, 40),
    st.sampled_from([0, 0, 1, 2]),
    st.one_of(st.integers(0, 511), st.integers(0, 511 + 512 * 7)),
)
words = st.tuples(
    st.one_of(*(st.sampled_from(sorted({*group} & {*WORDS})) for group in (VIEWS, CHANGES, GRAPH))),
    numbers,
    numbers,
    numbers,
    st.just(0),
)
all_steps = st.lists(st.one_of(operations, operations, words), min_size=3, max_size=12)
all_leaves = st.lists(
    st.tuples(st.one_of(st.integers(0, 6), st.integers(0, 6 + 7 * 7)), st.sampled_from([True, True, False])),
    min_size=2,
    max_size=4,
)


def play(leaves: list[tuple[int, bool]], steps: list[Step]) -> None:
    pair = Pair()
    pair.start(leaves)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for step in steps:
                pair.step(step)
    except BaseException as error:
        error.add_note("; ".join(described(step) for step in steps))
        raise
    finally:
        for machine in pair.machines:  # gradients that were recorded hold their tensors, which hold them
            for tensor in machine.pool:
                tensor.grad = None


def described(step: Step) -> str:
    word, a, b, k, seed = step
    if word in WORDS:
        return f"{word} {a} {b} {k}"
    row = ROWS[a % len(ROWS)]
    return f"{row.name} case {b % len(row.every)} {form_of(row, k)} seed {seed}"


@settings(
    max_examples=int(os.environ.get("PROGRAMS", "300")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(all_leaves, all_steps)
def test_programs_do_the_same(leaves: list[tuple[int, bool]], steps: list[Step]) -> None:
    play(leaves, steps)
