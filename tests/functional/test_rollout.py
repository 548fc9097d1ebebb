# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many circuits in one task: the module rollout, and its playbook over the inventory that the role reads."""

from __future__ import annotations

import fcntl
import json
import os
import re
import sys
from collections import Counter

import ansible_runner
import pytest
import yaml
from reliability.matrix import stored
from support.playbook import ROOT, Account

KEY = '7e51371e-72a3-40b5-b844-2e3efefaee59/us-east4/2'
SLOT = {'site': 'ewr-a', 'speed': '10G'}
BGP = {'customer_asn': 64512, 'extra_prefixes': ['192.0.2.0/24'], 'md5_key': 'planted md5 key'}
CIRCUITS = [
    {'name': 'nyc-2', 'slot': {**SLOT, 'diverse_from': ['nyc-1', 'nyc-2']}, 'bgp': BGP, 'bgp_mode': 'advertise_only'},
    {'name': 'nyc-1', 'slot': {**SLOT, 'diverse_from': ['nyc-1', 'nyc-2']}, 'bgp': BGP, 'mtu': 1400, 'health_check': {'rate': 'high'}},
    {'name': 'gcp-1', 'pairing_key': KEY, 'bandwidth': '1G'},
]
PLAIN = {'name': 'nyc-1', 'slot': SLOT}


@pytest.fixture
def rollout(run_module):
    """rollout(circuits, state='merged', check=False, **options) -> the result of the module."""
    def rollout(circuits=None, state='merged', check=False, **options):
        return run_module('rollout', check, circuits=circuits, state=state, **options)
    return rollout


@pytest.fixture
def fleet(rollout):
    """The circuits, made."""
    return rollout(CIRCUITS)


def outcomes(result: dict) -> dict[str, str]:
    return {circuit['name']: circuit['outcome'] for circuit in result['circuits']}


def carried(simulator) -> dict[str, dict]:
    """{circuit: its interconnect} as stored."""
    state = simulator.state()
    ports = {port['name']: port for port in state['interconnects']}
    return {cni['magic']['conduit_name']: ports[cni['interconnect']] for cni in state['cnis']}


# The states.

def test_a_fleet_comes_about_as_check_mode_predicted_and_a_second_run_changes_nothing(rollout, simulator, writes):
    predicted = rollout(CIRCUITS, check=True)
    assert writes() == []
    done = rollout(CIRCUITS)
    assert (predicted['changed'], predicted['diff'], predicted['summary']) == (True, done['diff'], {'created': 3})
    assert outcomes(done) == dict.fromkeys(['nyc-2', 'nyc-1', 'gcp-1'], 'created')
    assert done['diff'][0]['prepared'] == '3 circuits: 3 created\n'
    ports, state = carried(simulator), simulator.state()
    assert {circuit['name']: circuit['interconnect'] for circuit in done['circuits']} == {name: ports[name]['name'] for name in ports}
    assert ports['nyc-1']['ccr_device_name'] != ports['nyc-2']['ccr_device_name']
    assert {cni['magic']['conduit_name']: cni.get('bgp_mode') for cni in state['cnis']}['nyc-2'] == 'advertise_only'
    assert [tunnel['health_check']['rate'] for tunnel in state['tunnels'] if tunnel['name'] == ports['nyc-1']['name']] == ['high']
    before = writes()
    second = rollout(CIRCUITS)
    assert (second['changed'], second['diff'], second['summary'], writes()) == (False, [], {'unchanged': 3}, before)
    assert 'planted' not in json.dumps([predicted, done, second])


def test_a_converged_account_costs_its_pages_and_no_more(rollout, simulator, fleet):
    without = [{name: value for name, value in circuit.items() if name != 'health_check'} for circuit in CIRCUITS]
    assert rollout(without)['api']['requests'] == 2
    assert rollout(CIRCUITS)['api']['requests'] == 3
    assert not {request['path'].rsplit('/', 1)[-1] for request in simulator.requests()[-5:]} & {'slots'}


def test_a_new_circuit_costs_its_writes_and_no_look_of_its_own_and_all_health_checks_one_request(rollout, simulator):
    assert rollout([{**PLAIN, 'name': name, 'bgp': BGP, 'health_check': {'rate': 'high'}} for name in ('nyc-1', 'nyc-2')])['changed']
    sent = Counter((request['method'], re.sub('[0-9a-f-]{32,36}', 'ID', request['path']).partition('/ID/')[2])
                   for request in simulator.requests())
    assert {what: times for what, times in sent.items() if what[0] != 'GET' or what[1].endswith('/ID')} == {
        ('POST', 'cni/interconnects'): 2, ('POST', 'cni/cnis'): 2, ('PUT', 'magic/cf_interconnects'): 1,
    }


def test_what_is_gathered_can_be_fed_back_and_holds_no_secret(rollout, simulator, fleet, writes):
    simulator.seed(cnis=[{**cni, 'newer_field': 1} for cni in simulator.state()['cnis']])
    gathered, before = rollout(state='gathered'), writes()
    assert (gathered['changed'], [circuit['name'] for circuit in gathered['gathered']]) == (False, ['gcp-1', 'nyc-1', 'nyc-2'])
    assert 'planted' not in json.dumps(gathered)
    second = rollout(gathered['gathered'], state='overridden')
    assert (second['changed'], second['summary'], writes()) == (False, {'unchanged': 3}, before)
    assert [circuit['name'] for circuit in rollout([{'name': 'nyc-1'}], state='gathered')['gathered']] == ['nyc-1']


def test_a_circuit_is_renamed_and_orders_no_port(rollout, simulator, fleet):
    ports = {name: port['name'] for name, port in carried(simulator).items()}
    renamed = [{**CIRCUITS[1], 'name': 'newark-1', 'previous_name': 'nyc-1'}, CIRCUITS[2], CIRCUITS[0] | {'slot': SLOT}]
    predicted, done = rollout(renamed, state='overridden', check=True), rollout(renamed, state='overridden')
    assert (predicted['diff'], predicted['summary'], done['summary']) == (done['diff'], {'updated': 1, 'unchanged': 2}, {
        'updated': 1, 'unchanged': 2})
    assert {name: port['name'] for name, port in carried(simulator).items()} == {
        'newark-1': ports['nyc-1'], 'nyc-2': ports['nyc-2'], 'gcp-1': ports['gcp-1']}
    assert rollout(renamed, state='overridden')['changed'] is False
    claimed = rollout([*renamed, {'name': 'nyc-1', 'slot': SLOT}])
    assert (claimed['circuits'][0]['error']['option'], claimed['circuits'][0]['outcome']) == ('previous_name', 'failed')


def test_merged_touches_no_other_circuit(rollout, simulator, fleet):
    before = {cni['magic']['conduit_name']: cni for cni in simulator.state()['cnis']}
    result = rollout([{'name': 'nyc-1', 'mtu': 1300}])
    after = {cni['magic']['conduit_name']: cni for cni in simulator.state()['cnis']}
    assert outcomes(result) == {'nyc-1': 'updated'}
    assert after == {**before, 'nyc-1': {**before['nyc-1'], 'magic': {**before['nyc-1']['magic'], 'mtu': 1300}}}


def test_overridden_deletes_no_more_than_it_may(rollout, simulator, fleet, writes):
    before, ports = writes(), carried(simulator)
    refused = rollout(CIRCUITS[:1], state='overridden', max_deletes=1)
    assert (refused['error']['option'], writes()) == ('max_deletes', before)
    gone = ', '.join(f'{name} ({ports[name]["name"]}, {state})' for name, state in (('gcp-1', 'Healthy'), ('nyc-1', 'Pending')))
    assert f'2 circuits that are not in the list would be deleted: {gone}. Nothing was written.' in refused['msg']
    done = rollout(CIRCUITS[:1], state='overridden', max_deletes=2, force=True)
    assert outcomes(done) == {'nyc-2': 'unchanged', 'gcp-1': 'deleted', 'nyc-1': 'deleted'}
    assert (list(carried(simulator)), len(simulator.state()['interconnects'])) == (['nyc-2'], 1)


def test_a_circuit_that_carries_the_traffic_of_its_region_is_deleted_by_force_only(rollout, simulator, fleet):
    refused = rollout([{'name': 'nyc-1'}, {'name': 'gcp-1'}], state='deleted', max_deletes=2)
    assert outcomes(refused) == {'nyc-1': 'deleted', 'gcp-1': 'failed'}
    error = refused['circuits'][1]['error']
    assert (error['kind'], error['candidates'], error['retryable']) == ('protected', ['gcp-1'], False)
    assert sorted(carried(simulator)) == ['gcp-1', 'nyc-2']
    predicted = rollout([{'name': 'gcp-1'}], state='deleted', check=True, force=True)
    assert [entry['before']['status'] for entry in predicted['diff'] if entry.get('before')] == ['Healthy', 'Healthy']
    assert rollout([{'name': 'gcp-1'}], state='deleted', force=True)['diff'] == predicted['diff']


def test_sixty_healthy_circuits_that_are_declared_absent_all_stay(rollout, simulator, writes):
    simulator.reset(slots=200, activate_after=0)
    names = [f'c{number}' for number in range(60)]
    assert rollout([{'name': name, 'slot': {'speed': '10G'}} for name in names])['summary'] == {'created': 60}
    before = writes()
    refused = rollout([{'name': name} for name in names], state='deleted')
    assert (refused['error']['option'], writes(), len(carried(simulator))) == ('max_deletes', before, 60)
    assert refused['msg'].count('Healthy') == 60


def test_one_of_a_pair_changes_in_a_run_and_the_other_one_in_the_next(rollout, simulator):
    simulator.reset(activate_after=0)
    pair = [{'name': name, 'slot': SLOT} for name in ('nyc-1', 'nyc-2')]
    rollout(pair)
    desired = [{**circuit, 'mtu': 1400} for circuit in pair]
    first = rollout(desired, at_most_per_site=1)
    assert (outcomes(first), first['summary']) == ({'nyc-1': 'updated', 'nyc-2': 'deferred'}, {'updated': 1, 'deferred': 1})
    assert 'this run already changes nyc-1 at site ewr-a' in first['circuits'][1]['msg']
    simulator.set_status(carried(simulator)['nyc-1']['name'], 'Down', 'no light')
    waiting = rollout(desired, at_most_per_site=1)
    assert (outcomes(waiting), waiting['changed']) == ({'nyc-1': 'unchanged', 'nyc-2': 'deferred'}, False)
    assert 'nyc-1 (Down)' in waiting['circuits'][1]['msg']
    simulator.set_status(carried(simulator)['nyc-1']['name'], 'Healthy')
    assert outcomes(rollout(desired, at_most_per_site=1)) == {'nyc-1': 'unchanged', 'nyc-2': 'updated'}
    assert rollout(desired, at_most_per_site=1)['summary'] == {'unchanged': 2}


def test_deleted_leaves_nothing_but_what_was_there_before(rollout, run_module, simulator, fleet):
    own = run_module('interconnect', slot={'site': 'lhr-a'})['interconnect']['name']
    rollout([{'name': 'lon-1', 'interconnect': own}])
    names = [{'name': circuit['name']} for circuit in CIRCUITS]
    options = {'state': 'deleted', 'max_deletes': 4, 'force': True}
    assert rollout([*names, {'name': 'lon-1', 'interconnect': own}], **options)['summary'] == {'deleted': 4}
    state = simulator.state()
    assert (state['cnis'], [port['name'] for port in state['interconnects']]) == ([], [own])
    assert rollout(names, state='deleted')['changed'] is False


def test_a_port_that_two_circuits_share_stays_until_the_last_is_deleted(rollout, run_module, simulator):
    own = run_module('interconnect', slot=SLOT)['interconnect']['name']
    pair = [{'name': name, 'interconnect': own, 'shared': True} for name in ('a', 'b')]
    rollout(pair)
    gathered = rollout(state='gathered')['gathered']
    assert rollout(gathered)['changed'] is False
    assert rollout([{'name': 'a'}], state='deleted')['summary'] == {'deleted': 1}
    assert list(carried(simulator)) == ['b']
    rollout([{'name': 'b'}], state='deleted')
    assert simulator.state()['interconnects'] == []


def test_circuits_that_share_a_port_and_go_together_take_it_along_but_not_one_that_was_named(rollout, run_module, simulator):
    first, second = (run_module('interconnect', slot={'site': site})['interconnect']['name'] for site in ('ewr-a', 'lhr-a'))
    pairs = {'a': first, 'b': first, 'c': second, 'd': second}
    rollout([{'name': name, 'interconnect': port, 'shared': True} for name, port in pairs.items()])
    done = rollout([{'name': 'a'}, {'name': 'b'}, {'name': 'c', 'interconnect': second}, {'name': 'd'}], state='deleted', max_deletes=4)
    assert done['summary'] == {'deleted': 4}
    assert (simulator.state()['cnis'], [port['name'] for port in simulator.state()['interconnects']]) == ([], [second])


# Replacement, and runs that end between two deletes.

FULL = {**PLAIN, 'description': 'uplink', 'mtu': 1400, 'bgp': BGP, 'bgp_mode': 'advertise_only',
        'health_check': {'rate': 'high', 'type': 'request'}}


@pytest.mark.parametrize('order', [{'slot': {'site': 'ewr-a', 'speed': '100G'}}, {'slot_id': '{free}'}], ids=['speed', 'slot_id'])
def test_a_circuit_is_replaced_with_all_that_it_had_but_the_addresses(rollout, simulator, order):
    rollout([FULL])
    before = simulator.state()
    free = next(slot['id'] for slot in reversed(before['slots']) if not slot['occupied'])
    place = json.loads(json.dumps(order).replace('{free}', free))
    desired = [{'name': 'nyc-1', **place, 'bgp': {'customer_asn': 64513}, 'on_immutable': 'replace'}]
    predicted, result = rollout(desired, check=True), rollout(desired)
    assert (predicted['changed'], result.get('error')) == (True, None)
    after = simulator.state()
    (old,), (new,) = before['cnis'], after['cnis']
    assert new['magic'] == old['magic']
    assert (new['bgp'], new['bgp_mode']) == ({**BGP, 'customer_asn': 64513}, 'advertise_only')
    assert [tunnel['health_check']['rate'] for tunnel in after['tunnels']] == ['high']
    addresses = {end: {'before': old[end], 'after': new[end]} for end in ('cust_ip', 'p2p_ip')}
    assert result['circuits'][0]['addresses'] == addresses
    ports = [(circuit['outcome'], circuit['former_interconnect'], circuit['interconnect']) for run in (predicted, result)
             for circuit in run['circuits']]
    assert ports == [('replaced', old['interconnect'], '(known after apply)'), ('replaced', old['interconnect'], new['interconnect'])]
    assert any(f'replaced, so cust_ip changes from {old["cust_ip"]} to {new["cust_ip"]}' in str(text) for text in result['warnings'])
    assert len(after['interconnects']) == 1
    assert rollout(desired)['changed'] is False


def test_the_module_interconnect_replaces_the_whole_circuit_too(rollout, run_module, simulator):
    rollout([FULL])
    before = simulator.state()
    options = {'conduit_name': 'nyc-1', 'slot': {'site': 'ewr-a', 'speed': '100G'}, 'on_immutable': 'replace'}
    result = run_module('interconnect', **options)
    after = simulator.state()
    assert (after['cnis'][0]['magic'], after['cnis'][0]['bgp']) == (before['cnis'][0]['magic'], before['cnis'][0]['bgp'])
    assert [tunnel['health_check'] for tunnel in after['tunnels']] == [tunnel['health_check'] for tunnel in before['tunnels']]
    assert (result['interconnect']['speed'], result['addresses']['cust_ip']['after']) == ('100G', after['cnis'][0]['cust_ip'])
    assert run_module('interconnect', **options)['changed'] is False


def test_many_are_replaced_by_one_plan(rollout, simulator):
    names = [f'c{number}' for number in range(12)]
    simulator.reset(slots=400)
    rollout([{'name': name, 'slot': {'speed': '10G'}} for name in names])
    before = len(simulator.requests())
    result = rollout([{'name': name, 'slot': {'speed': '100G'}, 'on_immutable': 'replace'} for name in names], max_deletes=12)
    assert result['summary'] == {'replaced': 12}
    assert {port['speed'] for port in simulator.state()['interconnects']} == {'100G'}
    statuses = [request for request in simulator.requests()[before:] if request['path'].endswith('/status')]
    assert len(statuses) == 12


@pytest.mark.parametrize(('second_run', 'remaining'), [
    (lambda rollout: rollout([{'name': 'nyc-1'}], state='deleted'), 0),
    (lambda rollout: rollout([], state='overridden', max_deletes=1), 0),
    (lambda rollout: rollout([PLAIN], state='overridden'), 1),
    (lambda rollout: rollout([{'name': 'nyc-1', 'slot': {'speed': '100G'}, 'on_immutable': 'replace'}]), 1),
], ids=['deleted', 'overridden', 'overridden with the circuit', 'replaced'])
def test_a_run_that_ended_between_the_two_deletes_is_taken_up_by_the_next(rollout, simulator, second_run, remaining):
    rollout([PLAIN])
    simulator.fault('status', method='DELETE', path='interconnects', status=400)
    failed = rollout([{'name': 'nyc-1'}], state='deleted')
    assert (failed['error']['kind'], failed['changed']) == ('partly', True)
    assert (simulator.state()['cnis'], len(simulator.state()['interconnects'])) == ([], 1)
    assert second_run(rollout)['changed'] is True
    assert len(simulator.state()['interconnects']) == remaining
    assert list(carried(simulator)) == ['nyc-1'] * remaining
    assert second_run(rollout)['changed'] is False


def test_a_second_circuit_that_says_shared_stays_beside_the_first_as_check_mode_predicted(rollout, run_module, simulator):
    own = run_module('interconnect', slot=SLOT)['interconnect']['name']
    pair = [{'name': 'a', 'interconnect': own}, {'name': 'b', 'interconnect': own, 'shared': True}]
    assert rollout(pair, check=True)['summary'] == {'created': 2}
    assert rollout(pair)['summary'] == {'created': 2}
    assert len(simulator.state()['cnis']) == 2
    assert rollout(pair)['changed'] is False


def test_what_an_empty_value_leaves_alone_clear_takes_away(rollout, simulator):
    rollout([FULL])
    blank = {'description': '', 'bgp': {'extra_prefixes': None}}
    assert rollout([{'name': 'nyc-1', **blank}])['changed'] is False
    cleared = {'name': 'nyc-1', 'clear': ['description', 'md5_key', 'extra_prefixes']}
    assert rollout([cleared], check=True)['changed'] is True
    assert rollout([cleared])['changed'] is True
    (cni,) = simulator.state()['cnis']
    assert (cni['magic']['description'], cni['bgp']) == ('', {'customer_asn': 64512, 'extra_prefixes': []})
    assert rollout([cleared])['changed'] is False
    assert rollout([{'name': 'nyc-1', 'clear': ['bgp']}])['changed'] is True
    assert 'bgp' not in simulator.state()['cnis'][0]
    refused = rollout([{'name': 'nyc-1', 'clear': ['bgp'], 'bgp': {'customer_asn': 64512}}])
    assert 'clear: bgp is to be cleared, but bgp.customer_asn is set' in refused['msg']


# Failures.

def test_a_circuit_that_can_not_be_stops_no_other_and_is_reported(rollout, simulator):
    result = rollout([{'name': 'nowhere', 'slot': {'site': 'nowhere'}}, PLAIN])
    assert (result['failed'], result['error']['kind'], outcomes(result)) == (True, 'partly', {'nowhere': 'failed', 'nyc-1': 'created'})
    assert "1 of 2 circuits failed. nowhere: slot.site: no slot has the site 'nowhere'" in result['msg']
    assert list(carried(simulator)) == ['nyc-1']


def test_fail_fast_writes_nothing_if_one_can_not_be(rollout, writes):
    result = rollout([{'name': 'nowhere', 'slot': {'site': 'nowhere'}}, PLAIN], fail_fast=True)
    assert (outcomes(result), result['changed'], writes()) == ({'nowhere': 'failed', 'nyc-1': 'skipped'}, False, [])


def test_what_the_api_refuses_is_reported_and_a_second_run_resumes(rollout, simulator):
    simulator.fault('status', method='POST', path='cnis', status=403, times=1)
    result = rollout(CIRCUITS, concurrency=1)
    assert Counter(outcomes(result).values()) == {'failed': 1, 'created': 2}
    failed = next(circuit for circuit in result['circuits'] if circuit['outcome'] == 'failed')
    assert (failed['error']['kind'], failed['error']['status'], failed['error']['path']) == ('api', 403, '/cni/cnis')
    second = rollout(CIRCUITS)
    assert outcomes(second)[failed['name']] == 'created'
    assert sorted(carried(simulator)) == ['gcp-1', 'nyc-1', 'nyc-2']
    assert len(simulator.state()['interconnects']) == 3


@pytest.mark.parametrize('fault', [{'kind': 'status', 'status': 502}, {'kind': 'status', 'status': 403}, {'kind': 'truncate'}], ids=str)
def test_a_read_that_fails_after_the_writes_hides_none_of_them(rollout, simulator, fault):
    """The tunnels are read again when the interconnects are there: their health checks fail, and say what was made."""
    simulator.fault(**fault, method='GET', path='cf_interconnects', after=1, times=None)
    checked = [{**PLAIN, 'name': name, 'health_check': {'rate': 'high'}} for name in ('a', 'b')]
    result = rollout([*checked, {**PLAIN, 'name': 'c'}], retry_timeout=1)
    assert outcomes(result) == {'a': 'failed', 'b': 'failed', 'c': 'created'}
    assert (result['failed'], result['changed'], result['summary']) == (True, True, {'failed': 2, 'created': 1})
    assert {circuit['error']['path'].rsplit('/', 1)[1] for circuit in result['circuits'] if 'error' in circuit} == {'cf_interconnects'}
    applied = {circuit['name']: [write['object'] for write in circuit.get('applied', ())] for circuit in result['circuits']}
    assert applied == {'a': ['interconnect of a', 'CNI of a'], 'b': ['interconnect of b', 'CNI of b'], 'c': []}
    assert [change['after_header'].split(' ')[0] for change in result['diff'][1:]] == ['interconnect', 'CNI'] * 3
    assert sorted(carried(simulator)) == ['a', 'b', 'c']


def test_fail_fast_begins_no_other_circuit_after_a_failed_write(rollout, simulator):
    simulator.fault('status', method='POST', path='interconnects', status=403, times=None)
    result = rollout(CIRCUITS, concurrency=1, fail_fast=True)
    assert Counter(outcomes(result).values()) == {'failed': 1, 'skipped': 2}
    assert [request['path'].rsplit('/', 1)[1] for request in simulator.requests() if request['method'] == 'POST'] == ['interconnects']


@pytest.mark.parametrize(('circuits', 'options', 'words'), [
    ([{'name': 'a', 'mtu': 9000}], {}, 'a: mtu: 9000 is not valid'),
    ([{'name': 'a', 'slot': {}}], {}, 'a: slot: is empty'),
    ([{'name': 'a', 'slot': SLOT}, {'name': 'a', 'slot': SLOT}], {}, "a: name: 2 circuits have the name 'a'."),
    ([{'name': 'a', 'slot': SLOT}], {'concurrency': 0}, 'concurrency: 0'),
    (None, {}, 'circuits'),
])
def test_what_can_not_be_is_refused_before_anything_is_read(rollout, simulator, circuits, options, words):
    assert words in rollout(circuits, **options)['msg']
    assert simulator.requests() == []


def test_a_lost_answer_orders_nothing_twice(rollout, simulator):
    for path in ('interconnects', 'cnis'):
        simulator.fault('drop_after', method='POST', path=path, times=2)
    result = rollout(CIRCUITS)
    assert result['summary'] == {'created': 3}, result
    assert (len(simulator.state()['interconnects']), len(simulator.state()['cnis'])) == (3, 3)


def test_an_empty_string_is_left_alone_in_a_circuit_too(rollout, simulator):
    blank = {'description': '', 'mtu': '', 'bgp_mode': '', 'on_immutable': '', 'slot_id': '', 'bgp': {'customer_asn': '64512'}}
    assert rollout([{**PLAIN, **blank}])['summary'] == {'created': 1}
    assert simulator.state()['cnis'][0]['magic'] == {'conduit_name': 'nyc-1', 'description': '', 'mtu': 1500}


def test_a_very_short_key_of_a_circuit_is_shown_nowhere(rollout):
    result = rollout([{**PLAIN, 'bgp': {'customer_asn': 64512, 'md5_key': 'q'}}])
    invocation = result.get('invocation')  # which ansible-core 2.21 leaves to the controller
    assert invocation is None or invocation['module_args']['circuits'][0]['bgp']['md5_key'] == '(hidden)'
    assert result['circuits'][0]['name'] == 'nyc-1'
    assert any('very short' in str(text) for text in result['warnings'])


# One inventory, two speeds.

HOSTS = {
    'first': {'provision_name': 'nyc-1', 'provision_slot': SLOT, 'provision_mtu': 1476, 'provision_health_check': {'rate': 'high'}},
    'nyc-2': {'provision_slot': {**SLOT, 'diverse_from': ['first']}, 'provision_description': '{{ 1 + 1 }} New York', 'provision_mtu': ''},
    'gcp-1': {'provision_pairing_key': KEY, 'provision_bandwidth': '1G', 'provision_default_asn': 65000},
    'old-1': {'provision_state': 'absent'},
}
for variables in HOSTS.values():
    variables['provision_bgp'] = BGP


def test_the_inventory_of_the_role_comes_to_the_same_by_one_task(process, tmp_path):
    ends = []
    for playbook in ('provision', 'rollout'):
        process.reset()
        folder = tmp_path / playbook
        folder.mkdir()
        account = Account(process, folder)
        account.seed('old-1', next(slot['id'] for slot in process.state()['slots'] if slot['site'] == 'lhr-a' and not slot['occupied']))
        run = account.play(playbook, HOSTS)
        assert run.status == 0, run.output
        assert 'planted' not in run.output
        ends.append(stored(process))
        second = account.play('rollout', HOSTS)
        assert (second.status, second.writes, second.changed) == (0, [], set()), second.output
    assert ends[0] == ends[1]


def test_overridden_is_for_the_whole_inventory(process, tmp_path):
    process.reset()
    run = Account(process, tmp_path).play('rollout', {'nyc-1': {}, 'nyc-2': {}}, '--limit', 'nyc-1', '-e', 'rollout_state=overridden')
    assert (run.status, run.sent) == (2, [])
    assert 'run it without --limit' in run.output


SLOW = {'circuits': [{'name': f'c-{n}', 'slot': {'speed': '10G'}} for n in range(12)], 'concurrency': 2, 'progress_every': 0.3}
PROGRESS = r'^rollout: (\d+) of 12 circuits after \d+ s \([\d.]+/s\), about \d+ s left$'


def play_of(folder, *tasks: dict) -> str:
    """A playbook that runs rollout in each task, with such options of the task."""
    runs = [{'netops.cloudflare_cni.rollout': {**SLOW, 'max_deletes': 12, 'state': task.pop('state', 'merged')}, **task} for task in tasks]
    (folder / 'play.yml').write_text(json.dumps([{'hosts': 'all', 'gather_facts': False, 'tasks': runs}]))
    return str(folder / 'play.yml')


def test_it_shows_how_far_it_has_come_while_it_runs(process, tmp_path):
    process.reset(latency=60)
    here = {'ansible_connection': 'local', 'ansible_python_interpreter': '{{ ansible_playbook_python }}'}
    run = Account(process, tmp_path).play(play_of(tmp_path, {}), {'here': here})
    assert run.status == 0, run.output
    lines = re.findall(PROGRESS, run.output, re.MULTILINE)
    assert len(lines) >= 2
    assert lines == sorted(lines, key=int)
    assert run.output.index('rollout: ') < run.output.index('changed: [here]')


@pytest.mark.parametrize('reason', ['another run is ordering for circuits of the folder', 'is occupied by this account, but no inter'])
def test_it_shows_why_it_waits(process, tmp_path, reason):
    process.reset()
    slot = next(slot for slot in process.state()['slots'] if not slot['occupied'])
    circuits = [{'name': 'c-1', 'slot_id': slot['id']}]
    options = {'circuits': circuits, 'artifacts_dir': str(tmp_path / 'files'), 'progress_every': 0.1, 'retry_timeout': 2}
    play = [{'hosts': 'all', 'gather_facts': False, 'tasks': [{'netops.cloudflare_cni.rollout': options}]}]
    (tmp_path / 'play.yml').write_text(json.dumps(play))
    (tmp_path / 'files').mkdir()
    here = {'ansible_connection': 'local', 'ansible_python_interpreter': '{{ ansible_playbook_python }}'}
    handle = os.open(tmp_path / 'files', os.O_RDONLY)
    try:
        if reason.startswith('another run'):
            fcntl.flock(handle, fcntl.LOCK_EX)
        else:
            process.seed(slots=[{**slot, 'occupied': True, 'account': process.account}])
        run = Account(process, tmp_path).play(str(tmp_path / 'play.yml'), {'here': here})
    finally:
        os.close(handle)
    assert run.status == 2
    assert re.search(rf'^rollout: waiting for \d s, 2 s at most: .*{reason}', run.output, re.MULTILINE), run.output


def test_a_runner_gets_it_as_events_from_a_delegated_task_but_nothing_of_what_is_not_to_be_shown(process, tmp_path):
    process.reset(latency=60)
    here = {'delegate_to': 'localhost'}
    play = play_of(tmp_path, here, {'state': 'deleted', 'no_log': True, **here})
    command, events = Account(process, tmp_path).command(play, {'far': {'ansible_host': '192.0.2.1'}}), []
    (tmp_path / 'run').mkdir()
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ['PATH']])
    run = ansible_runner.run(private_data_dir=str(tmp_path / 'run'), playbook=play, inventory=str(tmp_path / 'inventory.yml'), quiet=True,
                             envvars={**command['env'], 'PATH': path}, event_handler=lambda event: events.append(event) or True)
    assert run.status == 'successful', run.stdout.read()
    order = [re.sub(PROGRESS, r'\1', event['stdout']) if event['stdout'].startswith('rollout: ') else event['event'] for event in events]
    first, second = (number for number, what in enumerate(order) if what == 'playbook_on_task_start')
    shown = [number for number, what in enumerate(order) if what.isdigit()]
    assert len(shown) >= 2
    assert first < shown[0] and shown[-1] < order.index('runner_on_ok') < second
    assert (len([what for what in order if what == 'runner_on_ok']), process.state()['cnis']) == (2, [])


def test_the_guide_makes_an_inventory_of_an_account_and_a_diff_shows_what_changes(process, tmp_path):
    process.reset()
    account = Account(process, tmp_path)
    account.play('rollout', {name: variables for name, variables in HOSTS.items() if name != 'old-1'})
    guide = (ROOT / 'docs' / 'rollout.md').read_text()
    (tmp_path / 'adopted').mkdir()
    (playbook,) = [text for text in re.findall(r'(?s)```yaml\n(.*?)```', guide) if 'Write an inventory' in text]
    (tmp_path / 'adopted' / 'adopt.yml').write_text(playbook)
    adopted = account.play(str(tmp_path / 'adopted' / 'adopt.yml'), {})
    assert adopted.status == 0, adopted.output
    hosts = yaml.safe_load((tmp_path / 'adopted' / 'inventory.yml').read_text())['circuits']['hosts']
    for changed in ({('Report each circuit', 'nyc-2'), ('Report each circuit', 'gcp-1')}, set()):
        second = account.play('rollout', hosts, '-e', 'rollout_state=overridden')
        assert (second.status, second.writes, second.changed) == (0, [], changed), second.output
    hosts['nyc-1']['provision_mtu'] = 1400
    text = account.play('rollout', hosts, '--check', '--diff').output.split('TASK [Report each circuit]')[1].split('TASK [')[0]
    assert text.index('--- before') < text.index('changed: [nyc-1]')
    lines = {line.strip('-+ ,') for line in text.splitlines() if re.match(r'[-+] .*mtu', line)}
    assert lines == {'"mtu": 1476', '"mtu": 1400'}
    assert sorted(line for line in text.splitlines() if 'nyc-2' in line or 'gcp-1' in line) == ['ok: [gcp-1]', 'ok: [nyc-2]']
