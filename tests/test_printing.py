"""Printing, against torch: equality of strings."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from alike import assert_same, table
from hypothesis import given, settings
from hypothesis import strategies as st
from sides import Side

from microtorch import dtypes, printing

FLOATS, INTEGERS = ("float16", "float32", "float64"), ("uint8", "int8", "int16", "int32", "int64")


@contextlib.contextmanager
def both(default: str = "float32", **options: Any) -> Iterator[None]:
    """The same default dtype and print options for torch and for microtorch, and the old ones afterwards."""
    before = torch.get_default_dtype(), dtypes.get_default_dtype()
    with torch._tensor_str.printoptions(**options), printing.printoptions(**options):
        try:
            torch.set_default_dtype(getattr(torch, default))
            dtypes.set_default_dtype(getattr(dtypes, default))
            yield
        finally:
            torch.set_default_dtype(before[0])
            dtypes.set_default_dtype(before[1])


def ours(array: np.ndarray, **details: Any) -> str:
    return printing.tensor_text(array, dtype=dtypes.FROM_NUMPY[array.dtype], **details)


def theirs(
    array: np.ndarray, requires_grad: bool = False, grad_fn_name: str | None = None, name: str = "tensor"
) -> str:
    t = torch.from_numpy(array)
    if name != "tensor":
        t = t.as_subclass(type(name, (torch.Tensor,), {}))
    t.requires_grad_(requires_grad or grad_fn_name is not None)
    if grad_fn_name is not None:  # torch names the node of a custom function after its class
        assert grad_fn_name.endswith("Backward")
        body = {"forward": staticmethod(lambda ctx, x: x.clone())}
        t = type(grad_fn_name.removesuffix("Backward"), (torch.autograd.Function,), body).apply(t)
    return repr(t)


def check(array: np.ndarray, **details: Any) -> None:
    assert ours(array, **details) == theirs(array, **details)


def outcome(print_it: Any, array: np.ndarray) -> tuple[str, str]:
    try:
        return "printed", print_it(array)
    except Exception as error:
        return type(error).__name__, str(error)


f16, f32, f64 = np.float16, np.float32, np.float64
up, down = (lambda x: np.nextafter(x, type(x)(np.inf))), (lambda x: np.nextafter(x, type(x)(0)))
noise = np.random.default_rng(0)

ARRAYS = {
    "whole": np.array([[1.0, 2.0], [3.0, 4.0]], f32),
    "0-d": np.array(0.1714, f32),
    "0-d whole": np.array(3.0, f32),
    "0-d int": np.array(7),
    "0-d bool": np.array(True),
    "0-d nan": np.array(np.nan, f32),
    "zero": np.zeros(3, f32),
    "negative zero": np.array([-0.0, 0.0], f32),
    "negative zero beside a fraction": np.array([-0.0, 0.5, -1.5], f32),
    "nan and inf": np.array([np.nan, np.inf, -np.inf, 1.0], f32),
    "nan and inf beside a fraction": np.array([np.nan, np.inf, -np.inf, 1.25], f32),
    "nan and inf beside a small one": np.array([np.nan, np.inf, -np.inf, 1e-7, 0.0, -0.0], f32),
    "only nan and inf": np.array([np.nan, np.inf, -np.inf]),
    "nan and zero": np.array([np.nan, 0.0, -0.0], f32),
    "negative": np.array([-1.5, 20.25, -300.125], f32),
    "rounds up to one digit more": np.array([9.99996, 1.0], f32),
    "ties": np.array([0.00005, 0.00015, 0.03125, 2.5], f64),
    "int widths": np.array([[1, -20], [300, 4]]),
    "int64 extremes": np.array([-(2**63), 2**63 - 1]),
    "bool": np.array([[True, False], [False, False]]),
    "all true": np.array([True, True]),
    "largest floats": np.array([np.finfo(f32).max, -np.finfo(f32).max], f32),
    "smallest float32": np.array([1e-45], f32),
    "smallest float64": np.array([5e-324, 1.0]),
    "ratio overflows": np.array([1e-300, 1e300]),
    "largest float16": np.array([65504.0, 1.0], f16),
    "smallest float16": np.array([6e-8, 1.0], f16),
    "float16 fraction": np.array([0.1, 0.2], f16),
    "float16 ratio": np.array([1000.0, 1.0, 1001.0], f16),
    "one column": np.arange(30.0).reshape(30, 1),
    "wraps": np.linspace(-1, 1, 40, dtype=f32),
    "rows wrap": noise.standard_normal((3, 25)),
    "3-d": np.arange(24).reshape(2, 3, 4),
    "4-d": noise.standard_normal((2, 1, 3, 2)).astype(f32),
    "1 × 1 × 1 × 1 × 1": np.ones((1, 1, 1, 1, 1), f32),
    "transposed": np.arange(6.0, dtype=f32).reshape(2, 3).T,
    "strided": np.arange(20.0)[::3],
    "1000 are not cut": np.arange(1000),
    "1001 are cut": np.arange(1001),
    "cut, width from what is shown": np.concatenate([np.arange(3.0), np.full(2000, 0.123), np.arange(3.0)]).astype(f32),
    "cut matrix": noise.standard_normal((50, 60)).astype(f32),
    "cut rows alone": noise.standard_normal((500, 4)).astype(f32),
    "cut columns alone": noise.standard_normal((4, 500)).astype(f32),
    "cut 3-d": noise.standard_normal((7, 20, 30)).astype(f32),
    "six are not cut": np.arange(6 * 300).reshape(6, 300),
    "cut bool": noise.random((40, 40)) < 0.5,
    **{f"empty {shape}": np.zeros(shape, f32) for shape in [(0,), (0, 3), (3, 0), (2, 0, 4)]},
    **{f"empty {name}": np.zeros((0,), name) for name in (*FLOATS, *INTEGERS, "bool")},
    **{f"type {name}": np.array([1, 0, 3], name) for name in (*FLOATS, *INTEGERS, "bool")},
    # The thresholds of scientific notation, and the values next to them in every type that has them.
    **{
        f"{what} {t.__name__} {side}": np.array([move(t(limit)), *beside], t)
        for what, limit, beside, types in [
            ("1e-4", 1e-4, (0.05,), (f16, f32, f64)),
            ("1e8", 1e8, (2.5e6,), (f32, f64)),
            ("whole 1e8", 1e8, (2e6,), (f32, f64)),
            ("ratio 1000", 1000, (1.0,), (f16, f32, f64)),
            ("fraction 1000", 1000, (1.0, 1.5), (f16, f32, f64)),
            ("ratio 10/0.01", 10, (0.01,), (f16, f32, f64)),
        ]
        for t in types
        for side, move in [("below", down), ("at", lambda x: x), ("above", up)]
    },
}


@pytest.mark.parametrize("array", [pytest.param(array, id=name) for name, array in ARRAYS.items()])
def test_table(array: np.ndarray) -> None:
    check(array)
    for default in ("float64", "float16"):
        with both(default):
            check(array)
    if array.dtype.kind == "f":
        check(array, requires_grad=True)
        check(array, requires_grad=True, grad_fn_name="CloneBackward")


@pytest.mark.parametrize("length", range(1, 90))
def test_notes_move_to_the_next_line(length: int) -> None:
    """Every length of the text before and of the note itself."""
    for array in (np.array(1.5, f32), np.array([2.5, 1.25], f16), np.ones((3, 4)), np.zeros((0, 2)), np.arange(13.0)):
        check(array, grad_fn_name="F" * length + "Backward")
        check(array, name="T" * length, requires_grad=True)


@pytest.mark.parametrize("contents", ["", "...", "two\nlines", "x" * 75])
def test_other_contents(contents: str) -> None:
    for array in (np.ones((2, 3)), np.zeros((0, 2)), np.array(1.5, f32)):
        expected = torch.from_numpy(array).requires_grad_().__repr__(tensor_contents=contents)
        assert ours(array, requires_grad=True, contents=contents) == expected


def test_numpy_scalars_and_read_only_arrays() -> None:
    """The inside of microtorch meets both; neither makes a difference."""
    assert ours(np.float32(0.25)) == "tensor(0.2500)"
    fixed = np.ones(2, f32)
    fixed.flags.writeable = False
    assert ours(fixed) == "tensor([1., 1.])"


SAMPLES = [
    ARRAYS[name]
    for name in ("0-d", "whole", "rows wrap", "cut matrix", "cut 3-d", "1001 are cut", "empty (0, 3)", "all true")
] + [ARRAYS["nan and inf beside a small one"], ARRAYS["zero"], ARRAYS["largest floats"], np.arange(40.0)]


@pytest.mark.parametrize(
    "options",
    [
        {"precision": 0},
        {"precision": 8},
        {"precision": 17},
        {"threshold": 0},
        {"threshold": math.inf, "linewidth": 200},
        {"threshold": 5, "edgeitems": 0},
        {"edgeitems": 0},
        {"edgeitems": 1, "threshold": 3},
        {"edgeitems": 100, "threshold": 0},
        {"linewidth": 1},
        {"linewidth": 20.5},
        {"linewidth": 1000},
        {"sci_mode": True},
        {"sci_mode": False},
        {"profile": "short"},
        {"profile": "full"},
        {"profile": "full", "threshold": 10, "precision": 1},
        {"profile": "no such profile"},
        # torch checks nothing until it prints
        {"precision": "x"},
        {"precision": -1},
        {"threshold": "many"},
        {"linewidth": math.inf},
        {"linewidth": "wide"},
    ],
    ids=str,
)
def test_options(options: dict[str, Any]) -> None:
    with both(**options):
        for array in SAMPLES:
            assert outcome(ours, array) == outcome(theirs, array)


option_values = {
    "precision": st.integers(0, 9),
    "threshold": st.sampled_from([0, 1, 5, 20, 100, 1000, math.inf]),
    "edgeitems": st.integers(0, 4),
    "linewidth": st.integers(1, 130),
    "profile": st.sampled_from(["default", "short", "full", "unknown"]),
    "sci_mode": st.sampled_from([None, True, False]),
}
some_options = st.fixed_dictionaries({}, optional=option_values)


@given(st.lists(some_options, max_size=5))
def test_options_in_sequence(steps: list[dict[str, Any]]) -> None:
    with both():
        for options in steps:
            torch.set_printoptions(**options)
            printing.set_printoptions(**options)
            assert printing.get_printoptions() == torch._tensor_str.get_printoptions()
    assert printing.get_printoptions() == torch._tensor_str.get_printoptions()


def test_options_are_restored_after_an_error_and_unknown_ones_refused() -> None:
    with pytest.raises(ZeroDivisionError), printing.printoptions(precision=1):
        raise ZeroDivisionError
    assert printing.get_printoptions() == torch._tensor_str.get_printoptions()
    for set_options in (torch.set_printoptions, printing.set_printoptions):
        with pytest.raises(TypeError, match=r"^set_printoptions\(\) got an unexpected keyword argument 'digits'$"):
            set_options(digits=3)  # type: ignore[call-arg]


# -- tensors as they are printed ----------------------------------------------------------------------------------------


def leaf(side: Side) -> Any:
    return side.module.arange(6.0).reshape(2, 3).requires_grad_()


def parameter(side: Side, *args: Any) -> Any:
    return side.module.nn.Parameter(side.module.arange(6.0).reshape(2, 3), *args)


def subclass(base: Any, name: str = "Measured") -> Any:
    return type(name, (base,), {})


@table(
    lambda s: [repr(parameter(s)), str(parameter(s)), f"{parameter(s)}"],
    lambda s: repr(parameter(s, False)),
    lambda s: repr([parameter(s), leaf(s) * 2, {"x": leaf(s)}, (leaf(s)[0, 0],)]),
    lambda s: repr(s.module.nn.Parameter(s.module.tensor(1.5))),
    lambda s: repr(s.module.nn.Parameter(s.module.zeros(0))),
    lambda s: repr(s.module.nn.Buffer(s.module.ones(2))),
    lambda s: repr(s.module.nn.ParameterList([parameter(s)])),
    lambda s: repr(subclass(s.module.Tensor)([[1.0, 2.0]] * 30)),
    lambda s: repr(subclass(s.module.nn.Parameter)(s.module.ones(2, 3))),
    lambda s: f"{leaf(s)[1, 2]:.3f} {s.module.tensor(7):>5} {s.module.tensor(True)}",
    lambda s: f"{s.module.ones(2):.2f}",
    lambda s: [
        repr(x) for x in (leaf(s) * 2, leaf(s).sum(), leaf(s).t(), leaf(s)[0], leaf(s).double(), leaf(s).detach())
    ],
    lambda s: [repr(x) for x in leaf(s).max(0)],
    lambda s: [repr(x) for x in leaf(s).unbind(0)],
    lambda s: repr(leaf(s).max(0)),
    lambda s: leaf(s).__repr__(tensor_contents="..."),
    lambda s: [
        repr(s.module.zeros(2, 0)),
        repr(s.module.zeros(0, 2, requires_grad=True)),
        repr(s.module.zeros(1, 1, 1)),
    ],
    lambda s: repr(s.module.ones(2, dtype=s.module.float16) * 1e-5),
    lambda s: repr(s.module._tensor_str.get_printoptions()),
)
def test_tensors(case: Any) -> None:
    assert_same(case)


VALUES = {
    "any": st.floats(),
    "special": st.sampled_from([0.0, -0.0, math.nan, math.inf, -math.inf]),
    "near a threshold": st.sampled_from(
        [1e-4, 1e-5, 9.99995e-5, 1e8, 1e3, 1.0, 0.1, 0.01, 99999.99995, 1e5, 1e-45, 1e38]
    ),
    "plain": st.floats(-100, 100),
    "decimal": st.integers(-(10**6), 10**6).map(lambda n: n / 1000),
    "whole": st.integers(-(10**4), 10**4).map(float),
    "large and whole": st.integers(-(2**60), 2**60).map(float),
    "any magnitude": st.builds(lambda m, e: m * 10.0**e, st.floats(-10, 10), st.integers(-300, 299)),
    "float32's magnitudes": st.builds(lambda m, e: m * 10.0**e, st.floats(-10, 10), st.integers(-45, 38)),
    "small": st.builds(lambda m, e: m * 10.0**e, st.floats(-10, 10), st.integers(-6, 2)),
}
SHAPES = st.one_of(
    st.lists(st.integers(0, 4), max_size=5),
    st.lists(st.integers(1, 9), max_size=3),
    st.lists(st.integers(1, 60), min_size=1, max_size=2),
    st.lists(st.integers(5, 15), min_size=3, max_size=3),
    st.lists(st.integers(990, 2000), min_size=1, max_size=1),
)


@st.composite
def arrays(draw: st.DrawFn) -> np.ndarray:
    """Of any dtype, shape and layout: a shuffle of a few values of one or more kinds."""
    dtype, shape = np.dtype(draw(st.sampled_from((*FLOATS, *FLOATS, *INTEGERS, "bool")))), draw(SHAPES)
    if dtype.kind == "f":
        kinds = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=3))
        element: st.SearchStrategy[Any] = st.one_of([VALUES[kind] for kind in kinds])
    elif dtype.kind == "b":
        element = st.booleans()
    else:
        limits = np.iinfo(dtype)
        element = st.integers(int(limits.min), int(limits.max)) | st.integers(0, 12)
    pool = draw(st.lists(element, min_size=1, max_size=16))
    with np.errstate(over="ignore"):  # too large for the type: inf
        values = np.array(pool, "float64" if dtype.kind == "f" else dtype).astype(dtype)
    picks = np.random.default_rng(draw(st.integers(0, 999))).integers(len(pool), size=shape)
    return np.asarray(values[picks]).transpose(draw(st.permutations(range(len(shape)))))


@settings(deadline=None, max_examples=300)
@given(arrays(), some_options, st.sampled_from(FLOATS), st.sampled_from([None, "MulBackward", "F" * 60 + "Backward"]))
def test_any_array(array: np.ndarray, options: dict[str, Any], default: str, grad_fn_name: str | None) -> None:
    if array.dtype.kind != "f":
        grad_fn_name = None
    check(array, grad_fn_name=grad_fn_name)
    with both(default, **options):
        check(array, grad_fn_name=grad_fn_name)
