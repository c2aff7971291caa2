"""The portal's only table: how far the story has been told."""

from django.db import models


class StoryMark(models.Model):
    """One scene that was played to its end, written in the scene's own transaction."""

    key = models.CharField(max_length=60, unique=True)
    step = models.PositiveSmallIntegerField()
    business_date = models.DateField()
    title = models.CharField(max_length=160)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.business_date} {self.title}"
