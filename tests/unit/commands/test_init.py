"""`init` writes a file once."""

import typer
from typer.testing import CliRunner

from eventmill.commands.init import init

app = typer.Typer()
app.command()(init)


def test_writes_and_refuses_to_overwrite(tmp_path):
    file = tmp_path / "eventmill.toml"
    assert CliRunner().invoke(app, [str(file)]).exit_code == 0
    first = file.read_text()
    assert "#processes = 2" in first
    file.write_text("mine")
    refused = CliRunner().invoke(app, [str(file)])
    assert refused.exit_code == 1
    assert "overwrite it with --force" in refused.output
    assert file.read_text() == "mine"
    assert CliRunner().invoke(app, [str(file), "--force"]).exit_code == 0
    assert file.read_text() == first


def test_a_folder_that_is_not_there(tmp_path):
    refused = CliRunner().invoke(app, [str(tmp_path / "no" / "eventmill.toml")])
    assert refused.exit_code == 1
    assert "No such file" in refused.output
