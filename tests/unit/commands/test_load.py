"""The load client for machines without wrk: counts whole answers, and only those with 200."""

import http.server
import threading

import pytest

from eventmill.commands.measure import load


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    status = 200
    served = 0

    def do_GET(self):
        type(self).served += 1
        self.send_response(self.status)
        self.send_header("Content-Length", "5000")
        self.end_headers()
        self.wfile.write(b"x" * 5000)

    def log_message(self, *_):
        pass


@pytest.fixture
def where(monkeypatch):
    monkeypatch.setattr(load.shutil, "which", lambda name: None)
    monkeypatch.setattr(load, "CONNECTIONS", 4)
    Handler.served, Handler.status = 0, 200
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_counts_what_the_server_counted(where):
    answered, took, client = load.get(where, "/", 1)
    assert client == "asyncio"
    assert answered == Handler.served > 0
    assert took >= 1


def test_an_error_is_no_figure(where):
    Handler.status = 503
    with pytest.raises(load.LoadError, match="503"):
        load.get(where, "/", 1)
