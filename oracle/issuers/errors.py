"""Why a credential, an attestation or a request for them is not taken: a class for each cause."""

from oracle.assessment.errors import OracleError, TransientFault


class CredentialRefused(OracleError):
    """Base of every reason for which a credential or an attestation is not believed; trying again cannot help."""


class MalformedCredential(CredentialRefused):
    """It is no SD-JWT VC, or no attestation, of the agreed form."""


class UnknownIssuer(CredentialRefused):
    """Its issuer is none of those that the reader trusts."""


class UnknownIssuerKey(CredentialRefused):
    """Its issuer does not publish the key that it names: never did, or no longer."""


class WrongSignature(CredentialRefused):
    """Its signature is not its issuer's."""


class WrongSchema(CredentialRefused):
    """It is of another type, or of another version of the passport's schema."""


class CredentialExpired(CredentialRefused):
    """Its time is over, clocks that differ a little allowed for."""


class CredentialNotYetValid(CredentialRefused):
    """It is of the future, by more than clocks may differ."""


class WrongBorrower(CredentialRefused):
    """It is about another account."""


class WrongHolder(CredentialRefused):
    """It is bound to another key than the one that was expected, or that signed the presentation."""


class WrongCommitment(CredentialRefused):
    """It is about another commitment."""


class CredentialRevoked(CredentialRefused):
    """Its issuer took it back, or suspended it."""


class StatusUnavailable(CredentialRefused):
    """Its issuer's status list cannot be had, and the policy is to refuse then."""


class StatusPending(TransientFault):
    """Its issuer's status list, or its keys, cannot be had now, and the policy is to wait and ask again."""


class IssuingRefused(OracleError):
    """Base of every reason for which an issuer does not issue."""


class UnknownBorrower(IssuingRefused):
    """The issuer's records say nothing about the borrower."""


class NotTheRecords(IssuingRefused):
    """What is to be attested is not what the issuer's records say."""


class SaltReused(IssuingRefused):
    """A credential was issued with the same salt before: with it, loans could be linked."""


class WrongConsent(IssuingRefused):
    """The borrower's account did not sign for this issue, or the key's proof of possession does not hold."""


class NotIssued(IssuingRefused):
    """The issuer issued nothing for this commitment."""


class IssuerFull(IssuingRefused):
    """The status list has no free place."""


class IssuerFault(OracleError):
    """The issuer's own files cannot be used: its text says which and what to do."""
