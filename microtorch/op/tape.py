"""Recording a call and its backward step, written out for one operation.

What `Op.make_node`, `OpNode.apply` and `OpNode.release` do in general, for calls with one edge for every differentiable
input, or for all but a number. A value that is saved is looked at only through `op.saves`, so nodes of either origin
are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .nodes import torch_name
from .text import compiled, listed
from .traits import KEEP, MANY
from .unrecorded import has_operators, on_arrays

if TYPE_CHECKING:
    from .operation import Op


MEMBERS = ("apply", "step", "release", "holds")  # what is written for a class of nodes


class Unrolled:
    """`record(out, …)` of calls with tensors, and with a number as the last input, and the methods of their nodes.

    The methods are kept by the inputs that have an edge.
    """

    def __init__(self) -> None:
        self.record: Callable[..., Any] | None = None
        self.record_number: Callable[..., Any] | None = None
        self.methods: dict[tuple[str, ...], dict[str, Any]] = {}


def unroll(op: Op) -> Unrolled:
    """The written out forms of an operation; none where calls differ in more than that the last input is a number."""
    unrolled = Unrolled()
    optional = any(p.default is not p.empty for p in op.parameters if p.name in op.differentiable)
    if not op.differentiable or optional or op.takes_list or op.outputs or op.view == MANY:
        return unrolled
    number = op.number_argument
    if any(op.numbers) and (number is None or op.node_name == "NotImplemented"):
        return unrolled
    if number is not None and op.differentiable[0] == op.tensors[0]:
        edges = op.differentiable if op.traits.wraps_numbers else [n for n in op.differentiable if n != number]
        unrolled.record_number = _written(op, edges, unrolled, number)
    unrolled.record = _written(op, op.differentiable, unrolled)
    return unrolled


def _written(op: Op, inputs: Sequence[str], unrolled: Unrolled, number: str = "") -> Callable[..., Any]:
    """`record` for a call whose edges lead to `inputs`; the methods of its nodes are entered in `unrolled`."""
    lines = _record(op, inputs, number)
    names: dict[str, Any] = {"_op": op, "_node_name": op.node_name, "__name__": op.forward.__module__}
    if tuple(inputs) not in unrolled.methods:
        lines += [*_apply(op, inputs), *_release(op, inputs)]
        for i, name in enumerate(inputs):
            names[f"_formula{i}"] = op.derivatives[name]
            names[f"_plain{i}"] = on_arrays(op.derivatives[name])
        if all(names[f"_plain{i}"] for i in range(len(inputs))):
            lines += _step(op, inputs)
    namespace = compiled(f"record {op.name}", (lines, names))
    members: dict[str, Any] = {name: namespace[name] for name in MEMBERS if name in namespace}
    unrolled.methods.setdefault(tuple(inputs), members)
    if isinstance(op.node_name, str):
        namespace["_node_class"] = op.make_class(op.node_name, unrolled.methods[tuple(inputs)])
    return namespace["record"]


def _record(op: Op, inputs: Sequence[str], number: str) -> list[str]:
    lines = [f"def record(out, {', '.join(op.names)}):"]
    for i, name in enumerate(inputs):
        if name == number:
            lines.append(f"    e{i} = _NO_EDGE")
        else:
            lines.append(f"    e{i} = {name}._edge")
            lines.append(f"    if e{i} is None or {name}._view is not None: e{i} = _gradient_edge({name})")
    for j, need in enumerate(op.saves):
        asking = " or ".join(f"e{i} is not _NO_EDGE" for i, name in enumerate(inputs) if need in op.needs[name])
        if need == "out":
            value = "_SavedOutput(out, 0)"
        elif need == number:
            value = need
        elif need in op.tensors:
            value = f"_SavedInput({need})"
            if need not in inputs:
                value = f"({value} if isinstance({need}, _Tensor) else {need})"
        elif need in op.names:
            value = need
        elif need.endswith("_shape") and need.removesuffix("_shape") in inputs:
            value = f"_new_size(_Size, {need.removesuffix('_shape')}._array.shape)"
        else:
            value = f"_describe({need.rpartition('_')[0]}, {need.rpartition('_')[2]!r})"
        lines.append(f"    s{j} = {value}" + (f" if {asking or 'False'} else None" if len(inputs) > 1 else ""))
    node_class = "_node_class"
    if not isinstance(op.node_name, str):
        node_class = f"_op.node_class(_node_name({', '.join(f'{p}={p}' for p in op.names)}), {tuple(inputs)})"
    return [
        *lines,
        "    array = out._array",
        f"    node = _new({node_class})",
        f"    node.next_functions = {listed([f'e{i}' for i in range(len(inputs))])}",
        "    node._shape, node._dtype, node._others, node._hooks = array.shape, array.dtype, (), None",
        f"    node._saved = {listed([f's{j}' for j in range(len(op.saves))])}",
        "    node._number = _next_number()",
        "    out._edge = (node, 0)",
        "    out._requires_grad = True",
    ]


def _apply(op: Op, inputs: Sequence[str]) -> list[str]:
    """The backward step on tensors."""
    lines = _unpacked(op, inputs, "apply")
    for name in sorted(inputs, key=torch_name):
        i = inputs.index(name)
        values = ["g" if w == "g" else f"s{op.saves.index(w)}" for w in op.needs[name]]
        lines.append(f"    r{i} = _formula{i}({', '.join(values)}) if e{i}[0] is not None else None")
    return [*lines, f"    return {listed([f'r{i}' for i in range(len(inputs))])}"]


def _step(op: Op, inputs: Sequence[str]) -> list[str]:
    """The same on arrays, if those are of one dtype, and in order where the order shows."""
    ordered = op.promotion != KEEP or any(has_operators(op.derivatives[name]) for name in inputs)
    fits = "({0} is _float32 or {0} is _float64)"
    in_order = " and ({0}.ndim < 2 or {0}.flags.c_contiguous or not any({0}.strides))" if ordered else ""
    lines = [
        *_unpacked(op, inputs, "step"),
        "    dtype = g.dtype",
        f"    plain = {fits.format('dtype')}{in_order.format('g')}",
    ]
    for j, need in enumerate(op.saves):
        if need != "out" and need not in op.tensors:
            continue
        take = f"s{j} = s{j}._array; plain = plain and s{j}.dtype is dtype{in_order.format(f's{j}')}"
        if need == "out" or (need in inputs and not op.traits.wraps_numbers):
            lines.append(f"    if s{j} is not None: {take}")
        else:
            lines.append(f"    if isinstance(s{j}, _Tensor): {take}")
            if op.traits.wraps_numbers:
                lines.append(f"    elif type(s{j}) is float and s{j}: s{j} = _number(s{j}, dtype.char)")
    lines += ["    if not plain: return _NotImplemented", "    try:"]
    for name in sorted(inputs, key=torch_name):
        i = inputs.index(name)
        values = ["g" if w == "g" else f"s{op.saves.index(w)}" for w in op.needs[name]]
        lines.append(f"        r{i} = _plain{i}({', '.join(values)}) if e{i}[0] is not None else None")
    return [
        *lines,
        f"        return {listed([f'r{i}' for i in range(len(inputs))])}",
        "    except ValueError: return _NotImplemented  # shapes do not go together: in torch's words, on tensors",
    ]


def _unpacked(op: Op, inputs: Sequence[str], name: str) -> list[str]:
    """The beginning of a backward step: the edges, and what was saved, checked to be unchanged."""
    n, saves = len(inputs), op.saves
    saved, edges = (listed([f"{letter}{i}" for i in range(k)])[1:-1] for letter, k in (("s", len(saves)), ("e", n)))
    lines = [
        f"def {name}(self, g):",
        "    saved = self._saved",
        "    if saved is None: raise _RuntimeError(_FREED)",
        f"    if g is None: return ({'None, ' * n})",
        f"    {saved} = saved" if saves else "    pass",
        f"    {edges} = self.next_functions",
    ]
    for j, need in enumerate(saves):
        if need == "out" or need in op.tensors:
            always = need == "out" or (need in inputs and not op.traits.wraps_numbers)
            maybe = f"s{j} is not None" if always else f"type(s{j}) is _SavedInput"
            if need in inputs:  # what `SavedInput.unpack` does if nothing was changed
                kept = f"s{j}.tensor._counter[0] == s{j}.version and not (s{j}.computed and s{j}.tensor._edge is None)"
                lines.append(f"    if {maybe}: s{j} = s{j}.tensor if {kept} else s{j}.unpack(self)")
            else:
                lines.append(f"    if {maybe}: s{j} = s{j}.unpack(self)")
    return lines


def _release(op: Op, inputs: Sequence[str]) -> list[str]:
    """Whatever was saved if a tensor was; no method where that must be looked up, or there can be none."""
    freed = [j for j, need in enumerate(op.saves) if need == "out" or need in op.tensors]
    if any(op.saves[j] not in ("out", *inputs) for j in freed):
        return []
    if not freed:
        return ["holds = False"]
    asking = " or ".join(f"saved[{j}] is not None" for j in freed)
    return [
        "def release(self):",
        "    saved = self._saved",
        f"    if saved is not None and ({asking}): self._saved = None",
    ]
