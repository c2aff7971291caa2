"""Settings, addresses, task queue and the embedded services: what binds the rooms together."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
