"""`make bench NAME=tick` and `NAME=whatif`: prices in, changed bands out, and previews of that.

The platform's way is the public service: `record_prices` writes the prices and its hook judges
every facility that holds one of them, with readings, margin calls and events, in one transaction.
Beside it in the same run: the update of a stored value on every lot (set-based), the bare SELECT
over pool lines that any tick must at least do, and a loop over facilities with four queries each,
as lending systems without pool lines do it (a sample of facilities, scaled up).

Of the last commodity exactly 250 facilities hold a little, whatever the size of the book: what its
tick costs must not grow with the book. The log is measured for one tick after a checkpoint.

A facility has a hundred lots of four commodities. Facilities, exposures and lots are filled in by
SQL; the tick reads pool lines only, and these are the exact sums of the lots. Prices alternate
between two levels 2 % apart, so the same few facilities change band in every round.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import numpy as np
from django.db import connection, transaction

from common.bench import Result, benchmark, side_by_side
from lending.models import Facility
from parties.actors import system_actor
from parties.roles import OrganisationKind
from parties.services.organisations import register_organisation
from parties.services.people import register_person
from pledges.allocation_bench import allocation
from pledges.rules.stress import Floats
from pledges.services.what_if import load_book
from risk.services.prices import Observation, record_prices

__all__ = ["allocation", "tick", "what_if"]

ACTOR = system_actor("bench")
START = date(2016, 3, 1)
NOW = datetime(2016, 3, 1, 9, tzinfo=UTC)
LOTS_PER_FACILITY = 100
COMMODITIES = 500
SCENARIOS = 250
RARE = 250  # facilities that hold the last commodity
SAMPLE = 100
ROUNDS = 5

_FILL = """
    SET LOCAL session_replication_role = replica;
    INSERT INTO risk_commodity (code, name, name_zh, kind, asset_class, unit, currency,
        price_quantity, price_factor, horizon_days, confidence, disposal_cost, cap,
        stale_after_days, stop_after_days, glide_days, active)
    SELECT 'c' || n, 'C' || n, '', 'commodity', 'other', 'KGM', 'USD', 1, 1, 10, 0.99, 0, 0.8,
           5, 20, 5, true
    FROM generate_series(1, %(commodities)s) n;
    INSERT INTO lending_facility (tenant_id, borrower_id, code, name, currency, "limit", products,
        annual_rate, penalty_rate, day_count, waterfall, waiver_tolerance, order_advance_rate,
        receivable_advance_rate, release_factor, cure_business_days, minimum_controlled_value,
        opened_on, matures_on, state, maker_id, checker_id, exposure, jurisdiction,
        insurance_required, control_required)
    SELECT %(lender)s, %(borrower)s, 'b' || n, 'B' || n, 'USD', 1000000000, '[]', 0.07, 0.03,
           'act/360', '[]', 0, 0.8, 0.8, 0.9, 2, 0, '2016-01-01', '2030-01-01', 'active',
           %(maker)s, %(checker)s, 0, 'CN', false, false
    FROM generate_series(1, %(facilities)s) n;
    CREATE TABLE bench_lot (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, facility_id bigint NOT NULL,
        commodity_id bigint NOT NULL, quantity numeric(24, 6) NOT NULL, value numeric(24, 4));
    INSERT INTO bench_lot (facility_id, commodity_id, quantity, value)
    SELECT f.id, c.first + (f.id * 4 + lot %% 4) * 37 %% (%(commodities)s - 1), 10 + lot %% 17, 0
    FROM lending_facility f, generate_series(1, %(lots)s) lot,
         (SELECT min(id) AS first FROM risk_commodity WHERE code LIKE 'c%%') c;
    CREATE INDEX ON bench_lot (facility_id);
    CREATE INDEX ON bench_lot (commodity_id);
    INSERT INTO pledges_poolline (tenant_id, facility_id, basis_id, "right", market_weight,
        lending_weight)
    SELECT %(lender)s, facility_id, commodity_id, 'pledge', sum(quantity), sum(quantity)
    FROM bench_lot GROUP BY facility_id, commodity_id;
    INSERT INTO pledges_poolline (tenant_id, facility_id, basis_id, "right", market_weight,
        lending_weight)
    SELECT %(lender)s, f.id, c.id, 'pledge', 1, 1
    FROM risk_commodity c, lending_facility f
    WHERE c.code = 'c' || %(commodities)s
      AND f.id %% greatest(%(facilities)s / %(rare)s, 1) = 0;
"""

_RATES = """
    SET LOCAL session_replication_role = replica;
    INSERT INTO risk_pledgerate (commodity_id, effective_on, revision, rate, model_rate, model,
        parameters, price_id, recorded_at, actor_label)
    SELECT p.commodity_id, p.observed_on, 1, 0.7, 0.7, 'bench', '{}', p.id, now(), 'bench'
    FROM risk_price p;
    UPDATE lending_facility f
    SET exposure = round(v.lending_value * (0.70 + (f.id %% 100) * 0.003), 2)
    FROM pledges_cover(%(on)s) v WHERE v.facility_id = f.id;
"""

_EVERY_LOT = """
    UPDATE bench_lot l SET value = round(l.quantity * q.unit_price * q.rate, 4)
    FROM risk_quotes(%(on)s) q WHERE q.commodity_id = l.commodity_id
"""
_BARE = """
    SELECT count(*) FROM (
        SELECT l.facility_id FROM pledges_poolline l
        JOIN risk_quotes(%(on)s) q ON q.commodity_id = l.basis_id
        JOIN lending_facility f ON f.id = l.facility_id
        GROUP BY l.facility_id, f.exposure
        HAVING f.exposure > sum(l.lending_weight * q.unit_price * q.rate)) uncovered
"""
_BARE_RARE = """
    SELECT l.facility_id, sum(l.lending_weight * q.unit_price * q.rate)
    FROM pledges_poolline l JOIN risk_quotes(%(on)s) q ON q.commodity_id = l.basis_id
    WHERE l.facility_id IN (
        SELECT rare.facility_id FROM pledges_poolline rare JOIN risk_commodity c
        ON c.id = rare.basis_id WHERE c.code = 'c500')
    GROUP BY l.facility_id
"""
_ONE_FACILITY = (
    "SELECT commodity_id, sum(quantity) FROM bench_lot WHERE facility_id = %s GROUP BY 1",
    "SELECT exposure FROM lending_facility WHERE id = %s",
    """SELECT l.commodity_id, q.unit_price, q.rate FROM bench_lot l
       JOIN risk_quotes('{on}') q ON q.commodity_id = l.commodity_id
       WHERE l.facility_id = %s GROUP BY 1, 2, 3""",
    "SELECT id FROM pledges_margincall WHERE facility_id = %s AND state <> 'cured'",
)


class Book:
    """A lender's book of pledged lots and the market that moves under it."""

    def __init__(self, size: int) -> None:
        self.facilities = max(1, size // LOTS_PER_FACILITY)
        self.day = START
        self._fill()
        with connection.cursor() as cursor:
            cursor.execute("SELECT code FROM risk_commodity WHERE code LIKE 'c%' ORDER BY id")
            self.codes = [code for (code,) in cursor.fetchall()]
        self.tick(self.codes)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_RATES, {"on": self.day})
        connection.cursor().execute("ANALYZE")
        self.tick(self.codes)

    def _fill(self) -> None:
        lender, borrower = (
            register_organisation(
                code=code, name=code, kind=kind, country="CN", gln=gln, actor=ACTOR, now=NOW
            )
            for code, kind, gln in (
                ("bench-lender", OrganisationKind.LENDER, "6950123450104"),
                ("bench-borrower", OrganisationKind.MANUFACTURER, "6950123450111"),
            )
        )
        maker, checker = (
            register_person(
                username=name, full_name=name, organisation=lender, roles=[], actor=ACTOR, now=NOW
            )
            for name in ("maker", "checker")
        )
        parameters = {
            "commodities": COMMODITIES,
            "rare": RARE,
            "facilities": self.facilities,
            "lots": LOTS_PER_FACILITY,
            "lender": lender.pk,
            "borrower": borrower.pk,
            "maker": maker.pk,
            "checker": checker.pk,
        }
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_FILL, parameters)

    def tick(self, codes: Sequence[str]) -> None:
        """Record one day's prices of some commodities, and all that follows from them."""
        self.day += timedelta(days=1)
        level = Decimal(100 if self.day.day % 2 else 98)
        record_prices(
            observations=[Observation(commodity=code, price=level) for code in codes],
            source="bench",
            as_of=self.day,
            actor=ACTOR,
            now=datetime.combine(self.day, time(18), tzinfo=UTC),
        )

    def run(self, statement: str) -> None:
        """Execute one statement on the prices of the last tick."""
        with connection.cursor() as cursor:
            cursor.execute(statement, {"on": self.day})

    def written(self, work: Callable[[], object]) -> int:
        """Return how many bytes of log some work writes, pages touched first after a checkpoint."""
        with connection.cursor() as cursor:
            cursor.execute("CHECKPOINT")
            cursor.execute("SELECT pg_current_wal_insert_lsn()")
            [before] = cursor.fetchone()
            work()
            cursor.execute("SELECT pg_current_wal_insert_lsn() - %s::pg_lsn", [before])
            [written] = cursor.fetchone()
        return int(written)

    def loop(self) -> None:
        """Judge a sample of facilities one by one, four queries each."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT id FROM lending_facility ORDER BY id LIMIT %s", [SAMPLE])
            for [facility_id] in cursor.fetchall():
                for query in _ONE_FACILITY:
                    cursor.execute(query.replace("{on}", str(self.day)), [facility_id])
                    cursor.fetchall()


@benchmark("tick", sizes=[100_000])
def tick(size: int) -> Iterator[Result]:
    """Move all prices, then one price, of a book of `size` lots."""
    book = Book(size)
    yield _beside(book, "all prices, floor: update every lot", book.codes, _EVERY_LOT)
    yield _beside(book, "all prices, floor: bare pool lines", book.codes, _BARE)
    yield _beside(book, "one price, floor: update every lot", book.codes[:1], _EVERY_LOT)
    yield _beside(book, f"one price of {RARE}, floor: their lines", book.codes[-1:], _BARE_RARE)


def _beside(book: Book, case: str, codes: Sequence[str], floor: str) -> Result:
    ways: dict[str, Callable[[], object]] = {
        "platform": lambda: book.tick(codes),
        "floor": lambda: book.run(floor),
        "peer": book.loop,
    }
    taken = side_by_side(ways, rounds=ROUNDS)
    sampled = min(SAMPLE, book.facilities)
    return Result(
        case=case,
        size=book.facilities * LOTS_PER_FACILITY,
        seconds=taken["platform"],
        floor_seconds=taken["floor"],
        peer=f"loop over facilities ({sampled} timed, scaled)",
        peer_seconds=taken["peer"] * book.facilities / sampled,
        wal_bytes=book.written(lambda: book.tick(codes)),
    )


@benchmark("whatif", sizes=[100_000])
def what_if(size: int) -> Iterator[Result]:
    """Put a book of `size` lots under 250 scenarios; the peer values every lot in each of them."""
    book = Book(size)
    ids = list(Facility.objects.filter(code__startswith="b").values_list("pk", flat=True))
    moves = np.random.default_rng(1).uniform(0.4, 1.1, (SCENARIOS, COMMODITIES))
    with connection.cursor() as cursor:
        cursor.execute("SELECT facility_id, commodity_id, quantity::float8 FROM bench_lot")
        lots = np.array(cursor.fetchall(), np.float64)

    def platform() -> None:
        loaded = load_book(facility_ids=ids, on=book.day)
        loaded.verdict(loaded.factors(moves[:, : len(loaded.priced)]))

    ways: dict[str, Callable[[], object]] = {
        "platform": platform,
        "floor": lambda: load_book(facility_ids=ids, on=book.day),
        "peer": lambda: _by_lot(lots, moves),
    }
    taken = side_by_side(ways, rounds=3)
    yield Result(
        case=f"{SCENARIOS} scenarios, floor: reading",
        size=size,
        seconds=taken["platform"],
        floor_seconds=taken["floor"],
        peer="numpy, lot by lot",
        peer_seconds=taken["peer"],
    )


def _by_lot(lots: Floats, moves: Floats) -> list[float]:
    """Return each scenario's worth of all facilities from lots, one scenario at a time."""
    facility = (lots[:, 0] - lots[:, 0].min()).astype(np.int64)
    commodity = (lots[:, 1] - lots[:, 1].min()).astype(np.int64)
    return [float(np.bincount(facility, lots[:, 2] * move[commodity]).sum()) for move in moves]
