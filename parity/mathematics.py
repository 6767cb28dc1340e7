"""Shared mathematics: real torch computes its products and elementary functions with microtorch's own kernels.

torch takes these from libraries whose bits depend on the brand of the CPU; all else is torch's own code, which rounds
alike everywhere. Given the same products and functions, both sides must agree to the last bit. Each of torch's CPU
kernels named here still runs: it checks, allocates, resizes and lays out as ever. Only its digits are then replaced, in
float32 and float64. What else a script reaches, and microtorch does not follow to the last bit, `Outside` counts.
"""

from __future__ import annotations

import functools
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from parity.followed import FOLLOWED, PARTLY
from parity.runner import kernels

Function = Callable[..., Any]

ELEMENTARY = (
    *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "sigmoid"),
    *("sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh"),
)
PRODUCTS = ("mm", "addmm", "bmm", "baddbmm", "addmv", "dot")  # to torch, mv is an addmv, vdot a dot, matmul one of all
POWER = "pow"
SOFTMAX = ("_softmax", "_log_softmax", "_softmax_backward_data", "_log_softmax_backward_data")  # exp and log in sums
SHARED = (*PRODUCTS, *ELEMENTARY, *SOFTMAX, POWER)
PASSES_ON = ("aten::pow.Scalar", "aten::pow.Scalar_out")  # to pow.Tensor_Tensor_out

OF_TORCH = (0, 1, 2, 3, -1, -2, -0.5)  # exponents for which torch itself multiplies and divides


class Shared:
    """Puts kernels of microtorch, by their name, under the torch of this process while it is entered.

    `calls` counts them; `own` counts the calls in types that are left to torch; `products` the shapes multiplied.
    """

    def __init__(self, torch: Any, name: str = "torch_cpu") -> None:
        self.torch = torch
        self.calls: Counter[str] = Counter()
        self.own: Counter[str] = Counter()
        self.products: Counter[tuple[Any, ...]] = Counter()
        self._functions = functions(kernels().SETS[name])
        self._types = {torch.float32: np.float32, torch.float64: np.float64}
        self._library: Any = None

    def __enter__(self) -> Shared:
        names = [name for name in cpu_kernels(self.torch) if base(name) in SHARED and name not in PASSES_ON]
        self._library = _put(self.torch, dict.fromkeys(names, self._replace))
        return self

    def __exit__(self, *error: object) -> None:
        self._library = None  # the registrations end with it

    def _replace(self, name: str, kernel: Any) -> Function:
        """torch's kernel with the digits of ours."""
        title, torch = base(name), self.torch
        function, is_product = self._functions[title], title in PRODUCTS
        writes = name.partition(".")[0].endswith("_") or name.endswith("out")
        as_tensors = _Numbers(torch, name)

        def replaced(keys: Any, *args: Any, **kwargs: Any) -> Any:
            if title not in PRODUCTS and title not in SOFTMAX:
                args = as_tensors(args)
            dtype = self._dtype(title, args)
            if dtype is None:
                return kernel.call_boxed(keys, *args, **kwargs)
            arrays = [_array(x, dtype) if isinstance(x, torch.Tensor) else x for x in args]
            factors = kwargs
            if writes:  # what is read may be overwritten
                arrays = [x.copy() if isinstance(x, np.ndarray) else x for x in arrays]
                factors = {key: value for key, value in kwargs.items() if key != "out"}
            result = kernel.call_boxed(keys, *args, **kwargs)  # before ours: bad arguments are refused here
            self.calls[title] += 1
            if is_product:
                self.products[title, tuple(factors.items()), *((x.shape, x.strides, x.dtype.char) for x in arrays)] += 1
            with np.errstate(all="ignore"):
                result.detach().numpy()[...] = function(*arrays, **factors)
            return result

        return replaced

    def _dtype(self, title: str, args: tuple[Any, ...]) -> Any:
        """The type in which a function of ours computes for torch; None where torch computes itself."""
        torch = self.torch
        if title == POWER and not isinstance(args[1], torch.Tensor) and args[1] in OF_TORCH:
            return None
        dtype = torch.result_type(*args) if title in (POWER, "atan2") else args[0].dtype
        if title in ELEMENTARY and not (dtype.is_floating_point or dtype.is_complex):
            dtype = torch.get_default_dtype()
        if dtype in self._types:
            return dtype
        if dtype.is_floating_point or dtype.is_complex:  # integers are exact
            self.own[f"{title} of {str(dtype).removeprefix('torch.')}"] += 1
        return None


class Outside:
    """Counts in `calls` what is neither shared nor followed to the last bit by microtorch, while it is entered.

    torch's own kernels are called for it: nothing is replaced.
    """

    def __init__(self, torch: Any) -> None:
        self.torch = torch
        self.calls: Counter[str] = Counter()
        self._library: Any = None

    def __enter__(self) -> Outside:
        known = FOLLOWED.difference(PARTLY).union(SHARED)
        names = [name for name in cpu_kernels(self.torch) if base(name) not in known]
        self._library = _put(self.torch, dict.fromkeys(names, self._count))
        return self

    def __exit__(self, *error: object) -> None:
        self._library = None

    def _count(self, name: str, kernel: Any) -> Function:
        title, as_tensors = base(name), _Numbers(self.torch, name)
        is_followed = PARTLY.get(title, lambda *_, **__: False)

        def counted(keys: Any, *args: Any, **kwargs: Any) -> Any:
            self.calls[title] += not is_followed(*args, **kwargs)
            return kernel.call_boxed(keys, *as_tensors(args), **kwargs)

        return counted


def _array(tensor: Any, dtype: Any) -> Any:
    """A tensor's memory as an array, converted if it is of another type."""
    plain = tensor.detach()
    return (plain if plain.dtype is dtype else plain.to(dtype)).numpy()


def share(torch: Any, name: str) -> Callable[[], dict[str, Any]]:
    """Share mathematics from now on; returns what tells how often what was called."""
    shared, outside = Shared(torch, name).__enter__(), Outside(torch).__enter__()

    def told() -> dict[str, Any]:
        return {
            "kernels": name,
            "shared": dict(shared.calls.most_common()),
            "outside": dict((+outside.calls + shared.own).most_common()),
            "products": list(shared.products),
        }

    return told


def base(name: str) -> str:
    """The function that an operator of aten is a form of: aten::exp_ and aten::exp.out are exp."""
    plain = name.removeprefix("aten::").partition(".")[0]
    return plain if plain.endswith("__") else plain.removesuffix("_")


@functools.cache
def cpu_kernels(torch: Any) -> list[str]:
    """The operators of aten that have a kernel for CPU tensors; the others are made of these."""
    has = torch._C._dispatch_has_kernel_for_dispatch_key
    keys = ("CPU", "CompositeExplicitAutograd")
    return [n for n in torch._C._dispatch_get_all_op_names() if n.startswith("aten::") and any(has(n, k) for k in keys)]


def _put(torch: Any, replacements: Mapping[str, Callable[[str, Any], Function]]) -> Any:
    """Register a function over each operator's CPU kernel; in effect as long as the result is kept."""
    library = torch.library.Library("aten", "IMPL")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns once that kernels are replaced
        for name, replace in replacements.items():
            function = replace(name, torch.library.get_kernel(name, "CPU"))
            library.impl(name.removeprefix("aten::"), function, "CPU", with_keyset=True)
    return library


class _Numbers:
    """Makes tensors again of the numbers that torch hands to a Python kernel in a tensor's place."""

    def __init__(self, torch: Any, name: str) -> None:
        self._torch = torch
        self._name = name
        self._places: list[int] | None = None

    def __call__(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        if self._places is None:
            title, _, form = self._name.removeprefix("aten::").partition(".")
            schema = self._torch._C._get_schema("aten::" + title, form)
            self._places = [i for i, a in enumerate(schema.arguments) if str(a.type) == "Tensor" and not a.kwarg_only]
        for place in self._places:
            if type(args[place]) in (int, float, bool, complex):
                return self._converted(args, place)
        return args

    def _converted(self, args: tuple[Any, ...], place: int) -> tuple[Any, ...]:
        torch, number = self._torch, args[place]
        tensor = next((x for x in args if isinstance(x, torch.Tensor)), None)
        if tensor is not None:
            dtype = torch.result_type(tensor, number)
        else:
            dtype = {bool: torch.bool, int: torch.int64, float: torch.float64}.get(type(number), torch.complex128)
        return (*args[:place], torch.scalar_tensor(number, dtype=dtype), *args[place + 1 :])


def functions(ours: Mapping[str, Function]) -> dict[str, Function]:
    """The functions on arrays by the names of torch's operators, with their arguments."""
    matmul, dot, scaled_sum = ours["matmul"], ours["dot"], ours["scaled_sum"]
    return {
        "mm": matmul,
        "bmm": matmul,
        "dot": dot,
        "addmm": ours["addmm"],
        "addmv": lambda x, a, b, beta=1, alpha=1: scaled_sum(x, dot(a, b), beta, alpha),
        "baddbmm": lambda x, a, b, beta=1, alpha=1: scaled_sum(x, matmul(a, b), beta, alpha),
        POWER: ours["pow"],
        "_softmax": _along(ours["softmax"]),
        "_log_softmax": _along(ours["log_softmax"]),
        "_softmax_backward_data": _along(ours["softmax_backward"]),
        "_log_softmax_backward_data": _along(ours["log_softmax_backward"]),
    } | {name: ours[name] for name in ELEMENTARY}


def _along(function: Function) -> Function:
    """A function of arrays along an axis as torch calls it: on contiguous memory, without the dtype that comes last."""

    def called(*args: Any, **_: Any) -> Any:
        *arrays, dim, _ = args
        if not arrays[0].size:
            return arrays[0]
        shape = arrays[0].shape
        arrays = [np.ascontiguousarray(x).reshape(shape or (1,)) for x in arrays]
        return function(*arrays, dim % (len(shape) or 1)).reshape(shape)

    return called
