"""the engine's records as lines of JSON."""

import json
from dataclasses import FrozenInstanceError, fields
from typing import get_args

import pytest

from engine.events import Event, Failed, Finished, Preview, Progress, Started, as_json

FILLED: dict[object, object] = {
    int: 7,
    float: 0.123456,
    str: "λ",
    bytes: b"\x89PNG",
    float | None: 0.123456,
    tuple[bytes, ...]: (b"a", b"bc"),
}


@pytest.mark.parametrize("kind", get_args(Event))
def test_every_event_becomes_one_line_that_opens_with_its_name(kind: type) -> None:
    """`imago draw --json` prints each event so; a new event must not break it."""
    event = kind(**{field.name: FILLED[field.type] for field in fields(kind)})
    values = as_json(event)
    assert next(iter(values.items())) == ("event", kind.__name__.lower())
    assert json.loads(json.dumps(values)) == values
    assert len(values) == 1 + len(fields(kind))


def test_bytes_are_told_by_their_length() -> None:
    """A picture in a line of JSON helps nobody."""
    assert as_json(Preview(percent=10, step=1, steps=10, png=b"12345")) == {
        "event": "preview",
        "percent": 10,
        "step": 1,
        "steps": 10,
        "png_bytes": 5,
    }
    several = as_json(
        Finished(
            png=b"1",
            gif=b"",
            width=1,
            height=1,
            seed=0,
            steps=1,
            seconds=0.0,
            unet_calls=1,
            pixels_sha256="",
            pictures=(b"123", b"12"),
        )
    )
    assert several["pictures_bytes"] == [3, 2]


def test_fractions_are_rounded_to_what_can_be_read() -> None:
    """Seconds and distances have no meaning beyond four places."""
    values = as_json(Progress(step=1, steps=2, seconds_left=1.23456789, distance=0.99999))
    assert (values["seconds_left"], values["distance"]) == (1.2346, 1.0)


@pytest.mark.parametrize("kind", get_args(Event))
def test_events_cannot_be_changed(kind: type) -> None:
    """One record goes to the screen, the log and the chat."""
    event = kind(**{field.name: FILLED[field.type] for field in fields(kind)})
    with pytest.raises(FrozenInstanceError):
        setattr(event, fields(kind)[0].name, 0)


def test_the_stream_has_a_first_and_two_last_words() -> None:
    """Callers rely on these three being there."""
    assert {Started, Finished, Failed} <= set(get_args(Event))
