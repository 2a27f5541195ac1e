"""The Pipeline page: its figures, a reject mended and sent again, an event traced."""

import json
import os
import re
import signal

from playwright.sync_api import expect

from tests.acceptance.server import Server, until
from tests.web.conftest import Seen
from tests.web.test_behaviour import rows


def test_the_flow_and_the_ledger_are_the_apis(seen: Seen, served: Server) -> None:
    page = seen.open("/pipeline")
    expect(page.get_by_text("Everything runs.")).to_be_visible()
    now = served.api("pipeline")
    total = now["ledger"]["total"]
    shown = page.get_by_text(f"{total['received']} received = {total['stored']} stored").first
    expect(shown).to_be_visible()
    for name in ("Door", "Queue", "Worker", "Store"):
        expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    expect(page.locator(".node", has_text="Store")).to_contain_text(f"{now['store']['rows']}")
    assert [row[0] for row in rows(page, "Processes")] == [process["name"] for process in now["processes"]]
    by_topic = {row[0]: row[1:] for row in rows(page, "Ledger")}
    requests = served.api("ledger", topic="request", limit="0")["total"]
    assert by_topic["request"] == [str(requests[name]) for name in requests]


def test_a_reject_is_mended_and_sent_again(seen: Seen, served: Server) -> None:
    reply = served.post([{"id": "mend-me", "category": "x", "time": "the day before"}])
    assert reply.status == 200
    served.drain()
    page = seen.open("/pipeline?reason=invalid_time")
    page.get_by_role("button", name="Open: invalid_time").first.click()
    expect(page.get_by_label("As it came")).to_contain_text("the day before")
    editor = page.get_by_role("textbox", name="Mend")
    event = json.loads(editor.input_value())
    editor.fill("{")
    expect(page.get_by_text("This is no JSON")).to_be_visible()
    expect(page.get_by_role("button", name="Send mended")).to_be_disabled()
    event["time"] = "2026-11-20T10:00:00Z"
    editor.fill(json.dumps(event))
    page.get_by_role("button", name="Send mended").click()
    expect(page.get_by_text("1 event is in the queue again.")).to_be_visible()
    served.drain()
    until(lambda: served.api("events/mend-me")["state"] == "stored", "the mended event")
    page.get_by_role("button", name="Close").click()
    page.get_by_label("Id or receipt").fill("mend-me")
    page.get_by_role("button", name="Trace").click()
    expect(page.get_by_text("Stored as x")).to_be_visible()
    trace = served.api("events/mend-me")
    expect(page.get_by_text(f"In shard {trace['shard']}, entry {trace['seq']}")).to_be_visible()
    expect(page).to_have_url(re.compile("trace=mend-me"))


def test_a_trace_by_receipt_leads_to_the_reject(seen: Seen, served: Server) -> None:
    served.post([{"id": "late-1", "category": "x", "time": "never"}])
    served.drain()
    (reject,) = [row for row in served.api("rejects")["data"] if row["event_id"] == "late-1"]
    page = seen.open(f"/pipeline?trace={reject['id'].replace('#', '%23')}")
    expect(page.get_by_text("Rejected: invalid_time")).to_be_visible()
    page.get_by_role("link", name="Open the reject").click()
    expect(page.get_by_label("As it came")).to_contain_text("never")


def test_a_restart_is_shown_with_its_mend(seen: Seen, served: Server) -> None:
    page = seen.open("/pipeline")
    expect(page.get_by_text("Everything runs.")).to_be_visible()
    os.kill(served.pid("collector-0"), signal.SIGKILL)
    expect(page.get_by_text("collector-0 was restarted 1 time.")).to_be_visible(timeout=30_000)
    expect(page.locator(".node.warn", has_text="Door")).to_contain_text("has the reason of each")
