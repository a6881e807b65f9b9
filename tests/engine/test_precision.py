"""engine/networks/precision.py"""

import json
from pathlib import Path

import pytest
import torch

from engine.networks import precision
from engine.networks.precision import PLAIN, Quickest, Ways, choose, multiplies_bfloat16, quickest
from engine.networks.tuning import choose_tuning

CPU = torch.device("cpu")
BOTH = Quickest(bfloat16=True, channels_last=True)


def ways(plain: float, plain_last: float, half: float, half_last: float) -> Ways:
    single, double = torch.float32, torch.bfloat16
    return {(single, False): plain, (single, True): plain_last, (double, False): half, (double, True): half_last}


@pytest.mark.parametrize(
    ("line", "does"),
    [
        ("flags\t\t: fpu avx2 avx512f avx512_bf16", True),
        ("flags\t\t: fpu amx_bf16 amx_tile", True),
        ("Features\t: fp asimd bf16 i8mm", True),
        ("flags\t\t: fpu avx2 f16c", False),
        ("model name\t: bf16 in its name", False),
        ("", False),
    ],
)
def test_the_processor_says_whether_it_multiplies_bfloat16(line: str, does: bool) -> None:
    """x86 with AVX-512 or AMX, and Arm; the others emulate it, at up to 300 times float32's time."""
    assert multiplies_bfloat16(f"processor\t: 0\n{line}\n") is does


def test_bfloat16_is_taken_where_it_is_clearly_quicker_and_never_else() -> None:
    """Never slower than float32; where they are close, noise would decide, and float32 is exact."""
    assert choose(ways(66, 50, 38, 18)) == BOTH
    assert choose(ways(66, 50, 60, 45)) == Quickest(bfloat16=False, channels_last=True)
    assert choose(ways(66, 50, float("inf"), float("inf"))) == PLAIN


def test_the_layout_is_that_of_the_precision_taken() -> None:
    """On one processor bfloat16 likes channels last, on another it does not."""
    assert choose(ways(66, 50, 20, 40)) == Quickest(bfloat16=True, channels_last=False)
    assert choose(ways(40, 50, 45, 60)) == Quickest(bfloat16=False, channels_last=False)


def test_what_was_measured_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A drawing goes on from its checkpoint in the precision that it began in, though another process is as busy."""
    monkeypatch.setattr(precision, "multiplies_bfloat16", lambda told: True)
    quick, slow = (lambda: ways(66, 50, 38, 18)), (lambda: ways(66, 50, 90, 90))
    assert quickest.__wrapped__(tmp_path / "models", quick) == BOTH
    assert quickest.__wrapped__(tmp_path / "models", slow) == BOTH
    (tmp_path / "models" / precision.REMEMBERED).write_text(json.dumps({"another processor": {"bfloat16": True}}))
    assert quickest.__wrapped__(tmp_path / "models", slow) == PLAIN
    assert quickest.__wrapped__(tmp_path / "models", quick) == PLAIN, "what another processor said is another matter"
    assert "another processor" in json.loads((tmp_path / "models" / precision.REMEMBERED).read_text()), "and stays"


def test_a_processor_without_it_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "multiplies_bfloat16", lambda told: False)
    assert quickest.__wrapped__(None, lambda: pytest.fail("measured")) == PLAIN


def test_only_a_large_network_on_a_cpu_asks() -> None:
    """The toybox stays float32, and its pixels the same."""
    assert choose_tuning(CPU, 64, {}, lambda: BOTH).precision is torch.float32
    found = choose_tuning(CPU, 128, {}, lambda: BOTH)
    assert found.precision is torch.bfloat16 and found.channels_last
    found = choose_tuning(CPU, 128, {"IMAGO_PRECISION": "float32"}, lambda: pytest.fail("the switch says it"))
    assert found.precision is torch.float32 and found.channels_last
    assert choose_tuning(torch.device("cuda"), 256, {}, lambda: BOTH).precision is torch.float16


def test_the_measurement_is_short_and_whole() -> None:
    """Half a second of processor time on a machine with bfloat16; here whatever this one has."""
    found = precision.measure()
    assert len(found) == 4 and all(seconds > 0 for seconds in found.values())
