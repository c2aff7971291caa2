from datetime import date

from lending import hooks
from tests.factories.parties import NOW, SYSTEM


def test_a_callback_hears_each_change_once_however_often_it_registers():
    heard = []

    @hooks.on_exposure_changed
    def listen(**act):
        heard.append(act)

    hooks.on_exposure_changed(listen)
    act = {"cause": "draw", "on": date(2016, 3, 1), "actor": SYSTEM, "now": NOW}
    hooks.exposure_changed(facility_ids=[7], **act)
    hooks.exposure_changed(facility_ids=[], **act)
    assert heard == [{"facility_ids": [7], **act}]
    hooks.forget(listen)
    hooks.exposure_changed(facility_ids=[7], **act)
    assert len(heard) == 1
