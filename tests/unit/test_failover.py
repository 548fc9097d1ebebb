# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A failover drill, without an account: what it would change, why it may not begin, its record, what is to restore, its report."""

from __future__ import annotations

import os
import re
import shlex

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.netops.cloudflare_cni.plugins.filter.drill_record import FilterModule
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._failover import (
    drill_of,
    failure_text,
    loss_of,
    report_of,
    restoration_of,
    start_of,
)

PREFIX, HOPS = '10.20.0.0/16', {'nyc-1': '172.31.0.1', 'nyc-2': '172.31.0.3', 'nyc-3': '172.31.0.5'}


def route(hop: str, priority: int = 100, prefix: str = PREFIX, **fields: object) -> dict:
    return {'id': f'{hop} {prefix}', 'prefix': prefix, 'nexthop': HOPS.get(hop, hop), 'priority': priority, **fields}


def account(routes: list[dict], states: tuple[str, ...] = ('Healthy', 'Healthy'), bgp: object = None, probed: bool = True,
            **fields: object) -> dict:
    """A site with as many circuits as states, each on a device of its own."""
    names = list(HOPS)[:len(states)]
    return {
        'interconnects': [{'name': f'icon-{name}', 'site': 'ewr-a', 'ccr_device_name': f'edge-{name}'} for name in names],
        'cnis': [{'interconnect': f'icon-{name}', 'cust_ip': f'{HOPS[name]}/31', 'p2p_ip': f'172.31.0.{2 * number}/31', 'bgp': bgp,
                  'magic': {'conduit_name': name}} for number, name in enumerate(names)],
        'statuses': [{'interconnect': f'icon-{name}', 'state': state} for name, state in zip(names, states, strict=True)],
        'tunnels': {f'icon-{name}': [{'health_check': {'enabled': probed}}] for name in names},
        'routes': routes, **fields,
    }


@pytest.mark.parametrize(('routes', 'during'), [
    ([route('nyc-1'), route('nyc-2')], [101]),
    ([route('nyc-1', 50), route('nyc-2', '200')], [201]),
    ([route('nyc-1', 50), route('nyc-2', 200), route('nyc-3', 150)], [151]),
    ([route('nyc-1'), route('nyc-2'), route('10.255.0.1', 1000)], [101]),
    ([route('nyc-1', 300), route('nyc-2'), route('nyc-1', prefix='10.9.0.0/16'), route('nyc-2', prefix='10.9.0.0/16')], [None, 101]),
    ([route('nyc-1', scope={'colo_regions': ['ENAM']}), route('nyc-2', 7)], [None]),
])
def test_a_route_goes_just_behind_the_best_one_over_a_partner(routes, during):
    drill = drill_of(account(routes, ('Healthy',) * 3), 'nyc-1')
    assert [moved['during'] for moved in drill['routes']] == during
    own = [route for route in routes if route['nexthop'] == HOPS['nyc-1']]
    assert [moved['priority'] for moved in drill['routes']] == [int(route['priority']) for route in own]


PAIR = [route('nyc-1'), route('nyc-2')]


@pytest.mark.parametrize(('current', 'reasons'), [
    (account(PAIR), []),
    (account([], bgp={'customer_asn': 64496}), []),
    (account(PAIR, change={'go': False, 'text': 'no go: why'}), ['no go: why']),
    (account(PAIR, ('Down', 'Healthy')), ['nyc-1 is Down, so it has no traffic to move']),
    (account(PAIR, ('Healthy', 'Unhealthy')), ['no other circuit at site ewr-a is Healthy on another device']),
    (account(PAIR, maintenance=[{'interconnect': 'icon-nyc-2'}]), ['no other circuit at site ewr-a']),
    (account(PAIR, probed=False), ['nyc-2: no health check probes icon-nyc-2']),
    (account([route('nyc-1')]), ['nyc-2: neither BGP nor a static route brings traffic to nyc-2',
                                 f'{PREFIX}: no static route leads over nyc-2, which would have to take over']),
    (account([route('nyc-1'), route('nyc-2', scope={'colo_regions': ['ENAM']})]), [f'{PREFIX}: no static route leads over nyc-2']),
    (account([route('nyc-1'), route('nyc-2', 200), route('10.255.0.1', 150)]), [f'{PREFIX}: the route to 10.255.0.1 would take over']),
    (account([route('nyc-1', 300), route('nyc-2')]), ['each static route over nyc-1 is a backup']),
    (account([route('nyc-2')]), ['neither BGP nor a static route brings traffic to nyc-1']),
])
def test_why_a_drill_may_not_begin(current, reasons):
    refusals = drill_of(current, 'nyc-1')['refusals']
    assert [text[:len(start)] for text, start in zip(refusals, reasons, strict=True)] == reasons


def test_a_circuit_that_does_not_exist():
    assert drill_of(account(PAIR), 'nyc-9')['refusals'] == ['the circuit nyc-9 does not exist in this account']


@pytest.mark.parametrize(('text', 'found'), [
    ('203.0.113.1 via 172.31.0.0 dev eth1', True), ('1  172.31.0.1  0.5 ms', True), ('via 172.31.0.12 dev eth2', False),
    ('via 172.31.0.2', False), ('1172.31.0.1', False),
])
def test_either_end_shows_the_circuit_in_an_output(text, found):
    assert bool(re.search(drill_of(account(PAIR), 'nyc-1')['addresses'], text)) == found


# What it starts with.

BACKUP = [route('nyc-1', 300, '10.9.0.0/16'), route('nyc-2', prefix='10.9.0.0/16')]
DRILL, SESSION = (drill_of(account([*PAIR, *BACKUP], bgp=bgp), 'nyc-1') for bgp in (None, {'customer_asn': 64496}))
SHOWN = {'stdout': 'via 172.31.0.1', 'rc': 0}


def start(drill: dict = DRILL, **settings: object) -> dict:
    """The settings that are not given are as the playbook gives them if they are not set."""
    names = ('hold', 'timeout', 'max_gap', 'path_command', 'router_tasks', 'pause', 'configuration', 'ping', 'ping_source',
             'ping_interval', 'ping_via')
    return start_of(drill, {**dict.fromkeys(names, ''), 'host': 'nyc-1', 'folder': '/drills', 'begun': '2026-11-30T03:00:00Z',
                            'path': {'skipped': True}} | settings)


def test_the_record_of_texts_as_older_releases_make_them():
    settings = {'hold': '45', 'timeout': '90', 'max_gap': '3', 'ping_interval': '0.5', 'ping': '203.0.113.1', 'path_command': 'ip route',
                'path': SHOWN, 'router_tasks': '/net/frr.yml', 'configuration': '/drills/router/withdraw/nyc-1-frr.conf'}
    assert start(SESSION, **settings)['record'] == {
        'format': 1, 'circuit': 'nyc-1', 'host': 'nyc-1', 'file': 'nyc-1-20261130T030000Z', 'site': 'ewr-a', 'partners': ['nyc-2'],
        'addresses': SESSION['addresses'], 'bgp': True,
        'routes': [{**route('nyc-1'), 'during': 101, 'partner': 'nyc-2', 'in_the_way': None}], 'times': {'begun': '2026-11-30T03:00:00Z'},
        'router': 'tasks', 'router_tasks': '/net/frr.yml',
        'configurations': {step: f'/drills/router/{step}/nyc-1-frr.conf' for step in ('drain', 'withdraw', 'restore')},
        'path_command': 'ip route', 'path': 'via 172.31.0.1',
        'ping': {'target': '203.0.113.1', 'interval': 0.5, 'log': '/drills/nyc-1-20261130T030000Z.ping'},
        'hold': 45, 'timeout': 90, 'max_gap': 3.0,
    }


@pytest.mark.parametrize(('drill', 'settings', 'recorded'), [
    (DRILL, {}, {'router': 'none', 'router_tasks': '', 'configurations': {}, 'path_command': '', 'path': '', 'ping': None,
                 'hold': 30, 'timeout': 60, 'max_gap': 10.0}),
    (DRILL, {'hold': None, 'pause': None, 'ping': None}, {'router': 'none', 'hold': 30, 'ping': None}),
    (DRILL, {'hold': 0, 'max_gap': '0.5'}, {'hold': 0, 'max_gap': 0.5}),
    (DRILL, {'pause': 'yes'}, {'router': 'pause'}),
    (SESSION, {}, {'router': 'pause'}),
    (SESSION, {'pause': False}, {'router': 'none'}),
    (SESSION, {'pause': True, 'router_tasks': '/a.yml'}, {'router': 'tasks', 'router_tasks': '/a.yml', 'configurations': {}}),
    (SESSION, {'configuration': '/of/another/play.conf'}, {'router': 'pause', 'configurations': {}}),
])
def test_what_is_not_set_has_a_default(drill, settings, recorded):
    record = start(drill, **settings)['record']
    assert {name: record[name] for name in recorded} == recorded


@pytest.mark.parametrize(('settings', 'reasons'), [
    ({'hold': 'long'}, ['failover_hold is long, and has to be a number of seconds, 0 or more']),
    ({'hold': -1, 'timeout': '0'}, ['failover_hold is -1', 'failover_timeout is 0, and has to be a number of seconds, 1 or more']),
    ({'ping_interval': 0}, ['failover_ping_interval is 0']),
    ({'max_gap': 'inf', 'path_command': 'x', 'path': {'stdout': 'via 172.31.0.2'}},
     ['failover_max_gap is inf', 'failover_path_command prints no address of nyc-1']),
])
def test_what_is_wrong_with_settings_is_no_go(settings, reasons):
    begin = start(**settings)
    assert [text[:len(first)] for text, first in zip(begin.pop('refusals'), reasons, strict=True)] == reasons
    assert not any(begin.values())


def test_a_drill_that_is_refused_has_no_record():
    missing = drill_of(account(PAIR), 'nyc-9')
    assert start(missing, path_command='x', path=SHOWN) == {
        'refusals': missing['refusals'], 'steps': [], 'record': {}, 'ping_command': '', 'unanswered': ''}


def test_the_record_is_a_private_file_that_survives_a_power_cut(tmp_path, monkeypatch):
    synced, sync = set(), os.fsync
    monkeypatch.setattr(os, 'fsync', lambda handle: (synced.add(os.fstat(handle).st_ino), sync(handle)))
    (write_record,) = FilterModule().filters().values()
    record = tmp_path / 'drill.json'
    assert write_record('{"circuit": "nyc-1"}', str(record)) is True
    assert (record.read_text(), record.stat().st_mode & 0o777) == ('{"circuit": "nyc-1"}', 0o600)
    assert {record.stat().st_ino, tmp_path.stat().st_ino} <= synced
    with pytest.raises(AnsibleFilterError, match=r'path: .*drill\.json cannot be written: No such file or directory'):
        write_record('{}', str(tmp_path / 'missing' / 'drill.json'))


def test_the_steps():
    assert start()['steps'] == [
        'measure no loss, and end no outage early, as failover_ping is not set',
        f'{PREFIX} to 172.31.0.1: priority 100 -> 101, so nyc-2 takes over', '10.9.0.0/16 to 172.31.0.1: stays, it is a backup',
        'hold for 30 s', 'restore all of it, check the site again, and write the report to /drills',
    ]
    assert start(SESSION, ping='203.0.113.1', path_command='x', path=SHOWN, timeout=9)['steps'][3:-2] == [
        'drain the circuit on the router, by you', 'wait until the traffic has left the circuit, 9 s at most',
        'withdraw all prefixes of the session on the router, by you',
    ]
    assert start(router_tasks='/net/frr.yml')['steps'][3:-2] == ['drain the circuit on the router, by /net/frr.yml']


@pytest.mark.parametrize(('settings', 'words'), [
    ({'ping': '203.0.113.1'}, 'nohup ping -n -O -i 0.2 -w 630 203.0.113.1'),
    ({'ping': 'a; b', 'ping_source': '$x', 'ping_via': 'ssh edge-1', 'hold': 5, 'timeout': 1, 'ping_interval': '1'},
     "nohup ssh edge-1 ping -n -O -i 1.0 -w 15 -I '$x' 'a; b'"),
    ({'ping': '203.0.113.1', 'pause': True}, 'nohup ping -n -O -i 0.2 -w 4230 203.0.113.1'),  # a person takes time
])
def test_the_ping(settings, words):
    command = shlex.split(start(folder="/net ops's", **settings)['ping_command'])
    log = "/net ops's/nyc-1-20261130T030000Z.ping"
    assert command == [*shlex.split(words), '>', log, '2>&1', '<', '/dev/null', '&', 'echo', '$!']


@pytest.mark.parametrize(('lost', 'found'), [(9, False), (12, True)])
def test_when_a_ping_ends_the_drill(lost, found):
    output = ping(1, 2, 30, 31, lost=tuple(range(3, 3 + lost)))
    assert bool(re.search(start(ping='x', max_gap=2)['unanswered'], output)) == found


# What it restores.

@pytest.mark.parametrize(('current', 'changes', 'remaining'), [
    ([route('nyc-1', 101)], [100], []),
    ([route('nyc-1', '101')], [100], []),
    ([route('nyc-1')], [], []),
    ([route('nyc-1', 150)], [], [f'{PREFIX}: somebody else set the priority to 150 during the drill; it was 100']),
    ([route('nyc-2')], [], [f'{PREFIX}: the route to 172.31.0.1 was deleted during the drill']),
])
def test_what_is_to_restore(current, changes, remaining):
    found = restoration_of([{**route('nyc-1'), 'during': 101}], current)
    assert ([change['priority'] for change in found['changes']], found['left']) == (changes, remaining)


def ping(*numbers: int, lost: tuple[int, ...] = (), end: str = '') -> str:
    lines = [(number, f'64 bytes from 203.0.113.1: icmp_seq={number} ttl=63 time=0.04 ms') for number in numbers]
    lines += [(number, f'no answer yet for icmp_seq={number}') for number in lost]
    return '\n'.join(['PING 203.0.113.1 (203.0.113.1) 56(84) bytes of data.', *(text for _number, text in sorted(lines)), end])


@pytest.mark.parametrize(('output', 'figures'), [
    (ping(1, 2, 3, 4), (4, 4, 0.0, 0.0)),
    (ping(1, 2, 6, lost=(3, 4, 5)), (6, 3, 50.0, 0.6)),
    (ping(1, 2, lost=(3, 4)), (4, 2, 50.0, 0.4)),
    (ping(3, 4, lost=(1, 2)), (4, 2, 50.0, 0.4)),
    (ping(1, 2, end='3 packets transmitted, 2 received, 33% packet loss, time 412ms'), (3, 2, 33.33, 0.2)),
    (ping(1, 1, 2), (2, 2, 0.0, 0.0)),
    ('From 172.31.0.1 icmp_seq=1 Destination Host Unreachable\n', (1, 0, 100.0, 0.2)),
    ('', (0, 0, 0.0, 0.0)),
])
def test_what_a_ping_has_lost(output, figures):
    assert tuple(loss_of(output, '0.2').values()) == figures


# Its report.

def report(measured: dict | None = None, **settings: object) -> dict:
    """Of a drill after which all is as it was. The ping, if there is one, has shown 60 s."""
    record = start(**{'ping': '203.0.113.1', **settings})['record']
    times = {'drain': '2026-11-30T03:00:05Z', 'moved': '2026-11-30T03:00:06Z', 'restored': '2026-11-30T03:01:00Z'}
    return report_of(record, {'times': times, 'refusals': [], 'routes': [*PAIR, *BACKUP], 'ping': ping(*range(1, 301)), 'path_during': {},
                              'path_after': {}, 'failure': {}, 'interrupted': False} | (measured or {}))


def test_a_report():
    after = {'stdout': '172.31.0.1', 'attempts': 1}
    assert report({'path_during': {'stdout': '172.31.0.3'}, 'path_after': after}, path_command='x', path=SHOWN) == {
        'format': 1, 'circuit': 'nyc-1', 'site': 'ewr-a', 'partners': ['nyc-2'], 'outcome': 'passed', 'problems': [],
        'times': {'begun': '2026-11-30T03:00:00Z', 'drain': '2026-11-30T03:00:05Z', 'moved': '2026-11-30T03:00:06Z',
                  'restored': '2026-11-30T03:01:00Z'},
        'router': 'none', 'routes': [{**route('nyc-1'), 'during': 101, 'partner': 'nyc-2', 'in_the_way': None}], 'left_alone': [],
        'path': {'before': 'via 172.31.0.1', 'during': '172.31.0.3', 'after': '172.31.0.1'},
        'ping': {'target': '203.0.113.1', 'interval': 0.2, 'log': '/drills/nyc-1-20261130T030000Z.ping', 'sent': 300, 'received': 300,
                 'loss_percent': 0.0, 'longest_gap': 0.0},
        'hold': 30,
    }


def test_a_report_without_a_ping():
    found = report({'ping': ''}, ping='')
    assert (found['outcome'], found['ping'], found['path']) == ('passed', None, {'before': '', 'during': None, 'after': None})


@pytest.mark.parametrize(('measured', 'problems'), [
    ({'refusals': ['nyc-1 is Down']}, ['nyc-1 is Down']),
    ({'failure': {'task': 'Reload', 'result': {'msg': 'no'}}}, ['Reload: no']),
    ({'path_after': {'stdout': 'via 172.31.0.3', 'failed': True}}, ['the traffic is not back on nyc-1']),
    ({'path_after': {'failed': True}}, ['the traffic is not back on nyc-1']),
    ({'ping': ping(*range(1, 10), *range(80, 301))}, ['14.0 s without an answer, more than 10.0']),
    ({'ping': ping(*range(1, 100))}, ['the ping shows 20 s of the 55 s between drain and restore, so what was lost is not known']),
    ({'ping': ping(*range(1, 250))}, []),  # as slow as a busy machine makes it
    ({'ping': '', 'times': {'restored': '2026-11-30T09:00:00Z'}}, []),  # a restore hours after a drill that was killed
    ({'routes': []}, []),
])
def test_what_a_drill_has_failed_of(measured, problems):
    found = report({'path_after': SHOWN} | measured, path_command='x', path=SHOWN)
    assert (found['problems'], found['outcome']) == (problems, 'failed' if problems else 'passed')
    assert report({'path_after': SHOWN, 'interrupted': True} | measured, path_command='x', path=SHOWN)['outcome'] == 'interrupted'


def test_a_report_lists_what_was_left_alone():
    assert report({'routes': [route('nyc-1', 150)]})['left_alone'] == [
        f'{PREFIX}: somebody else set the priority to 150 during the drill; it was 100']


@pytest.mark.parametrize(('result', 'why'), [
    ({'msg': 'Nobody confirmed'}, 'Nobody confirmed'),
    ({'msg': 'One or more items failed', 'results': [{'changed': True}, {'failed': True, 'msg': 'PUT /routes/1: 503'}]},
     'PUT /routes/1: 503'),
    ({'msg': 'non-zero return code', 'rc': 1, 'stderr': 'reading\nline 7: unknown command'},
     'non-zero return code: line 7: unknown command'),
    ({'rc': 0, 'attempts': 60, 'stderr': ''}, 'not so after 60 attempts'),
    ({'rc': 255, 'attempts': 60, 'msg': 'non-zero return code', 'stderr': 'no route to host'}, 'non-zero return code: no route to host'),
    ({'failed': True}, 'failed'),
    ({'msg': 'key 123', '_ansible_no_log': True}, 'failed, and its output is hidden'),
    ({'msg': 'One or more items failed', 'results': [{'failed': True, 'msg': 'key 123', '_ansible_no_log': True}]},
     'failed, and its output is hidden'),
])
def test_why_a_task_has_failed(result, why):
    assert failure_text('Reload FRR', result) == f'Reload FRR: {why}'
