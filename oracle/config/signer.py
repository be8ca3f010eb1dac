"""The key that signs."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from oracle.config.values import Section, private_key


class SignerSettings(Section):
    """The key that signs reports and transactions."""

    key: Annotated[SecretStr, AfterValidator(private_key)] = Field(description="private key, hex")
