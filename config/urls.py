"""Addresses: the portal at the root, the lender's console under admin."""

from django.contrib import admin
from django.urls import path

urlpatterns = [path("admin/", admin.site.urls)]
