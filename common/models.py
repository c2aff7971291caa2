"""The one table of the common room: keys of requests that took effect."""

from django.db import models
from django.db.models.functions import Now

from common.immutability import frozen_columns


class IdempotencyKey(models.Model):
    """A request that took effect, and the answer it got; written in the effect's transaction."""

    scope = models.CharField(max_length=200)
    key = models.CharField(max_length=200)
    request_hash = models.CharField(max_length=64)
    response = models.JSONField(default=dict)
    created_at = models.DateTimeField(help_text="when it was asked, by the edge's clock")
    # The machine's clock, by which keys grow old: the story's requests date from 2016.
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scope", "key"], name="idempotency_key_used_once")
        ]
        indexes = [models.Index(fields=["recorded_at"], name="idempotency_key_age")]
        triggers = [frozen_columns("scope", "key", "request_hash", "created_at", "recorded_at")]

    def __str__(self) -> str:
        return f"{self.scope}/{self.key}"
