"""The numeric functions whose rounding depends on the order of operations, under one set of names."""

import warnings

from .numpy import *  # noqa: F403  (the names are the interface; callers write kernels.exp)

# Overflow, division by zero and nan are values here, as in torch; numpy's warnings about them stop at our own modules.
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"microtorch\.")
