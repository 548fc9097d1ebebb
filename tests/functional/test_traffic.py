# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Traffic of tunnels, by every door: what is shown of it, and what is not deleted because of it."""

from __future__ import annotations

import pytest
from support.playbook import Account


@pytest.fixture
def pair(run_module, simulator):
    """Two circuits of one site, nyc-1 and nyc-2, both Healthy. {circuit: its interconnect}."""
    circuits = [{'name': f'nyc-{number}', 'slot': {'site': 'ewr-a'}} for number in (1, 2)]
    done = run_module('rollout', circuits=circuits)
    assert not done.get('failed'), done
    ports = {circuit['name']: circuit['interconnect'] for circuit in done['circuits']}
    for port in ports.values():
        simulator.set_status(port, 'Healthy')
    return ports


@pytest.fixture
def queries(simulator):
    """queries() -> how many GraphQL queries were sent."""
    return lambda: sum(request['path'].endswith('/graphql') for request in simulator.requests())


# The status.

def test_a_status_has_what_each_tunnel_has_carried_and_nothing_of_it_unasked(run_module, simulator, pair, queries):
    simulator.set_traffic(pair['nyc-1'], 1_200_000_000, 0)
    assert all('traffic' not in status for status in run_module('status_info')['statuses'])
    assert queries() == 0
    first, second = (run_module('status_info', conduit_name=name, traffic=True)['statuses'][0]['traffic'] for name in ('nyc-1', 'nyc-2'))
    assert (first['bits_in'], first['bits_out'], second) == (1_200_000_000, 0, None)
    assert first['text'] == f'1.2 Gbit into Cloudflare and 0 bit out of it since {first["since"]}'
    assert queries() == 4


@pytest.mark.parametrize(('change', 'environment', 'reason'), [
    ({}, {'CLOUDFLARE_API_TOKEN': 'network-token'}, 'Account Analytics Read'),
    ({'no_analytics': True}, {}, 'this account cannot query magicTransitTunnelTrafficAdaptiveGroups'),
])
def test_a_status_without_traffic_is_a_status_and_a_warning(run_module, simulator, change, environment, reason):
    simulator.reset(**change)
    run_module('interconnect', slot={'site': 'ewr-a'})
    result = run_module('status_info', traffic=True, environment=environment)
    assert [(status['state'], status['traffic']) for status in result['statuses']] == [('Pending', None)]
    (warning,) = [str(text) for text in result['warnings'] if reason in str(text)]
    assert 'The traffic is not known. ' in warning


def test_a_token_that_only_reads_may_query(run_module, simulator, pair):
    simulator.set_traffic(pair['nyc-1'], 5)
    environment, before = {'CLOUDFLARE_API_TOKEN': 'read-only-token'}, len(simulator.requests())
    (status,) = run_module('status_info', conduit_name='nyc-1', traffic=True, environment=environment)['statuses']
    assert (status['traffic']['bits_in'], status['traffic']['bits_out']) == (5, None)
    read = [request['path'] for request in simulator.requests()[before:] if request['method'] == 'GET']
    assert sorted(read) == sorted({*read})  # nothing twice


# Whatever deletes.

AWAY = {'name': 'nyc-1', 'slot': {'site': 'lhr-a'}, 'on_immutable': 'replace'}
DOORS = [
    ('rollout', {'circuits': [{'name': 'nyc-1'}], 'state': 'deleted'}),
    ('rollout', {'circuits': [{'name': 'nyc-2'}], 'state': 'overridden', 'max_deletes': 1}),
    ('rollout', {'circuits': [AWAY]}),
    ('interconnect', {'conduit_name': 'nyc-1', 'state': 'absent'}),
    ('interconnect', {'conduit_name': 'nyc-1', 'slot': {'site': 'lhr-a'}, 'on_immutable': 'replace'}),
    ('cni', {'conduit_name': 'nyc-1', 'state': 'absent'}),
]


def error_of(result):
    failed = next((circuit for circuit in result.get('circuits', ()) if circuit['outcome'] == 'failed'), result)
    return failed['error'], failed['msg']


@pytest.mark.parametrize('check', [False, True])
@pytest.mark.parametrize(('module', 'options'), DOORS)
def test_a_circuit_that_has_carried_traffic_is_not_deleted(run_module, simulator, writes, pair, module, options, check):
    simulator.set_status(pair['nyc-1'], 'Down')  # so that no other guard refuses
    simulator.set_traffic(pair['nyc-1'], 0, 340_000_000)
    before = writes()
    error, message = error_of(run_module(module, check, **options, traffic=True))
    assert (error['kind'], error['candidates'], error['retryable'], writes()) == ('protected', ['nyc-1'], False, before)
    assert message.startswith('nyc-1: its tunnel has carried 0 bit into Cloudflare and 340 Mbit out of it since 20')
    assert 'It is not deleted without force=true.' in message


@pytest.mark.parametrize(('module', 'options'), DOORS)
@pytest.mark.parametrize(('more', 'count'), [({}, 0), ({'traffic': True, 'force': True}, 0)])
def test_it_is_deleted_by_force_and_where_nobody_asks_for_its_traffic(run_module, simulator, pair, queries, module, options, more, count):
    simulator.set_status(pair['nyc-1'], 'Down')
    simulator.set_traffic(pair['nyc-1'], 1)
    assert not (result := run_module(module, **options, **more)).get('failed'), result
    assert (result['changed'], queries()) == (True, count)


def test_silence_allows_nothing_that_another_guard_refuses(run_module, simulator, pair, queries):
    simulator.set_status(pair['nyc-2'], 'Down')
    refused = run_module('rollout', circuits=[{'name': 'nyc-1'}], state='deleted', traffic=True)
    assert (error_of(refused)[0]['kind'], queries()) == ('protected', 2)
    assert 'would be left without a Healthy circuit' in refused['msg']


def test_traffic_that_cannot_be_read_deletes_nothing(run_module, simulator, pair, writes):
    simulator.set_status(pair['nyc-1'], 'Down')
    before, environment = writes(), {'CLOUDFLARE_API_TOKEN': 'network-token'}
    for module, options in DOORS:
        result = run_module(module, **options, traffic=True, environment=environment)
        assert (result['failed'], result['error']['code'], writes()) == (True, 'authz', before), module
        assert 'Account Analytics Read' in result['msg']


def test_a_run_that_deletes_nothing_queries_nothing(run_module, pair, queries):
    changed = run_module('rollout', circuits=[{'name': 'nyc-1', 'mtu': 1400}], traffic=True)
    assert (changed['changed'], queries()) == (True, 0)


# The playbooks.

def test_status_shows_it_and_decommission_heeds_it(tmp_path, simulator):
    account = Account(simulator, tmp_path)
    port = account.seed('nyc-1', next(slot['id'] for slot in simulator.state()['slots'] if not slot['occupied']))
    account.simulator.set_traffic(port, 2_000_000, 1)
    hosts = {'nyc-1': {'provision_traffic': True}}
    shown = account.play('status', hosts)
    assert shown.status == 0, shown.output
    assert f'nyc-1 ({port}): 2 Mbit into Cloudflare and 1 bit out of it since 20' in shown.output
    refused = account.play('decommission', hosts, '--limit', 'nyc-1')
    assert (refused.status, refused.writes) == (2, []), refused.output
    assert 'nyc-1: its tunnel has carried 2 Mbit into Cloudflare' in refused.output
    account.simulator.set_traffic(port)
    silent = account.play('status', hosts)
    assert f'nyc-1 ({port}): Cloudflare reports no traffic, which is no proof of none' in silent.output
    assert account.play('decommission', hosts, '--limit', 'nyc-1').status == 0
