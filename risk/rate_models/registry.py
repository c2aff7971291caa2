"""The models there are, by code: ours and its challengers."""

from typing import TYPE_CHECKING

import numpy.typing as npt

from risk.pledge_rates import MODEL_NAME, FloatArray, RateParameters, RatePath, walk_forward
from risk.rate_models import simple
from risk.rate_models.codes import RateModelCode
from risk.rate_models.garch import garch_t
from risk.rate_models.protocol import RateModel, from_quantiles

if TYPE_CHECKING:
    from risk.rate_models.protocol import LogQuantiles


def _proposal(
    raw: FloatArray, parameters: RateParameters, ages: npt.ArrayLike, first_row: int
) -> RatePath:
    return walk_forward(raw, parameters, ages=ages, first_row=first_row)


def _challenger(code: RateModelCode, quantiles: "LogQuantiles", source: str) -> RateModel:
    return RateModel(code=code, version=1, source=source, walk=from_quantiles(quantiles))


_MODELS = (
    RateModel(
        code=RateModelCode.BFHS,
        version=int(MODEL_NAME.removeprefix("bfhs-")),
        source="docs/guide/risk-officer.md",
        walk=_proposal,
    ),
    _challenger(RateModelCode.STATIC70, simple.constant(0.70), "common practice"),
    _challenger(RateModelCode.STATIC_CAL, simple.calibrated, "common practice"),
    _challenger(RateModelCode.HS1000, simple.rolling(1000), "historical simulation"),
    _challenger(RateModelCode.HS2500, simple.rolling(2500), "historical simulation"),
    _challenger(RateModelCode.RISKMETRICS, simple.risk_metrics, "RiskMetrics 1996"),
    _challenger(RateModelCode.GARCH_T, garch_t, "Bollerslev 1987"),
    _challenger(RateModelCode.FHS97, simple.filtered, "Barone-Adesi et al. 1999"),
    _challenger(
        RateModelCode.FHS97_FLOOR10Y, simple.filtered_with_floor, "EMIR RTS 153/2013 Art. 28(1)(c)"
    ),
)

RATE_MODELS: dict[str, RateModel] = {str(model.code): model for model in _MODELS}


def rate_model(code: str) -> RateModel:
    """Return a model by its code, or by the identity that a published rate keeps.

    Raises:
        KeyError: no such model, or another version of it.

    """
    by_identity = {model.identity: model for model in _MODELS}
    return RATE_MODELS[code] if code in RATE_MODELS else by_identity[code]
