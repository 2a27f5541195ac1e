"""A TCP proxy that cuts: connections end after the server has answered and before the client hears it (fault 21)."""

import random
import socket
import threading
from contextlib import suppress

_CHUNK = 1 << 16


class CuttingProxy:
    """Listens on a port of its own before `target`. From `cut` on the next answers are swallowed, and their connections
    end; new ones are taken as before."""

    def __init__(self, target: int, chance: random.Random) -> None:
        self._target, self._chance = target, chance
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._cutting = threading.Event()
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Every connection ends with its next answer."""
        self._cutting.set()

    def mend(self) -> None:
        self._cutting.clear()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self._target))
                except OSError:
                    client.close()
                    continue
                threading.Thread(target=self._pass, args=(client, server, False), daemon=True).start()
                threading.Thread(target=self._pass, args=(server, client, True), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        with suppress(OSError):
            while data := source.recv(_CHUNK):
                if answers and self._cutting.is_set():
                    self.cuts += 1
                    break
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
