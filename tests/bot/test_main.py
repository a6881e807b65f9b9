"""bot/__main__.py: the `imago` command in a process of its own."""

import os
import re
import signal
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

from bot.config import Config, Secret, environment_name

ROOT = Path(__file__).parents[2]
IMAGO = [sys.executable, "-m", "bot"]


def test_serve_stops_in_order_on_sigterm(tmp_path: Path) -> None:
    """A service manager must be able to stop and start it at any time: exit code 0."""
    config = tmp_path / "c.toml"
    config.write_text(f'[bot]\nfolder = "{tmp_path / "bot"}"\n[web]\nport = 0\n')
    (tmp_path / "bot" / "pictures").mkdir(parents=True, mode=0o755)
    (tmp_path / "bot" / "pictures" / "1.png").touch(0o644)
    with subprocess.Popen([*IMAGO, "serve", "--config", str(config)], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "http://127.0.0.1:" in process.stderr.readline()
        kept = [tmp_path / "bot", *(tmp_path / "bot").rglob("*")]
        assert len(kept) >= 5 and [path for path in kept if path.stat().st_mode & 0o077] == [], "open to others"
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(30) == 0
        assert "Traceback" not in process.stderr.read()


def test_a_wrong_config_is_one_line_and_exit_code_78(tmp_path: Path) -> None:
    """78 tells the service manager that trying again does not help."""
    config = tmp_path / "c.toml"
    config.write_text("[web]\nprot = 1\n")
    done = subprocess.run([*IMAGO, "serve", "--config", str(config)], capture_output=True, text=True)
    assert done.returncode == 78
    assert done.stderr.splitlines() == [
        f"imago: {config}: [web] has no setting prot; known are enabled, host, port, token, queued, per_day."
    ]


def test_every_command_and_every_environment_variable_is_documented() -> None:
    """What nobody can find is not there."""
    told = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    helped = subprocess.run([*IMAGO, "--help"], capture_output=True, text=True).stdout
    commands = re.findall(r"^    (\w+) ", helped, re.MULTILINE)
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
