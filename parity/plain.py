"""Whether values that were read from a file have the form that the reader relies on."""

from __future__ import annotations

from typing import Any

TEXT = "text"  # any characters; `str` stands for those that can be printed on one line


def fits(value: Any, form: Any) -> bool:
    """Whether plain JSON values have a form: a type, None or `TEXT`; a tuple of forms that are allowed; a list of one
    form for each item, or of several for as many; a dictionary of a form for each name, of which `str` is any.
    """
    if isinstance(form, tuple):
        return any(fits(value, one) for one in form)
    if isinstance(form, list):
        if not isinstance(value, list):
            return False
        each = form * len(value) if len(form) == 1 else form
        return len(value) == len(each) and all(map(fits, value, each))
    if isinstance(form, dict):
        if not isinstance(value, dict):
            return False
        named = dict.fromkeys(value, form[str]) if str in form else form
        return value.keys() == named.keys() and all(fits(k, TEXT) and fits(x, named[k]) for k, x in value.items())
    if form == TEXT or form is str:
        return isinstance(value, str) and (value.isprintable() or (form == TEXT and _is_unicode(value)))
    return value is None if form is None else type(value) is form


def _is_unicode(text: str) -> bool:
    """Whether a text has no half characters, with which it could not be written anywhere."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
