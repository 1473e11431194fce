"""
Frozen values: dataclasses in all but the cost of making the classes.

The module `dataclasses` brings `inspect` and writes and compiles source for
each class.  For the twenty such classes of a command that takes longer than
extracting a small wheel (`python -X importtime` shows it), so `value` makes
them from what is shared.  To everybody else they are what
they say: `dataclasses.fields`, `replace` and `asdict` work, and type checkers
know them by `dataclass_transform`.
"""

from __future__ import annotations

TYPE_CHECKING = False  # that of `typing` would cost its import
if TYPE_CHECKING:
    from functools import cached_property as cached_property
    from typing import Any, TypeVar

    from typing_extensions import dataclass_transform

    T = TypeVar("T")
else:

    def dataclass_transform(**_):
        """Tell type checkers, which do not come here."""
        return lambda function: function

    class cached_property:  # noqa: N801 - it is that of functools
        """What functools has, without the 2 ms that its import takes."""

        def __init__(self, function):
            self._function = function
            self.__doc__ = function.__doc__

        def __set_name__(self, _, name):
            self._name = name

        def __get__(self, instance, _=None):
            if instance is None:
                return self
            made = self._function(instance)
            return instance.__dict__.setdefault(self._name, made)


_set = object.__setattr__


@dataclass_transform(frozen_default=True)
def value(cls: type[T]) -> type[T]:
    """
    Make *cls* a frozen value with a slot for each annotated name.

    It is built from positional or keyword arguments, with `__post_init__`
    called at the end; compared, hashed and shown by its fields, but for those
    that begin with an underscore.  Defaults have to be immutable.  Methods of
    *cls* cannot use `super()` without arguments, as with slots of a dataclass.
    """
    names = tuple(cls.__annotations__)
    namespace: dict[str, Any] = {
        key: found
        for key, found in vars(cls).items()
        if key not in names and key not in ("__dict__", "__weakref__")
    }
    for key in _SHARED:
        namespace.setdefault(key, getattr(_Shared, key))
    namespace["__slots__"] = names
    namespace["__match_args__"] = names
    namespace["_defaults"] = {
        name: vars(cls)[name] for name in names if name in vars(cls)
    }
    namespace["__dataclass_fields__"] = _Fields()
    namespace["__qualname__"] = cls.__qualname__
    made: type[T] = type(cls.__name__, cls.__bases__, namespace)
    return made


def fields_of(instance: object) -> list[tuple[str, object]]:
    """Name and content of each field of the value *instance*."""
    names: tuple[str, ...] = getattr(type(instance), "__match_args__")  # noqa: B009
    return [(name, getattr(instance, name)) for name in names]


def replace(instance: T, **changes: Any) -> T:
    """A copy of the value *instance* with *changes*."""
    return type(instance)(**{**dict(fields_of(instance)), **changes})


class _Shared:
    """The methods that every value has."""

    __match_args__: tuple[str, ...] = ()
    _defaults: dict[str, Any] = {}  # noqa: RUF012 - replaced in each value

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        names = self.__match_args__
        for name, given in zip(names, args, strict=False):
            _set(self, name, given)
        if len(args) > len(names):
            raise TypeError(
                f"{type(self).__name__}: {len(args)} arguments, "
                f"at most {len(names)} are taken"
            )
        for name in names[len(args) :]:
            if name in kwargs:
                _set(self, name, kwargs.pop(name))
            elif name in self._defaults:
                _set(self, name, self._defaults[name])
            else:
                raise TypeError(f"{type(self).__name__}: {name!r} is missing")
        if kwargs:
            raise TypeError(
                f"{type(self).__name__}: {next(iter(kwargs))!r} is given "
                "twice or is no field"
            )
        self.__post_init__()

    def __post_init__(self) -> None:
        pass

    def _compared(self) -> tuple[Any, ...]:
        return tuple(
            getattr(self, name)
            for name in self.__match_args__
            if not name.startswith("_")
        )

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._compared() == other._compared()

    def __hash__(self) -> int:
        return hash((type(self), self._compared()))

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{name}={getattr(self, name)!r}"
            for name in self.__match_args__
            if not name.startswith("_")
        )
        return f"{type(self).__qualname__}({shown})"

    def __setattr__(self, name: str, _: object) -> None:
        raise _frozen(name)

    def __delattr__(self, name: str) -> None:
        raise _frozen(name)

    def __reduce__(self) -> tuple[type, tuple[Any, ...]]:
        """For pickle and copy, which would set what is frozen."""
        return type(self), tuple(getattr(self, n) for n in self.__match_args__)


_SHARED = (
    "__init__",
    "__post_init__",
    "_compared",
    "__eq__",
    "__hash__",
    "__repr__",
    "__setattr__",
    "__delattr__",
    "__reduce__",
)


def _frozen(name: str) -> Exception:
    from dataclasses import FrozenInstanceError

    return FrozenInstanceError(f"cannot change {name!r}")


class _Fields:
    """`__dataclass_fields__`, made when a function of dataclasses asks."""

    def __get__(self, _: object, cls: Any) -> Any:
        from dataclasses import field, make_dataclass

        specs = [
            (name, kind, field(default=cls._defaults[name]))
            if name in cls._defaults
            else (name, kind)
            for name, kind in cls.__annotations__.items()
        ]
        made = make_dataclass(cls.__name__, specs, frozen=True)
        return made.__dataclass_fields__  # type: ignore[attr-defined]
