"""nginx in the foreground, with a configuration of the caller's."""

from collections.abc import Iterator
from contextlib import contextmanager

from scripts.services.base import Running, Server, free_port, listens, scratch

_MAIN = """
daemon off;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
worker_processes {workers};
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    keepalive_requests 1000000000;
    {http}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        {server}
    }}
}}
"""


class Nginx(Server):
    def __init__(self) -> None:
        super().__init__("nginx", package="nginx-light")

    @contextmanager
    def start(self, server: str, http: str = "", workers: int = 1) -> Iterator[Running]:
        """`server` and `http` are lines for these blocks; `{directory}` in them is the data folder."""
        with scratch("nginx") as directory:
            port = free_port()
            config = directory / "nginx.conf"
            config.write_text(
                _MAIN.format(
                    directory=directory,
                    port=port,
                    workers=workers,
                    http=http.replace("{directory}", str(directory)),
                    server=server.replace("{directory}", str(directory)),
                )
            )
            command = [
                str(self.path),
                "-c",
                str(config),
                "-p",
                str(directory),
                "-e",
                str(directory / "error.log"),
            ]
            with self._run(command, directory, lambda: listens(port)) as process:
                yield Running(port, process.pid, directory, f"http://127.0.0.1:{port}")
