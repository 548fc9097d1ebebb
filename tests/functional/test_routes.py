# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Static routes against the simulator: by themselves, and as part of circuits."""

from __future__ import annotations

import pytest

SLOT = {'site': 'ewr-a', 'speed': '10G'}
OFFICES = {'prefix': '10.20.0.0/16', 'nexthop': '192.0.2.1'}


@pytest.fixture
def circuits(run_module):
    """Two circuits, nyc-1 and nyc-2: {name: the customer's end}."""
    made = run_module('rollout', circuits=[{'name': name, 'slot': SLOT} for name in ('nyc-1', 'nyc-2')])
    return {circuit['name']: circuit['objects']['cni']['cust_ip'] for circuit in made['circuits']}


def address(end: str) -> str:
    return end.partition('/')[0]


# The module.

def test_check_mode_predicts_what_a_route_then_becomes(run_module, writes, circuits):
    before = len(writes())
    for options in ({'priority': 150}, {'weight': 10}, {'description': 'offices'}, {'state': 'absent'}):
        options = {'prefix': '10.20.0.0/16', 'conduit_name': 'nyc-1', **options}
        predicted = run_module('static_route', check=True, **options)
        assert len(writes()) == before
        done = run_module('static_route', **options)
        assert (predicted['changed'], done['changed'], len(writes())) == (True, True, before + 1)
        again = run_module('static_route', **options)
        before = len(writes())
        assert (again['changed'], again['diff']) == (False, [])
    assert [method for method, _path in writes()[-4:]] == ['POST', 'PUT', 'PUT', 'DELETE']


def test_a_route_leads_to_the_customers_end_of_the_circuit(run_module, simulator, circuits):
    made = run_module('static_route', prefix='10.20.0.0/16', conduit_name='nyc-1')['route']
    (stored,) = simulator.state()['routes']
    assert made == stored
    assert (stored['nexthop'], stored['priority']) == (address(circuits['nyc-1']), 100)
    assert run_module('static_route', prefix='10.20.0.0/16', nexthop=circuits['nyc-1'])['changed'] is False
