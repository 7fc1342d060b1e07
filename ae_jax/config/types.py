"""Check one value of a config against the annotation of its parameter."""

import functools
import inspect
import types
import typing
from collections.abc import Iterator
from typing import Annotated, Any, Union

from jaxtyping import AbstractArray

from ae_jax.errors import UserError, nearest

_LARGEST = (2 - 2**-23) * 2.0**127  # of float32


def check_type(key: str, item: Any, hint: Any) -> Any:
    """The item as its annotation has it: an int becomes a float where a float is meant, and nothing else changes."""
    import pydantic

    try:
        checked = _adapter(hint).validate_python(item, strict=True)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join([key, *(str(place) for place in first["loc"] if isinstance(place, int))])
        wanted = {choice for choice in _choices(hint) if isinstance(choice, str)}
        remedy = nearest(item, wanted) if isinstance(item, str) and wanted else ""
        if first["type"] == "literal_error" and not remedy.startswith("did"):
            remedy = ""  # the message lists the choices already
        if first["type"] == "list_type" or "Sequence" in first["msg"]:
            remedy = f"write {key}=[…]"
        elif first["type"] in ("callable_type", "is_instance_of"):
            remedy = f"choose an option with {key.replace('.', '/')}=…"
        if first["type"] == "none_required":
            raise UserError(key, f"is for an object, got {item!r}", f"write {key}={{_target_: …}}, or null") from None
        raise UserError(where, f"{_lower(first['msg'])}, got {first['input']!r}", remedy) from None
    if isinstance(checked, float) and abs(checked) > _LARGEST:
        raise UserError(key, f"input should be a number of float32, at most {_LARGEST:.4g}, got {checked!r}")
    return list(checked) if isinstance(checked, tuple) else checked


@functools.cache
def _adapter(hint: Any) -> Any:
    import pydantic
    import pydantic_core

    settings = pydantic.ConfigDict(allow_inf_nan=False, arbitrary_types_allowed=True)
    hint = _on_host(hint)
    try:
        return pydantic.TypeAdapter(hint, config=settings)
    except (pydantic.errors.PydanticUserError, pydantic_core.SchemaError):
        return pydantic.TypeAdapter(
            None, config=settings
        )  # for an object of another package, which no config can write


def _on_host(hint: Any) -> Any:
    """The annotation of a value as the host sees it: a float, where traced code sees an array."""
    origin = typing.get_origin(hint)
    if origin is Annotated:
        base, *bounds = typing.get_args(hint)
        return Annotated[_on_host(base), *bounds]
    if origin in (Union, types.UnionType):
        kept = [_on_host(item) for item in typing.get_args(hint) if not _is_jaxtyping(item)]
        return Union[tuple(kept)]  # noqa: UP007 - built at run time
    return hint


def _is_jaxtyping(hint: Any) -> bool:
    return inspect.isclass(hint) and issubclass(hint, AbstractArray)


def _choices(hint: Any) -> Iterator[Any]:
    if typing.get_origin(hint) is typing.Literal:
        yield from typing.get_args(hint)
    else:
        for item in typing.get_args(hint):
            yield from _choices(item)


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]
