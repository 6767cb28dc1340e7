"""Shared mathematics under real torch: ours are the digits, torch's is all else, and nothing else is replaced."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from rows import Draw, Row, all_rows
from sides import about, compare, copy_with_strides, draw, float_positions, main_form
from test_ops import LAYOUTS, check_gradient

from microtorch import kernels
from microtorch.kernels import SETS
from parity.followed import FOLLOWED, PARTLY
from parity.mathematics import ELEMENTARY, PRODUCTS, SHARED, Outside, Shared, base, cpu_kernels

OURS = SETS["torch_cpu"]
FLOATS = ("float32", "float64")


@pytest.fixture
def shared() -> Iterator[Shared]:
    with Shared(torch) as shared:
        yield shared


# -- digits ------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Form:
    """A function: its arguments, which are drawn, and what they give with our kernels."""

    name: str
    draw: Callable[[Draw], list[Any]]
    ours: Callable[..., Any]
    factors: dict[str, float] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        return " ".join([self.name, *map(str, self.factors.values())])


def scaled(product: str) -> Any:
    return lambda x, a, b, beta=1, alpha=1: OURS["scaled_sum"](x, OURS[product](a, b), beta, alpha)


def along(function: Any, dim: int, x: Any) -> Any:
    return function(np.ascontiguousarray(x), dim % x.ndim)


def powers() -> list[Form]:
    exponents = (-3, -1.5, 0.5, 4, 2.2)
    number = [Form("pow", lambda d, y=y: [d.positive(3, 4), y], lambda x, y: OURS["pow"](x, y)) for y in exponents]
    return [
        *number,
        Form("pow", lambda d: [d.positive(3, 4), d(4)], OURS["power"]),
        Form("pow", lambda d: [d.positive(3, 4), d()], OURS["power"]),
        Form("pow", lambda d: [2.1, d(3, 4)], lambda x, y: OURS["power"](y.dtype.type(x), y)),
    ]


FORMS = [
    *(Form(n, lambda d: [(d.positive(5, 4) / 4).astype(d.dtype)], OURS[n]) for n in ELEMENTARY if n != "atan2"),
    Form("atan2", lambda d: [d(5, 4), d(4)], OURS["atan2"]),
    *powers(),
    *(
        Form(f"_{name}", lambda d, dim=dim: [d(5, 21), dim, False], lambda x, dim, _, n=name: along(OURS[n], dim, x))
        for name in ("softmax", "log_softmax")
        for dim in (0, -1)
    ),
    Form("mm", lambda d: [d(5, 40), d(40, 3)], OURS["matmul"]),
    Form("mm", lambda d: [d(9, 7), d(7, 8)], OURS["matmul"]),
    Form("mm", lambda d: [d(2, 0), d(0, 3)], OURS["matmul"]),
    Form("mv", lambda d: [d(5, 40), d(40)], OURS["dot"]),
    Form("dot", lambda d: [d(70), d(70)], OURS["dot"]),
    Form("bmm", lambda d: [d(2, 5, 4), d(2, 4, 3)], OURS["matmul"]),
    *(
        form
        for factors in ({}, {"beta": 0.3, "alpha": 1.7}, {"beta": 0})
        for form in (
            Form("addmm", lambda d: [d(3), d(5, 40), d(40, 3)], OURS["addmm"], factors),
            Form("addmm", lambda d: [d(5, 3), d(5, 40), d(40, 3)], OURS["addmm"], factors),
            Form("addmv", lambda d: [d(5), d(5, 40), d(40)], scaled("dot"), factors),
            Form("baddbmm", lambda d: [d(2, 5, 3), d(2, 5, 4), d(2, 4, 3)], scaled("matmul"), factors),
        )
    ),
]
EACH = pytest.mark.parametrize("form", FORMS, ids=map(str, FORMS))


def tensors(arrays: list[Any]) -> list[Any]:
    """Arguments for torch on memory of their own, in the same strides."""
    return [torch.from_numpy(copy_with_strides(x)) if isinstance(x, np.ndarray) else x for x in arrays]


def in_place(form: Form, arrays: list[Any]) -> list[Any]:
    """The arguments where the first of them can hold the result."""
    first = np.asarray(arrays[0])
    with np.errstate(all="ignore"):
        shape = np.shape(form.ours(*arrays, **form.factors))
    return [copy_with_strides(np.broadcast_to(first, shape).copy() if first.shape != shape else first), *arrays[1:]]


def attempt(form: Form, arrays: list[Any], way: str) -> tuple[Any, Any, list[Any]]:
    """A call in one of the ways that there are: what it returns, what it should have written to, its arguments."""
    given = tensors(arrays)
    function = getattr(torch, form.name)
    if way == "in place":
        return getattr(given[0], form.name + "_")(*given[1:], **form.factors), given[0], given
    if way == "function":
        result = function(*given, **form.factors)
        return result, result, given
    like = function(*given, **form.factors)
    out = torch.empty(0, dtype=like.dtype) if way == "resized" else torch.zeros_like(like)
    if way == "transposed" and like.ndim == 2:
        out = torch.zeros(like.T.shape, dtype=like.dtype).T
    elif way == "aliased":
        out = given[0]
    return function(*given, **form.factors, out=out), out, given


def check(form: Form, drawn: list[list[Any]], ways: tuple[str, ...]) -> None:
    """Calls in many ways: ours are the digits, strides and versions are torch's."""
    calls = [(arrays, way) for arrays in drawn for way in ways]
    before = [attempt(form, *call)[0] for call in calls]
    with Shared(torch) as shared:
        found = []
        for call in calls:
            shared.calls.clear()
            found.append(attempt(form, *call))
            assert sum(shared.calls.values()) == (1 if call[1] in ("function", "in place") else 2)
    for (arrays, way), plain, (result, target, given) in zip(calls, before, found, strict=True):
        assert result is target
        assert (result.dtype, result.shape, result.stride()) == (plain.dtype, plain.shape, plain.stride())
        assert result._version == plain._version
        with np.errstate(all="ignore"):
            expected = np.asarray(form.ours(*arrays, **form.factors))
        assert expected.dtype == result.numpy().dtype
        np.testing.assert_array_equal(result.numpy(), expected, way)
        for tensor, array in zip(given, arrays, strict=True):
            if tensor is not target and isinstance(array, np.ndarray):
                np.testing.assert_array_equal(tensor.numpy(), array)


@pytest.mark.parametrize("dtype", FLOATS)
@EACH
def test_digits(form: Form, dtype: str) -> None:
    arrays = form.draw(Draw(dtype))
    layouts = [lambda x: x, *LAYOUTS.values()]
    drawn = [[layout(x) if isinstance(x, np.ndarray) else x for x in arrays] for layout in layouts]
    check(form, drawn, ("function",) if form.name == "dot" else ("function", "resized", "transposed"))


@pytest.mark.parametrize("dtype", FLOATS)
@EACH
def test_digits_in_place(form: Form, dtype: str) -> None:
    arrays = form.draw(Draw(dtype))
    if isinstance(arrays[0], np.ndarray) and hasattr(torch.Tensor, form.name + "_"):
        check(form, [in_place(form, arrays)], ("in place", "aliased") if form.name in ELEMENTARY else ("in place",))


@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (1,), (40,)])
@pytest.mark.parametrize("name", [n for n in ELEMENTARY if n != "atan2"])
def test_shapes(name: str, shape: tuple[int, ...]) -> None:
    x = np.asarray(Draw().positive(*shape) / 4, np.float32)
    check(Form(name, lambda d: [], OURS[name]), [[x]], ("function", "in place", "resized"))


def test_types_mix_as_in_torch(shared: Shared) -> None:
    """Integers and numbers take the type that they take in torch; out may have another one."""
    whole = torch.arange(1, 5)
    assert torch.sqrt(whole).tolist() == np.sqrt(whole.numpy().astype("f4")).tolist()
    assert torch.atan2(whole, whole.double()).dtype == torch.float64
    narrow = torch.exp(torch.tensor([0.1, 0.2]), out=torch.zeros(2, dtype=torch.float64))
    assert narrow.tolist() == OURS["exp"](np.array([0.1, 0.2], "f4")).tolist()
    assert (whole**0.5).dtype == torch.float32
    assert (2**whole).tolist() == [2, 4, 8, 16]
    assert shared.calls == {"sqrt": 1, "atan2": 1, "exp": 1, "pow": 1}


@pytest.mark.parametrize("name", ["float16", "bfloat16", "complex64", "int64"])
@EACH
def test_other_types_are_left_to_torch(form: Form, name: str) -> None:
    """Their results are torch's; that they were left to torch is told, but of integers, which are exact."""
    dtype = getattr(torch, name)
    arrays = [np.asarray(np.rint(4 * x)) if isinstance(x, np.ndarray) else x for x in form.draw(Draw())]
    given = [x.to(dtype) if isinstance(x, torch.Tensor) else x for x in tensors(arrays)]
    factors = {key: round(value) for key, value in form.factors.items()}
    if name == "int64" and (form.name in ELEMENTARY or any(type(x) is float for x in given)):
        return  # computed in floating point

    def attempt() -> Any:
        try:
            return getattr(torch, form.name)(*given, **factors)
        except RuntimeError as error:
            return str(error)

    expected = attempt()
    with Shared(torch) as shared:
        result = attempt()
    assert type(result) is type(expected)
    if isinstance(expected, torch.Tensor):
        torch.testing.assert_close(result, expected, rtol=0, atol=0, equal_nan=True)
    else:
        assert result == expected
    assert not shared.calls
    assert bool(shared.own) == (name != "int64")


def test_powers_that_torch_multiplies_are_its_own(shared: Shared) -> None:
    x = torch.tensor([1.1, 2.3])
    for exponent in (0, 1, 2, 3, -1, -2, -0.5):
        assert (x**exponent).dtype == torch.float32
    assert not shared.calls
    assert torch.equal(x**0.5, torch.from_numpy(np.sqrt(x.numpy())))


def test_bad_arguments_are_refused_as_ever(shared: Shared) -> None:
    x = torch.ones(2, 3)
    with pytest.raises(RuntimeError, match=r"mat1 and mat2 shapes cannot be multiplied \(2x3 and 2x3\)"):
        x @ x
    with pytest.raises(RuntimeError, match="result type Float can't be cast to the desired output type Long"):
        torch.arange(3).exp_()
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        x.requires_grad_().exp_()
    assert not shared.calls
    assert torch.equal(x, torch.ones(2, 3))


def test_gradients_are_of_our_digits(shared: Shared) -> None:
    x = torch.linspace(0.1, 2, 7, requires_grad=True)
    y = x.exp()
    (gradient,) = torch.autograd.grad(y.sum(), x, retain_graph=True)
    assert torch.equal(gradient, y)
    y.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_counts_and_shapes() -> None:
    linear = torch.nn.Linear(3, 2)
    with Shared(torch) as shared:
        for _ in range(3):
            linear(torch.ones(5, 3)).tanh().sum().backward()
    assert shared.calls == {"addmm": 3, "tanh": 3, "mm": 3}
    assert {(key[0], *(part[0] for part in key[2:])) for key in shared.products} == {
        ("addmm", (2,), (5, 3), (3, 2)),
        ("mm", (2, 5), (5, 3)),
    }
    torch.ones(3).tanh()
    assert shared.calls["tanh"] == 3, "nothing is counted afterwards"


@pytest.mark.parametrize("name", ["torch_cpu", "torch_cpu:fma"])
def test_kernels_by_name(name: str) -> None:
    a, b = (Draw().__call__(*shape) for shape in ((4, 30), (30, 5)))
    with Shared(torch, name):
        product = torch.from_numpy(a) @ torch.from_numpy(b)
    np.testing.assert_array_equal(product.numpy(), SETS[name]["matmul"](a, b))


# -- nothing else ------------------------------------------------------------------------------------------------------


def tables() -> dict[str, str]:
    """What torch's dispatcher does for every operator and every key."""
    return {
        n: torch._C._dispatch_dump_table(n) + torch._C._dispatch_dump(n) for n in torch._C._dispatch_get_all_op_names()
    }


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    assert before.keys() == after.keys()
    return {name for name in before if before[name] != after[name]}


FORMS_OF_PRODUCTS = """
    addmm addmm.out addmm_ addmv addmv.out addmv_ baddbmm baddbmm.out baddbmm_ bmm bmm.out dot dot.out mm mm.out
"""  # mv, vdot, matmul and linear are made of these


def test_nothing_else_is_replaced() -> None:
    before = tables()
    with Shared(torch):
        names = changed(before, tables())
    assert {base(name) for name in names} == set(SHARED)
    assert not {"aten::mv", "aten::matmul", "aten::rsqrt", "aten::tanh_backward"} & names
    of_products = {name for name in names if base(name) in PRODUCTS}
    assert of_products == {f"aten::{name}" for name in FORMS_OF_PRODUCTS.split()}
    assert len([name for name in names if base(name) in ELEMENTARY]) == 3 * len(ELEMENTARY)  # new, in place, out
    assert not changed(before, tables())
    with Outside(torch):
        watched = changed(before, tables())
    assert not watched & names
    assert not {base(name) for name in watched} & (FOLLOWED - set(PARTLY))
    assert not changed(before, tables())


def test_every_form_is_shared() -> None:
    names = set(cpu_kernels(torch))
    for title in (*ELEMENTARY, *PRODUCTS):
        forms = {name for name in names if base(name) == title}
        with Shared(torch):
            missing = [n for n in forms if "parity" not in torch._C._dispatch_dump(n)]
        assert not missing


# -- what is outside ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (lambda x: torch.nn.functional.conv1d(x[None], x[None]), {"convolution"}),
        (lambda x: (x.softmax(0) * x.log_softmax(1)).sum().backward(), set()),
        (lambda x: torch.nn.functional.cross_entropy(x, torch.arange(3)).backward(), set()),
        (lambda x: x.prod(), {"prod"}),
        (lambda x: x.norm(3), {"linalg_vector_norm"}),
        (lambda x: x.norm() + x.norm(1) + x.norm(float("inf")), set()),
        (lambda x: torch.nn.functional.gelu(x), {"gelu"}),
        (lambda x: torch.nn.functional.batch_norm(x * 2, None, None, training=True).sum().backward(), set()),
        (lambda x: torch.nn.functional.batch_norm(x[None], None, None, training=True), {"native_batch_norm"}),
        (lambda x: torch.nn.utils.clip_grad_norm_([x], 9.0), set()),
        (lambda x: torch.nn.functional.leaky_relu(x).sum().backward(), set()),
        (lambda x: torch.xlogy(x, 2.0), {"xlogy"}),
        (lambda x: torch.nn.functional.mse_loss((x @ x.T + 1).tanh(), x).backward(), set()),
        (lambda x: str(x) + str(x.max().item()), set()),
        (lambda x: torch.optim.RMSprop([x], momentum=0.9, centered=True).step(), set()),
        (lambda x: x.half() @ x.half(), {"mm of float16"}),
    ],
)
def test_what_is_outside_is_named(call: Any, names: set[str]) -> None:
    x = torch.eye(3, requires_grad=True)
    torch.manual_seed(0)
    x.grad = torch.rand(3, 3)
    expected = call(x)
    with Shared(torch) as shared, Outside(torch) as outside:
        result = call(x)
    found = {*+outside.calls, *shared.own}
    assert names <= found
    assert names or not found  # a convolution is made of others, on each CPU of its own
    if isinstance(expected, torch.Tensor):
        torch.testing.assert_close(result, expected)


ROWS = all_rows()


@functools.cache
def operators() -> frozenset[str]:
    return frozenset(map(base, torch._C._dispatch_get_all_op_names()))


def test_names_are_torchs() -> None:
    assert operators() >= FOLLOWED
    assert not FOLLOWED & set(SHARED)


ZEROS = {"maximum", "minimum", "fmax", "fmin", "clamp", "clip"}  # of 0 and −0 either may be taken


def unless_outside(outside: Outside, check: Callable[[], None]) -> None:
    """A check that must hold unless torch reaches what is outside."""
    outside.calls.clear()
    try:
        check()
    except AssertionError:
        if not +outside.calls:
            raise


class TestFollowed:
    """Whatever torch computes of the table of operations with nothing outside is ours to the last bit."""

    @pytest.fixture(scope="class")
    @classmethod
    def outside(cls) -> Iterator[Outside]:
        with kernels.use("torch_cpu"), Shared(torch), Outside(torch) as outside:
            yield outside

    @pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
    def test_row(self, row: Row, outside: Outside) -> None:
        exact = dataclasses.replace(row, ulp=0, grad_ulp=0, largest=False, zeros=row.name not in ZEROS, reason="±0")
        form = main_form(row)
        for case in row.cases:
            for dtype in FLOATS:
                if dtype in row.dtypes:
                    call = draw(case, dtype, 5)
                    floats = float_positions(call)
                    unless_outside(outside, lambda: compare(exact, form, case, call))  # noqa: B023
                    if floats:
                        with about(row, case, dtype):
                            unless_outside(outside, lambda: check_gradient(exact, form, call, floats))  # noqa: B023
