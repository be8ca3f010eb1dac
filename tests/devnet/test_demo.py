"""The demo, as a new user runs it: the whole story, and nothing left running however it ends."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest


def start(folder: Path, *options: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "oracle.devnet.demo", "--folder", str(folder), *options]
    return subprocess.Popen(
        command,
        stdout=(folder.with_suffix(".log")).open("w"),
        stderr=subprocess.STDOUT,
        text=True,
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "120", "HOME": str(folder.parent)},
    )


def said(folder: Path) -> str:
    return folder.with_suffix(".log").read_text()


def until_said(demo: "subprocess.Popen[str]", folder: Path, words: str, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while words not in said(folder):
        assert demo.poll() is None, said(folder)
        assert time.monotonic() < deadline, said(folder)
        time.sleep(0.1)


def test_demo__from_beginning_to_end__tells_seven_stories_and_refuses_the_tampered_score(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    demo = start(folder)
    try:
        assert demo.wait(270) == 0, said(folder)
    finally:
        demo.kill()
    text = said(folder)
    for wallet in ("careful", "edge", "liquidated", "newcomer", "phishing", "trader", "late"):
        assert f"\n  {wallet}" in text or f"\n {wallet}" in text, text
    assert text.count("verified here") == 7
    assert "holds a position at Uniswap" in text
    assert "borrows at Venus too" in text
    assert text.count(" 0 swaps") == 5, "only two of the seven swap"
    assert " 3 swaps" in text
    assert " 16 swaps" in text
    assert "the true report is accepted" in text
    assert "InvalidProof" in text
    ways = re.findall(r"\n  \d  .*the contract reverted: (\w+)", text)
    assert ways == ["NobodyVouches", "NotTheOraclesFault", "AnswerStands", "ReviewStands"], text
    assert "approved" in text
    assert "refused" in text
    assert "\n  why      " in text
    assert "\n  change   " in text


@pytest.mark.parametrize("moment", ["deploying the real Aave V3", "careful"])
def test_demo__when_interrupted__leaves_no_process_behind(tmp_path: Path, moment: str) -> None:
    folder = tmp_path / "demo"
    demo = start(folder, "--keep")
    try:
        until_said(demo, folder, moment)
        time.sleep(0.5)
        family = psutil.Process(demo.pid).children(recursive=True)
        assert family, said(folder)
        demo.send_signal(signal.SIGINT)
        assert demo.wait(60) == 130, said(folder)
    finally:
        demo.kill()
    _, alive = psutil.wait_procs(family, timeout=30)
    assert not alive, [process.cmdline() for process in alive]


def test_demo__when_killed_outright__leaves_no_process_behind(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    demo = start(folder, "--keep")
    try:
        until_said(demo, folder, "careful")
        time.sleep(1)
        family = psutil.Process(demo.pid).children(recursive=True)
    finally:
        demo.kill()
    _, alive = psutil.wait_procs(family, timeout=30)
    assert not alive, [process.cmdline() for process in alive]
