"""cuBLAS and friends: not used."""


def is_available() -> bool:
    return False
