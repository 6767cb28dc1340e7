"""Each channel of each sample brought to mean 0 and variance 1."""

from __future__ import annotations

import warnings
from typing import Any

from ...tensor import Tensor
from .. import functional as F
from .batchnorm import _NormBase

__all__ = ["InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"]


class _InstanceNorm(_NormBase):
    """What they have in common: by default they learn nothing and gather nothing."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def _load_from_state_dict(
        self,
        state_dict: Any,
        prefix: str,
        local_metadata: Any,
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """States from before version 1 have statistics that are of no use where none are gathered."""
        names = [prefix + name for name in ("running_mean", "running_var")]
        old = [key for key in names if key in state_dict]
        if local_metadata.get("version", None) is None and not self.track_running_stats and old:
            shown, kind = " and ".join(f'"{key}"' for key in old), type(self).__name__
            error_msgs.append(
                f"Unexpected running stats buffer(s) {shown} for {kind} with track_running_stats=False. If state_dict "
                "is a checkpoint saved before 0.4.0, this may be expected because "
                f"{kind} does not track running stats by default since 0.4.0. Please remove these keys from "
                "state_dict. If the running stats are actually needed, instead set track_running_stats=True in "
                f"{kind} to enable them. See the documentation of {kind} for details."
            )
            for key in old:
                state_dict.pop(key)
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        alone = self.dimensions[0]  # so many dimensions has a sample without a batch
        at = input.dim() - alone
        if input.size(at) != self.num_features:
            if self.affine:
                raise ValueError(
                    f"expected input's size at dim={at} to match num_features ({self.num_features}), but got: "
                    f"{input.size(at)}."
                )
            warnings.warn(
                f"input's size at dim={at} does not match num_features. You can silence this warning by not passing in "
                "num_features, which is not used because affine=False",
                stacklevel=2,
            )
        if input.dim() == alone:
            return self._normalized(input.unsqueeze(0)).squeeze(0)
        return self._normalized(input)

    def _normalized(self, input: Tensor) -> Tensor:
        return F.instance_norm(
            input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum,
            self.eps,
        )


class InstanceNorm1d(_InstanceNorm):
    """(x − mean)/√(variance + eps) for each channel of each sample (N, C, L), or of one (C, L)."""

    dimensions = 2, 3


class InstanceNorm2d(_InstanceNorm):
    """The same of samples (N, C, H, W), or of one."""

    dimensions = 3, 4


class InstanceNorm3d(_InstanceNorm):
    """The same of samples (N, C, D, H, W), or of one."""

    dimensions = 4, 5
