# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The metrics of an account, as the reference parsers of both formats read them, and what the next run knows by them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from support.overviews import ACCOUNT, HOSTILE, account_of, on_devices, order, read_of, three_circuits
from support.playbook import ROOT
from support.prometheus import alerts, panels, read_as_classic, read_as_openmetrics

from ansible_collections.netops.cloudflare_cni.plugins.filter.metrics import metrics
from ansible_collections.netops.cloudflare_cni.plugins.filter.overview import overview
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._metrics import METRICS, PREFIX

NOON, LATER = 1_795_435_200, 1_795_438_800  # 2026-11-23 12:00 and 13:00 UTC


def text_of(read: dict[str, Any], former: str = '', now: int = NOON, records=(), account: str = ACCOUNT) -> str:
    return metrics(overview(**read, today='2026-11-23'), former, now, records, account)


def values(text: str, name: str, *labels: str) -> dict[tuple[str, ...], float]:
    """{values of the labels: value} of a metric, as the reference parser reads it."""
    return {tuple(found[label] for label in labels): value for full, found, value in read_as_openmetrics(text) if full == PREFIX + name}


def record(circuit: Any, interconnect: str, fetched: Any = '2026-11-20T09:00:00Z', ordered_for: str | None = None) -> str:
    """The NAME.json of a circuit. ordered_for: the interconnect of its LOA."""
    loa = {'interconnect': ordered_for or interconnect, 'name': None, 'sha256': 'x', 'fetched': fetched}
    return json.dumps({'format': 1, 'name': circuit, 'interconnect': {'name': interconnect}, 'loa': loa})


# What is written.

def test_every_metric_is_written_and_both_formats_read_the_same():
    read = three_circuits()
    text = text_of(read, records=[record('nyc-1', read['interconnects'][0]['name'])])
    samples = read_as_openmetrics(text)
    assert samples == read_as_classic(text)
    assert {name for name, _labels, _value in samples} == {PREFIX + name for name in METRICS}
    assert {labels['account'] for _name, labels, _value in samples} == {ACCOUNT}
    assert [line for line in text.splitlines() if not line or re.search(r' \d+ \d+$', line)] == []  # node_exporter takes no timestamps


def test_one_state_is_that_of_the_circuit():
    states = values(text_of(three_circuits()), 'circuit_state', 'circuit', 'state')
    assert {key for key, value in states.items() if value} == {('nyc-1', 'Healthy'), ('nyc-2', 'Pending'), ('lon-1', 'Down')}
    assert len(states) == 3 * 4 and set(states.values()) == {0, 1}


def test_a_state_that_nobody_knew_is_a_state():
    read = three_circuits()
    read['statuses'][0]['state'] = 'Maintained'
    states = values(text_of(read), 'circuit_state', 'circuit', 'state')
    assert [key for key, value in states.items() if value and key[0] == 'nyc-1'] == [('nyc-1', 'Maintained')]


@pytest.mark.parametrize(('devices', 'states', 'expected'), [
    (['edge01.ewr-a', 'edge01.ewr-a'], 'Healthy', (2, 1, 1)),
    (['edge01.ewr-a', 'edge02.ewr-a'], 'Healthy', (2, 2, 1)),
    (['edge01.ewr-a', 'edge03.ewr-a'], 'Healthy', (2, 2, 2)),
    (['edge01.ewr-a', 'edge03.ewr-a'], 'Down', (0, 0, 0)),
])
def test_redundancy_counts_what_is_healthy(devices, states, expected):
    store = on_devices(devices)
    order(store, store.list_slots(occupied=False, site='ewr-a')[0]['id'])  # a port without a circuit backs nothing up
    text = text_of(read_of(store, {port['name']: states for port in store.interconnects}))
    counted = [values(text, f'site_healthy_{name}', 'site') for name in ('interconnects', 'devices', 'facilities')]
    assert counted == [{('ewr-a',): number} for number in expected]
    assert values(text, 'site_circuits', 'site') == {('ewr-a',): 2}


def test_devices_that_the_api_does_not_report_are_not_counted():
    read = read_of(on_devices(['edge01.ewr-a', 'edge02.ewr-a']))
    for status in read['statuses']:
        status['state'] = 'Healthy'
    read['interconnects'][0]['ccr_device_name'] = None
    text = text_of(read)
    assert values(text, 'site_healthy_devices', 'site') == {}
    assert values(text, 'site_healthy_interconnects', 'site') == {('ewr-a',): 2}


def test_no_free_slot_is_a_zero():
    read = three_circuits()
    read['slots'] = [slot for slot in read['slots'] if slot['site'] == 'ewr-a' and slot['speed'] == '100G']
    assert values(text_of(read), 'site_free_slots', 'site', 'speed') == {('ewr-a', '10G'): 0, ('ewr-a', '100G'): 4, ('lhr-a', '10G'): 0}


def test_routes_are_counted_where_they_lead():
    store = on_devices(['edge01.ewr-a', 'edge03.ewr-a'], ['nyc-1', 'nyc-2'])
    ends = [cni['cust_ip'].split('/')[0] for cni in store.cnis]
    routes = [('10.0.0.0/8', ends[0]), ('10.0.0.0/8', ends[1]), ('10.1.0.0/16', ends[0]), ('10.2.0.0/16', '192.0.2.1')]
    store.routes = [{'id': str(number), 'prefix': prefix, 'nexthop': end, 'priority': 100} for number, (prefix, end) in enumerate(routes)]
    text = text_of(read_of(store))
    assert values(text, 'circuit_static_routes', 'circuit') == {('nyc-1',): 2, ('nyc-2',): 1}
    assert (values(text, 'static_routes_without_circuit'), values(text, 'prefixes_with_single_next_hop')) == ({(): 1}, {(): 2})


def test_what_a_failure_takes_the_last_path_of_is_counted_by_failure_domain():
    store = on_devices(['edge01.ewr-a', 'edge03.ewr-a', 'edge01.lhr-a'], ['nyc-1', 'nyc-2', 'lon-1'])
    ends = [cni['cust_ip'].split('/')[0] for cni in store.cnis]
    routes = [('10.0.0.0/8', ends[0]), ('10.0.0.0/8', ends[1]), ('10.1.0.0/16', ends[0]), ('10.2.0.0/16', ends[2])]
    store.routes = [{'id': str(number), 'prefix': prefix, 'nexthop': end, 'priority': 100} for number, (prefix, end) in enumerate(routes)]
    states = dict(zip((port['name'] for port in store.interconnects), ('Healthy', 'Healthy', 'Down'), strict=True))
    text = text_of(read_of(store, states))
    lost = values(text, 'failure_domain_lost_prefixes', 'domain', 'name')
    assert {key: number for key, number in lost.items() if key[0] in ('circuit', 'device', 'site')} == {
        ('circuit', 'nyc-1'): 1, ('circuit', 'nyc-2'): 0, ('circuit', 'lon-1'): 0, ('device', 'edge01.ewr-a'): 1,
        ('device', 'edge03.ewr-a'): 0, ('device', 'edge01.lhr-a'): 0, ('site', 'ewr-a'): 2, ('site', 'lhr-a'): 0}
    assert values(text, 'prefixes_without_path') == {(): 1}


def test_the_loa_has_the_time_of_its_record():
    read = three_circuits()
    ports = [port['name'] for port in read['interconnects']]
    records = [record('nyc-1', ports[0]), record('nyc-2', ports[1], ordered_for='ewr-a-icon-0000'), record('lon-1', ports[2], 'yesterday'),
               record('nyc-1', 'ewr-a-icon-1111', '2020-01-01T00:00:00Z'), 'no JSON', '[]', '{"interconnect": 7, "loa": 7}',
               record(['nyc-1'], ports[0])]
    assert values(text_of(read, records=records), 'loa_fetched_timestamp_seconds', 'circuit') == {('nyc-1',): NOON - 3 * 86400 - 3 * 3600}


def test_an_account_without_circuits_has_the_time_of_the_read():
    text = text_of(account_of(0), account='')
    names = ('static_routes_without_circuit', 'prefixes_with_single_next_hop', 'prefixes_without_path', 'read_timestamp_seconds')
    assert [name for name, labels, _value in read_as_openmetrics(text) if not labels] == [f'{PREFIX}{name}' for name in names]
    assert values(text, 'read_timestamp_seconds') == {(): NOON}


def test_neither_addresses_nor_keys_are_written():
    store = on_devices(['edge01.ewr-a'])
    store.cnis[0]['bgp']['md5_key'] = 'planted-key'
    store.routes = [{'id': '1', 'prefix': '10.9.0.0/16', 'nexthop': store.cnis[0]['cust_ip'].split('/')[0], 'priority': 1}]
    text = text_of(read_of(store))
    hidden = ['planted-key', '10.9.0.0', *(store.cnis[0][end].split('/')[0] for end in ('cust_ip', 'p2p_ip')), '64496']
    assert [value for value in hidden if value in text] == []


# What the next run knows.

def test_a_state_keeps_its_time_until_it_changes():
    read = three_circuits()
    first = text_of(read)
    read['statuses'][2]['state'] = 'Healthy'
    second = text_of(read, first, LATER)
    third = text_of(read, second, LATER + 300)
    assert values(first, 'circuit_state_since_timestamp_seconds', 'circuit') == {(name,): NOON for name in ('nyc-1', 'nyc-2', 'lon-1')}
    assert values(third, 'circuit_state_since_timestamp_seconds', 'circuit', 'state') == {
        ('nyc-1', 'Healthy'): NOON, ('nyc-2', 'Pending'): NOON, ('lon-1', 'Healthy'): LATER}
    assert third.replace(str(LATER + 300), str(LATER)) == second  # only the time of the read is new


def test_a_circuit_on_another_port_is_in_its_state_from_then_on():
    read = three_circuits()
    first = text_of(read)
    for obj, name in ((read['interconnects'][0], 'name'), (read['cnis'][0], 'interconnect'), (read['statuses'][0], 'interconnect')):
        obj[name] = 'ewr-a-icon-ffff'
    since = values(text_of(read, first, LATER), 'circuit_state_since_timestamp_seconds', 'circuit')
    assert since == {('nyc-1',): LATER, ('nyc-2',): NOON, ('lon-1',): NOON}


@pytest.mark.parametrize('name', [HOSTILE, 'a\\', 'a\\n"b\n#c', '\u2028{x="y"} 7', ' ', '# EOF', '\udc00'])
def test_a_name_is_data(name):
    read = three_circuits(name)
    text = text_of(read, text_of(read), LATER)
    assert read_as_openmetrics(text) == read_as_classic(text)
    written = '\\udc00' if name == '\udc00' else name  # a lone surrogate is no UTF-8
    assert values(text, 'circuit_state_since_timestamp_seconds', 'circuit') == {(circuit,): NOON for circuit in ('nyc-1', written, 'lon-1')}


def test_circuits_of_one_name_are_one_series():
    read = three_circuits()
    read['cnis'] += [{**cni} for cni in read['cnis']]  # node_exporter would answer no scrape at all
    text = text_of(read)
    assert len({(name, *labels.values()) for name, labels, _value in read_as_openmetrics(text)}) == len(read_as_openmetrics(text))


@pytest.mark.parametrize('former', ['node_load1 0.5\n', '# HELP x y\nx 1\n', 'cloudflare_cni_read_timestamp_seconds\n', 'not metrics'])
def test_another_file_is_not_overwritten(former):
    with pytest.raises(AnsibleFilterError, match=r'line \d of the file is not from this collection'):
        text_of(three_circuits(), former)


# What is queried.

def test_rules_and_dashboard_query_what_is_written():
    read = three_circuits()
    samples = read_as_openmetrics(text_of(read, records=[record('nyc-1', read['interconnects'][0]['name'])]))
    written = {name for name, _labels, _value in samples}
    labels = {label for _name, found, _value in samples for label in found}
    expressions = [*alerts().values(), *(expr for found in panels().values() for expr in found)]
    queried = {name for expr in expressions for name in re.findall(rf'\b{PREFIX}\w+', expr)}
    grouped = {label for expr in expressions for inner in re.findall(r'\b(?:by|on) \(([^)]*)\)|\{([^}]*)\}', expr)
               for label in re.findall(r'(\w+)(?=[=!,]|$)', re.sub('"[^"]*"', '', ''.join(inner)).replace(' ', ''))}
    assert (len(expressions) > 15, queried - written, grouped - labels) == (True, set(), set())
    assert written - queried == set()  # and nothing is written for nobody


def test_every_metric_is_in_the_manual():
    guide = (ROOT / 'docs' / 'day2.md').read_text()
    section = guide.partition('## Metrics for Prometheus')[2].partition('\n## ')[0]
    assert set(re.findall(rf'`({PREFIX}\w+)`', section)) == {PREFIX + name for name in METRICS}
