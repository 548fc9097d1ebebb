# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A NetBox and a simulated account for all tests, both empty for each of them but for what the playbook netbox_fields made."""

from __future__ import annotations

import pytest
from netbox.desk import Desk
from netbox.server import NetBox
from simulator.process import Simulator


@pytest.fixture(scope='session')
def process():
    with Simulator() as simulator:
        yield simulator


@pytest.fixture(scope='session')
def netbox():
    with NetBox() as netbox:
        yield netbox


@pytest.fixture
def empty(netbox, process, tmp_path):
    process.reset(activate_after=0)
    desk = Desk(netbox, process, tmp_path)
    desk.clear()
    return desk


@pytest.fixture
def desk(empty):
    empty.prepare()
    return empty
