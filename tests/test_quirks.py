"""engine/quirks.py: what is imported, and what is not."""

import json
import subprocess
import sys
from pathlib import Path

import torch

from engine.clip import Clip, ClipConfig
from engine.quirks import import_torchvision

CODE = """
import sys, engine
*_, last = engine.draw(engine.Request(prompt="a star", steps=1))
print(type(last).__name__, [name for name in ("timm", "torch._dynamo", "torch._dynamo.utils") if name in sys.modules])
import torch
print(torch.compile(lambda x: x + 1, backend="eager")(torch.ones(1)).item())
"""


def test_torchvision_can_be_imported_beside_any_torch() -> None:
    """The index's wheel fails beside a CPU-only torch; a second call must do no harm."""
    import_torchvision()
    import_torchvision()
    assert "torchvision" in sys.modules


def test_a_drawing_begins_without_what_takes_long() -> None:
    """Whoever wants the compiler later has it."""
    told = subprocess.run([sys.executable, "-W", "ignore", "-c", CODE], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines() == ["Finished []", "2.0"]


def test_a_vision_tower_of_timm_is_found_all_the_same(tmp_path: Path) -> None:
    """Sets of one's own may have one."""
    (tmp_path / "tiny-timm.json").write_text(json.dumps({
        "embed_dim": 16, "vision_cfg": {"timm_model_name": "test_resnet", "timm_pool": "avg", "timm_proj": "linear",
                                        "image_size": 32},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1}}))
    config = ClipConfig(model="tiny-timm", config=tmp_path / "tiny-timm.json", mean=(0.5,) * 3, std=(0.5,) * 3)
    clip = Clip(config, None, torch.device("cpu"))
    assert clip.encode_images(torch.rand(2, 3, 32, 32)).shape == (2, 16)
