"""Messages between the grader and a worker: a length, then that many bytes, over a socket, each with a deadline.

What the bytes say is the codec's business. Whatever arrives is untrusted: it is no longer than the codec allows, or refused.
"""

import socket
import struct
import time

from utils.grading.codec import MAX_MESSAGE

CHUNK = 1 << 20


class Channel:
    """One end of a conversation. TimeoutError: the deadline has passed. EOFError: the other end is gone, or talks nonsense."""

    def __init__(self, end: socket.socket) -> None:
        self.end = end

    def send(self, message: bytes, deadline: float | None = None) -> None:
        """`deadline` is on the clock of time.monotonic(); None waits for ever."""
        self._wait_until(deadline)
        try:
            self.end.sendall(struct.pack(">I", len(message)) + message)
        except TimeoutError:
            raise
        except OSError as error:
            raise EOFError(f"the other end is gone ({error})") from None

    def receive(self, deadline: float | None = None) -> bytes:
        (length,) = struct.unpack(">I", self._read(4, deadline))
        if length > MAX_MESSAGE:
            raise EOFError(f"a message of {length} bytes was announced; at most {MAX_MESSAGE} can be read")
        return self._read(length, deadline)

    def close(self) -> None:
        self.end.close()

    def _read(self, count: int, deadline: float | None) -> bytes:
        found = bytearray()
        while len(found) < count:
            self._wait_until(deadline)
            try:
                part = self.end.recv(min(count - len(found), CHUNK))
            except TimeoutError:
                raise
            except OSError as error:
                raise EOFError(f"the other end is gone ({error})") from None
            if not part:
                raise EOFError("the other end is gone")
            found += part
        return bytes(found)

    def _wait_until(self, deadline: float | None) -> None:
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            raise TimeoutError
        self.end.settimeout(left)
