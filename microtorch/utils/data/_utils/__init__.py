"""What the DataLoader is made of, under torch's names."""

from . import collate

__all__ = ["collate"]
