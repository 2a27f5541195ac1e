"""What brought a visitor, by general knowledge of hosts, campaign parameters and advertising ids. Data only; how an
event is looked up here: `sources`.
"""

PAID_MEDIUMS = (
    "cpc", "ppc", "cpm", "cpv", "cpa", "cpp", "paid", "paid-search", "paid_search", "paidsearch", "paid-social",
    "paid_social", "paidsocial", "paid-media", "display", "banner", "ad", "ads", "advert", "native", "sem",
    "retargeting", "remarketing", "interstitial",
)  # fmt: skip
"""`utm_medium` of advertisements."""
CLICK_IDS = ("gclid", "gbraid", "wbraid", "dclid", "msclkid", "yclid", "ttclid", "twclid", "li_fat_id", "bd_vid",
             "rdt_cid", "epik", "ScCid", "qhclickid")  # fmt: skip
"""Parameters that advertising networks add to the url of an advertisement; what is added to every link is not here."""
MEDIUMS = {
    "email": "mail", "e-mail": "mail", "e_mail": "mail", "mail": "mail", "newsletter": "mail", "edm": "mail",
    "social": "social", "social-network": "social", "social_network": "social", "social-media": "social",
    "social_media": "social", "sm": "social", "organic-social": "social", "organic_social": "social",
    "organic": "search", "search": "search", "seo": "search", "organic-search": "search", "referral": "referral",
    "affiliate": "referral", "partner": "referral",
}  # fmt: skip
"""`utm_medium` that says the channel by itself."""
HOSTS = {
    **dict.fromkeys((
        "outlook.live.com", "outlook.office.com", "outlook.office365.com", "e.mail.ru", "com.google.android.gm",
        "deref-gmx.net", "deref-web.de", "deref-mail.com", "exmail.qq.com", "app.fastmail.com", "navigator.gmx.net",
        "navigator.web.de",
    ), "mail"),
    **dict.fromkeys(("tieba.baidu.com", "qzone.qq.com", "user.qzone.qq.com", "mp.weixin.qq.com", "plus.google.com",
                     "news.ycombinator.com", "com.reddit.frontpage", "org.telegram.messenger"), "social"),
    **dict.fromkeys(("go.mail.ru", "search.brave.com", "com.google.android.googlequicksearchbox"), "search"),
    **dict.fromkeys((
        "translate.google.com", "docs.google.com", "drive.google.com", "sites.google.com", "groups.google.com",
        "classroom.google.com", "accounts.google.com", "zhidao.baidu.com", "baike.baidu.com", "pan.baidu.com",
        "finance.yahoo.com", "news.yahoo.com", "news.naver.com",
    ), "referral"),
    **dict.fromkeys(("googleads.g.doubleclick.net", "tpc.googlesyndication.com", "www.googleadservices.com"), "ad"),
}  # fmt: skip
"""Whole hosts: these win over the domains below."""
MAIL_LABELS = ("mail.", "webmail.")
"""What hosts of web mail begin with."""
DOMAINS = {
    **dict.fromkeys((
        "t.co", "x.com", "fb.com", "fb.me", "lnkd.in", "youtu.be", "redd.it", "pin.it", "vk.com", "ok.ru", "t.me",
        "wa.me", "line.me", "bsky.app", "threads.net", "threads.com", "mastodon.social", "mastodon.online",
        "fosstodon.org", "xhslink.com", "b23.tv", "v.qq.com", "lobste.rs", "weibo.cn", "zhihu.com", "douban.com",
        "xing.com",
    ), "social"),
    **dict.fromkeys(("so.com", "sm.cn", "ask.com", "you.com", "perplexity.ai", "cc.com", "search.ch", "search.com",
                     "t-online.de"), "search"),
    **dict.fromkeys(("doubleclick.net", "googlesyndication.com", "googleadservices.com", "taboola.com",
                     "outbrain.com", "criteo.com"), "ad"),
    **dict.fromkeys(("proton.me", "protonmail.com", "list-manage.com", "campaign-archive.com", "sendgrid.net"), "mail"),
}  # fmt: skip
"""Registered domains with all that is below them."""
NAMES = {
    **dict.fromkeys((
        "google", "bing", "duckduckgo", "yahoo", "baidu", "yandex", "ecosia", "qwant", "startpage", "sogou", "naver",
        "daum", "seznam", "kagi", "mojeek", "swisscows", "petalsearch", "aol", "lycos", "dogpile", "webcrawler",
        "metager", "presearch", "coccoc", "rambler", "haosou", "toutiao", "onesearch", "exalead", "gibiru",
    ), "search"),
    **dict.fromkeys((
        "facebook", "instagram", "twitter", "linkedin", "pinterest", "reddit", "tiktok", "douyin", "youtube", "weibo",
        "wechat", "weixin", "xiaohongshu", "bilibili", "kuaishou", "telegram", "whatsapp", "discord", "snapchat",
        "tumblr", "quora", "kakao", "vkontakte", "zhihu", "douban", "threads", "mastodon", "bluesky", "hackernews",
        "messenger", "qzone",
    ), "social"),
    **dict.fromkeys(("newsletter", "mailchimp", "sendinblue", "brevo", "klaviyo", "mailjet", "gmail"), "mail"),
    **dict.fromkeys(("adwords", "googleads", "doubleclick"), "ad"),
}  # fmt: skip
"""Names under any ending (`google.co.uk`), and as they stand in `utm_source`."""
