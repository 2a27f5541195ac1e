"""What is checked before any process of a server is started."""

from pathlib import Path

import msgspec
import pytest

from eventmill.app import plan
from eventmill.settings import Settings, StoreTable
from eventmill.store.base import StoreError


@pytest.mark.parametrize(
    ("mark", "complains"),
    [
        ({"version": 999, "timezone": "UTC"}, "opened by a newer eventmill"),
        ({"version": 1, "timezone": "Asia/Shanghai"}, "cuts days in Asia/Shanghai"),
    ],
)
@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_store_that_must_not_be_opened_stops_the_door_too(
    mark: dict[str, object], complains: str, elsewhere: bool, tmp_path: Path
) -> None:
    place = tmp_path / ("other" if elsewhere else "store")
    (tmp_path / f"{place.name}.json").write_bytes(msgspec.json.encode(mark))
    url = f"chdb://{place}" if elsewhere else "chdb:"
    settings = Settings(data=str(tmp_path), store=StoreTable(url=url))
    with pytest.raises(StoreError, match=complains):
        plan(settings, lock=0)
    assert not (tmp_path / "run").exists(), "no plan is left that a parent could follow"
