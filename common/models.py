"""The one table of the common room: keys of requests that took effect."""

from django.db import models

from common.immutability import frozen_columns


class IdempotencyKey(models.Model):
    """A request that took effect, and the answer it got; written in the effect's transaction."""

    scope = models.CharField(max_length=200)
    key = models.CharField(max_length=200)
    request_hash = models.CharField(max_length=64)
    response = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scope", "key"], name="idempotency_key_used_once")
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotency_key_age")]
        triggers = [frozen_columns("scope", "key", "request_hash", "created_at")]

    def __str__(self) -> str:
        return f"{self.scope}/{self.key}"
