"""Server addresses are read as libpq and Celery write them."""

import pytest

from config.services.addresses import broker_with_number, database, database_url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgresql://ann:p%40ss@db.example:6432/chain",
            {"NAME": "chain", "USER": "ann", "PASSWORD": "p@ss", "HOST": "db.example"}
            | {"PORT": "6432", "OPTIONS": {}},
        ),
        (
            "postgres:///chain",
            {"NAME": "chain", "USER": "", "PASSWORD": "", "HOST": "", "PORT": "", "OPTIONS": {}},
        ),
        (
            "postgresql://ann@/chain?host=/run/sockets&sslmode=require",
            {"NAME": "chain", "USER": "ann", "PASSWORD": "", "HOST": "/run/sockets", "PORT": ""}
            | {"OPTIONS": {"sslmode": "require"}},
        ),
    ],
)
def test_database_addresses(url: str, expected: dict[str, object]) -> None:
    fixed: dict[str, object] = {
        "ENGINE": "django.db.backends.postgresql",
        "TEST": {"NAME": "probe"},
    }
    fixed |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}

    settings = database(url, test_name="probe")

    assert settings == expected | fixed
    # Another process handed the address sees the same database.
    assert database(database_url(settings), test_name="probe") == settings


@pytest.mark.parametrize(
    "url", ["mysql://db/chain", "postgresql://db", "postgresql://db/", "chain"]
)
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="DATABASE_URL must look like"):
        database(url)


def test_an_address_can_be_pointed_at_another_database() -> None:
    settings = database("postgresql://ann:s3cret@db:6432/chain")

    assert database(database_url(settings, name="bench"))["NAME"] == "bench"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://queue:6379/0", "redis://queue:6379/3"),
        ("rediss://:pw@queue", "rediss://:pw@queue/3"),
        ("redis+socket:///run/r.sock?virtual_host=0", "redis+socket:///run/r.sock?virtual_host=3"),
    ],
)
def test_broker_numbers(url: str, expected: str) -> None:
    assert broker_with_number(url, 3) == expected
