"""What can go wrong between a model folder and a proof."""

from oracle.assessment.errors import ConfigurationFault, OracleError, TransientFault


class KeysFault(ConfigurationFault):
    """The keys are missing, corrupt, or belong to another model."""


class UnprovableInput(OracleError):
    """The tensors do not fit the circuit: a wrong length, or an element outside its range."""


class ProvingFailed(OracleError):
    """The prover refused the witness or made a proof that does not verify."""


class ProverUnavailable(TransientFault):
    """The worker process died or was closed; a fresh one takes the next proof."""
