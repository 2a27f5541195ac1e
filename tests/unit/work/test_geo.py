"""Countries come from the operator's file, and only from there."""

from pathlib import Path

import pytest

from eventmill.settings import SettingsError
from eventmill.work.enrich import Enrich
from eventmill.work.geo import open_countries
from eventmill.work.identity import Identify
from tests.unit.work.lines import batch
from tests.unit.work.mmdb import write_mmdb

NETWORKS = {
    "192.0.2.0/24": {"country": {"iso_code": "DE", "names": {"en": "Germany"}}, "continent": {"code": "EU"}},
    "198.51.100.0/25": {"country_code": "cn"},
    "203.0.113.0/24": {"country": "FR"},
    "2001:db8:1::/48": {"country": {"iso_code": "BR"}},
    "2001:db8:2::/48": {"registered_country": {"iso_code": "US"}},
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "countries.mmdb"
    write_mmdb(path, NETWORKS)
    return path


@pytest.mark.parametrize(("address", "code"), [
    ("192.0.2.0", "DE"), ("192.0.2.77", "DE"), ("198.51.100.0", "CN"), ("198.51.100.128", ""), ("203.0.113.0", "FR"),
    ("2001:db8:1::", "BR"), ("2001:db8:2::", ""), ("2001:db8:3::", ""), ("127.0.0.0", ""), ("no address", ""),
    ("192.0.2.0.", ""), ("192.0.2.0/24", ""),
])  # fmt: skip
def test_addresses(file: Path, address: str, code: str) -> None:
    countries = open_countries(str(file))
    assert countries is not None
    assert countries(address) == code


def test_each_address_is_looked_up_once(file: Path) -> None:
    asked: list[str] = []
    countries = open_countries(str(file))
    assert countries is not None

    def noted(address: str) -> str:
        asked.append(address)
        return countries(address)

    addresses = ["192.0.2.0", "203.0.113.0", "", "192.0.2.0"] * 1000
    made = Enrich(noted)(Identify()(batch(*({"ip": address} for address in addresses))))
    assert made.frame["country"].to_list() == ["DE", "FR", "", "DE"] * 1000
    assert sorted(asked) == ["192.0.2.0", "203.0.113.0"]


def test_the_step_adds_them_to_events(file: Path) -> None:
    sent = [{"ip": "192.0.2.0"}, {"ip": "127.0.0.0"}, {}]
    made = Enrich(open_countries(str(file)))(Identify()(batch(*sent)))
    assert made.frame["country"].to_list() == ["DE", "", ""]
    assert Enrich()(Identify()(batch(*sent))).frame["country"].to_list() == ["", "", ""]


def test_no_file_and_a_wrong_one(tmp_path: Path) -> None:
    assert open_countries("") is None
    with pytest.raises(SettingsError, match=r"geo\.database: .*missing\.mmdb is no MMDB file"):
        open_countries(str(tmp_path / "missing.mmdb"))
    wrong = tmp_path / "wrong.mmdb"
    wrong.write_bytes(b"no database")
    with pytest.raises(SettingsError, match="is no MMDB file"):
        open_countries(str(wrong))
