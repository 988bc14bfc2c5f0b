"""Values to bytes and back: what a check and a student's code may exchange. JSON and raw buffers, never pickle.

Plain values (None, bool, int, float, str, list, tuple, dict), NumPy arrays and scalars, and PyTorch tensors; a subclass crosses
as what it extends. A function stays where it is, and so may an object of another make: only its number crosses, and whoever
decodes says what stands in its place. Everything else is refused.
"""

import json
import math
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

DTYPES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64")
MAX_DEPTH, MAX_AXES, MAX_VALUES = 16, 8, 100_000
MAX_KEYS = 5_000  # of all dictionaries together: keys made to collide take time that grows with the square
MAX_HEADER, MAX_BYTES = 4 << 20, 64 << 20  # of the JSON header, of all buffers together
MAX_INTEGER = 2**63
MAX_NAME = 50  # letters of a type's name
MAX_MESSAGE = 4 + MAX_HEADER + MAX_BYTES
MALFORMED = (
    ValueError,
    TypeError,
    LookupError,
    OverflowError,
    RuntimeError,
    StopIteration,
    struct.error,
)  # bytes of any other make


class CodecError(ValueError):
    """A value that may not cross, or bytes that no `encode` wrote."""


def refuse(number: int, kind: str) -> Any:
    """What `decode` does with an object that stayed where it was, unless told otherwise."""
    raise CodecError("a function cannot cross here")


def is_opaque(value: Any) -> bool:
    """Whether a student's value stays in its room: a function, a generator, an object of a class that is not a library's."""
    library = type(value).__module__.partition(".")[0] in ("builtins", "numpy", "torch")
    return callable(value) or hasattr(type(value), "__next__") or not library


def kept(table: list[Any], stays: Callable[[Any], bool] = callable) -> Callable[[Any], int | None]:
    """For `encode`: what `stays` is appended to the table, and its place there is its number."""

    def refer(value: Any) -> int | None:
        if not stays(value):
            return None
        table.append(value)
        return len(table) - 1

    return refer


def nothing(value: Any) -> None:
    """For `encode`: nothing stays, so functions are refused."""


def pack(value: Any, refer: Callable[[Any], int | None] = nothing) -> tuple[Any, list[np.ndarray]]:
    """A value -> (a tree that JSON can hold, copies of the arrays in it); refer(v) is the number of a v that stays, or None."""
    arrays, left = [], {"values": MAX_VALUES, "bytes": MAX_BYTES, "keys": MAX_KEYS}

    def array(kind: str, a: np.ndarray) -> dict:
        if a.dtype.name not in DTYPES:
            raise CodecError(f"dtype {a.dtype} cannot cross; expected one of {', '.join(DTYPES)}")
        if a.ndim > MAX_AXES:
            raise CodecError(f"an array of {a.ndim} axes cannot cross; expected at most {MAX_AXES}")
        left["bytes"] -= a.nbytes
        if left["bytes"] < 0:
            raise CodecError(f"the arrays are too large; expected at most {MAX_BYTES} bytes together")
        arrays.append(np.array(a, dtype=a.dtype.newbyteorder("="), order="C", subok=False))
        return {"kind": kind}  # the arrays stand beside the tree, in its order

    def tree(v: Any, depth: int) -> Any:
        left["values"] -= 1
        if depth > MAX_DEPTH:
            raise CodecError(f"the value is nested deeper than {MAX_DEPTH} levels")
        if left["values"] < 0:
            raise CodecError(f"the value holds more than {MAX_VALUES} parts")
        if v is None or type(v) in (bool, str):
            return v
        if isinstance(v, str):
            return str.__str__(v)
        if isinstance(v, np.generic):  # before float: np.float64 is one
            return array("scalar", np.asarray(v))
        if isinstance(v, int):
            if not -MAX_INTEGER <= v < MAX_INTEGER:
                raise CodecError("an int does not fit in 64 bits")
            return int(v)
        if isinstance(v, float):
            return float(v) if math.isfinite(v) else {"kind": "float", "value": repr(float(v))}
        if isinstance(v, list):
            return [tree(x, depth + 1) for x in v]
        if isinstance(v, tuple):
            return {"kind": "tuple", "value": [tree(x, depth + 1) for x in v]}
        if isinstance(v, dict):
            left["keys"] -= len(v)
            if left["keys"] < 0:
                raise CodecError(f"the value holds more than {MAX_KEYS} keys")
            return {"kind": "dict", "value": [[tree(k, depth + 1), tree(x, depth + 1)] for k, x in v.items()]}
        if type(v) is np.ndarray:  # a masked array or a matrix means something else
            return array("array", v)
        if isinstance(v, Tensor):
            if v.layout != torch.strided or str(v.dtype).removeprefix("torch.") not in DTYPES:
                raise CodecError(f"a tensor of {v.dtype}, {v.layout} cannot cross; expected a dense one of {', '.join(DTYPES)}")
            return array("tensor", v.detach().cpu().numpy())
        if (number := refer(v)) is not None:
            return {"kind": "object", "number": number, "type": type(v).__name__[:MAX_NAME]}
        raise CodecError(f"a value of type {type(v).__name__} cannot cross; expected numbers, strings, lists, arrays, tensors")

    return tree(value, 0), arrays


def unpack(tree: Any, arrays: list[np.ndarray], object_at: Callable[[int, str], Any] = refuse) -> Any:
    """The value that `pack` took apart, its arrays used as they are; `object_at(number, type)` stands for what stayed."""
    left, queue = {"values": MAX_VALUES, "keys": MAX_KEYS}, iter(arrays)

    def value(t: Any, depth: int) -> Any:
        left["values"] -= 1
        if depth > MAX_DEPTH or left["values"] < 0:
            raise CodecError("the value is nested too deeply or holds too many parts")
        if type(t) is str and not t.isascii() and any("\ud800" <= c <= "\udfff" for c in t):
            raise CodecError("a string holds half of a character (a lone surrogate)")
        if type(t) is int and not -MAX_INTEGER <= t < MAX_INTEGER:
            raise CodecError("an int does not fit in 64 bits")
        if t is None or type(t) in (bool, str, int, float):
            return t
        if type(t) is list:
            return [value(x, depth + 1) for x in t]
        match t:
            case {"kind": "float", "value": ("inf" | "-inf" | "nan") as text}:
                return float(text)
            case {"kind": "tuple", "value": [*items]}:
                return tuple(value(x, depth + 1) for x in items)
            case {"kind": "dict", "value": [*pairs]}:
                left["keys"] -= len(pairs)
                if left["keys"] < 0:
                    raise CodecError("the dictionaries hold too many keys")
                return {value(k, depth + 1): value(x, depth + 1) for k, x in pairs}
            case {"kind": "array"}:
                return next(queue)
            case {"kind": "scalar"}:
                return next(queue)[()]
            case {"kind": "tensor"}:
                return torch.from_numpy(next(queue))
            case {"kind": "object", "number": int(number), "type": str(name)}:
                return object_at(number, name[:MAX_NAME])
        raise CodecError("the tree holds a part of no known kind")

    return value(tree, 0)


def encode(value: Any, refer: Callable[[Any], int | None] = nothing) -> bytes:
    """A value -> its bytes. CodecError for what may not cross; refer(v) is the number of a v that stays, or None.

    The bytes: the header's length (4 bytes, big-endian), the header (JSON: the tree, and each buffer's dtype and shape),
    then the buffers, little-endian, in order.
    """
    tree, arrays = pack(value, refer)
    header = json.dumps([tree, [[a.dtype.name, a.shape] for a in arrays]]).encode()
    if len(header) > MAX_HEADER:
        raise CodecError(f"the value is too large; expected at most {MAX_HEADER} bytes beside its arrays")
    buffers = [a.astype(a.dtype.newbyteorder("<"), copy=False).tobytes() for a in arrays]
    return b"".join([struct.pack(">I", len(header)), header, *buffers])


def decode(data: bytes, object_at: Callable[[int, str], Any] = refuse) -> Any:
    """Bytes that `encode` wrote -> the value. CodecError, and no other, for any other bytes."""
    try:
        (length,) = struct.unpack_from(">I", data)
        if length > MAX_HEADER or len(data) - 4 - length > MAX_BYTES:
            raise CodecError("the message is too large")
        tree, descriptions = json.loads(data[4 : 4 + length])
        arrays, place = [], 4 + length
        for dtype, shape in descriptions:
            if (
                dtype not in DTYPES
                or len(shape) > MAX_AXES
                or any(type(n) is not int or not 0 <= n <= MAX_BYTES for n in shape)
            ):
                raise CodecError("a buffer has no valid dtype and shape")
            little = np.dtype(dtype).newbyteorder("<")
            count = math.prod(shape)
            raw = np.frombuffer(data, "u1" if dtype == "bool" else little, count, place)  # a bool is 0 or 1, whatever the byte
            arrays.append(raw.reshape(shape).astype(dtype))
            place += count * little.itemsize
        if place != len(data):
            raise CodecError("the buffers do not fill the message")
        return unpack(tree, arrays, object_at)
    except CodecError:
        raise
    except MALFORMED as error:
        raise CodecError(f"the message is malformed ({type(error).__name__})") from None
