"""The pages of instructions on the story: who may do what, refusals at their fields, the clock."""

import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from common.clock import SetClock, using_clock
from logistics.models import Lot
from pledges.instruction_states import InstructionState
from pledges.models import Instruction, Position
from portal.instruction_words import duration, time_left

S = InstructionState
EVENING = datetime(2012, 1, 31, 18, 0, tzinfo=UTC)
DONE_ORDER = "the loans are repaid"
PAPER = "5" * 64


@pytest.fixture(autouse=True)
def evening(story):
    """The page's clock stands where the story ends."""
    with using_clock(SetClock(EVENING)):
        yield


@pytest.fixture
def offered():
    return Instruction.objects.get(state=S.REQUESTED)


def read(client, address):
    answer = client.get(address)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def page_of(one):
    return f"/instructions/{one.pk}/"


def send(client, one, act, **fields):
    data = {f"{act}-{name}": value for name, value in {"key": f"k-{act}", **fields}.items()}
    return client.post(page_of(one), data)


def test_the_release_of_the_story_shows_its_stamps(sign_in):
    done = Instruction.objects.get(reason=DONE_ORDER)
    text = read(sign_in("lin"), page_of(done))
    for words in (
        "4,000 pcs Aurora One phone",
        "Mei Tang, Aurora Mobile",
        "Zhou Ming, Harbour Supply Bank",
        "Hao Wei, Yantian Bonded Logistics",
        "after 35 min",
        "after 1 h 25 min",
        "2 h 15 min",
        "promise kept",
        "GDN-0118",
    ):
        assert words in text, words
    assert "<form class=" not in text.split('id="content"')[1]


def test_the_menu_counts_what_waits_for_the_reader(sign_in, offered):
    entry = re.compile(
        r'href="/instructions/"[^>]*>(?:(?!</a>).)*nav-count" title="1 open">1', re.S
    )
    assert entry.search(read(sign_in("zhou"), "/instructions/"))
    for other in ("lin", "mei", "hao"):
        assert not entry.search(read(sign_in(other), "/instructions/")), other


def test_the_queue_shows_the_clock_the_amount_and_the_cover(sign_in, offered):
    text = read(sign_in("zhou"), "/instructions/")
    assert "The lender decides: 30 min left" in text
    assert "3 h 30 min left" in text
    assert "1,000 pcs Aurora One phone, A1-2011-05" in text
    assert re.search(r"cover [\d.]+ → [\d.]+", text)
    assert "Nothing waits for you." in read(sign_in("mei"), "/instructions/")


def test_each_reader_gets_the_acts_that_are_his(sign_in, offered):
    found = {}
    for reader in ("zhou", "lin", "mei", "audit"):
        found[reader] = re.findall(r'id="act-(\w+)"', read(sign_in(reader), page_of(offered)))
    assert found == {
        "zhou": ["approve", "refuse", "withdraw"],
        "lin": ["withdraw"],
        "mei": ["withdraw"],
        "audit": [],
    }
    assert sign_in("hao").get(page_of(offered)).status_code == 404  # not sent yet


def test_three_people_walk_an_order_through(sign_in, offered):
    answer = send(sign_in("zhou"), offered, "approve", reason="")
    assert (answer.status_code, answer.url) == (303, page_of(offered))
    hao = sign_in("hao")
    assert '<span class="nav-count" title="1 open">1' in read(hao, "/instructions/")
    assert "Cover if done now" not in read(hao, page_of(offered))
    for act in ("acknowledge", "execute"):
        assert send(hao, offered, act).status_code == 303
    wrong = send(hao, offered, "evidence", reference="WR-1", sha256="55", photos="")
    assert wrong.status_code == 422
    assert "A SHA-256 has 64 hexadecimal digits" in wrong.content.decode()
    assert (
        send(
            hao, offered, "evidence", reference="WR-1", sha256=PAPER, photos=f"{'6' * 64}\n"
        ).status_code
        == 303
    )
    offered = Instruction.objects.get(pk=offered.pk)
    assert offered.state == S.EVIDENCED
    assert offered.conversion.evidence["reference"] == offered.number


def test_a_refusal_needs_its_reason(sign_in, offered):
    zhou = sign_in("zhou")
    answer = send(zhou, offered, "refuse", reason="")
    assert answer.status_code == 422
    assert Instruction.objects.get(pk=offered.pk).state == S.REQUESTED
    assert send(zhou, offered, "refuse", reason="no room").status_code == 303
    assert "no room" in read(sign_in("mei"), page_of(offered))


def test_a_second_click_and_a_foreign_hand_change_nothing(sign_in, offered):
    zhou = sign_in("zhou")
    assert send(zhou, offered, "approve", reason="").status_code == 303
    assert send(zhou, offered, "approve", reason="").status_code == 303  # the same key
    answer = zhou.post(page_of(offered), {"execute-key": "k"})
    assert answer.status_code == 422
    assert "There is no such instruction." in answer.content.decode()
    assert Instruction.objects.get(pk=offered.pk).state == S.INSTRUCTED


def test_asking_for_a_release_previews_and_waits(sign_in):
    mei = sign_in("mei")
    position = Position.objects.live().filter(right="pledge").first()
    form = {"give": str(position.pk), "give_quantity": "100", "bring": "", "reason": "sold"}
    before = Position.objects.get(pk=position.pk).remaining
    fragment = read(mei, f"/instructions/preview/?give={position.pk}&give_quantity=100")
    assert "Cover" in fragment
    assert "→" in fragment
    assert "Nothing is asked for yet." in read(mei, "/instructions/preview/")
    answer = mei.post("/instructions/new/", form | {"key": "n1"})
    made = Instruction.objects.order_by("pk").last()
    assert (answer.status_code, answer.url) == (303, page_of(made))
    assert (made.kind, made.state) == ("release", S.REQUESTED)
    assert Position.objects.get(pk=position.pk).remaining == before
    again = mei.post("/instructions/new/", form | {"key": "n2", "give_quantity": str(before)})
    assert again.status_code == 422
    assert "promised to another instruction" in again.content.decode()


def test_the_lot_leads_to_its_goods(sign_in):
    lot = Lot.objects.get(number="A1-2011-05")
    mei = sign_in("mei")
    address = f"/instructions/new/?lot={lot.pk}"
    assert address in read(mei, f"/lots/{lot.pk}/")
    assert "selected" in read(mei, address)
    assert "Ask for goods" not in read(sign_in("hao"), f"/lots/{lot.pk}/")


def test_the_figures_stand_in_chart_and_table(sign_in):
    zhou = sign_in("zhou")
    text = read(zhou, "/instructions/statistics/")
    assert "100.0 %" in text
    assert "1 of 1 in 90 days" in text
    chart = zhou.get("/instructions/statistics/?chart=waits").json()
    assert chart["series"][0]["values"] == [35.0, 15.0, 85.0, 25.0, 135.0]
    assert chart["series"][1]["values"] == [0.0] * 5


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (4_500, "1 h 15 min"), (100_000, "1 d 3 h")],
)
def test_durations_in_words(seconds, words):
    assert duration(Decimal(seconds)) == words


def test_clocks_in_words():
    assert time_left(datetime(2012, 1, 31, 18, 20, tzinfo=UTC), EVENING) == "20 min left"
    assert time_left(datetime(2012, 1, 31, 16, 0, tzinfo=UTC), EVENING) == "2 h 0 min late"
    assert time_left(None, EVENING) == "–"
