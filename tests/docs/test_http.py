"""Every request on a page is answered as the page says: the status, the names and the types."""

import http.client
import json
import re
from html import unescape
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.server import Server
from tests.docs.conftest import dated, local
from tests.docs.pages import Block, blocks, name, pages

pytestmark = pytest.mark.xdist_group("docs")


def _pairs() -> list[tuple[Path, Block, Block]]:
    found = []
    for page in pages():
        known = blocks(page)
        for block, answer in pairwise(known):
            if block.language == "http":
                assert answer.language == "json", f"{name(page)}:{block.line}"
                found.append((page, block, answer))
    return found


PAIRS = _pairs()


@pytest.mark.parametrize(("page", "request_", "answer"), PAIRS, ids=[f"{name(p)}:{b.line}" for p, b, _ in PAIRS])
def test_example(page: Path, request_: Block, answer: Block, served: Server) -> None:
    status, body = _ask(dated(request_.text), served)
    assert status == int(answer.about or 200), body
    assert body is not None
    wrong = _differs(json.loads(answer.text), body, "")
    assert wrong is None, f"{wrong}\n{body}"


def _ask(text: str, server: Server) -> tuple[int, Any]:
    head, _, body = text.strip().partition("\n\n")
    first, *rest = head.splitlines()
    method, target = first.split()
    is_api = target.startswith(("/api/", "/metrics"))
    headers = dict(line.split(": ", 1) for line in rest)
    connection = http.client.HTTPConnection("127.0.0.1", server.web_port if is_api else server.collect_port, timeout=30)
    try:
        connection.request(method, target, body.encode() or None, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def _differs(example: Any, real: Any, where: str, *, one_of_many: bool = False) -> str | None:
    """Where the shapes differ: names of objects, types of values, whether a list has anything in it (but for lists of
    one of many things: the example stands for all of them)."""
    if example is None:
        return None
    if isinstance(example, dict):
        if not isinstance(real, dict) or set(example) != set(real):
            return f"{where}: {sorted(example)} in the page, {sorted(real)} answered"
        return next(
            (
                wrong
                for key in example
                if (wrong := _differs(example[key], real[key], f"{where}.{key}", one_of_many=one_of_many))
            ),
            None,
        )
    if isinstance(example, list):
        if not isinstance(real, list) or (bool(example) != bool(real) and not one_of_many):
            return f"{where}: {example} in the page, {real} answered"
        if not example or not isinstance(example[0], dict):
            return None
        return next(
            (wrong for item in real if (wrong := _differs(example[0], item, f"{where}[]", one_of_many=True))), None
        )
    kinds = (int, float) if isinstance(example, int | float) and not isinstance(example, bool) else type(example)
    return None if isinstance(real, kinds) else f"{where}: {example!r} in the page, {real!r} answered"


@pytest.mark.parametrize("page", [page for page in pages() if blocks(page, "html")], ids=name)
def test_pixels(page: Path, served: Server) -> None:
    for block in blocks(page, "html"):
        for url in re.findall(r"http://127\.0\.0\.1:8080(/event\.[^\"' ]+)", block.text):
            reply = served.send(unescape(url))
            assert reply.status == 200, url
            assert reply.headers["content-type"].startswith("image/"), url


def test_every_route_of_the_api_is_on_its_page(served: Server) -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
    for path in served.api("openapi.json")["paths"]:
        assert path.removeprefix("/api/v1/") in page, path


def test_local_replaces_both_addresses(served: Server) -> None:
    assert local("127.0.0.1:8080 127.0.0.1:8090", served) == (
        f"127.0.0.1:{served.collect_port} 127.0.0.1:{served.web_port}"
    )
