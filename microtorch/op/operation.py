"""What all operations do alike: promotion, torch's errors, the graph."""

from __future__ import annotations

import inspect
from collections import namedtuple
from collections.abc import Callable, Sequence
from functools import cache, cached_property
from typing import Any

import numpy as np

from .. import dtypes
from ..arguments import refused, type_name
from ..casting import cast
from ..engine import FORMULA, NO_EDGE, WATCHED, Edge, edge_to, mode
from ..layout import arranged
from ..saved import SavedInput, SavedOutput
from ..tensor import Tensor, wrap
from ..views import gradient_edge
from ..watched import pack_saved, watch
from .nodes import (
    DESCRIBED,
    NotImplementedNode,
    OpNode,
    always_saved,
    attributes,
    describe,
    formula_flag,
    shown_needs,
    torch_name,
)
from .output import requires_grad
from .shapes import broadcast_error, broadcast_shape
from .tables import REGISTRY
from .tape import Unrolled, unroll
from .traits import FLOAT, KEEP, NUMBERS, Traits, no_derivative, not_implemented, parameters_of
from .writing import in_place, into

Formula = Callable[..., Any]


class Op:
    """A declared operation; what follows from its declaration is worked out when it is first asked for."""

    function: Callable[..., Any]
    function_: Callable[..., Any] | None = None  # the in-place variant

    def __init__(self, forward: Callable[..., Any], formulas: dict[str, Formula | None], traits: Traits) -> None:
        self.name = forward.__name__
        self.forward = forward
        self.formulas = formulas
        self.traits = traits
        self.called = traits.called or self.name
        self.promotion, self.view, self.outputs = traits.promotion, traits.view, traits.outputs
        self._node_classes: dict[str, type[OpNode]] = {}

    @cached_property
    def node_name(self) -> str | Callable[..., str]:
        """The name of its nodes, or what gives it from the arguments."""
        return self.traits.node or "".join(part.capitalize() for part in self.name.split("_")) + "Backward0"

    @cached_property
    def order(self) -> Callable[..., Any]:
        """Of the operands' arrays, those after which the result is laid out."""
        return self.traits.order or (lambda *arrays: arrays)

    @cached_property
    def names(self) -> list[str]:
        """The names of the forward's parameters."""
        return parameters_of(self.forward)

    @cached_property
    def tensors(self) -> list[str]:
        """Those that are tensors."""
        return [n for n in self.names if n in self.formulas]

    @cached_property
    def others(self) -> list[str]:
        """Those that are not."""
        return [n for n in self.names if n not in self.formulas]

    @cached_property
    def takes_list(self) -> bool:
        """Whether the first is a list of tensors."""
        return self.names[0] == "tensors"

    @cached_property
    def kept(self) -> list[bool]:
        """Which of the tensors take no part in the promotion."""
        return [n in self.traits.keep for n in self.tensors]

    @cached_property
    def numbers(self) -> list[bool]:
        """Which of the tensors may be numbers."""
        return [n in self.traits.numbers or self.traits.wraps_numbers for n in self.tensors]

    @cached_property
    def precise(self) -> list[bool]:
        """Which of the tensors are, as numbers, not rounded to float16."""
        return [n in self.traits.precise for n in self.tensors]

    @cached_property
    def derivatives(self) -> dict[str, Formula]:
        """The gradient formulas that there are."""
        return {n: f for n, f in self.formulas.items() if f is not None}

    @cached_property
    def differentiable(self) -> list[str]:
        """The tensors that have one."""
        return [n for n in self.tensors if n in self.derivatives]

    @cached_property
    def needs(self) -> dict[str, list[str]]:
        """What each formula asks for."""
        return {n: parameters_of(f) for n, f in self.derivatives.items()}

    @cached_property
    def saves(self) -> list[str]:
        """What is saved for the formulas, in torch's order."""
        asked = {need for needs in self.needs.values() for need in needs} - {"g", "gradients"} | shown_needs(self)
        known = {"out", *self.outputs, *self.names, *(f"{n}_{what}" for n in self.tensors for what in DESCRIBED)}
        assert asked <= known, f"{self.name}: a formula asks for {asked - known}, which the operation does not have"
        return sorted(asked, key=lambda need: (need == "out" or need in self.outputs, torch_name(need)))

    always_saved = cached_property(always_saved)
    formula_flag = cached_property(formula_flag)

    @cached_property
    def parameters(self) -> list[inspect.Parameter]:
        """The parameters of the forward."""
        return list(inspect.signature(self.forward).parameters.values())

    @cached_property
    def optional(self) -> list[str]:
        """Those of the tensors that may be left out."""
        return [p.name for p in self.parameters if p.name in self.formulas and p.default is None]

    @cached_property
    def result_type(self) -> type | None:
        """The named tuple of several results."""
        return return_type(self.called, self.outputs) if self.outputs else None

    @cached_property
    def out_type(self) -> type | None:
        """The named tuple of what `out=` has written."""
        return return_type(self.called + "_out", self.outputs) if self.outputs else None

    @cached_property
    def unrolled(self) -> Unrolled:
        """Recording and the backward step, written out."""
        return unroll(self)

    @property
    def number_argument(self) -> str | None:
        """The second of two inputs, if it may be a number."""
        return self.tensors[1] if len(self.tensors) == 2 and self.numbers[1] and self.promotion != KEEP else None

    @cached_property
    def over(self) -> Op:
        """The declaration of the variant that writes over its input: this one, unless another node or gradient is."""
        traits = self.traits
        if not traits.node_in_place:
            return self
        formulas = self.formulas
        if not traits.derived_in_place:
            formulas = dict.fromkeys(formulas, no_derivative(f"inplace version of {self.name}"))
        return Op(
            self.forward, formulas, Traits(**(vars(traits) | {"node": traits.node_in_place, "node_in_place": ""}))
        )

    # -- inputs -------------------------------------------------------------------------------------------------------

    def array(self, position: int, value: Any, name: str, first: int = 1) -> np.ndarray[Any, Any]:
        """The array of an argument that must be a tensor; `name`, `first`: as the operation was called, see `publish`."""
        if isinstance(value, Tensor):
            return value._array
        raise self._no_tensor(position, value, name, first)

    def _no_tensor(self, position: int, value: Any, name: str, first: int) -> TypeError:
        argument = self.tensors[position]
        place = self.names.index(argument) + first
        return refused(
            TypeError(f"{name}(): argument '{argument}' (position {place}) must be Tensor, not {type_name(value)}")
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
            v
            if (v is None and self.tensors[i] in self.optional) or (self.numbers[i] and isinstance(v, NUMBERS))
            else self.array(i, v, name, first)
            for i, v in enumerate(values)
        ]

    def common_dtype(self, values: Sequence[Any], name: str, first: int) -> dtypes.dtype:
        """The dtype to which the promoted arguments come together."""
        ranks: list[dtypes.dtype | None] = [None, None, None]  # of tensors with dimensions, of 0-d tensors, of numbers
        for position, value in enumerate(values):
            if self.kept[position] or (value is None and self.tensors[position] in self.optional):
                continue
            if isinstance(value, Tensor):
                rank, dtype = (0 if value._array.ndim else 1), value.dtype
            elif self.numbers[position] and isinstance(value, NUMBERS):
                rank, dtype = 2, dtypes.of_number(value)  # type: ignore[arg-type]  # of NUMBERS, which are as numbers are
            else:
                self.array(position, value, name, first)
            held = ranks[rank]
            ranks[rank] = dtype if held is None else dtypes.promote_types(held, dtype)
        if ranks[0] is ranks[1] is None and not self.traits.numbers_alone:
            raise self._no_tensor(0, values[0], name, first)
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
            if self.traits.check is not None:
                self.traits.check(*values)
            if common.numpy.char in self.traits.refuses[1]:
                self._refuse(values, common)
            if not any(isinstance(v, Tensor) for v in values):  # between Python's numbers numpy would take float64
                values = [wrap(np.array(v)) for v in values]
            half = common is dtypes.float16 and not self.traits.in_half
            if half and "alpha" in self.others and 65504 < abs(extras[self.others.index("alpha")]) < np.inf:
                raise RuntimeError("value cannot be converted to type c10::Half without overflow")
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
        raise not_implemented(self.traits.refuses[0], common)

    def general(self, values: Sequence[Any], extras: Sequence[Any], name: str, first: int) -> Tensor:
        """A call of an operation with promotion in the unusual case."""
        out = wrap(self.compute(values, extras, name, first))
        if mode.grad and not self.traits.gives_bool and self._is_recorded(values):
            self.record((out,), values, extras)
        return out

    def _is_recorded(self, values: Sequence[Any]) -> bool:
        return any(requires_grad(v) for n, v in zip(self.tensors, values, strict=True) if n in self.needs)

    # -- the graph ----------------------------------------------------------------------------------------------------

    def record(self, results: Sequence[Tensor], values: Sequence[Any], extras: Sequence[Any]) -> None:
        """Give the results of a call their node."""
        if mode.flags & FORMULA and self.traits.in_formulas and not isinstance(values[1], Tensor):
            name, values, extras = self.traits.in_formulas(*values, *extras)
            REGISTRY[name].record(results, values, extras)
            return
        node = self.make_node(results, values, extras)
        for output_nr, result in enumerate(results):
            if result._array.dtype.kind == "f":
                result._edge = edge_to(node, output_nr, result._array)
                result._requires_grad = True
        if mode.flags & WATCHED:
            pack_saved(node, results)

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
        linked: list[str] = []
        for parameter in self.differentiable:
            value = named[parameter]
            if isinstance(value, Tensor):
                to_inputs = [gradient_edge(value)]
            elif isinstance(value, (list, tuple)):
                to_inputs = [gradient_edge(tensor) for tensor in value]
            elif value is None or self.traits.wraps_numbers:
                to_inputs = [NO_EDGE]
            else:
                continue
            if any(edge is not NO_EDGE for edge in to_inputs):
                plan.append((parameter, len(edges), len(to_inputs)))
                needed |= dict.fromkeys(self.needs[parameter])
            edges += to_inputs
            linked.append(parameter)
        if name == "NotImplemented":
            return NotImplementedNode(tuple(e for e in edges if e[0] is not None), results, self.called)
        plan.sort(key=lambda step: torch_name(step[0]))
        saved = tuple(
            self._saved(n, named, results, original) if n in needed or n in self.always_saved else None
            for n in self.saves
        )
        outputs = tuple((r._array.shape, r._array.dtype) for r in results)
        node = self.node_class(name, tuple(linked))(tuple(edges), outputs, saved, plan)
        if mode.flags & WATCHED:
            watch(node)
        return node

    def _saved(self, need: str, named: dict[str, Any], results: Sequence[Tensor], original: Any) -> Any:
        if need == "out" or need in self.outputs:
            position = 0 if need == "out" else self.outputs.index(need)
            return SavedOutput(results[position], position)
        if need not in named:
            parameter, _, what = need.rpartition("_")
            value = named[parameter]
            return [describe(v, what) for v in value] if isinstance(value, (list, tuple)) else describe(value, what)
        value = original if original is not None and need == self.tensors[0] else named[need]
        if isinstance(value, Tensor):
            return SavedInput(value)
        if need not in self.tensors:
            return value
        if isinstance(value, (list, tuple)):
            return [SavedInput(v) for v in value]
        return value.item() if isinstance(value, np.generic) else value  # numpy's numbers do not give way to a dtype

    def node_class(self, name: str, linked: tuple[str, ...]) -> type[OpNode]:
        """The class of the nodes of one name; `linked`: the inputs with an edge, which go with the name if unrolled."""
        made = self._node_classes.get(name)
        return self.make_class(name, self.unrolled.methods.get(linked, {})) if made is None else made

    def make_class(self, name: str, methods: dict[str, Any]) -> type[OpNode]:
        """The class of the nodes of one name, made with these methods if it is not there yet."""
        made = self._node_classes.get(name)
        if made is None:
            members = {"__slots__": (), "op": self} | attributes(self, name) | methods
            if self.takes_list:  # of a list torch computes all gradients
                members["computes_what_is_wanted"] = False
            made = self._node_classes[name] = type(name, (OpNode,), members)
        return made

    in_place = in_place
    into = into


def _as_wide_operand(value: Any, precise: bool) -> Any:
    """An operand of a float16 operation: torch computes in float32 and rounds once.

    Numbers and 0-d tensors are rounded to float16 before that, unless the operation takes them as they are.
    """
    if value is None:
        return None
    if isinstance(value, Tensor):
        array = value._array
        if array.ndim or not precise:
            array = cast(array, dtypes.float16.numpy)
        return _converted(array, np.float32)
    return float(value) if precise else float(np.float16(value))


def _as_operand(value: Any, dtype: dtypes.dtype) -> Any:
    if value is None:
        return None
    if isinstance(value, Tensor):
        array = value._array
        return array if array.dtype is dtype.numpy else _converted(array, dtype.numpy)
    if dtype.is_floating_point:
        return float(value)  # numpy, too, gives way to the array's type then
    return np.asarray(value).astype(dtype.numpy)


def _converted(array: np.ndarray[Any, Any], dtype: Any) -> np.ndarray[Any, Any]:
    """An operand in another dtype; one that repeats along a dimension still does, which `arranged` looks at."""
    if 0 not in array.strides:
        return array.astype(dtype)
    once = array[tuple(slice(None) if stride else slice(1) for stride in array.strides)]
    return np.broadcast_to(once.astype(dtype), array.shape)


@cache
def return_type(name: str, outputs: tuple[str, ...]) -> type:
    """The named tuple in which torch returns several results."""

    def __repr__(self: Any) -> str:
        fields = ",\n".join(f"{n}={v!r}" for n, v in zip(outputs, self, strict=True))
        return f"torch.return_types.{name}(\n{fields})"

    def __reduce__(self: Any) -> Any:
        return _returned, (name, outputs, tuple(self))

    base = namedtuple(name, outputs)  # type: ignore[misc]  # mypy knows only literal names
    members = {"__slots__": (), "__repr__": __repr__, "__reduce__": __reduce__, "__module__": "torch.return_types"}
    return type(name, (base,), members)


def _returned(name: str, outputs: tuple[str, ...], values: tuple[Any, ...]) -> Any:
    """What a pickle of several results is made from."""
    return return_type(name, outputs)(*values)
