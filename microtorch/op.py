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
from typing import Any, TypeVar

import numpy as np

from . import dtypes
from .engine import FREED, NO_EDGE, Edge, Node, mode
from .memory import check_cast, check_overlap, check_partial_overlap, write_out
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


class Op:
    """A declared operation: what its declaration says, and what all operations do alike."""

    function: Callable[..., Any]
    function_: Callable[..., Any] | None = None  # the in-place variant

    def __init__(
        self,
        forward: Callable[..., Any],
        formulas: dict[str, Formula | None],
        node: str | Callable[..., str] | None,
        promotion: str,
        view: bool,
        outputs: tuple[str, ...],
        wraps_numbers: bool,
        keep: tuple[str, ...],
    ) -> None:
        self.name = forward.__name__
        self.forward = forward
        self.formulas = formulas
        self.node_name = node or "".join(part.capitalize() for part in self.name.split("_")) + "Backward0"
        self.promotion = promotion
        self.view = view
        self.outputs = outputs
        self.wraps_numbers = wraps_numbers
        self.parameters = list(inspect.signature(forward).parameters.values())
        names = [p.name for p in self.parameters]
        self.tensors = [n for n in names if n in formulas]
        self.others = [n for n in names if n not in formulas]
        self.kept = [n in keep for n in self.tensors]
        self.takes_list = names[0] == "tensors"
        self.differentiable = [n for n in self.tensors if formulas[n] is not None]
        self.needs = {n: list(inspect.signature(f).parameters) for n, f in formulas.items() if f is not None}
        self.result_type = _return_type(self.name, outputs) if outputs else None
        self._node_classes: dict[str, type[OpNode]] = {}
        known = {"g", "out", *outputs, *names} | {f"{n}_{what}" for n in self.tensors for what in ("shape", "dtype")}
        unknown = {need for needs in self.needs.values() for need in needs} - known
        assert not unknown, f"{self.name}: a gradient formula asks for {unknown}, which the operation does not have"

    # -- inputs -------------------------------------------------------------------------------------------------------

    def array(self, position: int, value: Any) -> np.ndarray[Any, Any]:
        """The array of an argument that must be a tensor."""
        if isinstance(value, Tensor):
            return value._array
        raise TypeError(
            f"{self.name}(): argument '{self.tensors[position]}' (position {position + 1}) must be Tensor, "
            f"not {type(value).__name__}"
        )

    def arrays(self, values: Sequence[Any]) -> list[Any]:
        """All tensor arguments as arrays; numbers and None stay, brought to the dtype in which numpy shall compute."""
        if self.takes_list:
            tensors = values[0]
            if not isinstance(tensors, (list, tuple)):
                raise TypeError(
                    f"{self.name}(): argument 'tensors' (position 1) must be tuple of Tensors, not {type(tensors).__name__}"
                )
            for i, tensor in enumerate(tensors):
                if not isinstance(tensor, Tensor):
                    raise TypeError(
                        f"expected Tensor as element {i} in argument 0, but got {type(tensor).__name__}"
                    )
            return [[tensor._array for tensor in tensors], *values[1:]]
        if self.promotion == KEEP:
            return [v if v is None else self.array(i, v) for i, v in enumerate(values)]
        if len(values) == 1:
            self.array(0, values[0])  # a number alone is refused
        ranks: list[dtypes.dtype | None] = [None, None, None]  # of tensors with dimensions, of 0-d tensors, of numbers
        for position, value in enumerate(values):
            if self.kept[position]:
                continue
            if isinstance(value, Tensor):
                rank, dtype = (0 if value._array.ndim else 1), value.dtype
            elif isinstance(value, NUMBERS):
                rank, dtype = 2, dtypes.of_number(value)
            elif value is None:
                continue
            else:
                self.array(position, value)
            held = ranks[rank]
            ranks[rank] = dtype if held is None else dtypes.promote_types(held, dtype)
        common = dtypes.result_type(*ranks)
        if self.promotion == FLOAT and not common.is_floating_point:
            common = dtypes.get_default_dtype()
        return [
            (v._array if isinstance(v, Tensor) else v) if kept else _as_operand(v, common)
            for v, kept in zip(values, self.kept, strict=True)
        ]

    def compute(self, values: Sequence[Any], extras: Sequence[Any]) -> Any:
        """The forward on the arrays of the tensors `values` and the plain arguments `extras`."""
        arrays = self.arrays(values)
        try:
            result = self.forward(
                **dict(zip(self.tensors, arrays, strict=True)), **dict(zip(self.others, extras, strict=True))
            )
        except ValueError as error:
            raise broadcast_error(error, arrays) from None
        return tuple(map(np.asarray, result)) if self.outputs else np.asarray(result)

    # -- the graph ----------------------------------------------------------------------------------------------------

    def connect(self, results: Sequence[Tensor], values: Sequence[Any], extras: Sequence[Any]) -> None:
        """Make the node of a call and give it to the results that can have a gradient."""
        node = self.make_node(results, values, extras)
        for output_nr, result in enumerate(results):
            if result._array.dtype.kind == "f":
                result._edge = (node, output_nr)
                result._requires_grad = True

    def make_node(
        self, results: Sequence[Tensor], values: Sequence[Any], extras: Sequence[Any], original: Any = None
    ) -> OpNode:
        """A node with edges to the inputs and what their formulas need; `original`: the first input before a change."""
        named = dict(zip(self.tensors, values, strict=True)) | dict(zip(self.others, extras, strict=True))
        name = self.node_name if isinstance(self.node_name, str) else self.node_name(**named)
        edges: list[Edge] = []
        saved: dict[str, Any] = {}
        plan: list[tuple[str, int]] = []
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
            edges += to_inputs
            plan.append((parameter, len(to_inputs)))
            if any(node is not None for node, _ in to_inputs):
                for need in self.needs[parameter]:
                    if need != "g" and need not in saved:
                        saved[need] = self._saved(need, named, results, original)
        node = self._node_class(name)(tuple(edges), tuple((r._array.shape, r._array.dtype) for r in results))
        node._saved = saved
        node._plan = plan
        return node

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

    def _node_class(self, name: str) -> type[OpNode]:
        made = self._node_classes.get(name)
        if made is None:
            made = self._node_classes[name] = type(name, (OpNode,), {"__slots__": (), "op": self})
        return made

    # -- in place and out= --------------------------------------------------------------------------------------------

    def in_place(self, values: Sequence[Any], extras: Sequence[Any]) -> Tensor:
        """Overwrite the first tensor with the result."""
        target: Tensor = values[0]
        array = self.array(0, target)
        recorded = mode.grad and any(map(requires_grad, values))
        if recorded:
            check_inplace(target)
        check_writable(target)
        check_overlap(array)
        for value in values[1:]:
            if isinstance(value, Tensor):
                check_partial_overlap(array, value._array)
        result = self.compute(values, extras)
        if result.shape != array.shape:
            raise RuntimeError(
                f"output with shape {list(array.shape)} doesn't match the broadcast shape {list(result.shape)}"
            )
        check_cast(result.dtype, array.dtype)
        original = None
        if recorded and self._needs_original(values):
            original = target.clone() if requires_grad(target) else wrap(array.copy())
        np.copyto(array, result, casting="unsafe")
        target._counter[0] += 1
        if recorded:
            rebase_history(target, self.make_node([target], values, extras, original))
        return target

    def _needs_original(self, values: Sequence[Any]) -> bool:
        named = dict(zip(self.tensors, values, strict=True))
        return any(self.tensors[0] in needs and requires_grad(named[n]) for n, needs in self.needs.items())

    def into(self, out: Any, values: Sequence[Any], extras: Sequence[Any]) -> Any:
        """Write the result to `out`, which is resized where its shape is another."""
        outs = out if isinstance(out, (tuple, list)) else (out,)
        for o in outs:
            if not isinstance(o, Tensor):
                raise TypeError(f"{self.name}(): argument 'out' must be Tensor, not {type(o).__name__}")
        if mode.grad and any(map(requires_grad, (*values, *outs))):
            raise RuntimeError(
                f"{self.name}(): functions with out=... arguments don't support automatic differentiation, but one of "
                "the arguments requires grad."
            )
        results = self.compute(values, extras)
        for o, result in zip(outs, results if self.outputs else (results,), strict=True):
            check_cast(result.dtype, o._array.dtype)
            write_out(o, result)
        return out


class OpNode(Node):
    """The node of a declared operation: evaluates the gradient formula of every input that needs one."""

    __slots__ = ("_plan", "_saved")

    op: Op
    _saved: dict[str, Any] | None  # None once freed
    _plan: list[tuple[str, int]]  # the inputs, each with its number of edges

    def apply(self, *gradients: Any) -> Sequence[Any]:
        saved = self._saved
        if saved is None:
            raise RuntimeError(FREED)
        edges = self.next_functions
        if all(gradient is None for gradient in gradients):
            return [None] * len(edges)
        g = gradients[0] if len(gradients) == 1 or self.op.outputs else gradients
        results: list[Any] = []
        for parameter, width in self._plan:
            if any(node is not None for node, _ in edges[len(results) : len(results) + width]):
                formula = self.op.formulas[parameter]
                assert formula is not None
                gradient = formula(*[g if n == "g" else unpack(saved[n], self) for n in self.op.needs[parameter]])
                results += gradient if parameter == "tensors" else [gradient]
            else:
                results += [None] * width
        return results

    def release(self) -> None:
        if self._saved is not None and any(map(is_freed_with_graph, self._saved.values())):
            self._saved = None

    def __getattr__(self, name: str) -> Any:
        """`_saved_other`, `_saved_result`: what was saved, under torch's names."""
        if not name.startswith("_saved_"):
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        if self._saved is None:
            raise RuntimeError(FREED)
        key = name.removeprefix("_saved_")
        key = {"self": "input", "result": "out"}.get(key, key)
        if key not in self._saved and key not in self.op.tensors:
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        return unpack(self._saved.get(key), self)


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
    return value.shape if what == "shape" else value.dtype


def _return_type(name: str, outputs: tuple[str, ...]) -> type:
    """The named tuple in which torch returns several results."""

    def __repr__(self: Any) -> str:
        return f"torch.return_types.{name}(\n" + ",\n".join(f"{n}={v!r}" for n, v in zip(outputs, self, strict=True)) + ")"

    base = namedtuple(name, outputs)  # type: ignore[misc]  # noqa: PYI024  (the fields are known only here)
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
    view: bool = False,
    keep: tuple[str, ...] = (),
    public: bool | str = True,
    **formulas: Formula | None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare an operation; see the head of this file.

    `node`: the node's name, or a function of the call's arguments that gives it. `promotion`: how the inputs come to
    one dtype. `outputs`: names of several results. `wraps_numbers`: a number in a tensor's place counts as an input of
    the graph. `in_place`: there is a variant with `_`. `view`: the results are windows onto the first input's memory.
    `keep`: tensors that take no part in the promotion. `public`: where it is published, see `publish`.
    """

    def declare(forward: Callable[..., Any]) -> Callable[..., Any]:
        declared = Op(forward, formulas, node, promotion, view, outputs, wraps_numbers, keep)
        REGISTRY[declared.name] = declared
        declared.function = _generate(declared, out and not view)
        publish(declared.function, public)
        if in_place:
            declared.function_ = _generate_in_place(declared)
            publish(declared.function_, public and "method")
        return declared.function

    return declare


def publish(function: Function, where: bool | str = True) -> Function:
    """Enter a function among those of the torch namespace ("function"), the methods of Tensor ("method"), or both."""
    name = function.__name__
    if where is True or where == "function":
        FUNCTIONS[name] = function
    if where is True or where == "method":
        METHODS[name] = function
    return function


def composite(function: Function) -> Function:
    """Publish, as function and method, what is made of other operations and has no node of its own."""
    return publish(function)


def only_function(function: Function) -> Function:
    """Publish a function of the torch namespace that is no method."""
    return publish(function, "function")


def only_method(function: Function) -> Function:
    """Publish a method of Tensor that is no function of the torch namespace."""
    return publish(function, "method")


def pointwise(*, promotion: str = PROMOTE, in_place: bool = True, **declaration: Any) -> Any:
    """Declare an operation that works element by element: its inputs broadcast and are promoted."""
    return op(promotion=promotion, in_place=in_place, **declaration)


def _signature(parameters: Sequence[inspect.Parameter], more: str = "") -> tuple[str, dict[str, Any]]:
    """The text of a parameter list, and the defaults it refers to."""
    defaults = {f"_default_{p.name}": p.default for p in parameters if p.default is not p.empty}
    text, starred = [], False
    for p in parameters:
        if p.kind is p.KEYWORD_ONLY and not starred:
            text.append("*")
            starred = True
        text.append(p.name if p.default is p.empty else f"{p.name}=_default_{p.name}")
    if more:
        text += [more] if starred else ["*", more]
    return ", ".join(text), defaults


def _tuple(names: Sequence[str]) -> str:
    return "(" + "".join(f"{n}, " for n in names) + ")"


def _generate(declared: Op, with_out: bool) -> Callable[..., Any]:
    """Write the function of an operation for its own parameters, with the usual case first."""
    signature, namespace = _signature(declared.parameters, "out=None" if with_out else "")
    values, extras = _tuple(declared.tensors), _tuple(declared.others)
    arguments = ", ".join(
        ("" if p.kind is not p.KEYWORD_ONLY else f"{p.name}=")
        + (f"a{declared.tensors.index(p.name)}" if p.name in declared.tensors else p.name)
        for p in declared.parameters
    )
    lines = [f"def {declared.name}({signature}):"]
    if with_out:
        lines += ["    if out is not None:", f"        return _op.into(out, {values}, {extras})"]
    arrays = ", ".join(f"a{i}" for i in range(len(declared.tensors)))
    if declared.takes_list:
        lines.append(f"    {arrays}, = _op.arrays({values})")
    else:
        usual = [f"isinstance({name}, _Tensor)" for name in declared.tensors]
        if declared.promotion != KEEP:
            promoted = [n for n, kept in zip(declared.tensors, declared.kept, strict=True) if not kept]
            first = f"{promoted[0]}._array.dtype"
            usual += [f"{name}._array.dtype is {first}" for name in promoted[1:]]
        if declared.promotion == FLOAT:
            usual.append(f'{first}.kind == "f"')
        lines.append(f"    if {' and '.join(usual)}:")
        lines += [f"        a{i} = {name}._array" for i, name in enumerate(declared.tensors)]
        lines += ["    else:", f"        {arrays}, = _op.arrays({values})"]
    lines += [
        "    try:",
        f"        result = _forward({arguments})",
        "    except ValueError as error:",
        f"        raise _broadcast_error(error, [{arrays}]) from None",
    ]
    if declared.outputs:
        lines.append("    outs = out = _result_type(*[_wrap(_asarray(r)) for r in result])")
    elif declared.view:
        lines += [
            "    if type(result) is list:",
            "        outs = out = tuple([_wrap(r) for r in result])",
            f"        for o in outs: _make_view(o, {declared.tensors[0]}, _MULTI_OUTPUT)",
            "    else:",
            "        out = _wrap(result)",
            f"        _make_view(out, {declared.tensors[0]})",
            "        outs = (out,)",
        ]
    else:
        lines += ["    out = _wrap(result if type(result) is _ndarray else _asarray(result))", "    outs = (out,)"]
    if declared.differentiable:
        required = " or ".join(f"_requires_grad({name})" for name in declared.differentiable)
        lines += [f"    if _mode.grad and ({required}):", f"        _op.connect(outs, {values}, {extras})"]
    lines.append("    return out")
    namespace |= {
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
    }
    return _compile(declared, declared.name, lines, namespace)


def _generate_in_place(declared: Op) -> Callable[..., Any]:
    signature, namespace = _signature(declared.parameters)
    name = declared.name + "_"
    lines = [
        f"def {name}({signature}):",
        f"    return _op.in_place({_tuple(declared.tensors)}, {_tuple(declared.others)})",
    ]
    return _compile(declared, name, lines, namespace | {"_op": declared})


def _compile(declared: Op, name: str, lines: list[str], namespace: dict[str, Any]) -> Callable[..., Any]:
    namespace["__name__"] = declared.forward.__module__  # where numpy's warnings are said to come from
    exec(compile("\n".join(lines), f"<microtorch op {name}>", "exec"), namespace)
    function: Callable[..., Any] = namespace[name]
    function.__doc__ = declared.forward.__doc__
    function.__module__ = declared.forward.__module__
    return function
