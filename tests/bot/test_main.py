"""bot/__main__.py: the `imago` command in a process of its own."""

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from bot.__main__ import BROKEN_PIPE, main
from bot.config import Config, Secret, environment_name

ROOT = Path(__file__).parents[2]
IMAGO = [sys.executable, "-m", "bot"]


def test_serve_stops_in_order_on_sigterm(tmp_path: Path) -> None:
    """A service manager must be able to stop and start it at any time: exit code 0."""
    config = tmp_path / "c.toml"
    config.write_text(f'[bot]\nfolder = "{tmp_path / "bot"}"\n[web]\nport = 0\n')
    (tmp_path / "bot" / "pictures").mkdir(parents=True)
    (tmp_path / "bot" / "pictures" / "1.png").touch()
    (tmp_path / "bot" / "pictures").chmod(0o755)
    (tmp_path / "bot" / "pictures" / "1.png").chmod(0o644)
    command = [*IMAGO, "serve", "--config", str(config)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, umask=0o022) as process:
        assert process.stderr is not None
        assert "http://127.0.0.1:" in process.stderr.readline()
        kept = [tmp_path / "bot", *(tmp_path / "bot").rglob("*")]
        assert len(kept) >= 5 and [path for path in kept if path.stat().st_mode & 0o077] == [], "open to others"
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(30) == 0
        assert "Traceback" not in process.stderr.read()


def test_a_wrong_config_is_one_line_and_exit_code_78(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """78 tells the service manager that trying again does not help."""
    config = tmp_path / "c.toml"
    config.write_text("[web]\nprot = 1\n")
    assert main(["serve", "--config", str(config)]) == 78
    assert capsys.readouterr().err.splitlines() == [
        f"imago: {config}: [web] has no setting prot; known are enabled, host, port, token, queued, per_day."
    ]


def test_every_command_and_every_environment_variable_is_documented(capsys: pytest.CaptureFixture[str]) -> None:
    """What nobody can find is not there."""
    told = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    with pytest.raises(SystemExit):
        main(["--help"])
    commands = re.findall(r"^    (\w+) ", capsys.readouterr().out, re.MULTILINE)
    assert {"serve", "doctor"} <= set(commands)
    assert [command for command in commands if f"imago {command}" not in told] == []
    secrets = [
        environment_name(section.name, setting.name)
        for section in fields(Config)
        if section.name != "styles"  # names of one's own
        for setting in fields(getattr(Config(), section.name))
        if isinstance(setting.default, Secret)
    ]
    assert secrets and [name for name in secrets if f"`{name}`" not in told] == []


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """The first thing that a report of a fault needs."""
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0 and re.fullmatch(r"imago \S+\n", capsys.readouterr().out)


def test_an_unknown_command_is_one_line_with_a_guess(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, as of every mistake in a command line."""
    with pytest.raises(SystemExit) as ended:
        main(["sreve"])
    assert ended.value.code == 2 and "serve" in capsys.readouterr().err


def test_what_a_backup_cannot_be_made_of_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder without a database is no bot's."""
    config = tmp_path / "c.toml"
    config.write_text(f'[bot]\nfolder = "{tmp_path / "nowhere"}"\n')
    assert main(["backup", str(tmp_path / "b.tar"), "--config", str(config)]) != 0
    assert os.umask(0o022) == 0o077, "others could have read it"
    said = capsys.readouterr().err
    assert said.startswith("imago: ") and said.count("\n") == 1


def test_a_reader_that_has_seen_enough_is_no_fault() -> None:
    """`imago models | head -1`: the exit code of SIGPIPE, and no traceback."""
    with subprocess.Popen([*IMAGO, "models"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as listing:
        assert listing.stdout is not None and listing.stderr is not None
        listing.stdout.close()
        assert listing.stderr.read() == ""
        assert listing.wait(60) == BROKEN_PIPE


def test_doctor_tells_a_script_in_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the same exit code as for people."""
    config = tmp_path / "c.toml"
    config.write_text("[wob]\n")
    assert main(["doctor", "--json", "--config", str(config)]) == 1
    assert "config" in json.dumps(json.loads(capsys.readouterr().out))
