"""Every operation against torch, from the table in `rows.py`: the same call on both sides, everything compared.

A check takes a row and runs all its cases. What torch answers, be it a value, a gradient, a graph or an error, is what
microtorch must answer. Which forms an operation has (function, method, in place, `out=`, operator) is asked of torch.
"""

from __future__ import annotations

import operator
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from rows import Array, Call, Case, Row, all_rows
from sides import (
    EXACT,
    OURS,
    SIDES,
    THEIRS,
    Outcome,
    Run,
    Side,
    about,
    as_array,
    assert_close,
    assert_same_outcome,
    callable_as,
    compare,
    draw,
    float_positions,
    graph,
    main_form,
    map_arrays,
    outcomes,
    tensors_in,
)

import microtorch
import microtorch.op

ROWS = all_rows()
OPERATORS = {
    "__add__": "add", "__sub__": "sub", "__mul__": "mul", "__truediv__": "div", "__floordiv__": "floor_divide",
    "__mod__": "remainder", "__pow__": "pow", "__and__": "bitwise_and", "__or__": "bitwise_or",
    "__xor__": "bitwise_xor", "__lshift__": "bitwise_left_shift", "__rshift__": "bitwise_right_shift",
    "__matmul__": "matmul", "__eq__": "eq", "__ne__": "ne", "__lt__": "lt", "__le__": "le", "__gt__": "gt",
    "__ge__": "ge", "__neg__": "neg", "__pos__": "positive", "__abs__": "abs", "__invert__": "bitwise_not",
}  # fmt: skip


FORMS = ("function", "method", "in_place")
each_row = pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])


def rows_with(*forms: str) -> Any:
    """Parametrize over the rows and those of their forms that torch has; "main": the function, or else the method."""
    chosen = [(r, main_form(r) if f == "main" else f) for r in ROWS for f in forms]
    pairs = [(r, f) for r, f in chosen if f in r.forms and f not in r.lacks and THEIRS.find(r, f) is not None]
    return pytest.mark.parametrize(("row", "form"), pairs, ids=[f"{r.name}-{f}" for r, f in pairs])


# -- the checks --------------------------------------------------------------------------------------------------------


@each_row
def test_has_the_forms_that_torch_has(row: Row) -> None:
    for form in FORMS:
        theirs, ours = (side.find(row, form) is not None for side in SIDES)
        assert ours == (theirs and form not in row.lacks.split()), f"{form}: torch {theirs}, microtorch {ours}"


@rows_with("function", "method")
def test_value(row: Row, form: str) -> None:
    """Value, dtype, strides, aliasing, and that the arguments are left as they were."""
    for case in row.every:
        for seed in range(2):
            compare(row, form, case, draw(case, row.dtypes[0], seed))


@each_row
def test_dtypes(row: Row) -> None:
    """Every dtype gives torch's dtype and value, or torch's error."""
    for case in row.cases:
        for dtype in row.dtypes:
            compare(row, main_form(row), case, draw(case, dtype, 1), f"with {dtype}")


@each_row
def test_mixed_dtypes(row: Row) -> None:
    """Arguments of two different dtypes: promotion, or torch's error."""
    for case in row.cases[:2]:
        arrays: list[Array] = []
        map_arrays(draw(case, "float32"), lambda array: arrays.append(array) or array)  # noqa: B023
        if len(arrays) < 2 or len(row.dtypes) < 2:
            return
        for dtype in row.dtypes:
            for other in row.dtypes:
                compare(row, main_form(row), case, mix(case, dtype, other, 1), f"with {dtype}, {other}")


def mix(case: Case, dtype: str, other: str, seed: int) -> Call:
    """A call whose first array has one dtype, the rest another; arrays of a dtype of their own keep it."""
    first, rest = draw(case, dtype, seed), draw(case, other, seed)
    taken: list[Array] = []
    map_arrays(first, lambda array: taken.append(array) or array)
    count = iter(range(len(taken)))
    return map_arrays(rest, lambda array: taken[0] if next(count) == 0 else array)


@each_row
def test_layouts(row: Row) -> None:
    """Arguments that are transposed, sliced or expanded: values and the strides of the result."""
    for case in row.cases:
        for name in row.layouts:
            layout = LAYOUTS[name]
            for only in (None, 0, 1):
                count = iter(range(99))
                lay = lambda array: layout(array) if only in (None, next(count)) else array  # noqa: B023
                compare(row, main_form(row), case, map_arrays(draw(case, row.dtypes[0]), lay), f"{name}, {only}")


def _transposed(x: Array) -> Array:
    return np.asfortranarray(x) if x.ndim > 1 else x


def _sliced(x: Array) -> Array:
    wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]) if x.ndim else (2,), x.dtype)
    window = wide[..., ::2] if x.ndim else wide[1:].reshape(())
    window[...] = x
    return window


def _expanded(x: Array) -> Array:
    if x.ndim == 0 or 0 in x.shape:
        return x
    return np.lib.stride_tricks.as_strided(x, x.shape, (0, *x.strides[1:]))


LAYOUTS = {"transposed": _transposed, "sliced": _sliced, "expanded": _expanded}


@rows_with("in_place")
def test_in_place(row: Row, form: str) -> None:
    """The result is the first argument, its version raised; or torch's error, and nothing is changed."""
    for case in row.cases:
        for dtype in row.dtypes:
            compare(row, form, case, draw(case, dtype, 2), f"in place, with {dtype}")
        for name in row.layouts:
            compare(row, form, case, map_arrays(draw(case, row.dtypes[0]), LAYOUTS[name]), f"in place, {name}")


@rows_with("in_place")
def test_in_place_on_a_leaf(row: Row, form: str) -> None:
    """A leaf that requires a gradient is refused, and left as it was."""
    for case in row.cases:
        call = draw(case, "float32")
        if float_positions(call)[:1] != [0]:
            continue

        def attempt(side: Side) -> Any:
            args, kwargs = side.arguments(call, side.tensor)  # noqa: B023
            args[0].requires_grad_()
            function = side.find(row, form)
            assert function is not None
            before = as_array(args[0]).copy()
            try:
                function(*args, **kwargs)
            except Exception as error:
                return [type(error).__name__, str(error), args[0]._version, np.array_equal(as_array(args[0]), before)]
            return None

        with about(row, case, "in place on a leaf"):
            theirs, ours = outcomes(attempt)
            assert_same_outcome(theirs, ours)


@rows_with("main", "in_place")
def test_gradient(row: Row, form: str) -> None:
    """The graph and every gradient, for all inputs that can require one together and for each alone."""
    for case in row.every:
        for dtype in ("float32", "float64") if "float64" in row.dtypes else ("float32",):
            call = draw(case, dtype, 3)
            floats = float_positions(call)
            if not callable_as(form, call):
                continue
            for requiring in dict.fromkeys([tuple(floats), *((i,) for i in floats)]):
                if requiring:
                    with about(row, case, f"with {dtype}, gradients for {requiring}"):
                        check_gradient(row, form, call, requiring)


def check_gradient(row: Row, form: str, call: Call, requiring: Sequence[int]) -> None:
    theirs, ours = outcomes(lambda side: Run(side, row, form, call, requiring))
    if theirs.error is not None:
        assert_same_outcome(theirs, ours)
        return
    if ours.error is not None:
        raise ours.error
    roots = theirs.value.roots(), ours.value.roots()
    assert list(map(graph, roots[1])) == list(map(graph, roots[0]))
    for a, b in zip(*roots, strict=True):
        texts = [repr(a), repr(b)]
        if row.room != EXACT:  # a digit may differ
            texts = [" ".join(re.findall(r"(?:dtype|grad_fn|size)=[^,]*", text)) for text in texts]
        assert texts[0].split() == texts[1].split()
    if not roots[0]:
        return
    rng = np.random.default_rng(7)
    cotangents = [rng.uniform(-2, 2, tuple(r.shape)) for r in roots[0]]
    if row.exact:
        cotangents = [np.rint(c * 8) / 8 for c in cotangents]
    cotangents = [np.asarray(c).astype(as_array(r).dtype) for c, r in zip(cotangents, roots[0], strict=True)]

    def gradients(run: Run) -> Any:
        side = run.side
        chosen = [leaf for leaf in run.leaves if leaf.requires_grad]
        seeds = [side.tensor(c) for c in cotangents]
        grad = side.module.autograd.grad
        found = [grad(run.roots(), chosen, seeds, retain_graph=True, allow_unused=True)]
        if len(seeds) > 1:
            found += [
                grad(root, chosen, seed, retain_graph=True, allow_unused=True)
                for root, seed in zip(run.roots(), seeds, strict=True)
            ]
        found.append(grad(run.roots(), chosen, seeds, allow_unused=True))
        return found

    theirs, ours = Outcome(lambda: gradients(theirs.value)), Outcome(lambda: gradients(ours.value))
    assert (theirs.error is None) == (ours.error is None), f"{ours.error!r}, torch: {theirs.error!r}"
    if theirs.error is not None:
        assert_same_outcome(theirs, ours)
        return
    largest = max(c.size for c in cotangents)
    for a, b in zip(theirs.value, ours.value, strict=True):
        assert_same_gradients(a, b, row.grad_ulp, largest, row.zeros)


def assert_same_gradients(theirs: Sequence[Any], ours: Sequence[Any], ulp: float, size: int, zeros: bool) -> None:
    assert [g is None for g in ours] == [g is None for g in theirs]
    for a, b in zip(theirs, ours, strict=True):
        if a is not None:
            terms = size // max(a.numel(), 1)  # how many were added up to undo broadcasting
            room = ulp + (terms if terms > 1 else 0)
            assert_close(as_array(a), as_array(b), room, room > 0, zeros)


@each_row
def test_second_gradient(row: Row) -> None:
    """The gradients of ⟨v, gradient⟩ for a random v, with respect to the inputs and the cotangent; in float64."""
    for case in row.every:
        call = draw(case, "float64", 4)
        floats = float_positions(call)
        if not floats or not is_tame(call):
            continue

        def twice(side: Side) -> Any:
            run = Run(side, row, main_form(row), call, floats)  # noqa: B023
            roots = run.roots()
            rng = np.random.default_rng(8)
            if not roots:
                return []
            seeds = [side.tensor(rng.uniform(-2, 2, tuple(r.shape)), True) for r in roots]
            chosen = [leaf for leaf in run.leaves if leaf.requires_grad]
            grad = side.module.autograd.grad
            first = grad(roots, chosen, seeds, create_graph=True, allow_unused=True)
            again = [g for g in first if g is not None and g.requires_grad]
            if not again:
                return [first]
            directions = [side.tensor(rng.uniform(-2, 2, tuple(g.shape))) for g in again]
            return [first, grad(again, [*chosen, *seeds], directions, allow_unused=True)]

        with about(row, case, "second gradient"):
            theirs, ours = outcomes(twice)
            if theirs.error is not None:
                assert_same_outcome(theirs, ours)
                continue
            if ours.error is not None:
                raise ours.error
            assert len(ours.value) == len(theirs.value)
            for stage, (a, b) in enumerate(zip(theirs.value, ours.value, strict=True)):
                for x, y in zip(a, b, strict=True):
                    missing = [x is None, y is None]
                    assert missing[0] == missing[1] or (stage and no_gradient(x, y)), f"{x}, {y}"
                    if not any(missing):
                        assert x.requires_grad == y.requires_grad or stage
                        assert_close(as_array(x), as_array(y), max(1000, row.grad_ulp), of_largest=True)


def is_tame(call: Call) -> bool:
    """Whether all numbers are finite and of moderate size: at the rim, derivatives of derivatives mean nothing."""
    arrays: list[Array] = []
    map_arrays(call, lambda array: arrays.append(array) or array)
    return all(bool((np.abs(a) < 100).all()) for a in arrays if a.dtype.kind == "f")


def no_gradient(x: Any, y: Any) -> bool:
    """Of derivatives that vanish everywhere, torch's formulas may give zeros and ours None, or the other way round."""
    return all(t is None or not t.detach().abs().sum().item() for t in (x, y))


@each_row
def test_out(row: Row) -> None:
    """`out=` in every dtype, resized with torch's warning, with strides of its own, refused where a gradient is due."""
    if main_form(row) != "function" or "out" not in row.forms:
        return
    for case in row.cases:
        call = draw(case, row.dtypes[0], 5)
        args, kwargs = THEIRS.arguments(call, THEIRS.tensor)
        plain = Outcome(lambda: THEIRS.find(row, "function")(*args, **kwargs))  # type: ignore[misc]  # noqa: B023
        results = list(tensors_in(plain.value))
        if plain.error is not None or not results or not takes_out(row, call, results):
            continue
        shapes = [tuple(r.shape) for r in results]
        outs = [("empty", [np.zeros(0, as_array(r).dtype) for r in results])]
        outs += [
            (dtype, [np.ones(s, dtype) for s in shapes])
            for dtype in ("float32", "float64", "float16", "int64", "uint8", "bool")
        ]
        outs += [("larger", [np.ones((*s, 2), as_array(r).dtype) for s, r in zip(shapes, results, strict=True)])]
        outs += [
            (
                "transposed",
                [np.asfortranarray(np.ones(s, as_array(r).dtype)) for s, r in zip(shapes, results, strict=True)],
            )
        ]
        outs += [("expanded", [_expanded(np.ones(s, as_array(r).dtype)) for s, r in zip(shapes, results, strict=True)])]
        for name, arrays in outs:
            with about(row, case, f"out: {name}"):
                theirs, ours = outcomes(lambda side: run_out(side, row, call, arrays))  # noqa: B023
                if name == "expanded" and theirs.error is None:
                    continue  # several elements in one place: what is there in the end is undefined
                wider = np.finfo(results[0].numpy().dtype).eps / np.finfo(name).eps if name in FLOATS and row.ulp else 1
                assert_same_outcome(theirs, ours, (row.ulp * max(wider, 1), *row.room[1:]))
        if float_positions(call):
            with about(row, case, "out, with a gradient"):
                arrays = outs[0][1]
                theirs, ours = outcomes(lambda side: run_out(side, row, call, arrays, True))  # noqa: B023
                if theirs.error is None and ours.error is not None:  # where torch records what it cannot differentiate
                    assert "don't support automatic differentiation" in str(ours.error)
                    continue
                assert_same_outcome(theirs, ours, row.room)


FLOATS = ("float16", "float32", "float64")


def takes_out(row: Row, call: Call, results: list[Any]) -> bool:
    theirs = Outcome(lambda: run_out(THEIRS, row, call, [np.zeros(0, as_array(r).dtype) for r in results]))
    return not isinstance(theirs.error, TypeError)


def run_out(side: Side, row: Row, call: Call, arrays: list[Array], requiring: bool = False) -> Any:
    args, kwargs = side.arguments(call, lambda a: side.tensor(a, requiring and a.dtype.kind == "f"))
    outs = [side.tensor(a) for a in arrays]
    if side is THEIRS:  # numpy's memory, which these are made on, cannot be resized
        outs = [o if 0 in o.stride() and o.numel() else o.clone() for o in outs]
    function = side.find(row, "function")
    assert function is not None
    result = function(*args, **kwargs, out=outs[0] if len(outs) == 1 else tuple(outs))
    same = all(r is o for r, o in zip(tensors_in(result), outs, strict=True))
    return [same, outs, [o._version > 0 for o in outs]]


@pytest.mark.parametrize("name", OPERATORS)
def test_operators(name: str) -> None:
    """The Python operator, in place and reflected too, with tensors and with numbers, as torch's."""
    rows = [row for row in ROWS if row.name == OPERATORS[name]]
    assert rows, f"no row for {OPERATORS[name]}"
    act = getattr(operator, name)
    for row in rows:
        for case in row.every:
            for dtype in ("float32", "int64", "bool"):
                call = draw(case, dtype, 6)
                if call.kwargs:
                    continue
                with about(row, case, f"{name} with {dtype}"):
                    check_operator(row, name, act, call)


def check_operator(row: Row, name: str, act: Callable[..., Any], call: Call) -> None:
    def compute(side: Side, swap: bool = False, place: bool = False) -> Any:
        leaves: list[Any] = []

        def convert(array: Array) -> Any:
            leaves.append(side.tensor(array, array.dtype.kind == "f" and not place))
            return leaves[-1]

        args, _ = side.arguments(call, convert)
        function = getattr(operator, name.replace("__", "__i", 1)) if place else act
        result = function(*(args[::-1] if swap else args))
        return [result, place and result is args[0], graph(result), [leaf._version for leaf in leaves]]

    forms = [{}]
    if len(call.args) == 2:
        forms += [{"swap": True}]
        if hasattr(operator, name.replace("__", "__i", 1)) and name[2:-2] not in ("eq", "ne", "lt", "le", "gt", "ge"):
            forms += [{"place": True}]
    for form in forms:
        theirs, ours = outcomes(lambda side: compute(side, **form))  # noqa: B023
        assert_same_outcome(theirs, ours, row.room)


@rows_with(*FORMS)
def test_refuses(row: Row, form: str) -> None:
    """What torch refuses is refused in torch's words, and changes nothing."""
    for case in row.bad:
        call = draw(case, "float32")
        if not callable_as(form, call):
            continue
        with about(row, case, f"as {form}"):
            theirs, ours = outcomes(lambda side: Run(side, row, form, call).observed())  # noqa: B023
            assert form != "function" or theirs.error is not None, f"torch accepts it: {theirs.value}"
            assert_same_outcome(theirs, ours, row.room)
            if theirs.error is None:
                continue

            def unchanged(side: Side) -> Any:
                leaves: list[Any] = []
                args, kwargs = side.arguments(call, lambda a: leaves.append(side.tensor(a)) or leaves[-1])  # noqa: B023
                with pytest.raises(Exception):  # noqa: B017
                    side.find(row, form)(*args, **kwargs)  # type: ignore[misc]
                return [[leaf, leaf._version] for leaf in leaves]

            theirs, ours = outcomes(unchanged)
            assert_same_outcome(theirs, ours)


# -- the table is complete ---------------------------------------------------------------------------------------------


RANDOM = (
    "microtorch.ops.counts",
    "microtorch.ops.distributions",
    "microtorch.ops.random",
)  # tested draw by draw in test_random.py
OPERATIONS = {n: op for n, op in microtorch.op.REGISTRY.items() if op.forward.__module__ not in RANDOM}


def test_every_operation_has_a_row() -> None:
    """Whatever is registered and public has a row under its name."""
    public = {name for name in OPERATIONS if name in microtorch.op.FUNCTIONS or name in microtorch.op.METHODS}
    missing = public - {row.name for row in ROWS} - {row.name.removesuffix("_") for row in ROWS}
    assert not missing, f"operations without a row: {sorted(missing)}"


def test_the_rows_reach_every_operation() -> None:
    """Whatever is registered, gradients of gradients included, is called by some row, or at least recorded: `copy_`
    and `fill_` write into memory themselves and leave the declaration only its node.
    """
    codes = {declared.forward.__code__: name for name, declared in OPERATIONS.items()}
    make_node = type(next(iter(OPERATIONS.values()))).make_node.__code__
    reached: set[str] = set()

    def watch(frame: Any, event: str, _: Any) -> None:
        if event == "call" and frame.f_code in codes:
            reached.add(codes[frame.f_code])
        elif event == "call" and frame.f_code is make_node:
            reached.add(frame.f_locals["self"].name)

    sys.setprofile(watch)
    try:
        for row in ROWS:
            for dtype, cases in {"float64": row.every, "int64": row.cases}.items():
                for case in cases:
                    call = draw(case, dtype)
                    Outcome(lambda: _both_ways(row, call))  # noqa: B023
    finally:
        sys.setprofile(None)
    missing = set(codes.values()) - reached
    assert not missing, f"operations that no row reaches: {sorted(missing)}"


def _both_ways(row: Row, call: Call) -> None:
    floats = float_positions(call)
    run = Run(OURS, row, main_form(row), call, floats)
    roots = run.roots()
    if roots:
        seeds = [OURS.tensor(np.ones_like(as_array(r)), True) for r in roots]
        chosen = [leaf for leaf in run.leaves if leaf.requires_grad]
        grad = microtorch.autograd.grad
        first = grad(roots, chosen, seeds, create_graph=True, allow_unused=True)
        again = [g for g in first if g is not None and g.requires_grad]
        if again:
            grad(again, [*chosen, *seeds], [OURS.tensor(np.ones_like(as_array(g))) for g in again], allow_unused=True)
