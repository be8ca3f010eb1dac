"""Readiness: every expected part must have reported, and be well."""

from oracle.pipeline.health import Health


def test_health__when_nothing_is_known__then_not_ready() -> None:
    assert not Health().ready


def test_health__when_an_expected_part_never_reported__then_not_ready() -> None:
    health = Health()
    health.expect("chain", "database")
    health.set("chain", True)
    assert not health.ready
    assert health.parts["database"].text == "not started"
    health.set("database", True)
    assert health.ready


def test_health__when_a_part_falls_ill__then_not_ready_until_it_is_well() -> None:
    health = Health()
    health.set("chain", True)
    health.set("chain", False, "away")
    assert not health.ready
    health.set("chain", True)
    assert health.ready


def test_set__when_the_condition_changes__then_true_once_and_the_moment_stays() -> None:
    health = Health()
    assert health.set("chain", False, "first")
    since = health.parts["chain"].since
    assert not health.set("chain", False, "second")
    assert (health.parts["chain"].text, health.parts["chain"].since) == ("second", since)
    assert health.set("chain", True)
    assert not health.set("chain", True)


def test_expect__when_a_part_reported_before__then_it_keeps_its_condition() -> None:
    health = Health()
    health.set("chain", True)
    health.expect("chain")
    assert health.ready


def test_warn__when_something_is_to_be_looked_at__then_told_and_still_ready() -> None:
    health = Health()
    health.set("chain", True)
    health.warn("dead_letters", "1 given up")
    since = health.warnings["dead_letters"].since
    health.warn("dead_letters", "2 given up")
    assert health.ready
    assert (health.warnings["dead_letters"].text, health.warnings["dead_letters"].since) == ("2 given up", since)
    health.warn("dead_letters", "")
    assert health.warnings == {}


def test_set__with_a_strangers_megabytes__then_cut() -> None:
    health = Health()
    health.set("chain", False, "x" * 3_000_000)
    assert len(health.parts["chain"].text) < 2_100


def test_recovered__when_a_part_is_well_again__then_set() -> None:
    health = Health()
    health.set("chain", False, "away")
    assert not health.recovered.is_set()
    health.set("chain", True)
    assert health.recovered.is_set()
