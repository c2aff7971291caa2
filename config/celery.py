"""The Celery application. Redis carries hints; PostgreSQL carries the truth."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("fullchain")
app.config_from_object("django.conf:settings", namespace="CELERY")
# Threads of a web server see only the default application, not the one made last.
app.set_default()
app.autodiscover_tasks()
