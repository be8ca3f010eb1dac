"""`risk-oracle verify`: what holds of an answer, claim by claim, with an RPC endpoint alone."""

from typing import Annotated, Any

import typer

from oracle.assessment.errors import ConfigurationFault, InvalidRequest
from oracle.assessment.request import to_request_id
from oracle.commands.claims import tell_claims
from oracle.commands.common import JsonOption, run_job
from oracle.commands.fetching import fetched, parsed

_LARGEST_BYTES = 4 << 20


def verify(
    what: Annotated[
        str,
        typer.Argument(
            help="Id of a request that is answered on the chain; or a file or an http(s) address of an answer, as the "
            "API's mode=signed or /v1/requests/{id}/proof gives it (JSON with request_id and calldata are enough)."
        ),
    ],
    rpc: Annotated[str, typer.Option(help="RPC endpoint with the whole chain; yours, not the operator's.")],
    oracle: Annotated[str, typer.Option(help="The oracle's address.")],
    table: Annotated[
        str | None,
        typer.Option(help="History table, a file or an address; absent: the one that the registry publishes."),
    ] = None,
    start_block: Annotated[
        int, typer.Option(min=0, help="Block to search the request from, such as the oracle's first.")
    ] = 0,
    features: Annotated[
        bool, typer.Option(help="Recompute the features from the block; needs an archive endpoint and the table.")
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Check an answer as a stranger: request, block, signatures, model, proof, scores, and the features recomputed.

    Needs no key, no database and nothing of the operator; reads request and answer from chain data. Exit code 1 when a
    claim fails, 75 when the endpoint could not tell.
    """
    claims = run_job(_claims(what, rpc, oracle, table, start_block, features=features))
    tell_claims(claims, as_json=as_json)


async def _claims(
    what: str, rpc: str, oracle: str, table: str | None, start_block: int, *, features: bool
) -> list[Any]:
    from oracle.assessment.words import feature_words
    from oracle.commands.audit import audit_request, connected, logged_request
    from oracle.commands.features import settings_of_rpc
    from oracle.commands.published_table import read_table
    from oracle.verification.answers import answer_on_chain, placed
    from oracle.verification.claims import claims_of, features_claim
    from oracle.verification.documents import answer_of_document, document_claim, request_id_of

    settings = await settings_of_rpc(rpc, oracle, start_block)
    document = None if what.isdecimal() else await _document(what)
    number = to_request_id(what) if document is None else request_id_of(document)
    async with connected(settings) as (w3, contract):
        request = await logged_request(w3, contract, settings.chain, number)
        if document is None:
            answer = await answer_on_chain(w3, contract, request, settings.chain.log_range)
        else:
            answer = await placed(w3, contract, answer_of_document(request, document), settings.chain.log_range)
        claims = [] if document is None else [document_claim(contract, answer, document)]
        claims += [claim async for claim in claims_of(w3, contract, answer)]
        if not features:
            return claims
        published = None if table is not None else await (await contract.registry()).history_table()
    place = table or (published[1] if published is not None else None)
    if place is None:
        raise ConfigurationFault(
            "the registry publishes no history table, and the features depend on what is read: give the operator's "
            "with --table, or leave the features unchecked with --no-features"
        )
    recomputed = await audit_request(settings, number, await read_table(place))
    words = feature_words([feature["encoded"] for feature in recomputed["features"].values()])
    commitment = int(recomputed["feature_commitment"])
    return [*claims, features_claim(answer.given.report, commitment, words, recomputed["history_table"])]


async def _document(place: str) -> dict[str, Any]:
    document = parsed(await fetched(place, "the answer", _LARGEST_BYTES), f"the answer at {place}")
    if not isinstance(document, dict):
        raise InvalidRequest(f"the answer at {place} is not a JSON object")
    return document
