"""README.md, as somebody types it in: each command, each line for a chat and each caption gives what it says."""

import io
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from PIL import Image, ImageChops

import engine
from bot import __main__ as program
from bot.config import load
from bot.language import commands, options
from bot.messages import Stage
from tests.bot.test_request_builder import running

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TEXT = re.sub(r"```.*?```", "", README, flags=re.DOTALL)
INLINE = re.findall(r"`([^`\n]+)`", TEXT)
BLOCKS = [re.split(r"\s+# ", line[4:])[0] for line in TEXT.splitlines() if re.match(r"    \S", line)]
TYPED = [line for line in BLOCKS if re.match(r"(?:IMAGO_\w+=\S+ )?(?:imago|make)\b", line)]
FEW = ["--steps", "2"]  # in place of as many as the models take
TOKENS = {"IMAGO_DISCORD_TOKEN": "discord", "IMAGO_TELEGRAM_TOKEN": "telegram"}


def run(line: str, *more: str) -> int:
    """The exit code of an `imago` line."""
    return program.main([*shlex.split(line)[1:], *more])


def test_each_command_of_the_readme_is_typed_in_below() -> None:
    """One that is new there needs a test here; one that is gone is tested in vain."""
    assert TYPED == [
        "make run",
        'make imagine PROMPT="a red fox in the snow"',
        "IMAGO_DISCORD_TOKEN=… imago serve",
        "IMAGO_TELEGRAM_TOKEN=… imago serve",
        "imago draw a star on a blue background --seed 7 -o star.png --gif star.gif",
        "imago inspect star.png",
        "imago models",
        "imago doctor",
        "imago models fetch pixelart",
        "imago models fetch imagenet256",
        'imago draw "a lighthouse in the fog" --models pixelart',
    ]


@pytest.mark.parametrize("line", TYPED[:2])
def test_make_calls_the_command(line: str, tmp_path: Path) -> None:
    """What it installs before is tests/bench/bot/first_minute.py's."""
    command = tmp_path / "bin" / "imago"
    command.parent.mkdir()
    command.write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
    command.chmod(0o755)
    (tmp_path / ".installed").touch()
    prepared = ["-s", "-C", str(ROOT), f"VENV={tmp_path}", "-o", f"{tmp_path}/.installed"]
    done = subprocess.run([*shlex.split(line), *prepared], capture_output=True, text=True)
    assert done.stdout == {"run": "serve|", "imagine": "draw|a red fox in the snow|"}[line.split()[1]]


@pytest.mark.parametrize("line", TYPED[2:4])
def test_a_token_in_the_environment_connects_its_platform(line: str) -> None:
    name, _ = line.split("=", 1)
    config = load(None, {name: "123:abc"})
    assert getattr(config, TOKENS[name]).token.value == "123:abc"


def test_a_picture_is_drawn_and_says_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the command line, and by the lines of Python, which draw the same one."""
    monkeypatch.chdir(tmp_path)
    assert run(TYPED[4], *FEW) == 0 and Path("star.gif").read_bytes().startswith(b"GIF89a")
    drawn = Path("star.png").read_bytes()
    capsys.readouterr()
    assert run(TYPED[5]) == 0
    again = capsys.readouterr().out.splitlines()[-1]
    assert again.startswith("imago draw 'a star on a blue background' --seed 7 ") and run(again, "-o", "again.png") == 0
    assert largest_difference(drawn, Path("again.png").read_bytes()) <= 1  # threads may add up in another order
    capsys.readouterr()
    (python,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(python.replace("seed=7", "seed=7, steps=2"), {})
    assert capsys.readouterr().out.splitlines()[-1] == "100 %"
    assert largest_difference(drawn, Path("star.png").read_bytes()) <= 1


def largest_difference(*pngs: bytes) -> int:
    """Of a channel of a pixel, 0 to 255."""
    one, other = (Image.open(io.BytesIO(png)).convert("RGB") for png in pngs)
    return max(high for _, high in ImageChops.difference(one, other).getextrema())


@pytest.mark.parametrize(
    ("line", "shown"), [(TYPED[6], ["picturebook", "imagenet256"]), (TYPED[7], ["python", "torch"])]
)
def test_what_there_is_is_told(line: str, shown: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(line) in (0, 1)  # 1 where the doctor finds something
    told = capsys.readouterr().out
    assert all(word in told for word in shown)


def test_a_larger_set_is_as_large_as_is_said_and_is_asked_for_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is fetched here: without its weights the drawing names the command that fetches them."""
    monkeypatch.setenv("IMAGO_MODELS", str(tmp_path))
    said = dict(re.findall(r"imago models fetch (\w+) +# ([\d.]+) GB", TEXT))
    sizes = {status.name: f"{status.bytes / 1e9:.1f}" for status in engine.list_model_sets()}
    assert said == {name: sizes[name] for name in ("pixelart", "imagenet256")}
    assert run(TYPED[10]) != 0
    assert TYPED[8] in capsys.readouterr().err


async def test_what_is_sent_to_a_chat_is_drawn(tmp_path: Path) -> None:
    """The prompts of the text and of the captions, and the line with weights and options."""
    said = [line for line in [*BLOCKS, *INLINE] if re.match(r"(?:/imagine )?(?:a |half-life|man |рыба )", line)]
    assert len(said) == 6
    async with running(tmp_path) as (chat, _):
        for number, line in enumerate(said, 1):
            await chat.says(line)
            reply = (await chat.until_stage(Stage.FINAL, job=number))[-1]
            assert "✗" not in reply.text, line
    weighed = options.read(next(line for line in said if ":2" in line))[1]
    assert weighed == {"seed": 7, "count": 4}


@pytest.mark.parametrize(
    "command", [line for line in INLINE if line.startswith("/") and line not in ("/imagine", "/imagine …")]
)
def test_each_command_of_the_chats_is_known(command: str) -> None:
    commands.parse(command)


@pytest.mark.parametrize("command", [line for line in INLINE if line.startswith("make ")])
def test_each_target_of_make_is_there(command: str) -> None:
    assert re.search(rf"(?m)^{command.split()[1]}:", (ROOT / "Makefile").read_text())


def test_the_picture_at_the_top_is_what_its_caption_draws() -> None:
    """It says so itself."""
    caption = INLINE[0]
    prompt, said = options.read(caption)
    about = engine.inspect((ROOT / "docs" / "half-life-3.png").read_bytes())
    assert (about.request.prompt, about.request.seed, about.request.models) == (prompt, said["seed"], "picturebook")
