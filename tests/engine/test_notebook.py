"""docs/notebook.ipynb is run from top to bottom, with the toybox."""

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

NOTEBOOK = Path(__file__).parents[2] / "docs/notebook.ipynb"


@pytest.fixture
def cells() -> list[Any]:
    nbformat = pytest.importorskip("nbformat")
    return nbformat.read(NOTEBOOK, as_version=4).cells


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """What runs the cells of a kernel, in an empty folder; a kernel's own process would import torch once more."""
    pytest.importorskip("IPython")
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    for name in ("IPYTHONDIR", "IMAGO_MODELS"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.chdir(tmp_path)
    config = Config(HistoryManager={"enabled": False})
    shell = InteractiveShell.instance(config=config, user_module=ModuleType("cells"))
    yield shell
    InteractiveShell.clear_instance()
    shell.restore_sys_module_state()


def test_it_is_committed_without_what_it_printed(cells: list[Any]) -> None:
    """Pictures in a repository are for ever."""
    assert 9 <= len(cells) <= 12
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)


async def test_it_draws_shows_each_preview_and_the_gif(cells: list[Any], shell: Any, tmp_path: Path) -> None:
    """Whoever rents a GPU by the minute should not have to mend it first. As in a kernel, an event loop is running."""
    from IPython.utils.capture import capture_output

    settings = next(cell for cell in cells if cell.id == "settings")
    for usual, here in (('MODELS = "auto"', 'MODELS = "toybox"'), ("STEPS = None", "STEPS = 2")):
        assert usual in settings.source
        settings.source = settings.source.replace(usual, here)
    displayed: dict[str, list[str]] = {}  # kinds of what each cell shows
    printed: dict[str, str] = {}
    for cell in cells:
        if cell.cell_type == "code":
            with capture_output() as outputs:
                done = await shell.run_cell_async(cell.source, transformed_cell=shell.transform_cell(cell.source))
            done.raise_error()
            result = {} if done.result is None else shell.display_formatter.format(done.result)[0]
            displayed[cell.id] = [kind for data in (*(out.data for out in outputs.outputs), result) for kind in data]
            printed[cell.id] = outputs.stdout
    assert "image/gif" in displayed["gif"] and "image/png" in displayed["upscale"]
    assert displayed["draw"].count("image/png") == 3, "two previews and the picture"
    assert {path.name for path in tmp_path.glob("*.png")} == {"picture.png", "large.png"}
    assert "imago draw" in printed["save"]
