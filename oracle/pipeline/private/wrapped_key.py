"""A key's file that holds no key: what it holds was encrypted by AWS KMS, which alone can decrypt it.

    {"kms": "aws", "key_id": "arn:aws:kms:…", "region": "eu-central-1", "endpoint": null, "ciphertext": "base64"}

`ciphertext` is KMS's answer to Encrypt of the 32 bytes, bound to the key's purpose by an encryption context, so that
the one file never stands in for the other. Credentials come from where AWS's own tools take them (environment, profile,
instance role).
"""

import base64
import binascii
from functools import lru_cache
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from oracle.assessment.errors import ConfigurationFault, TransientFault

_CONTEXT: Final = "risk-oracle-key"
_SECONDS: Final = 5
_PASSES_BY: Final = {
    "DependencyTimeoutException", "KMSInternalException", "KeyUnavailableException", "LimitExceededException",
    "RequestLimitExceeded", "ServiceUnavailable", "Throttling", "ThrottlingException",
}  # fmt: skip


class KmsFault(ConfigurationFault):
    """KMS refuses, or a file holds nothing that it could decrypt."""


class KmsUnavailable(TransientFault):
    """KMS cannot be reached, or asks to come again later."""


class WrappedKey(BaseModel):
    """A key that KMS encrypted; nothing in it is secret."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kms: Literal["aws"] = "aws"
    key_id: str
    region: str
    endpoint: str | None = None
    ciphertext: str

    @classmethod
    def read(cls, text: str, where: str) -> "WrappedKey":
        """Return what a file's JSON says; raises KmsFault, which names the field."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            place = error.errors()[0]
            field = ".".join(str(part) for part in place["loc"]) or "its JSON"
            raise KmsFault(f"the key file {where}: {field}: {place['msg']}: `privacy keys --kms` makes it") from None

    def unwrap(self, purpose: str, where: str) -> bytes:
        """Return the key, asked of KMS once in this process; raises KmsFault and KmsUnavailable."""
        return _unwrapped(self, purpose, where)


def wrap(key: bytes, purpose: str, key_id: str, region: str, endpoint: str | None) -> WrappedKey:
    """Return a key as KMS encrypts it for a purpose; raises KmsFault and KmsUnavailable."""
    told = _ask("encrypt", region, endpoint, KeyId=key_id, Plaintext=key, EncryptionContext={_CONTEXT: purpose})
    text = base64.b64encode(told["CiphertextBlob"]).decode()
    return WrappedKey(key_id=key_id, region=region, endpoint=endpoint, ciphertext=text)


@lru_cache(maxsize=8)
def _unwrapped(wrapped: WrappedKey, purpose: str, where: str) -> bytes:
    try:
        blob = base64.b64decode(wrapped.ciphertext, validate=True)
    except binascii.Error:
        raise KmsFault(f"the key file {where}: ciphertext is no base64: `privacy keys --kms` makes it") from None
    given = {"KeyId": wrapped.key_id, "CiphertextBlob": blob, "EncryptionContext": {_CONTEXT: purpose}}
    return bytes(_ask("decrypt", wrapped.region, wrapped.endpoint, **given)["Plaintext"])


def _ask(order: str, region: str, endpoint: str | None, **given: Any) -> dict[str, Any]:
    try:
        import botocore.session
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
        from botocore.exceptions import ConnectionError as NotConnected
    except ModuleNotFoundError as error:
        raise KmsFault("keys behind AWS KMS need another package: pip install 'risk-oracle[kms]'") from error
    patience = Config(
        connect_timeout=_SECONDS, read_timeout=_SECONDS, retries={"mode": "standard", "total_max_attempts": 3}
    )
    try:
        client = botocore.session.get_session().create_client(
            "kms", region_name=region, endpoint_url=endpoint, config=patience
        )
        return dict(getattr(client, order)(**given))
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        words = f"KMS {'asks to wait' if code in _PASSES_BY else 'refuses'} ({order}, {code}): {given['KeyId']}"
        raise (KmsUnavailable(words) if code in _PASSES_BY else KmsFault(words)) from None
    except (NotConnected, HTTPClientError) as error:
        raise KmsUnavailable(f"KMS in {region} cannot be reached: {type(error).__name__}") from None
    except BotoCoreError as error:
        raise KmsFault(f"KMS cannot be asked: {error}") from None
