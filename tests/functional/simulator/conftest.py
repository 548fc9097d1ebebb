# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
import requests

from process import WAIT, Simulator


@pytest.fixture(scope='session')
def process():
    """A simulator without a profile, whatever the other tests run on."""
    with Simulator('--profile', '') as simulator:
        yield simulator


class Api(requests.Session):
    """Requests to paths below the account, with a token that may write unless headers say otherwise."""

    def __init__(self, simulator: Simulator):
        super().__init__()
        self.trust_env = False
        self.account = simulator.account
        self.base = f'{simulator.url}/accounts/{simulator.account}'
        self.headers['Authorization'] = f'Bearer {simulator.token}'

    def request(self, method, url, **kwargs):
        kwargs.setdefault('timeout', WAIT)
        return super().request(method, self.base + url if url.startswith('/') else url, **kwargs)

    def free_slot(self, number=0, **query) -> dict:
        return self.get('/cni/slots', params={'occupied': 'false', **query}).json()['items'][number]

    def order(self, slot: dict | None = None, **fields) -> requests.Response:
        slot = slot or self.free_slot()
        return self.post('/cni/interconnects', json={'account': self.account, 'type': 'direct', 'slot_id': slot['id'], **fields})

    def order_gcp(self, key='7e51371e-72a3-40b5-b844-2e3efefaee59/us-east4/2', **fields) -> requests.Response:
        body = {'account': self.account, 'type': 'gcp_partner', 'pairing_key': key, 'bandwidth': '1G', **fields}
        return self.post('/cni/interconnects', json=body)

    def connect(self, interconnect: str, name='nyc-1', mtu=1500, **fields) -> requests.Response:
        magic = {'conduit_name': name, 'description': '', 'mtu': mtu}
        return self.post('/cni/cnis', json={'account': self.account, 'interconnect': interconnect, 'magic': magic, **fields})

    def route(self, prefix='10.10.0.0/16', nexthop='172.31.0.1', priority=100, **fields) -> requests.Response:
        return self.post('/magic/routes', json={'prefix': prefix, 'nexthop': nexthop, 'priority': priority, **fields})

    def filter_profile(self, name='on-premises', **fields) -> requests.Response:
        body = {'name': name, 'match_action': 'allow', 'targets': ['10.0.0.0/8+'], **fields}
        return self.post('/magic/bgp/filter_profiles', json=body)


@pytest.fixture
def api(simulator):
    with Api(simulator) as session:
        yield session


@pytest.fixture
def direct(api) -> dict:
    """A direct interconnect, as answered to its order."""
    return api.order().json()
