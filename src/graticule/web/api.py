"""The routes of the API: photos in, the documents of ``design.md`` out."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from graticule._version import __version__
from graticule.config import EARTH_RADIUS_KM, nearest
from graticule.web.batching import Words
from graticule.web.documents import PROBLEMS, ExplanationOut, PredictionsOut, PrivacyOut
from graticule.web.examples import EXAMPLE, EXPLANATION_EXAMPLE, FORM, ONE_FILE, PRIVACY_EXAMPLE
from graticule.web.explaining import BEST, Method, Question, explained, methods_of
from graticule.web.privacy import checked
from graticule.web.problems import ProblemError
from graticule.web.served import ServedModels
from graticule.web.settings import ServerSettings
from graticule.web.uploads import Form, Upload, read_form

MOST_TOP: Final = 100


async def _known_words(request: Request) -> None:
    """Refuse what would otherwise be passed over: who types ``tops=3`` wants something."""
    if not request.url.path.startswith("/v1/"):
        return
    known = [parameter.alias for parameter in request.scope["route"].dependant.query_params]
    for name in request.query_params:
        if name not in known:
            close = nearest(name, known)
            advice = f"Did you mean '{close}'?" if close else f"Expected: {', '.join(known) or 'none'}."
            raise ProblemError(422, "wrong-words", f"'{name[:40]}' cannot be chosen here. {advice}")


router = APIRouter(dependencies=[Depends(_known_words)])
ModelName = Annotated[str | None, Query(description="One of the server's models; the first when left out.")]


@router.post(
    "/v1/predict",
    response_model=PredictionsOut,
    response_model_exclude_unset=True,
    summary="Where were these photos taken?",
    openapi_extra=FORM,
    responses={200: {"content": {"application/json": {"example": EXAMPLE}}}, **PROBLEMS},
)
async def predict(
    request: Request,
    model: ModelName = None,
    top: Annotated[int, Query(ge=1, le=MOST_TOP, description="Candidates kept per photo.")] = 10,
    estimate: Annotated[Literal["best-cell", "expected-distance"] | None, Query()] = None,
    promise: Annotated[float | None, Query(gt=0, lt=1, description="A share that the model offers.")] = None,
    shading: Annotated[bool, Query(description="Also the share of every area, for a map.")] = False,
) -> Any:
    """One answer per file. A file that cannot be read has an ``error`` beside the others' answers.

    When no file can be read, the answer is 422 with one reason per file.
    """
    served = _models(request).named(model)
    form = await read_form(request, _settings(request))
    words = Words(estimate, None if promise is None else f"{promise:g}")
    answers = await _models(request).predict(served, form.files, words)
    documents = [served.areas.answer(answer, top=top, shading=shading) for answer in answers]
    _count(request, documents)
    if all(document["error"] is not None for document in documents):
        raise _no_photo(form, documents)
    return {
        "model": served.model.card.identity,
        "finest": _settings(request).finest,
        "predictions": documents,
    }


@router.post(
    "/v1/explain",
    response_model=ExplanationOut,
    summary="Which parts of this photo speak for a place?",
    openapi_extra=ONE_FILE,
    responses={200: {"content": {"application/json": {"example": EXPLANATION_EXAMPLE}}}, **PROBLEMS},
)
async def explain(
    request: Request,
    model: ModelName = None,
    method: Annotated[Method, Query(description="gradcam is as quick as an answer.")] = "gradcam",
    target: Annotated[
        str,
        Query(
            max_length=40,
            description="best, 17 (an area's number), country:CN, or parent:17 (it and its siblings).",
        ),
    ] = BEST,
    against: Annotated[
        str | None, Query(max_length=40, description="What the target is held against, in the same words.")
    ] = None,
) -> Any:
    """A map of signed values over one photo: what speaks for a place, and what against it or for another."""
    served = _models(request).named(model)
    upload = await _only_file(request)
    photo, question = _models(request).photo(upload), Question(method, target, against)
    document = await _models(request).chores.run(
        lambda patience: explained(served.model, served.areas, photo, question, patience)
    )
    return {"photo_id": upload.name, **document}


@router.post(
    "/v1/privacy",
    response_model=PrivacyOut,
    summary="What does this photo give away?",
    openapi_extra=ONE_FILE,
    responses={200: {"content": {"application/json": {"example": PRIVACY_EXAMPLE}}}, **PROBLEMS},
)
async def privacy(
    request: Request,
    model: ModelName = None,
    blur: Annotated[
        float, Query(ge=0, le=1, description="Share of the photo that may be blurred; 0: metadata only.")
    ] = 0.2,
    with_copy: Annotated[bool, Query(alias="copy", description="Send the clean copy along.")] = False,
) -> Any:
    """Metadata, the parts that tell the place, and a copy without both. Nothing is kept, nobody is named."""
    served = _models(request).named(model)
    upload = await _only_file(request)
    photo, finest = _models(request).photo(upload), _settings(request).finest
    document = await _models(request).chores.run(
        lambda patience: checked(
            served.model, photo, most_area=blur, finest=finest, copy=with_copy, patience=patience
        )
    )
    return {"photo_id": upload.name, **document}


@router.get(
    "/v1/model", summary="What a model is, what it was measured to be, and its card", responses=PROBLEMS
)
async def describe(request: Request, model: ModelName = None) -> dict[str, Any]:
    """The bundle's card, the counts of its cells, and the model card in Markdown."""
    served = _models(request).named(model)
    card = served.model.card.model_dump(mode="json")
    return {
        "names": _models(request).names,
        "name": served.name,
        "identity": served.model.card.identity,
        "finest": _settings(request).finest,
        "areas": len(served.areas),
        "cells": served.model.partition.count,
        "partition": {
            "method": served.model.partition.method,
            "parameters": dict(served.model.partition.parameters),
        },
        "explanations": methods_of(served.model),
        "promises": [float(promise) for promise in served.model.promises],
        "card": card,
        "reports": served.reports,
        "model_card": served.model.model_card,
        "has_test_photos": _settings(request).photos is not None,
        "limits": {
            "body_bytes": _settings(request).body_bytes,
            "files": _settings(request).files,
            "pixels": _settings(request).pixels,
        },
        "earth_radius_km": EARTH_RADIUS_KM,
    }


@router.get(
    "/v1/cells.geojson",
    summary="The areas that answers are made of",
    response_class=Response,
    responses={200: {"content": {"application/geo+json": {}}}, **PROBLEMS},
)
async def cells(request: Request, model: ModelName = None) -> Response:
    """One feature per area: number, token, name, level, training photos; longitude first, as in GeoJSON."""
    served = _models(request).named(model)
    return Response(served.geojson, media_type="application/geo+json")


@router.get(
    "/v1/test-photo",
    summary="A photo of the operator's, drawn at random, with its known place",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}, **PROBLEMS},
)
async def test_photo(request: Request) -> Response:
    """A JPEG; the headers ``Graticule-Photo`` and ``Graticule-Truth`` (latitude,longitude) say what it is."""
    photos = request.app.state.test_photos
    if photos is None:
        raise ProblemError(
            404, "no-test-photos", "This server has no test photos. Start it with:  --photos FOLDER"
        )
    drawn = await _models(request).chores.run(lambda _: photos.draw())
    return Response(drawn.jpeg, media_type="image/jpeg", headers=drawn.headers)


@router.get("/healthz", summary="Is the server up?")
async def health(request: Request) -> dict[str, Any]:
    """Models and photos in work."""
    models = _models(request)
    return {
        "status": "ok",
        "version": __version__,
        "models": models.names,
        "in_work": sum(served.batcher.in_work for served in models),
    }


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}},
)
async def metrics(request: Request) -> Response:
    """Counts and times; nothing of any photo."""
    counters = request.app.state.counters
    counters.waiting.set(sum(served.batcher.in_work for served in _models(request)))
    for served in _models(request):
        while served.batcher.sizes:
            counters.batches.observe(served.batcher.sizes.popleft())
    return Response(counters.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _models(request: Request) -> ServedModels:
    models: ServedModels = request.app.state.models
    return models


def _settings(request: Request) -> ServerSettings:
    settings: ServerSettings = request.app.state.settings
    return settings


async def _only_file(request: Request) -> Upload:
    form = await read_form(request, _settings(request))
    if len(form.files) > 1:
        raise ProblemError(422, "one-photo", "One photo is looked at here at a time. Send one file.")
    return form.files[0]


def _count(request: Request, documents: list[dict[str, Any]]) -> None:
    failed = sum(document["error"] is not None for document in documents)
    request.app.state.counters.photos.labels("answered").inc(len(documents) - failed)
    request.app.state.counters.photos.labels("refused").inc(failed)


def _no_photo(form: Form, documents: list[dict[str, Any]]) -> ProblemError:
    errors = [
        {"photo_id": upload.name, "error": document["error"]}
        for upload, document in zip(form.files, documents, strict=True)
    ]
    said = errors[0]["error"] if len(errors) == 1 else f"None of the {len(errors)} files is a photo."
    return ProblemError(422, "no-photo", said, more={"errors": errors})
