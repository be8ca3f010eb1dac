"""Ceremonies: the pinned hashes are EZKL's own, and what is pinned nowhere is development."""

import hashlib
from pathlib import Path

import ezkl
import pytest

from oracle.proving.ceremony import ceremony_of, read_ceremony, shipped_ceremony
from oracle.proving.errors import KeysFault

OWN = "ab" * 32


def written(folder: Path, text: str) -> Path:
    file = folder / "own.toml"
    file.write_text(text)
    return file


def test_shipped_ceremony__every_size__is_pinned_as_in_ezkls_own_library() -> None:
    pinned = shipped_ceremony().sha256
    assert sorted(pinned) == list(range(1, 27))
    # The library compares what it fetches with this table, which stands in it in the order of the sizes.
    [library] = Path(ezkl.__file__).parent.glob("*.so")
    assert "".join(pinned[k] for k in sorted(pinned)).encode() in library.read_bytes()


def test_how_to_get__a_size__names_ceremony_file_and_hash() -> None:
    said = shipped_ceremony().how_to_get(12)
    assert "perpetual-powers-of-tau" in said
    assert "kzg12.srs" in said
    assert "28b151069f41abc121baa6d2eaa8f9e4c4d8326ddbefee2bd9c0776b80ac6fad" in said
    assert "pins no file for 2^27 rows" in shipped_ceremony().how_to_get(27)


def test_ceremony_of__hash_of_another_size_or_of_nobody__is_none() -> None:
    pinned = shipped_ceremony().sha256
    assert ceremony_of(12, pinned[12]) is shipped_ceremony()
    assert ceremony_of(12, pinned[13]) is None
    assert ceremony_of(12, hashlib.sha256(b"mine").hexdigest()) is None


def test_read_ceremony__an_operators_file__is_trusted_only_where_it_is_named(tmp_path: Path) -> None:
    own = read_ceremony(written(tmp_path, f'name = "rehearsal"\n[sha256]\n12 = "{OWN.upper()}"\n'))
    assert (own.name, dict(own.sha256)) == ("rehearsal", {12: OWN})
    assert ceremony_of(12, OWN) is None
    assert ceremony_of(12, OWN, own) is own
    assert ceremony_of(13, OWN, own) is None
    assert ceremony_of(12, shipped_ceremony().sha256[12], own) is shipped_ceremony()
    assert own.how_to_get(12).startswith("ceremony rehearsal, 2^12 rows: the file, SHA-256 abab")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected name"),
        ('name = "x"', "expected name"),
        ('name = ""\n[sha256]\n12 = "' + OWN + '"', "expected name"),
        ('name = "x"\n[sha256]\n', "expected name"),
        ('name = "x"\n[sha256]\n12 = "abc"', "that of size 12 is 'abc'"),
        ('name = "x"\n[sha256]\n12 = 5', "that of size 12 is 5"),
        ('name = "x"\n[sha256]\ntwelve = "' + OWN + '"', "size 'twelve' is no number"),
        ('name = "x"\n[sha256]\n29 = "' + OWN + '"', "size '29' is no number from 1 to 28"),
        ('name = "x"\nurls = "y"\n[sha256]\n12 = "' + OWN + '"', "urls is not known"),
        ('name = "x"\nurl = 5\n[sha256]\n12 = "' + OWN + '"', "url is a text"),
        ('name = "perpetual-powers-of-tau"\n[sha256]\n12 = "' + OWN + '"', "give yours another"),
        ("name = ", "is not valid TOML"),
    ],
)
def test_read_ceremony__wrong_file__says_what_is_expected(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(KeysFault) as caught:
        read_ceremony(written(tmp_path, text))
    assert said in str(caught.value)
    assert "own.toml" in str(caught.value)


def test_read_ceremony__no_file__names_it(tmp_path: Path) -> None:
    with pytest.raises(KeysFault, match=r"missing\.toml cannot be read"):
        read_ceremony(tmp_path / "missing.toml")
