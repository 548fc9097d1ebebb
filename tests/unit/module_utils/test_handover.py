# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What data centre, router engineer and programs read of a circuit."""

from __future__ import annotations

import json
import sys

import pytest

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._handover import (
    CircuitFacts,
    cni_of,
    file_name,
    handover_of,
    json_text,
    sheet_renderer,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import merge
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import UNKNOWN, Placeholder
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._texts import markdown_cell

DIRECT = {
    'name': 'ewr-a-icon-7f84', 'type': 'direct', 'speed': '10G', 'site': 'ewr-a', 'ccr_device_name': 'edge01.ewr-a', 'slot_id': 'a2f00d8e',
    'facility': {'name': 'Equinix NY1', 'address': ['165 Halsey Street', 'Newark']},
}
PARTNER = {'name': 'gcp-icon-1', 'type': 'gcp_partner', 'speed': '1G', 'region': 'us-east4'}
CNI = {
    'cust_ip': '172.31.0.1/31', 'p2p_ip': '172.31.0.0/31', 'bgp_mode': 'dynamic_route_exchange',
    'magic': {'description': 'New York, first of two', 'mtu': 1500},
    'bgp': {'customer_asn': 64496, 'extra_prefixes': ['203.0.113.0/24'], 'md5_key': 'planted'},
}
TUNNEL = {'health_check': {'enabled': True, 'rate': 'mid', 'type': 'request', 'direction': 'bidirectional',
                           'target': {'saved': '', 'effective': '172.31.0.1'}}}
LOA = {'interconnect': 'ewr-a-icon-7f84', 'name': None, 'sha256': 'ab', 'fetched': '2026-11-25T03:00:00Z'}

DIRECT_SHEET = """\
# Circuit nyc-1

New York, first of two

## For the data centre: the cross-connect

| | |
|---|---|
| Facility | Equinix NY1 |
| Address | 165 Halsey Street, Newark |
| Site | ewr-a |
| Cloudflare device | edge01.ewr-a |
| Cloudflare slot | a2f00d8e |
| Interconnect | ewr-a-icon-7f84 |
| Letter of Authorization | nyc-1-loa.pdf |
| Port speed | 10G |
| Optic | 10GBASE-LR |
| Fibre | single-mode, one pair, up to 10 km |

Order the cross-connect from your patch panel to this Cloudflare port and attach the LOA: without it the facility may not patch
into Cloudflare's equipment. The port stays Pending until the cross-connect is installed and Cloudflare receives light.

## For the router: addresses and BGP

| | Your router | Cloudflare |
|---|---|---|
| Address | 172.31.0.1/31 | 172.31.0.0/31 |
| AS number | 64496 | 13335 |

| | |
|---|---|
| Prefix length | 31 |
| MTU | 1500 bytes |
| BGP | eBGP for IPv4 between the two addresses |
| BGP mode | dynamic_route_exchange |
| MD5 key | set, not shown here |
| Hold time | 240 s |
| Keepalive | 80 s |
| Cloudflare announces | the account's routing table, 203.0.113.0/24 |
| Health check | 172.31.0.1, rate mid, ICMP request, bidirectional |
"""

PARTNER_SHEET = """\
# Circuit gcp-1

## For Google Cloud: the VLAN attachment

| | |
|---|---|
| Region | us-east4 |
| Bandwidth | 1G |
| Interconnect | gcp-icon-1 |
| VLAN attachment | the one with the pairing key of this circuit; activate it in Google Cloud |

## For the router: addresses and routes

| | Your router | Cloudflare |
|---|---|---|
| Address | 10.0.0.1/30 | 10.0.0.2/30 |

| | |
|---|---|
| Prefix length | 30 |
| MTU | 1476 bytes |
| BGP | exchanges no routes: the Cloud Router needs custom learned routes |
| Health check | off |
"""

DIRECT_JSON = """\
{
  "format": 1,
  "name": "nyc-1",
  "description": "New York, first of two",
  "interconnect": {
    "name": "ewr-a-icon-7f84",
    "type": "direct",
    "speed": "10G",
    "site": "ewr-a",
    "facility": {
      "name": "Equinix NY1",
      "address": [
        "165 Halsey Street",
        "Newark"
      ]
    },
    "device": "edge01.ewr-a",
    "slot_id": "a2f00d8e",
    "optic": "10GBASE-LR",
    "loa": "nyc-1-loa.pdf"
  },
  "link": {
    "customer_address": "172.31.0.1",
    "cloudflare_address": "172.31.0.0",
    "prefix_length": 31,
    "mtu": 1500
  },
  "bgp": {
    "customer_asn": 64496,
    "cloudflare_asn": 13335,
    "mode": "dynamic_route_exchange",
    "md5_key": "set",
    "extra_prefixes": [
      "203.0.113.0/24"
    ],
    "hold_time": 240,
    "keepalive": 80
  },
  "health_check": {
    "enabled": true,
    "rate": "mid",
    "type": "request",
    "direction": "bidirectional",
    "target": "172.31.0.1"
  },
  "loa": {
    "interconnect": "ewr-a-icon-7f84",
    "name": null,
    "sha256": "ab",
    "fetched": "2026-11-25T03:00:00Z"
  }
}
"""


def partner(**cni):
    bare = {'cust_ip': '10.0.0.1/30', 'p2p_ip': '10.0.0.2/30', 'magic': {'description': '', 'mtu': 1476}, **cni}
    return CircuitFacts('gcp-1', PARTNER, bare, {'health_check': {'enabled': False}})


def sheet(facts):
    return sheet_renderer(None)(handover_of(facts, None))


def test_a_port_as_data_centre_and_router_engineer_read_it():
    assert sheet(CircuitFacts('nyc-1', DIRECT, CNI, TUNNEL, {'default_asn': 13335})) == DIRECT_SHEET


def test_a_port_as_programs_read_it():
    assert json_text(handover_of(CircuitFacts('nyc-1', DIRECT, CNI, TUNNEL, {'default_asn': 13335}), LOA)) == DIRECT_JSON


@pytest.mark.parametrize(('bgp', 'asn', 'session'), [
    (CNI['bgp'], 64500, {'customer_asn': 64496, 'extra_prefixes': ['203.0.113.0/24'], 'md5_key': True}), (None, 13335, None),
], ids=['BGP', 'no BGP'])
def test_a_hand_over_has_what_the_router_needs_of_the_cni(bgp, asn, session):
    handover = handover_of(CircuitFacts('nyc-1', DIRECT, {**CNI, 'bgp': bgp}, settings={'default_asn': 64500}), LOA)
    magic = {'conduit_name': 'nyc-1', **CNI['magic']}
    assert cni_of(handover) == ({'cust_ip': '172.31.0.1/31', 'p2p_ip': '172.31.0.0/31', 'magic': magic, 'bgp': session}, asn)


def test_a_port_without_bgp_needs_static_routes():
    shown = sheet(CircuitFacts('nyc-1', DIRECT, {**CNI, 'bgp': None}))
    assert '## For the router: addresses and routes\n' in shown
    assert '\n| BGP | none: the router needs static routes with the next hop 172.31.0.0 |\n' in shown


def test_a_partner_without_bgp():
    assert sheet(partner()) == PARTNER_SHEET
    assert handover_of(partner(), None) == {
        'format': 1, 'name': 'gcp-1', 'description': '', 'interconnect': {'name': 'gcp-icon-1', 'type': 'gcp_partner', 'speed': '1G',
                                                                          'region': 'us-east4'},
        'link': {'customer_address': '10.0.0.1', 'cloudflare_address': '10.0.0.2', 'prefix_length': 30, 'mtu': 1476},
        'bgp': None, 'health_check': {'enabled': False, 'rate': None, 'type': None, 'direction': None, 'target': None},
    }


@pytest.mark.parametrize(('bgp', 'shown'), [
    ({'customer_asn': 16550},
     ['| AS number | 16550 | 64500 |', '| MD5 key | not set |', "| Cloudflare announces | the account's routing table |"]),
    ({'customer_asn': 1, 'md5_key': '', 'extra_prefixes': None}, ['| MD5 key | not set |']),
    ({'customer_asn': 1, 'md5_key': 'planted'}, ['| MD5 key | set, not shown here |']),
])
def test_bgp_as_far_as_it_is_known(bgp, shown):
    text = sheet(partner(bgp=bgp)._replace(settings={'default_asn': 64500}))
    assert [line for line in shown if line not in text.splitlines()] == []
    assert 'planted' not in text


@pytest.mark.parametrize(('target', 'shown'), [
    ({'saved': '9.9.9.9', 'effective': '8.8.8.8'}, '8.8.8.8'), ({'saved': '9.9.9.9'}, '9.9.9.9'), ({}, None),
])
def test_what_is_probed(target, shown):
    facts = CircuitFacts('x', DIRECT, CNI, merge(TUNNEL, {'health_check.target': target}))
    assert handover_of(facts, None)['health_check']['target'] == shown


def test_the_source_of_a_health_check_is_shown_where_it_has_one():
    facts = CircuitFacts('x', DIRECT, CNI, merge(TUNNEL, {'health_check.source': '10.0.0.1'}))
    assert handover_of(facts, None)['health_check']['source'] == '10.0.0.1'
    assert ', bidirectional, from 10.0.0.1 |' in sheet(facts)


def test_a_health_check_that_is_only_predicted_is_not_off_and_shows_what_is_known():
    assert '| Health check | rate high |\n' in sheet(CircuitFacts('x', DIRECT, CNI, {'health_check': {'rate': 'high'}}))


@pytest.mark.parametrize(('routes', 'entries', 'lines'), [
    (None, None, []),
    ([], [], ['None.']),
    ([{'id': 'r1', 'prefix': '10.0.0.0/8', 'nexthop': '172.31.0.1', 'priority': 0, 'description': '', 'scope': {}},
      {'id': 'r2', 'prefix': '10.20.0.0/16', 'priority': 100, 'weight': 9, 'scope': {'colo_names': ['a', 'b|'], 'colo_regions': []},
       'description': '# *x*'}],
     [{'prefix': '10.0.0.0/8', 'priority': 0}, {'prefix': '10.20.0.0/16', 'priority': 100, 'weight': 9,
                                                'scope': {'colo_names': ['a', 'b|'], 'colo_regions': []}, 'description': '# *x*'}],
     ['| 10.0.0.0/8 | 0 |  |  |  |', r'| 10.20.0.0/16 | 100 | 9 | a, b&#124; | \# \*x\* |']),
])
def test_the_hand_over_has_the_routes_of_a_circuit_that_declares_them(routes, entries, lines):
    facts = CircuitFacts('x', DIRECT, CNI, routes=routes)
    assert handover_of(facts, None).get('routes') == entries
    head, _heading, section = sheet(facts).partition('\n## Static routes at Cloudflare\n')
    assert head == sheet(facts._replace(routes=None))
    assert [line for line in lines if line not in section.splitlines()] == []
    assert bool(section) == (routes is not None)


def test_no_health_check_is_none():
    assert handover_of(CircuitFacts('x', DIRECT, CNI), None)['health_check'] is None
    assert 'Health check' not in sheet(CircuitFacts('x', DIRECT, CNI))


def test_a_port_of_which_little_is_known():
    thin = handover_of(CircuitFacts('x', {'name': 'icon', 'type': 'direct'}, CNI), None)['interconnect']
    assert thin == {'name': 'icon', 'type': 'direct', 'speed': None, 'site': None, 'facility': {}, 'device': None, 'slot_id': None,
                    'optic': None, 'loa': 'x-loa.pdf'}
    assert 'Facility' not in sheet(CircuitFacts('x', {'name': 'icon', 'type': 'direct'}, CNI))


def test_a_prediction_shows_what_only_cloudflare_can_assign():
    facts = CircuitFacts('x', {**DIRECT, 'name': Placeholder()}, {**CNI, 'cust_ip': Placeholder(), 'p2p_ip': Placeholder()})
    assert f'| Interconnect | {UNKNOWN} |\n' in sheet(facts)
    assert f'| Address | {UNKNOWN}/31 | {UNKNOWN}/31 |\n' in sheet(facts)


# Values are data.

CELLS = {
    'New York | n_y ![x](http://evil/x) <b> `c` *d* _e_ ~f~ &lt;': (
        r'New York &#124; n_y !\[x](http:<!-- -->//evil/x) &lt;b> \`c\` \*d\* \_e\_ &#126;f&#126; &amp;lt;'),
    'www.evil.com noc@evil.com': 'www<!-- -->.evil.com noc@<!-- -->evil.com',
    'a\nb\t c ': 'a b c', '# head #': r'\# head \#', '#5': r'\#5', 'C# x': 'C# x', '- x': r'\- x', 'x-y': 'x-y', '+x': r'\+x',
    '>q': r'\>q', '12. x': r'12\. x', '1) x': r'1\) x', '1.5': '1.5', '__init__': r'\_\_init\_\_', 'a_b': 'a_b', 'b\\': 'b\\\\',
    '{{ 7*7 }}': r'{{ 7\*7 }}', '{% raw %}': '{% raw %}', '{# c #}': r'{# c #}', 1500: '1500', '': '',
}


@pytest.mark.parametrize(('value', 'shown'), CELLS.items(), ids=map(repr, CELLS))
def test_a_value_is_never_markup(value, shown):
    assert markdown_cell(value) == shown


def test_a_value_is_never_a_template():
    facts = CircuitFacts('{{ 7*7 }}', DIRECT, merge(CNI, {'magic.description': '{% raw %}'}))
    assert sheet(facts).startswith('# Circuit {{ 7\\*7 }}\n\n{% raw %}\n')


FILES = {
    'nyc-1': 'nyc-1', '../{{ 7*7 }}': '%2E.%2F%7B%7B%207%2A7%20%7D%7D', '~x': '%7Ex', 'Zürich': 'Z%C3%BCrich', '%2E': '%252E',
    '\ud800': '%ED%A0%80',
}


@pytest.mark.parametrize(('circuit', 'file'), FILES.items(), ids=map(ascii, FILES))
def test_a_name_is_that_of_one_file(circuit, file):
    assert file_name(circuit) == file


def test_half_a_character_does_not_stop_the_hand_over():
    facts = CircuitFacts('x', DIRECT, merge(CNI, {'magic.description': 'a\ud800'}))
    handover = handover_of(facts, None)
    assert json.loads(json_text(handover).encode()) == handover
    assert 'a\\ud800' in sheet(facts)


# The user's own template.

def own(tmp_path, text):
    path = tmp_path / 'mine.md.j2'
    path.write_text(text)
    return sheet_renderer(str(path))


def test_a_template_of_ones_own_has_the_hand_over_and_the_escaping(tmp_path):
    (tmp_path / 'foot.j2').write_text('at {{ handover.interconnect.site }}')
    render = own(tmp_path, '{% if handover.bgp %}\n{{ handover.description | cell }}\n{% endif %}\n{% include "foot.j2" %}.\n')
    facts = CircuitFacts('x', DIRECT, merge(CNI, {'magic.description': '{{ 7*7 }} *'}))
    assert render(handover_of(facts, None)) == '{{ 7\\*7 }} \\*\nat ewr-a.\n'


BROKEN = {
    'syntax': ('\n{% if %}', 'line 2: Expected an expression'),
    'undefined': ('\n\n{{ handover.interconect.name }}', "line 3: 'dict object' has no attribute 'interconect'"),
    'filter': ('{{ handover.name | celll }}', "line 1: No filter named 'celll'"),
    'failing': ('\n{{ 1 / 0 }}', 'line 2: division by zero'),
    'included': ('\n{% include "other.j2" %}', 'line 2: '),
}


@pytest.mark.parametrize(('text', 'problem'), BROKEN.values(), ids=BROKEN)
def test_an_error_in_a_template_names_file_and_line(tmp_path, text, problem):
    with pytest.raises(InputError) as refused:
        own(tmp_path, text)(handover_of(CircuitFacts('x', DIRECT, CNI), None))
    assert refused.value.details['option'] == 'handover_template'
    assert str(refused.value).startswith(f'handover_template: {tmp_path}/mine.md.j2, {problem}')


@pytest.mark.parametrize('path', ['none.j2', ''])
def test_a_template_that_is_not_there(tmp_path, path):
    with pytest.raises(InputError, match=f'^handover_template: {tmp_path}/?{path}'):
        sheet_renderer(str(tmp_path / path))


def test_without_jinja_it_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, 'jinja2', None)
    with pytest.raises(InputError, match=r'^artifacts_dir: the hand-over needs jinja2'):
        sheet_renderer(None)
