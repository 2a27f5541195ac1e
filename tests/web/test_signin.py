"""Signing in with the dashboard's password: changes need it, and a wrong one says so."""

import subprocess
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, expect

from tests.acceptance.server import PROGRAM, Server
from tests.web import traffic
from tests.web.conftest import Seen

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Server]:
    """A server with a password."""
    with Server(tmp_path_factory.mktemp("guarded") / "data") as server:
        assert server.post(traffic.everything()[:5]).status == 200
        server.drain()
        words = [str(PROGRAM), "password", "--stdin", "--data", str(server.data)]
        done = subprocess.run(words, input=PASSWORD, text=True, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        yield server


def test_settings_ask_for_the_password_and_take_it(seen: Seen) -> None:
    page = seen.open("/settings?section=keys")
    expect(page.get_by_text("Changes need the password")).to_be_visible()
    expect(page.get_by_role("button", name="Add", exact=True)).to_have_count(0)
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    # Back where it began, and now it may be changed.
    expect(page.get_by_role("heading", name="Keys")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("mine")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("mine is added.")).to_be_visible()


@pytest.mark.parametrize(
    "wanted", ["javascript:window.ran=1", "//evil.example/", "/\\\\evil.example", "https://evil.example"]
)
def test_signing_in_leads_to_pages_of_ours_alone(seen: Seen, wanted: str) -> None:
    page = seen.open(f"/signin?next={quote(wanted, safe='')}")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(seen.base + "/")
    assert page.evaluate("window.ran") is None


def test_changes_are_offered_to_who_may_make_them(seen: Seen, served: Server) -> None:
    assert served.post([{"category": "x", "time": "never"}]).status == 200
    served.drain()
    page = seen.open("/pipeline?reason=invalid_time")
    page.get_by_role("button", name="Open: invalid_time").first.click()
    expect(page.get_by_label("As it came")).to_contain_text("never")
    expect(page.get_by_role("textbox", name="Mend")).to_have_count(0)
    page = seen.open("/signin")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(seen.base + "/")
    page.goto(seen.base + "/pipeline?reason=invalid_time")
    page.get_by_role("button", name="Open: invalid_time").first.click()
    expect(page.get_by_role("textbox", name="Mend")).to_be_visible()


def test_a_wrong_password_says_so(seen: Seen) -> None:
    page = seen.open("/signin")
    page.get_by_label("Password", exact=True).fill("wrong wrong wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("This is not the password.")
    # The browser itself writes the 401 to its console: nothing else may.
    assert [text for text in seen.said if "401" not in text] == []
    seen.said.clear()
