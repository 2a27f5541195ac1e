"""The addresses: free, ours, or somebody else's."""

import errno
import socket
from collections.abc import Iterator

from eventmill import runtime
from eventmill.commands.checks.finding import Finding, bad, ok, warn
from eventmill.settings import Settings, address


def check(settings: Settings) -> Iterator[Finding]:
    """Binds each address for a moment, without listening."""
    server = runtime.find(settings.data_dir)
    ours = {_port(shown) for shown in (*server.collect, server.web)} if server else set()
    wanted = [("collect.listen", listen) for listen in settings.collect.listen]
    for option, listen in (*wanted, ("web.listen", settings.web.listen)):
        yield _one(option, listen, ours)


def _one(option: str, listen: str, ours: set[int]) -> Finding:
    host, port = address(listen)
    if port in ours and port:
        return ok(option, f"{listen} is held by the running server")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As the parent does: a port in TIME_WAIT is free. Without SO_REUSEPORT, or it would join a running group.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return _trouble(option, listen, port, error)
    return ok(option, f"{listen} is free")


def _trouble(option: str, listen: str, port: int, error: OSError) -> Finding:
    if error.errno == errno.EADDRINUSE:
        return bad(
            option, f"{listen} is taken by another program", f"`ss -ltnp 'sport = :{port}'` names it; or set {option}"
        )
    if error.errno == errno.EACCES:
        return bad(option, f"{listen}: ports below 1024 need a right", "use a higher port, or a proxy before it")
    if error.errno == errno.EADDRNOTAVAIL:
        return bad(
            option, f"{listen}: this machine has no such address", f"set {option} to 0.0.0.0:{port} or 127.0.0.1:{port}"
        )
    return warn(option, f"{listen}: {error.strerror}", f"set {option}")


def _port(shown: str) -> int:
    return address(shown)[1] if shown else 0
