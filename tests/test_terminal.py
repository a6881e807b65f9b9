"""`imago draw`, `inspect` and `models`, as a person types them."""

import json
import shlex
from pathlib import Path

import pytest

import engine
from bot.__main__ import main
from engine.images import read_png

QUICK = ["--steps", "10", "--seed", "4"]


def run(*words: str) -> int:
    """The exit code, also when the parser itself ends the program."""
    try:
        return main(list(words))
    except SystemExit as stop:
        return int(stop.code or 0)


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMAGO_MODELS", str(tmp_path / "models"))


def test_a_sentence_becomes_a_picture_a_gif_and_ten_previews(capsys: pytest.CaptureFixture[str]) -> None:
    """With no options at all everything goes to out/."""
    assert run("draw", "half-life 3 screenshot", *QUICK) == 0
    picture, gif = (Path(line) for line in capsys.readouterr().out.split())
    assert read_png(picture.read_bytes())[0].shape == (256, 256, 3)
    assert gif.read_bytes().startswith(b"GIF89a")
    assert len(list(picture.with_suffix("").glob("*.png"))) == 10
    assert not list(Path("out").rglob("*.part"))


def test_json_is_one_event_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("draw", "красная звезда", *QUICK, "-o", "star.png", "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [lines[0]["event"], lines[-1]["event"]] == ["started", "finished"]
    last = lines[-1]
    assert last["path"] == "star.png" and last["seed"] == 4 and last["steps"] == 10 and last["unet_calls"] == 10
    assert last["width"] == last["height"] == 256 and len(last["pixels_sha256"]) == 64 and last["seconds"] > 0


def test_a_checkpoint_is_gone_on_from_with_the_same_bytes() -> None:
    assert run("draw", "a red star", *QUICK, "-o", "whole.png", "--checkpoint", "half") == 0
    assert run("draw", "--resume", "half", "-o", "again.png") == 0
    assert Path("again.png").read_bytes() == Path("whole.png").read_bytes()


def test_resuming_another_drawing_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    run("draw", "a red star", *QUICK, "-o", "whole.png", "--checkpoint", "half")
    assert run("draw", "--resume", "half", "--seed", "5", "-o", "again.png") == 2
    assert "leave seed out" in capsys.readouterr().err and not Path("again.png").exists()


def test_inspect_prints_the_command_that_draws_it_again(capsys: pytest.CaptureFixture[str]) -> None:
    run("draw", "it's a blue cat", *QUICK, "-o", "cat.png")
    capsys.readouterr()
    assert run("inspect", "cat.png") == 0
    command = shlex.split(capsys.readouterr().out.splitlines()[-1])
    assert command[:3] == ["imago", "draw", "it's a blue cat"]
    assert run(*command[1:], "-o", "again.png") == 0
    assert Path("again.png").read_bytes() == Path("cat.png").read_bytes()


@pytest.mark.parametrize(("words", "sentence"), [
    ([""], "The prompt is empty"),
    (["x" * 1001], "1001 characters: make it 1000 or fewer"),
    (["x", "--steps", "0"], "steps must be a whole number from 1 to 1000"),
    (["x", "--seed", "-1"], "seed must be"),
    (["x", "--models", "imagenet"], "There is no model set"),
    (["x", "--sampler", "euler"], "sampler must be one of ddim, ddpm"),
    (["x", "--steps", "ten"], "invalid int value"),
    (["x", "-o", "/proc/nowhere/x.png"], "cannot be used"),
    (["x", "--gif", "file/below/x.gif", "-o", "x.png"], "cannot be used"),
    (["x", "-o", "."], "cannot be used"),
    (["--resume", "no such file"], "cannot be used"),
    ([], "Say what to draw"),
])
def test_bad_input_is_one_sentence_and_exit_code_2(
        words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing is half-written."""
    Path("file").touch()
    assert run("draw", *words) == 2
    said = capsys.readouterr().err
    assert sentence in said and "Traceback" not in said
    assert [path.name for path in Path().rglob("*") if path.is_file()] == ["file"]


def test_a_broken_checkpoint_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    Path("broken").write_bytes(b"not a checkpoint")
    assert run("draw", "--resume", "broken") == 1
    assert "not a checkpoint" in capsys.readouterr().err


def test_a_foreign_picture_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    Path("foreign.png").write_bytes(b"GIF89a")
    assert run("inspect", "foreign.png") == 1
    assert "PNG" in capsys.readouterr().err


def test_models_lists_the_toybox(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("models") == 0
    shown = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert " ready " in shown["toybox"] and " not fetched " in shown["imagenet256"]


def test_auto_is_the_set_that_suits_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a GPU that is the toybox, and nothing is fetched."""
    monkeypatch.setattr(engine, "best_models", lambda: "toybox")
    assert run("draw", "a red star", "--models", "auto", *QUICK, "-o", "star.png") == 0
    assert engine.inspect(Path("star.png").read_bytes()).request.models == "toybox"
