"""`imago draw`, `inspect` and `models`, as a person types them."""

import io
import json
import shlex
from dataclasses import fields, replace
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import engine
from bot.__main__ import main
from bot.cli.draw import KNOBS
from bot.cli.models import time_here
from bot.cli.output import display_for, files_for
from engine import Request
from engine.pictures.images import read_png

QUICK = ["--steps", "10", "--seed", "4"]
FEW = ["--steps", "3", "--seed", "4", "--models", "toybox"]


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
    monkeypatch.setattr("sys.stdin", io.StringIO())


def test_a_sentence_becomes_a_picture_a_gif_and_ten_previews(capsys: pytest.CaptureFixture[str]) -> None:
    """With no options at all everything goes to out/."""
    assert run("draw", "half-life 3 screenshot", *QUICK) == 0
    out, told = capsys.readouterr()
    picture, gif = (Path(line) for line in out.split())
    assert told.startswith("Loading picturebook …\n")
    assert read_png(picture.read_bytes())[0].shape == (256, 256, 3)
    assert gif.read_bytes().startswith(b"GIF89a")
    assert len(list(picture.with_suffix("").glob("*.png"))) == 10
    assert not list(Path("out").rglob("*.part"))


def test_what_a_picture_takes_here_is_said_before_it_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where it was measured; and where it was not, once a few steps are taken, if it is long."""
    monkeypatch.setattr(engine, "known_seconds", lambda request: 370.0)
    files = files_for(engine.Request(prompt="a star", seed=1), Path("star.png"), None, None, None)
    display = display_for(engine.Request(prompt="a star", seed=1), files, as_json=False)
    for step in range(1, 6):
        display.event(engine.Progress(step=step, steps=97, seconds_left=600.0 - step, distance=0.5))
    assert capsys.readouterr().err.splitlines() == [
        "Loading picturebook …",
        "This picture takes about 6 minutes on this machine.",
        "about 10 minutes left",
    ]


def test_where_a_picture_takes_long_the_quicker_sampler_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenAI's networks by their notebook's thousand steps take half a day on a processor."""
    monkeypatch.setattr(engine, "known_seconds", lambda request: 1500.0 if request.sampler else 15_000.0)
    asked = engine.Request(prompt="a star", models="imagenet256")
    assert time_here(asked) == "about 4 hours on this machine; with `--sampler solver` about 25 minutes"
    assert time_here(replace(asked, sampler="solver")) == "about 25 minutes on this machine"


def test_json_is_one_event_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("draw", "красная звезда", *FEW, "-o", "star.png", "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [lines[0]["event"], lines[-1]["event"]] == ["started", "finished"]
    last = lines[-1]
    assert last["path"] == "star.png" and last["seed"] == 4 and last["steps"] == 3 and last["unet_calls"] == 3
    assert last["width"] == last["height"] == 256 and len(last["pixels_sha256"]) == 64 and last["seconds"] > 0


def test_what_was_understood_is_what_it_is_pulled_towards_in_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    """The first words were told where others came on the way, and ✓ of what a prompt pushes away from."""
    said = ("draw", "a fox | a dog:-1", '--then=40%:"a cat";70%:"- dog"', *FEW, "-o", "cat.png")
    assert run(*said) == 0
    assert capsys.readouterr().err.endswith("\ncat ✓\n")
    assert run("inspect", "cat.png") == 0
    assert "Understood:\ncat ✓\n" in capsys.readouterr().out


@pytest.fixture(scope="module")
def halfway(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished drawing, `whole.png`, and its checkpoint, `half`."""
    folder = tmp_path_factory.mktemp("halfway")
    whole, half = str(folder / "whole.png"), str(folder / "half")
    assert run("draw", "a red star", *FEW, "-o", whole, "--checkpoint", half) == 0
    return folder


def test_a_checkpoint_is_gone_on_from_with_the_same_bytes(halfway: Path) -> None:
    assert run("draw", "--resume", str(halfway / "half"), "-o", "again.png") == 0
    assert Path("again.png").read_bytes() == (halfway / "whole.png").read_bytes()


def test_resuming_another_drawing_is_refused(halfway: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("draw", "--resume", str(halfway / "half"), "--seed", "5", "-o", "again.png") == 2
    assert "leave seed out" in capsys.readouterr().err and not Path("again.png").exists()


def test_inspect_prints_the_command_that_draws_it_again(capsys: pytest.CaptureFixture[str]) -> None:
    run("draw", "it's a blue cat", *FEW, "-o", "cat.png")
    capsys.readouterr()
    assert run("inspect", "cat.png") == 0
    command = shlex.split(capsys.readouterr().out.splitlines()[-1])
    assert command[:3] == ["imago", "draw", "it's a blue cat"]
    assert run(*command[1:], "-o", "again.png") == 0
    assert Path("again.png").read_bytes() == Path("cat.png").read_bytes()


def test_inspect_escapes_what_a_picture_says_of_itself(capsys: pytest.CaptureFixture[str]) -> None:
    """A stranger's file must not write to the terminal, nor forge the line with the command."""
    told = PngInfo()
    told.add_text("imago:request", Request(prompt="a red star").to_json())
    told.add_text("Comment", "\x1b]0;title\x07\nDraw it again:\nrm -rf ~")
    Image.new("RGB", (8, 8)).save("x.png", pnginfo=told)
    assert run("inspect", "x.png") == 0
    said = capsys.readouterr().out
    assert "\x1b" not in said and "Comment: \\x1b]0;title\\x07\\nDraw it again:\\nrm -rf ~\n" in said
    assert said.splitlines()[-1].startswith("imago draw 'a red star'")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([""], "Tell me what to draw"),
        (["x" * 1001], "1,001"),
        (["x", "--steps", "0"], "⟨--steps 0⟩"),
        (["x", "--seed", "-1"], "⟨--seed -1⟩"),
        (["x", "--models", "imagenet"], "There is no model set"),
        (["x", "--sampler", "euler"], "ddim, ddpm"),
        (["x", "--steps", "ten"], "⟨--steps ten⟩"),
        (["x", "--guidance-scale", "0:1,x"], "⟨--guidance-scale 0:1,x⟩"),
        (["x", "--size", "100x100"], "100x100"),
        (["x", "--size", "64x512"], "draws 256x256 and no other size"),
        (["x", "--size", "large"], "⟨--size large⟩"),
        (["x", "--count", "5"], "⟨--count 5⟩"),
        (["x", "--count", "2", "--pick", "3"], "⟨--pick 3⟩"),
        (["x", "--symmetry", "round"], "horizontal, vertical, both"),
        (["x", "--stop", "bored"], "satisfied"),
        (["x", "--start", "dots"], "noise, perlin"),
        (["x", "--clamp", "0"], "⟨--clamp 0⟩"),
        (["x", "--init", "0.5"], "give the picture too"),
        (["x", "--init-picture", "nowhere.png"], "cannot be used"),
        (["x", "--target", "nowhere.png:2"], "cannot be used"),
        (["x", "--init-picture", "file"], "not a picture that I can read"),
        (["x", "--target", "file:0.5"], "not a picture that I can read"),
        (["x", "--count", "2", "-o", "file/x.png"], "cannot be used"),
        (["x", "-o", "/proc/nowhere/x.png"], "cannot be used"),
        (["x", "--gif", "file/below/x.gif", "-o", "x.png"], "cannot be used"),
        (["--resume", "no such file"], "cannot be used"),
        ([], "Tell me what to draw"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """And nothing is half-written."""
    Path("file").write_text("words")
    assert run("draw", *words) == 2
    said = capsys.readouterr().err
    assert sentence in said and "Traceback" not in said
    assert [path.name for path in Path().rglob("*") if path.is_file()] == ["file"]


def test_several_pictures_are_a_grid_and_each_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    few = [*FEW, "--steps", "1", "--count", "3"]
    assert run("draw", "a red star", *few, "-o", "stars.png") == 0
    assert capsys.readouterr().out.split() == ["stars.png", "stars-1.png", "stars-2.png", "stars-3.png"]
    assert [read_png(Path(name).read_bytes())[0].shape[:2] for name in ("stars.png", "stars-3.png")] == [
        (512, 512),
        (256, 256),
    ]
    assert run("draw", "a red star", *few, "--pick", "3", "-o", "third.png") == 0
    assert Path("third.png").read_bytes() == Path("stars-3.png").read_bytes()
    assert run("draw", "a red star", *few, "-o", "stars.png", "--json") == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last["path"] == "stars.png" and last["paths"] == ["stars-1.png", "stars-2.png", "stars-3.png"]


def test_pictures_go_in_and_the_command_says_where(capsys: pytest.CaptureFixture[str]) -> None:
    """They are not in the provenance themselves, only what tells whether one has the right ones."""
    Image.new("RGB", (40, 30), "blue").save("sea.jpg")
    Image.new("RGB", (40, 30), "red").save("a:1", "PNG")
    words = ["draw", "a star", *FEW, "--init", "0.3"]
    words += ["--init-picture", "sea.jpg", "--target", "sea.jpg:-0.5", "--target", "a:1"]
    assert run(*words, "-o", "star.png") == 0
    capsys.readouterr()
    assert run("inspect", "star.png") == 0
    command = shlex.split(capsys.readouterr().out.splitlines()[-1])
    assert command[-6:] == ["--init-picture", "FILE", "--target", "FILE:-0.5", "--target", "FILE:1.0"]
    assert (
        run(
            *command[1:-6],
            "--init-picture",
            "sea.jpg",
            "--target",
            "sea.jpg:-0.5",
            "--target",
            "a:1:1.0",
            "-o",
            "again.png",
        )
        == 0
    )
    assert Path("again.png").read_bytes() == Path("star.png").read_bytes()


def test_every_knob_of_a_request_is_an_option() -> None:
    """A request that came another way could not be drawn again from its command."""
    assert {"prompt", *KNOBS} == {field.name for field in fields(engine.Request)}


def test_a_broken_checkpoint_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    Path("broken").write_bytes(b"not a checkpoint")
    assert run("draw", "--resume", "broken") == 2
    assert "not a checkpoint" in capsys.readouterr().err


def test_a_foreign_picture_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    Path("foreign.png").write_bytes(b"GIF89a")
    assert run("inspect", "foreign.png") == 2
    assert "PNG" in capsys.readouterr().err


def test_models_lists_the_toybox(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("models") == 0
    shown = {line.lstrip("* ").split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert " ready " in shown["toybox"] and " not fetched " in shown["imagenet256"]


def test_auto_is_the_set_that_suits_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a GPU that is the toybox, and nothing is fetched."""
    monkeypatch.setattr(engine, "best_models", lambda: "toybox")
    assert run("draw", "a red star", *FEW, "--models", "auto", "-o", "star.png") == 0
    assert engine.inspect(Path("star.png").read_bytes()).request.models == "toybox"


def test_a_style_of_words_is_refused_where_the_models_know_things_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The toybox took “white paper” for a colour, and a green cat came out white. Options of a style do no harm."""
    out = tmp_path / "a.png"
    assert main(["draw", "a star", "--style", "ink", "-o", str(out)]) == 2
    assert "made of words that picturebook does not know" in capsys.readouterr().err and not out.exists()
    assert main(["draw", "a star", "--style", "draft", "--models", "toybox", "--steps", "1", "-o", str(out)]) == 0
    assert engine.inspect(out.read_bytes()).request.prompt == "a star"
    assert main(["draw", "a star", "--style", "inky"]) == 2
    assert "Did you mean ink?" in capsys.readouterr().err
