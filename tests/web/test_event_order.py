"""Every change once and in order, however transactions interleave; who is slow holds nobody up."""

from oracle.store.event_log import Look, Order
from oracle.web.api.feed import LONGEST_QUEUE, Listener


def look_of(*ids: int, oldest_open: int = 10, next_transaction: int = 10) -> Look:
    return Look(ids, (), oldest_open, next_transaction)


def test_order__without_gaps__then_all() -> None:
    assert Order().settled(4, look_of(5, 6, 7)) == 7
    assert Order().settled(4, look_of()) == 4


def test_order__when_an_id_is_missing__then_nothing_beyond_it_until_it_comes() -> None:
    order = Order()
    assert order.settled(4, look_of(5, 7)) == 5
    assert order.settled(5, look_of(7)) == 5
    assert order.settled(5, look_of(6, 7)) == 7


def test_order__when_a_missing_id_was_rolled_back__then_lost_once_all_that_may_hold_it_are_over() -> None:
    order = Order()
    assert order.settled(5, look_of(7, oldest_open=10, next_transaction=12)) == 5
    assert order.settled(5, look_of(7, oldest_open=10, next_transaction=13)) == 5
    assert order.settled(5, look_of(7, oldest_open=12, next_transaction=20)) == 5, "12 was open, and may hold it"
    assert order.settled(5, look_of(7, 8, oldest_open=13, next_transaction=20)) == 8


def test_order__when_many_are_missing__then_they_do_not_wait_for_each_other() -> None:
    order = Order()
    for _ in range(2):
        order.settled(0, look_of(2, 4, 6, oldest_open=10, next_transaction=10))
    assert order.settled(0, look_of(2, 4, 6, oldest_open=10, next_transaction=10)) == 6


def test_listener__when_it_does_not_keep_up__then_it_is_ended_and_the_others_are_not_held_up() -> None:
    slow = Listener()
    for number in range(LONGEST_QUEUE + 10):
        slow.tell(number)  # type: ignore[arg-type]
    assert slow.ended
    told = [slow.queue.get_nowait() for _ in range(slow.queue.qsize())]
    assert told[-1] is None
    assert len(told) == LONGEST_QUEUE
