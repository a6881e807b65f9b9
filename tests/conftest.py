"""settings that hold for every test."""

import dataclasses
import gc
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from engine.model_sets.weights import ModelSet

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # workers that all compute on all cores wait for each other

# A busy machine is slow, not wrong.
settings.register_profile("imago", deadline=None)
settings.load_profile("imago")


MEMORY = Path("/dev/shm")  # Linux's folder in memory
ROOM = 2 << 30  # bytes; the suite's files take at most a tenth of it


def pytest_configure() -> None:
    """Files of tests are in memory where there is room: SQLite and the bot wait for the disk at each write.

    What is imported stays: the collector of garbage would look through it again and again, a fifth of that time.
    """
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
    gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those with a browser, which mostly wait, beside those of the engine, which compute; then the bot's."""
    items.sort(key=lambda item: (not item.path.name.startswith("test_web_"), item.path.parent.name != "engine"))


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)  # with Python's 700 it took 3 % of the time
    gc.enable()


@pytest.fixture
def small(tmp_path: Path) -> "ModelSet":
    """imagenet256 with fewer levels, channels, pixels and crops, and a tiny CLIP."""
    from engine.model_sets.weights import load_model_set
    from engine.networks.imports import import_open_clip  # with torch, which most tests do without
    from tests.fakes.tiny_clip import TINY_CLIP

    import_open_clip()
    import open_clip

    (tmp_path / "tiny-bench.json").write_text(json.dumps(TINY_CLIP))
    open_clip.add_model_config(tmp_path / "tiny-bench.json")
    full = load_model_set("imagenet256")
    shape = {
        **full.unet["shape"],
        "model_channels": 32,
        "num_head_channels": 32,
        "num_res_blocks": 1,
        "channel_mult": [1, 2],
        "attention_resolutions": [2],
    }
    return dataclasses.replace(
        full,
        side=32,
        unet={**full.unet, "shape": shape},
        clips=[{**full.clips[0], "model": "tiny-bench"}],
        defaults=dataclasses.replace(full.defaults, cuts=2, smallest_cut=16),
    )
