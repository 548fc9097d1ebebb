# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of the playbook status: what it says of accounts."""

from __future__ import annotations

import html
from html.parser import HTMLParser
from typing import Any

import pytest
from support.overviews import HOSTILE, REASONS, TODAY, account_of, on_devices, order, read_of, rendered, text_of

from ansible_collections.netops.cloudflare_cni.plugins.filter.overview import overview

# What is wrong with an account.


@pytest.mark.parametrize(('devices', 'shared'), [
    (['edge01.ewr-a', 'edge01.ewr-a'], [('ewr-a', 'device', 'edge01.ewr-a')]),
    (['edge01.ewr-a', 'edge02.ewr-a'], [('ewr-a', 'facility', 'Equinix NY1')]),
    (['edge01.ewr-a', 'edge03.ewr-a'], []),
    (['edge01.ewr-a', 'edge01.ewr-a', 'edge03.ewr-a'], []),
    (['edge01.ewr-a', 'edge01.lhr-a'], []),  # one for each site
    (['edge01.ewr-a', 'edge01.ewr-a', 'edge01.lhr-a', 'edge02.lhr-a'],
     [('ewr-a', 'device', 'edge01.ewr-a'), ('lhr-a', 'facility', 'Equinix LD8')]),
])
def test_circuits_of_a_site_on_one_device_or_in_one_facility(devices, shared):
    read = read_of(on_devices(devices))
    found = overview(**read, today='2026-11-23')['shared']
    assert [(risk['site'], risk['kind'], risk['name']) for risk in found] == shared
    for port in read['interconnects']:
        port['ccr_device_name'] = None  # as the API may: then nothing is said of devices
    assert {risk['kind'] for risk in overview(**read, today='2026-11-23')['shared']} <= {'facility'}


def test_what_is_free_on_another_device_or_in_another_facility_is_shown():
    one_device, one_facility = (text_of(rendered(overview(**read_of(on_devices(devices)), today='2026-11-23')))
                                for devices in (['edge01.ewr-a'] * 2, ['edge01.ewr-a', 'edge02.ewr-a']))
    assert ('ewr-a: both circuits are on the device edge01.ewr-a. '
            'Free slots on other devices of this site: edge02.ewr-a (3 x 10G, 1 x 100G); ') in one_device
    assert 'are in the facility Equinix NY1. Free slots in other facilities of this site: Equinix NY5 (' in one_facility


def test_a_port_without_a_circuit_backs_nothing_up():
    store = on_devices(['edge01.ewr-a'])
    order(store, next(slot['id'] for slot in store.list_slots(occupied=False) if slot['ccr_device_name'] == 'edge01.ewr-a'))
    account = overview(**read_of(store), today='2026-11-23')
    assert (account['shared'], [circuit['spare'] for circuit in account['circuits']].count(True)) == ([], 1)
    assert 'Ports without a CNI: 1' in text_of(rendered(account))


@pytest.mark.parametrize(('created_on', 'shown'), [
    ('2026-11-23T00:00:00Z', '2026-11-23 today'),
    ('2026-11-22T23:59:59.123456Z', '2026-11-22 1 day ago'),
    ('2026-10-26T00:00:00+00:00', '2026-10-26 28 days ago ewr-a'),
    ('2026-10-25T00:00:00Z', '2026-10-25 29 days ago longer than 4 weeks'),
    (None, 'unknown'), ('', 'unknown'), (7, 'unknown'), ('long ago', 'unknown'),
])
def test_how_long_a_port_is_pending_is_shown_as_far_as_the_api_reports_it(created_on, shown):
    read = read_of(on_devices(['edge01.ewr-a']))
    read['tunnels'][0]['created_on'] = created_on
    text = text_of(rendered(overview(**read, today='2026-11-23')))
    assert 'Pending: 1 A direct port is Pending until its cross-connect is installed' in text
    assert f'{read["interconnects"][0]["name"]} {shown}' in text


def test_what_is_down_comes_first_and_says_why():
    account = overview(**account_of(16), today=TODAY.isoformat())
    assert list(account['states'].items()) == [('Down', 2), ('Unhealthy', 2), ('Pending', 4), ('Healthy', 8)]
    waiting = [circuit['days'] for circuit in account['circuits'] if circuit['state'] == 'Pending']
    assert waiting == sorted(waiting, reverse=True) != sorted(waiting)
    text = text_of(rendered(account))
    assert 'Down, Unhealthy or unknown: 4' in text
    assert text.count('Down no light') == text.count('Unhealthy health checks fail') == 2 * 2  # in the list, and at the site


def test_a_circuit_whose_port_or_status_is_not_there_is_in_no_known_state():
    read = read_of(on_devices(['edge01.ewr-a', 'edge02.ewr-a']))
    account = overview(**{**read, 'interconnects': read['interconnects'][1:], 'statuses': []}, today='2026-11-23')
    assert account['states'] == {'Unknown': 2}
    assert 'Unknown site' in text_of(rendered(account))


def test_the_settings_of_an_account_that_has_none():
    assert "Cloudflare ASN unknown" in text_of(rendered(overview(**account_of(0), today='2026-11-23'), settings={'x': 1}))


# Where routes lead.

def test_what_is_routed_where_and_what_is_wrong_with_it():
    store = on_devices(['edge01.ewr-a', 'edge03.ewr-a', 'edge01.lhr-a'], ['nyc-1', 'nyc-2', 'lon-1'])
    store.cnis[2].pop('bgp')
    ends = [cni['cust_ip'].split('/')[0] for cni in store.cnis]
    routes = [('10.20.0.0/16', ends[1], 200), ('10.20.0.0/16', ends[0], 100), ('10.3.0.0/16', ends[0], 100),
              ('10.4.0.0/16', '192.0.2.1', 5)]
    store.routes = [{'id': str(number), 'prefix': prefix, 'nexthop': end, 'priority': priority, 'weight': 7,
                     'scope': {'colo_names': ['den01'], 'colo_regions': []}} for number, (prefix, end, priority) in enumerate(routes)]
    account = overview(**read_of(store), today='2026-11-23')
    led = [(entry['prefix'], [(route['circuit'] or {}).get('name') for route in entry['routes']], entry['single'])
           for entry in account['prefixes']]
    assert led == [('10.3.0.0/16', ['nyc-1'], True), ('10.4.0.0/16', [None], True), ('10.20.0.0/16', ['nyc-1', 'nyc-2'], False)]
    assert ([route['prefix'] for route in account['astray']], [circuit['name'] for circuit in account['unrouted']]) == (
        ['10.4.0.0/16'], ['lon-1'])
    text = text_of(rendered(account))
    assert 'Single next hop: 2 prefixes' in text
    assert 'Routes without a circuit: 1' in text
    assert '10.4.0.0/16 192.0.2.1 no circuit priority 5, weight 7, den01' in text
    assert 'Without routes: 1 circuit' in text
    assert '10.20.0.0/16 nyc-1 Pending priority 100, weight 7, den01 nyc-2 Pending priority 200, weight 7, den01' in text


def test_nothing_is_shown_of_routes_where_there_are_none():
    store = on_devices(['edge01.ewr-a', 'edge03.ewr-a'])
    for cni in store.cnis:
        cni.pop('bgp')
    account = overview(**read_of(store), today='2026-11-23')
    assert (account['prefixes'], account['astray'], account['unrouted']) == ([], [], [])
    assert 'outed' not in text_of(rendered(account))


# Names are data.

class Markup(HTMLParser):
    """The tags of a page with the names of their attributes, in order."""

    def __init__(self, page: str):
        super().__init__()
        self.tags: list[tuple[str, list[str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, [name for name, _value in attrs]))


def test_no_value_of_the_api_is_markup():
    store = on_devices(['edge01.ewr-a', 'edge02.ewr-a', 'edge01.lhr-a'])
    for cni in store.cnis:
        cni['magic']['description'] = 'one of two'
        cni['bgp']['customer_asn'] = '64496'  # the API owes a number
    order(store, store.list_slots(occupied=False)[0]['id'])
    store.cnis[0]['cust_ip'] = '172.31.0.1'  # the same with what is added to it
    store.routes = [{'id': end, 'prefix': '10.0.0.0/8', 'nexthop': end, 'priority': 100, 'description': 'offices',
                     'scope': {'colo_names': ['den01']}} for end in ('172.31.0.1', '192.0.2.1')]
    read = read_of(store, dict(zip((port['name'] for port in store.interconnects), ('Down', 'Pending', 'Healthy', 'Healthy'), strict=True)))
    plain = rendered(overview(**read, today='2026-11-23'))
    hostile = rendered(overview(**turned(read), today='2026-11-23'), {'default_asn': HOSTILE}, HOSTILE)
    assert Markup(hostile).tags == Markup(plain).tags
    port, cni = store.interconnects[0], store.cnis[0]
    shown = [port['name'], port['site'], port['ccr_device_name'], port['facility']['name'], port['speed'], cni['cust_ip'], cni['p2p_ip'],
             '10.0.0.0/8', 'offices', '192.0.2.1', 'den01', *cni['magic'].values(), *cni['bgp'].values(), 'Down', REASONS['Down'], '']
    assert [value for value in shown if isinstance(value, str) and html.escape(value + HOSTILE) not in hostile.replace('&#34;', '&quot;')
            .replace('&#39;', '&#x27;')] == []


def turned(value: Any) -> Any:
    """The same with each text made hostile, but for the two states that the page knows as harmless."""
    if isinstance(value, dict):
        return {name: turned(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [turned(inner) for inner in value]
    return value + HOSTILE if isinstance(value, str) and value not in ('Pending', 'Healthy') else value
