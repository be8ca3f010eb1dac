"""The whole lane with real keys: what is opened is what the model says in the clear; what is wrong opens nothing."""

import asyncio
import hashlib
import itertools
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from oracle.approval.blinds import BlindsRound
from oracle.approval.engine.frames import Parts
from oracle.approval.engine_process import Engine
from oracle.approval.errors import EngineRefusal, ModelFault, Refused, Unopened
from oracle.approval.evaluation import Evaluator, row
from oracle.approval.fields import PARTIES
from oracle.approval.layout import RING_SLOTS, SLOTS, Layout, centred, clear_row, placed
from oracle.approval.messages import Head, Message, compose
from oracle.approval.model import load_model
from oracle.approval.replay import replay
from tests.approval.searching import found_in
from tests.benchmarks.approval_attacks import attack
from tests.benchmarks.approval_rows import equal_to_the_clear
from tests.support.lane import ANSWERS, ENGINE_PYTHON, NO_ENGINE, Lane, running_lane

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not ENGINE_PYTHON.exists(), reason=NO_ENGINE),
]

DENIED_ANSWERS = {
    **ANSWERS,
    "bank": {"account_months": 55},
    "agency": {"employed": True, "years_employed": 2.5},
    "applicant": {
        **ANSWERS["applicant"],
        "own_property": False,
        "annual_income": 130_000,
        "education_type": "Incomplete higher",
        "occupation_type": "IT staff",
    },
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lane(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lane]:
    async with running_lane(tmp_path_factory.mktemp("lane")) as running:
        yield running


def levels_of(lane: Lane, answers: dict[str, dict[str, object]]) -> dict[str, int]:
    return lane.layout.model.levels_of({key: value for form in answers.values() for key, value in form.items()})[0]


async def test_application__when_approved__then_all_three_learn_that_and_no_what_if_is_opened(lane: Lane) -> None:
    number = lane.next()
    assert clear_row(lane.layout, levels_of(lane, ANSWERS))[0]
    outcomes = await lane.apply(number, ANSWERS)
    assert [outcome.approved for outcome in outcomes] == [True] * 3
    assert lane.board.transcript.all_of(number, "whatifs-share") is None
    assert lane.board.transcript.missing(number, "whatifs-share") == list(PARTIES)


async def test_application__when_denied__then_the_what_ifs_are_those_of_the_clear(lane: Lane) -> None:
    number = lane.next()
    decision, what_ifs = clear_row(lane.layout, levels_of(lane, DENIED_ANSWERS))
    assert not decision
    outcomes = await lane.apply(number, DENIED_ANSWERS)
    assert [outcome.approved for outcome in outcomes] == [False] * 3
    said = lane.board.transcript.get(number, "whatifs", "bank")
    assert said is not None
    assert said.head.said == str(what_ifs).lower().replace(" ", "")
    assert outcomes[0].notes == ("occupation_type: 'IT staff' is not in the table, taken as unknown",)


async def test_evaluation__when_done_again__then_it_is_the_same_bytes(lane: Lane) -> None:
    inputs = lane.board.transcript.all_of(1, "input")
    evaluated = lane.board.transcript.get(1, "evaluated", "server")
    assert inputs is not None
    assert evaluated is not None
    assert await evaluate(lane, "bank", inputs) == dict(evaluated.parts)


async def test_evaluation__when_of_another_model__then_it_is_other_bytes(lane: Lane) -> None:
    inputs = lane.board.transcript.all_of(1, "input")
    evaluated = lane.board.transcript.get(1, "evaluated", "server")
    assert inputs is not None
    assert evaluated is not None
    weights = dict(lane.layout.model.weights)
    weights["own_car"] = (0, weights["own_car"][1] + 1)
    other = Layout(replace(lane.layout.model, weights=weights))
    assert await evaluate(lane, "server", inputs, other) != dict(evaluated.parts)


async def test_server__when_it_evaluates_another_model__then_it_is_named_and_nothing_is_opened(lane: Lane) -> None:
    number = lane.next()
    lane.cheated.add(number)
    honest, evaluator = lane.board._layout, lane.board._evaluator
    weights = {**honest.model.weights, "own_car": (0, 1_000)}
    lane.board._evaluator = Evaluator(lane.engines["server"], Layout(replace(honest.model, weights=weights)))
    try:
        work = [lane.parties[name].apply(lane.http, number, ANSWERS[name]) for name in PARTIES]
        found = await asyncio.gather(*work, return_exceptions=True)
    finally:
        lane.board._evaluator = evaluator
    assert all(isinstance(one, Refused) for one in found)
    assert [(one.party, one.kind) for one in found if isinstance(one, Refused)] == [("server", "evaluated")] * 3
    assert lane.board.transcript.missing(number, "decision-share") == list(PARTIES)
    assert [outcome.approved for outcome in await lane.apply(lane.next(), ANSWERS)] == [True] * 3


async def evaluate(
    lane: Lane, name: str, inputs: list[Message], layout: Layout | None = None, *, keep: bool = False
) -> Mapping[str, bytes]:
    """Evaluate the first application again, with one's own engine."""
    blinds = lane.board.transcript.blinds_of(1)
    assert blinds is not None
    return await Evaluator(lane.engines[name], layout or lane.layout).evaluate(1, blinds, inputs, keep=keep)


async def shares_of(lane: Lane) -> tuple[dict[str, bytes], list[Message]]:
    """Return three good shares of a decision, given once."""
    inputs = lane.board.transcript.all_of(1, "input")
    assert inputs is not None
    given = {}
    for place, party in enumerate(PARTIES):
        made = await evaluate(lane, party, inputs, keep=True)
        about = hashlib.sha256(made["result"]).hexdigest()
        part = await lane.engines[party].order("share", {}, {"result": about, "lead": place == 0})
        given[f"share-{place}"] = part["share"]
        await lane.engines[party].order("forget", {})
    return given, inputs


async def test_fusion__when_a_share_is_wrong__then_nothing_is_taken_from_it(lane: Lane) -> None:
    good, _ = await shares_of(lane)
    other, _ = await shares_of(lane)
    engine, layout = lane.engines["applicant"], lane.layout

    async def fused(shares: dict[str, bytes]) -> bool:
        slots = np.frombuffer((await engine.order("fuse", shares))["slots"], "<i8")
        return layout.decision(layout.sums(slots, 1))

    assert await fused(good)
    reordered = {"share-0": good["share-1"], "share-1": good["share-0"], "share-2": good["share-2"]}
    # Their sum is the same: the order of shares says nothing, and so there is nothing to refuse in it.
    assert await fused(reordered)
    numbers = np.frombuffer(good["share-1"], "<u8")
    for wrong in (np.roll(numbers, 1), numbers[::-1], np.where(np.arange(len(numbers)) == 7, numbers // 2, numbers)):
        with pytest.raises((Unopened, EngineRefusal)):
            await fused({**good, "share-1": wrong.astype("<u8").tobytes()})
    for bad in (b"", good["share-1"][:-8], good["share-1"] + bytes(8), bytes(len(good["share-1"])), b"\xff" * 393216):
        with pytest.raises(EngineRefusal, match="share-1"):
            await fused({**good, "share-1": bad})
    with pytest.raises(EngineRefusal, match="twice"):
        await fused({**good, "share-1": good["share-0"]})
    with pytest.raises(EngineRefusal, match="needs"):
        await fused({"share-0": good["share-0"], "share-1": good["share-1"]})
    # Another's fresh share of the same result in two places: a share twice, with other noise.
    with pytest.raises(Unopened, match="did not open"):
        await fused({**good, "share-1": other["share-0"]})


async def test_evaluation__when_a_party_puts_something_where_nothing_belongs__then_none_of_it_is_opened(
    lane: Lane,
) -> None:
    layout, engine = lane.layout, lane.engines["bank"]
    levels = {party: layout.model.levels_of(ANSWERS[party], party)[0] for party in PARTIES}
    drawn = {party: layout.blinds(party) for party in PARTIES}
    zero = np.zeros(RING_SLOTS, dtype=np.int64)
    # The bank's: a blind of one lane of the agency's, and ones and masks in other applications' slots.
    spoiled = {name: zero.copy() for name in ("features", "blinds", "masks")}
    spoiled["blinds"][layout.lanes["employed", 0]] = 3 << 20
    for name in ("features", "masks"):
        spoiled[name][SLOTS:] = 7
    opened = []
    for more in (dict.fromkeys(spoiled, zero), spoiled):
        parts = {"lanes": row(layout.first_lanes)}
        inputs = {name: row(placed(getattr(layout, name), 1)) for name in ("weights", "constants", "own")}
        for place, party in enumerate(PARTIES):
            wrong = more if party == "bank" else dict.fromkeys(spoiled, zero)
            slots = {
                "features": layout.features(party, levels[party]) + wrong["features"],
                "blinds": drawn[party].blinds + wrong["blinds"],
                "masks": centred(drawn[party].masks + wrong["masks"]),
            }
            made = await engine.order("encrypt", {name: row(values) for name, values in slots.items()})
            inputs[f"features-{place}"] = made["features"]
            parts |= {f"{name}-{place}": made[name] for name in ("blinds", "masks")}
        shares = {}
        for place, party in enumerate(PARTIES):
            own = lane.engines[party]
            await own.order("take-blinds", parts, {"name": "x"})
            result = (await own.order("evaluate", inputs, {"keep": True, "blinds": "x"}))["result"]
            about = {"result": hashlib.sha256(result).hexdigest(), "lead": place == 0}
            shares[f"share-{place}"] = (await own.order("share", {}, about))["share"]
        slots = np.frombuffer((await engine.order("fuse", shares))["slots"], "<i8")
        opened.append(slots)
        assert layout.decision(layout.sums(slots, 1))
    assert (opened[0] == opened[1]).all()
    for party in PARTIES:
        lane.parties[party]._blinds.evaluator.forget()
    lane.board._evaluator.forget()


async def test_blinds__when_they_are_none_or_not_taken__then_their_party_is_named_and_nothing_is_evaluated(
    lane: Lane,
) -> None:
    blinds, inputs = lane.board.transcript.blinds_of(1), lane.board.transcript.all_of(1, "input")
    assert blinds is not None
    assert inputs is not None
    engine = lane.engines["server"]
    good = {f"{name}-{place}": one.parts[name] for place, one in enumerate(blinds) for name in ("blinds", "masks")}
    for name, garbage in (("masks-1", b"\xff" * (10 * 131072)), ("blinds-2", bytes(10 * 131072)), ("masks-0", b"")):
        with pytest.raises(EngineRefusal, match=name):
            await engine.order(
                "take-blinds", {**good, name: garbage, "lanes": row(lane.layout.first_lanes)}, {"name": "y"}
            )
    with pytest.raises(EngineRefusal, match="taken before"):
        await engine.order("evaluate", {}, {"blinds": "y"})
    lane.board._evaluator.forget()


async def test_what_ifs__when_a_party_tells_other_sums_than_it_pledged__then_it_is_named_and_nothing_is_told(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, own = lane.next(), BlindsRound.own_sums

    def bent(blinds: BlindsRound, of: int) -> bytes:
        told = bytearray(own(blinds, of))
        # It would turn a sign: what the others told, and what the result opened, it may have seen before.
        told[0] ^= blinds._name == "bank"
        return bytes(told)

    with monkeypatch.context() as patch:
        patch.setattr(BlindsRound, "own_sums", bent)
        work = [lane.parties[name].apply(lane.http, number, DENIED_ANSWERS[name]) for name in PARTIES]
        found = await asyncio.gather(*work, return_exceptions=True)
    assert all(isinstance(one, Refused) for one in found)
    assert ("bank", "whatifs-share") in [(one.party, one.kind) for one in found if isinstance(one, Refused)]
    end = lane.board.transcript.ended(number)
    assert end is not None
    assert "its sums are not those that it pledged" in end.head.said
    assert lane.board.transcript.all_of(number, "whatifs") is None
    assert [outcome.approved for outcome in await lane.apply(lane.next(), ANSWERS)] == [True] * 3


async def test_share__when_one_of_another_result_was_given_before__then_the_server_is_named_and_none_is_given(
    lane: Lane,
) -> None:
    number = lane.next()
    # What is left of a party that gave its share, and was started again by a server that shows other inputs.
    lane.parties["bank"].vault.give_once(number, "f" * 64)
    work = [lane.parties[name].apply(lane.http, number, ANSWERS[name]) for name in PARTIES]
    found = await asyncio.gather(*work, return_exceptions=True)
    assert all(isinstance(one, Refused) for one in found)
    assert "bank" in lane.board.transcript.missing(number, "decision-share")
    end = lane.board.transcript.ended(number)
    assert end is not None
    assert f"another result of application {number} before: the server shows other messages" in end.head.said
    assert [outcome.approved for outcome in await lane.apply(lane.next(), ANSWERS)] == [True] * 3


async def test_share__when_asked_of_what_was_not_evaluated_here__then_it_is_refused(lane: Lane) -> None:
    inputs = lane.board.transcript.all_of(1, "input")
    assert inputs is not None
    for raw in (inputs[0].parts["features"], b"anything"):
        with pytest.raises(EngineRefusal, match="evaluated itself"):
            await lane.engines["bank"].order("share", {}, {"result": hashlib.sha256(raw).hexdigest()})


async def test_encryption__when_a_value_leaves_the_plaintext_space__then_it_is_refused(lane: Lane) -> None:
    slots = np.zeros(2048, dtype=np.int64)
    slots[5] = 137_440_526_337
    with pytest.raises(EngineRefusal, match="plaintext space"):
        await lane.engines["bank"].order("encrypt", {"features": row(slots)})


async def test_input__when_it_is_no_ciphertext__then_its_party_is_named_and_the_next_application_goes_on(
    lane: Lane,
) -> None:
    number = lane.next()
    garbage = {"features": b"\xff" * (10 * 131072)}
    head = Head(
        session=lane.session,
        application=number,
        kind="input",
        party="bank",
        model=lane.layout.model.digest,
        about=lane.board.transcript.basis(number, "input", "bank"),
    )
    await lane.blind(number)
    await lane.board.accept(compose(lane.identities["bank"], head, garbage).raw)
    honest = [lane.parties[name].apply(lane.http, number, ANSWERS[name]) for name in ("applicant", "agency")]
    found = await asyncio.gather(*honest, return_exceptions=True)
    assert all(isinstance(one, Refused | EngineRefusal) for one in found)
    end = lane.board.transcript.ended(number)
    assert end is not None
    assert "of bank" in end.head.said
    assert lane.board.transcript.all_of(number, "decision-share") is None
    assert [outcome.approved for outcome in await lane.apply(lane.next(), ANSWERS)] == [True] * 3


@pytest.mark.parametrize("garbage", [b"\xff" * 393216, bytes(393216)])
async def test_share__when_it_is_none__then_its_party_is_named_and_the_next_application_goes_on(
    lane: Lane, monkeypatch: pytest.MonkeyPatch, garbage: bytes
) -> None:
    number, order = lane.next(), lane.engines["agency"].order

    async def bent(name: str, parts: Parts, fields: Mapping[str, object] | None = None) -> Parts:
        made = await order(name, parts, fields)
        return {"share": garbage} if name == "share" else made

    with monkeypatch.context() as patch:
        patch.setattr(lane.engines["agency"], "order", bent)
        work = [lane.parties[name].apply(lane.http, number, ANSWERS[name]) for name in PARTIES]
        found = await asyncio.gather(*work, return_exceptions=True)
    assert all(isinstance(one, Refused) for one in found)
    # Who comes first names the agency; who comes after may find the application ended for that.
    assert ("agency", "decision-share") in [(one.party, one.kind) for one in found if isinstance(one, Refused)]
    end = lane.board.transcript.ended(number)
    assert end is not None
    assert end.head.said.startswith("agency's decision-share message was refused: share ")
    assert [outcome.approved for outcome in await lane.apply(lane.next(), ANSWERS)] == [True] * 3


async def test_party__when_the_server_hands_out_other_parts_than_were_signed__then_the_server_is_named(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, board = lane.next(), lane.board
    raw = Message.raw.fget
    assert raw is not None

    def bent(message: Message) -> bytes:
        found = bytearray(raw(message))
        # What the server keeps is read from its disk; what a party sends is not.
        if message.head.kind == "input" and not isinstance(message.parts, dict):
            found[-1] ^= 1
        return bytes(found)

    with monkeypatch.context() as patch:
        patch.setattr(Message, "raw", property(bent))
        work = [lane.parties[name].apply(lane.http, number, ANSWERS[name]) for name in PARTIES]
        found = await asyncio.gather(*work, return_exceptions=True)
    assert [(one.party, one.kind) for one in found if isinstance(one, Refused)] == [("server", "input")] * 3
    assert board.transcript.all_of(number, "decision-share") is None
    assert [outcome.approved for outcome in await lane.apply(number, ANSWERS)] == [True] * 3


async def test_disk__when_the_server_has_worked__then_no_share_and_no_answer_stands_there(lane: Lane) -> None:
    shares, _ = await shares_of(lane)
    opened = [lane.parties[name]._keys.kept_share() for name in PARTIES]
    words = [np.frombuffer(secret, "<u8")[::256] for secret in (*opened, *shares.values())]
    known = np.unique(np.concatenate(words))
    assert len(known) >= 1_000
    for file in sorted((lane.folder / "board").glob("*.message")):
        assert found_in(file.read_bytes(), known) == 0
    for name in PARTIES:
        assert found_in((Path(lane.folder) / name / f"{lane.session}.share").read_bytes(), known) == 0
    # The search finds what is there, wherever it begins.
    assert found_in(b"abc" + opened[0], known) >= len(words[0])


async def test_replay__when_a_result_was_changed__then_it_says_so_without_any_key(lane: Lane, tmp_path: Path) -> None:
    engine, kept = lane.engines["server"], lane.folder / "board"
    found = await replay(kept, "fair", engine, lane.roster)
    assert found == {number: number not in lane.cheated for number in found}
    assert found[1]
    with pytest.raises(ModelFault, match="is about"):
        await replay(kept, "reference", engine)
    evaluated = lane.board.transcript.get(1, "evaluated", "server")
    assert evaluated is not None
    bent = {"result": evaluated.parts["result"][:-8] + bytes(8)}
    for file in sorted(kept.glob("*.message")):
        if file.read_bytes() == evaluated.raw:
            (tmp_path / file.name).write_bytes(compose(lane.identities["server"], evaluated.head, bent).raw)
            break
        (tmp_path / file.name).symlink_to(file)
    assert await replay(tmp_path, "fair", engine, lane.roster) == {1: False}


async def test_keys__when_made__then_nobody_chose_the_half_that_all_share(lane: Lane) -> None:
    for party in PARTIES:
        share = np.frombuffer(lane.parties[party]._keys.kept_share(), "<u8")[:N].tolist()
        keys = lane.board.transcript.get(0, "keys", party)
        assert keys is not None
        # A public key's noise; a switching key's first pair holds the share besides, in its first tower.
        for name, times in (("public", 0), ("switching", 1)):
            seed = b"risk-oracle approval common half 1\0" + lane.session.encode() + b"\0" + name.encode() + bytes(4)
            common = np.frombuffer(hashlib.shake_128(seed).digest(8 * N), "<u8") & np.uint64((1 << 60) - 1)
            own = np.frombuffer(keys.parts[name], "<u8")[:N].tolist()
            zero = [(b + (a - times) * s) % MODULI[0] for a, b, s in zip(common.tolist(), own, share, strict=True)]
            noise = [min(one, MODULI[0] - one) for one in in_coefficients(zero, MODULI[0])]
            assert 0 < max(noise) < 64


async def test_engine__when_no_session_was_opened__then_it_makes_no_keys(lane: Lane, tmp_path: Path) -> None:
    async with Engine(ENGINE_PYTHON, tmp_path / "engine.log") as engine:
        with pytest.raises(EngineRefusal, match="no session"):
            await engine.order("make-keys", {})
        for name in ("", "A" * 32, "a" * 31, lane.session + "0"):
            with pytest.raises(EngineRefusal, match="32 hexadecimal"):
                await engine.order("open-session", {}, {"session": name})
        with pytest.raises(EngineRefusal, match="there is no order"):
            await engine.order("begin-keys", {})


async def test_slots__when_a_row_is_none__then_it_is_refused(lane: Lane) -> None:
    for raw in (b"", bytes(8), bytes(2048 * 8 + 8), bytes(9 * 2048 * 8)):
        with pytest.raises(EngineRefusal, match="an application's row"):
            await lane.engines["bank"].order("encrypt", {"features": raw})


async def test_rows__when_eight_share_a_ciphertext__then_each_opens_to_what_the_model_says(lane: Lane) -> None:
    drawn = np.random.default_rng(4)
    rows = [
        {field.name: int(drawn.integers(len(field.levels))) for field in lane.layout.model.fields} for _ in range(9)
    ]
    assert await equal_to_the_clear(lane, rows) == 9


async def test_attack__when_each_message_is_spoiled_in_its_turn__then_none_is_taken(lane: Lane) -> None:
    found = await attack(lane, most_bytes=8 << 20)
    assert found.tried >= 1_000
    assert found.accepted == 0


async def test_model__when_read__then_the_default_leaves_out_what_is_protected() -> None:
    assert set(load_model("reference").weights) - set(load_model().weights) == {
        "age_years",
        "family_status",
        "num_children",
        "household_size",
    }


async def test_noise__when_measured_on_a_result__then_the_flood_covers_it_as_derived(lane: Lane) -> None:
    shares, inputs = await shares_of(lane)
    result = (await evaluate(lane, "server", inputs))["result"]
    keys = [np.frombuffer(lane.parties[name]._keys.kept_share(), "<u8").reshape(5, N)[:3] for name in PARTIES]
    halves = np.frombuffer(result, "<u8").reshape(2, 3, N)
    whole = Q // T
    flooded, plain = [], []
    for tower, modulus in enumerate(MODULI[:3]):
        joint = [sum(int(key[tower, place]) for key in keys) % modulus for place in range(N)]
        c0, c1 = (halves[half, tower].tolist() for half in (0, 1))
        given = [np.frombuffer(shares[f"share-{number}"], "<u8").reshape(3, N)[tower].tolist() for number in range(3)]
        plain.append(in_coefficients([(a + b * s) % modulus for a, b, s in zip(c0, c1, joint, strict=True)], modulus))
        flooded.append(in_coefficients([sum(each) % modulus for each in zip(*given, strict=True)], modulus))
    noise, with_flood = (max(distances(towers)) for towers in (plain, flooded))
    # What is left of the evaluation's noise, and the rounding of two polynomials, one times a joint key of N numbers
    # of up to three.
    assert noise <= 2**15
    # Three floods of up to 2^119 each: more than two to the hundred times it, and far from the half step.
    assert 2**112 < with_flood <= 3 * 2**119
    assert with_flood < whole // 2 // 2**19
    assert with_flood > noise * 2**89


N = 16384
T = 274_881_052_673
MODULI = (1152921504606748673, 1152921504606683137, 1152921504606584833)
Q = MODULI[0] * MODULI[1] * MODULI[2]


def in_coefficients(values: list[int], modulus: int) -> list[int]:
    """Return a polynomial's coefficients from its values at the odd powers of a root of unity, bit-reversed."""
    some = next(
        power for base in range(2, 99) if pow(power := pow(base, (modulus - 1) // (2 * N), modulus), N, modulus) != 1
    )
    square = some * some % modulus
    # OpenFHE takes the smallest of the primitive roots.
    root = min(itertools.accumulate(range(N - 1), lambda power, _: power * square % modulus, initial=some))
    back, found, step = pow(root, -1, modulus), list(values), 1
    while step < N:
        groups = N // (2 * step)
        for group in range(groups):
            turn = pow(back, int(format(groups + group, f"0{N.bit_length() - 1}b")[::-1], 2), modulus)
            for place in range(group * 2 * step, group * 2 * step + step):
                one, other = found[place], found[place + step]
                found[place], found[place + step] = (one + other) % modulus, (one - other) * turn % modulus
        step *= 2
    shrink = pow(N, -1, modulus)
    return [value * shrink % modulus for value in found]


def distances(towers: list[list[int]]) -> list[int]:
    """Return how far each coefficient is from the nearest multiple of Q / t, the message's step."""
    factors = [Q // modulus * pow(Q // modulus, -1, modulus) for modulus in MODULI]
    found = []
    for residues in zip(*towers, strict=True):
        value = sum(residue * factor for residue, factor in zip(residues, factors, strict=True)) % Q
        left = value * T % Q
        found.append(min(left, Q - left) // T)
    return found
