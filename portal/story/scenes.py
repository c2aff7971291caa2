"""The scenes of the story, in order; each is one transaction through the public services."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from portal.story import chain, crash, finance, returns
from portal.story.calendar import END, START
from portal.story.cast import (
    introduce_goods,
    introduce_parties,
    open_facility,
    read_cast,
    stock_old_phones,
)
from portal.story.law import put_on_file, take_receipts_back

CRASHES = 9  # the step that is told beside the others, in the same months

Play = Callable[[date, datetime], None]


@dataclass(frozen=True, slots=True)
class Scene:
    """Something that happens on a day of the story."""

    key: str
    step: int
    on: date
    title: str
    play: Play


def _introduce(on: date, now: datetime) -> None:
    introduce_parties(now=now)
    introduce_goods(now=now)
    cast = read_cast()
    open_facility(cast=cast, on=on, now=now)
    put_on_file(cast=cast, on=on, now=now)
    lot = stock_old_phones(cast=cast, now=now)
    take_receipts_back(cast=cast, lot=lot, on=on, now=now)


STEPS = {
    0: "The cast is introduced",
    1: "The components are ordered and the suppliers paid in advance",
    2: "The materials arrive and come under the floating mortgage",
    3: "Assembly turns materials into phones",
    4: "Phones enter the warehouse; the pledge loan refinances the order loans",
    5: "Copper falls; the margin call is cured by substitution",
    6: "Two retail chains buy on credit; pledges become receivables",
    7: "The chains pay; loans are repaid, the reserve is given back",
    8: "One buyer returns 500 phones: the debt becomes pledged goods again",
    CRASHES: "Meanwhile two crashes, of 2008 and of 2020, end in enforced disposals",
}

MAIN_END = max(step for step in STEPS if step != CRASHES)

SCENES: tuple[Scene, ...] = (
    Scene("introduce", 0, START, STEPS[0], _introduce),
    Scene("place-orders", 1, date(2011, 6, 20), "Three orders are placed", chain.place_orders),
    Scene("finance-orders", 1, date(2011, 6, 21), "The orders are financed",
          finance.finance_orders),
    Scene("pay-on-order", 1, date(2011, 6, 22), "30 % is paid to each supplier",
          finance.pay_on_order),
    Scene("mortgage", 2, date(2011, 7, 8), "The floating mortgage is agreed; its goods are chosen",
          chain.mortgage_materials),
    Scene("wire-arrives", 2, date(2011, 7, 11), "Gold wire and silver paste arrive",
          chain.receive_wire_and_paste),
    Scene("foil-arrives", 2, date(2011, 7, 14), "The first 70 t of copper foil arrive",
          chain.receive_first_foil),
    Scene("foil-completes", 2, date(2011, 7, 20), "The other 50 t of copper foil arrive",
          chain.receive_last_foil),
    Scene("pay-on-receipt", 2, date(2011, 7, 22), "70 % is paid to each supplier",
          finance.pay_on_receipt),
    Scene("assemble-first", 3, date(2011, 8, 12), "The first 12,000 phones are assembled",
          chain.assemble_first),
    Scene("assemble-last", 3, date(2011, 8, 19), "The other 8,000 phones are assembled",
          chain.assemble_last),
    Scene("store-first", 4, date(2011, 8, 22), "12,000 phones enter the warehouse and are pledged",
          chain.store_first),
    Scene("store-last", 4, date(2011, 8, 24), "8,000 phones enter the warehouse and are pledged",
          chain.store_last),
    Scene("refinance", 4, date(2011, 8, 29), "The pledge loan refinances the order loans",
          finance.refinance_orders),
    Scene("draw", 4, date(2011, 8, 31), "Aurora draws on what the phones lend",
          finance.draw_working_capital),
    Scene("substitute", 5, date(2011, 9, 26), "Copper goes out, phones come in: the call is cured",
          chain.substitute),
    Scene("sell-metro", 6, date(2011, 10, 17), "Metro Digital buys 8,000 phones on 60 days",
          finance.sell_to_metro),
    Scene("sell-northstar", 6, date(2011, 11, 14), "North Star buys 10,000 phones on 60 days",
          finance.sell_to_northstar),
    Scene("metro-pays", 7, date(2011, 12, 16), "Metro Digital pays; its advance is repaid",
          finance.metro_pays),
    Scene("metro-rebate", 7, date(2011, 12, 19), "Metro's reserve is given back",
          finance.rebate_metro),
    Scene("northstar-pays", 7, date(2012, 1, 13), "North Star pays; its advance is repaid",
          finance.northstar_pays),
    Scene("settle", 7, date(2012, 1, 17), "The last loan is repaid and the reserve given back",
          finance.settle),
    Scene("release", 7, date(2012, 1, 18), "4,000 phones that nothing needs are released",
          chain.release_some),
    Scene("next-run", 7, date(2012, 1, 19), "The next run's foil is ordered and prepaid",
          finance.begin_next_run),
    Scene("sell-last", 7, date(2012, 1, 24), "Metro Digital buys the last 2,000 phones",
          finance.sell_last),
    Scene("return", 8, date(2012, 1, 26), "Metro Digital returns 500 phones on a credit note",
          returns.take_back),
    Scene("load-returned", 8, date(2012, 1, 27), "The returned phones leave under a bill of lading",
          returns.load),
    Scene("unload-returned", 8, date(2012, 1, 30), "They arrive at the service warehouse",
          returns.unload),
    Scene("offer-phones", MAIN_END, END, "Aurora offers 1,000 phones; the lender has four hours",
          chain.offer_phones),
    Scene("copper-drawn", CRASHES, date(2011, 11, 1), "2008: Beacon draws on 100 t of copper",
          crash.draw_on_copper),
    Scene("copper-default", CRASHES, date(2011, 11, 17), "2008: the call is not cured; default",
          crash.default_on_copper),
    Scene("copper-auction", CRASHES, date(2011, 11, 18), "2008: the copper is up for auction",
          crash.auction_copper),
    Scene("copper-opened", CRASHES, date(2011, 11, 24), "2008: the sealed bids are opened",
          crash.open_bids),
    Scene("copper-sold", CRASHES, date(2011, 11, 25), "2008: the copper is sold to the highest bid",
          crash.sell_copper),
    Scene("copper-deficit", CRASHES, date(2011, 11, 28), "2008: the deficit is written off",
          crash.write_off_copper),
    Scene("copper-recovery", CRASHES, date(2011, 12, 28), "2008: the estate pays a part",
          crash.recover_on_copper),
    Scene("silver-drawn", CRASHES, date(2011, 11, 21), "2020: Lumen draws on 1.5 t of silver",
          crash.draw_on_silver),
    Scene("silver-default", CRASHES, date(2011, 12, 16), "2020: the call is not cured; default",
          crash.default_on_silver),
    Scene("silver-restored", CRASHES, date(2011, 12, 19), "2020: as much as restores is sold",
          crash.sell_some_silver),
    Scene("silver-healed", CRASHES, date(2011, 12, 20), "2020: the cover stands, the default heals",
          crash.heal_silver),
    Scene("silver-unpaid", CRASHES, date(2012, 1, 13), "2020: the loan is unpaid; default again",
          crash.silver_unpaid),
    Scene("silver-sold", CRASHES, date(2012, 1, 16), "2020: the supplier buys the silver back",
          crash.sell_silver_back),
    Scene("silver-surplus", CRASHES, date(2012, 1, 18), "2020: the surplus is given back",
          crash.give_surplus_back),
)  # fmt: skip
