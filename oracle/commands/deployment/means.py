"""The keys of what is done by hand: who sends or signs it, and the signer that a deployment's daemon will have."""

import os
import secrets
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from oracle.assessment.errors import ConfigurationFault, InvalidRequest
from oracle.assessment.request import Address, to_address
from oracle.chain.accounts import KeyAccount, SendingAccount, WalletAccount
from oracle.chain.signer import Signer

_OTHERS_MAY_READ = stat.S_IRGRP | stat.S_IROTH

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Means:
    """Where the key is: exactly one of the three."""

    keystore: Path | None = None
    password_file: Path | None = None
    key_file: Path | None = None
    wallet: str | None = None
    wallet_url: str = ""

    def check(self) -> None:
        """Raise ConfigurationFault unless one way is named, and its files are there."""
        ways = {"--keystore": self.keystore, "--key-file": self.key_file, "--wallet": self.wallet}
        named = [option for option, value in ways.items() if value is not None]
        if len(named) != 1:
            raise ConfigurationFault(
                f"whose key? Give one of {', '.join(ways)}"
                + (
                    f", not {' and '.join(named)}"
                    if named
                    else ": a wallet's encrypted file, a file with the key, or "
                    "an address in a wallet that signs (a hardware wallet's)"
                )
            )
        for option, file in (
            ("--keystore", self.keystore),
            ("--password-file", self.password_file),
            ("--key-file", self.key_file),
        ):
            if file is not None and not file.is_file():
                raise ConfigurationFault(f"{option} {file} is not there")

    def account(self, ask_password: Callable[[], str], say: Say) -> SendingAccount:
        """Open the account; raises ConfigurationFault."""
        if self.wallet is not None:
            return WalletAccount(address_of("--wallet", self.wallet), self.wallet_url)
        if self.key_file is not None:
            warn_if_readable(self.key_file, say)
            return KeyAccount.from_key_file(self.key_file)
        if self.keystore is None:
            raise ConfigurationFault("no key is named")
        if self.password_file is None:
            return KeyAccount.from_keystore(self.keystore, ask_password())
        warn_if_readable(self.password_file, say)
        password = self.password_file.read_text(encoding="utf-8").rstrip("\r\n")
        return KeyAccount.from_keystore(self.keystore, password)


@dataclass(slots=True)
class SignerKey:
    """The key file of this daemon's signer; a fresh key is written only when everything else was found right."""

    file: Path
    address: Address
    fresh: str | None = field(repr=False)

    @classmethod
    def of(cls, file: Path, say: Say) -> "SignerKey":
        """Read the file, or think of a key for it; raises ConfigurationFault for what is no key."""
        if file.exists():
            warn_if_readable(file, say)
            try:
                text = file.read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigurationFault(f"--signer-key-file {file} cannot be read: {type(error).__name__}") from None
            return cls(file, _address_of_key(file, text), None)
        fresh = "0x" + secrets.token_hex(32)
        return cls(file, _address_of_key(file, fresh), fresh)

    def write(self, say: Say) -> None:
        """Write a fresh key, for its owner alone."""
        if self.fresh is None:
            return
        descriptor = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(self.fresh + "\n")
        self.fresh = None
        say(f"signer {self.address}: a new key, in {self.file}; keep a copy where only you can read it")


def address_of(option: str, text: str) -> Address:
    """Return an option's address; raises ConfigurationFault that names the option."""
    try:
        return to_address(text)
    except InvalidRequest as error:
        raise ConfigurationFault(f"{option}: {error}") from error


def warn_if_readable(file: Path, say: Say) -> None:
    """Say so when others than its owner may read a secret's file."""
    if file.stat().st_mode & _OTHERS_MAY_READ:
        say(f"warning: others may read {file}: chmod 600 it")


def _address_of_key(file: Path, text: str) -> Address:
    try:
        return Signer(text).address
    except ConfigurationFault:
        raise ConfigurationFault(
            f"--signer-key-file {file} does not hold a private key: expected 64 hex digits"
        ) from None
