# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which circuits an event concerns, what stands in for them, and what an interconnect lacks before it can carry traffic."""

from __future__ import annotations

import pytest

from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._impact import impact_of, missing_for_traffic

# name: interconnect, site, device, facility
CIRCUITS = {
    'nyc-1': ('ewr-a-icon-1', 'ewr-a', 'edge01.ewr-a', 'Equinix NY1'),
    'nyc-2': ('ewr-a-icon-2', 'ewr-a', 'edge02.ewr-a', 'Digital Realty'),
    'nyc-3': ('ewr-a-icon-3', 'ewr-a', 'edge01.ewr-a', 'Equinix NY1'),
    'lon-1': ('lhr-a-icon-1', 'lhr-a', 'edge01.lhr-a', 'Telehouse North 2'),
    'nyc-10': ('ewr-b-icon-1', 'ewr-b', None, 'Equinix NY1'),
}
PORTS = [{'name': port, 'site': site, 'ccr_device_name': device, 'facility': {'name': facility}}
         for port, site, device, facility in CIRCUITS.values()]
CNIS = [{'interconnect': port, 'magic': {'conduit_name': name}, 'cust_ip': '172.31.0.1/31', 'bgp': None}
        for name, (port, *_place) in CIRCUITS.items()]


def statuses(**states: str) -> list[dict]:
    """All Healthy but those named, with _ for -."""
    return [{'interconnect': port, 'state': states.get(name.replace('-', '_'), 'Healthy'), 'reason': None}
            for name, (port, *_place) in CIRCUITS.items()]


def event(text: str = '', circuits: tuple[str, ...] = (), **data: object) -> dict:
    return {'text': text, 'alert': {'text': text, 'data': data}, 'circuits': list(circuits), 'interconnects': []}


EVERY = sorted(CIRCUITS)
CONCERNED = {  # event: by what it names them, and whom
    'a circuit': (event('Tunnel nyc-1 is down'), 'name', ['nyc-1']),
    'a circuit in the data': (event('x', tunnel={'': ['y', 'nyc-10']}), 'name', ['nyc-10']),
    'no circuit whose name is longer or shorter': (event('Tunnel x-nyc-1, nyc-1-b, nyc-1.example and nyc-11.'), None, EVERY),
    'at the end of a sentence': (event('Down: nyc-1.'), 'name', ['nyc-1']),
    'two circuits': (event('nyc-1/nyc-2'), 'name', ['nyc-1', 'nyc-2']),
    'a circuit, and its site too': (event('nyc-1 at ewr-a'), 'name', ['nyc-1']),
    'an interconnect': (event('port ewr-a-icon-2'), 'interconnect', ['nyc-2']),
    'a device': (event('work on edge01.ewr-a'), 'device', ['nyc-1', 'nyc-3']),
    'a site': (event('work at ewr-a'), 'site', ['nyc-1', 'nyc-2', 'nyc-3']),
    'an airport': (event('', airport_code='EWR'), 'airport', ['nyc-1', 'nyc-10', 'nyc-2', 'nyc-3']),
    'one of the data centres at an airport': (event('work in EWR04'), 'airport', ['nyc-1', 'nyc-10', 'nyc-2', 'nyc-3']),
    'no airport but a word': (event('the ewr of things, and EWRX'), None, EVERY),
    'a facility': (event('Equinix NY1, cage 7'), 'facility', ['nyc-1', 'nyc-10', 'nyc-3']),
    'nothing': (event('Cloudflare will do maintenance.'), None, EVERY),
    'what the source knows': ({'text': '', 'alert': None, 'circuits': ['nyc-2'], 'interconnects': ['ewr-a-icon-2']}, 'name', ['nyc-2']),
}


@pytest.mark.parametrize('name', CONCERNED)
def test_an_event_concerns_what_it_names(name):
    happened, level, names = CONCERNED[name]
    impact = impact_of(happened, PORTS, CNIS)
    assert (impact['named_by'], sorted(circuit['name'] for circuit in impact['circuits'])) == (level, names)


STAND_INS = {  # event, states: the partners of each circuit, and those without one
    'another device': (event('nyc-1'), statuses(), {'nyc-1': ['nyc-2']}, []),
    'of two on one device neither stands in for the other': (event('nyc-3'), statuses(nyc_2='Down'), {'nyc-3': []}, ['nyc-3']),
    'only what is Healthy': (event('nyc-1'), statuses(nyc_2='Unhealthy'), {'nyc-1': []}, ['nyc-1']),
    'no status': (event('nyc-1'), [], {'nyc-1': []}, ['nyc-1']),
    'several': (event('nyc-2'), statuses(), {'nyc-2': ['nyc-1', 'nyc-3']}, []),
    'a device whose circuits cannot stand in': (event('edge01.ewr-a'), statuses(), {'nyc-1': ['nyc-2'], 'nyc-3': ['nyc-2']}, []),
    'both of a pair': (event('nyc-1 nyc-2'), statuses(nyc_3='Down'), {'nyc-1': [], 'nyc-2': []}, ['nyc-1', 'nyc-2']),
    'a site, one device after the other': (
        event('ewr-a'), statuses(), {'nyc-1': ['nyc-2'], 'nyc-2': ['nyc-1', 'nyc-3'], 'nyc-3': ['nyc-2']}, []),
    'nothing else at the site': (event('lon-1'), statuses(), {'lon-1': []}, ['lon-1']),
    'a device that Cloudflare does not name': (event('nyc-10'), statuses(), {'nyc-10': []}, ['nyc-10']),
}


@pytest.mark.parametrize('name', STAND_INS)
def test_what_stands_in_is_healthy_on_another_device_of_the_site(name):
    happened, states, partners, unprotected = STAND_INS[name]
    impact = impact_of(happened, PORTS, CNIS, states)
    assert {circuit['name']: circuit['partners'] for circuit in impact['circuits']} == partners
    assert impact['unprotected'] == unprotected


def test_the_status_is_needed_of_whatever_could_stand_in():
    assert impact_of(event('nyc-1'), PORTS, CNIS)['interconnects'] == ['ewr-a-icon-1', 'ewr-a-icon-2', 'ewr-a-icon-3']


def test_a_cni_without_its_interconnect_and_an_empty_account():
    assert impact_of(event('nyc-1'), [], CNIS)['unprotected'] == ['nyc-1']
    assert impact_of(event('nyc-1'), [], []) == {'named_by': None, 'circuits': [], 'interconnects': [], 'unprotected': []}


# The acceptance gate.

PORT = 'ewr-a-icon-1'
PROBED = [{'name': PORT, 'health_check': {'enabled': True}}]
ROUTED = [{'prefix': '10.0.0.0/8', 'nexthop': '172.31.0.1'}]
GATES = {  # CNIs, states, tunnels, routes: what is lacking
    'ready, routed': (CNIS, statuses(), PROBED, ROUTED, []),
    'ready, BGP': ([{**CNIS[0], 'bgp': {'customer_asn': 64496}}], statuses(), PROBED, [], []),
    'dark': (CNIS, statuses(nyc_1='Down'), PROBED, ROUTED, [f'{PORT} is Down']),
    'without a status': (CNIS, [], PROBED, ROUTED, [f'{PORT} is without a status']),
    'not probed': (CNIS, statuses(), [{'health_check': {'enabled': False}}], ROUTED, [f'no health check probes {PORT}']),
    'not routed': (CNIS, statuses(), PROBED, [{'nexthop': '172.31.0.10'}], ['neither BGP nor a static route brings traffic to nyc-1']),
    'nothing': ([], [], [], [], [f'{PORT} is without a status', f'no CNI is on {PORT}', f'no health check probes {PORT}']),
}


@pytest.mark.parametrize('name', GATES)
def test_what_an_interconnect_lacks(name):
    *account, lacking = GATES[name]
    assert missing_for_traffic(PORT, *account) == lacking
