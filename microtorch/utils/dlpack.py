"""Memory shared with other libraries."""

from ..ops.exchange import DLDeviceType as DLDeviceType
from ..ops.exchange import from_dlpack as from_dlpack
from ..ops.exchange import to_dlpack as to_dlpack

__all__ = ["DLDeviceType", "from_dlpack"]
