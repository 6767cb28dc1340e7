"""`gradcheck` compares the gradients that backward gives with finite differences, `gradgradcheck` second ones, too."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..engine import Node, edge_to
from ..tensor import Tensor, wrap
from ..views import gradient_edge
from .differentiate import grad

Function = Callable[..., Any]
Array = np.ndarray[Any, np.dtype[Any]]


class GradcheckError(RuntimeError):
    """The gradients are wrong, or cannot be relied upon."""


class _Tolerance(NamedTuple):
    eps: float
    atol: float
    rtol: float
    nondeterminism: float
    check_dtypes: bool


def gradcheck(
    func: Function,
    inputs: Tensor | Sequence[Any],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Whether |J − D| ≤ atol + rtol·|D| for the Jacobian J from backward and D from central differences of step `eps`.

    Of every input that requires a gradient, and every output that has one; in float64, unless the tolerances are wide.
    With `fast_mode`, one random direction through input and output stands for all elements.
    """
    _refuse(check_batched_grad=check_batched_grad, check_batched_forward_grad=check_batched_forward_grad)
    _refuse(check_forward_ad=check_forward_ad)
    if not check_backward_ad:
        raise AssertionError("Expected at least one of check_forward_ad or check_backward_ad to be True")
    tolerance = _Tolerance(eps, atol, rtol, nondet_tol, check_grad_dtypes)
    arguments = _as_tuple(inputs)
    _check_inputs(arguments)
    try:
        outputs = _as_tuple(func(*arguments))
        (_check_directions if fast_mode else _check_jacobians)(func, arguments, outputs, tolerance)
        differentiable = [o for o in outputs if o.requires_grad]
        _check_linearity(differentiable, arguments)
        if check_undefined_grad:
            _check_undefined(func, arguments)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Function,
    inputs: Tensor | Sequence[Any],
    grad_outputs: Tensor | Sequence[Tensor] | None = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """`gradcheck` of the gradients themselves, as functions of `inputs` and of `grad_outputs` (random unless given)."""
    _refuse(check_fwd_over_rev=check_fwd_over_rev)
    if not check_rev_over_rev:
        raise AssertionError("Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True")
    arguments = _as_tuple(inputs)
    if grad_outputs is None:
        results = [o for o in _as_tuple(func(*arguments)) if o.requires_grad]
        gradients = tuple(_random_gradient(result, gen_non_contig_grad_outputs) for result in results)
    else:
        gradients = _as_tuple(grad_outputs)
    number = len(arguments)

    def first_gradients(*values: Any) -> tuple[Tensor, ...]:
        outputs = [o for o in _as_tuple(func(*values[:number])) if o.requires_grad]
        found = grad(outputs, _requiring(values[:number]), values[number:], create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None)

    return gradcheck(
        first_gradients,
        arguments + gradients,
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad,
        fast_mode=fast_mode,
    )


def _refuse(**options: bool) -> None:
    for name, wanted in options.items():
        if wanted:
            raise NotImplementedError(
                f"microtorch does not have {name}: it has neither forward-mode differentiation nor vmap"
            )


def _as_tuple(values: Any) -> tuple[Any, ...]:
    return tuple(values) if isinstance(values, (tuple, list)) else (values,)


def _requiring(values: Sequence[Any]) -> list[Tensor]:
    return [v for v in values if isinstance(v, Tensor) and v.requires_grad]


def _random_gradient(result: Tensor, with_gaps: bool) -> Tensor:
    array = result._array
    gradient: Tensor = wrap(np.empty(array.shape, array.dtype)).uniform_(-1, 1)
    if with_gaps and array.ndim:
        room = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
        room[..., ::2] = gradient._array
        gradient = wrap(room[..., ::2])
    gradient._requires_grad = True
    return gradient


def _check_inputs(arguments: tuple[Any, ...]) -> None:
    for i, value in enumerate(arguments):
        if isinstance(value, Tensor) and value.requires_grad:
            if value._array.dtype != np.float64:
                warnings.warn(
                    f"Input #{i} requires gradient and is not a double precision floating point or complex. This check "
                    "will likely fail if all the inputs are not of double precision floating point or complex. ",
                    stacklevel=3,
                )
            if any(stride == 0 and size > 1 for stride, size in zip(value.stride(), value.shape, strict=True)):
                raise RuntimeError(
                    f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs that are "
                    "non-overlapping to be able to compute the numerical gradients correctly. You should call "
                    ".contiguous on the input before passing it to gradcheck."
                )
    if not _requiring(arguments):
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True."
        )


# -- both Jacobians ----------------------------------------------------------------------------------------------------


def _check_jacobians(
    func: Function, arguments: Sequence[Any], outputs: Sequence[Tensor], tolerance: _Tolerance
) -> None:
    numerical = _numerical_jacobians(func, arguments, outputs, tolerance.eps)
    if not any(output.requires_grad for output in outputs):
        if any(jacobian.any() for jacobians in numerical for jacobian in jacobians):
            raise GradcheckError("Numerical gradient for function expected to be zero")
        return
    differentiable = [o for o, output in enumerate(outputs) if output.requires_grad]
    for i, o in enumerate(differentiable):
        for j, analytical in enumerate(_analytical_jacobians(outputs[o], arguments, tolerance)):
            if not np.allclose(analytical, numerical[j][o], tolerance.rtol, tolerance.atol):
                raise _mismatch(i, j, numerical[j][o], analytical)


def _mismatch(output: int, input: int, numerical: Array, analytical: Array) -> GradcheckError:
    return GradcheckError(
        f"Jacobian mismatch for output {output} with respect to input {input},\n"
        f"numerical:{wrap(np.asarray(numerical))}\nanalytical:{wrap(np.asarray(analytical))}\n"
    )


def _numerical_jacobians(
    func: Function, arguments: Sequence[Any], outputs: Sequence[Tensor], eps: float
) -> list[list[Array]]:
    """For every input that requires a gradient and every output, ∂output/∂input: a row for each input element."""
    found = []
    for tensor in _requiring(arguments):
        jacobians = [np.zeros((tensor.numel(), output.numel()), tensor._array.dtype) for output in outputs]
        for row, index in enumerate(np.ndindex(tensor._array.shape)):
            step = np.zeros(tensor._array.shape, tensor._array.dtype)
            step[index] = eps
            for jacobian, difference in zip(jacobians, _differences(func, arguments, tensor, step, eps), strict=True):
                jacobian[row] = difference
        found.append(jacobians)
    return found


def _differences(func: Function, arguments: Sequence[Any], tensor: Tensor, step: Array, eps: float) -> list[Array]:
    """(f(x + step) − f(x − step)) / 2ε for every output, as a row."""
    here = tensor._array.copy()
    try:
        tensor._array[...] = here - step
        below = [o._array.copy() for o in _as_tuple(func(*arguments))]
        tensor._array[...] = here + step
        above = [o._array for o in _as_tuple(func(*arguments))]
        return [((b - a) / (2 * eps)).reshape(-1) for a, b in zip(below, above, strict=True)]
    finally:
        tensor._array[...] = here


def _analytical_jacobians(output: Tensor, arguments: Sequence[Any], tolerance: _Tolerance) -> list[Array]:
    """For every input that requires a gradient, ∂output/∂input: a column for each element of the output."""
    cotangents = np.eye(output.numel(), dtype=output._array.dtype).reshape(-1, *output._array.shape)
    return [rows.T for rows in _pull_back(output, arguments, cotangents, tolerance)]


def _pull_back(output: Tensor, arguments: Sequence[Any], cotangents: Array, tolerance: _Tolerance) -> list[Array]:
    """For every input that requires a gradient, those of ⟨cotangent, output⟩ as rows; twice, to the same bits."""
    inputs = _requiring(arguments)
    runs = []
    for _ in range(2):
        copy = output.clone()  # a function may return its input
        found = [np.zeros((len(cotangents), tensor.numel()), tensor._array.dtype) for tensor in inputs]
        for row, cotangent in enumerate(cotangents):
            gradients = grad(copy, inputs, wrap(cotangent), retain_graph=True, allow_unused=True)
            for rows, gradient, tensor in zip(found, gradients, inputs, strict=True):
                if gradient is None:
                    continue
                if gradient.dtype is not tensor.dtype and tolerance.check_dtypes:
                    raise GradcheckError("Gradient has dtype mismatch")
                if gradient.shape != tensor.shape:
                    raise GradcheckError("Analytical gradient has incorrect size")
                rows[row] = gradient._array.reshape(-1)
        runs.append(found)
    for first, second in zip(*runs, strict=True):
        if np.abs(first - second).max(initial=0) > tolerance.nondeterminism:
            raise GradcheckError(
                "Backward is not reentrant, i.e., running backward with same input and grad_output multiple times "
                "gives different values, although analytical gradient matches numerical gradient."
                f"The tolerance for nondeterminism was {tolerance.nondeterminism}."
            )
    return runs[0]


def _check_directions(
    func: Function, arguments: Sequence[Any], outputs: Sequence[Tensor], tolerance: _Tolerance
) -> None:
    """Compare uᵀ J v alone, for a random direction u of every input and v of every output."""
    random = np.random.default_rng(0)

    def direction(like: Tensor) -> Array:
        values = random.random(like.numel()).astype(like._array.dtype)
        return (values / (np.linalg.norm(values) or 1)).reshape(like._array.shape)

    directions = [direction(tensor) for tensor in _requiring(arguments)]
    numerical = [
        _differences(func, arguments, tensor, u * tolerance.eps, tolerance.eps)
        for tensor, u in zip(_requiring(arguments), directions, strict=True)
    ]
    for o, output in enumerate(outputs):
        v = direction(output)
        if not output.requires_grad:
            if any(of_input[o].any() for of_input in numerical):
                raise GradcheckError("Numerical gradient for function expected to be zero")
            continue
        for j, (u, row) in enumerate(zip(directions, _pull_back(output, arguments, v[None], tolerance), strict=True)):
            measured, computed = numerical[j][o] @ v.reshape(-1), row[0] @ u.reshape(-1)
            if not np.allclose(computed, measured, tolerance.rtol, tolerance.atol * u.sum() * v.sum()):
                _check_jacobians(func, arguments, outputs, tolerance)  # which says more
                raise _mismatch(o, j, measured, computed)


# -- what else a backward must do --------------------------------------------------------------------------------------


def _check_linearity(outputs: Sequence[Tensor], arguments: Sequence[Any]) -> None:
    """Nothing may come of a gradient of zeros."""
    inputs = _requiring(arguments)
    zeros = [wrap(np.zeros_like(o._array)) for o in outputs]
    for gradient, tensor in zip(grad(outputs, inputs, zeros, allow_unused=True), inputs, strict=True):
        if gradient is None:
            continue
        if gradient._array.any():
            raise GradcheckError("backward not multiplied by grad_output")
        if gradient.dtype is not tensor.dtype:
            raise GradcheckError("grad is incorrect type")
        if gradient.shape != tensor.shape:
            raise GradcheckError("grad is incorrect size")


class UndefinedGrad(Node):
    """Lets no gradient through."""

    def apply(self, *gradients: Any) -> Sequence[Any]:
        return (None,)


def _check_undefined(func: Function, arguments: Sequence[Any]) -> None:
    """Nothing may come of no gradient, to all outputs or to one of them."""
    number = len([o for o in _as_tuple(func(*arguments)) if o.requires_grad])
    for missing in [None, *(range(number) if number > 1 else ())]:
        outputs = [o for o in _as_tuple(func(*arguments)) if o.requires_grad]
        for i, output in enumerate(outputs):
            if missing is None or missing == i:
                node = UndefinedGrad((gradient_edge(output),))
                outputs[i] = wrap(output._array)
                outputs[i]._edge = edge_to(node, 0, output._array)
                outputs[i]._requires_grad = True
        zeros = [wrap(np.zeros_like(o._array)) for o in outputs]
        where = 'Please look at "Notes about undefined output gradients" in "tools/autograd/derivatives.yaml"'
        try:
            gradients = grad(outputs, _requiring(arguments), zeros, allow_unused=True)
        except RuntimeError as error:
            _warn_of_undefined()
            raise GradcheckError(f"Expected backward function to handle undefined output grads. {where}") from error
        if any(g is not None and g._array.any() for g in gradients):
            _warn_of_undefined()
            raise GradcheckError(
                f"Expected all input grads to be undefined or zero when all output grads are undefined or zero. {where}"
            )


def _warn_of_undefined() -> None:
    warnings.warn(
        "Backwards compatibility: New undefined gradient support checking feature is enabled by default, but it may "
        "break existing callers of this function. If this is true for you, you can call this function with "
        '"check_undefined_grad=False" to disable the feature',
        stacklevel=4,
    )
