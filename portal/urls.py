"""The portal's addresses."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from portal.web import (
    alerts,
    calls,
    chain_map,
    facility,
    home,
    instructions,
    inventory,
    lineage,
    loans,
    mortgage,
    orders,
    prices,
    receivables,
    search,
    session,
    timeline,
    wishes,
)

app_name = "portal"

urlpatterns = [
    path("sign-in/", session.SignIn.as_view(), name="sign_in"),
    path("sign-out/", LogoutView.as_view(), name="sign_out"),
    path("preferences/", session.preferences, name="preferences"),
    path("", home.home, name="home"),
    path("search/", search.search, name="search"),
    path("facilities/<int:facility_id>/", facility.facility, name="facility"),
    path("facilities/<int:facility_id>/coverage.json", facility.coverage, name="coverage"),
    path("facilities/<int:facility_id>/waterfall.json", facility.waterfall, name="waterfall"),
    path("facilities/<int:facility_id>/map/", chain_map.chain_map, name="map"),
    path("facilities/<int:facility_id>/map.json", chain_map.scene, name="map_scene"),
    path("facilities/<int:facility_id>/map/node/", chain_map.node, name="map_node"),
    path("facilities/<int:facility_id>/timeline/", timeline.timeline, name="timeline"),
    path("positions/<uuid:position_id>/", lineage.lineage, name="lineage"),
    path("prices/", prices.prices, name="prices"),
    path("prices/<slug:code>/", prices.price, name="price"),
    path("prices/<slug:code>/history.json", prices.history, name="price_history"),
    path("prices/<slug:code>/what-if/", prices.what_if, name="what_if"),
    path("orders/", orders.orders, name="orders"),
    path("orders/<int:order_id>/", orders.order, name="order"),
    path("materials/", inventory.materials, name="materials"),
    path("materials/mortgage/", mortgage.mortgage, name="mortgage"),
    path("inventory/", inventory.inventory, name="inventory"),
    path("lots/<int:lot_id>/", inventory.lot, name="lot"),
    path("receivables/", receivables.receivables, name="receivables"),
    path("receivables/<int:receivable_id>/", receivables.receivable, name="receivable"),
    path("loans/", loans.loans, name="loans"),
    path("loans/<int:loan_id>/", loans.loan, name="loan"),
    path("instructions/", instructions.instructions, name="instructions"),
    path("instructions/new/", wishes.instruction_new, name="instruction_new"),
    path("instructions/preview/", wishes.instruction_preview, name="instruction_preview"),
    path("instructions/statistics/", instructions.statistics, name="instruction_statistics"),
    path("instructions/<int:instruction_id>/", instructions.instruction, name="instruction"),
    path("alerts/", alerts.alerts, name="alerts"),
    path("margin-calls/", calls.calls, name="calls"),
    path("margin-calls/<int:call_id>/", calls.call, name="call"),
]
