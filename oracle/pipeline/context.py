"""What the stages work with; the composition root builds it once."""

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from web3 import AsyncHTTPProvider, AsyncWeb3

from oracle.assessment.errors import TransientFault
from oracle.assessment.request import Address, BlockRef
from oracle.assessment.states import STAGE_OF
from oracle.chain.contracts import OracleContract
from oracle.chain.fees import FeePolicy
from oracle.chain.signer import Signer
from oracle.chain.transactions import TransactionClient
from oracle.config.chain import ChainSettings, TransactionSettings
from oracle.config.markets import LenderSettings
from oracle.config.model import DriftSettings, ModelSettings
from oracle.config.privacy import PrivacySettings
from oracle.config.worker import WorkerSettings
from oracle.history.identity.labels import Labels
from oracle.models.inference import Model
from oracle.pipeline.fitting import Refused
from oracle.pipeline.health import Health
from oracle.pipeline.history import Histories
from oracle.proving.fleet.fleet import Fleet
from oracle.proving.prover import Prover

if TYPE_CHECKING:
    from oracle.pipeline.open_lane import OpenLane


class ModelWithdrawn(TransientFault):
    """The registry no longer takes answers of the model that is loaded, and the next one is not here."""


@dataclass(slots=True)
class Claims:
    """`daemon` is this daemon's number, None while it may claim nothing; `in_hand` is what its stages work on."""

    daemon: int | None = None
    in_hand: set[UUID] = field(default_factory=set)


@dataclass(slots=True)
class Context:
    """The daemon's parts, as the stages see them.

    `head` is the newest block seen, the daemon's idea of chain time; `balance_wei` is the signer's, as last read.
    `model` answers, proven by `prover`; they change together when the registry's primary does. `shadow` runs beside it.
    `sealing_key` is the X25519 key that openings are sealed to, None where none are taken.
    `open` proves requests without private data by open statements, None where the registry has no such model.
    `fleet` makes `proofs_at_once` on other machines, None where there is none.
    `withdrawn` says why no model may answer, `refused` which keys do not fit their verifier.
    """

    chain_id: int
    w3: AsyncWeb3[AsyncHTTPProvider]
    chain: ChainSettings
    worker: WorkerSettings
    transactions: TransactionSettings
    sessions: async_sessionmaker[AsyncSession]
    oracle: OracleContract
    client: TransactionClient
    fees: FeePolicy
    signer: Signer
    signer_set_digest: bytes
    histories: Histories
    labels: Labels
    declined_labels: frozenset[str]
    model: Model
    prover: Prover
    health: Health
    models: ModelSettings = field(default_factory=ModelSettings)
    drift: DriftSettings = field(default_factory=DriftSettings)
    privacy: PrivacySettings = field(default_factory=PrivacySettings)
    sealing_key: bytes | None = None
    fleet: Fleet | None = None
    proofs_at_once: int = 1
    lenders: tuple[LenderSettings, ...] = ()
    shadow: Model | None = None
    shadow_fault: str = ""
    open: "OpenLane | None" = None
    open_fault: str = ""
    withdrawn: str = ""
    refused: Refused = field(default_factory=dict)
    following: asyncio.Lock = field(default_factory=asyncio.Lock)
    proving: asyncio.Lock = field(default_factory=asyncio.Lock)
    head: BlockRef | None = None
    balance_wei: int | None = None
    claims: Claims = field(default_factory=Claims)
    woken: dict[str, asyncio.Event] = field(default_factory=lambda: {stage: asyncio.Event() for stage in STAGE_OF})

    @property
    def address(self) -> Address:
        """The oracle contract's address."""
        return self.oracle.address

    def wake_all(self) -> None:
        """Let every stage look for work now."""
        for event in self.woken.values():
            event.set()

    def answering(self) -> Model:
        """Return the model that answers; raises ModelWithdrawn while there is none."""
        if self.withdrawn:
            raise ModelWithdrawn(self.withdrawn)
        return self.model
