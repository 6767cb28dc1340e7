"""Derivatives of functions: Jacobian and Hessian matrices, and their products with vectors.

All come from `grad`. J·v, which backward passes do not give, is found by the double backward trick: u ↦ uᵀJ is linear
in u, and its own gradient with respect to u, weighted by v, is J·v.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..op import FUNCTIONS
from ..tensor import Tensor
from .differentiate import grad
from .grad_mode import enable_grad, is_grad_enabled, set_grad_enabled

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

Tensors = tuple[Any, ...]  # of tensors, or of None where there is no gradient
Function = Callable[..., Any]
OUTPUTS = "outputs of the user-provided function"
STRATEGIES = ("forward-mode", "reverse-mode")


def vjp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """func(inputs) and vᵀJ; `v` is like what `func` returns, and may be left out if that is a single number.

    `create_graph`: the results can be differentiated. `strict`: what does not depend on an input is an error, not zero.
    """
    with enable_grad():
        several, inputs = _tensors(inputs, "inputs", "vjp")
        inputs = _leaves(inputs, create_graph)
        several_outputs, outputs = _outputs(func, inputs, "vjp", strict)
        single = len(outputs) == 1 and outputs[0].numel() == 1
        v = _vector(v, outputs, several_outputs, "vjp", create_graph, single)
    with set_grad_enabled(create_graph or is_grad_enabled()):
        product = _gradients(outputs, inputs, v, create_graph)
        product = _without_none(product, inputs, strict, create_graph, _OUTPUT_INDEPENDENT, "jacobian")
    return _as_given(outputs, several_outputs, create_graph), _as_given(product, several, create_graph)


def jvp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """func(inputs) and J·v; `v` is like `inputs`, and may be left out if these are a single number. See `vjp`."""
    with enable_grad():
        _, inputs, v = _inputs_and_vector(inputs, v, "jvp", create_graph)
        several_outputs, outputs = _outputs(func, inputs, "jvp", strict)
        u, transposed = _of_u(outputs, inputs, strict)
    with set_grad_enabled(create_graph or is_grad_enabled()):
        product = _gradients(transposed, u, v, create_graph)
        product = _without_none(product, outputs, strict, create_graph, _TRICK_INDEPENDENT, "jacobian")
    return _as_given(outputs, several_outputs, create_graph), _as_given(product, several_outputs, create_graph)


def vhp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """func(inputs), a single number, and vᵀH; `v` is like `inputs`. See `vjp`."""
    with enable_grad():
        several, inputs, v = _inputs_and_vector(inputs, v, "vhp", create_graph)
        outputs, gradient = _gradient_of_number(func, inputs, "vhp", strict)
    with set_grad_enabled(create_graph or is_grad_enabled()):
        product = _gradients(gradient, inputs, v, create_graph)
        product = _without_none(product, inputs, strict, create_graph, _JACOBIAN_INDEPENDENT, "hessian")
    return _as_given(outputs, False, create_graph), _as_given(product, several, create_graph)


def hvp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """func(inputs), a single number, and H·v; `v` is like `inputs`. `vhp` gives the same and takes less."""
    with enable_grad():
        several, inputs, v = _inputs_and_vector(inputs, v, "hvp", create_graph)
        outputs, gradient = _gradient_of_number(func, inputs, "hvp", strict)
        u = tuple(FUNCTIONS["zeros_like"](x, requires_grad=True) for x in inputs)
        transposed = _gradients(gradient, inputs, u, True)
        _require_gradients(gradient, strict, _HESSIAN_CONSTANT)
    with set_grad_enabled(create_graph or is_grad_enabled()):
        product = _gradients(transposed, u, v, create_graph)
        product = _without_none(product, inputs, strict, create_graph, _HESSIAN_TRICK_INDEPENDENT, "hessian")
    return _as_given(outputs, False, create_graph), _as_given(product, several, create_graph)


def jacobian(
    func: Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """∂func/∂inputs: a tensor of the shapes of output and input joined, or tuples of these, by output, then by input.

    `vectorize` changes nothing here but what torch refuses with it: rows are computed one by one, in the forward mode
    columns, by the double backward trick.
    """
    if strategy not in STRATEGIES:
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your function has more outputs '
            'than inputs, "forward-mode" tends to be more performant. Otherwise, prefer to use "reverse-mode".'
        )
    if strategy == "forward-mode":
        _refuse_forward(create_graph, strict)
        return _by_columns(func, inputs, vectorize)
    with enable_grad():
        several, inputs = _tensors(inputs, "inputs", "jacobian")
        inputs = _leaves(inputs, create_graph)
        several_outputs, outputs = _outputs(func, inputs, "jacobian", strict)
        if vectorize and strict:
            raise RuntimeError(
                "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not supported together. "
                "Please either set `strict=False` or `vectorize=False`."
            )
        if vectorize and not any(output.numel() for output in outputs):
            raise IndexError("index 0 is out of bounds for dimension 0 with size 0")
        blocks = tuple(_rows(i, output, inputs, create_graph, strict) for i, output in enumerate(outputs))
        return _as_given(blocks, several_outputs, create_graph, several)


def _rows(i: int, output: Tensor, inputs: Tensors, create_graph: bool, strict: bool) -> Tensors:
    """The Jacobian of one output for each input."""
    rows: list[list[Tensor]] = [[] for _ in inputs]
    for number in range(output.numel()):
        row = _gradients((output.reshape(-1)[number],), inputs, None, create_graph, retain_graph=True)
        for position, (gradient, x) in enumerate(zip(row, inputs, strict=True)):
            if strict and gradient is None:
                raise RuntimeError(
                    f"Output {i} of the user-provided function is independent of input {position}. This is not allowed "
                    "in strict mode."
                )
            if strict and create_graph and not gradient.requires_grad:
                raise RuntimeError(_DERIVATIVE_CONSTANT.format("jacobian", i))
            rows[position].append(FUNCTIONS["zeros_like"](x) if gradient is None else gradient)
    return tuple(
        FUNCTIONS["stack"](row, dim=0).view(output.shape + x.shape) for row, x in zip(rows, inputs, strict=True)
    )


def _refuse_forward(create_graph: bool, strict: bool) -> None:
    for refused, name, value, otherwise in (
        (create_graph, "create_graph=True", "create_graph=False", NotImplementedError),
        (strict, "strict=True", "strict=False", RuntimeError),
    ):
        if refused:
            raise otherwise(
                f'torch.autograd.functional.jacobian: `{name}` and `strategy="forward-mode"` are not supported '
                f'together (yet). Please either set `{value}` or `strategy="reverse-mode"`.'
            )


def _by_columns(func: Function, inputs: Any, vectorize: bool) -> Any:
    """The Jacobian by J·e for every unit vector e; part of the graph of those inputs that require a gradient."""
    with enable_grad():
        several, inputs = _tensors(inputs, "inputs", "jacobian")
        if not vectorize:
            raise NotImplementedError(
                "Computing Jacobian using forward-AD or forward-over-reverse Hessian isonly implemented for "
                "`vectorize=True`."
            )
        for x in inputs:
            if not x.is_floating_point():
                raise ValueError(f"Expected primal to be floating point or complex, but got: {x.dtype}")
        attached = any(x.requires_grad for x in inputs)
        inputs = _leaves(inputs, True)
        several_outputs, outputs = _outputs(func, inputs, None, False)
        known = [i for i, output in enumerate(outputs) if output.requires_grad]
        u, transposed = _of_u(tuple(outputs[i] for i in known), inputs, False)
        blocks = [
            [output.new_zeros(*output.shape, *x.shape) if i not in known else None for x in inputs]
            for i, output in enumerate(outputs)
        ]
        for position, (x, gradient) in enumerate(zip(inputs, transposed, strict=True)):
            columns: list[list[Tensor]] = [[] for _ in known]
            for number in range(x.numel()):
                unit = x.new_zeros(x.numel())
                unit[number] = 1
                column = _gradients((gradient,), u, (unit.view(x.shape),), attached, retain_graph=True)
                for place, part, weight in zip(columns, column, u, strict=True):
                    place.append(FUNCTIONS["zeros_like"](weight) if part is None else part)
            for i, place in zip(known, columns, strict=True):
                stacked = FUNCTIONS["stack"](place)
                block = stacked.permute(*range(1, stacked.ndim), 0).reshape(outputs[i].shape + x.shape)
                blocks[i][position] = block if attached else block.detach()
    if several:
        return blocks if several_outputs else blocks[0]
    return tuple(row[0] for row in blocks) if several_outputs else blocks[0][0]


def hessian(
    func: Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The second derivatives of a function that gives a single number, as a tensor of the input's shape twice, or as
    tuples of tuples of these; `vectorize` and `outer_jacobian_strategy` as for `jacobian`.
    """
    several, inputs = _tensors(inputs, "inputs", "hessian")
    if outer_jacobian_strategy not in STRATEGIES:
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode".')

    def number(*given: Any) -> Any:
        returned = func(*given)
        is_tuple, outputs = _tensors(returned, OUTPUTS, "hessian")
        _require_gradients(outputs, strict, _OUTPUT_CONSTANT)
        _require_number(is_tuple, outputs, "hessian")
        return returned.squeeze()

    def gradient(*given: Any) -> Any:
        gradients = jacobian(number, given, create_graph=True)
        _require_gradients(gradients, strict, _JACOBIAN_CONSTANT)
        return gradients

    blocks = jacobian(
        gradient,
        inputs,
        create_graph=create_graph,
        strict=strict,
        vectorize=vectorize,
        strategy=outer_jacobian_strategy,
    )
    return blocks if several else blocks[0][0]


# -- arguments and results ---------------------------------------------------------------------------------------------


def _tensors(value: Any, what: str, function: str | None) -> tuple[bool, Tensors]:
    """Whether a tuple was given, and the tuple."""
    several = isinstance(value, tuple)
    values = value if several else (value,)
    for i, element in enumerate(values):
        if not isinstance(element, Tensor):
            which = f"value at index {i}" if several else f"given {what}"
            raise TypeError(
                f"The {what} given to {function} must be either a Tensor or a tuple of Tensors but the {which} has "
                f"type {type(element)}."
            )
    return several, values


def _leaves(tensors: Tensors, create_graph: bool, requires_grad: bool = True) -> Tensors:
    """The tensors as the function gets them: connected with their graph, if that shall go on, else apart from it."""
    return tuple(
        x.view_as(x) if create_graph and x.requires_grad else x.detach().requires_grad_(requires_grad) for x in tensors
    )


def _outputs(func: Function, inputs: Tensors, function: str | None, strict: bool) -> tuple[bool, Tensors]:
    returned = func(*inputs)
    several, outputs = _tensors(returned, OUTPUTS if function else "outputs", function)
    _require_gradients(outputs, strict, _OUTPUT_CONSTANT)
    return several, outputs


def _inputs_and_vector(inputs: Any, v: Any, function: str, create_graph: bool) -> tuple[bool, Tensors, Tensors | None]:
    several, inputs = _tensors(inputs, "inputs", function)
    inputs = _leaves(inputs, create_graph)
    single = len(inputs) == 1 and inputs[0].numel() == 1
    return several, inputs, _vector(v, inputs, several, function, create_graph, single)


def _vector(v: Any, like: Tensors, several: bool, function: str, create_graph: bool, single: bool) -> Tensors | None:
    """`v`, which must be like the tensors `like`, and may be left out if these are a single number."""
    if v is None:
        if not single:
            what = "user-provided function returns" if function == "vjp" else "input to the user-provided function is"
            raise RuntimeError(f"The vector v can only be None if the {what} a single Tensor with a single element.")
        return None
    _, given = _tensors(v, "v", function)
    given = _leaves(given, create_graph, False)
    if len(given) != len(like):
        raise RuntimeError(
            f"v is a tuple of invalid length: should be {len(like)} but got {len(given)}."
            if several
            else "The given v should contain a single Tensor."
        )
    for i, (x, other) in enumerate(zip(given, like, strict=True)):
        if x.shape != other.shape:
            raise RuntimeError(
                f"{f'Entry {i} in ' if several else ''}v has invalid size: should be {other.shape} but got {x.shape}."
            )
    return given


def _as_given(results: Tensors, several: bool, create_graph: bool, several_inputs: bool = True) -> Any:
    """Results in the structure of the arguments, and apart from their graph unless that is wanted."""

    def settled(result: Any) -> Any:
        if not isinstance(result, tuple):
            return result if create_graph else result.detach()
        return tuple(map(settled, result)) if several_inputs else settled(result[0])

    return tuple(map(settled, results)) if several else settled(results[0])


# -- gradients ---------------------------------------------------------------------------------------------------------


def _gradients(
    outputs: Tensors, inputs: Tensors, v: Tensors | None, create_graph: bool, retain_graph: bool | None = None
) -> Tensors:
    """`grad` of those outputs that have one."""
    pairs = zip(outputs, (None,) * len(outputs) if v is None else v, strict=True)
    known = [(output, weight) for output, weight in pairs if output is not None and output.requires_grad]
    if not known:
        return (None,) * len(inputs)
    tensors, weights = zip(*known, strict=True)
    return grad(tensors, inputs, weights, retain_graph, create_graph, allow_unused=True)


def _of_u(outputs: Tensors, inputs: Tensors, strict: bool) -> tuple[Tensors, Tensors]:
    """u, like the outputs, and uᵀJ, which is linear in it."""
    u = tuple(FUNCTIONS["zeros_like"](output, requires_grad=True) for output in outputs)
    transposed = _gradients(outputs, inputs, u, True)
    _require_gradients(transposed, strict, _GRADIENT_CONSTANT)
    return u, transposed


def _gradient_of_number(func: Function, inputs: Tensors, function: str, strict: bool) -> tuple[Tensors, Tensors]:
    several, outputs = _outputs(func, inputs, function, strict)
    _require_number(several, outputs, function)
    gradient = _gradients(outputs, inputs, None, True)
    _require_gradients(gradient, strict, _JACOBIAN_CONSTANT)
    return outputs, gradient


def _without_none(
    gradients: Tensors, like: Tensors, strict: bool, create_graph: bool, independent: str, derivative: str
) -> Tensors:
    """Zeros where there is no gradient, which `strict` forbids in the words of `independent`."""
    for i, gradient in enumerate(gradients):
        if strict and gradient is None:
            raise RuntimeError(independent.format(i))
        if strict and create_graph and not gradient.requires_grad:
            raise RuntimeError(_DERIVATIVE_CONSTANT.format(derivative, i))
    return tuple(FUNCTIONS["zeros_like"](x) if g is None else g for g, x in zip(gradients, like, strict=True))


def _require_number(several: bool, outputs: Tensors, function: str) -> None:
    if several:
        raise RuntimeError(f"The function given to {function} should return a single Tensor")
    if outputs[0].numel() != 1:
        raise RuntimeError(f"The Tensor returned by the function given to {function} should contain a single element")


def _require_gradients(tensors: Sequence[Any], strict: bool, constant: str) -> None:
    """With `strict`, refuse what does not depend on the input."""
    for i, tensor in enumerate(tensors if strict else ()):
        if tensor is None:
            raise RuntimeError(_OUTPUT_INDEPENDENT.format(i))
        if not tensor.requires_grad:
            raise RuntimeError(constant.format(i))


_OUTPUT_INDEPENDENT = (
    "The output of the user-provided function is independent of input {}. This is not allowed in strict mode."
)
_TRICK_INDEPENDENT = (
    "The gradient with respect to the input is independent of entry {} in the grad_outputs when using the double "
    "backward trick to compute forward mode gradients. This is not allowed in strict mode."
)
_JACOBIAN_INDEPENDENT = (
    "The jacobian of the user-provided function is independent of input {}. This is not allowed in strict mode."
)
_HESSIAN_TRICK_INDEPENDENT = (
    "The hessian of the user-provided function is independent of entry {} in the grad_jacobian. This is not allowed in "
    "strict mode as it prevents from using the double backward trick to replace forward mode AD."
)
_DERIVATIVE_CONSTANT = (
    "The {} of the user-provided function is independent of input {}. This is not allowed in strict mode when "
    "create_graph=True."
)
_OUTPUT_CONSTANT = (
    "Output {} of the user-provided function does not require gradients. The outputs must be computed in a "
    "differentiable manner from the input when running in strict mode."
)
_GRADIENT_CONSTANT = (
    "The gradient with respect to input {} is independent of the inputs of the user-provided function. This is not "
    "allowed in strict mode."
)
_JACOBIAN_CONSTANT = (
    "While computing the hessian, found that the jacobian of the user-provided function with respect to input {} is "
    "independent of the input. This is not allowed in strict mode. You should ensure that your function is twice "
    "differentiable and that the jacobian depends on the inputs (this would be violated by a linear function for "
    "example)."
)
_HESSIAN_CONSTANT = (
    "The hessian of the user-provided function with respect to input {} is independent of the input. This is not "
    "allowed in strict mode. You should ensure that your function is thrice differentiable and that the hessian "
    "depends on the inputs."
)
