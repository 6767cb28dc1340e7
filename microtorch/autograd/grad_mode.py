"""Whether operations are recorded: `no_grad`, `enable_grad`, `set_grad_enabled`, `inference_mode`."""

from __future__ import annotations

import functools
import inspect
import threading
import warnings
from collections.abc import Callable, Generator
from typing import Any, Self, TypeVar, overload

from ..engine import mode as current

F = TypeVar("F", bound=Callable[..., Any])


class _Switch:
    """Sets the mode for a block, or for every call of a function that it decorates; only in the present thread."""

    def __init__(self) -> None:
        self._before: list[tuple[bool, bool]] = []  # one object may be entered again inside itself

    def _set(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> None:
        self._before.append((current.grad, current.inference))
        self._set()

    def __exit__(self, *exc: object) -> None:
        current.grad, current.inference = self._before.pop()

    def clone(self) -> _Switch:
        return type(self)()

    def __call__(self, function: F) -> F:
        if inspect.isclass(function):
            warnings.warn(
                "Decorating classes is deprecated and will be disabled in future versions. You should only decorate "
                "functions or methods. To preserve the current behavior of class decoration, you can directly decorate "
                "the `__init__` method and nothing else.",
                FutureWarning,
                stacklevel=2,
            )
        if inspect.isgeneratorfunction(function):
            return self._wrap_generator(function)  # type: ignore[return-value]  # a wrapper has the signature

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self.clone():
                return function(*args, **kwargs)

        return wrapped  # type: ignore[return-value]  # of what it wraps

    def _wrap_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The mode holds while the generator runs, not between its values."""

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            generator = function(*args, **kwargs)
            resume: Callable[[], Any] = lambda: next(generator)
            try:
                while True:
                    with self.clone():
                        value = resume()
                    try:
                        sent = yield value
                    except GeneratorExit:
                        with self.clone():
                            generator.close()
                        raise
                    except BaseException as error:
                        resume = functools.partial(generator.throw, error)
                    else:
                        resume = functools.partial(generator.send, sent)
            except StopIteration as stop:
                return stop.value

        return wrapped


class no_grad(_Switch):
    """Record nothing: results require no gradient."""

    @overload
    def __new__(cls, function: None = None) -> Self: ...
    @overload
    def __new__(cls, function: F) -> F: ...  # type: ignore[misc]  # as a decorator without brackets
    def __new__(cls, function: Any = None) -> Any:
        return super().__new__(cls) if function is None else cls()(function)

    def _set(self) -> None:
        current.grad = False


class enable_grad(_Switch):
    """Record again, inside `no_grad`."""

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        return super().__new__(cls) if function is None else cls()(function)

    def _set(self) -> None:
        current.grad = True


class set_grad_enabled(_Switch):
    """Record or not, from now on; as a context manager, until its end."""

    def __init__(self, mode: bool) -> None:
        if not isinstance(mode, bool):
            raise TypeError(
                f"set_grad_enabled(): argument 'enabled' (position 1) must be bool, not {type(mode).__name__}"
            )
        self.mode = mode
        self.prev = current.grad
        current.grad = mode

    def __enter__(self) -> None:
        current.grad = self.mode

    def __exit__(self, *exc: object) -> None:
        current.grad = self.prev

    def clone(self) -> set_grad_enabled:
        return set_grad_enabled(self.mode)

    def __call__(self, function: F) -> F:
        current.grad = self.prev  # to decorate is no statement: the mode outside stays
        return super().__call__(function)

    def __str__(self) -> str:
        return f"torch.autograd.grad_mode.set_grad_enabled(mode={self.mode})"

    __repr__ = __str__


class inference_mode(_Switch):
    """As `no_grad`; what is made inside can never enter a graph that would save it, and keeps no versions."""

    def __new__(cls, mode: Any = True) -> Any:
        return super().__new__(cls) if isinstance(mode, bool) else cls()(mode)

    def __init__(self, mode: bool = True) -> None:
        super().__init__()
        self.mode = mode

    def _set(self) -> None:
        current.inference, current.grad = self.mode, not self.mode

    def clone(self) -> inference_mode:
        return inference_mode(self.mode)


class set_multithreading_enabled(_Switch):
    """Remember whether backward passes may use several threads; here each runs in the thread that asks for it."""

    def __init__(self, mode: bool) -> None:
        if not isinstance(mode, bool):
            raise TypeError(
                f"set_multithreading_enabled(): argument 'enabled' (position 1) must be bool, not {type(mode).__name__}"
            )
        self.mode = mode
        self.prev = _threads.allowed
        _threads.allowed = mode

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        _threads.allowed = self.prev

    def clone(self) -> set_multithreading_enabled:
        return set_multithreading_enabled(self.mode)


class _Threads(threading.local):
    allowed = True


_threads = _Threads()


def is_multithreading_enabled() -> bool:
    """What `set_multithreading_enabled` has set in this thread."""
    return _threads.allowed


def is_view_replay_enabled() -> bool:
    """Whether a view whose base was changed gets its history by being made anew; always False: it gets a window."""
    return False


def is_grad_enabled() -> bool:
    """Whether operations in this thread are recorded."""
    return current.grad


def is_inference_mode_enabled() -> bool:
    """Whether inference mode is on in this thread."""
    return current.inference
