"""bot/cli/doctor.py"""

from pathlib import Path

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


def test_a_wrong_config_is_the_first_thing_to_mend(tmp_path: Path) -> None:
    """Nothing else can be checked without it."""
    code, said = examined(tmp_path, "[wob]")
    assert code == 1 and said.startswith("✗ config") and "\n" not in said
