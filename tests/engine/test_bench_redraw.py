"""the commands of tests/bench/engine/redraw.py; what they draw is `python -m tests.bench.engine redraw`'s to say."""

from pathlib import Path

import numpy as np
import pytest

import engine
from bot.__main__ import main
from engine.drawing.provenance import command_of, metadata_of
from engine.model_sets.weights import load_model_set
from engine.pictures.images import read_png
from engine.request import Request
from tests.bench.engine.redraw import PROMPTS, again, random_request


def test_files_take_their_places_in_order() -> None:
    command = "imago draw x --seed 3 --init-picture FILE --target FILE:-0.5"
    assert again(command, [Path("a"), Path("b")], Path("o")) == [
        "draw",
        "-o",
        "o",
        "x",
        "--seed",
        "3",
        "--init-picture",
        "a",
        "--target",
        "b:-0.5",
    ]


def test_random_requests_have_some_of_everything(tmp_path: Path) -> None:
    """Or fifty of fifty would say little."""
    rng = np.random.default_rng(1)
    requests = [random_request(rng, tmp_path, number) for number in range(60)]
    for name in ("sampler", "eta", "saturation_scale", "clamp", "stop", "symmetry", "start", "pick", "init"):
        assert any(getattr(request, name) is not None for request, _, _ in requests), name
    assert {request.prompt for request, _, _ in requests} == set(PROMPTS)
    assert any(isinstance(request.guidance_scale, str) for request, _, _ in requests)
    assert any(inputs.targets for _, inputs, _ in requests)


@pytest.mark.parametrize("prompt", ["--help", 'it\'s "$HOME"'])
def test_the_command_line_takes_the_command_back(prompt: str, tmp_path: Path) -> None:
    """Every option at once, through the parser that people use."""
    request = Request(
        prompt=prompt,
        models="toybox",
        seed=7,
        size="256x256",
        steps=1,
        sampler="ddpm",
        eta=0.123456789,
        guidance_scale="0:100,33.3:7.25",
        tv_scale=1e-5,
        range_scale=3.0,
        saturation_scale="5:1",
        cuts="0:2,100:1",
        clamp=0.5,
        count=2,
        pick=2,
        stop="satisfied",
        symmetry="both",
        start="perlin",
        gradient_at="x",
        guide_every=1,
        threads=1,
    )
    output = tmp_path / "again.png"
    assert main(again(command_of(request), [], output)) == 0
    metadata = read_png(output.read_bytes())[1]
    assert metadata == metadata_of(engine.inspect(output.read_bytes()).request, load_model_set("toybox"))
    assert engine.inspect(output.read_bytes()).request == request
