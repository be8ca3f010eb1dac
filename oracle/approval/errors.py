"""The lane's errors: each names the party and the message that it is about."""

from oracle.assessment.errors import OracleError, TransientFault
from oracle.processes import ProgramError


class ApprovalError(OracleError):
    """Base of what goes wrong in the encrypted approval."""


class EngineMissing(ApprovalError):
    """There is no Python here that `openfhe` has a module for."""


class EngineFault(ProgramError):
    """The engine's process died, or spoke what is not its language."""


class EngineRefusal(ApprovalError):
    """The engine was given what it cannot take: a key, ciphertext or share that is none, or a value out of range."""


class ModelFault(ApprovalError):
    """A model file does not fit: other fields, another hash, or numbers that could leave the plaintext space."""


class InvalidAnswer(ApprovalError):
    """A form's answer is missing or of the wrong kind."""


class SessionFault(ApprovalError):
    """A session's file, or a public half, is not what it must be."""


class VaultFault(ApprovalError):
    """What a party keeps on its disk cannot be opened: another key, or changed bytes."""


class Refused(ApprovalError):
    """A message was refused; nothing of it was kept. `party` sent it, `kind` is what it claimed to be."""

    def __init__(self, party: str, kind: str, why: str) -> None:
        super().__init__(f"{party}'s {kind} message was refused: {why}")
        self.party = party
        self.kind = kind
        self.why = why


class Unopened(ApprovalError):
    """A fusion gave what no honest one gives: nothing was taken from it."""


class Silent(TransientFault):
    """A party did not answer in time; the session is as it was before."""
