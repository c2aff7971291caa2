"""Production in two steps, with scrap: work in process stays under the mortgage."""

from decimal import Decimal

import pytest

from logistics.models import Item, Lot, ProductionRun
from logistics.refusals import NotInThisRun, ProductionDoesNotTie, RunKnown, UnknownMaterial
from logistics.services.catalogue import Scrap, define_bill
from logistics.services.production import ScrapBack
from pledges.models import Position
from pledges.services.conversion import Take
from pledges.services.cover import WouldUncover
from pledges.services.production import Produced, finish_production, start_production
from pledges.states import Right
from portal.proofs import prove_all
from tests.factories.lending import make_drawn_loan
from tests.factories.logistics import unique
from tests.factories.mortgages import Yard, make_yard
from tests.factories.parties import NOW, SYSTEM
from tests.factories.pledges import Vault, make_mixed, make_pure
from tests.unit.pledges.conftest import refusal

pytestmark = pytest.mark.django_db
D = Decimal
PER_PIECE = D(2)


@pytest.fixture
def yard(vault: Vault) -> Yard:
    return make_yard(vault)


@pytest.fixture
def scrap_item() -> Item:
    """Alpha that lends a fifth of what alpha lends."""
    return make_pure("alpha", rate_factor=D("0.2"))


@pytest.fixture
def product(yard: Yard, scrap_item: Item) -> Item:
    """A piece of two kilograms; a tenth of the material may come back, two in a hundred be lost."""
    piece = make_mixed({"alpha": PER_PIECE})
    bill(piece, yard, {yard.vault.goods.alpha.code: Scrap(scrap_item.code, D("0.1"))})
    yard.select(piece)
    yard.select(scrap_item)
    return piece


def bill(product: Item, yard: Yard, scrap: dict[str, Scrap]) -> None:
    define_bill(
        product=product,
        lines={yard.vault.goods.alpha.code: (PER_PIECE, "KGM")},
        loss_tolerance=D("0.02"),
        scrap=scrap,
        actor=SYSTEM,
        now=NOW,
    )


def live(yard: Yard, **found: object) -> list[Position]:
    return list(Position.objects.live().filter(facility_id=yard.facility_id, **found))


def start(
    yard: Yard, product: Item, quantity: int, *, planned: int, run: str = "R-1"
) -> list[Position]:
    stock = live(yard, lot__work_in_process=None)[0]
    with yard.vault.act(cause="transform") as act:
        return start_production(
            act=act,
            materials=[Take(stock.pk, D(quantity))],
            site=yard.vault.factory,
            product=product,
            number=run,
            planned=D(planned),
            source=yard.vault.factory.operator,
            reference=unique("ST"),
            occurred_at=NOW,
        )


def finish(
    yard: Yard, work: Position, taken: int | Decimal, made: int, scrap: int | Decimal = 0
) -> Position:
    back = [ScrapBack(material=yard.vault.goods.alpha, quantity=D(scrap))] if scrap else []
    with yard.vault.act(cause="transform") as act:
        return finish_production(
            act=act,
            run=ProductionRun.objects.get(number="R-1"),
            work=[Take(work.pk, D(taken))],
            report=Produced(
                lot_number=unique("P"),
                quantity=D(made),
                scrap=back,
                source=yard.vault.factory.operator,
                reference=unique("FIN"),
                occurred_at=NOW,
            ),
        )


def proven() -> bool:
    return all(proof.holds for proof in prove_all())


def test_work_in_process_stays_mortgaged_for_less(yard: Yard, product: Item) -> None:
    lot = yard.receive(1_000)
    assert yard.vault.cover().lending_value == 250_000

    [work] = start(yard, product, 400, planned=200)

    assert work.right == Right.FLOATING_MORTGAGE
    assert work.lot is not None
    assert (work.lot.number, work.lot.quality_deduction) == (f"R-1/{lot.number}", D("0.2"))
    assert work.parent is not None
    assert work.parent.lot_id == lot.pk
    assert yard.vault.cover().lending_value == 230_000  # 600 whole, 400 at four fifths
    assert proven()


def test_a_run_is_finished_in_parts_with_scrap_and_every_kilogram_is_told(
    yard: Yard, product: Item, scrap_item: Item
) -> None:
    yard.receive(1_000)
    [work] = start(yard, product, 440, planned=200)

    first = finish(yard, work, 220, 100, scrap=18)
    work.refresh_from_db()
    finish(yard, work, 220, 100, scrap=20)

    assert first.quantity == 100
    scrap = live(yard, lot__item=scrap_item)
    assert sorted(one.remaining for one in scrap) == [18, 20]
    on_hand = dict(Lot.objects.filter(site=yard.vault.factory).values_list("item__code", "on_hand"))
    assert sum(on_hand.values()) > 0
    assert sum(one.remaining for one in live(yard, lot__item=yard.vault.goods.alpha)) == 560
    assert sum(one.remaining for one in live(yard, lot__item=product)) == 200
    assert proven()


@pytest.mark.parametrize(
    ("taken", "scrap", "words"),
    [
        (
            230, 20,
            ("bill 200.000 kg, allowed up to 204.082 kg, consumed 230.000 kg, scrap 20.000 kg, "
            "over by 5.918 kg"),
        ),
        (215, 20, "bill 200.000 kg, consumed 215.000 kg, scrap 20.000 kg, short 5.000 kg"),
        (222, 23, "scrap 23.000 kg, expected at most 22.200 kg, over by 0.800 kg"),
        (
            210, 0,
            "bill 200.000 kg, allowed up to 204.082 kg, consumed 210.000 kg, over by 5.918 kg",
        ),
    ],
)  # fmt: skip
def test_what_does_not_tie_is_refused_by_material_and_numbers(
    yard: Yard, product: Item, taken: int, scrap: int, words: str
) -> None:
    yard.receive(1_000)
    [work] = start(yard, product, 440, planned=200)
    with refusal(ProductionDoesNotTie) as caught:
        finish(yard, work, taken, 100, scrap=scrap)
    assert str(caught[0]) == f"{yard.vault.goods.alpha.code}: {words}"


def test_no_more_goes_into_process_than_the_plan_takes(yard: Yard, product: Item) -> None:
    yard.receive(1_000)
    with refusal(ProductionDoesNotTie):
        start(yard, product, 500, planned=200)


def test_a_run_uses_its_own_materials_and_has_its_own_number(yard: Yard, product: Item) -> None:
    yard.receive(1_000)
    start(yard, product, 100, planned=50)
    [other] = start(yard, product, 100, planned=50, run="R-2")
    with refusal(NotInThisRun):
        finish(yard, other, 100, 50)
    with refusal(RunKnown):
        start(yard, product, 100, planned=50)


def test_a_start_that_would_uncover_is_refused(yard: Yard, product: Item) -> None:
    yard.receive(1_000)
    make_drawn_loan(yard.vault.desk, principal=D(245_000))
    with refusal(WouldUncover) as caught:
        start(yard, product, 200, planned=100)
    assert caught[0].numbers["short"] == 5_000


def test_scrap_may_stay_with_the_maker(yard: Yard, scrap_item: Item) -> None:
    piece = make_mixed({"alpha": PER_PIECE})
    alpha = yard.vault.goods.alpha
    bill(piece, yard, {alpha.code: Scrap(scrap_item.code, D("0.1"), to_maker=True)})
    yard.select(piece)
    yard.select(scrap_item)
    yard.receive(1_000)
    [work] = start(yard, piece, 220, planned=100)

    finish(yard, work, 220, 100, scrap=20)

    assert live(yard, lot__item=scrap_item) == []
    lot = Lot.objects.get(item=scrap_item)
    assert (lot.owner, lot.on_hand, lot.claimed) == (yard.vault.factory.operator, 20, 0)
    assert proven()


def test_scrap_is_of_a_material_of_the_bill_in_its_unit(yard: Yard) -> None:
    piece, pieces = make_mixed({"alpha": PER_PIECE}), make_mixed({"alpha": D(1)})
    with refusal(UnknownMaterial):
        bill(piece, yard, {yard.vault.goods.alpha.code: Scrap(pieces.code, D("0.1"))})
