"""the architecture: which room may import which, which library lives where, and that the file tree tells the truth.

`python -m tests.test_architecture` counts the import arrows and writes the tree into docs/architecture.md.
"""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "architecture.md"
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in ("engine", "bot")
    for path in sorted((ROOT / package).rglob("*.py"))
}

# A room is a folder or a file directly in engine/ or bot/. Imports point to a room on an earlier row only.
LEVELS = [
    "engine.errors engine.events engine.prompts engine.ramps engine.retry engine.files engine.widths",
    "engine.steering",
    "engine.request engine.words",
    "engine.pictures",
    "engine.networks",
    "engine.diffusion engine.model_sets",
    "engine.drawing",
    "engine.process engine.training",
    "engine",
    "bot bot.errors bot.messages bot.log bot.metrics bot.texts",
    "bot.language",
    "bot.config",
    "bot.adapters",
    "bot.storage",
    "bot.jobs bot.cli",
    "bot.delivery bot.moderation bot.request_builder",
    "bot.handlers bot.worker",
    "bot.app",
    "bot.__main__",
]
LEVEL_OF = {room: level for level, row in enumerate(LEVELS) for room in row.split()}
MOST_FILES, MOST_ARROWS = 14, {"bot": 75, "engine": 50}

HOMES = {
    "open_clip": ("engine.networks.clip", "engine.training"),
    "spandrel": ("engine.networks.upscaler", "engine.training"),
    "guided_diffusion": (),
    "torch": ("engine",),
    "httpx": ("engine.model_sets.download", "bot.adapters.telegram.library"),  # there beneath python-telegram-bot
    "transformers": ("engine.networks.clip",),
    "discord": ("bot.adapters.discord",),
    "telegram": ("bot.adapters.telegram",),
    "aiohttp": (
        "bot.adapters.http",
        "bot.adapters.web",
        "bot.adapters.telegram",
        "bot.adapters.discord",  # its library lets aiohttp's errors through
    ),
    "yarl": ("bot.adapters.discord",),
    "cachetools": ("bot.adapters", "bot.log", "bot.moderation"),
    "ray": ("engine.process.driver",),
    "imageio": ("engine.pictures.images",),
    "aiosqlite": ("bot.storage.store",),
    "fluent": ("bot.texts",),
    "simplemma": ("engine.words.lemmas",),
    "pymorphy3": (
        "engine.words.lemmas",
        "engine.training.picturebook.inflection",
    ),
}


def under(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def room_of(module: str) -> str:
    return ".".join(module.split(".")[:2])


@cache
def nodes(module: str) -> list[ast.AST]:
    """All of a file's syntax, and that of each string in it which is itself a program that imports."""
    found = list(ast.walk(ast.parse(FILES[module].read_text())))
    for node in found:  # which grows meanwhile
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "import " in node.value:
            try:
                found += ast.walk(ast.parse(node.value))
            except SyntaxError:
                continue  # prose
    return found


@cache
def imports(module: str, *, lazy: bool = True) -> set[str]:
    """Every module that a file imports; without the lazy ones, only those at its top level."""
    found = set()
    for node in nodes(module) if lazy else nodes(module)[0].body:  # type: ignore[attr-defined]
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relative to itself: write the whole name"
            found |= {
                full if (full := f"{node.module}.{alias.name}") in FILES else str(node.module) for alias in node.names
            }
    return found


def arrows(side: str) -> set[tuple[str, str]]:
    """(room, room that it imports) within `bot` or `engine`, lazy imports included."""
    return {
        (room_of(module), room_of(name))
        for module in FILES
        if under(module, side)
        for name in imports(module, lazy=module != "engine")  # the door opens upwards, but only to draw
        if name in FILES and under(name, side) and room_of(name) != room_of(module)
    }


@pytest.mark.parametrize("side", ["bot", "engine"])
def test_imports_point_to_lower_levels(side: str) -> None:
    """No cycles: a room can be read, tested and replaced knowing only those below it."""
    for here, there in sorted(arrows(side)):
        assert here in LEVEL_OF, f"give {here} a level in this file"
        assert LEVEL_OF[there] < LEVEL_OF[here], f"{here} imports {there}, which is not below it"


@pytest.mark.parametrize("side", ["bot", "engine"])
def test_rooms_are_few_and_loosely_joined(side: str) -> None:
    """The folders show the architecture only while a person can hold them in the head."""
    assert len(list((ROOT / side).glob("*.py"))) <= MOST_FILES
    assert len(arrows(side)) <= MOST_ARROWS[side]


def all_imports() -> list[tuple[str, str]]:
    """(module, what it imports), of every file."""
    return [(module, name) for module in FILES for name in imports(module)]


def test_bot_and_engine_meet_only_at_the_door() -> None:
    """The engine serves any caller; the bot starts without torch; tests are not shipped."""
    for module, name in all_imports():
        assert not under(name, "tests"), f"{module} imports {name}"
        if module.startswith("engine"):
            assert not under(name, "bot"), f"{module} imports {name}"
        else:
            assert not name.startswith("engine."), f"{module} imports {name}: only `engine` itself is its door"


def test_a_library_has_one_home() -> None:
    """A library that changes its ways is mended in one file."""
    for module, name in all_imports():
        homes = HOMES.get(name.split(".")[0], ("",))
        assert "" in homes or any(under(module, home) for home in homes), f"{module} imports {name}"


def test_nothing_at_run_time_imports_the_training() -> None:
    """Training may want what a user's machine does not have."""
    for module, name in all_imports():
        assert under(module, "engine.training") or not under(name, "engine.training"), f"{module} imports {name}"


@pytest.mark.parametrize("door", ["engine", "bot", "bot.app"])
def test_the_doors_import_neither_torch_nor_ray(door: str) -> None:
    """The bot imports them, and it must start in a blink, survive what happens to the GPU, and do without Ray."""
    code = f"import sys, {door}; sys.exit(bool({{'torch', 'ray'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def purpose(module: str) -> str:
    return (ast.get_docstring(nodes(module)[0]) or "").split("\n")[0].removesuffix(".")  # type: ignore[arg-type]


def file_tree() -> str:
    """One line a file: its path and the first line of its docstring."""
    names = {path.relative_to(ROOT).as_posix(): purpose(module) for module, path in FILES.items()}
    width = max(map(len, names))
    return "\n".join(f"{name:<{width}} — {text}" for name, text in sorted(names.items()))


def test_a_module_says_what_it_is_for() -> None:
    """The first line of its docstring is its line in the file tree."""
    assert not [module for module in FILES if not purpose(module)]


def test_the_architecture_page_shows_the_true_file_tree() -> None:
    """A table of contents that lies is worse than none."""
    assert file_tree() in PAGE.read_text(), "run `python -m tests.test_architecture`"


def test_the_newcomers_table_is_true() -> None:
    """Somebody who searches for the usual word of a thing must find the file that does it."""
    rows = re.findall(r"^\| [^|`]+ \| (`[^|]+`) \| (.+) \|$", PAGE.read_text().split("## Where is")[1], re.MULTILINE)
    assert len(rows) >= 12
    for words, places in rows:
        text = "".join((ROOT / path).read_text() for path in re.findall(r"`((?:bot|engine)/[\w/.]+)`", places)).lower()
        assert all(word.lower() in text for word in re.findall("`([^`]+)`", words)), f"{words} is not in {places}"


if __name__ == "__main__":
    for side in ("bot", "engine"):
        print(f"{side}: {len(arrows(side))} arrows between {len({room_of(m) for m in FILES if under(m, side)})} rooms")
    text = re.sub(r"(?<=```text\n).*?(?=\n```)", lambda _: file_tree(), PAGE.read_text(), count=1, flags=re.DOTALL)
    PAGE.write_text(text)
