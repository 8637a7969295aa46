"""Frozen nouns as JSON and back, by their annotations: a file names no class, so it can make nothing but what is asked.

Arrays go by the SHA-256 of their content (see `storage.arrays`); what is small stands in the text.
"""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from medassist.entities.study import Warned, warned

Json = Any
Put = Callable[[NDArray[Any]], str]
Get = Callable[[str], NDArray[Any]]

SMALL = 64
"""Arrays of so few numbers stand in the text."""
_UNIONS = (Union, types.UnionType)
_ODD = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


class Undecodable(ValueError):
    """A text does not hold what was asked for."""


@cache
def hints_of(noun: type) -> Mapping[str, Any]:
    """Return the annotations of a noun by field, with the names its module knows only while types are checked."""
    from medassist.entities import edit, heatmap, prediction

    known = {"Edit": edit.Edit, "Heatmap": heatmap.Heatmap, "Mask": prediction.Mask}
    return get_type_hints(noun, localns=known)


def encode(value: Any, hint: Any, put: Put) -> Json:
    """Return a value as plain JSON; `put` keeps an array and returns its name (TypeError for what has no form)."""
    if value is None:
        return None
    if isinstance(value, np.ndarray):
        return _array_out(value, put)
    origin, inner = get_origin(hint), get_args(hint)
    if hint in (Any, object):
        return _free_out(value, put)
    if origin in _UNIONS:
        return encode(value, _member(value, inner), put)
    if isinstance(value, Enum):
        return value.value
    if dataclasses.is_dataclass(value):
        noun: Any = type(value)
        hints = hints_of(noun)
        return {one.name: encode(getattr(value, one.name), hints[one.name], put) for one in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return _mapping_out(value, inner, put)
    if isinstance(value, tuple | list):
        kinds = [inner[0]] * len(value) if len(inner) == 2 and inner[1] is Ellipsis else inner
        return [encode(one, kind, put) for one, kind in zip(value, kinds, strict=True)]
    if isinstance(value, frozenset):
        return sorted(encode(one, inner[0], put) for one in value)
    return _scalar_out(value)


def decode(told: Json, hint: Any, get: Get, notes: list[Warned]) -> Any:
    """Return the value that JSON stands for (Undecodable when it is none of `hint`).

    `get` returns an array by its name. Fields nobody knows are left out, and named in `notes`.
    """
    origin, inner = get_origin(hint), get_args(hint)
    if hint in (Any, object):
        return _free_in(told, get, notes)
    if origin in _UNIONS:
        return None if told is None and type(None) in inner else _union_in(told, inner, get, notes)
    if origin is np.ndarray:
        return _array_in(told, inner, get)
    if origin is Literal:
        return _demand(told in inner, told, told, hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum_in(told, hint)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _noun_in(told, hint, get, notes)
    if origin in (tuple, frozenset):
        return _items_in(told, hint, get, notes)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping_in(told, inner, get, notes)
    return _scalar_in(told, hint)


def _demand(holds: bool, value: Any, told: Json, hint: Any) -> Any:
    if not holds:
        raise Undecodable(f"{str(told)[:40]!r} is no {getattr(hint, '__name__', hint)}")
    return value


def _member(value: Any, inner: tuple[Any, ...]) -> Any:
    """Return which type of a union a value has."""
    return next(
        one for one in inner if isinstance(value, get_origin(one) or one) or (one is float and _is_number(value))
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _union_in(told: Json, inner: tuple[Any, ...], get: Get, notes: list[Warned]) -> Any:
    problem: Exception = Undecodable(f"{str(told)[:40]!r} is none of {inner}")
    for one in inner:
        if one is not type(None):
            try:
                return decode(told, one, get, notes)
            except Undecodable as told_why:
                problem = told_why
    raise problem


def _noun_in(told: Json, noun: type, get: Get, notes: list[Warned]) -> Any:
    _demand(isinstance(told, dict), told, told, noun)
    hints, known = hints_of(noun), {one.name for one in dataclasses.fields(noun)}
    for name in told.keys() - known:
        note = warned(
            "The file holds {field} of {noun}, which this version does not know.", field=name, noun=noun.__name__
        )
        notes.extend([note] if note not in notes else [])
    values = {name: decode(told[name], hints[name], get, notes) for name in told if name in known}
    try:
        return noun(**values)
    except (TypeError, ValueError, OverflowError) as problem:
        raise Undecodable(f"no {noun.__name__}: {problem}") from problem


def _enum_in(told: Json, kind: type[Enum]) -> Enum:
    try:
        return kind(told)
    except ValueError as problem:
        raise Undecodable(str(problem)) from problem


def _items_in(told: Json, hint: Any, get: Get, notes: list[Warned]) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    _demand(isinstance(told, list), told, told, hint)
    endless = origin is frozenset or (len(inner) == 2 and inner[1] is Ellipsis)
    _demand(endless or len(told) == len(inner), told, told, hint)
    kinds = [inner[0]] * len(told) if endless else inner
    return origin(decode(one, kind, get, notes) for one, kind in zip(told, kinds, strict=True))


def _mapping_out(value: Mapping[Any, Any], inner: tuple[Any, ...], put: Put) -> Json:
    key, kind = inner or (str, object)
    if key is str:
        return {str(name): encode(one, kind, put) for name, one in value.items()}
    return [[encode(name, key, put), encode(one, kind, put)] for name, one in value.items()]


def _mapping_in(told: Json, inner: tuple[Any, ...], get: Get, notes: list[Warned]) -> dict[Any, Any]:
    key, kind = inner
    if key is str:
        _demand(isinstance(told, dict), told, told, dict)
        return {name: decode(one, kind, get, notes) for name, one in told.items()}
    pairs = isinstance(told, list) and all(isinstance(one, list) and len(one) == 2 for one in told)
    _demand(pairs, told, told, dict)
    try:
        return {decode(name, key, get, notes): decode(one, kind, get, notes) for name, one in told}
    except TypeError as problem:
        raise Undecodable(f"no key: {problem}") from problem


def _scalar_out(value: Any) -> Json:
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, float) and not math.isfinite(plain):
        return {"float": str(plain)}
    if not isinstance(plain, bool | int | float | str):
        raise TypeError(f"{type(value).__name__} has no form in a file")
    return plain


def _scalar_in(told: Json, hint: Any) -> Any:
    if hint is float:
        if isinstance(told, dict):
            return _odd_in(told.get("float"))
        try:
            return float(_demand(_is_number(told), told, told, hint))
        except OverflowError as problem:
            raise Undecodable(f"no float: {problem}") from problem
    if hint is int:
        return _demand(isinstance(told, int) and not isinstance(told, bool), told, told, hint)
    return _demand(hint in (bool, str) and isinstance(told, hint), told, told, hint)


def _odd_in(name: Json) -> float:
    return _ODD[_demand(isinstance(name, str) and name in _ODD, name, name, float)]


def _array_out(value: NDArray[Any], put: Put) -> Json:
    if value.size <= SMALL and value.dtype == np.float64 and np.isfinite(value).all():
        return {"shape": list(value.shape), "values": value.ravel().tolist()}
    return {"sha256": put(value)}


def _array_in(told: Json, inner: tuple[Any, ...], get: Get) -> NDArray[Any]:
    _demand(isinstance(told, dict), told, told, np.ndarray)
    if "sha256" in told:
        found = get(str(told["sha256"]))
    else:
        try:
            found = np.array(told["values"], np.float64).reshape([int(one) for one in told["shape"]])
        except (KeyError, TypeError, ValueError, OverflowError) as problem:
            raise Undecodable(f"no array: {problem}") from problem
    wanted = get_args(inner[1])
    dtype = wanted[0] if wanted and isinstance(wanted[0], type) else None
    return _demand(dtype is None or found.dtype == dtype, found, f"array of {found.dtype}", np.ndarray)  # type: ignore[no-any-return]


def _free_out(value: Any, put: Put) -> Json:
    """Return a value of which nobody said what it is; what has no form of its own becomes text."""
    if isinstance(value, Warned):
        return {"warned": encode(value, Warned, put)}
    if isinstance(value, Mapping):
        return {"map": [[str(name), _free_out(one, put)] for name, one in value.items()]}
    if isinstance(value, tuple | list):
        return {type(value).__name__ if type(value) is list else "tuple": [_free_out(one, put) for one in value]}
    if isinstance(value, np.ndarray):
        return _array_out(value, put)
    if value is None or isinstance(value, bool | int | float | str | np.generic):
        return None if value is None else _scalar_out(value)
    return str(value.value if isinstance(value, Enum) else value)


def _free_in(told: Json, get: Get, notes: list[Warned]) -> Any:
    if not isinstance(told, dict):
        return _demand(not isinstance(told, list), told, told, object)
    (name, inner), *more = told.items() if told else [("", None)]
    if name == "warned" and not more:
        return decode(inner, Warned, get, notes)
    if name == "float" and not more:
        return _odd_in(inner)
    if name in ("shape", "values", "sha256"):
        return _array_in(told, (Any, np.dtype[Any]), get)
    _demand(name in ("map", "tuple", "list") and isinstance(inner, list) and not more, told, told, object)
    if name == "map":
        return _mapping_in(inner, (Any, object), get, notes)
    items = [_free_in(one, get, notes) for one in inner or ()]
    return tuple(items) if name == "tuple" else items
