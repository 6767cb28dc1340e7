"""Recording a call and its backward step, written out for one operation.

What `Op.make_node`, `OpNode.apply` and `OpNode.release` do in general, for calls with one edge for every differentiable
input, be it left out, or for all but a number. A value that is saved is looked at only through `op.saves`, so nodes of
either origin are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .nodes import torch_name
from .text import compiled, listed
from .traits import KEEP, MANY
from .unrecorded import mixes, on_arrays

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
    if not op.differentiable or op.takes_list or op.outputs or op.view == MANY:
        return unrolled
    number = op.number_argument
    if op.node_name == "NotImplemented" or (any(op.numbers) and number is None):
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
        elif name in op.optional:
            edge = _EDGE.format(i, name).split("\n")
            lines += [f"    if {name} is None: e{i} = _NO_EDGE", "    else:", *[f"    {line}" for line in edge]]
        else:
            lines += _EDGE.format(i, name).split("\n")
    for j, need in enumerate(op.saves):
        if need == number or need in op.others:
            lines.append(f"    s{j} = {need}")
            continue
        asked = [i for i, name in enumerate(inputs) if name != number and need in op.needs[name]]
        if not asked and need not in op.always_saved:
            lines.append(f"    s{j} = None")
            continue
        always = len(asked) == len([name for name in inputs if name != number])  # as one of them requires a gradient
        asking = "" if always or need in op.always_saved else " or ".join(f"e{i} is not _NO_EDGE" for i in asked)
        if need == "out":
            value = "_SavedOutput(out, 0)"
        elif need in inputs:
            there = f"{need} is not None" if need in op.optional else ""
            lines += _save(j, need, f"({asking}) and {there}" if asking and there else asking or there)
            continue
        elif need in op.tensors:
            value = f"(_SavedInput({need}) if isinstance({need}, _Tensor) else {need})"
        elif need.endswith("_shape") and need.removesuffix("_shape") in {*inputs} - {*op.optional}:
            value = f"_new_size(_Size, {need.removesuffix('_shape')}._array.shape)"
        else:
            described, _, what = need.rpartition("_")
            known = described in inputs and described not in op.optional
            value = f"_{what}({described})" if known else f"_describe({described}, {what!r})"
        lines.append(f"    s{j} = {value}" + (f" if {asking} else None" if asking else ""))
    node_class = "_node_class"
    if not isinstance(op.node_name, str):
        node_class = f"_op.node_class(_node_name({', '.join(f'{p}={p}' for p in op.names)}), {tuple(inputs)})"
    return [
        *lines,
        "    array = out._array",
        f"    node = _new({node_class})",
        f"    node._edges = {listed([f'e{i}' for i in range(len(inputs))])}",
        f"    node._saved = {listed([f's{j}' for j in range(len(op.saves))])}",
        "    node._outputs = node._hooks = None",
        "    node._order = order = _next(_orders)",
        "    out._edge = (node, 0, order, array.shape, array.dtype)",
        "    out._requires_grad = True",
    ]


_EDGE = """\
    e{0} = {1}._edge
    view = {1}._view
    if e{0} is None: e{0} = _gradient_edge({1}) if {1}._requires_grad or view is not None else _NO_EDGE
    elif view is not None and view.version != {1}._counter[0]: e{0} = _gradient_edge({1})"""


def _save(j: int, need: str, asking: str) -> list[str]:
    """`_SavedInput(need)`, where somebody asks for it, without the call."""
    save = [
        f"s{j} = _new(_SavedInput)",
        f"s{j}.tensor = {need}",
        f"counter = {need}._counter",
        f"if type(counter) is _InferenceCounter: _SavedInput({need})",
        f"s{j}.version = counter[0]",
        f"s{j}.computed = {need}._edge is not None",
    ]
    if not asking:
        return [f"    {line}" for line in save]
    return [f"    if {asking}:", *[f"        {line}" for line in save], f"    else: s{j} = None"]


def _apply(op: Op, inputs: Sequence[str]) -> list[str]:
    """The backward step on tensors."""
    lines = [
        "def apply(self, g):",
        "    saved = self._saved",
        "    if saved is None: raise _RuntimeError(_FREED)",
        f"    if g is None: return ({'None, ' * len(inputs)})",
        *_parts(op, inputs),
    ]
    for j, need in enumerate(op.saves):
        if need == "out" or need in op.tensors:
            kept = _is_kept(op, inputs, j).replace(f"type(s{j}) is _SavedInput", f"isinstance(s{j}, _SAVED)")
            lines.append(f"    if {kept}: s{j} = s{j}.unpack(self)")
        elif need in op.names:
            lines.append(f"    if type(s{j}) is list: s{j} = _unpacked_once(s{j}, self)")
    flagged = bool(op.formula_flag)
    if flagged:
        lines += ["    flags = _mode.flags", "    _mode.flags = flags | _FORMULA", "    try:"]
    for name in sorted(inputs, key=torch_name):
        i = inputs.index(name)
        values = ["g" if w == "g" else f"s{op.saves.index(w)}" for w in op.needs[name]]
        indent = "        " if flagged else "    "
        lines.append(f"{indent}r{i} = _formula{i}({', '.join(values)}) if e{i}[0] is not None else None")
    if flagged:
        lines.append("    finally: _mode.flags = flags")
    return [*lines, f"    return {listed([f'r{i}' for i in range(len(inputs))])}"]


def _step(op: Op, inputs: Sequence[str]) -> list[str]:
    """The same on arrays; where formulas mix them, if those are of one dtype and in order."""
    mixed = op.promotion != KEEP or any(mixes(op.derivatives[name]) for name in inputs)
    out_of_order = " or not ({0}.ndim < 2 or {0}.flags.c_contiguous or not any({0}.strides))" if mixed else ""
    lines = [
        "def step(self, g, retain_graph):",
        "    saved = self._saved",
        "    if saved is None: raise _RuntimeError(_FREED)",
        "    if g is None: return _NotImplemented",
        *_parts(op, inputs),
        "    dtype = g.dtype",
        f"    if (dtype is not _float32 and dtype is not _float64){out_of_order.format('g')}: return _NotImplemented",
    ]
    for j, need in enumerate(op.saves):
        if need != "out" and need not in op.tensors:
            continue
        lines += [
            f"    if {_is_kept(op, inputs, j)}:",
            *_checked(op, inputs, j),
            f"        s{j} = x._array",
        ]
        if mixed:
            lines.append(f"        if s{j}.dtype is not dtype{out_of_order.format(f's{j}')}: return _NotImplemented")
        if op.traits.wraps_numbers and need != "out":
            lines.append(f"    elif type(s{j}) is float and s{j}: s{j} = _number(s{j}, dtype.char)")
    lines.append("    try:")
    if len(inputs) > 1:
        lines.append("        outgoing = []")
    for i, name in enumerate(inputs):
        values = ["g" if w == "g" else f"s{op.saves.index(w)}" for w in op.needs[name]]
        pair = f"(e{i}, _plain{i}({', '.join(values)}))"
        if len(inputs) > 1:
            lines.append(f"        if e{i} is not _NO_EDGE: outgoing.append({pair})")
        else:
            lines.append(f"        outgoing = ({pair},)")
    lines.append(
        "    except ValueError: return _NotImplemented  # shapes do not go together: in torch's words, on tensors"
    )
    holds = _holds(op, inputs)
    if holds is None:
        lines.append("    if not retain_graph: self.release()")
    elif holds:
        lines.append(f"    if not retain_graph and ({holds}): self._saved = None")
    return [*lines, "    return outgoing"]


def _parts(op: Op, inputs: Sequence[str]) -> list[str]:
    """What a node saved, and its edges."""
    saved, edges = listed([f"s{j}" for j in range(len(op.saves))]), listed([f"e{i}" for i in range(len(inputs))])
    return [f"    {saved} = saved" if op.saves else "    pass", f"    {edges} = self._edges"]


def _is_kept(op: Op, inputs: Sequence[str], j: int) -> str:
    """The condition that a saved value is a tensor or a result."""
    need = op.saves[j]
    always = need == "out" or (need in inputs and not op.traits.wraps_numbers)
    return f"s{j} is not None" if always else f"type(s{j}) is _SavedInput"


def _checked(op: Op, inputs: Sequence[str], j: int) -> list[str]:
    """x: the tensor that was saved, which `unpack` checks to be unchanged; without that call if it is."""
    if op.saves[j] not in inputs:
        return [f"        x = s{j}.unpack(self)"]
    changed = f"x._counter[0] != s{j}.version or (s{j}.computed and x._edge is None)"
    return [f"        x = s{j}.tensor", f"        if {changed}: x = s{j}.unpack(self)"]


def _release(op: Op, inputs: Sequence[str]) -> list[str]:
    """Whatever was saved if a tensor was."""
    holds = _holds(op, inputs)
    if holds is None:
        return []
    if not holds:
        return ["holds = False"]
    saved = listed([f"s{j}" for j in range(len(op.saves))])
    return [
        "def release(self):",
        "    if self._saved is None: return",
        f"    {saved} = self._saved",
        f"    if {holds}: self._saved = None",
    ]


def _holds(op: Op, inputs: Sequence[str]) -> str | None:
    """The condition that a tensor was saved; empty where none can be, None where the values must be looked at."""
    freed = [j for j, need in enumerate(op.saves) if need == "out" or need in op.tensors]
    if any(op.saves[j] not in ("out", *inputs) for j in freed):
        return None
    return " or ".join(f"s{j} is not None" for j in freed)
