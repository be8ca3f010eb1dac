"""What holds of a passport's or an opening's file, claim by claim."""

from pathlib import Path

from oracle.assessment.errors import ConfigurationFault
from oracle.assessment.request import FIELD_MODULUS
from oracle.passports.errors import InvalidOpening, PassportError, PrivateFileFault
from oracle.passports.opening import Opening, commitment_of_hex, to_hex32
from oracle.passports.private_files import others_may_read, read_passport
from oracle.passports.schema import SCHEMA_ID
from oracle.passports.uses import Uses
from oracle.verification.claims import Claim


def claims_of(path: Path, commitment: str | None) -> list[Claim]:
    """Return the claims about a file, and that it opens `commitment` where one is given.

    Raises PrivateFileFault for a file that cannot be read, ConfigurationFault for a commitment that is none.
    """
    wanted = None if commitment is None else _commitment_of(commitment)
    try:
        _, opening = read_passport(path)
    except PrivateFileFault:
        raise
    except PassportError as error:
        return [Claim("file", False, "; ".join(str(error).splitlines()))]
    kind = "a passport" if opening is None else "an opening"
    claims = [Claim("file", True, f"{kind} of {SCHEMA_ID}, each field within its range")]
    claims.append(Claim("mode", not others_may_read(path), "whether its owner alone may read it (chmod 600)"))
    if opening is not None:
        claims.append(Claim("opening", True, f"passport and salt hash to {to_hex32(opening.commitment)}"))
        claims.append(_fresh(opening))
    if wanted is not None:
        claims.append(_opens(opening, wanted))
    return claims


def _opens(opening: Opening | None, wanted: int) -> Claim:
    if opening is None:
        return Claim("commitment", False, "a passport alone opens nothing: give the opening's file, which has the salt")
    if opening.commitment == wanted:
        return Claim("commitment", True, f"it opens {to_hex32(wanted)}")
    return Claim("commitment", False, f"it opens {to_hex32(opening.commitment)}, not {to_hex32(wanted)}")


def _fresh(opening: Opening) -> Claim:
    used = Uses().of(opening)
    if len(used) > 1:
        return Claim("fresh", False, f"it was used for {len(used)} requests, which are linkable: {', '.join(used)}")
    return Claim("fresh", True, f"it was used for {used[0]}" if used else "it was used for no request from here yet")


def _commitment_of(text: str) -> int:
    if text.isdecimal() and text.isascii() and len(text) <= len(str(FIELD_MODULUS)):
        if int(text) < FIELD_MODULUS:
            return int(text)
        raise ConfigurationFault("--commitment: it is not below the field's order: no opening hashes to it")
    try:
        return commitment_of_hex(text)
    except InvalidOpening as error:
        raise ConfigurationFault(f"--commitment: {error}") from None
