"""More elements at the ends of dimensions."""

from ...ops.pad_modes import pad as pad
