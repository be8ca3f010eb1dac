"""The models that are installed here, and their cards."""

import asyncio
from typing import Final, Literal

from aiohttp import web

from oracle.models.registry import ModelFault, ShippedModel, find, folders, load
from oracle.pipeline.context import Context
from oracle.store.api_keys import Scope
from oracle.web.api.calls import Call, NoParameters, Operation, Strict, headers_of
from oracle.web.api.problems import Kind, Problem
from oracle.web.api.service import Api
from oracle.web.api.values import Hash
from oracle.web.api.views import ModelsView, ModelView

CARD: Final = "card.md"
MARKDOWN: Final = "text/markdown"


class ModelParameters(Strict):
    """One model."""

    model_id: Hash


async def models(api: Api, call: Call) -> ModelsView:
    """Return the models of the package and of the operator's directory; a damaged folder is left out."""
    context = api.serving()
    found = await asyncio.to_thread(_installed, context)
    return ModelsView(models=[_view(context, model) for model in found])


async def card(api: Api, call: Call) -> web.Response:
    """Return a model's card."""
    asked: ModelParameters = call.parameters
    context = api.serving()
    try:
        model = await asyncio.to_thread(find, bytes.fromhex(asked.model_id[2:]), context.models.directory)
        text = await asyncio.to_thread((model.directory / CARD).read_text, "utf-8")
    except ModelFault:
        raise Problem(Kind.NOT_FOUND, f"model {asked.model_id} is not installed here") from None
    except FileNotFoundError:
        raise Problem(Kind.NOT_FOUND, f"model {asked.model_id} has no card") from None
    return web.Response(text=text, content_type=MARKDOWN, charset="utf-8", headers=headers_of({}))


def _installed(context: Context) -> list[ShippedModel]:
    known = {model.model_id: model for model in (context.model.source, *_shadow(context))}
    for folder in folders(context.models.directory):
        try:
            model = load(folder)
        except ModelFault:
            continue
        known.setdefault(model.model_id, model)
    return list(known.values())


def _shadow(context: Context) -> list[ShippedModel]:
    return [] if context.shadow is None else [context.shadow.source]


def _view(context: Context, model: ShippedModel) -> ModelView:
    role: Literal["primary", "shadow", "installed"] = "installed"
    if model.model_id == context.model.source.model_id:
        role = "primary"
    elif model.model_id in [one.model_id for one in _shadow(context)]:
        role = "shadow"
    return ModelView(
        model_id=f"0x{model.model_id.hex()}",
        name=model.name,
        role=role,
        neutral_commitment=model.neutral_commitment,
        feature_spec_hash=f"0x{model.feature_spec_hash.hex()}",
        output_scales=list(model.output_scales),
        has_card=(model.directory / CARD).is_file(),
    )


MODELS: Final = (
    Operation(
        "GET",
        "/models",
        "getModels",
        "The models here, and which of them answers",
        Scope.READ,
        models,
        ModelsView,
        parameters=NoParameters,
    ),
    Operation(
        "GET",
        "/models/{model_id}/card",
        "getModelCard",
        "A model's card: on what it was measured, and where it is weak",
        Scope.READ,
        card,
        str,
        parameters=ModelParameters,
        media=MARKDOWN,
        problems=(Kind.NOT_FOUND,),
    ),
)
