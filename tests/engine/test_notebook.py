"""docs/notebook.ipynb is run from top to bottom, with the toybox."""

from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "docs/notebook.ipynb"


def test_it_is_committed_without_what_it_printed() -> None:
    """Pictures in a repository are for ever."""
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    assert 9 <= len(cells) <= 12
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what runs the kernel, none of ours
def test_it_draws_shows_each_preview_and_the_gif(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever rents a GPU by the minute should not have to mend it first."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR", "IMAGO_MODELS"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    settings = next(cell for cell in notebook.cells if cell.id == "settings")
    for usual, here in (('MODELS = "auto"', 'MODELS = "toybox"'), ("STEPS = None", "STEPS = 2")):
        assert usual in settings.source
        settings.source = settings.source.replace(usual, here)
    nbclient.NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    outputs = {cell.id: cell.get("outputs", []) for cell in notebook.cells}
    assert "image/gif" in outputs["gif"][0]["data"]
    assert any("image/png" in output.get("data", {}) for output in outputs["draw"])
    assert {path.name for path in tmp_path.glob("*.png")} == {"picture.png", "large.png"}
    assert "imago draw" in outputs["save"][0]["text"]
