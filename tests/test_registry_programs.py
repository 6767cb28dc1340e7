"""Random programs over all operations of the table: views, changes in place, hooks, several backward passes.

Both libraries go in step. After each step what can be seen of the tensors is compared, and microtorch's take on torch's
numbers, which differ by roundings at most: so a comparison or a rounding to whole numbers later in the program sees the
same on both sides. `PROGRAMS=20000 EXPLORE=1 pytest tests/test_registry_programs.py` runs that many others.
"""

from __future__ import annotations

import inspect
import math
import os
import re
import warnings
from collections.abc import Sequence
from typing import Any

import hypothesis.strategies as st
import numpy as np
import torch
from hypothesis import HealthCheck, given, settings
from programs import graph
from rows import Array, Call, Case, Draw, Row, all_rows
from rows_decompositions import LAPACK
from sides import OURS, SIDES, THEIRS, Outcome, Side, as_array, assert_same_error, float_positions, tensors_in
from test_programs import CHANGES, GRAPH, LIMIT, PURE, VIEWS, Word
from test_second_graphs import DIFFERENT

from microtorch.signatures import signatures_of

Step = tuple[str, int, int, int, int]

# Whose numbers are whatever was in memory, or that torch itself computes otherwise each time (of `lstsq` the rank).
UNDEFINED = {"empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided", "resize_", "resize_as_"}
UNDEFINED |= {"linalg.lstsq"}
ROWS = [row for row in all_rows() if row.every and row.name not in UNDEFINED and "float64" in row.dtypes]
DECOMPOSED = {row.name for row in ROWS if row.reason == LAPACK} | {"nuclear_norm"}
COUNTED = {"diff", "diag"}  # of which torch counts every step of writing to `out`, or none
UNCHECKED = {"addmv"}  # of which torch lets all write into one place, one after the other
# The gradient is the exponential of [[A, G], [0, A]], which is divided by its largest number first: of a large G nothing
# of A is left, so a second gradient is asked for where the first, which is in its G, is small.
SCALED = {"matrix_exp", "linalg.matrix_exp"}
DTYPES = ["float64", "float64", "float32", "float64", "int64", "float64", "bool", "float32"]


def usable(row: Row) -> list[str]:
    """The forms in which programs call an operation: those of the table, and its function with all arguments by name."""
    forms = [form for form in ("function", "method", "in_place") if form in row.forms and form not in row.lacks]
    found = [form for form in forms if THEIRS.find(row, form) is not None]
    return found + (["by name"] + ["out"] * ("out" in row.forms) if "function" in found else [])


FORMS = {id(row): usable(row) for row in ROWS}
WORDS: dict[str, Word] = {name: word for name, word in (PURE | VIEWS | CHANGES | GRAPH).items() if name != "set data"}
NUMBERS = {"self", "element", "test_element"}  # what torch calls a number in place of a tensor
# A node whose gradients torch gives a history together, also one that depends on nothing, as that of a bias.
JOINT = "NativeBatchNormBackwardBackward0"
CANCELLED = 1e4  # of the squares of larger gradients nothing but rounding may be left
UNLIKE = set().union(*DIFFERENT.values())
INDEXING = {"select", "set row", "change row"}
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
        self.formulas: set[Any] = set()  # nodes that recorded gradients came from
        self.unlike = False  # whether one of the program's gradients may consist of other nodes than torch's
        self.targets: list[Any] = []  # what the last call was to write to

    def tensor(self, array: Array, requires_grad: bool) -> Any:
        """A new leaf, in memory that can be resized."""
        made = self.side.tensor(array).clone()
        return made.requires_grad_() if requires_grad else made

    def keep(self, tensor: Any) -> None:
        if not any(tensor is known for known in self.pool):
            self.pool.append(tensor)
            self.born.append(version(tensor))

    def note_formulas(self, *gradients: Any) -> None:
        """What the formula of a gradient consists of is compared unless it is one of the few that are written otherwise."""
        if self.unlike:
            self.formulas.update(gradient.grad_fn for gradient in tensors_in(gradients) if not gradient.is_leaf)

    def forget_targets(self) -> None:
        """What a call that fails has written to `out` by then, torch leaves open."""
        memory = {target.untyped_storage().data_ptr() for target in self.targets}
        for place in reversed(range(len(self.pool))):
            if self.pool[place].untyped_storage().data_ptr() in memory:
                del self.pool[place], self.born[place]

    def forget_integers_with_history(self) -> None:
        """In torch integers may come to require a gradient when floats are written into them, and then views of them fail."""
        for place in reversed(range(len(self.pool))):
            tensor = self.pool[place]
            if tensor.requires_grad and not tensor.is_floating_point() and len(self.pool) > 1:
                del self.pool[place], self.born[place]

    def seen(self, tensor: Any) -> str:
        """All of a tensor but its numbers, as text."""
        try:
            history = "leaf" if tensor.is_leaf else f"{tensor.output_nr} of {graph(tensor.grad_fn, self.formulas)}"
        except RuntimeError as error:  # a view that must not be asked for its history any more
            history = str(error)
        marks = "requires_grad " * tensor.requires_grad + "view " * tensor._is_view() + "retains " * tensor.retains_grad
        return f"{tensor.dtype} {list(tensor.shape)} {marks}{history}"


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
                machine.keep(machine.tensor(array, requires_grad and dtype.startswith("float")))

    def step(self, step: Step) -> None:
        results = [Outcome(lambda machine=machine: self.act(machine, step)) for machine in self.machines]  # type: ignore[misc]
        theirs, ours = results
        if theirs.error is not None:
            assert ours.error is not None, f"microtorch does not fail, torch: {theirs.error!r}"
            if by_name(step) and isinstance(theirs.error, TypeError):  # torch's text says which were given by name
                assert isinstance(ours.error, TypeError)
            else:
                assert_same_error(theirs.error, ours.error)
            for machine in self.machines:
                machine.forget_targets()
        elif ours.error is not None:
            raise ours.error
        for machine, outcome in zip(self.machines, results, strict=True):
            machine.note_formulas(*machine.say.entries, outcome.value if step[0] in ("grad", "the grad") else None)
        self.assert_alike(theirs.value, ours.value)
        self.assert_alike(*(machine.say.entries for machine in self.machines))
        for machine in self.machines:
            machine.say.entries.clear()
        found = [list(tensors_in(outcome.value)) for outcome in results]
        for pair in zip(*found, strict=True):
            array = numbers_of(pair[0])
            if (
                array.size
                and array.ndim < 5
                and bool((np.abs(array.astype(float)) <= LIMIT).all())
                and not mixed(pair[0])
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
                if word in INDEXING and x.dim() == 0:
                    k = 0  # for any other index torch names a size that it reads where none is
                return WORDS[word](machine, x, y, k)
            row = ROWS[a % len(ROWS)]
            return operate(machine, row, row.every[b % len(row.every)], form_of(row, k), seed)

    def look(self) -> None:
        """Compare all tensors and their gradients, and let the numbers be the same."""
        for place, (theirs, ours) in enumerate(zip(*(machine.pool for machine in self.machines), strict=True)):
            changes = [version(machine.pool[place]) - machine.born[place] for machine in self.machines]
            assert changes[0] == changes[1], f"{changes[1]} changes in place, torch: {changes[0]}"
            gradients = [Outcome(lambda tensor=tensor: tensor.grad) for tensor in (theirs, ours)]  # type: ignore[misc]
            for machine, gradient in zip(self.machines, gradients, strict=True):
                machine.note_formulas(gradient.value)
            self.assert_alike(theirs, ours)
            self.assert_alike(*(gradient.value for gradient in gradients))
        for machine in self.machines:
            machine.forget_integers_with_history()

    def assert_alike(self, theirs: Any, ours: Any) -> None:
        """The same but for rounding; then ours become torch's numbers."""
        if isinstance(theirs, (list, tuple)):
            assert isinstance(ours, (list, tuple))
            assert len(ours) == len(theirs)
            for pair in zip(theirs, ours, strict=True):
                self.assert_alike(*pair)
        elif isinstance(theirs, torch.Tensor):
            shown = [machine.seen(tensor) for machine, tensor in zip(self.machines, (theirs, ours), strict=True)]
            if shown[1] != shown[0]:
                joint = ours.is_leaf and not theirs.is_leaf and theirs.grad_fn.name() == JOINT
                assert joint, f"{shown[1]}\ntorch: {shown[0]}"
            a, b = numbers_of(theirs), as_array(ours)
            if a.dtype.kind == "f":
                largest = np.finfo(a.dtype).max  # rounding may make it infinite
                x, y = np.clip(a, -largest, largest), np.clip(b, -largest, largest)
                room = ROUNDING[a.dtype.name] * max(1, np.abs(a[np.isfinite(a)]).max(initial=0))
                with np.errstate(over="ignore"):
                    near = (np.abs(x - y) <= room) | (np.isnan(a) & np.isnan(b))
                assert near.all(), f"{b[~near][:8]}, torch: {a[~near][:8]}"
                if b.flags.writeable and b is not a:
                    b[...] = a
            else:
                assert np.array_equal(a, b), f"{b}, torch: {a}"
        elif isinstance(theirs, float):
            assert (
                ours == theirs
                or abs(ours - theirs) <= 1e-9 * max(1, abs(theirs))
                or (ours != ours and theirs != theirs)
            )
        elif hasattr(theirs, "next_functions"):
            shown = [graph(node, m.formulas) for m, node in zip(self.machines, (theirs, ours), strict=True)]
            assert shown[1] == shown[0], f"{shown[1]}\ntorch: {shown[0]}"
        elif not callable(theirs) and not hasattr(theirs, "remove"):
            assert str(ours) == str(theirs)


def mixed(tensor: Any) -> bool:
    """Whether elements share memory otherwise than by repeating: what writing there does, torch leaves open."""
    once = [(size, stride) for size, stride in zip(tensor.shape, tensor.stride(), strict=True) if stride]
    places = np.asarray(sum(np.ix_(*(np.arange(size) * stride for size, stride in once))))
    return np.unique(places).size < math.prod(size for size, _ in once)


def repeats(tensor: Any) -> bool:
    """Whether several elements are one place in memory."""
    return any(size > 1 and not stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))


def numbers_of(tensor: Any) -> Array:
    """A copy as an array: of memory that numpy has once seen, torch lets the size never change again."""
    return as_array(tensor.detach().clone())


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
    machine.targets.clear()
    machine.unlike = machine.unlike or row.name in UNLIKE
    floats = float_positions(call)
    used: list[Any] = []

    def tensor(array: Array) -> Any:
        used.append(chosen(array, len(used)))
        return used[-1]

    def chosen(array: Array, place: int) -> Any:
        fitting = [t for t in machine.pool if tuple(t.shape) == array.shape and str(t.dtype).endswith(array.dtype.name)]
        if row.name in UNCHECKED and form == "in_place" and not place:
            fitting = [t for t in fitting if not repeats(t)]
        if row.name in DECOMPOSED:
            fitting = [t for t in fitting if well_posed(row.name, numbers_of(t))]
        if fitting and (seed >> place) & 1:
            return fitting[(seed >> 4) % len(fitting)]
        return machine.tensor(array, place in floats and bool((seed >> place) & 2))

    args, kwargs = machine.side.arguments(call, tensor)
    function = machine.side.find(row, form if form in ("method", "in_place") else "function")
    assert function is not None
    if form == "method" and not hasattr(args[0], "grad_fn"):
        raise TypeError("a number has no methods")
    if (form == "in_place" or row.mutates) and args[0].requires_grad and seed & 256:
        args[0] = args[0].clone()
    if form == "out":
        with machine.t.no_grad():  # what is said where a gradient is due stands in the table's own tests
            machine.targets = outs(machine, row, call, used, seed)
            names = (
                {}
                if not machine.targets
                else {"out": machine.targets[0] if len(machine.targets) == 1 else tuple(machine.targets)}
            )
            return function(*args, **kwargs, **names)
    if form == "by name":
        names = names_of(row, call)
        args, kwargs = args[len(names) :], dict(zip(names, args, strict=False)) | kwargs
    result = function(*args, **kwargs)
    result = args[0] if result is None and row.mutates else result
    return [result, gradients_of(machine, result, used, bool(seed & 64), row.name in SCALED)] if seed & 128 else result


def names_of(row: Row, call: Call) -> Sequence[str]:
    """The names of the arguments of a call, in that signature of several with which torch takes them."""
    if row.name.startswith("special.") and not isinstance(call.args[0], np.ndarray):
        return []  # the name of a number is another
    ours = OURS.find(row, "function")
    listed = [] if "." in row.name else signatures_of(row.name, False)
    if not listed and callable(ours):
        parameters = inspect.signature(ours).parameters.values()
        return [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD][: len(call.args)]
    for signature in listed:
        parts = re.sub(r" = [^,()]*", "", signature.split("*")[0]).strip(", ").split(", ")
        names = [part.split()[-1] for part in parts][: len(call.args)]
        if not NUMBERS.intersection(names) and not isinstance(called(row, call, names=names).error, TypeError):
            return names
    return []


def called(row: Row, call: Call, out: Any = None, names: Sequence[str] = ()) -> Outcome:
    """What torch's function says to a call, the first arguments by name."""
    args, kwargs = THEIRS.arguments(call, THEIRS.tensor)
    kwargs |= dict(zip(names, args, strict=False)) | ({} if out is None else {"out": out})
    return Outcome(lambda: THEIRS.find(row, "function")(*args[len(names) :], **kwargs))  # type: ignore[misc]


def outs(machine: Machine, row: Row, call: Call, used: list[Any], seed: int) -> list[Any]:
    """Where to write, if an operation can be told: tensors of the pool with room in memory of their own and no history, or new."""
    results = list(tensors_in(called(row, call).value))
    empty = tuple(torch.empty(0, dtype=result.dtype) for result in results)
    if (
        row.name in COUNTED
        or not results
        or called(row, call, empty[0] if len(empty) == 1 else empty).error is not None
    ):
        return []
    chosen: list[Any] = []
    for place, result in enumerate(results):
        memory = {tensor.untyped_storage().data_ptr() for tensor in (*used, *chosen)}
        known = [
            t
            for t in machine.pool
            if str(t.dtype) == str(result.dtype)
            and not t.requires_grad
            and not t._is_view()
            and t.untyped_storage().data_ptr() not in memory
            and (t.shape == result.shape or not repeats(t))
            and t.numel() >= result.numel()
        ]
        if known and seed & 16 << place:
            chosen.append(known[(seed >> place) % len(known)])
        else:
            chosen.append(machine.tensor(np.zeros(0, as_array(result).dtype), False))
    return chosen


def gradients_of(machine: Machine, result: Any, used: list[Any], again: bool, scaled: bool) -> Any:
    """The numbers of the gradients of all that an operation gave; with `again` also of the gradients of their squares."""
    wanted = [tensor for tensor in used if tensor.requires_grad]

    def gradients(tensors: Any, create_graph: bool) -> Any:
        roots = [tensor.sum() for tensor in tensors if tensor.requires_grad]
        if not (roots and wanted):
            return [tensor.new_zeros(tensor.shape) for tensor in wanted]
        found = machine.t.autograd.grad(roots, wanted, retain_graph=True, create_graph=create_graph, allow_unused=True)
        return [tensor.new_zeros(tensor.shape) if g is None else g for g, tensor in zip(found, wanted, strict=True)]

    first = gradients(tensors_in(result), again)
    most = LIMIT if scaled else CANCELLED
    again = again and not any(g.numel() and g.detach().abs().max() > most for g in first)
    second = gradients([g * g for g in first], False) if again else []
    return [
        machine.t.stack([g.detach().max(), g.detach().min(), g.detach().sum()]) for g in (*first, *second) if g.numel()
    ]


def form_of(row: Row, k: int) -> str:
    return FORMS[id(row)][k % len(FORMS[id(row)])]


numbers = st.integers(0, 15)
operations = st.tuples(
    st.just("operation"),
    st.integers(0, len(ROWS) - 1),
    st.integers(0, 40),
    st.sampled_from([0, 0, 1, 2, 3, 4]),
    st.one_of(st.integers(0, 511), st.integers(0, 511 + 512 * 7)),
)
words = st.tuples(
    st.one_of(*(st.sampled_from(sorted({*group} & {*WORDS})) for group in (PURE, VIEWS, CHANGES, GRAPH))),
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


def by_name(step: Step) -> bool:
    return step[0] not in WORDS and form_of(ROWS[step[1]], step[3]) == "by name"


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
