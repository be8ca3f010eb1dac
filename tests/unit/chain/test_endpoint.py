"""One endpoint: what it is called in messages, and how long it has said nothing."""

import pytest

from oracle.chain.endpoint import Endpoint, host_of
from oracle.chain.http_session import CancellableHttpProvider


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://rpc.example.org/v3/0123456789abcdef", "rpc.example.org"),
        ("https://user:secret@rpc.example.org:8545/?key=secret", "rpc.example.org"),
        ("https://0123456789abcdef0123456789abcdef.eth.rpc.example.com/", "….eth.rpc.example.com"),
        ("http://127.0.0.1:8545", "127.0.0.1"),
    ],
)
def test_host__of_a_url__names_it_without_a_key(url: str, host: str) -> None:
    assert host_of(url) == host


def test_silence__lasts_from_the_first_request_without_an_answer_to_the_next_answer() -> None:
    now = [100.0]
    endpoint = Endpoint(1, CancellableHttpProvider("http://127.0.0.1:1"), clock=lambda: now[0])
    assert endpoint.silent_seconds == 0
    first = endpoint.start()
    now[0] = 110.0
    endpoint.start()
    assert endpoint.silent_seconds == 10
    endpoint.failed(TimeoutError())
    now[0] = 115.0
    assert endpoint.silent_seconds == 15, "a request that was given up is no answer"
    endpoint.start()
    endpoint.succeeded(first)
    assert endpoint.silent_seconds == 0


def test_silence__when_all_requests_were_cancelled__is_over() -> None:
    endpoint = Endpoint(1, CancellableHttpProvider("http://127.0.0.1:1"), clock=iter(range(100)).__next__)
    endpoint.start()
    endpoint.start()
    endpoint.abandoned()
    assert endpoint.silent_seconds > 0
    endpoint.abandoned()
    assert endpoint.silent_seconds == 0
