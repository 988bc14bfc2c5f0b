"""Rooms: where a check meets a student's functions. It asks by name, and only values go in and come out.

A check never knows which room it is in. `Direct` calls the functions in this process, on copies; `Serialised` does the same
through bytes both ways, as a room does whose student runs in another process (session.py has that one).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor

from utils.grading import calls, codec
from utils.grading.calls import NEXT, Slope, StudentError


class Room(ABC):
    """What a check may do with a student's functions. Every request may raise StudentError."""

    def __init__(self) -> None:
        self.changed: set[str] = set()  # the arguments that were written into, "h of lstm_step": reported, never graded

    def call(self, name: str, *args: Any) -> Any:
        """The student's function or class `name` of `args`: a copy of the value that it returns.

        What is no value (a function, a generator, an object, a module) comes back as a `Theirs`.
        """
        return self.ask(name, "", args)

    def grad(self, name: str, args: Sequence[Any], wrt: int, cotangent: Tensor) -> Tensor:
        """The gradient of sum(name(*args) * cotangent) with respect to args[wrt], a tensor: of its shape."""
        return self.ask(name, "", args, Slope(wrt, cotangent))

    @abstractmethod
    def ask(self, target: Any, method: str, args: Sequence[Any], slope: Slope | None = None) -> Any:
        """Call a function by its name, an object that stayed (`method` empty), or one of its methods."""


class Theirs:
    """Something of the student's that stays in its room, as a check sees it: a function, a generator, an object, a module.

    A module's weights go in by call("load_state_dict", weights) and come back by call("state_dict").
    """

    def __init__(self, room: Room, target: Any, type: str) -> None:
        self._room, self.target, self.type = room, target, type

    def __call__(self, *args: Any) -> Any:
        return self._room.ask(self.target, "", args)

    def call(self, method: str, *args: Any) -> Any:
        """Its method of that name."""
        return self._room.ask(self.target, method, args)

    def grad(self, args: Sequence[Any], wrt: int | str, cotangent: Tensor) -> Tensor:
        """The gradient of sum(it(*args) * cotangent) with respect to args[wrt], or to its parameter of the name `wrt`."""
        return self._room.ask(self.target, "", args, Slope(wrt, cotangent))

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if found := self._room.ask(self.target, NEXT, ()):
            return found[0]
        raise StopIteration


class Direct(Room):
    """The functions in `namespace`, called in this process on copies of the arguments."""

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        super().__init__()
        self.namespace = namespace

    def ask(self, target: Any, method: str, args: Sequence[Any], slope: Slope | None = None) -> Any:
        call = calls.function(self.namespace, target) if isinstance(target, str) else calls.method(target, method)
        received, before = self._cross(([*args], [*args]), callable, self._ours)
        answer, changed = calls.perform(call, received, before, slope)
        try:
            answer = self._cross(answer, codec.is_opaque, self._theirs)
        except codec.CodecError as error:
            raise StudentError(f"the result cannot be checked: {error}") from error
        self.changed |= changed
        return answer

    def _cross(self, value: Any, stays: Callable[[Any], bool], seen_as: Callable[[Any], Any]) -> Any:
        """`value` as it arrives on the other side, what stays in it as seen_as(it). CodecError for what may not cross."""
        table: list[Any] = []
        tree, arrays = codec.pack(value, codec.kept(table, stays))
        return codec.unpack(tree, arrays, lambda number, type: seen_as(table[number]))

    def _ours(self, function: Callable) -> Any:
        """A function of the check's, as the student's code calls it; what is theirs is theirs again."""
        if isinstance(function, Theirs):
            return function.target

        def called(*args: Any, **named: Any) -> Any:
            args, named = self._cross((args, named), codec.is_opaque, self._theirs)
            return self._cross(function(*args, **named), callable, self._ours)

        return called

    def _theirs(self, thing: Any) -> Theirs:
        return Theirs(self, thing, type(thing).__name__)


class Serialised(Direct):
    """The same, every value through bytes: proves that a check exchanges values only."""

    def _cross(self, value: Any, stays: Callable[[Any], bool], seen_as: Callable[[Any], Any]) -> Any:
        table: list[Any] = []
        data = codec.encode(value, codec.kept(table, stays))
        return codec.decode(data, lambda number, type: seen_as(table[number]))
