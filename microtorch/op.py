"""@op: from a forward on arrays and named gradient formulas to a function on tensors.

    @op(input=lambda g, other: g * other,
        other=lambda g, input: g * input)
    def mul(input, other): ...

declares the product: the keywords name the inputs that are tensors and give the gradient of each, or None where there
is none. A formula says by its parameters what it needs: `g`, the incoming gradient; an input by its name; `out` (or one
of `outputs`), the result; `input_shape`, only a shape; any other argument of the forward. Exactly these are saved, and
only for formulas whose input requires a gradient. Formulas compute on tensors: when backward runs with `create_graph`
they are recorded, and so have gradients themselves.

From one declaration come the function, the in-place function (`mul_`), `out=`, the node (`MulBackward0`) and the entry
in the registry. What must hold for every operation is done here once: promotion, torch's errors, views, the graph.
"""

from __future__ import annotations

import inspect
from collections import namedtuple
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any, TypeVar

import numpy as np

from . import dtypes
from .arguments import register, type_name
from .casting import cast
from .engine import FREED, NO_EDGE, Edge, Node, mode
from .layout import arranged
from .memory import check_cast, check_overlap, check_partial_overlap, dtype_words, write_out
from .saved import SavedInput, SavedNumber, SavedOutput, is_freed_with_graph, unpack
from .tensor import InferenceCounter, Tensor, wrap
from .views import MULTI_OUTPUT, check_inplace, gradient_edge, make_view, rebase_history

Formula = Callable[..., Any]
NUMBERS = (bool, int, float, np.bool_, np.integer, np.floating)
REGISTRY: dict[str, Op] = {}  # every operation with a node of its own
FUNCTIONS: dict[str, Callable[..., Any]] = {}  # the torch namespace: torch.add
METHODS: dict[str, Callable[..., Any]] = {}  # the methods of Tensor: x.add, x.add_
Function = TypeVar("Function", bound=Callable[..., Any])

# How the inputs of a pointwise operation come to one dtype: not at all; by torch's promotion; and so that integers
# become the default floating point type.
KEEP, PROMOTE, FLOAT = "keep", "promote", "float"
MANY = "many"  # for `view`: a list of views


class Op:
    """A declared operation: what its declaration says, and what all operations do alike."""

    function: Callable[..., Any]
    function_: Callable[..., Any] | None = None  # the in-place variant
    unrolled_record: Callable[..., Any] | None = None
    unrolled_apply: Callable[..., Any] | None = None

    def __init__(
        self,
        forward: Callable[..., Any],
        formulas: dict[str, Formula | None],
        node: str | Callable[..., str] | None,
        promotion: str,
        view: bool | str,
        outputs: tuple[str, ...],
        wraps_numbers: bool,
        keep: tuple[str, ...],
        numbers: tuple[str, ...],
        precise: tuple[str, ...],
        gives_bool: bool,
        called: str,
        check: Callable[..., None] | None,
        check_in_place: Callable[..., None] | None,
        shape_error: str,
        refuses: tuple[str, str],
        order: Callable[..., Any] | None,
        writes_expanded: bool,
        strict_out: str | Callable[..., str],
        cast_error: str | TypeError,
        dtype_of_out: str,
    ) -> None:
        self.name = forward.__name__
        self.called = called or self.name
        self.forward = forward
        self.formulas = formulas
        self.node_name = node or "".join(part.capitalize() for part in self.name.split("_")) + "Backward0"
        self.promotion = promotion
        self.view = view
        self.outputs = outputs
        self.wraps_numbers = wraps_numbers
        self.gives_bool = gives_bool
        self.check = check
        self.check_in_place = check_in_place
        self.shape_error = shape_error
        self.kernel, self.refused = refuses
        self.order = order or (lambda *arrays: arrays)
        self.writes_expanded = writes_expanded
        self.strict_out = strict_out
        self.cast_error = cast_error
        self.dtype_of_out = dtype_of_out
        self.parameters = list(inspect.signature(forward).parameters.values())
        names = [p.name for p in self.parameters]
        self.tensors = [n for n in names if n in formulas]
        self.others = [n for n in names if n not in formulas]
        self.kept = [n in keep for n in self.tensors]
        self.numbers = [n in numbers or wraps_numbers for n in self.tensors]
        self.optional = [p.default is None for p in self.parameters if p.name in formulas]
        self.precise = [n in precise for n in self.tensors]
        self.takes_list = names[0] == "tensors"
        self.differentiable = [n for n in self.tensors if formulas[n] is not None]
        self.needs = {n: list(inspect.signature(f).parameters) for n, f in formulas.items() if f is not None}
        saves = {need for needs in self.needs.values() for need in needs if need not in ("g", "gradients")}
        self.saves = sorted(saves, key=lambda need: (need == "out" or need in outputs, _torch_name(need)))
        self.result_type = _return_type(self.called, outputs) if outputs else None
        self._node_classes: dict[str, type[OpNode]] = {}
        # One edge for every differentiable input, whatever the call: then all of it can be unrolled.
        self.has_fixed_edges = (
            bool(self.differentiable)
            and not (self.takes_list or outputs or view == MANY)
            and (wraps_numbers or not any(self.numbers))
            and all(p.default is p.empty for p in self.parameters if p.name in self.differentiable)
        )
        known = {"g", "gradients", "out", *outputs, *names} | {
            f"{n}_{what}" for n in self.tensors for what in ("shape", "dtype", "stride")
        }
        unknown = {need for needs in self.needs.values() for need in needs} - known
        assert not unknown, f"{self.name}: a gradient formula asks for {unknown}, which the operation does not have"

    # -- inputs -------------------------------------------------------------------------------------------------------

    def array(self, position: int, value: Any, name: str, first: int = 1) -> np.ndarray[Any, Any]:
        """The array of an argument that must be a tensor; `name` and `first`, the number of the first, as it was called."""
        if isinstance(value, Tensor):
            return value._array
        place = [p.name for p in self.parameters].index(self.tensors[position]) + first
        raise TypeError(
            f"{name}(): argument '{self.tensors[position]}' (position {place}) must be Tensor, not {type_name(value)}"
        )

    def arrays(self, values: Sequence[Any], name: str, first: int = 1) -> list[Any]:
        """The arrays of tensor arguments that are taken as they are; None stays."""
        if self.takes_list:
            tensors = values[0]
            if not isinstance(tensors, (list, tuple)):
                raise TypeError(
                    f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not {type(tensors).__name__}"
                )
            for i, tensor in enumerate(tensors):
                if not isinstance(tensor, Tensor):
                    raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(tensor).__name__}")
            return [[tensor._array for tensor in tensors], *values[1:]]
        return [
            v if v is None or (self.numbers[i] and isinstance(v, NUMBERS)) else self.array(i, v, name, first)
            for i, v in enumerate(values)
        ]

    def common_dtype(self, values: Sequence[Any], name: str, first: int) -> dtypes.dtype:
        """The dtype to which the promoted arguments come together."""
        ranks: list[dtypes.dtype | None] = [None, None, None]  # of tensors with dimensions, of 0-d tensors, of numbers
        for position, value in enumerate(values):
            if self.kept[position] or (value is None and self.optional[position]):
                continue
            if isinstance(value, Tensor):
                rank, dtype = (0 if value._array.ndim else 1), value.dtype
            elif self.numbers[position] and isinstance(value, NUMBERS):
                rank, dtype = 2, dtypes.of_number(value)  # type: ignore[arg-type]
            else:
                self.array(position, value, name, first)
            held = ranks[rank]
            ranks[rank] = dtype if held is None else dtypes.promote_types(held, dtype)
        common = dtypes.result_type(*ranks)
        return dtypes.get_default_dtype() if self.promotion == FLOAT and not common.is_floating_point else common

    def compute(self, values: Sequence[Any], extras: Sequence[Any], name: str = "", first: int = 1) -> Any:
        """The forward on the arrays of the tensors `values` and the plain arguments `extras`."""
        name = name or self.name
        half = False
        if self.promotion == KEEP:
            arrays = self.arrays(values, name, first)
        else:
            common = self.common_dtype(values, name, first)
            if self.check is not None:
                self.check(*values)
            if common.numpy.char in self.refused:
                self._refuse(values, common)
            half = common is dtypes.float16
            arrays = [
                (v._array if isinstance(v, Tensor) else v)
                if kept
                else (_as_wide_operand(v, precise) if half else _as_operand(v, common))
                for v, kept, precise in zip(values, self.kept, self.precise, strict=True)
            ]
        try:
            result = self.forward(
                **dict(zip(self.tensors, arrays, strict=True)), **dict(zip(self.others, extras, strict=True))
            )
        except ValueError as error:
            raise broadcast_error(error, self.order(*arrays) or arrays) from None
        if self.outputs:
            return tuple(map(np.asarray, result))
        result = np.asarray(result)
        if half and result.dtype == np.float32:
            result = result.astype(np.float16)
        return result if self.promotion == KEEP else arranged(result, self.order(*arrays))

    def _refuse(self, values: Sequence[Any], common: dtypes.dtype) -> None:
        """The kernel lacks the dtype; but that shapes do not broadcast comes before that."""
        arrays = [v._array for v in values if isinstance(v, Tensor)]
        if broadcast_shape([a.shape for a in arrays]) is None:
            raise broadcast_error(ValueError(), arrays)
        raise not_implemented(self.kernel, common)

    def general(self, values: Sequence[Any], extras: Sequence[Any], name: str, first: int) -> Tensor:
        """A call of an operation with promotion in the unusual case."""
        out = wrap(self.compute(values, extras, name, first))
        if (
            mode.grad
            and not self.gives_bool
            and any(requires_grad(v) for n, v in zip(self.tensors, values, strict=True) if n in self.needs)
        ):
            self.record((out,), values, extras)
        return out

    # -- the graph ----------------------------------------------------------------------------------------------------

    def record(self, results: Sequence[Tensor], values: Sequence[Any], extras: Sequence[Any]) -> None:
        """Give the results of a call their node."""
        node = self.make_node(results, values, extras)
        for output_nr, result in enumerate(results):
            if result._array.dtype.kind == "f":
                result._edge = (node, output_nr)
                result._requires_grad = True

    def make_node(
        self,
        results: Sequence[Tensor],
        values: Sequence[Any],
        extras: Sequence[Any],
        original: Any = None,
        name: str | None = None,
    ) -> OpNode | NotImplementedNode:
        """A node with edges to the inputs and what their formulas need.

        `original`: the first input before a change. `name`: of the node, if it is not the operation's usual one.
        """
        named = dict(zip(self.tensors, values, strict=True)) | dict(zip(self.others, extras, strict=True))
        if name is None:
            name = self.node_name if isinstance(self.node_name, str) else self.node_name(**named)
        edges: list[Edge] = []
        plan: list[tuple[str, int, int]] = []  # inputs that need a gradient: name, first edge, number of edges
        needed: dict[str, None] = {}
        for parameter in self.differentiable:
            value = named[parameter]
            if isinstance(value, Tensor):
                to_inputs = [gradient_edge(value)]
            elif isinstance(value, (list, tuple)):
                to_inputs = [gradient_edge(tensor) for tensor in value]
            elif value is None or self.wraps_numbers:
                to_inputs = [NO_EDGE]
            else:
                continue
            if any(node is not None for node, _ in to_inputs):
                plan.append((parameter, len(edges), len(to_inputs)))
                needed |= dict.fromkeys(self.needs[parameter])
            edges += to_inputs
        if name == "NotImplemented":
            return NotImplementedNode(tuple(e for e in edges if e[0] is not None), results, self.name)
        plan.sort(key=lambda step: _torch_name(step[0]))
        saved = tuple(self._saved(n, named, results, original) if n in needed else None for n in self.saves)
        outputs = tuple((r._array.shape, r._array.dtype) for r in results)
        return self.node_class(name, len(edges))(tuple(edges), outputs, saved, plan)

    def _saved(self, need: str, named: dict[str, Any], results: Sequence[Tensor], original: Any) -> Any:
        if need == "out" or need in self.outputs:
            position = 0 if need == "out" else self.outputs.index(need)
            return SavedOutput(results[position], position)
        if need not in named:
            parameter, _, what = need.rpartition("_")
            value = named[parameter]
            return [_describe(v, what) for v in value] if isinstance(value, (list, tuple)) else _describe(value, what)
        value = original if original is not None and need == self.tensors[0] else named[need]
        if isinstance(value, Tensor):
            return SavedInput(value)
        if need not in self.tensors:
            return value
        if isinstance(value, (list, tuple)):
            return [SavedInput(v) for v in value]
        return SavedNumber(value) if self.wraps_numbers else value

    def node_class(self, name: str, number_of_edges: int | None = None) -> type[OpNode]:
        made = self._node_classes.get(name)
        if made is None:
            fits = number_of_edges in (None, len(self.differentiable))
            unrolled = {"apply": self.unrolled_apply} if self.unrolled_apply is not None and fits else {}
            made = self._node_classes[name] = type(name, (OpNode,), {"__slots__": (), "op": self, **unrolled})
        return made

    # -- in place and out= --------------------------------------------------------------------------------------------

    def in_place(self, values: Sequence[Any], extras: Sequence[Any], name: str) -> Tensor:
        """Overwrite the first tensor with the result."""
        target: Tensor = values[0]
        array = self.array(0, target, name, 0)
        recorded = mode.grad and bool(self.differentiable) and any(map(requires_grad, values))
        if recorded:
            check_inplace(target)
        check_writable(target)
        try:
            if self.check is not None:
                self.common_dtype(values, name, 0)  # refuses what is no tensor
                self.check(*values)
        except NotImplementedError as error:  # of several reasons to refuse, torch sees the shape first
            raise self._wrong_shape(array.shape, values) or error from None
        if self.check_in_place is not None:
            self.check_in_place(*values)
        check_overlap(array, name if self.writes_expanded else "")
        for value in values[1:]:
            if isinstance(value, Tensor):
                check_partial_overlap(array, value._array)
        try:
            result = self.compute(values, extras, name, 0)
        except (RuntimeError, NotImplementedError) as error:
            raise self._wrong_shape(array.shape, values) or error from None
        if result.shape != array.shape:
            raise RuntimeError(self.shape_error.format(list(array.shape), list(result.shape)))
        check_cast(result.dtype, array.dtype)
        original = None
        if recorded and self._needs_original(values):
            original = target.clone() if requires_grad(target) else wrap(array.copy())
        node = self.make_node([target], values, extras, original) if recorded else None
        np.copyto(array, cast(result, array.dtype))
        target._counter[0] += 1
        if isinstance(node, NotImplementedNode):
            node.operation = name
            rebase_history(target, node)
        elif node is not None:
            for saved in node._saved or ():
                if type(saved) is SavedOutput:
                    saved.version = target._counter[0]
            rebase_history(target, node)
        return target

    def _needs_original(self, values: Sequence[Any]) -> bool:
        named = dict(zip(self.tensors, values, strict=True))
        return any(self.tensors[0] in needs and requires_grad(named[n]) for n, needs in self.needs.items())

    def _wrong_shape(self, shape: tuple[int, ...], values: Sequence[Any]) -> Exception | None:
        """The error of an elementwise operation in place whose result would have another shape."""
        if self.promotion == KEEP and not any(self.numbers):
            return None
        numbers = [number and self.promotion == KEEP for number in self.numbers]  # then no more than a number
        arrays = [v._array for v, n in zip(values, numbers, strict=True) if isinstance(v, Tensor) and not n]
        broadcast = broadcast_shape([a.shape for a in arrays])
        if broadcast is None:
            return broadcast_error(ValueError(), arrays)
        return None if broadcast == shape else RuntimeError(self.shape_error.format(list(shape), list(broadcast)))

    def into(self, out: Any, values: Sequence[Any], extras: Sequence[Any], name: str) -> Any:
        """Write the result to `out`, which is resized where its shape is another."""
        derivable = self.differentiable and not self.gives_bool and self.node_name != "NotImplemented"
        arguments = (*values, *extras) if derivable else ()
        strict = self.strict_out if isinstance(self.strict_out, str) else self.strict_out(out, *values)
        if self.dtype_of_out and isinstance(out, Tensor):
            at = self.others.index("dtype")
            if extras[at] is not None:
                strict = self.dtype_of_out
            elif not strict:
                extras = [*extras[:at], out.dtype, *extras[at + 1 :]]
        if self.promotion != KEEP and isinstance(out, Tensor):
            for value in values:
                if isinstance(value, Tensor):
                    check_partial_overlap(out._array, value._array)
        number = len(self.outputs) or 1
        write_into(
            out, self.called, arguments, lambda: self.compute(values, extras, name), strict, self.cast_error, number
        )
        if self.node_name == "NotImplemented" and mode.grad and any(map(requires_grad, values)):
            rebase_history(out, self.make_node([out], values, extras))
        return out


class OpNode(Node):
    """The node of a declared operation: evaluates the gradient formula of every input that needs one."""

    __slots__ = ("_plan", "_saved")

    op: Op
    _saved: tuple[Any, ...] | None  # a value, or None, for each of `op.saves`; None once freed

    def __init__(self, edges: tuple[Edge, ...], outputs: Any, saved: tuple[Any, ...], plan: Any) -> None:
        super().__init__(edges, outputs)
        self._saved = saved
        self._plan = plan

    def apply(self, *gradients: Any) -> Sequence[Any]:
        saved = self._saved
        if saved is None:
            raise RuntimeError(FREED)
        results: list[Any] = [None] * len(self.next_functions)
        if all(gradient is None for gradient in gradients):
            return results
        op = self.op
        values = {need: unpack(value, self) for need, value in zip(op.saves, saved, strict=True)}
        values["gradients"] = gradients
        g = gradients[0] if (len(gradients) == 1 and op.view != MANY) or op.outputs else gradients
        for parameter, position, width in self._plan:
            formula = op.formulas[parameter]
            assert formula is not None
            gradient = formula(*[g if need == "g" else values[need] for need in op.needs[parameter]])
            if parameter == "tensors":
                results[position : position + width] = gradient
            else:
                results[position] = gradient
        return results

    def release(self) -> None:
        if self._saved is not None and any(map(is_freed_with_graph, self._saved)):
            self._saved = None

    def __getattr__(self, name: str) -> Any:
        """`_saved_other`, `_saved_result`: what was saved, under torch's names."""
        key = name.removeprefix("_saved_")
        key = {"self": "input", "result": "out"}.get(key, key)
        if key == name or key not in self.op.saves:
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        if self._saved is None:
            raise RuntimeError(FREED)
        return unpack(self._saved[self.op.saves.index(key)], self)


def _torch_name(parameter: str) -> str:
    """By these names torch orders what a node saved, which is checked in this order, and its formulas."""
    return "self" if parameter == "input" else parameter


def unroll(declared: Op) -> None:
    """Write `record` and the node's `apply` out for one operation: what `make_node` and `OpNode.apply` do in general.

    A value that is saved is looked at only through `declared.saves`, so nodes of either origin are the same.
    """
    saves, needs = declared.saves, declared.needs
    inputs = declared.differentiable
    parameters = [p.name for p in declared.parameters]
    n = len(inputs)

    lines = [f"def record(out, {', '.join(parameters)}):"]
    for i, name in enumerate(inputs):
        guard = f" if isinstance({name}, _Tensor) else _NO_EDGE" if declared.wraps_numbers else ""
        lines.append(f"    e{i} = _gradient_edge({name}){guard}")
    for j, need in enumerate(saves):
        asking = " or ".join(f"e{i} is not _NO_EDGE" for i, name in enumerate(inputs) if need in needs[name])
        if need == "out":
            value = "_SavedOutput(out, 0)"
        elif need in declared.tensors:
            value = f"_SavedInput({need})"
            if declared.wraps_numbers:
                value = f"({value} if isinstance({need}, _Tensor) else _SavedNumber({need}))"
        elif need in parameters:
            lines.append(f"    s{j} = {need}")
            continue
        else:
            value = f"_describe({need.rpartition('_')[0]}, {need.rpartition('_')[2]!r})"
        lines.append(f"    s{j} = {value} if {asking} else None")
    node_class = "_node_class"
    if not isinstance(declared.node_name, str):
        node_class = f"_op.node_class(_op.node_name({', '.join(f'{p}={p}' for p in parameters)}))"
    lines += [
        "    array = out._array",
        f"    edges = ({''.join(f'e{i}, ' for i in range(n))})",
        f"    node = {node_class}(edges, ((array.shape, array.dtype),), ({''.join(f's{j}, ' for j in range(len(saves)))}), None)",
        "    out._edge = (node, 0)",
        "    out._requires_grad = True",
        "def apply(self, g):",
        "    saved = self._saved",
        "    if saved is None: raise _RuntimeError(_FREED)",
        f"    if g is None: return ({'None, ' * n})",
        f"    {''.join(f's{j}, ' for j in range(len(saves)))} = saved" if saves else "    pass",
        f"    {''.join(f'e{i}, ' for i in range(n))} = self.next_functions",
    ]
    for j, need in enumerate(saves):
        if need == "out" or need in declared.tensors:
            lines.append(f"    if s{j} is not None: s{j} = s{j}.unpack(self)")
    for name in sorted(inputs, key=_torch_name):
        i = inputs.index(name)
        values = ["g" if w == "g" else f"s{saves.index(w)}" for w in needs[name]]
        lines.append(f"    r{i} = _formula{i}({', '.join(values)}) if e{i}[0] is not None else None")
    lines.append(f"    return ({''.join(f'r{i}, ' for i in range(n))})")

    namespace: dict[str, Any] = {f"_formula{i}": declared.formulas[name] for i, name in enumerate(inputs)} | {
        "_op": declared,
        "_gradient_edge": gradient_edge,
        "_NO_EDGE": NO_EDGE,
        "_Tensor": Tensor,
        "_SavedInput": SavedInput,
        "_SavedOutput": SavedOutput,
        "_SavedNumber": SavedNumber,
        "_describe": _describe,
        "_RuntimeError": RuntimeError,
        "_FREED": FREED,
    }
    declared.unrolled_record = _compile(declared, "record", lines, namespace)
    declared.unrolled_apply = namespace["apply"]
    if isinstance(declared.node_name, str):
        namespace["_node_class"] = declared.node_class(declared.node_name)


def write_into(
    out: Any,
    name: str,
    arguments: Sequence[Any],
    compute: Callable[[], Any],
    strict: str = "",
    cast_error: str | TypeError = "",
    number: int = 1,
) -> Any:
    """What `out=` means: the array, or the tuple of arrays, that `compute` gives is written to the tensors `out`.

    `arguments`: those that must not require a gradient. `strict`: the error if a dtype is another than the result's,
    `cast_error`: if it is of a lower category; both as templates, see `memory.dtype_words`. `number`: how many results.
    """
    outs = out if number > 1 and isinstance(out, (tuple, list)) else (out,)
    if len(outs) != number:
        raise TypeError(f"expected tuple of {number} elements but got {len(outs)}")
    for o in outs:
        if not isinstance(o, Tensor):
            raise TypeError(f"{name}(): argument 'out' must be Tensor, not {type_name(o)}")
    if mode.grad and arguments and any(map(requires_grad, (*arguments, *outs))):
        raise RuntimeError(
            f"{name}(): functions with out=... arguments don't support automatic differentiation, but one of the "
            "arguments requires grad."
        )
    for o in outs:
        check_writable(o)
    results = compute()
    for o, result in zip(outs, results if isinstance(results, tuple) else (results,), strict=True):
        if strict and result.dtype is not o._array.dtype:
            raise RuntimeError(dtype_words(strict, result.dtype, o._array.dtype))
        check_cast(result.dtype, o._array.dtype, cast_error)
        write_out(o, result)
    return out


def compose_into(out: Any, name: str, function: Callable[..., Any], *arguments: Any, strict: str = "") -> Any:
    """`out=` of a function that is made of others: its result is computed unrecorded and written."""

    def compute() -> Any:
        previous, mode.grad = mode.grad, False
        try:
            return function(*arguments)._array
        finally:
            mode.grad = previous

    return write_into(out, name, arguments, compute, strict)


class NotImplementedNode(Node):
    """The node of an operation without a derivative, which says so when a gradient arrives."""

    __slots__ = ("operation",)

    def __init__(self, edges: tuple[Edge, ...], results: Sequence[Tensor], operation: str) -> None:
        super().__init__(edges, tuple((r._array.shape, r._array.dtype) for r in results))
        self.operation = operation

    def apply(self, *gradients: Any) -> Sequence[Any]:
        raise RuntimeError(f"derivative for aten::{self.operation} is not implemented")


NotImplementedNode.__name__ = "NotImplemented"


def requires_grad(value: Any) -> bool:
    """Whether an argument, or a tensor in it, requires a gradient."""
    if isinstance(value, Tensor):
        return value._requires_grad or (value._view is not None and value.requires_grad)
    return isinstance(value, (list, tuple)) and any(map(requires_grad, value))


def check_writable(tensor: Tensor) -> None:
    if type(tensor._counter) is InferenceCounter and not mode.inference:
        raise RuntimeError(
            "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get a "
            "normal tensor before doing inplace update.See https://github.com/pytorch/rfcs/pull/17 for more details."
        )


def not_implemented(kernel: str, dtype: dtypes.dtype) -> NotImplementedError:
    """torch's error for a dtype that one of its kernels does not have."""
    return NotImplementedError(f"\"{kernel}\" not implemented for '{dtype.legacy_name}'")


def broadcast_shape(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...] | None:
    """The shape to which all broadcast, or None."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        return None


def broadcast_error(error: ValueError, arrays: Sequence[Any]) -> Exception:
    """torch's message for shapes that do not broadcast; another ValueError stays as it is."""
    shape: tuple[int, ...] = ()
    for array in arrays:
        if not isinstance(array, np.ndarray):
            continue
        other = array.shape
        for back in range(1, min(len(shape), len(other)) + 1):
            if shape[-back] != other[-back] and 1 not in (shape[-back], other[-back]):
                return RuntimeError(
                    f"The size of tensor a ({shape[-back]}) must match the size of tensor b ({other[-back]}) at "
                    f"non-singleton dimension {max(len(shape), len(other)) - back}"
                )
        shape = np.broadcast_shapes(shape, other)
    return error


def _as_wide_operand(value: Any, precise: bool) -> Any:
    """An operand of a float16 operation: torch computes in float32 and rounds once.

    Numbers and 0-d tensors are rounded to float16 before that, unless the operation takes them as they are.
    """
    if value is None:
        return None
    if isinstance(value, Tensor):
        array = value._array
        if array.ndim or not precise:
            array = array.astype(np.float16)
        return array.astype(np.float32)
    return float(value) if precise else float(np.float16(value))


def _as_operand(value: Any, dtype: dtypes.dtype) -> Any:
    if value is None:
        return None
    if isinstance(value, Tensor):
        array = value._array
        return array if array.dtype is dtype.numpy else array.astype(dtype.numpy)
    if dtype.is_floating_point:
        return float(value)  # numpy, too, gives way to the array's type then
    return np.asarray(value).astype(dtype.numpy)


def _describe(value: Any, what: str) -> Any:
    if not isinstance(value, Tensor):
        return None
    return value.shape if what == "shape" else value.dtype if what == "dtype" else value.stride()


def _return_type(name: str, outputs: tuple[str, ...]) -> type:
    """The named tuple in which torch returns several results."""

    def __repr__(self: Any) -> str:
        return (
            f"torch.return_types.{name}(\n" + ",\n".join(f"{n}={v!r}" for n, v in zip(outputs, self, strict=True)) + ")"
        )

    base = namedtuple(name, outputs)  # type: ignore[misc]
    return type(name, (base,), {"__slots__": (), "__repr__": __repr__, "__module__": "torch.return_types"})


# -- declaring ---------------------------------------------------------------------------------------------------------


def op(
    *,
    node: str | Callable[..., str] | None = None,
    promotion: str = KEEP,
    outputs: tuple[str, ...] = (),
    wraps_numbers: bool = False,
    in_place: bool = False,
    out: bool = True,
    view: bool | str = False,
    keep: tuple[str, ...] = (),
    numbers: tuple[str, ...] = (),
    precise: tuple[str, ...] = (),
    gives_bool: bool = False,
    called: str = "",
    check: Callable[..., None] | None = None,
    check_in_place: Callable[..., None] | None = None,
    shape_error: str = "output with shape {0} doesn't match the broadcast shape {1}",
    refuses: tuple[str, str] = ("", ""),
    order: Callable[..., Any] | None = None,
    writes_expanded: bool = False,
    strict_out: str | Callable[..., str] = "",
    cast_error: str | TypeError = "",
    dtype_of_out: str = "",
    public: bool | str = True,
    **formulas: Formula | None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare an operation; see the head of this file.

    `node`: the node's name, or a function of the call's arguments that gives it. `promotion`: how the inputs come to
    one dtype. `outputs`: names of several results. `wraps_numbers`: a number in a tensor's place counts as an input of
    the graph. `in_place`: there is a variant with `_`. `view`: the result is a window onto the first input's memory, or `MANY`.
    `keep`: tensors that take no part in the promotion. `numbers`: where a number may stand for a tensor; `precise`:
    where it is not rounded to float16 beside tensors of that dtype. `gives_bool`: a result without a gradient, so
    that only the in-place variant enters the graph. `called`: torch's name of the operation, if another than
    the forward's. `check`: called with the tensor arguments before they are promoted, to refuse them; `check_in_place`: the same before the
    in-place variant, `shape_error`: the error if its result would have another shape. `refuses`: the name of
    torch's kernel and the dtypes (numpy's characters) that it does not have. `order`: of the operands' arrays, those after
    which the result is laid out in memory. `strict_out`: torch's words where `out` must have exactly the result's dtype, or
    a function of `out` and the tensor arguments that gives them; `cast_error`: where its category is too low. `dtype_of_out`: the
    argument `dtype` is by default that of `out`; the words if it is another.
    `writes_expanded`: in place also where elements share memory. `public`: where it is published (see `publish`); "in place": only the variant with `_`.
    """

    def declare(forward: Callable[..., Any]) -> Callable[..., Any]:
        declared = Op(
            forward,
            formulas,
            node,
            promotion,
            view,
            outputs,
            wraps_numbers,
            keep,
            numbers,
            precise,
            gives_bool,
            called,
            check,
            check_in_place,
            shape_error,
            refuses,
            order,
            writes_expanded,
            strict_out,
            cast_error,
            dtype_of_out,
        )
        REGISTRY[declared.name] = declared
        if declared.has_fixed_edges:
            unroll(declared)
        declared.function = _generate(declared, out and not view)
        if public and public != "in place":
            publish(declared.function, public)
        if in_place:
            declared.function_ = _generate_in_place(declared)
            if public:
                publish(declared.function_, "method")
        return declared.function

    return declare


def publish(function: Function, where: bool | str = True) -> Function:
    """Enter a function among those of the torch namespace ("function"), the methods of Tensor ("method"), or both."""
    name = function.__name__
    register(function.__code__, name, 1)
    if where is True or where == "function":
        FUNCTIONS[name] = function
    if where is True or where == "method":
        METHODS[name] = _renamed(function, name, 0)
    return function


def alias(name: str, of: str) -> None:
    """Publish an operation, its in-place variant too, under another name."""
    for table in (FUNCTIONS, METHODS):
        for suffix in ("", "_"):
            if of + suffix in table:
                function = table[of + suffix]
                table[name + suffix] = _renamed(function, name + suffix, function.__globals__.get("_first", 1))


def _renamed(function: Any, name: str, first: int) -> Any:
    """A copy of a function that names itself in errors as it was called; methods count arguments from 0."""
    namespace = function.__globals__
    if "_first" in namespace:
        namespace = namespace | {"_name": name, "_first": first}
    code = function.__code__.replace(co_qualname=name if first else f"Tensor.{name}")
    register(code, name, first)
    copy = FunctionType(code, namespace, name, function.__defaults__, function.__closure__)
    copy.__kwdefaults__, copy.__doc__, copy.__module__ = function.__kwdefaults__, function.__doc__, function.__module__
    return copy


def composite(function: Function) -> Function:
    """Publish, as function and method, what is made of other operations and has no node of its own."""
    return publish(function)


def only_function(function: Function) -> Function:
    """Publish a function of the torch namespace that is no method."""
    return publish(function, "function")


def only_method(function: Function) -> Function:
    """Publish a method of Tensor that is no function of the torch namespace."""
    return publish(function, "method")


def unpublished(function: Function) -> Function:
    """A function that errors can name but that is in no table: `torch.nn.functional.linear`."""
    return publish(function, False)


def pointwise(*, promotion: str = PROMOTE, in_place: bool = True, **declaration: Any) -> Any:
    """Declare an operation that works element by element: its inputs broadcast and are promoted."""
    return op(promotion=promotion, in_place=in_place, **declaration)


SYNONYMS = {"dim": "axis", "keepdim": "keepdims"}  # numpy's names, which torch takes for its own


def _signature(parameters: Sequence[inspect.Parameter], *more: str) -> tuple[str, dict[str, Any]]:
    """The text of a parameter list, and the defaults it refers to."""
    defaults = {f"_default_{p.name}": p.default for p in parameters if p.default is not p.empty}
    text, starred = [], False
    for p in parameters:
        if p.kind is p.KEYWORD_ONLY and not starred:
            text.append("*")
            starred = True
        text.append(p.name if p.default is p.empty else f"{p.name}=_default_{p.name}")
    if more:
        text += more if starred else ["*", *more]
    return ", ".join(text), defaults


def _tuple(names: Sequence[str]) -> str:
    return "(" + "".join(f"{n}, " for n in names) + ")"


def _generate(declared: Op, with_out: bool) -> Callable[..., Any]:
    """Write the function of an operation for its own parameters, with the usual case first."""
    parameters = declared.parameters
    optional = [p for p in parameters if p.default is not p.empty or p.name == "dim"]
    synonyms = [(p, SYNONYMS[p]) for p in declared.others if p in SYNONYMS and not declared.view]
    if parameters[-len(optional) :] != optional:
        synonyms = []  # an operation that is called from here alone
    needed = [p.name for p in parameters if p.name == "dim" and p.default is p.empty and synonyms]
    parameters = [p.replace(default=None) if p.name in needed else p for p in parameters]
    signature, namespace = _signature(parameters, *["out=None"] * with_out, *[f"{s}=None" for _, s in synonyms])
    values, extras = _tuple(declared.tensors), _tuple(declared.others)
    arguments = ", ".join(
        ("" if p.kind is not p.KEYWORD_ONLY else f"{p.name}=")
        + (f"a{declared.tensors.index(p.name)}" if p.name in declared.tensors else p.name)
        for p in declared.parameters
    )
    lines = [f"def {declared.name}({signature}):"]
    lines += [f"    if {synonym} is not None: {p} = {synonym}" for p, synonym in synonyms]
    lines += [f"    if {p} is None: raise _missing(_name, {p!r})" for p in needed]
    if with_out:
        lines += ["    if out is not None:", f"        return _op.into(out, {values}, {extras}, _name)"]
    arrays = ", ".join(f"a{i}" for i in range(len(declared.tensors)))
    if declared.takes_list:
        lines.append(f"    {arrays}, = _op.arrays({values}, _name)")
    else:
        usual = [f"isinstance({name}, _Tensor)" for name in declared.tensors]
        if declared.promotion != KEEP:
            promoted = [n for n, kept in zip(declared.tensors, declared.kept, strict=True) if not kept]
            first = f"{promoted[0]}._array.dtype"
            usual += [f"{name}._array.dtype is {first}" for name in promoted[1:]]
            fast = "fd" if declared.promotion == FLOAT else "fdbhilB"
            usual.append(f'{first}.char in "{"".join(c for c in fast if c not in declared.refused)}"')
        lines.append(f"    if {' and '.join(usual)}:")
        lines += [f"        a{i} = {name}._array" for i, name in enumerate(declared.tensors)]
        if len(declared.tensors) == 2 and declared.numbers[1]:  # x·2: numpy, too, lets the number give way
            x, y = declared.tensors
            fast = "".join(c for c in "fd" if c not in declared.refused)
            lines.append(
                f'    elif type({y}) in _NUMBER and isinstance({x}, _Tensor) and {x}._array.dtype.char in "{fast}":'
            )
            lines += [f"        a0 = {x}._array", f"        a1 = {y}"]
        if declared.promotion == KEEP:
            lines += ["    else:", f"        {arrays}, = _op.arrays({values}, _name, _first)"]
        else:
            lines += ["    else:", f"        return _op.general({values}, {extras}, _name, _first)"]
    lines += [
        "    try:",
        f"        result = _forward({arguments})",
        "    except ValueError as error:",
        f"        raise _broadcast_error(error, _order({arrays}) or [{arrays}]) from None",
    ]
    if declared.promotion != KEEP and len(declared.tensors) > 1:
        ordered = " and ".join(
            f"(type(a{i}) is not _ndarray or a{i}.flags.c_contiguous)" for i in range(len(declared.tensors))
        )
        lines.append(f"    if not ({ordered}): result = _arranged(_asarray(result), _order({arrays}))")
    required = " or ".join(f"_requires_grad({name})" for name in declared.differentiable)
    required = "False" if declared.gives_bool or not required else required
    recorded = f"if _mode.grad and ({required}): "
    if declared.outputs:
        lines += [
            "    out = _result_type(*[_wrap(_asarray(r)) for r in result])",
            f"    {recorded}_op.record(out, {values}, {extras})",
            "    return out",
        ]
        return _compile(declared, declared.name, lines, namespace | _names(declared))
    if declared.view == MANY:
        lines += [
            "    out = tuple([_wrap(r) for r in result])",
            f"    for o in out: _make_view(o, {declared.tensors[0]}, _MULTI_OUTPUT)",
            f"    {recorded}_op.record(out, {values}, {extras})",
            "    return out",
        ]
        return _compile(declared, declared.name, lines, namespace | _names(declared))
    if declared.view:
        lines += ["    out = _wrap(result)", f"    _make_view(out, {declared.tensors[0]})"]
    else:
        lines.append("    out = _wrap(result if type(result) is _ndarray else _asarray(result))")
    if required == "False":
        pass
    elif declared.has_fixed_edges:
        lines.append(f"    {recorded}_record(out, {', '.join(p.name for p in declared.parameters)})")
    else:
        lines.append(f"    {recorded}_op.record((out,), {values}, {extras})")
    lines.append("    return out")
    return _compile(declared, declared.name, lines, namespace | _names(declared))


def _missing(name: str, argument: str) -> TypeError:
    return TypeError(f'{name}() missing 1 required positional arguments: "{argument}"')


def _names(declared: Op) -> dict[str, Any]:
    """What the generated functions refer to."""
    return {
        "_op": declared,
        "_forward": declared.forward,
        "_Tensor": Tensor,
        "_wrap": wrap,
        "_mode": mode,
        "_requires_grad": requires_grad,
        "_broadcast_error": broadcast_error,
        "_make_view": make_view,
        "_MULTI_OUTPUT": MULTI_OUTPUT,
        "_result_type": declared.result_type,
        "_ndarray": np.ndarray,
        "_asarray": np.asarray,
        "_NUMBER": (float, int),
        "_record": declared.unrolled_record,
        "_missing": _missing,
        "_arranged": arranged,
        "_order": declared.order,
        "_name": declared.name,
        "_first": 1,
    }


def _generate_in_place(declared: Op) -> Callable[..., Any]:
    signature, namespace = _signature(declared.parameters)
    name = declared.name + "_"
    lines = [
        f"def {name}({signature}):",
        f"    return _op.in_place({_tuple(declared.tensors)}, {_tuple(declared.others)}, _name)",
    ]
    return _compile(declared, name, lines, namespace | {"_op": declared, "_name": name, "_first": 0})


def _compile(declared: Op, name: str, lines: list[str], namespace: dict[str, Any]) -> Callable[..., Any]:
    namespace["__name__"] = declared.forward.__module__  # where numpy's warnings are said to come from
    exec(compile("\n".join(lines), f"<microtorch op {name}>", "exec"), namespace)
    function: Callable[..., Any] = namespace[name]
    function.__doc__ = declared.forward.__doc__
    function.__module__ = declared.forward.__module__
    return function
