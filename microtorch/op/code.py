"""The functions of one operation, written out for its own parameters, with the usual case first.

Tensors are small here, so that what Python does around a kernel is most of the cost. What a declaration says is known
once: the code that follows from it is written then, as text, and compiled.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..arguments import to_number
from ..engine import FREED, NO_EDGE, mode
from ..layout import arranged
from ..saved import SavedInput, SavedNumber, SavedOutput
from ..tensor import InferenceCounter, Tensor, wrap
from ..views import MULTI_OUTPUT, gradient_edge, make_view
from .operation import Op, describe, torch_name
from .output import requires_grad
from .shapes import broadcast_error
from .traits import FLOAT, KEEP, MANY

FACTORS = ("alpha", "beta", "value")  # with the default 1; a tensor may stand for the number
SYNONYMS = {"dim": "axis", "keepdim": "keepdims"}  # numpy's names, which torch takes for its own
NAMES = {
    "_Tensor": Tensor,
    "_wrap": wrap,
    "_mode": mode,
    "_requires_grad": requires_grad,
    "_broadcast_error": broadcast_error,
    "_make_view": make_view,
    "_MULTI_OUTPUT": MULTI_OUTPUT,
    "_ndarray": np.ndarray,
    "_asarray": np.asarray,
    "_copyto": np.copyto,
    "_NUMBER": (float, int),
    "_InferenceCounter": InferenceCounter,
    "_arranged": arranged,
    "_gradient_edge": gradient_edge,
    "_NO_EDGE": NO_EDGE,
    "_SavedInput": SavedInput,
    "_SavedOutput": SavedOutput,
    "_SavedNumber": SavedNumber,
    "_describe": describe,
    "_to_number": to_number,
    "_RuntimeError": RuntimeError,
    "_FREED": FREED,
}


def write_function(op: Op) -> Callable[..., Any]:
    """The function that is called."""
    signature, namespace, lines = _head(op)
    lines.insert(0, f"def {op.name}({signature}):")
    values, extras = _tuple(op.tensors), _tuple(op.others)
    if op.traits.out and not op.view:
        lines += ["    if out is not None:", f"        return _op.into(out, {values}, {extras}, _name)"]
    arrays = ", ".join(f"a{i}" for i in range(len(op.tensors)))
    number_of = _number_argument(op)
    if op.takes_list:
        lines.append(f"    {arrays}, = _op.arrays({values}, _name)")
    else:
        lines.append(f"    if {_usual(op)}:")
        lines += [f"        a{i} = {name}._array" for i, name in enumerate(op.tensors)]
        if number_of is not None:  # x·2: numpy, too, lets the number give way
            x = op.tensors[0]
            dtypes = _dtypes(op, "fd")
            lines.append(
                f'    elif type({number_of}) in _NUMBER and isinstance({x}, _Tensor) and {x}._array.dtype.char in "{dtypes}":'
            )
            lines += [f"        a0 = {x}._array", f"        a1 = {number_of}"]
        unusual = f"{arrays}, = _op.arrays" if op.promotion == KEEP else "return _op.general"
        inputs = values if op.promotion == KEEP else f"{values}, {extras}"
        lines += ["    else:", f"        {unusual}({inputs}, _name, _first)"]
    lines += [
        "    try:",
        f"        result = _forward({_arguments(op)})",
        "    except ValueError as error:",
        f"        raise _broadcast_error(error, _order({arrays}) or [{arrays}]) from None",
    ]
    if op.promotion != KEEP and len(op.tensors) > 1:
        ordered = [f"(type(a{i}) is not _ndarray or a{i}.flags.c_contiguous)" for i in range(len(op.tensors))]
        lines.append(f"    if not ({' and '.join(ordered)}): result = _arranged(_asarray(result), _order({arrays}))")
    required = " or ".join(f"_requires_grad({name})" for name in op.differentiable)
    recorded = f"    if _mode.grad and ({'False' if op.traits.gives_bool else required or 'False'}): "
    several = f"{recorded}_op.record(out, {values}, {extras})"
    if op.outputs:
        lines += ["    out = _result_type(*[_wrap(_asarray(r)) for r in result])", several]
    elif op.view == MANY:
        lines += [
            "    out = tuple([_wrap(r) for r in result])",
            f"    for o in out: _make_view(o, {op.tensors[0]}, _MULTI_OUTPUT)",
            several,
        ]
    else:
        if op.view:
            lines += ["    out = _wrap(result)", f"    _make_view(out, {op.tensors[0]})"]
        else:
            lines.append("    out = _wrap(result if type(result) is _ndarray else _asarray(result))")
        if required and not op.traits.gives_bool:
            if op.unrolled_record is None:
                lines.append(f"{recorded}_op.record((out,), {values}, {extras})")
            else:
                lines.append(f"{recorded}_record(out, {', '.join(p.name for p in op.parameters)})")
    lines.append("    return out")
    return _compile(op, op.name, lines, namespace | {"_missing": _missing, "_first": 1, "_name": op.name})


def write_in_place(op: Op) -> Callable[..., Any]:
    """The function with `_`: where nothing is recorded and no memory is shared, the result is copied over the tensor."""
    signature, namespace = _signature(op.parameters)
    name = op.name + "_"
    lines = [f"def {name}({signature}):", *_factors(op)]
    x, *others = op.tensors
    simple = op.promotion != KEEP and op.traits.check_in_place is None
    if simple and len(op.tensors) <= 2:
        x_array = f"{x}._array"
        conditions = [
            f"isinstance({x}, _Tensor)",
            f'{x_array}.dtype.char in "{_dtypes(op, "fd")}"',
            f"{x_array}.base is None",
        ]
        for other in others:
            same = f"isinstance({other}, _Tensor) and {other}._array.dtype is {x_array}.dtype and {other}._array.base is None"
            number = f" or type({other}) in _NUMBER" if _number_argument(op) else ""
            conditions.append(f"({same}{number})")
        required = " or ".join(f"_requires_grad({n})" for n in op.tensors)
        conditions += [f"not (_mode.grad and ({required}))", f"type({x}._counter) is not _InferenceCounter"]
        lines.append(f"    if {' and '.join(conditions)}:")
        lines.append(f"        a0 = {x_array}")
        lines += [f"        a1 = {other}._array if isinstance({other}, _Tensor) else {other}" for other in others]
        lines += [
            "        try:",
            f"            result = _forward({_arguments(op)})",
            "        except ValueError: result = None",
            "        if result is not None and result.shape == a0.shape and result.dtype is a0.dtype:",
            "            _copyto(a0, result)",
            f"            {x}._counter[0] += 1",
            f"            return {x}",
        ]
    lines.append(f"    return _op.in_place({_tuple(op.tensors)}, {_tuple(op.others)}, _name)")
    return _compile(op, name, lines, namespace | {"_name": name, "_first": 0})


# -- the graph ---------------------------------------------------------------------------------------------------------


def unroll(op: Op) -> None:
    """Write `record` and the node's `apply` out: what `Op.make_node` and `OpNode.apply` do in general.

    So far as a call has one edge for every differentiable input, or for all but a number.
    """
    optional = any(p.default is not p.empty for p in op.parameters if p.name in op.differentiable)
    if not op.differentiable or optional or op.takes_list or op.outputs or op.view == MANY:
        return
    if op.traits.wraps_numbers or not any(op.numbers):
        op.unrolled_record = _unroll(op, op.differentiable)
        return
    number = _number_argument(op)
    if number is None or op.differentiable[0] != op.tensors[0] or op.node_name == "NotImplemented":
        return
    with_number = _unroll(op, [n for n in op.differentiable if n != number])
    with_tensor = _unroll(op, op.differentiable)
    at = [p.name for p in op.parameters].index(number)

    def record(out: Tensor, *arguments: Any) -> None:
        (with_tensor if isinstance(arguments[at], Tensor) else with_number)(out, *arguments)

    op.unrolled_record = record


def _unroll(op: Op, inputs: Sequence[str]) -> Callable[..., Any]:
    """`record` for a call whose edges lead to `inputs`; the `apply` of its nodes is entered in `op.unrolled_apply`.

    A value that is saved is looked at only through `op.saves`, so nodes of either origin are the same.
    """
    saves, needs = op.saves, op.needs
    parameters = [p.name for p in op.parameters]
    n = len(inputs)
    lines = [f"def record(out, {', '.join(parameters)}):"]
    for i, name in enumerate(inputs):
        guard = f" if isinstance({name}, _Tensor) else _NO_EDGE" if op.traits.wraps_numbers else ""
        lines.append(f"    e{i} = _gradient_edge({name}){guard}")
    for j, need in enumerate(saves):
        asking = " or ".join(f"e{i} is not _NO_EDGE" for i, name in enumerate(inputs) if need in needs[name])
        if need == "out":
            value = "_SavedOutput(out, 0)"
        elif need in op.tensors:
            value = f"_SavedInput({need})"
            if op.traits.wraps_numbers:
                value = f"({value} if isinstance({need}, _Tensor) else _SavedNumber({need}))"
            elif need not in inputs:
                value = f"({value} if isinstance({need}, _Tensor) else {need})"
        elif need in parameters:
            value = need
        else:
            value = f"_describe({need.rpartition('_')[0]}, {need.rpartition('_')[2]!r})"
        lines.append(f"    s{j} = {value} if {asking or 'False'} else None")
    node_class = "_node_class"
    if not isinstance(op.node_name, str):
        node_class = f"_op.node_class(_op.node_name({', '.join(f'{p}={p}' for p in parameters)}), {tuple(inputs)})"
    saved = _tuple([f"s{j}" for j in range(len(saves))])
    edges = _tuple([f"e{i}" for i in range(n)])
    lines += [
        "    array = out._array",
        f"    node = {node_class}({edges}, ((array.shape, array.dtype),), {saved}, None)",
        "    out._edge = (node, 0)",
        "    out._requires_grad = True",
        "def apply(self, g):",
        "    saved = self._saved",
        "    if saved is None: raise _RuntimeError(_FREED)",
        f"    if g is None: return ({'None, ' * n})",
        f"    {saved[1:-1]} = saved" if saves else "    pass",
        f"    {edges[1:-1]} = self.next_functions",
    ]
    for j, need in enumerate(saves):
        if need == "out" or need in op.tensors:
            maybe = f"hasattr(s{j}, 'unpack')" if need != "out" and need not in inputs else f"s{j} is not None"
            lines.append(f"    if {maybe}: s{j} = s{j}.unpack(self)")
    for name in sorted(inputs, key=torch_name):
        i = inputs.index(name)
        values = ["g" if w == "g" else f"s{saves.index(w)}" for w in needs[name]]
        lines.append(f"    r{i} = _formula{i}({', '.join(values)}) if e{i}[0] is not None else None")
    lines.append(f"    return {_tuple([f'r{i}' for i in range(n)])}")

    namespace: dict[str, Any] = {f"_formula{i}": op.formulas[name] for i, name in enumerate(inputs)}
    record = _compile(op, "record", lines, namespace)
    op.unrolled_apply[tuple(inputs)] = record.__globals__["apply"]
    if isinstance(op.node_name, str):
        record.__globals__["_node_class"] = op.node_class(op.node_name, tuple(inputs))
    return record


# -- pieces of text ----------------------------------------------------------------------------------------------------


def _head(op: Op) -> tuple[str, dict[str, Any], list[str]]:
    """The parameters of a function, its defaults, and the lines that bring the synonyms of parameters to them."""
    parameters = op.parameters
    optional = [p for p in parameters if p.default is not p.empty or p.name == "dim"]
    synonyms = [(p, SYNONYMS[p]) for p in op.others if p in SYNONYMS and not op.view]
    if parameters[-len(optional) :] != optional:
        synonyms = []  # an operation that is called from here alone
    required = [p.name for p in parameters if p.name == "dim" and p.default is p.empty and synonyms]
    parameters = [p.replace(default=None) if p.name in required else p for p in parameters]
    out = ["out=None"] if op.traits.out and not op.view else []
    signature, namespace = _signature(parameters, *out, *[f"{synonym}=None" for _, synonym in synonyms])
    lines = [f"    if {synonym} is not None: {p} = {synonym}" for p, synonym in synonyms]
    lines += [f"    if {p} is None: raise _missing(_name, {p!r})" for p in required]
    return signature, namespace, lines + _factors(op)


def _factors(op: Op) -> list[str]:
    """The lines that make numbers of what may be tensors."""
    names = [p.name for p in op.parameters if p.name in FACTORS and p.default == 1]
    return [f"    if type({n}) not in _NUMBER: {n} = _to_number({n!r}, 0, {n})" for n in names]


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


def _missing(name: str, argument: str) -> TypeError:
    return TypeError(f'{name}() missing 1 required positional arguments: "{argument}"')


def _arguments(op: Op) -> str:
    """The arguments of the forward: arrays for the tensors, a0, a1 …"""
    return ", ".join(
        ("" if p.kind is not p.KEYWORD_ONLY else f"{p.name}=")
        + (f"a{op.tensors.index(p.name)}" if p.name in op.tensors else p.name)
        for p in op.parameters
    )


def _usual(op: Op) -> str:
    """The condition that all inputs are tensors, and need no promotion if there is any."""
    conditions = [f"isinstance({name}, _Tensor)" for name in op.tensors]
    if op.promotion != KEEP:
        promoted = [n for n, kept in zip(op.tensors, op.kept, strict=True) if not kept]
        first = f"{promoted[0]}._array.dtype"
        conditions += [f"{name}._array.dtype is {first}" for name in promoted[1:]]
        conditions.append(f'{first}.char in "{_dtypes(op, "fd" if op.promotion == FLOAT else "fdbhilB")}"')
    return " and ".join(conditions)


def _dtypes(op: Op, characters: str) -> str:
    return "".join(c for c in characters if c not in op.traits.refuses[1])


def _number_argument(op: Op) -> str | None:
    """The second of two inputs, if it may be a number."""
    return op.tensors[1] if len(op.tensors) == 2 and op.numbers[1] and op.promotion != KEEP else None


def _tuple(names: Sequence[str]) -> str:
    return "(" + "".join(f"{n}, " for n in names) + ")"


def _compile(op: Op, name: str, lines: list[str], namespace: dict[str, Any]) -> Callable[..., Any]:
    namespace = NAMES | namespace
    namespace["_op"], namespace["_forward"], namespace["_order"] = op, op.forward, op.order
    namespace["_result_type"], namespace["_record"] = op.result_type, op.unrolled_record
    namespace["__name__"] = op.forward.__module__  # where numpy's warnings are said to come from
    exec(compile("\n".join(lines), f"<microtorch op {name}>", "exec"), namespace)
    function: Any = namespace[name]
    function.__doc__ = op.forward.__doc__
    function.__module__ = op.forward.__module__
    return function
