"""bot/cli/models.py, beyond what tests/engine/test_fetch.py does with it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import engine
from bot import app
from bot.__main__ import main
from bot.cli import models as model_commands
from bot.config import BotConfig, Config, EngineConfig
from bot.errors import ConfigError
from engine import BadRequest, Fetching


@pytest.fixture(autouse=True)
def nothing_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGO_MODELS", str(tmp_path / "models"))


def test_auto_is_found_out_in_another_process() -> None:
    """The bot's own never loads torch. A machine with a GPU would fetch; the tests run without one."""
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available() or torch.backends.mps.is_available():
        pytest.skip("this machine would fetch 2.6 GB")
    assert model_commands.ready_elsewhere() == "picturebook"


async def test_a_set_that_is_not_fetched_cannot_be_served(tmp_path: Path) -> None:
    """Better one line at the start than a failed picture for each person."""
    config = Config(bot=BotConfig(folder=tmp_path), engine=EngineConfig(models="imagenet256"))
    with pytest.raises(ConfigError, match="auto or one of picturebook, toybox; `imago models fetch` gets more"):
        await app.serve(config)


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["fetch", "imagenet"], 2, "There is no model set “imagenet”: choose from feiart, imagenet256"),
        (["add", "nowhere.pt"], 2, "“nowhere.pt” cannot be used"),
        (["add", "nowhere.toml"], 2, "nowhere.toml cannot be read"),
    ],
)
def test_a_mistake_is_one_sentence(
    words: list[str], code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", *words]) == code
    assert sentence in (said := capsys.readouterr().err) and "Traceback" not in said


def test_what_has_come_is_shown_file_by_file(capsys: pytest.CaptureFixture[str]) -> None:
    """A bar for each file and each thing that is done with it, which ends full."""
    steps = [Fetching(file="a.pt", done=done, bytes=100, phase="download") for done in (20, 60, 100)]
    model_commands._follow(iter([*steps, Fetching(file="a.pt", done=100, bytes=100, phase="convert")]))
    said = capsys.readouterr().err
    assert "fetching a.pt: 100%" in said and "converting a.pt: 100%" in said


def test_a_set_without_an_address_says_so_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    """It told to try again later, beside a bar that had not begun."""
    assert main(["models", "fetch", "ukiyo-e", "--yes"]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("imago: No address is known for Ukiyo-e") and "imago models add Ukiyo-e" in last
    assert "later" not in last


def test_what_cannot_be_fetched_is_told_on_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    """It stood at the end of the bar."""

    def broken() -> Iterator[Fetching]:
        yield Fetching(file="a.pt", done=20, bytes=100, phase="download")
        raise BadRequest("models", "a.pt cannot be fetched.")

    with pytest.raises(BadRequest):
        model_commands._follow(broken())
    assert capsys.readouterr().err.endswith("\n")


def test_a_fetched_set_says_what_a_picture_takes_here(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anybody waits for one; what does not suit the machine is not tried, as it may not fit its memory."""
    needs = engine.model_needs("pixelart")
    monkeypatch.setattr(engine, "model_needs", lambda name: replace(needs, download=9, licence=""))
    monkeypatch.setattr(engine, "fetch_models", lambda name: iter(()))
    monkeypatch.setattr(engine, "measure_pace", lambda name: 370.0)
    assert main(["models", "fetch", "pixelart"]) == 0
    assert "A picture takes about 6 minutes on this machine." in capsys.readouterr().err
    assert main(["models", "fetch", "imagenet512"]) == 0
    assert "minutes" not in capsys.readouterr().err
