"""A feed for the demonstration: a file in a folder, with one price that nobody should believe."""

import json
from datetime import datetime, time

from parties.actors import system_actor
from parties.models import Organisation
from risk.feeds.drop_folder import folder_of
from risk.feeds.registry import AdapterName, PriceKind
from risk.models import Commodity, Feed
from risk.queries import latest_prices, price_history
from risk.services.feed_runs import run_feed
from risk.services.feeds import FeedTerms, Mapped, define_feed, request_run

CODE = "metals-file"
METALS = {"HG": "copper_comex", "SI": "silver_comex", "GC": "gold_comex"}
SLIPPED = "GC"


def leave_prices(*, now: datetime) -> None:
    """Set the lender's feed up and run it; nothing if it is there already."""
    if Feed.objects.filter(code=CODE).exists():
        return
    actor = system_actor("demonstration")
    series = [Mapped(series=name, commodity=code) for name, code in METALS.items()]
    feed = define_feed(
        code=CODE,
        name="Metals by file",
        adapter=AdapterName.DROP_FOLDER,
        series=series,
        terms=FeedTerms(expected_at=time(21), kind=PriceKind.SETTLEMENT, calendar="US"),
        actor=actor,
        now=now,
        tenant_id=Organisation.objects.get(code="harbour").pk,
    )
    folder = folder_of(CODE)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "settlements.json").write_text(json.dumps(_rows(now)))
    request_run(feed=feed, actor=actor, now=now)
    run_feed(feed_id=feed.pk, actor=actor, now=now)


def _rows(now: datetime) -> list[dict[str, str]]:
    """Return the last recorded prices as the file has them, gold ten times too high."""
    quotes = latest_prices(now.date())
    rows = []
    for commodity in Commodity.objects.filter(code__in=METALS.values()):
        [name] = [name for name, code in METALS.items() if code == commodity.code]
        on = quotes[commodity.pk].price_on
        [point] = price_history(commodity.code, from_on=on, until_on=on) if on else [None]
        if point is not None:
            price = point.price * (10 if name == SLIPPED else 1)
            rows.append({"series": name, "date": f"{on}", "price": f"{price.normalize():f}"})
    return rows
