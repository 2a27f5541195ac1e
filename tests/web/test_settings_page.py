"""Settings: what is added on the page is what the API lists; secrets are shown once."""

from playwright.sync_api import expect

from tests.acceptance.server import Server, ask
from tests.web.conftest import Seen


def test_a_key_is_shown_once(seen: Seen, served: Server) -> None:
    page = seen.open("/settings?section=keys")
    expect(page.get_by_text("No keys yet")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("export")
    page.get_by_role("button", name="Add", exact=True).click()
    text = page.get_by_role("group", name="The key of export").inner_text()
    assert ask(served.web_port, "/api/v1/about", headers={"Authorization": f"Bearer {text}"}).status == 200
    (key,) = served.api("keys")["data"]
    assert text.startswith(key["prefix"])
    page.get_by_role("button", name="I have it").click()
    expect(page.get_by_text(text)).to_have_count(0)
    assert text not in page.content()
    page.get_by_role("button", name="Remove: export").click()
    page.get_by_role("button", name="Remove export?").click()
    expect(page.get_by_text("No keys yet")).to_be_visible()
    assert served.api("keys")["data"] == []


def test_sites_and_domains(seen: Seen, served: Server) -> None:
    page = seen.open("/settings?section=sites")
    page.get_by_label("Site", exact=True).fill("shop.example")
    page.get_by_label("Hosts").fill("shop.example, www.shop.example")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("shop.example is added.")).to_be_visible()
    (site,) = served.api("sites")["data"]
    assert (site["name"], site["domains"]) == ("shop.example", ["shop.example", "www.shop.example"])
    page.get_by_role("link", name="Domains").click()
    page.get_by_label("Host", exact=True).fill("partner.example")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("cell", name="partner.example", exact=True)).to_be_visible()
    assert [row["host"] for row in served.api("domains")["data"]] == ["partner.example"]


def test_an_alert_is_added_and_removed(seen: Seen, served: Server) -> None:
    page = seen.open("/settings?section=alerts")
    page.get_by_label("Name", exact=True).fill("quiet")
    page.get_by_label("Webhook").fill("https://hooks.example/x")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("cell", name="no event for 30m")).to_be_visible()
    (alert,) = served.api("alerts")["data"]
    assert (alert["name"], alert["kind"], alert["window"]) == ("quiet", "silence", "30m")
    page.get_by_role("button", name="Remove: quiet").click()
    page.get_by_role("button", name="Remove quiet?").click()
    expect(page.get_by_text("No alerts yet")).to_be_visible()


def test_the_snippet_ticks_and_names_the_site(seen: Seen, served: Server) -> None:
    page = seen.open("/settings")
    expect(page.get_by_text("First event received")).to_be_visible()
    page.get_by_label("Site", exact=True).fill("new.example")
    expect(page.get_by_text('data-site="new.example"')).to_be_visible()
    assert f":{served.collect_port}/eventmill.js" in page.content()


def test_topics_show_their_fields(seen: Seen) -> None:
    page = seen.open("/settings?section=topics")
    for name in ("event", "log", "request"):
        expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
