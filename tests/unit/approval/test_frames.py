"""Frames between a party and its engine: what is no frame is refused before anything is made of it."""

import io
import json

import pytest

from oracle.approval.engine import frames
from oracle.approval.engine.frames import BadFrame


def framed(head: dict[str, object], parts: dict[str, bytes]) -> bytes:
    return b"".join(frames.encode(head, parts))


def head_of(text: bytes) -> bytes:
    return frames.MAGIC + len(text).to_bytes(4, "big") + text


def test_frame__when_written_and_read__then_it_is_the_same() -> None:
    parts = {"one": b"", "two": bytes(range(256))}
    assert frames.read(io.BytesIO(framed({"order": "x"}, parts))) == ({"order": "x"}, parts)


def test_frame__when_the_stream_is_at_its_end__then_there_is_none() -> None:
    assert frames.read(io.BytesIO(b"")) is None


def test_frame__when_two_follow_each_other__then_each_is_read_alone() -> None:
    stream = io.BytesIO(framed({"n": 1}, {"a": b"x"}) + framed({"n": 2}, {}))
    assert [frames.read(stream), frames.read(stream)] == [({"n": 1}, {"a": b"x"}), ({"n": 2}, {})]


@pytest.mark.parametrize("cut", range(1, len(framed({"order": "x"}, {"part": b"bytes"}))))
def test_frame__when_cut_anywhere__then_it_is_refused(cut: int) -> None:
    with pytest.raises(BadFrame):
        frames.read(io.BytesIO(framed({"order": "x"}, {"part": b"bytes"})[:cut]))


@pytest.mark.parametrize(
    "bytes_",
    [
        b"\x80\x04\x95pickled",
        b"AFE2" + b"\0\0\0\2{}",
        head_of(b"{}"),
        head_of(b"[]"),
        head_of(b'{"parts":{}}'),
        head_of(b'{"parts":[1]}'),
        head_of(b'{"parts":["a","a"]}') + b"\0\0\0\0" * 2,
        head_of(json.dumps({"parts": [str(number) for number in range(65)]}).encode()),
        head_of(b'{"parts":[\xff]}'),
        frames.MAGIC + b"\xff\xff\xff\xff",
        head_of(b'{"parts":["a"]}') + b"\xff\xff\xff\xff",
    ],
)
def test_frame__when_it_is_none__then_it_is_refused(bytes_: bytes) -> None:
    with pytest.raises(BadFrame):
        frames.read(io.BytesIO(bytes_))


def test_frame__when_its_head_holds_no_number__then_it_is_not_written() -> None:
    with pytest.raises(ValueError, match="JSON"):
        framed({"order": float("nan")}, {})
