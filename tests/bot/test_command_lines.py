"""command lines that a person might type: each does what was meant or says one sentence, with the right exit code."""

import io
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

import engine
from bot import __main__ as program
from bot.cli import draw as draw_command
from engine import Checkpoint, EngineError, Event, Request
from tests.fakes import scripted

ROOT = Path(__file__).parents[2]
IMAGO = [sys.executable, "-m", "bot"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of its own, and an engine that draws at once."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(engine, "draw", scripted.draw)
    monkeypatch.setattr("sys.stdin", io.StringIO())


def run(line: str) -> int:
    """The exit code, also when the parser itself ends the program."""
    try:
        return program.main(shlex.split(line)[1:])
    except SystemExit as stop:
        return int(stop.code or 0)


def asked(line: str) -> Request:
    """What a command line asks the engine for."""
    return draw_command._request(draw_command.parse(shlex.split(line)[2:]).text, None)


@pytest.mark.parametrize(
    ("line", "prompt", "options"),
    [
        ("imago draw a red star", "a red star", {}),
        ("imago draw 'a red star'", "a red star", {}),
        ("imago draw 'half-life 3 screenshot --seed 3'", "half-life 3 screenshot", {"seed": 3}),
        ("imago draw half-life 3 screenshot --seed 3", "half-life 3 screenshot", {"seed": 3}),
        ("imago draw --seed 3 half-life 3 screenshot", "half-life 3 screenshot", {"seed": 3}),
        ("imago draw --seed=3 a star --steps=7", "a star", {"seed": 3, "steps": 7}),
        ("imago draw a --steps 7 red star", "a red star", {"steps": 7}),
        ("imago draw -o x.png a red star", "a red star", {}),
        ("imago draw a red -o x.png star", "a red star", {}),
        ("imago draw 'a star —seed 7'", "a star", {"seed": 7}),
        ("imago draw a star –seed 7", "a star", {"seed": 7}),
        ("imago draw 'a castle :2 | fog :-0.5' --seed 1", "a castle :2 | fog :-0.5", {"seed": 1}),
        ("imago draw красная звезда --steps 5", "красная звезда", {"steps": 5}),
        ("imago draw -- --seed is a word", "--seed is a word", {}),
        ("imago draw --seed 4 -- —steps 9", "—steps 9", {"seed": 4}),
        ("imago draw 'a \\--seed 7 star'", "a --seed 7 star", {}),
        ("imago draw it\\'s 12:30", "it's 12:30", {}),
        ("imago draw a star --guidance-scale 0:1000,100:0", "a star", {"guidance_scale": "0:1000,100:0"}),
        ("imago draw a star --then '40%:a blue star;70:+ moon'", "a star", {"then": '40%:"a blue star";70%:"+ moon"'}),
        ("imago draw --then='40%:\"x y\"' a star", "a star", {"then": '40%:"x y"'}),
        ("imago draw a star --guidance_scale 5", "a star", {"guidance_scale": 5.0}),
        ("imago draw a star --size 64×64", "a star", {"size": "64x64"}),
    ],
)
def test_words_and_options_stand_in_any_order_with_or_without_quotes(
    line: str, prompt: str, options: dict[str, object]
) -> None:
    """One grammar: what is typed in a chat is typed here."""
    request = asked(line)
    assert request.prompt == prompt
    assert {name: getattr(request, name) for name in options} == options


@pytest.mark.parametrize(
    ("line", "code", "sentence"),
    [
        ("imago draw a star --steps 5 --stebs 3", 2, "Did you mean --steps?"),
        ("imago draw 'a star --steps 5 --stebs 3'", 2, "Did you mean --steps?"),
        ("imago draw a star --ar 16:9", 2, "There is no option --ar"),
        ("imago draw a star --steps", 2, "--steps"),
        ("imago draw a star -o", 2, "expected one argument"),
        ("imago draw a star -o x.bmp", 2, ".png, .jpg, .webp and .gif"),
        ("imago draw a star -o /proc/nowhere/x.png", 2, "cannot be used"),
        ("imago draw", 2, "Tell me what to draw"),
        ("imago draw --seed 7", 2, "Tell me what to draw"),
        ("imago drwa a star", 2, "Did you mean draw?"),
        ("imago 'a red star'", 2, "There is no command"),
        ("imago", 2, "COMMAND"),
        ("imago inspect", 2, "file"),
        ("imago inspect nowhere.png", 2, "nowhere.png"),
        ("imago inspect /dev/null", 2, "PNG"),
        ("imago draw --resume /dev/null", 2, "checkpoint"),
        ("imago models fetch nowhere", 2, "There is no model set"),
        ("imago completion tcsh", 2, "tcsh"),
        ("imago serve --prot 1", 2, "--prot"),
        ("imago serve --config nowhere.toml", 78, "nowhere.toml"),
        ("imago restore nowhere.zip folder", 2, "nowhere.zip"),
    ],
)
def test_a_mistake_is_one_sentence(line: str, code: int, sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing is left behind."""
    assert run(line) == code
    out, told = capsys.readouterr()
    assert sentence in told and told.startswith("imago: ") and "Traceback" not in told and "usage:" not in told
    assert len(told.splitlines()) == 1 and not out
    assert not [path for path in Path().rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.png", "PNG"),
        ("a.jpg", "JPEG"),
        ("a.JPEG", "JPEG"),
        ("a.webp", "WEBP"),
        ("a", "PNG"),
        ("new/folder/a.png", "PNG"),
        ("мои картинки/звезда №1.jpg", "JPEG"),
        ("./-a.png", "PNG"),
        ("a.b.c.webp", "WEBP"),
        ("../a star's.png", "PNG"),
    ],
)
def test_a_file_is_what_its_name_says(name: str, kind: str) -> None:
    assert run(f"imago draw a star -o {shlex.quote(name)}") == 0
    with Image.open(name) as opened:
        assert opened.format == kind


def test_a_gif_is_the_animation_of_its_making() -> None:
    assert run("imago draw a star -o a.gif") == 0
    assert Path("a.gif").read_bytes().startswith(b"GIF89a")


def test_a_folder_gets_a_new_file(capsys: pytest.CaptureFixture[str]) -> None:
    Path("pictures").mkdir()
    assert run("imago draw a star -o pictures") == 0
    assert [path.suffix for path in Path("pictures").iterdir()] == [".png"]
    assert capsys.readouterr().out.startswith("pictures/")


def test_a_minus_is_stdout(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run("imago draw a star -o -") == 0
    assert capfdbinary.readouterr().out.startswith(b"\x89PNG")


def test_without_a_terminal_there_is_a_line_at_each_10_percent(capsys: pytest.CaptureFixture[str]) -> None:
    """A bar that draws itself anew fills a log."""
    run("imago draw a star -o a.png")
    assert [line.split()[0] for line in capsys.readouterr().err.splitlines() if "%" in line][-1] == "100"


@pytest.mark.parametrize(
    "line",
    [
        "imago draw a star -o - --json",
        "imago draw a star -o - --gif -",
        "imago draw a star -o a.png --gif - --json",
        "imago draw a star -o a.gif --gif a.gif",
    ],
)
def test_no_two_things_go_to_one_place(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The GIF took the picture's place, and events stood in the midst of a picture."""
    assert run(line) == 2
    told = capsys.readouterr()
    assert "GIF" in told.out + told.err and not list(Path().iterdir())


def test_a_grid_goes_to_stdout_as_one_picture(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """It ended in a traceback, after the picture."""
    assert run("imago draw a star --count 4 -o -") == 0
    assert capfdbinary.readouterr().out.startswith(b"\x89PNG")


def test_a_device_or_a_pipe_stays_what_it_is() -> None:
    """`-o /dev/null` put a file in its place."""
    os.mkfifo("pipe")
    reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    assert run("imago draw a star -o pipe --gif /dev/null") == 0
    assert os.read(reader, 4) == b"\x89PNG" and Path("pipe").is_fifo() and Path("/dev/null").is_char_device()
    os.close(reader)


def test_a_link_to_a_picture_stays_a_link() -> None:
    Path("kept").mkdir()
    Path("a.png").symlink_to("kept/a.png")
    assert run("imago draw a star -o a.png") == 0
    assert Path("a.png").is_symlink() and Path("kept/a.png").read_bytes().startswith(b"\x89PNG")


def test_words_come_through_a_pipe_beside_options(monkeypatch: pytest.MonkeyPatch) -> None:
    """They were not even read where an option stood on the line."""
    monkeypatch.setattr("sys.stdin", io.StringIO("a red star\n"))
    assert run("imago draw --steps 3 -o a.png") == 0


def test_an_error_under_json_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever asked for JSON reads nothing else."""
    assert run("imago draw a star --stebs 3 --json") == 2
    out, told = capsys.readouterr()
    assert json.loads(out)["event"] == "error" and "--steps" in json.loads(out)["message"] and not told


@pytest.mark.parametrize("line", ["imago models --json", "imago doctor --json"])
def test_what_is_told_is_told_as_json(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(line)
    assert isinstance(json.loads(capsys.readouterr().out), list)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_completion(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(f"imago completion {shell}") == 0
    assert "imago" in capsys.readouterr().out


def draw_half(request: Request, **rest: object) -> Iterator[Event]:
    """A drawing that fails after its first checkpoint."""
    for event in scripted.draw(request):
        yield event
        if isinstance(event, Checkpoint):
            raise EngineError("The engine is out of luck.")


def test_a_drawing_that_fails_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was drawn is kept."""
    monkeypatch.setattr(engine, "draw", draw_half)
    assert run("imago draw a star -o a.png") == 1
    told = capsys.readouterr().err
    assert "imago draw --resume a.checkpoint -o a.png" in told and "out of luck" in told
    assert [path.name for path in Path().iterdir()] == ["a.checkpoint"]
    assert run("imago draw a star -o 'my star.png' --gif a.gif --json") == 1
    kept, error = (json.loads(line) for line in capsys.readouterr().out.splitlines()[-2:])
    assert kept["command"] == "imago draw --resume 'my star.checkpoint' -o 'my star.png' --gif a.gif"
    assert error["event"] == "error"


def test_a_reader_who_leaves_is_no_error() -> None:
    """`imago models | head -1` and the like."""
    command = f"{shlex.join(IMAGO)} models --json | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode in (0, program.BROKEN_PIPE) and not done.stderr


def test_a_sentence_comes_through_a_pipe() -> None:
    done = subprocess.run(
        [*IMAGO, "draw", "--json"], input="a star --stebs 3", capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 2 and "--steps" in done.stdout


def test_make_hands_a_sentence_on_as_it_is(tmp_path: Path) -> None:
    """Neither make nor the shell reads it: `$(touch …)` is words."""
    prompt = f"a \"red\" 'star' $(touch {tmp_path}/shell) $(shell touch {tmp_path}/make) `touch {tmp_path}/tick` $HOME"
    (tmp_path / "imago").write_text('#!/bin/sh\nprintf %s "$2"\n')
    (tmp_path / "imago").chmod(0o755)
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    (tmp_path / "imago").rename(venv / "bin" / "imago")
    command = ["make", "-s", "-C", str(ROOT), "imagine", f"VENV={venv}", f"PROMPT={prompt}", "-o", f"{venv}/.installed"]
    (venv / ".installed").touch()
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout == prompt
    assert [path.name for path in tmp_path.iterdir()] == ["venv"]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_kill_end_with_one_line(tmp_path: Path, how: signal.Signals) -> None:
    """And 130, as shells expect."""
    with subprocess.Popen(
        [*IMAGO, "draw", "a star", "-o", str(tmp_path / "a.png")], stderr=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stderr is not None and process.stderr.readline().startswith("Loading")
        os.kill(process.pid, how)
        told = process.stderr.read()
        assert process.wait(30) == 130
    assert "stopped." in told and "Traceback" not in told


def test_a_stop_in_the_middle_of_an_import_ends_the_same_way(tmp_path: Path) -> None:
    """Imports run `exec` of a text; a plain KeyboardInterrupt from there makes `python -m` end with -2."""
    (tmp_path / "importing.py").write_text(
        "import argparse, signal, sys\n"
        "from bot.cli.guard import report_errors\n"
        "command = report_errors(lambda args: exec('signal.raise_signal(signal.SIGTERM)'))\n"
        "sys.exit(command(argparse.Namespace()))\n"
    )
    here = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    done = subprocess.run([sys.executable, "-m", "importing"], capture_output=True, text=True, env=here)
    assert (done.returncode, done.stderr) == (130, "imago: stopped.\n")
