"""Optimizer: parameters in groups with options of their own, a state for each, hooks, and all of it as a dictionary."""

from __future__ import annotations

import functools
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from copy import deepcopy
from itertools import chain
from typing import Any

from .. import dtypes
from ..autograd.grad_mode import enable_grad
from ..hooks import Hooks, RemovableHandle, add_hook
from ..ops.conversion import typename
from ..tensor import Tensor

Params = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]

FUSED_DEVICES = ["mps", "cuda", "xpu", "hpu", "cpu", "mtia", "privateuseone"]

_before_all_steps: Hooks = OrderedDict()
_after_all_steps: Hooks = OrderedDict()
_EVENTS = ("step", "state_dict", "load_state_dict")
_HOOKS = [f"_optimizer_{event}_{when}_hooks" for event in _EVENTS for when in ("pre", "post")]


class _RequiredParameter:
    """The default of an option that every parameter group must give."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _RequiredParameter()


def register_optimizer_step_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(optimizer, args, kwargs)` before each step of any optimizer; it may return other (args, kwargs)."""
    return add_hook(_before_all_steps, hook)


def register_optimizer_step_post_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(optimizer, args, kwargs)` after each step of any optimizer."""
    return add_hook(_after_all_steps, hook)


class Optimizer:
    """What all optimizers share; a subclass gives its options to `__init__` as `defaults` and implements `step`.

    `param_groups`: the options of each group of parameters, and under "params" the parameters. `state`: what the
    optimizer remembers of each parameter.
    """

    state: defaultdict[Any, dict[str, Any]]
    param_groups: list[dict[str, Any]]
    defaults: dict[str, Any]
    _optimizer_step_pre_hooks: Hooks
    _optimizer_step_post_hooks: Hooks
    _optimizer_state_dict_pre_hooks: Hooks
    _optimizer_state_dict_post_hooks: Hooks
    _optimizer_load_state_dict_pre_hooks: Hooks
    _optimizer_load_state_dict_post_hooks: Hooks

    def __init__(self, params: Params, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self._prepare()
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                + typename(params)
            )
        self.state = defaultdict(dict)
        self.param_groups = []
        groups: list[Any] = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def _prepare(self) -> None:
        """Give the object its hooks, and its class's `step` the calls to them."""
        # Not in `__dict__`: Python reads attributes faster of objects that were never asked for it.
        for name in _HOOKS:
            if not hasattr(self, name):
                setattr(self, name, OrderedDict())
        kind = type(self)
        if not getattr(kind.step, "hooked", False):
            kind.step = _with_hooks(kind.step)  # type: ignore[method-assign]

    # -- steps --------------------------------------------------------------------------------------------------------

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change the parameters as their gradients say; `closure`, where given, first computes loss and gradients."""
        raise NotImplementedError

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or set them to zero."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none and p._edge is None:  # to ask those that are no leaves is warned of
                    meta = p._autograd
                    if meta is not None:
                        meta.grad = None
                    continue
                gradient = p.grad
                if gradient is None:
                    continue
                if set_to_none:
                    p.grad = None
                    continue
                if gradient.grad_fn is not None:
                    gradient.detach_()
                else:
                    gradient.requires_grad_(False)
                gradient.zero_()

    # -- groups -------------------------------------------------------------------------------------------------------

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Optimize further parameters, with options of their own; those that the group leaves out are the defaults."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        given = param_group["params"]
        if isinstance(given, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets "
                "will change between runs. Please use a list instead."
            )
        entries = [given] if isinstance(given, Tensor) else list(given)
        names = [entry[0] for entry in entries if isinstance(entry, tuple)]
        params = param_group["params"] = [entry[1] if isinstance(entry, tuple) else entry for entry in entries]
        if names:
            if len(names) != len(params):
                raise ValueError("all optimizer params should be with/without names. Some param names are missing")
            param_group["param_names"] = names
        for p in params:
            if not isinstance(p, Tensor):
                raise TypeError("optimizer can only optimize Tensors, but one of the params is " + typename(p))
            if not (self.defaults.get("differentiable") or p.is_leaf or p.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor")
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ValueError(f"parameter group didn't specify a value of required optimization parameter {name}")
            param_group.setdefault(name, default)
        if len(params) != len(set(params)):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this will cause an error; "
                "see github.com/pytorch/pytorch/issues/40967 for more information",
                stacklevel=3,
            )
        named = "param_names" in param_group
        if any(named != ("param_names" in group) for group in self.param_groups):
            raise ValueError(
                "all optimizer param groups should be with/without names. cannot add param group "
                f"{'with names' if named else 'without names'} to the optimizer"
            )
        if not set(params).isdisjoint(self._parameters()):
            raise ValueError("some parameters appear in more than one parameter group")
        self.param_groups.append(param_group)

    def _parameters(self) -> Iterable[Tensor]:
        return chain.from_iterable(group["params"] for group in self.param_groups)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            options = (f"    {name}: {group[name]}" for name in sorted(group) if name != "params")
            lines += ["\n".join((f"Parameter Group {i}", *options, ""))]
        return "\n".join(lines) + ")"

    # -- as a dictionary ----------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """The state and the groups' options, with numbers from 0 in place of the parameters; nothing is copied."""
        for hook in self._optimizer_state_dict_pre_hooks.values():
            hook(self)
        numbers: dict[int, int] = {}
        groups, start = [], 0
        for group in self.param_groups:
            for number, p in enumerate(group["params"], start):
                numbers[id(p)] = number
            start += len(group["params"])
            packed = {name: value for name, value in group.items() if name != "params"}
            packed["params"] = [numbers[id(p)] for p in group["params"]]
            groups.append(packed)
        state = {numbers[id(key)] if isinstance(key, Tensor) else key: value for key, value in self.state.items()}
        result: dict[str, Any] = {"state": state, "param_groups": groups}
        for hook in self._optimizer_state_dict_post_hooks.values():
            changed = hook(self, result)
            if changed is not None:
                result = changed
        return result

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over state and options from a `state_dict`, whose parameters are matched with these by their order.

        Tensors take the dtype of their parameter. Raises ValueError where the groups are not as many or not as long.
        """
        state_dict = state_dict.copy()
        for hook in self._optimizer_load_state_dict_pre_hooks.values():
            changed = hook(self, state_dict)
            if changed is not None:
                state_dict = changed
        groups = deepcopy(state_dict["param_groups"])
        if len(groups) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(mine["params"]) != len(its["params"]) for mine, its in zip(self.param_groups, groups, strict=True)):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
            )
        owner = dict(zip(chain.from_iterable(its["params"] for its in groups), self._parameters(), strict=True))
        group_of = {number: its for its in reversed(state_dict["param_groups"]) for number in its["params"]}
        state: defaultdict[Any, Any] = defaultdict(dict)
        for key, value in state_dict["state"].items():
            if key in owner:
                state[owner[key]] = _fitted(value, owner[key], group_of[key])
            else:
                state[key] = value
        for mine, its in zip(self.param_groups, groups, strict=True):
            its["params"] = mine["params"]
            if "param_names" in mine:
                its.setdefault("param_names", mine["param_names"])
        self.__setstate__({"state": state, "param_groups": groups})
        for hook in self._optimizer_load_state_dict_post_hooks.values():
            hook(self)

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)
        self._prepare()
        self.defaults.setdefault("differentiable", False)

    # -- hooks --------------------------------------------------------------------------------------------------------

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` before each step; it may return other (args, kwargs)."""
        return add_hook(self._optimizer_step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` after each step."""
        return add_hook(self._optimizer_step_post_hooks, hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer)` before a `state_dict` is made."""
        return _add(self._optimizer_state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` on what `state_dict` made; it may return another in its place."""
        return _add(self._optimizer_state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` before it is loaded; it may return another in its place."""
        return _add(self._optimizer_load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer)` after a `state_dict` was loaded."""
        return _add(self._optimizer_load_state_dict_post_hooks, hook, prepend)


def _with_hooks(step: Callable[..., Any]) -> Callable[..., Any]:
    """A step between its hooks."""

    @functools.wraps(step)
    def hooked(*args: Any, **kwargs: Any) -> Any:
        self = args[0]
        if _before_all_steps or self._optimizer_step_pre_hooks:
            for hook in (*_before_all_steps.values(), *self._optimizer_step_pre_hooks.values()):
                changed = hook(self, args, kwargs)
                if changed is not None:
                    if not (isinstance(changed, tuple) and len(changed) == 2):
                        wanted = "None or a tuple of (new_args, new_kwargs)"
                        raise RuntimeError(f"{step} must return {wanted}, but got {changed}.")
                    args, kwargs = changed
        result = step(*args, **kwargs)
        if _after_all_steps or self._optimizer_step_post_hooks:
            for hook in (*self._optimizer_step_post_hooks.values(), *_after_all_steps.values()):
                hook(self, args, kwargs)
        return result

    hooked.hooked = True  # type: ignore[attr-defined]
    return hooked


def loss_of(closure: Callable[[], Any]) -> Any:
    """What the closure of a step returns; it records, whatever the step does."""
    with enable_grad():
        return closure()


def _add(hooks: Hooks, hook: Callable[..., Any], prepend: bool) -> RemovableHandle:
    handle = add_hook(hooks, hook)
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def _fitted(value: Any, p: Tensor, group: dict[str, Any], key: Any = None) -> Any:
    """Loaded state in the dtype of its parameter; counts of steps keep theirs unless the optimizer wants float32."""
    if isinstance(value, Tensor):
        if key == "step":
            return value.to(dtype=dtypes.float32) if group.get("capturable") or group.get("fused") else value
        return value.to(dtype=p.dtype) if p.is_floating_point() else value
    if isinstance(value, dict):
        return {name: _fitted(v, p, group, name) for name, v in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        return type(value)(_fitted(v, p, group) for v in value)  # type: ignore[call-arg]
    return value


def check_fused_dtype(p: Tensor) -> None:
    """Only floats are updated by torch's fused kernels."""
    if not p.is_floating_point():
        raise RuntimeError(
            "`fused=True` requires all the params to be floating point Tensors of supported devices: "
            f"{FUSED_DEVICES} but {p.dtype} and {p.device.type}"
        )


def check_fused(fused: bool | None, foreach: bool | None, differentiable: bool) -> None:
    """What torch's fused kernels do not go together with."""
    if fused and differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")


def check_learning_rate(lr: float | Tensor) -> None:
    """A learning rate may be a tensor of one element."""
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
