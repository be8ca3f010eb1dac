"""The overview's figures and the pages' words, from counted steps and stored values alone."""

from datetime import UTC, datetime, timedelta

import pytest

from oracle.assessment.states import State
from oracle.store.tables import TransitionRow
from oracle.store.tallies import TOTAL, UNTIMED, StateCount, StepCount, bucket_of
from oracle.web.dashboard import figures, formats, telling
from oracle.web.dashboard.figures import RANGES

NOW = datetime(2026, 11, 28, 12, 0, 30, tzinfo=UTC)
SECONDS = int(NOW.timestamp())


def made(source: str, target: str, count: int = 1, ago: int = 0, seconds: float | None = None) -> StepCount:
    bucket = UNTIMED if seconds is None else bucket_of(seconds)
    return StepCount((SECONDS - ago) // 60 * 60, source, target, bucket, count)


def test_curves__of_an_hour__have_a_point_a_minute_and_end_now() -> None:
    steps = [made("arrival", "requested", 3), made("dead", "requested", 9), made("arrival", "requested", 2, ago=600)]
    found = figures.curves(steps, RANGES["1h"], SECONDS)
    assert len(found["times"]) == 61
    assert found["times"][-1] == SECONDS // 60 * 60
    assert (found["rates"]["asked"][-1], found["rates"]["asked"][-11]) == (3, 2), "what comes back was asked once"


def test_curves__of_longer_ranges__are_rates_a_minute() -> None:
    found = figures.curves([made(TOTAL, "confirmed", 10, seconds=4)], RANGES["6h"], SECONDS)
    assert found["rates"]["answered"][-1] == 2
    assert found["latency"][-1][0] == pytest.approx(4, rel=0.2)
    assert found["latency"][0] == [None, None, None]


def test_happened__when_a_decline_is_mined__counts_no_answer() -> None:
    found = figures.happened([made("submitted", "confirmed", 5), made(TOTAL, "confirmed", 3, seconds=1)])
    assert found[figures.ANSWERED] == 3


def test_latencies__with_failed_tries__tell_them_apart() -> None:
    steps = [made("scored", "proven", 4, seconds=2), made("scored", "scored", 3)]
    prove = next(one for one in figures.latencies(steps) if one.name == "prove")
    assert (prove.count, prove.failed) == (4, 3)
    assert prove.percentiles[0] == pytest.approx(2, rel=0.2)


def test_fees__of_declined_requests__are_not_earned() -> None:
    found = [
        StateCount(State.FINAL, 0, 2, 20),
        StateCount(State.CONFIRMED, 3, 1, 10),
        StateCount(State.DECLINED, 3, 1, 10),
        StateCount(State.DEAD, 0, 1, 10),
    ]
    assert figures.fees_earned_wei(found) == 20
    assert figures.declined_by_reason(found) == [(3, 2)]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "–"),
        (0, "0 ms"),
        (0.25, "250 ms"),
        (0.99999, "1.0 s"),
        (59.96, "1 min"),
        (200, "3 min 20 s"),
        (3_600, "1 h"),
        (93_784, "1 d 2 h"),
        (-5, "−5.0 s"),
    ],
)
def test_duration__is_told_in_the_units_that_say_most(seconds: float | None, said: str) -> None:
    assert formats.duration(seconds) == said


@pytest.mark.parametrize(
    ("wei", "said"),
    [(None, "–"), (0, "0"), (1, "< 0.000001"), (-1, "−< 0.000001"), (15 * 10**17, "1.5"), (2**256 - 1, None)],
)
def test_coins__are_told_to_six_places(wei: int | None, said: str | None) -> None:
    found = formats.coins(wei)
    assert said is None or found == said
    assert "E" not in found


def test_moment__out_of_all_time__is_told_as_it_stands() -> None:
    assert formats.moment(2**62) == f"{2**62} s"
    assert "2026-11-28 12:00:30" in formats.moment(NOW)


def log(*steps: tuple[str | None, str, float]) -> list[TransitionRow]:
    return [
        TransitionRow(source=source, target=target, reason="", at=NOW + timedelta(seconds=at), seconds=None)
        for source, target, at in steps
    ]


def test_steps__off_the_main_way__are_branches_and_time_adds_up() -> None:
    way = telling.steps(
        log((None, "requested", 0), ("requested", "requested", 3), ("requested", "declining", 5)),
        NOW + timedelta(seconds=9),
    )
    assert [(one.branch, one.failed) for one in way] == [(False, False), (True, True), (True, False)]
    assert telling.time_in_states(way) == [("requested", 5.0, 5 / 9), ("declining", 4.0, 4 / 9)]


def test_steps__that_are_over__last_no_longer() -> None:
    way = telling.steps(log((None, "requested", 0), ("requested", "expired", 2)), NOW + timedelta(days=1))
    assert telling.time_in_states(way) == [("requested", 2.0, 1.0)]


def test_bars__share_one_scale_and_know_what_is_good_for_whom() -> None:
    reason = {"feature": "x", "text": "x"}
    content = {
        "outputs": {
            "score": {"points": 1, "baseline": 2, "others": 0, "reasons": [{**reason, "points": -40}]},
            "fraud_likelihood": {"points": 1, "baseline": 2, "others": 0, "reasons": [{**reason, "points": -10}]},
        }
    }
    found = [bar for one in telling.bars(content) for bar in one["reasons"]]
    assert [(bar.width, bar.good) for bar in found] == [(1.0, False), (0.25, True)]


def test_bars__of_nothing__are_none() -> None:
    assert telling.bars({}) == []
