"""what a picture takes here, measured without weights."""

from dataclasses import replace
from pathlib import Path

import pytest

import engine
from bot.__main__ import main
from bot.cli.models import about
from engine.model_sets.pace import Pace, known_pace, remember, suits
from engine.model_sets.weights import load_model_set


@pytest.fixture(autouse=True)
def models_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMAGO_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def test_a_set_is_measured_and_the_list_shows_it(capsys: pytest.CaptureFixture[str]) -> None:
    """The toybox's, by networks of its shapes with random weights."""
    assert known_pace("toybox") is None
    assert main(["models", "measure", "toybox"]) == 0
    told = capsys.readouterr()
    assert "toybox: about" in told.out and "pretrained" not in told.err
    asked = engine.Request(prompt="a star", models="toybox")
    assert engine.known_seconds(asked) == pytest.approx(known_pace("toybox").picture)
    assert engine.known_seconds(replace(asked, quality="draft", count=2)) == pytest.approx(known_pace("toybox").picture)
    assert main(["models"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if " toybox " in line)
    assert line.startswith("* ") and "about" in line


def test_what_cannot_be_read_was_not_measured(models_folder: Path) -> None:
    remember("toybox", Pace(step=0.5, steps=100, device="cpu"))
    assert known_pace("toybox").picture == 50.0
    (models_folder / "pace.json").write_text("[")
    assert known_pace("toybox") is None


def test_what_cannot_be_kept_is_told_all_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder that nobody may write to: “toybox: None” it said."""
    monkeypatch.setenv("IMAGO_MODELS", "/dev/null/models")
    assert main(["models", "measure", "toybox"]) == 0
    assert "toybox: about" in capsys.readouterr().out


def test_small_networks_suit_a_machine_without_a_card() -> None:
    """OpenAI's takes half a day there. What was measured is known better."""
    assert suits(load_model_set("pixelart")) and suits(load_model_set("toybox"))
    remember("pixelart", Pace(step=30.0, steps=97, device="cpu"))
    remember("imagenet256", Pace(step=0.1, steps=1000, device="cuda"))
    assert not suits(load_model_set("pixelart")) and suits(load_model_set("imagenet256"))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.9, "about 1 second"), (4.2, "about 4 seconds"), (370, "about 6 minutes"), (40_000, "about 11 hours")],
)
def test_a_time_is_said_as_people_do(seconds: float, said: str) -> None:
    assert about(seconds) == said
