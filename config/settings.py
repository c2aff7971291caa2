"""Settings of every environment; what differs comes from environment variables (see README)."""

import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from celery.schedules import crontab
from django.utils.translation import gettext_lazy as _

from config.services import database_settings, redis_url
from config.services.locks import held

BASE_DIR = Path(__file__).resolve().parent.parent
RUN_DIR = BASE_DIR / ".run"


def _secret_key() -> str:
    """Return the configured key, or one made once for this checkout and kept out of git."""
    if key := os.environ.get("SECRET_KEY"):
        return key
    RUN_DIR.mkdir(exist_ok=True)
    path = RUN_DIR / "secret_key"
    with held(RUN_DIR / "secret_key.lock"):  # two commands may start at once
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(48))
    return path.read_text()


SECRET_KEY = _secret_key()
DEBUG = os.environ.get("DEBUG", "") == "1"
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
# DEMO shows the story's logins on the sign-in page; a real deployment leaves it unset.
DEMO = os.environ.get("DEMO", "") == "1"
# Moves the clock that web requests and tasks read: the demonstration lives on in its own year.
CLOCK_SHIFT_SECONDS = float(os.environ.get("CLOCK_SHIFT_SECONDS", "0"))

INSTALLED_APPS = [
    "config",
    "common",
    "outbox",
    "parties",
    "risk",
    "ledger",
    "logistics",
    "lending",
    "pledges",
    "factoring",
    "orders",
    "portal",
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "pgtrigger",
    "axes",
    "csp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.web.appearance.appearance",
            ]
        },
    }
]

DATABASES = {"default": database_settings()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "parties.Person"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "portal:sign_in"
LOGIN_REDIRECT_URL = "portal:home"
LOGOUT_REDIRECT_URL = "portal:sign_in"
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_TEMPLATE = "portal/locked_out.html"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Chinese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
NODE_MODULES = BASE_DIR / "node_modules"
STATICFILES_DIRS = [
    (prefix, NODE_MODULES / path)
    for prefix, path in (
        ("tabler", "@tabler/core/dist"),
        ("echarts", "echarts/dist"),
        ("htmx", "htmx.org/dist"),
    )
    if (NODE_MODULES / path).is_dir()
]
WHITENOISE_USE_FINDERS = True

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": _("Fullchain console"),
    "SITE_HEADER": _("Lender’s console"),
    "SITE_URL": "/",
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    # The portal's blue, from the lightest tint to the darkest shade.
    "COLORS": {
        "primary": {
            str(step): f"oklch({lightness}% {chroma} 248)"
            for step, lightness, chroma in (
                (50, 97.5, 0.012),
                (100, 94, 0.03),
                (200, 88, 0.055),
                (300, 79, 0.09),
                (400, 68, 0.115),
                (500, 57, 0.12),
                (600, 47, 0.11),
                (700, 40, 0.095),
                (800, 34, 0.08),
                (900, 28, 0.065),
                (950, 21, 0.05),
            )
        }
    },
    "SIDEBAR": {"show_search": True, "navigation": "config.console.navigation"},
}

CELERY_BROKER_URL = redis_url()
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 300
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    # Whoever sends a hint must not wait for a broker that is down (default: 6 s). Workers, which
    # must, go by broker_connection_max_retries.
    "max_retries": 0,
    "socket_connect_timeout": 2,
}
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    # Looks for events whose hint was lost or whose worker died; late copies are worthless.
    "outbox-sweep": {"task": "outbox.tasks.sweep", "schedule": 30.0, "options": {"expires": 30}},
    "outbox-forget": {"task": "outbox.tasks.forget", "schedule": 86_400.0},
}
# The demonstration's last day lies in the past: interest up to the machine's date would swamp it.
if not DEMO:
    CELERY_BEAT_SCHEDULE["accrue-interest"] = {
        "task": "lending.tasks.accrue_interest",
        "schedule": 3_600.0,
        "options": {"expires": 3_600},
    }
# An event not finished by then is looked into; sweep interval plus lease is the recovery time.
OUTBOX_LEASE_SECONDS = int(os.environ.get("OUTBOX_LEASE_SECONDS", "20"))

# Four hours from the request for goods to the custodian's confirmation; what each step may use.
INSTRUCTION_PROMISE_MINUTES = {
    "whole": 240,
    "decide": 60,
    "acknowledge": 30,
    "execute": 120,
    "evidence": 120,
    "expires": 2_880,
}

# Price feeds. Hosts outside the list are not asked, whoever sets a feed up; keys come from
# FRED_API_KEY, EIA_API_KEY and FEED_KEY_<CODE>. Files are left under FEED_FOLDER/<code>/.
FEED_BASE_URLS = {
    "fred": os.environ.get("FRED_URL", "https://api.stlouisfed.org/fred"),
    "eia": os.environ.get("EIA_URL", "https://api.eia.gov/v2"),
}
FEED_HOSTS = {
    *os.environ.get("FEED_HOSTS", "").replace(",", " ").split(),
    *(urlsplit(url).hostname for url in FEED_BASE_URLS.values()),
}
FEED_FOLDER = os.environ.get("FEED_FOLDER", str(RUN_DIR / "feeds"))
FEED_TIMEOUT_SECONDS = 15.0  # between two pieces of an answer
FEED_DEADLINE_SECONDS = 60.0  # for a whole answer

# The demonstration plays in a year of its own: the machine's date would age its prices.
if not DEMO:
    CELERY_BEAT_SCHEDULE |= {
        "look-at-feeds": {
            "task": "risk.tasks.look_at_feeds",
            "schedule": 30.0,
            "options": {"expires": 30},
        },
        "publish-rates": {
            "task": "risk.tasks.publish_daily_rates",
            "schedule": crontab(hour=22, minute=0),
        },
        # After the day's rates are published: a glide goes on when nothing is.
        "glide-rates": {
            "task": "pledges.tasks.follow_gliding_rates",
            "schedule": crontab(hour=22, minute=30),
        },
        "watch-the-law": {
            "task": "pledges.tasks.watch_over_the_law",
            "schedule": crontab(hour=5, minute=0),
        },
        "record-day": {
            "task": "pledges.tasks.record_end_of_day",
            "schedule": crontab(hour=23, minute=30),
        },
        # After the end of day is recorded: coverage trends are read from days' ends.
        "early-warnings": {
            "task": "pledges.tasks.watch_early",
            "schedule": crontab(hour=23, minute=45),
        },
        "watch-price-feeds": {
            "task": "pledges.tasks.watch_price_feeds",
            "schedule": crontab(minute="*/15"),
        },
        "propose-swaps": {
            "task": "pledges.tasks.propose_swaps",
            "schedule": crontab(hour=5, minute=30),
        },
        "margin-call-clock": {
            "task": "pledges.tasks.escalate_margin_calls",
            "schedule": crontab(minute="*/5"),
        },
        "instruction-clock": {
            "task": "pledges.tasks.chase_instructions",
            "schedule": 60.0,
            "options": {"expires": 60},
        },
    }

# Set where a proxy ends TLS in front of the web process and passes X-Forwarded-Proto on.
BEHIND_TLS = os.environ.get("BEHIND_TLS", "") == "1"
if BEHIND_TLS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = 31_536_000
    CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS if host != "*"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_TLS
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "img-src": ["'self'", "data:"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
        "base-uri": ["'self'"],
    },
    # The admin theme evaluates its widgets' expressions in the page.
    "EXCLUDE_URL_PREFIXES": ("/admin/",),
}

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("LOG_LEVEL", "WARNING")},
    # They write whole addresses, and some sources want their key in the address.
    "loggers": {"httpx": {"level": "WARNING"}, "httpcore": {"level": "WARNING"}},
}
