"""a checkpoint is whole, belongs to one request and one set of weights, or is refused with a sentence."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load, save

from engine.drawing.checkpoint import DrawingState, pack_state, request_of_checkpoint, unpack_state
from engine.drawing.steps import resolve_defaults
from engine.errors import BadCheckpoint
from engine.model_sets.weights import load_model_set
from engine.request import Request

TOYBOX = load_model_set("toybox")
REQUEST = resolve_defaults(Request(prompt="a red star", seed=3, steps=20), TOYBOX.defaults)
STATE = DrawingState(
    x=torch.randn(1, 3, 64, 64), index=9, frames=[np.full((64, 64, 3), 7, np.uint8)], seconds=1.5, unet_calls=10
)


def test_what_is_packed_comes_out_again() -> None:
    found = unpack_state(pack_state(STATE, REQUEST, TOYBOX), REQUEST, TOYBOX)
    assert torch.equal(found.x, STATE.x) and np.array_equal(found.frames[0], STATE.frames[0])
    assert (found.index, found.seconds, found.unet_calls) == (9, 1.5, 10)


def changed(state: bytes, *, without: tuple[str, ...] = (), **about: object) -> bytes:
    """The same checkpoint with other words beside its tensors, and without some of either."""
    header = json.loads(state[8 : 8 + int.from_bytes(state[:8], "little")])["__metadata__"]
    words = {**json.loads(header["imago"]), **about}
    tensors = {name: tensor for name, tensor in load(state).items() if name not in without}
    return save(tensors, {"imago": json.dumps({name: word for name, word in words.items() if name not in without})})


def test_what_the_controls_need_comes_out_again() -> None:
    """Pictures that pull and the distances so far; what the drawing began from is in x already."""
    picture, inputs = np.full((8, 12, 3), 7, np.uint8), {"init": "0" * 64, "targets": [["1" * 64, 0.3]]}
    request = dataclasses.replace(REQUEST, count=2, size="256x128")
    drawing = DrawingState(
        x=torch.randn(2, 3, 32, 64),
        index=9,
        distances=[[0.1, 1 / 3]],
        satisfied_at=0,
        targets=[(picture, 0.3)],
        inputs=inputs,
    )
    state = pack_state(drawing, request, TOYBOX)
    for given_again in ({}, inputs):
        found = unpack_state(state, request, TOYBOX, given_again)
        assert (found.distances, found.inputs, found.targets[0][1]) == ([[0.1, 1 / 3]], inputs, 0.3)
        assert np.array_equal(found.targets[0][0], picture)
    with pytest.raises(BadCheckpoint, match="picture"):
        unpack_state(state, request, TOYBOX, {"init": "1" * 64})
    with pytest.raises(BadCheckpoint, match="damaged"):
        unpack_state(changed(state, without=("target0",)), request, TOYBOX)


def test_a_checkpoint_of_before_the_controls_is_gone_on_from() -> None:
    """An upgrade in the middle of a drawing."""
    old = changed(pack_state(STATE, REQUEST, TOYBOX), without=("distances", "satisfied_at", "inputs", "weights"))
    found = unpack_state(old, REQUEST, TOYBOX)
    assert torch.equal(found.x, STATE.x) and (found.targets, found.distances, found.inputs) == ([], [], {})


def test_a_checkpoint_tells_its_request() -> None:
    assert request_of_checkpoint(pack_state(STATE, REQUEST, TOYBOX)) == REQUEST


@pytest.mark.parametrize("change", [{"seed": 4}, {"prompt": "a blue star"}, {"steps": 21}, {"cuts": 3}])
def test_another_request_is_refused(change: dict[str, object]) -> None:
    """Going on with another prompt would give a picture that no seed can draw again."""
    with pytest.raises(BadCheckpoint, match="another prompt"):
        unpack_state(pack_state(STATE, REQUEST, TOYBOX), dataclasses.replace(REQUEST, **change), TOYBOX)


def test_other_weights_are_refused() -> None:
    """A checkpoint from before an upgrade of the models."""
    other = dataclasses.replace(TOYBOX, unet={**TOYBOX.unet, "sha256": "0" * 64})
    with pytest.raises(BadCheckpoint, match="model"):
        unpack_state(pack_state(STATE, REQUEST, TOYBOX), REQUEST, other)


def test_a_set_that_draws_in_another_way_is_refused() -> None:
    """Same request, same weights, but its steps now lie elsewhere."""
    other = dataclasses.replace(TOYBOX, defaults=dataclasses.replace(TOYBOX.defaults, spacing=((800, 0.5),)))
    with pytest.raises(BadCheckpoint, match="model"):
        unpack_state(pack_state(STATE, REQUEST, TOYBOX), REQUEST, other)


@given(st.binary(max_size=200))
def test_no_bytes_crash_it(junk: bytes) -> None:
    with pytest.raises(BadCheckpoint):
        unpack_state(junk, REQUEST, TOYBOX)


@given(st.integers(0, 40_000))
def test_a_cut_off_checkpoint_is_refused(length: int) -> None:
    """The disk was full, the machine lost power."""
    with pytest.raises(BadCheckpoint):
        unpack_state(WHOLE[:length], REQUEST, TOYBOX)


WHOLE = pack_state(STATE, REQUEST, TOYBOX)


def test_numbers_that_no_drawing_has_are_refused() -> None:
    broken = dataclasses.replace(STATE, x=torch.full((1, 3, 64, 64), float("nan")))
    with pytest.raises(BadCheckpoint, match="damaged"):
        unpack_state(pack_state(broken, REQUEST, TOYBOX), REQUEST, TOYBOX)


def test_a_later_format_is_refused() -> None:
    with pytest.raises(BadCheckpoint, match="another version"):
        unpack_state(changed(WHOLE, format=99), REQUEST, TOYBOX)
