"""Module: parameters, buffers and other modules under one roof, and a `forward` that says what they compute."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Self

from ... import dtypes
from ...autograd import no_grad
from ...hooks import RemovableHandle
from ...ops.conversion import typename
from ...tensor import Tensor
from ..parameter import Buffer, Parameter
from . import hooks as _hooks
from .hooks import (  # noqa: F401  (where torch has them)
    NONE,
    Hook,
    ModuleHooks,
    add,
    add_backward,
    register_module_backward_hook,
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
)
from .members import BUFFERS, KINDS, MODULES, PARAMETERS, Window, of_kind, remove
from .state import State

# What torch's Module has and this one has not.
LACKS = {"bfloat16", "compile", "ipu", "mtia", "share_memory", "xpu"}

# What is looked for first in a module that was not initialized, here and in torch.
UNINITIALIZED = {"_hooks": "_backward_hooks", PARAMETERS: "_parameters", BUFFERS: "_buffers", MODULES: "_modules"}


class Module(State):
    """The base of every layer, loss and model.

    A subclass calls `super().__init__()` first and then assigns Parameters, Buffers and Modules to attributes, which
    registers them; `forward` computes the output. Unlike torch's, members are plain attributes: `vars(module)` shows
    them, and a shallow copy of a module registers further ones for itself alone.
    """

    training: bool
    dump_patches = False
    call_super_init = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not self.call_super_init:
            where = f"{type(self).__name__}.__init__()"
            if kwargs:
                raise TypeError(f"{where} got an unexpected keyword argument '{next(iter(kwargs))}'")
            if args:
                raise TypeError(f"{where} takes 1 positional argument but {len(args) + 1} were given")
        attributes = self.__dict__
        attributes["training"] = True
        for kind in KINDS:
            attributes[kind] = {}
        attributes["_non_persistent_buffers_set"] = set()
        attributes["_hooks"] = None
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._hooks is None and _hooks.everywhere is None:
            return self.forward(*args, **kwargs)
        return _hooks.call(self, self._hooks or NONE, args, kwargs)

    def _forward_unimplemented(self, *input: Any) -> Any:
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    forward: Callable[..., Any] = _forward_unimplemented

    # -- members ------------------------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        attributes = self.__dict__
        initialized = MODULES in attributes
        if isinstance(value, (Parameter, Module)) and not initialized:
            kind = "parameters" if isinstance(value, Parameter) else "module"
            raise AttributeError(f"cannot assign {kind} before Module.__init__() call")
        if isinstance(value, Parameter):
            if name not in attributes[PARAMETERS]:
                self._forget(name)
            self.register_parameter(name, value)
        elif initialized and name in attributes[PARAMETERS]:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{typename(value)}' as parameter '{name}' (torch.nn.Parameter or None expected)"
                )
            self.register_parameter(name, None)
        elif isinstance(value, Module):
            if name not in attributes[MODULES]:
                self._forget(name)
            self._modules[name] = value
        elif initialized and name in attributes[MODULES]:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{typename(value)}' as child module '{name}' (torch.nn.Module or None expected)"
                )
            self._modules[name] = None
        elif isinstance(value, Buffer) or (initialized and name in attributes[BUFFERS]):
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(
                    f"cannot assign '{typename(value)}' as buffer '{name}' "
                    "(torch.nn.Buffer, torch.Tensor or None expected)"
                )
            if isinstance(value, Buffer):
                self.register_buffer(name, value, value.persistent)
            else:
                self.register_buffer(name, value, name not in self._non_persistent_buffers_set)
        else:
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        """Called for what Python does not find."""
        attributes = self.__dict__
        for kind in KINDS:  # a member, where a subclass overrides this method and calls it for one
            if kind in attributes and name in attributes[kind]:
                return attributes[attributes[kind][name]]
        if name.endswith("_hooks") and name[1:-6] in vars(NONE) and "_hooks" in attributes:
            return getattr(self._own_hooks(), name[1:-6])  # `_forward_hooks` and its like, as torch names them
        if name in LACKS:
            raise AttributeError(f"microtorch does not have Module.{name}")
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{UNINITIALIZED.get(name, name)}'")

    def __delattr__(self, name: str) -> None:
        if any(name in self.__dict__[kind] for kind in KINDS):
            self._forget(name)
        else:
            object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        names = {*dir(type(self)), *self.__dict__, *self._parameters, *self._buffers, *self._modules}
        return sorted(name for name in names if not name.startswith(tuple(".0123456789")))

    def _forget(self, name: str) -> None:
        remove(self, name)
        self._non_persistent_buffers_set.discard(name)

    def _check_unused(self, name: str, kind: str) -> None:
        if name not in self.__dict__[kind] and hasattr(self, name):
            raise KeyError(f"attribute '{name}' already exists")

    _parameters = Window(PARAMETERS)
    _buffers = Window(BUFFERS)
    _modules = Window(MODULES)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter under a name; None for one that is left out."""
        if PARAMETERS not in self.__dict__:
            raise AttributeError("cannot assign parameter before Module.__init__() call")
        _check_name("parameter", name)
        self._check_unused(name, PARAMETERS)
        if param is not None:
            if not isinstance(param, Parameter):
                raise TypeError(
                    f"cannot assign '{typename(param)}' object to parameter '{name}' "
                    "(torch.nn.Parameter or None required)"
                )
            if param.grad_fn is not None:
                raise ValueError(
                    f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created explicitly. "
                    f"To express '{name}' as a function of another Tensor, compute the value in the forward() method."
                )
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that is part of the state but no parameter; `persistent`: of the `state_dict`, too."""
        if BUFFERS not in self.__dict__:
            raise AttributeError("cannot assign buffer before Module.__init__() call")
        _check_name("buffer", name)
        self._check_unused(name, BUFFERS)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{typename(tensor)}' object to buffer '{name}' (torch Tensor or None required)"
            )
        self._buffers[name] = tensor
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def register_module(self, name: str, module: Module | None) -> None:
        """Add a child under a name; None for one that is left out."""
        self.add_module(name, module)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a child under a name; None for one that is left out."""
        if not isinstance(module, Module) and module is not None:
            raise TypeError(f"{typename(module)} is not a Module subclass")
        if not isinstance(name, str):
            raise TypeError(f"module name should be a string. Got {typename(name)}")
        self._check_unused(name, MODULES)
        if "." in name:
            raise KeyError(f'module name can\'t contain ".", got: {name}')
        if name == "":
            raise KeyError('module name can\'t be empty string ""')
        self._modules[name] = module

    def get_submodule(self, target: str) -> Module:
        """The module at a dotted path; "" is the module itself."""
        module: Any = self
        for name in target.split(".") if target else ():
            if not hasattr(module, name):
                raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
            module = getattr(module, name)
            if not isinstance(module, Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put a module at a dotted path; with `strict`, only in another one's place."""
        if target == "":
            raise ValueError("Cannot set the submodule without a target name!")
        if not isinstance(module, Module):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict and not hasattr(parent, name):
            raise AttributeError(f"{type(parent).__name__} has no attribute `{name}`")
        if hasattr(parent, name) and not isinstance(getattr(parent, name), Module):
            raise AttributeError(f"`{name}` is not an nn.Module")
        setattr(parent, name, module)

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a dotted path."""
        _, name, found = self._at(target)
        if not isinstance(found, Parameter):
            raise AttributeError(f"`{name}` is not an nn.Parameter")
        return found

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a dotted path."""
        parent, name, found = self._at(target)
        if name not in parent._buffers:
            raise AttributeError(f"`{name}` is not a buffer")
        return found

    def _at(self, target: str) -> tuple[Module, str, Any]:
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if not hasattr(parent, name):
            raise AttributeError(f"{type(parent).__name__} has no attribute `{name}`")
        return parent, name, getattr(parent, name)

    # -- walking through them -----------------------------------------------------------------------------------------

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Every parameter once, this module's first, then its children's."""
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Every parameter with its dotted name; a shared one once, unless told otherwise."""
        yield from self._named_members(PARAMETERS, prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Every buffer once."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Every buffer with its dotted name."""
        yield from self._named_members(BUFFERS, prefix, recurse, remove_duplicate)

    def _named_members(
        self, kind: str, prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, Any]]:
        seen: set[Tensor] = set()
        modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, self)]
        for path, module in modules:
            attributes = module.__dict__
            for name, key in getattr(module, kind).items():
                tensor = attributes[key]
                if tensor is None or tensor in seen:
                    continue
                if remove_duplicate:
                    seen.add(tensor)
                yield f"{path}.{name}" if path else name, tensor

    def children(self) -> Iterator[Module]:
        """The modules directly in this one, each once."""
        for _, module in self.named_children():
            yield module

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly in this one with their names, each once."""
        seen: set[Module] = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """This module and all below it, each once."""
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
            yield module

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module and all below it with their dotted names; this one's is `prefix`."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    # -- acting on all of them ----------------------------------------------------------------------------------------

    def apply(self, fn: Callable[[Module], None]) -> Self:
        """Call `fn` on every module below this one, then on this one."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def train(self, mode: bool = True) -> Self:
        """Set `training` here and below, by which Dropout and its like know what to do."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Self:
        """`train(False)`."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set whether the parameters require gradients."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or fill them with zeros."""
        for parameter in self.parameters():
            if parameter.grad is None:
                continue
            if set_to_none:
                parameter.grad = None
                continue
            if parameter.grad.grad_fn is not None:
                parameter.grad.detach_()
            else:
                parameter.grad.requires_grad_(False)
            parameter.grad.zero_()

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Give every parameter, gradient and buffer the data that `fn` makes of it."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        for parameter in of_kind(self, PARAMETERS):
            if parameter is not None:
                with no_grad():
                    gradient = parameter.grad
                    parameter.data = fn(parameter)
                    if gradient is not None:
                        gradient.data = fn(gradient)
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Bring floating point parameters and buffers to a dtype: `to(dtype)`, `to(device, dtype)`, `to(tensor)`."""
        named = (_as_dtype(value) for value in (*args, *kwargs.values()))
        dtype = next((dtype for dtype in named if dtype is not None), None)
        if dtype is not None and not dtype.is_floating_point:
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}"
            )
        return self._apply(lambda t: t.to(*args, **kwargs) if dtype is None or t.is_floating_point() else t)

    def type(self, dst_type: dtypes.dtype | str) -> Self:
        """Bring all parameters and buffers to a dtype."""
        return self._apply(lambda t: t.type(dst_type))

    def float(self) -> Self:
        """Bring floating point parameters and buffers to float32."""
        return self._apply(lambda t: t.float() if t.is_floating_point() else t)

    def double(self) -> Self:
        """Bring floating point parameters and buffers to float64."""
        return self._apply(lambda t: t.double() if t.is_floating_point() else t)

    def half(self) -> Self:
        """Bring floating point parameters and buffers to float16."""
        return self._apply(lambda t: t.half() if t.is_floating_point() else t)

    def cpu(self) -> Self:
        """Where everything is already."""
        return self._apply(lambda t: t.cpu())

    def cuda(self, device: Any = None) -> Self:
        """Refused, as by a build of torch without CUDA."""
        return self._apply(lambda t: t.cuda(device))

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """Give every parameter and buffer fresh memory without values."""
        return self._apply(lambda t: t.new_empty(t.shape, device=device), recurse)

    # -- hooks --------------------------------------------------------------------------------------------------------

    def _own_hooks(self) -> ModuleHooks:
        if self._hooks is None:
            self._hooks = ModuleHooks()
        return self._hooks

    def register_forward_pre_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args)` before `forward`; what it returns replaces the arguments.

        `with_kwargs`: call `hook(module, args, kwargs)`, which may return both anew.
        """
        hooks = self._own_hooks()
        return add(hooks.forward_pre, hook, prepend, [hooks.with_kwargs] * with_kwargs)

    def register_forward_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args, output)` after `forward`; what it returns replaces the output.

        `with_kwargs`: call `hook(module, args, kwargs, output)`. `always_call`: even if something failed before it.
        """
        hooks = self._own_hooks()
        return add(hooks.forward, hook, prepend, [hooks.with_kwargs] * with_kwargs + [hooks.always] * always_call)

    def register_full_backward_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_output)` before the module's backward; what it returns replaces `grad_output`."""
        return add(self._own_hooks().backward_pre, hook, prepend)

    def register_full_backward_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` after the module's backward; it may replace `grad_input`."""
        return add_backward(self._own_hooks(), hook, True, "on a single Module", prepend)

    def register_backward_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` with what the node of the module's output gets and gives.

        Deprecated: where `forward` records several operations, its `grad_input` is that of the last one.
        """
        return add_backward(self._own_hooks(), hook, False, "on a single Module")

    # -- copies and text ----------------------------------------------------------------------------------------------

    def __getstate__(self) -> Any:
        return self.__dict__.copy()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for kind in KINDS:  # the copy keeps its own lists of members
            self.__dict__[kind] = dict(state[kind])

    def _get_name(self) -> str:
        return self.__class__.__name__

    def extra_repr(self) -> str:
        """What stands between the brackets of `repr` besides the children."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        if len(lines) == 1 and not self.__dict__[MODULES]:
            return f"{self._get_name()}({extra})"
        lines += [f"({name}): {indent(repr(module))}" for name, module in self._modules.items()]
        inside = "\n  " + "\n  ".join(lines) + "\n" if lines else ""
        return f"{self._get_name()}({inside})"


def indent(text: str) -> str:
    """A text whose lines but the first are moved two to the right; blank ones become empty."""
    first, *rest = text.split("\n")
    return "\n".join([first, *("  " + line if line.strip() else "" for line in rest)])


def _as_dtype(value: Any) -> dtypes.dtype | None:
    """The dtype that an argument of `to` asks for: itself, or that of a tensor."""
    if isinstance(value, type):
        return dtypes.FROM_PYTHON.get(value)
    return value.dtype if isinstance(value, Tensor) else value if isinstance(value, dtypes.dtype) else None


def _check_name(what: str, name: Any) -> None:
    if not isinstance(name, str):
        raise TypeError(f"{what} name should be a string. Got {typename(name)}")
    if "." in name:
        raise KeyError(f'{what} name can\'t contain "."')
    if name == "":
        raise KeyError(f'{what} name can\'t be empty string ""')
