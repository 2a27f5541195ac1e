"""User agents: browser, operating system, kind of device, and whether it is a bot. Computed once per distinct text."""

import re
from functools import lru_cache

from ua_parser import parse

_BOT = re.compile(
    r"bot\b|bots\b|crawl|spider|slurp|archiver|preview|monitor|uptime|pingdom|healthcheck|health-check|headless|"
    r"lighthouse|^curl/|^wget/|python-requests|python-urllib|aiohttp|httpx|go-http-client|java/|okhttp|libwww|"
    r"apachebench|wrk|scrapy|facebookexternalhit|feedfetcher|feedburner|rss|validator|scanner|nmap|nikto|masscan",
    re.IGNORECASE,
)
_TABLET = re.compile(r"ipad|tablet|kindle|silk|playbook|nexus (7|9|10)|sm-t\d", re.IGNORECASE)
_MOBILE = re.compile(r"mobi|iphone|ipod|android|windows phone|blackberry|opera mini", re.IGNORECASE)
_TV = re.compile(r"smart-?tv|appletv|googletv|hbbtv|roku|crkey|bravia", re.IGNORECASE)


@lru_cache(maxsize=20_000)
def describe(text: str) -> tuple[str, str, str, bool]:
    """(browser, os, device, bot); device is desktop, mobile, tablet, tv, bot or "". Families after ua-parser's data."""
    if not text:
        return "", "", "", False
    found = parse(text[:1000])
    browser = found.user_agent.family if found.user_agent else ""
    system = found.os.family if found.os else ""
    spider = bool(found.device and found.device.family == "Spider")
    bot = spider or bool(_BOT.search(text))
    return browser, system, "bot" if bot else _device(text), bot


def _device(text: str) -> str:
    if _TV.search(text):
        return "tv"
    if _TABLET.search(text) or ("Android" in text and "Mobile" not in text):
        return "tablet"
    if _MOBILE.search(text):
        return "mobile"
    return "desktop" if "Mozilla" in text or "Opera" in text else ""
