"""engine/networks/imports.py: what is imported, and what is not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from engine.networks.clip import Clip, ClipConfig
from engine.networks.imports import SPINS, import_torchvision, share_processor

CODE = """
import sys, engine
*_, last = engine.draw(engine.Request(prompt="a star", models="toybox", steps=1, size="64x64"))
print(type(last).__name__, [name for name in ("timm", "torch._dynamo", "torch._dynamo.utils") if name in sys.modules])
"""


def test_torchvision_can_be_imported_beside_any_torch() -> None:
    """The index's wheel fails beside a CPU-only torch; a second call must do no harm."""
    import_torchvision()
    import_torchvision()
    assert "torchvision" in sys.modules


def test_a_drawing_begins_without_what_takes_long_and_does_not_wait_awake() -> None:
    """GNU's OpenMP says itself what it took."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CODE],
        env={**plain, "OMP_NUM_THREADS": "1", "OMP_DISPLAY_ENV": "verbose"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == "Finished []\n"
    assert sys.platform != "linux" or f"GOMP_SPINCOUNT = '{SPINS}'" in told.stderr


@pytest.mark.parametrize(
    ("given", "spins"), [({}, SPINS), ({"GOMP_SPINCOUNT": "77"}, "77"), ({"OMP_WAIT_POLICY": "active"}, None)]
)
def test_who_wants_threads_to_wait_otherwise_is_heard(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], spins: str | None
) -> None:
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, given.get(name, ""))
        if name not in given:
            monkeypatch.delenv(name)
    share_processor()
    assert os.environ.get("GOMP_SPINCOUNT") == spins


@pytest.mark.parametrize(("given", "mode"), [(None, "AUTO"), ("COMPATIBLE", "COMPATIBLE")])
def test_several_threads_share_a_product_in_the_same_way_each_time(
    monkeypatch: pytest.MonkeyPatch, given: str | None, mode: str
) -> None:
    """MKL left to itself drew three pictures of six otherwise with two threads."""
    monkeypatch.setenv("MKL_CBWR", given or "")
    if given is None:
        monkeypatch.delenv("MKL_CBWR")
    share_processor()
    assert os.environ["MKL_CBWR"] == mode


def test_a_vision_tower_of_timm_is_found_all_the_same(tmp_path: Path) -> None:
    """Sets of one's own may have one."""
    (tmp_path / "tiny-timm.json").write_text(
        json.dumps(
            {
                "embed_dim": 16,
                "vision_cfg": {
                    "timm_model_name": "test_resnet",
                    "timm_pool": "avg",
                    "timm_proj": "linear",
                    "image_size": 32,
                },
                "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
            }
        )
    )
    config = ClipConfig(model="tiny-timm", config=tmp_path / "tiny-timm.json", mean=(0.5,) * 3, std=(0.5,) * 3)
    clip = Clip(config, None, torch.device("cpu"))
    assert clip.encode_images(torch.rand(2, 3, 32, 32)).shape == (2, 16)
