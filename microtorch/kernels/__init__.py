"""The numeric functions whose rounding depends on the order of operations, under one set of names."""

from .numpy import *  # noqa: F403  (the names are the interface; callers write kernels.exp)
