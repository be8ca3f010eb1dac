"""The chain that the oracle contract lives on, and what a transaction there may cost."""

from decimal import Decimal
from typing import Annotated, Final, Self

from pydantic import Field, PlainSerializer, PlainValidator, SecretStr, model_validator

from oracle.config.values import ContractAddress, Seconds, Section, endpoint, endpoints, hidden

DEVELOPMENT_CHAIN_IDS: Final = frozenset({1337, 31337})
"""The chain ids by convention of development nodes: only there may a forgeable development SRS be used."""


class ChainSettings(Section):
    """The chain the oracle contract lives on."""

    rpc_url: Annotated[
        SecretStr | tuple[SecretStr, ...], PlainValidator(endpoints), PlainSerializer(hidden, when_used="json")
    ] = Field(
        description="HTTP JSON-RPC endpoint, or a list of them, best first; secret, because providers put keys in it"
    )
    ws_url: Annotated[SecretStr, endpoint("ws://", "wss://")] | None = Field(
        None, description="WebSocket endpoint that wakes the event source; polling works without it"
    )
    chain_id: int = Field(gt=0, description="the chain id the endpoint must report")
    oracle: ContractAddress = Field(description="address of the AIRiskOracle contract")
    start_block: int = Field(0, ge=0, description="first block to look for requests in (the contract's deployment)")
    confirmations: int = Field(12, ge=1, description="blocks on top of a transaction before it counts as final")
    poll_seconds: Seconds = Field(4.0, description="pause between two looks at the chain's head")
    log_range: int = Field(2_000, ge=1, description="most blocks asked for in one eth_getLogs")
    request_timeout_seconds: Seconds = Field(20.0, description="patience with one RPC call")
    max_head_lag: int = Field(5, ge=0, description="an endpoint this many blocks behind the others is asked last")
    two_endpoints_agree: bool = Field(
        False, description="ask two endpoints for the request's state and the hash of its block; they must agree"
    )

    @property
    def rpc_urls(self) -> tuple[str, ...]:
        """The endpoints, best first."""
        urls = self.rpc_url if isinstance(self.rpc_url, tuple) else (self.rpc_url,)
        return tuple(url.get_secret_value() for url in urls)

    @model_validator(mode="after")
    def _two_to_agree(self) -> Self:
        if self.two_endpoints_agree and len(self.rpc_urls) < 2:
            raise ValueError("two_endpoints_agree needs at least two endpoints in rpc_url")
        return self


class TransactionSettings(Section):
    """How much a transaction may cost, and when it is replaced."""

    max_fee_gwei: Decimal = Field(Decimal(200), gt=0, description="never pay more than this per gas")
    priority_fee_gwei: Decimal | None = Field(
        None, ge=0, description="tip per gas, at least; unset: the network's own (30 on Polygon); the node is asked"
    )
    max_priority_fee_gwei: Decimal | None = Field(
        None, ge=0, description="tip per gas, at most, whatever the node suggests; unset: the network's own"
    )
    replace_after_seconds: Seconds = Field(60.0, description="unmined for so long: send again with higher fees")

    @model_validator(mode="after")
    def _tip_within_limit(self) -> Self:
        least, most = self.priority_fee_gwei, self.max_priority_fee_gwei
        if least is not None and most is not None and least > most:
            raise ValueError(
                f"priority_fee_gwei {least} is above max_priority_fee_gwei {most}: lower it, or raise that"
            )
        if least is not None and least > self.max_fee_gwei:
            raise ValueError(
                f"priority_fee_gwei {self.priority_fee_gwei} is above max_fee_gwei {self.max_fee_gwei}: "
                "no transaction could be sent"
            )
        return self
