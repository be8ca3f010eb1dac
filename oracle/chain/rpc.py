"""The endpoints as one AsyncWeb3 with retries, and its faults in the domain's words."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import aiohttp
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.exceptions import BlockNotFound, TransactionNotFound, Web3RPCError
from web3.middleware import ExtraDataToPOAMiddleware
from web3.types import BlockData, BlockIdentifier

from oracle.assessment.errors import BlockUnavailable, ConfigurationFault, TransientFault
from oracle.assessment.request import BlockRef
from oracle.chain.pool import NETWORK_FAULTS, NONSENSE, PoolProvider
from oracle.nodes.refusals import NodeError, Refusal, node_error


class EndpointUnreachable(TransientFault):
    """The RPC endpoint does not answer, or not with JSON-RPC."""


class EndpointRefused(EndpointUnreachable):
    """The RPC endpoint answered a call with an error."""


class EndpointBusy(EndpointUnreachable):
    """The RPC endpoint wants fewer calls."""


class BlockWithheld(BlockUnavailable):
    """The RPC endpoint says that it lacks a block, its state or its logs: of the chain that says nothing."""


def connect(
    urls: str | Sequence[str],
    timeout_seconds: float,
    *,
    chain_id: int | None = None,
    max_lag_blocks: int = 5,
    ask_two: bool = False,
) -> AsyncWeb3[AsyncHTTPProvider]:
    """Return a client of one or more endpoints that repeats calls over short network faults; nothing is sent yet.

    See PoolProvider for the options.
    """
    listed = [urls] if isinstance(urls, str) else list(urls)
    provider = PoolProvider(listed, timeout_seconds, chain_id=chain_id, max_lag_blocks=max_lag_blocks, ask_two=ask_two)
    w3: AsyncWeb3[AsyncHTTPProvider] = AsyncWeb3(provider)
    # Chains of few known validators put their signatures there: web3 refuses more than 32 bytes otherwise.
    w3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)
    return w3


@contextmanager
def endpoint_faults() -> Iterator[None]:
    """Turn network and endpoint faults into EndpointUnreachable, with its host alone (the URL may hold a key).

    What is an answer of the chain stays as it is: no such block or receipt, a reverted call.
    """
    try:
        yield
    except aiohttp.ClientResponseError as error:
        raise EndpointUnreachable(f"{_who(error)} answers HTTP {error.status}") from error
    except NETWORK_FAULTS as error:
        raise EndpointUnreachable(f"{_who(error)} does not answer ({type(error).__name__})") from error
    except (BlockNotFound, TransactionNotFound):
        raise  # web3 counts them among refusals, but they are answers: there is none yet
    except Web3RPCError as error:
        raise refusal(node_error("", (error.rpc_response or {}).get("error") or error.message)) from error
    except NONSENSE as error:
        raise EndpointUnreachable(f"{_who(error)} does not answer with JSON-RPC ({type(error).__name__})") from error


def _who(error: Exception) -> str:
    """Return which endpoint failed, as the pool noted it."""
    return next(iter(getattr(error, "__notes__", ())), "the RPC endpoint")


def refusal(error: NodeError) -> TransientFault:
    """Return the fault that a node's refusal of a call is."""
    match error.kind:
        case Refusal.UNSERVED:
            return BlockWithheld(f"the RPC endpoint does not serve the block of a call: {error.text}")
        case Refusal.BUSY:
            return EndpointBusy(f"the RPC endpoint wants fewer calls: {error.text}")
        case _:
            return EndpointRefused(f"the RPC endpoint refused a call: {error.text}")


async def check_chain_id(w3: AsyncWeb3[AsyncHTTPProvider], expected: int) -> None:
    """Raise ConfigurationFault when an endpoint serves another chain, EndpointUnreachable when all are away."""
    provider = w3.provider
    if not isinstance(provider, PoolProvider):
        raise TypeError(f"expected a client made by connect(), got one of {type(provider).__name__}")
    away: EndpointUnreachable | None = None
    answered = 0
    for endpoint in provider.endpoints:
        try:
            with endpoint_faults():
                found = await provider.chain_id_of(endpoint)
        except EndpointUnreachable as fault:
            away = fault
            continue
        answered += 1
        if found != expected:
            raise ConfigurationFault(
                f"{endpoint.title} serves chain {found}, chain.chain_id says {expected}: correct one of the two"
            )
    if not answered and away is not None:
        raise away


async def block_ref(w3: AsyncWeb3[AsyncHTTPProvider], block: BlockIdentifier) -> BlockRef:
    """Return a block's number, hash and time; raises BlockUnavailable when the endpoint does not have it."""
    try:
        with endpoint_faults():
            data: BlockData = await w3.eth.get_block(block)
    except BlockNotFound as error:
        raise BlockUnavailable(f"the RPC endpoint does not serve block {block!r}") from error
    return BlockRef(data["number"], data["hash"].to_0x_hex(), data["timestamp"])
