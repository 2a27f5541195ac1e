"""What the made-up world consists of: sites, pages, browsers, ways in."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Site:
    """A site. `hours` are weights of the day's 24 hours, `weekend` scales Saturday and Sunday. `ways` says where a
    visit begins (from "") and what follows each page, with weights; "" ends it."""

    name: str
    share: float
    visitors: int
    weekend: float
    hours: tuple[int, ...]
    ways: dict[str, dict[str, int]]
    clicks: tuple[str, ...]


_EVENING = (3, 2, 1, 1, 1, 2, 4, 6, 8, 9, 10, 11, 12, 11, 10, 10, 11, 13, 16, 20, 22, 19, 12, 6)
_OFFICE = (1, 1, 1, 1, 1, 2, 4, 9, 16, 20, 21, 19, 14, 17, 20, 20, 17, 12, 7, 5, 4, 3, 2, 1)

SITES = (
    Site(
        "shop.example", 0.5, 6000, 1.4, _EVENING,
        {
            "": {"/": 55, "/c/coffee": 14, "/p/espresso": 12, "/c/tea": 8, "/p/kettle": 7, "/p/mug": 4},
            "/": {"": 38, "/c/coffee": 28, "/c/tea": 12, "/c/cups": 9, "/p/espresso": 9, "/cart": 4},
            "/c/coffee": {"": 22, "/p/espresso": 34, "/p/filter": 24, "/": 10, "/c/cups": 10},
            "/c/tea": {"": 34, "/p/kettle": 40, "/c/cups": 14, "/": 12},
            "/c/cups": {"": 30, "/p/mug": 48, "/": 22},
            "/p/espresso": {"": 42, "/cart": 30, "/p/filter": 16, "/c/coffee": 12},
            "/p/filter": {"": 46, "/cart": 24, "/p/espresso": 18, "/c/coffee": 12},
            "/p/kettle": {"": 48, "/cart": 26, "/c/tea": 26},
            "/p/mug": {"": 52, "/cart": 22, "/c/cups": 26},
            "/cart": {"": 34, "/checkout": 52, "/c/coffee": 14},
            "/checkout": {"": 90, "/cart": 10},
        },
        ("add_to_cart", "coupon", "newsletter", "wishlist"),
    ),
    Site(
        "docs.example", 0.2, 2500, 0.35, _OFFICE,
        {
            "": {"/": 40, "/install": 20, "/reference/api": 22, "/guide/events": 12, "/faq": 6},
            "/": {"": 24, "/start": 46, "/install": 18, "/reference/api": 12},
            "/start": {"": 20, "/install": 44, "/guide/events": 30, "/faq": 6},
            "/install": {"": 40, "/guide/events": 34, "/start": 12, "/faq": 14},
            "/guide/events": {"": 36, "/guide/topics": 36, "/reference/api": 28},
            "/guide/topics": {"": 40, "/guide/queue": 40, "/reference/api": 20},
            "/guide/queue": {"": 60, "/reference/api": 40},
            "/reference/api": {"": 62, "/guide/events": 24, "/faq": 14},
            "/faq": {"": 70, "/start": 30},
        },
        ("copy_code", "helpful", "edit_page"),
    ),
    Site(
        "app.example", 0.3, 1500, 0.25, _OFFICE,
        {
            "": {"/login": 70, "/inbox": 20, "/board/42": 10},
            "/login": {"": 8, "/inbox": 80, "/settings": 12},
            "/inbox": {"": 16, "/board": 60, "/board/42": 16, "/report": 8},
            "/board": {"": 18, "/board/42": 56, "/inbox": 14, "/team": 12},
            "/board/42": {"": 34, "/board": 40, "/report": 16, "/inbox": 10},
            "/report": {"": 50, "/board": 40, "/settings": 10},
            "/settings": {"": 50, "/team": 30, "/inbox": 20},
            "/team": {"": 50, "/board": 50},
        },
        ("create", "share", "export", "dark_mode"),
    ),
)  # fmt: skip

_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0"
_SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6"
_WINDOWS, _MAC = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
_PIXEL, _IPHONE = "Mozilla/5.0 (Linux; Android 15; Pixel 9)", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X)"
AGENTS: tuple[tuple[str, str, int], ...] = (
    (f"{_WINDOWS} {_CHROME} Safari/537.36", "1920x1080", 30),
    (f"{_PIXEL} {_CHROME} Mobile Safari/537.36", "412x924", 22),
    (f"{_IPHONE} {_SAFARI} Mobile/15E148 Safari/604.1", "393x852", 20),
    (f"{_MAC} {_SAFARI} Safari/605.1.15", "1728x1117", 9),
    (f"{_WINDOWS} {_CHROME} Safari/537.36 Edg/142.0.0.0", "1366x768", 8),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "2560x1440", 7),
    (f"Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) {_SAFARI} Mobile/15E148 Safari/604.1", "1024x1366", 4),
)
"""User agent, screen, weight."""

BOTS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    "curl/8.14.1",
)

LANGUAGES = (("en-US", 40), ("de-DE", 18), ("zh-CN", 16), ("fr-FR", 9), ("es-ES", 9), ("pt-BR", 5), ("ja-JP", 3))

WAYS_IN: tuple[tuple[str, str, int], ...] = (
    ("", "", 34),
    ("https://www.google.com/", "", 28),
    ("https://duckduckgo.com/", "", 5),
    ("https://www.bing.com/", "", 4),
    ("https://news.ycombinator.com/", "", 4),
    ("https://www.reddit.com/r/coffee/", "", 4),
    ("https://t.co/x", "utm_source=twitter&utm_medium=social&utm_campaign=autumn", 5),
    ("", "utm_source=newsletter&utm_medium=email&utm_campaign=week-47", 9),
    ("https://www.google.com/", "utm_source=google&utm_medium=cpc&utm_campaign=black-friday", 7),
)
"""Referrer, query of the first page, weight."""

PRODUCTS = {"espresso": 24.9, "filter": 18.5, "kettle": 59.0, "mug": 12.0}

ROUTES: tuple[tuple[str, str, int, int], ...] = (
    ("GET", "/", 18, 30), ("GET", "/api/items", 60, 26), ("GET", "/api/items/{id}", 24, 22),
    ("POST", "/api/cart", 45, 9), ("POST", "/api/orders", 140, 3), ("GET", "/api/search", 95, 8),
    ("DELETE", "/api/cart/{id}", 30, 2),
)  # fmt: skip
"""Method, route, usual ms, weight."""

STATUSES = (("200", 930), ("304", 30), ("404", 25), ("500", 5), ("429", 4), ("201", 6))
