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
