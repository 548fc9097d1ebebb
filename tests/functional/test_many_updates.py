# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health checks and routes of a fleet change by one request for many of them, and each circuit shows its own change."""

from __future__ import annotations

import pytest

NAMES = ['nyc-1', 'nyc-2', 'nyc-3', 'nyc-4']
TUNNELS, ROUTES = '/magic/cf_interconnects', '/magic/routes'


@pytest.fixture
def rollout(run_module):
    """rollout(check=False, run={}, **keys of each circuit) -> the result of the module rollout. run: its options besides."""
    def rollout(check=False, run=None, **keys):
        return run_module('rollout', check, circuits=[{'name': name, 'slot': {'site': 'ewr-a'}, **keys} for name in NAMES], **(run or {}))
    return rollout


@pytest.fixture
def fleet(rollout):
    assert rollout()['summary'] == {'created': 4}


def rates(simulator) -> list[str]:
    ports = {port['virtual_port_reservation_id'].replace('-', ''): port['name'] for port in simulator.state()['interconnects']}
    return [tunnel['health_check']['rate'] for tunnel in simulator.state()['tunnels'] if tunnel['virtual_port_reservation_id'] in ports]


def test_the_health_checks_of_a_fleet_change_by_one_request_as_check_mode_predicted(rollout, simulator, fleet, writes):
    before = writes()
    predicted = rollout(check=True, health_check={'rate': 'high', 'type': 'request'})
    done = rollout(health_check={'rate': 'high', 'type': 'request'})
    assert writes()[len(before):] == [('PUT', TUNNELS)]
    assert (predicted['diff'], done['summary'], rates(simulator)) == (done['diff'], {'updated': 4}, ['high'] * 4)
    assert [circuit['objects']['health_check']['rate'] for circuit in done['circuits']] == ['high'] * 4
    assert done['api']['requests'] == 3 + 2  # the three lists, the tunnels as they are right before the write, the write
    second = rollout(health_check={'rate': 'high', 'type': 'request'})
    assert (second['changed'], second['api']['requests'], len(writes())) == (False, 3, len(before) + 1)


@pytest.mark.parametrize(('options', 'fault', 'singles'), [
    ({'bulk_puts': 'half'}, None, 2), ({'stale_puts': True}, None, 0), ({'changed_status': 204}, None, 0),
    ({}, {'kind': 'status', 'status': 405}, 4), ({}, {'kind': 'status', 'status': 400, 'times': 1}, 4),
    ({}, {'kind': 'drop_after', 'times': 1}, 0), ({}, {'kind': 'drop_before', 'times': 1}, 0), ({}, {'kind': 'truncate'}, 0),
    ({}, {'kind': 'drop_before'}, 4),
], ids=str)
def test_whatever_becomes_of_that_request_each_health_check_is_set(rollout, simulator, fleet, writes, options, fault, singles):
    state, started = simulator.state(), len(writes())
    if options:
        simulator.reset(**options)
        simulator.seed(**{name: value for name, value in state.items() if name != 'slots'}, slots=state['slots'])
        started = 0
    if fault:
        simulator.fault(**{'times': None, **fault}, method='PUT', path='cf_interconnects$')
    done = rollout(health_check={'rate': 'high'})
    assert (done['summary'], rates(simulator)) == ({'updated': 4}, ['high'] * 4)
    assert sum(path.startswith(f'{TUNNELS}/') for _method, path in writes()[started:]) == singles


def test_one_that_is_refused_fails_its_own_circuit_and_the_others_change(rollout, simulator, fleet):
    tunnels = simulator.state()['tunnels']
    error = {'code': 1004, 'message': 'no such rate', 'source': {'pointer': '/health_check/rate'}}
    simulator.fault('status', method='PUT', path=f'cf_interconnects(/{tunnels[1]["id"]})?$', status=400, times=None,
                    body={'success': False, 'errors': [error]})
    done = rollout(health_check={'rate': 'high'})
    assert (done['summary'], sorted(rates(simulator))) == ({'updated': 3, 'failed': 1}, ['high'] * 3 + ['mid'])
    (failed,) = [circuit for circuit in done['circuits'] if circuit['outcome'] == 'failed']
    assert 'HTTP 400, no such rate (code 1004, at /health_check/rate)' in failed['msg']
    assert failed['error']['path'] == f'{TUNNELS}/{tunnels[1]["id"]}'


def test_the_routes_of_a_fleet_change_by_one_request_too(rollout, simulator, fleet, writes):
    offices = [{'prefix': '10.20.0.0/16'}, {'prefix': '10.30.0.0/16'}]
    rollout(routes=offices)
    before = writes()
    done = rollout(routes=[{**offices[0], 'priority': 7}, {**offices[1], 'weight': 9}])
    assert (done['summary'], writes()[len(before):]) == ({'updated': 4}, [('PUT', ROUTES)])
    routes = simulator.state()['routes']
    assert sorted((route['prefix'], route['priority'], route.get('weight')) for route in routes) == [
        ('10.20.0.0/16', 7, None)] * 4 + [('10.30.0.0/16', 100, 9)] * 4
    assert [[route['priority'] for route in circuit['objects']['routes']] for circuit in done['circuits']] == [[7, 100]] * 4


def test_five_hundred_health_checks_change_by_five_requests(run_module, process):
    names = [f'c-{number}' for number in range(500)]
    ports = [{'name': f'p-{number}', 'type': 'gcp_partner', 'region': 'us-east4', 'speed': '1G', 'account': process.account,
              'virtual_port_reservation_id': f'{number:032x}'} for number in range(500)]
    process.reset(page_size=1000, no_validate=True)
    process.seed(interconnects=ports)
    circuits = [{'name': name, 'interconnect': port['name'], 'health_check': {'rate': 'low'}}
                for name, port in zip(names, ports, strict=True)]
    made = run_module('rollout', circuits=circuits)
    assert (made['summary'], made['api']['requests']) == ({'created': 500}, 3 + 500 + 1 + 1 + 5)
    changed = run_module('rollout', circuits=[{**circuit, 'health_check': {'rate': 'high'}} for circuit in circuits])
    assert (changed['summary'], changed['api']['requests']) == ({'updated': 500}, 3 + 1 + 5)


# Validation in check mode.

REFUSED = {'target': 'nowhere'}  # which only the API knows to be no target


def test_check_mode_shows_what_cloudflare_would_refuse_and_writes_nothing(rollout, simulator, fleet):
    before = simulator.state()
    assert rollout(check=True, health_check=REFUSED)['summary'] == {'updated': 4}
    refused = rollout(check=True, health_check=REFUSED, run={'validate': True})
    assert (refused['summary'], refused['changed'], simulator.state()) == ({'failed': 4}, False, before)
    assert 'health_check.target' in refused['msg']
    fine = rollout(check=True, health_check={'rate': 'high'}, run={'validate': True})
    assert (fine['summary'], fine['diff'], simulator.state()) == (
        {'updated': 4}, rollout(check=True, health_check={'rate': 'high'})['diff'], before)
    sent = [request for request in simulator.requests() if request['method'] == 'PUT']
    assert len(sent) == 8 and all(request['query'] == {'validate_only': 'true'} and not request['applied'] for request in sent)


def test_without_check_mode_validate_does_nothing(rollout, simulator, fleet, writes):
    before = writes()
    assert rollout(health_check={'rate': 'high'}, run={'validate': True})['summary'] == {'updated': 4}
    assert writes()[len(before):] == [('PUT', TUNNELS)]
    assert simulator.requests()[-1]['query'] == {}


def test_a_health_check_alone_can_be_validated_too(run_module, simulator, fleet):
    refused = run_module('health_check', True, conduit_name='nyc-1', validate=True, **REFUSED)
    assert (refused['error']['kind'], refused.get('changed')) == ('api', None)
    assert run_module('health_check', True, conduit_name='nyc-1', validate=True, rate='high')['changed'] is True
    assert rates(simulator) == ['mid'] * 4
