# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab for each test."""

from __future__ import annotations

import pytest
from peering.lab import Lab


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """What the routers said is shown with a test that fails."""
    try:
        return (yield)
    except BaseException:
        if 'lab' in item.funcargs:
            item.funcargs['lab'].report()
        raise
