# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Static routes against the simulator: by themselves, and as part of circuits."""

from __future__ import annotations

import json

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
        second = run_module('static_route', **options)
        before = len(writes())
        assert (second['changed'], second['diff']) == (False, [])
    assert [method for method, _path in writes()[-4:]] == ['POST', 'PUT', 'PUT', 'DELETE']


def test_a_route_leads_to_the_customers_end_of_the_circuit(run_module, simulator, circuits):
    made = run_module('static_route', prefix='10.20.0.0/16', conduit_name='nyc-1')['route']
    (stored,) = simulator.state()['routes']
    assert made == stored
    assert (stored['nexthop'], stored['priority']) == (address(circuits['nyc-1']), 100)
    assert run_module('static_route', prefix='10.20.0.0/16', nexthop=circuits['nyc-1'])['changed'] is False


# The routes of circuits.

PAIR = [{'name': 'nyc-1', 'slot': SLOT, 'health_check': {'rate': 'high'},
         'routes': [{'prefix': '10.20.0.0/16'}, {'prefix': '10.30.0.0/16'}]},
        {'name': 'nyc-2', 'slot': SLOT, 'routes': [{'prefix': '10.20.0.0/16', 'weight': 64}, {'prefix': '10.30.0.0/16', 'priority': 200}]}]
FOREIGN = {'id': 'f' * 32, 'prefix': '10.20.0.0/16', 'nexthop': '192.0.2.1', 'priority': 100}


@pytest.fixture
def rollout(run_module):
    """rollout(circuits, ...) -> its result, and that of each circuit by name."""
    def rollout(circuits, **options):
        result = run_module('rollout', circuits=circuits, **options)
        return result, {circuit['name']: circuit for circuit in result.get('circuits', ())}
    return rollout


def table(simulator) -> list[tuple]:
    """(circuit or next hop, prefix, priority) of the stored routes, sorted."""
    state = simulator.state()
    ends = {address(cni['cust_ip']): cni['magic']['conduit_name'] for cni in state['cnis']}
    return sorted((ends.get(route['nexthop'], route['nexthop']), route['prefix'], route['priority']) for route in state['routes'])


WHOLE = [('nyc-1', '10.20.0.0/16', 100), ('nyc-1', '10.30.0.0/16', 100), ('nyc-2', '10.20.0.0/16', 100), ('nyc-2', '10.30.0.0/16', 200)]


def test_a_pair_comes_with_its_routes_and_a_second_run_changes_nothing(rollout, simulator, writes):
    predicted, _circuits = rollout(PAIR, check=True)
    assert (predicted['summary'], writes()) == ({'created': 2}, [])
    done, circuits = rollout(PAIR)
    assert (done['summary'], table(simulator)) == ({'created': 2}, WHOLE)
    assert [diff['after_header'] for diff in predicted['diff'][1:]] == [diff['after_header'] for diff in done['diff'][1:]]
    assert [route['prefix'] for route in circuits['nyc-2']['objects']['routes']] == ['10.20.0.0/16', '10.30.0.0/16']
    of_nyc_1 = [(method, path.split('/')[2]) for method, path in writes() if 'nyc-1' in path or method == 'PUT' or 'routes' in path]
    assert of_nyc_1.index(('PUT', 'cf_interconnects')) < len(of_nyc_1) - 2  # its two routes come after its health check
    before = writes()
    second, circuits = rollout(PAIR)
    assert (second['changed'], second['summary'], writes()) == (False, {'unchanged': 2}, before)
    assert len(circuits['nyc-1']['objects']['routes']) == 2


def test_a_list_of_routes_is_all_of_a_circuit_and_none_of_others(rollout, simulator, writes):
    rollout(PAIR)
    simulator.seed(routes=[*simulator.state()['routes'], FOREIGN])
    before = len(writes())
    _result, circuits = rollout([{'name': 'nyc-1', 'routes': [{'prefix': '10.20.0.0/17'}, {'prefix': '10.30.0.0/16'}]}])
    assert (circuits['nyc-1']['outcome'], [method for method, _path in writes()[before:]]) == ('updated', ['POST', 'DELETE'])
    foreign = ('192.0.2.1', '10.20.0.0/16', 100)
    assert table(simulator) == sorted([foreign, ('nyc-1', '10.20.0.0/17', 100), *WHOLE[1:]])
    assert rollout([{'name': 'nyc-1'}])[0]['changed'] is False
    _result, circuits = rollout([{'name': 'nyc-1', 'routes': []}], steps=['routes'])
    assert (circuits['nyc-1']['outcome'], table(simulator)) == ('updated', [foreign, *WHOLE[2:]])
    assert rollout([{'name': 'nyc-1', 'routes': []}])[0]['changed'] is False


def test_a_route_that_can_not_be_fails_its_circuit_by_its_place(rollout, writes):
    _result, circuits = rollout([{'name': 'nyc-1', 'slot': SLOT, 'routes': [{'prefix': '10.0.0.0/8'}, {'prefix': 'all'}]},
                                 {'name': 'nyc-2', 'slot': SLOT, 'routes': [{'prefix': '10.0.0.0/8'}, {'prefix': '10.1.0.0/8'}]}])
    assert circuits['nyc-1']['error']['option'] == 'routes[1].prefix'
    assert circuits['nyc-1']['msg'].startswith("routes[1].prefix: 'all' is not valid")
    assert circuits['nyc-2']['msg'] == "routes.prefix: '10.0.0.0/8' is named twice."
    assert writes() == []


@pytest.mark.parametrize('state', ['deleted', 'overridden'])
def test_a_circuit_with_routes_that_nobody_named_is_not_deleted_without_force(rollout, simulator, writes, state):
    rollout(PAIR)
    before, circuits = writes(), [{'name': 'nyc-1'}] if state == 'deleted' else [PAIR[1]]
    for check in (True, False):
        result, ended = rollout(circuits, state=state, max_deletes=1, check=check)
        assert (result['failed'], ended['nyc-1']['error']['kind']) == (True, 'protected')
        assert ended['nyc-1']['error']['candidates'] == ['10.20.0.0/16', '10.30.0.0/16']
        assert ended['nyc-1']['msg'] == ('nyc-1: it is the next hop of routes that are not declared with it: 10.20.0.0/16, 10.30.0.0/16. '
                                         'It is not deleted without force=true.')
    assert writes() == before
    result, ended = rollout(circuits, state=state, max_deletes=1, force=True)
    assert (ended['nyc-1']['outcome'], table(simulator)) == ('deleted', WHOLE[2:])
    kinds = [path.split('/')[2] for method, path in writes() if method == 'DELETE']
    assert kinds == ['routes', 'routes', 'cnis', 'interconnects']
    assert sum('static route' in diff['before_header'] for diff in result['diff'][1:]) == 2


def test_routes_that_are_declared_go_with_their_circuit_and_purge_routes_is_a_word_for_the_others(rollout, simulator):
    rollout(PAIR)
    _result, ended = rollout([{'name': 'nyc-1', 'routes': []}], state='deleted')
    assert (ended['nyc-1']['outcome'], table(simulator)) == ('deleted', WHOLE[2:])
    rollout(PAIR)
    _result, ended = rollout(PAIR[:1], state='overridden', max_deletes=1, purge_routes=True)
    assert (ended['nyc-2']['outcome'], table(simulator)) == ('deleted', WHOLE[:2])


@pytest.mark.parametrize(('module', 'options'), [('cni', {'conduit_name': 'nyc-1'}), ('interconnect', {'conduit_name': 'nyc-1'})])
def test_a_module_that_deletes_a_routed_circuit_asks_for_force_too(run_module, rollout, simulator, writes, module, options):
    rollout(PAIR)
    before = writes()
    result = run_module(module, **options, state='absent')
    assert (result['error']['kind'], result['error']['candidates'], writes()) == ('protected', ['10.20.0.0/16', '10.30.0.0/16'], before)
    result = run_module(module, **options, state='absent', force=True)
    assert (result['changed'], table(simulator)) == (True, WHOLE[2:])


@pytest.mark.parametrize('named', [True, False])
def test_the_routes_of_a_circuit_that_is_replaced_are_made_again_on_its_new_address(rollout, simulator, writes, named):
    rollout(PAIR)
    moved = {**PAIR[0], 'slot': {'site': 'lhr-a', 'speed': '10G'}, 'on_immutable': 'replace'}
    moved = moved if named else {name: value for name, value in moved.items() if name != 'routes'}
    before = writes()
    if not named:
        _result, ended = rollout([moved])
        assert (ended['nyc-1']['error']['kind'], writes()) == ('protected', before)
    _result, ended = rollout([moved], force=not named)
    assert (ended['nyc-1']['outcome'], table(simulator)) == ('replaced', WHOLE)
    methods = [(method, path.split('/')[2]) for method, path in writes()[len(before):] if method != 'PUT']
    assert methods[0:2] + methods[-2:] == [('DELETE', 'routes')] * 2 + [('POST', 'routes')] * 2
    before = writes()
    assert (rollout([moved])[0]['changed'], writes()) == (False, before)


@pytest.mark.parametrize('named', [True, False])
def test_the_routes_of_a_circuit_follow_its_address(rollout, simulator, writes, named):
    rollout(PAIR)
    moved = {'name': 'nyc-1', 'cust_ip': '172.31.9.1/31', 'p2p_ip': '172.31.9.0/31', **({'routes': PAIR[0]['routes']} if named else {})}
    before = len(writes())
    rollout([moved], force=not named)
    assert [method for method, _path in writes()[before:]] == ['DELETE', 'DELETE', 'PUT', 'POST', 'POST']
    assert table(simulator) == WHOLE
    assert rollout([moved])[0]['changed'] is False


def test_a_route_that_somebody_has_prepared_at_the_new_address_is_not_changed(rollout, simulator, writes, run_module):
    rollout(PAIR)
    run_module('static_route', prefix='10.20.0.0/16', nexthop='172.31.9.1', priority=7)
    moved, before, routes = {'name': 'nyc-1', 'cust_ip': '172.31.9.1/31', 'p2p_ip': '172.31.9.0/31'}, writes(), simulator.state()['routes']
    _result, ended = rollout([moved], force=True)
    assert (ended['nyc-1']['error']['kind'], writes()) == ('drift', before)
    assert ended['nyc-1']['error']['fields'] == {'priority': {'have': 7, 'want': 100}}
    run_module('static_route', id=routes[-1]['id'], priority=100)
    assert rollout([moved], force=True)[1]['nyc-1']['outcome'] == 'updated'
    assert [route for route in simulator.state()['routes'] if route['id'] == routes[-1]['id']] != []


def test_a_surplus_route_goes_only_once_the_new_ones_are_there(rollout, simulator):
    rollout(PAIR)
    simulator.fault('status', method='POST', path='routes', status=400, times=None)
    _result, ended = rollout([{'name': 'nyc-1', 'routes': [{'prefix': '10.20.0.0/17'}]}])
    assert (ended['nyc-1']['outcome'], table(simulator)) == ('failed', WHOLE)


def test_gathered_circuits_have_their_routes_and_fed_back_they_change_nothing(rollout, simulator, run_module, writes):
    scoped = {'prefix': '10.0.0.0/8', 'scope': {'colo_names': ['den01']}, 'description': 'x', 'weight': 7}
    rollout([PAIR[0], {**PAIR[1], 'routes': [scoped]}])
    simulator.seed(routes=[*simulator.state()['routes'], FOREIGN])
    before = writes()
    gathered = run_module('rollout', state='gathered')['gathered']
    assert [circuit['routes'] for circuit in gathered] == [
        [{'prefix': '10.20.0.0/16', 'priority': 100}, {'prefix': '10.30.0.0/16', 'priority': 100}],
        [{**scoped, 'priority': 100}]]
    assert (rollout(gathered, state='overridden')[0]['changed'], writes()) == (False, before)


def test_a_cni_that_the_api_keeps_while_routes_point_to_it_can_be_replaced_and_deleted(run_module, process):
    process.reset(keep_routed_cnis=True)
    run_module('rollout', circuits=PAIR)
    replaced = {**PAIR[0], 'slot': {'site': 'lhr-a'}, 'on_immutable': 'replace'}
    assert run_module('rollout', circuits=[replaced])['summary'] == {'replaced': 1}
    assert run_module('rollout', circuits=PAIR, state='deleted', max_deletes=2)['summary'] == {'deleted': 2}


# Files, and what is read.

def test_the_hand_over_has_the_routes_of_a_circuit_that_declares_them(rollout, tmp_path, writes):
    folder = str(tmp_path)
    predicted, _circuits = rollout([PAIR[0], {'name': 'nyc-3', 'slot': SLOT}], artifacts_dir=folder, check=True)
    assert predicted['summary'] == {'created': 2}
    rollout([PAIR[0], {'name': 'nyc-3', 'slot': SLOT}], artifacts_dir=folder)
    records = {name: json.loads((tmp_path / f'{name}.json').read_text()) for name in ('nyc-1', 'nyc-3')}
    entries = [{'prefix': '10.20.0.0/16', 'priority': 100}, {'prefix': '10.30.0.0/16', 'priority': 100}]
    assert (records['nyc-1']['routes'], 'routes' in records['nyc-3']) == (entries, False)
    assert '| 10.30.0.0/16 | 100 |' in (tmp_path / 'nyc-1.md').read_text()
    before = writes()
    assert rollout(PAIR[:1], artifacts_dir=folder)[0]['changed'] is False
    assert rollout(PAIR[:1], artifacts_dir=folder, steps=['handover'])[0]['changed'] is False
    assert writes() == before
    rollout([{**PAIR[0], 'routes': []}], artifacts_dir=folder)
    assert json.loads((tmp_path / 'nyc-1.json').read_text())['routes'] == []


def test_five_hundred_circuits_with_four_routes_each_converge_in_the_pages_of_the_lists(run_module, process):
    circuits = [{'name': f'c-{number}', 'interconnect': f'p-{number}',
                 'routes': [{'prefix': f'10.{number % 250}.{part * 64}.0/18', 'priority': 100 + number // 250} for part in range(4)]}
                for number in range(500)]
    ports = [{'name': circuit['interconnect'], 'type': 'gcp_partner', 'region': 'us-east4', 'speed': '1G', 'account': process.account,
              'virtual_port_reservation_id': f'{number:032x}'} for number, circuit in enumerate(circuits)]
    cnis = [{'id': f'00000000-0000-4000-8000-{number:012}', 'account': process.account, 'interconnect': circuit['interconnect'],
             'magic': {'conduit_name': circuit['name'], 'description': '', 'mtu': 1500},
             **{end: f'172.31.{number // 100}.{number % 100 * 2 + last}/31' for end, last in (('cust_ip', 1), ('p2p_ip', 0))}}
            for number, circuit in enumerate(circuits)]
    routes = [{**route, 'id': f'{number * 4 + part:032x}', 'nexthop': cnis[number]['cust_ip'].split('/')[0]}
              for number, circuit in enumerate(circuits) for part, route in enumerate(circuit['routes'])]
    process.reset(page_size=1000, no_validate=True)
    process.seed(interconnects=ports, cnis=cnis, routes=routes)
    result = run_module('rollout', circuits=circuits)
    assert (result['summary'], result['api']['requests']) == ({'unchanged': 500}, 2)
    process.seed(routes=routes[4:])
    result = run_module('rollout', circuits=circuits)
    assert (result['summary'], len(process.state()['routes'])) == ({'updated': 1, 'unchanged': 499}, 2000)
    assert result['api']['requests'] == 2 + 4 + 1  # the lists, the four routes, and a look at whether somebody else made the same
