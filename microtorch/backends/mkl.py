"""Intel MKL: not used."""


def is_available() -> bool:
    return False
