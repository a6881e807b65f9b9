"""bot/cli/doctor.py"""

from pathlib import Path

import pytest

from bot.cli import doctor


def examined(folder: Path, more: str = "") -> tuple[int, str]:
    (folder / "c.toml").write_text(f'[bot]\nfolder = "{folder}"\n{more}')
    lines: list[str] = []
    return doctor.run(folder / "c.toml", lines.append), "\n".join(lines)


def test_all_is_well_with_the_toybox(tmp_path: Path) -> None:
    """What is shipped works; the exit code says so."""
    code, said = examined(tmp_path)
    assert code == 0 and "✗" not in said
    assert all(f"✓ {name}" in said for name in ("config", "python", "torch", "models", "disk", "database"))


def test_each_fault_is_said_with_what_to_do(tmp_path: Path) -> None:
    """And the later checks are made all the same."""
    (tmp_path / "imago.sqlite").write_bytes(b"not a database" * 100)
    code, said = examined(tmp_path, '[engine]\nmodels = "none"')
    assert code == 1
    assert "✗ models: There is no model set" in said and "✗ database" in said and "✓ disk" in said


def test_a_cluster_that_is_not_there_is_said(tmp_path: Path) -> None:
    """The bot itself would wait for it, in silence but for its log."""
    pytest.importorskip("ray")
    (tmp_path / "c.toml").write_text(f'[bot]\nfolder = "{tmp_path}"\n[engine]\nray = "127.0.0.1:9"')
    found = {name: (ok, text) for name, ok, text in doctor.findings(tmp_path / "c.toml")}
    sentence = "nothing answers at 127.0.0.1:9 (Connection refused): start it with `ray start`, see docs/scaling.md."
    assert found["engines"] == (False, sentence)


def test_a_wrong_config_is_the_first_thing_to_mend(tmp_path: Path) -> None:
    """Nothing else can be checked without it."""
    code, said = examined(tmp_path, "[wob]")
    assert code == 1 and said.startswith("✗ config") and "\n" not in said
