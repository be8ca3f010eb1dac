"""A borrower's own proof: what the daemon tells is checked, the circuit is made here, and nothing private leaves."""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from oracle.assessment.outputs import Scores, decode_outputs
from oracle.client.answers import Features
from oracle.commands.borrowing import DaemonRefused, check_told
from oracle.commands.key_cache import ProvingKeys
from oracle.models.registry import ShippedModel
from oracle.passports.opening import Opening
from oracle.proving import ezkl_files
from oracle.proving.circuit import Circuit, compile_circuit, read_circuit
from oracle.proving.commitment import commit_chain
from oracle.proving.errors import ProvingFailed, UnprovableInput
from oracle.proving.field import to_signed
from oracle.proving.library_home import ensure_home
from oracle.scratch import ScratchFolder, memory_folder

_PREFIX = "risk-oracle-borrower-"


@dataclass(frozen=True, slots=True)
class OwnProof:
    """A proof as the daemon takes it; `instances` are both commitments and the outputs as field elements."""

    proof: bytes
    instances: tuple[int, ...]
    outputs: tuple[int, ...]


def check_features(features: Features) -> None:
    """Raise DaemonRefused unless features, values and commitment that the daemon tells are of one another."""
    try:
        found = commit_chain(features.encoded)
    except UnprovableInput as error:
        raise DaemonRefused(f"the daemon tells features that no circuit takes: {error}") from None
    if found != features.feature_commitment:
        raise DaemonRefused(
            f"the daemon tells the feature commitment {features.feature_commitment}, its features hash to {found}: "
            "nothing was proven"
        )
    check_told(features)


def ways_to_better(model: ShippedModel, features: Features, opening: Opening) -> list[str]:
    """Return what of the passport leads to a better category; its words tell values: for the owner alone."""
    # With torch, which the proof itself does not need.
    from oracle.models.inference import Model
    from oracle.models.private_recourse import private_recourse

    values = {name: None if text is None else Decimal(text) for name, text in features.values.items()}
    found = private_recourse(Model.open(model), None, values, features.encoded, opening.encoded)
    return [option.text for option in found]


class Bench:
    """A place in memory where one proof is made; enter it, and leave nothing behind.

    `solve` gives the outputs before anything is proven, `prove` the proof, verified as the contract will.
    """

    def __init__(self, model: ShippedModel) -> None:
        self._model = model
        self._circuit: Circuit = read_circuit(model.directory)
        self._expected: tuple[int, ...] = ()

    def __enter__(self) -> "Bench":
        ensure_home()
        self._scratch = ScratchFolder(_PREFIX, str(memory_folder()))
        return self

    def __exit__(self, *_: object) -> None:
        self._scratch.remove()

    @property
    def _compiled(self) -> Path:
        return self._scratch.path / "circuit.ezkl"

    def solve(self, features: Features, opening: Opening) -> tuple[Scores, tuple[int, ...]]:
        """Return what the model says, and its outputs in signed fixed point; raises ProvingFailed."""
        compile_circuit(self._circuit, self._compiled)
        instances = ezkl_files.solve(self._scratch.path, self._compiled, features.encoded, opening.tensor)
        if instances[:2] != (features.feature_commitment, opening.commitment):
            raise ProvingFailed("the circuit hashes these tensors to other commitments: the release is damaged")
        self._expected = instances
        outputs = tuple(to_signed(element) for element in instances[2:])
        return decode_outputs(outputs, self._model.output_scales), outputs

    def prove(self, keys: ProvingKeys) -> OwnProof:
        """Prove what was solved; raises ProvingFailed when the keys are not the model's, or the proof does not hold."""
        folder = self._scratch.path
        proof, instances = ezkl_files.prove(folder, self._compiled, keys.proving_key, keys.srs)
        if instances != self._expected:
            raise ProvingFailed("the proof shows other numbers than the model gave: it was thrown away")
        verifying_key = folder / "verifying.key"
        ezkl_files.write_verifying_key(keys.proving_key, self._circuit.settings, verifying_key)
        if not ezkl_files.verify(folder, self._circuit.settings, verifying_key, keys.srs, proof, instances):
            raise ProvingFailed(
                f"the proof does not hold under the daemon's keys: they are not those of model {self._model.name}; "
                "nothing was sent. Tell the operator"
            )
        return OwnProof(proof, instances, tuple(to_signed(element) for element in instances[2:]))
