"""Backtests as they were run: kept for ever, so that pages read them and compute nothing."""

from django.db import models
from django.db.models import Q

from common.immutability import append_only
from risk.models.commodity import Commodity


class BacktestRun(models.Model):
    """One run over the prices on record up to a day."""

    until_on = models.DateField()
    recorded_at = models.DateTimeField()
    actor_label = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-recorded_at", "-id"]
        triggers = append_only()

    def __str__(self) -> str:
        return f"backtest until {self.until_on}"


class BacktestScore(models.Model):
    """How one model did on one commodity. Floats: these are statistics, and no money.

    Shares, rates and moves are fractions. path: [day, rate] of every week; exceeded: [day, price]
    of every day whose outcome was worse than the rate. prices_hash: what it was computed from.
    """

    run = models.ForeignKey(BacktestRun, on_delete=models.PROTECT, related_name="scores")
    commodity = models.ForeignKey(Commodity, on_delete=models.PROTECT, related_name="backtests")
    entrant = models.CharField(max_length=20)
    horizon_days = models.PositiveSmallIntegerField()
    confidence = models.FloatField()
    prices_hash = models.CharField(max_length=64)
    first_on = models.DateField()
    last_on = models.DateField()
    days = models.PositiveIntegerField()
    exceedances = models.PositiveIntegerField()
    kupiec = models.FloatField(help_text="median p-value")
    kupiec_share = models.FloatField(help_text="of subsamples accepted at 5 %")
    conditional = models.FloatField(help_text="median p-value")
    conditional_share = models.FloatField(help_text="of subsamples accepted at 5 %")
    mean_rate = models.FloatField()
    matched_rate = models.FloatField()
    skill = models.FloatField()
    worst = models.FloatField(help_text="largest loss beyond the rate, of the initial value")
    daily_move = models.FloatField()
    fall_5d = models.FloatField()
    haircut_ratio = models.FloatField(null=True, help_text="none where a haircut was nothing")
    calls = models.FloatField(help_text="margin calls a year")
    light = models.CharField(max_length=6)
    path = models.JSONField(default=list)
    exceeded = models.JSONField(default=list)

    class Meta:
        ordering = ["run", "commodity", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["run", "commodity", "entrant"], name="backtest_score_once_a_run"
            ),
            models.CheckConstraint(
                name="backtest_score_light_known",
                condition=Q(light__in=["green", "yellow", "red"]),
            ),
            models.CheckConstraint(
                name="backtest_score_exceeds_at_most_every_day",
                condition=Q(exceedances__lte=models.F("days")),
            ),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.entrant} on {self.commodity}"
