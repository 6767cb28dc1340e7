"""Anomaly mode: nodes remember where they were made, and a backward pass tells it of the node that failed."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine import Edge, Node, TensorForm, fit
from ..settings import anomaly
from ..watched import set_anomaly, watching
from .arrays import ArrayForm


def set_anomaly_enabled(enabled: bool, check_nan: bool = True) -> None:
    """Switch anomaly mode on or off; `check_nan`: whether a gradient that is nan is an error."""
    for position, (name, value) in enumerate((("enabled", enabled), ("check_nan", check_nan)), 1):
        if not isinstance(value, bool):
            raise TypeError(
                f"set_anomaly_enabled(): argument '{name}' (position {position}) must be bool, not "
                f"{type(value).__name__}"
            )
    set_anomaly(enabled, check_nan)


def is_anomaly_enabled() -> bool:
    """Whether anomaly mode is on."""
    return anomaly.enabled


def is_anomaly_check_nan_enabled() -> bool:
    """Whether a gradient that is nan is an error in anomaly mode."""
    return anomaly.check_nan


class set_detect_anomaly:
    """Switch anomaly mode on or off, from now on; as a context manager, until its end.

    Of threads that run already only this one then notes where nodes are made, unlike in torch.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self.prev, self.prev_check_nan = anomaly.enabled, anomaly.check_nan
        set_anomaly_enabled(mode, check_nan)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        set_anomaly(self.prev, self.prev_check_nan)


class detect_anomaly:
    """For a block: where a backward pass fails, or gives nan, it tells where the operation was called.

    Forward and backward both belong in the block; all takes longer.
    """

    def __init__(self, check_nan: bool = True) -> None:
        self.prev, self.prev_check_nan = anomaly.enabled, anomaly.check_nan
        self.check_nan = check_nan
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for "
            "debugging.",
            stacklevel=2,
        )

    def __enter__(self) -> None:
        set_anomaly_enabled(True, self.check_nan)

    def __exit__(self, *exc: object) -> None:
        set_anomaly(self.prev, self.prev_check_nan)


class _Searching(TensorForm):
    """A pass in which every node is looked at: its gradients, and its failure."""

    on_arrays = False
    latest: Node | None = None

    def add(self, a: Any, b: Any) -> Any:
        before, watching.node = watching.node, self.latest  # whose gradient is being added
        try:
            return super().add(a, b)
        finally:
            watching.node = before

    def run(self, node: Node, *rest: Any) -> Sequence[tuple[Edge, Any]]:
        before, watching.node, self.latest = watching.node, node, node
        try:
            outgoing = list(super().run(node, *rest))
            for i, (edge, gradient) in enumerate(outgoing):
                if gradient is None:
                    continue
                array = gradient._array if self.recorded else gradient
                if edge[0] is not None and (array.shape, array.dtype) != edge[3:]:
                    gradient = fit(gradient, array, edge, node, outgoing, self)
                    outgoing[i] = edge, gradient
                    array = gradient._array if self.recorded else gradient
                if anomaly.check_nan and np.isnan(array).any():
                    raise RuntimeError(f"Function '{node.name()}' returned nan values in its {i}th output.")
            return outgoing
        except BaseException:
            _tell(node)
            raise
        finally:
            watching.node = before


class _SearchingArrays(_Searching, ArrayForm):
    pass


def searching(form: TensorForm) -> TensorForm:
    """The same form of gradients for a pass that looks for anomalies."""
    return _Searching() if form.recorded else _SearchingArrays()


def _tell(node: Node) -> None:
    """Warn of the node that failed, with the lines that made it and, for gradients of gradients, those it came from."""
    where = node.metadata.get("traceback_")
    known = "No forward pass information available. Enable detect anomaly during forward pass for more information."
    if where is not None:
        known = "Traceback of forward call that caused the error:\n" + "".join(where)
    warnings.warn(f"Error detected in {node.name()}. {known}", stacklevel=2)
    parent = node.metadata.get("parent_")
    while parent is not None:
        where = parent.metadata.get("traceback_")
        warnings.warn(
            f"Error detected in {parent.name()}. {known}"
            if where is None
            else f"\n\nPrevious calculation was induced by {parent.name()}. Traceback of forward call that induced the "
            f"previous calculation:\n{''.join(where)}",
            stacklevel=2,
        )
        parent = parent.metadata.get("parent_")
