"""Whether operations are recorded: `no_grad`, `enable_grad`, `set_grad_enabled`, `inference_mode`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator
from typing import Any, TypeVar

from ..engine import mode

F = TypeVar("F", bound=Callable[..., Any])


class _Switch:
    """Sets grad mode for a block, or for every call of a function that it decorates; both per thread."""

    grad = False
    inference: bool | None = None

    def __enter__(self) -> None:
        self._previous = mode.grad, mode.inference
        mode.grad = self.grad
        if self.inference is not None:
            mode.inference = self.inference

    def __exit__(self, *exc: object) -> None:
        mode.grad, mode.inference = self._previous

    def clone(self) -> _Switch:
        return type(self)()

    def __call__(self, function: F) -> F:
        if inspect.isgeneratorfunction(function):
            return self._wrap_generator(function)  # type: ignore[return-value]

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self.clone():
                return function(*args, **kwargs)

        return wrapped  # type: ignore[return-value]

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

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        switch = super().__new__(cls)
        return switch if function is None else switch(function)


class enable_grad(_Switch):
    """Record again, inside `no_grad`."""

    grad = True

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        switch = super().__new__(cls)
        return switch if function is None else switch(function)


class set_grad_enabled(_Switch):
    """Record or not, from now on; as a context manager, until its end."""

    def __init__(self, mode: bool) -> None:
        self.grad = mode
        self._before = _swap(mode)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        mode.grad = self._before

    def clone(self) -> set_grad_enabled:
        return set_grad_enabled(self.grad)

    def __call__(self, function: F) -> F:
        mode.grad = self._before  # a decorator is no statement: the mode outside stays
        return super().__call__(function)

    def __str__(self) -> str:
        return f"torch.autograd.grad_mode.set_grad_enabled(mode={self.grad})"

    __repr__ = __str__


def _swap(value: bool) -> bool:
    before, mode.grad = mode.grad, value
    return before


class inference_mode(_Switch):
    """As `no_grad`; what is made inside can never enter a graph, and keeps no versions."""

    def __new__(cls, mode: Any = True) -> Any:
        switch = super().__new__(cls)
        if isinstance(mode, bool):
            return switch
        switch.__init__(True)  # type: ignore[misc]
        return switch(mode)

    def __init__(self, mode: bool = True) -> None:
        self.inference = mode
        self.grad = not mode

    def clone(self) -> inference_mode:
        return inference_mode(bool(self.inference))


def is_grad_enabled() -> bool:
    """Whether operations on this thread are recorded."""
    return mode.grad


def is_inference_mode_enabled() -> bool:
    """Whether inference mode is on in this thread."""
    return mode.inference
