"""The configuration: flag > environment > file > default, and an error that names the option and the mend."""

from pathlib import Path

import pytest

from eventmill.settings import Settings, SettingsError, address, duration, load, option_names, size


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def written(text: str, name: str = "eventmill.toml") -> Path:
    path = Path(name)
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_without_a_file():
    settings = load(env={})
    assert settings.collect.listen == ["0.0.0.0:8080"]
    assert settings.web.listen == "127.0.0.1:8090"
    assert settings.data_dir == Path("eventmill-data").absolute()
    assert sorted(settings.topics) == ["event", "log", "request"]


def test_the_file_in_the_working_directory_is_read():
    written('timezone = "Asia/Shanghai"\n[collect]\nprocesses = 3')
    settings = load(env={})
    assert (settings.timezone, settings.collect.processes) == ("Asia/Shanghai", 3)


@pytest.mark.parametrize(
    ("flags", "env", "expected"),
    [
        ({}, {}, 3),
        ({}, {"EVENTMILL_COLLECT_PROCESSES": "4"}, 4),
        ({"collect.processes": 5}, {"EVENTMILL_COLLECT_PROCESSES": "4"}, 5),
        ({"collect.processes": None}, {"EVENTMILL_COLLECT_PROCESSES": "4"}, 4),
    ],
)
def test_precedence(flags, env, expected):
    written("[collect]\nprocesses = 3")
    assert load(flags=flags, env=env).collect.processes == expected


def test_the_environment_names_the_file():
    named = written('timezone = "Europe/Berlin"', "other.toml")
    assert load(env={"EVENTMILL_CONFIG": str(named)}).timezone == "Europe/Berlin"


def test_every_option_can_come_from_the_environment():
    samples = {
        "data": "d", "timezone": "Europe/Berlin", "collect.listen": "127.0.0.1:1,127.0.0.1:2",
        "collect.trusted_proxies": "10.0.0.0/8, ::1", "collect.pixel_paths": "/a.png", "web.listen": "127.0.0.1:3",
        "web.allowed_hosts": "a.example,b.example", "collect.do_not_track": "drop", "queue.url": "sqlite:q",
        "queue.spill": "false",
        "store.url": "chdb:s", "store.keep": "400d", "work.linger": "1s",
            "settings_db": "sqlite:", "alerts.allow_private": "true", "alerts.every": "1m", "alerts.timeout": "2s",
    }  # fmt: skip
    for option in option_names():
        if option == "topics":
            continue
        text = samples.get(option, "7" if isinstance(_value(Settings(), option), int | float) else "7MB")
        settings = load(env={"EVENTMILL_" + option.upper().replace(".", "_"): text})
        value = _value(settings, option)
        shown = ",".join(value) if isinstance(value, list) else str(value)
        assert shown.removesuffix(".0").replace("True", "true").replace("False", "false") == text.replace(" ", ""), (
            option
        )


def _value(settings, option):
    value = settings
    for name in option.split("."):
        value = getattr(value, name)
    return value


@pytest.mark.parametrize("text", ['store = "chdb:other"', '[store]\nurl = "chdb:other"\nkeep = "90d"'])
def test_a_section_with_a_url_may_be_written_short(text):
    written(text)
    assert load(env={}).store.url == "chdb:other"


def test_short_environment_names_for_urls():
    settings = load(env={"EVENTMILL_QUEUE": "sqlite:/q", "EVENTMILL_STORE": "chdb:/s", "EVENTMILL_STORE_KEEP": "9d"})
    assert (settings.queue.url, settings.store.url, settings.store.keep) == ("sqlite:/q", "chdb:/s", "9d")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colect = 1", "colect: there is no such option; did you mean collect"),
        ("[collect]\nproceses = 1", "did you mean collect.processes?"),
        ("zzz = 1", "`eventmill init` lists all"),
        ("[collect]\nprocesses = 0", "collect.processes: expected `int` >= 1"),
        ('[collect]\nprocesses = "2"', "collect.processes: expected `int`, got `str`"),
        ("collect = 5", "collect: expected `object`, got `int`"),
        ("queue = 5", "queue: expected `object`"),
        ("data = 5", "data: expected `str`"),
        ("[collect]\nlisten = []", "collect.listen: needs at least one address"),
        ('[collect]\nlisten = ["8080"]', "collect.listen: '8080' is no address; write 127.0.0.1:8080"),
        ('[web]\nframes = ["https://a.example"]', "web.frames: 'https://a.example' is no host; write shop.example"),
        ('[web]\nlisten = "x:99999"', "web.listen: 'x:99999' is no address"),
        ('[collect]\nmax_body = "10 apples"', "collect.max_body: '10 apples' is no size; write 10MB"),
        ('[collect]\ntrusted_proxies = ["lan"]', "collect.trusted_proxies: 'lan' is no network; write 10.0.0.0/8"),
        ('[collect]\npixel_paths = ["p.png"]', "collect.pixel_paths: 'p.png' must be a path that starts with /"),
        ('[collect]\ndo_not_track = "no"', "collect.do_not_track: expected `str` matching"),
        ('[store]\nkeep = "ever"', "store.keep: 'ever' is no duration; write 15d"),
        ('timezone = "Mars/Base"', "timezone: 'Mars/Base' is no IANA time zone such as Europe/Berlin"),
        ('timezone = ""', "timezone: '' is no IANA time zone"),
        ('[topics.a]\nretention = "long"', "topics.a.retention: 'long' is no duration; write 15d"),
        ("[topics.a]\nfoo = 1", "topics.a.foo: there is no such option"),
        ('[topics.a]\nfield_count = "4"', "topics.a.field_count: expected `int | null`, got `str`"),
        ('[topics.a.fields.b]\ntype = "numbr"', "topics.a.fields.b.type: invalid enum value 'numbr'"),
        ('[topics.a.fields.b]\ntype = "enum"', "topics.a.fields.b: an enum needs values"),
        ('[topics.a]\naliases = ["/e"]', "topics.a.aliases: /e is a path of eventmill's own"),
        ('[topics.a]\naliases = ["/event.png"]', "topics.a.aliases: /event.png is a path of eventmill's own"),
        ("x = ", "eventmill.toml: "),
        ('store = "chdb:"\n[store]\nkeep = "1d"', 'write its url there: [store] url = "chdb:"'),
    ],
)
def test_errors_name_the_option_and_the_mend(text, message):
    written(text)
    with pytest.raises(SettingsError) as caught:
        load(env={})
    assert message in str(caught.value)


def test_a_named_file_that_is_missing():
    with pytest.raises(SettingsError, match=r"nowhere\.toml: No such file.*eventmill init"):
        load(Path("nowhere.toml"), env={})


def test_a_wrong_environment_variable_is_named():
    with pytest.raises(SettingsError, match="EVENTMILL_COLLECT_PROCESSES='many'"):
        load(env={"EVENTMILL_COLLECT_PROCESSES": "many"})


def test_managed_topics_are_merged_and_the_file_wins():
    Path("d").mkdir()
    written('[topics.order]\nfield_count = 1\n[topics.visit]\nretention = "2d"', "d/topics.toml")
    written("[topics.order]\nfield_count = 9")
    settings = load(flags={"data": "d"}, env={})
    assert settings.topics["order"].field_count == 9
    assert settings.topics["visit"].retention == "2d"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("10MB", 10_000_000), ("512KiB", 524_288), ("1000", 1000), ("1.5 GB", 1_500_000_000), ("2k", 2000), ("7B", 7)],
)
def test_sizes(text, expected):
    assert size(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("15d", 1_296_000_000), ("12h", 43_200_000), ("200ms", 200), ("90", 90_000), ("0", 0), ("1w", 604_800_000)],
)
def test_durations(text, expected):
    assert duration(text) == expected


@pytest.mark.parametrize("text", ["", "-1d", "1y", "d", "1 2d"])
def test_what_is_no_duration(text):
    with pytest.raises(SettingsError):
        duration(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("127.0.0.1:1", ("127.0.0.1", 1)), ("[::1]:80", ("::1", 80)), (":8080", ("0.0.0.0", 8080))],
)
def test_addresses(text, expected):
    assert address(text) == expected
