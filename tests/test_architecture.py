"""the rules of the house: who may import whom, what lives where, and that the file tree tells the truth."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
         for package in ("engine", "bot") for path in sorted((ROOT / package).rglob("*.py"))}

# Imports point only to a lower level; a package that is not split up here has one level for all of it.
LEVELS = {
    "engine": [
        "engine.errors engine.events engine.prompts engine.quirks engine.ramps engine.satisfied engine.wire engine.xmp",
        "engine.request engine.schedule engine.noise engine.images engine.tuning",
        "engine.unet engine.clip engine.cutouts engine.samplers engine.losses engine.secondary",
        "engine.denoisers engine.guidance engine.intake",
        "engine.weights engine.upscaling",
        "engine.models engine.provenance engine.canvas engine.inputs engine.download engine.convert",
        "engine.checkpoint engine.enlarging engine.steps",
        "engine.drawing engine.fetch engine.scoring",
        "engine.process engine.serve",
        "engine",
        "engine.toybox engine.training",
        "engine.training.picturebook",
        "engine.bench",
    ],
    "bot": [
        "bot bot.errors bot.messages bot.log",
        "bot.options",
        "bot.styles",
        "bot.config bot.jobs bot.commands bot.pictures bot.adapters bot.adapters.base",
        "bot.texts bot.store bot.metrics bot.limits bot.roles bot.words bot.verdicts bot.outbox "
        "bot.adapters.listening bot.adapters.web_guard bot.adapters.web_rooms",
        "bot.asking bot.queue bot.history bot.notebook bot.cards bot.adapters.web_page",
        "bot.adapters.discord bot.adapters.telegram bot.adapters.web bot.eraser",
        "bot.house",
        "bot.handlers bot.worker bot.replies",
        "bot.model_commands bot.backup",
        "bot.app bot.doctor bot.terminal",
        "bot.__main__",
    ],
}
LEVEL_OF = {name: level for rows in LEVELS.values() for level, row in enumerate(rows) for name in row.split()}
UNSPLIT = ("engine.toybox", "engine.training.picturebook", "engine.bench", "bot.texts",
           "bot.adapters.discord", "bot.adapters.telegram")

HOMES = {
    "open_clip": ("engine.clip", "engine.toybox"),
    "spandrel": ("engine.upscaling", "engine.toybox"),
    "guided_diffusion": ("engine.bench",),
    "torch": ("engine",),
    "httpx": ("engine.download",),
    "transformers": ("engine.clip",),
    "discord": ("bot.adapters.discord",),
    "telegram": ("bot.adapters.telegram",),
    "aiohttp": ("bot.adapters.listening", "bot.adapters.web", "bot.adapters.web_guard", "bot.adapters.web_page",
                "bot.adapters.web_rooms", "bot.adapters.telegram",
                "bot.adapters.discord"),  # its library lets aiohttp's errors through
    "yarl": ("bot.adapters.discord",),
    "aiosqlite": ("bot.store",),
    "fluent": ("bot.texts",),
    "pymorphy3": ("engine.training.picturebook.inflection",),
}


def under(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def placed(module: str) -> str:
    """The name that stands for a module in the table of levels."""
    return next((package for package in UNSPLIT if under(module, package)), module)


def imports(module: str, *, lazy: bool = True) -> set[str]:
    """Every module that a file imports; without the lazy ones, only those at its top level."""
    tree, found = ast.parse(FILES[module].read_text()), set()
    for node in ast.walk(tree) if lazy else tree.body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relative to itself: write the whole name"
            found |= {full if (full := f"{node.module}.{alias.name}") in FILES else str(node.module)
                      for alias in node.names}
    return found


@pytest.mark.parametrize("module", FILES)
def test_imports_point_to_lower_levels(module: str) -> None:
    """No cycles: a level can be read, tested and replaced knowing only those below it."""
    here = placed(module)
    assert here in LEVEL_OF, f"give {module} a level in this file"
    for name in imports(module, lazy=module != "engine"):  # the door opens upwards, but only when a picture is drawn
        there = placed(name)
        if name in FILES and there != here and module.split(".")[0] == name.split(".")[0]:
            assert LEVEL_OF[there] < LEVEL_OF[here], f"{module} imports {name}, which is not below it"


@pytest.mark.parametrize("module", FILES)
def test_bot_and_engine_meet_only_at_the_door(module: str) -> None:
    """The engine serves any caller; the bot starts without torch."""
    for name in imports(module):
        if module.startswith("engine"):
            assert not under(name, "bot"), f"{module} imports {name}"
        else:
            assert not name.startswith("engine."), f"{module} imports {name}: only `engine` itself is its door"


@pytest.mark.parametrize("module", FILES)
def test_a_library_has_one_home(module: str) -> None:
    """A library that changes its ways is mended in one file."""
    for name in imports(module):
        homes = HOMES.get(name.split(".")[0], ("",))
        assert "" in homes or any(under(module, home) for home in homes), f"{module} imports {name}"


@pytest.mark.parametrize("door", ["engine", "bot"])
def test_the_doors_do_not_import_torch(door: str) -> None:
    """The bot imports them, and it must start in a blink and survive what happens to the GPU."""
    code = f"import sys, {door}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def purpose(path: Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n")[0].removesuffix(".")


@pytest.mark.parametrize("module", FILES)
def test_a_module_says_what_it_is_for(module: str) -> None:
    """The first line of its docstring is its line in the file tree."""
    assert purpose(FILES[module])


def test_the_readme_shows_the_true_file_tree() -> None:
    """A table of contents that lies is worse than none."""
    readme = (ROOT / "README.md").read_text()
    lines = re.findall(r"^\W*((?:engine|bot|tests)/\S*\.py)\s+— (.+?)\.?$", readme, re.MULTILINE)
    shown = {ROOT / path: text for path, text in lines}
    for path, text in shown.items():
        assert path.exists(), f"README shows {path.name}, which is not there"
        assert purpose(path) == text, f"README and the docstring of {path.relative_to(ROOT)} differ"
    assert [str(path.relative_to(ROOT)) for path in FILES.values() if path not in shown] == []
