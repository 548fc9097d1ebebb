# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan that a change board approves, and the run of rollout that applies that plan and nothing else: on the simulator in this process."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import pytest
from properties.inprocess import Api
from support.planted_secrets import MD5_KEY, PAIRING_KEY

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import CniError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._flow import rollout_work
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import Task
from ansible_collections.netops.cloudflare_cni.plugins.modules.rollout import ARGUMENT_SPEC

DEFAULTS = {name: spec.get('default') for name, spec in ARGUMENT_SPEC.items()}
SLOT = {'site': 'ewr-a', 'speed': '10G'}
FIRST = {'name': 'nyc-1', 'slot': SLOT, 'bgp': {'customer_asn': 64512, 'md5_key': MD5_KEY}, 'health_check': {'rate': 'high'},
         'routes': [{'prefix': '10.20.0.0/16'}, {'prefix': '10.30.0.0/16', 'priority': 200}]}
SECOND = {'name': 'nyc-2', 'slot': {**SLOT, 'diverse_from': ['nyc-1']}, 'health_check': {'rate': 'low'},
          'routes': [{'prefix': '10.20.0.0/16'}]}

PLAIN, PLAIN2 = {'name': 'nyc-1', 'slot': SLOT}, {'name': 'nyc-2', 'slot': SLOT}


class Killed(BaseException):
    """The end of a run, which nothing in it catches."""


class Service(Api):
    """The simulated account. ends_at: the number of requests after which a run is killed."""

    ends_at = None

    def __call__(self, *request):
        if self.ends_at is not None:
            self.ends_at -= 1
            if self.ends_at < 0:
                raise Killed
        return super().__call__(*request)

    def reset(self):
        self._simulation.reset()

    def set_status(self, name, state):
        self._simulation.set_status(name, state)

    def put(self, **lists):
        self._simulation.seed(**lists)


SERVICE = Service()


@pytest.fixture
def simulator():
    SERVICE.reset()
    return SERVICE


@pytest.fixture
def writes(simulator):
    """writes() -> [(method, path)] of all requests that write."""
    return lambda: [(request['method'], request['path']) for request in simulator.requests if request['method'] != 'GET']


@pytest.fixture
def rollout(simulator, tmp_path):
    """rollout(*circuits, check=False, killed_at=None, **options) -> the result of rollout, with a folder for the files."""
    def rollout(*circuits, check=False, killed_at=None, **options):
        params = {**DEFAULTS, 'circuits': list(circuits), 'artifacts_dir': str(tmp_path / 'artifacts'), 'concurrency': 1, **options}
        simulator.ends_at = killed_at
        try:
            return rollout_work(Task(params, simulator.client(), SimpleNamespace(check_mode=check, warn=lambda text: None)))
        except CniError as error:
            return {'failed': True, **error.result()}
        finally:
            simulator.ends_at = None
    return rollout


@pytest.fixture(params=['file', 'digest'])
def planned(rollout, tmp_path, request):
    """planned(*circuits, **options) -> what approved_plan takes of their plan, a path or a digest."""
    def planned(*circuits, **options):
        plan = rollout(*circuits, check=True, plan_file=str(tmp_path / 'plan.md'), **options)['plan']
        return plan['file'] if request.param == 'file' else plan['digest']
    planned.file = request.param == 'file'
    return planned


def outcomes(result):
    return {circuit['name']: circuit['outcome'] for circuit in result['circuits']}


def refused(result):
    """{circuit: how its plan differs} of those that were refused."""
    return {circuit['name']: circuit['error']['differences'] for circuit in result['circuits'] if circuit['outcome'] == 'failed'
            and circuit['error']['kind'] == 'unapproved'}


def port_of(simulator, name):
    return next(cni['interconnect'] for cni in simulator.state['cnis'] if cni['magic']['conduit_name'] == name)


def edit(simulator, kind, number=0, **fields):
    """Somebody changes the account."""
    objects = simulator.state[kind]
    objects[number] |= fields
    simulator.put(**{kind: objects})


# From plan to change.

def test_an_approved_plan_is_applied_as_it_is_and_again_changes_nothing(rollout, planned, writes):
    approved = planned(FIRST, SECOND)
    assert writes() == []
    assert outcomes(rollout(FIRST, SECOND, approved_plan=approved)) == {'nyc-1': 'created', 'nyc-2': 'created'}
    sent = writes()
    assert outcomes(rollout(FIRST, SECOND, approved_plan=approved)) == {'nyc-1': 'unchanged', 'nyc-2': 'unchanged'}
    assert writes() == sent


def test_a_change_that_somebody_made_in_between_is_refused_before_any_write_and_the_others_go_on(rollout, planned, simulator, writes):
    rollout(FIRST, SECOND)
    changes = [{'name': 'nyc-1', 'mtu': 1476}, {'name': 'nyc-2', 'mtu': 1476}]
    approved, port, sent = planned(*changes), port_of(simulator, 'nyc-1'), len(writes())
    number = next(number for number, cni in enumerate(simulator.state['cnis']) if cni['interconnect'] == port)
    edit(simulator, 'cnis', number, magic={**simulator.state['cnis'][number]['magic'], 'mtu': 1400})
    predicted = rollout(*changes, check=True, approved_plan=approved)
    stopped = rollout(*changes, approved_plan=approved, fail_fast=True)
    assert (outcomes(stopped), len(writes())) == ({'nyc-1': 'failed', 'nyc-2': 'skipped'}, sent)
    done = rollout(*changes, approved_plan=approved)
    assert outcomes(done) == outcomes(predicted) == {'nyc-1': 'failed', 'nyc-2': 'updated'}
    old = f'update CNI on {port}: mtu 1500 -> 1476' if planned.file else 'other changes'
    assert refused(done) == refused(predicted) == {'nyc-1': [f'update CNI on {port}: mtu 1400 -> 1476 (approved: {old})']}
    assert [method for method, _path in writes()[sent:]] == ['PUT']
    assert [cni['magic']['mtu'] for cni in simulator.state['cnis'] if cni['interconnect'] == port] == [1400]


@pytest.mark.parametrize(('declared', 'difference'), [
    ({'mtu': 1476}, 'mtu 1476 (approved: not declared)'),
    ({'slot': {'site': 'lhr-a', 'speed': '10G'}}, 'slot.site lhr-a (approved: ewr-a)'),
    ({'slot': {**SLOT, 'diverse_from': ['nyc-9']}}, 'slot.diverse_from nyc-9 (approved: not declared)'),
    ({'routes': [{'prefix': '10.20.0.0/16'}, {'prefix': '10.30.0.0/16'}]}, 'routes[10.30.0.0/16].priority not declared (approved: 200)'),
    ({'routes': [{'prefix': '10.30.0.0/16', 'priority': 200}]}, 'routes[10.20.0.0/16].prefix not declared (approved: 10.20.0.0/16)'),
    ({'bgp': {'customer_asn': 64512}}, 'bgp.md5_key not declared (approved: (hidden))'),
    ({'health_check': {'rate': 'high', 'enabled': False}}, 'health_check.enabled false (approved: not declared)'),
])
def test_another_declaration_is_refused_by_the_name_of_its_option(rollout, planned, writes, declared, difference):
    approved = planned(FIRST)
    result = rollout({**FIRST, **declared}, approved_plan=approved, later=['nyc-9'])
    assert (list(refused(result)), writes()) == (['nyc-1'], [])
    if planned.file:
        assert refused(result) == {'nyc-1': [difference]}


def test_another_slot_and_device_of_the_same_place_are_as_approved_and_another_building_is_not(rollout, planned, simulator, writes):
    narrow = {**PLAIN, 'slot': {**SLOT, 'facility': 'Equinix NY1'}}
    plain = [narrow, PLAIN2]
    approved = planned(*plain)
    slots = simulator.state['slots']
    free = [slot for slot in slots if slot['site'] == 'ewr-a' and slot['speed'] == '10G' and not slot['occupied']]
    first = next(slot for slot in free if slot['facility']['name'] == 'Equinix NY1')
    simulator.put(slots=[{**slot, 'occupied': slot['occupied'] or slot['id'] == first['id']} for slot in slots])
    assert outcomes(rollout(*plain, approved_plan=approved)) == {'nyc-1': 'created', 'nyc-2': 'created'}
    assert first['id'] not in {port['slot_id'] for port in simulator.state['interconnects']}
    other = {'name': 'nyc-3', 'slot': SLOT}
    approved, sent = planned(*plain, other), len(writes())
    gone = rollout(*plain, other, check=True)['circuits'][-1]['objects']['interconnect']['facility']['name']
    slots = simulator.state['slots']
    simulator.put(slots=[{**slot, 'occupied': slot['occupied'] or slot['facility']['name'] == gone} for slot in slots])
    result = rollout(*plain, other, approved_plan=approved)
    (difference,) = refused(result)['nyc-3']
    assert (difference.startswith('create interconnect (10G, ewr-a, '), len(writes())) == (True, sent)
    assert not planned.file or difference.endswith(f'(approved: create interconnect (10G, ewr-a, {gone}))')


def test_a_circuit_that_is_not_in_the_plan_is_refused_and_one_of_the_plan_may_be_left_out(rollout, planned, simulator):
    approved = planned(FIRST, SECOND)
    result = rollout(FIRST, {'name': 'nyc-9', 'slot': SLOT}, approved_plan=approved)
    assert outcomes(result) == {'nyc-1': 'created', 'nyc-9': 'failed'}
    other = 'nothing of this circuit' if planned.file else 'other changes'
    assert [text.rpartition(' (approved: ')[2] for text in refused(result)['nyc-9']] == [f'{other})'] * 2
    assert len(simulator.state['interconnects']) == 1


def test_a_refused_order_takes_no_place_from_the_others(rollout, planned):
    """The second port would come to lie in the building of the first, if that kept no slot."""
    approved = planned(FIRST, SECOND)
    assert outcomes(rollout({**FIRST, 'mtu': 1476}, SECOND, approved_plan=approved)) == {'nyc-1': 'failed', 'nyc-2': 'created'}


def test_a_pair_is_ordered_in_two_runs_as_it_was_planned_in_one(rollout, planned, simulator):
    """Another run orders the second of them, which declares the diversity."""
    approved = planned(FIRST, SECOND)
    later = {'later': ['nyc-2'], 'diversity': [{'name': 'nyc-2', 'diverse_from': ['nyc-1']}]}
    assert outcomes(rollout(FIRST, approved_plan=approved, **later)) == {'nyc-1': 'created'}
    assert outcomes(rollout(SECOND, approved_plan=approved, later=['nyc-1'])) == {'nyc-2': 'created'}
    assert outcomes(rollout(FIRST, approved_plan=approved, **later)) == {'nyc-1': 'unchanged'}


@pytest.mark.parametrize('together', [True, False], ids=['one device', 'two devices'])
def test_the_second_of_two_runs_is_diverse_from_the_first_although_only_that_declares_it(rollout, simulator, together):
    """There are two free ports on one device, and maybe one on another."""
    slots = simulator.state['slots']
    free = [slot for slot in slots if slot['site'] == 'ewr-a' and slot['speed'] == '10G' and not slot['occupied']]
    device = free[0]['ccr_device_name']
    kept = [next(slot for slot in free if slot['ccr_device_name'] != device)] if not together else []
    simulator.put(slots=[slot for slot in free if slot['ccr_device_name'] == device] + kept)
    rollout({'name': 'nyc-1', 'slot': {**SLOT, 'diverse_from': ['nyc-2'], 'facility': free[0]['facility']['name']}}, later=['nyc-2'])
    result = rollout(PLAIN2, later=['nyc-1'], diversity=[{'name': 'nyc-1', 'diverse_from': ['nyc-2']}])
    assert outcomes(result) == {'nyc-2': 'failed' if together else 'created'}
    assert len({port['ccr_device_name'] for port in simulator.state['interconnects']}) == 2 - together


def test_the_first_of_two_runs_is_told_that_the_other_one_was_planned_first(rollout, planned, writes):
    """Planned in one run, the port of nyc-2 is chosen after that of nyc-1, in another building."""
    approved = planned(FIRST, SECOND)
    result = rollout(SECOND, approved_plan=approved, later=['nyc-1'])
    assert (list(refused(result)), writes()) == (['nyc-2'], [])
    assert 'Its port is chosen before that of nyc-1, which was planned first. Order them in one run, or nyc-2 after that.' in result['msg']
    other = rollout({**FIRST, 'mtu': 1476}, approved_plan=approved, later=['nyc-2'],
                    diversity=[{'name': 'nyc-2', 'diverse_from': ['nyc-1']}])
    assert 'planned first' not in other['msg']


# Deletes.

def test_a_replacement_was_approved_and_a_mere_deletion_is_not(rollout, planned, simulator, writes):
    rollout(PLAIN)
    moved = {'name': 'nyc-1', 'slot': {'site': 'lhr-a', 'speed': '10G'}, 'on_immutable': 'replace'}
    approved, sent = planned(moved), len(writes())
    gone = rollout({'name': 'nyc-1'}, state='deleted', approved_plan=approved)
    assert (list(refused(gone)), len(writes())) == (['nyc-1'], sent)
    assert not planned.file or refused(gone) == {'nyc-1': ['state absent (approved: present)']}
    assert outcomes(rollout(moved, approved_plan=approved)) == {'nyc-1': 'replaced'}
    assert [port['site'] for port in simulator.state['interconnects']] == ['lhr-a']


@pytest.mark.parametrize(('then', 'now', 'outcome'), [('Down', 'Healthy', 'failed'), ('Healthy', 'Down', 'deleted')])
def test_a_deletion_that_was_approved_of_a_dark_circuit_is_not_one_of_a_healthy_one(rollout, planned, simulator, then, now, outcome):
    rollout(PLAIN)
    port = port_of(simulator, 'nyc-1')
    simulator.set_status(port, then)
    approved = planned({'name': 'nyc-1'}, state='deleted', force=True)
    simulator.set_status(port, now)
    result = rollout({'name': 'nyc-1'}, state='deleted', force=True, approved_plan=approved)
    assert outcomes(result) == {'nyc-1': outcome}
    assert not refused(result) or f'delete interconnect {port}, which is Healthy' in refused(result)['nyc-1'][-1]


def test_what_overridden_finds_besides_is_refused(rollout, planned, simulator):
    rollout(PLAIN, PLAIN2)
    approved = planned(PLAIN, state='overridden', max_deletes=2)
    rollout({'name': 'nyc-3', 'slot': SLOT})
    result = rollout(PLAIN, state='overridden', max_deletes=2, approved_plan=approved)
    assert outcomes(result) == {'nyc-1': 'unchanged', 'nyc-2': 'deleted', 'nyc-3': 'failed'}


# What is begun is finished.

MOVED = {**FIRST, 'slot': {'site': 'lhr-a', 'speed': '10G'}, 'on_immutable': 'replace'}
JOURNEYS = {'ordered': ([], [FIRST, SECOND], {}), 'replaced': ([FIRST, SECOND], [MOVED, SECOND], {}),
            'deleted': ([FIRST, SECOND], [FIRST, SECOND], {'state': 'deleted', 'max_deletes': 2})}


@pytest.mark.parametrize('journey', JOURNEYS)
def test_killed_at_any_request_the_same_plan_finishes_it(rollout, simulator, tmp_path, journey):
    before, circuits, options = JOURNEYS[journey]
    for number in range(100):
        simulator.reset()
        for file in (tmp_path / 'artifacts').glob('*'):
            file.unlink()
        if before:
            rollout(*before)
        approved = rollout(*circuits, check=True, plan_file='-', **options)['plan']['digest']
        try:
            rollout(*circuits, approved_plan=approved, killed_at=number, **options)
            break
        except Killed:
            second = rollout(*circuits, approved_plan=approved, **options)
            assert not second.get('failed'), (number, second['msg'])
        assert rollout(*circuits, **options)['changed'] is False, number
    assert number >= 6


def test_what_was_created_is_not_set_back_by_its_plan_once_it_is_healthy(rollout, planned, simulator):
    circuit = {'name': 'nyc-1', 'slot': SLOT, 'health_check': {'rate': 'high'}}
    approved = planned(circuit)
    rollout(circuit, approved_plan=approved)
    edit(simulator, 'tunnels', health_check={**simulator.state['tunnels'][0]['health_check'], 'rate': 'low'})
    assert outcomes(rollout(circuit, check=True, approved_plan=approved)) == {'nyc-1': 'updated'}
    simulator.set_status(port_of(simulator, 'nyc-1'), 'Healthy')
    assert list(refused(rollout(circuit, approved_plan=approved))) == ['nyc-1']


def test_circuits_that_wait_for_their_turn_are_approved_with_the_others(rollout, planned, simulator):
    rollout(PLAIN, PLAIN2)
    for name in ('nyc-1', 'nyc-2'):
        simulator.set_status(port_of(simulator, name), 'Healthy')
    changes = [{'name': 'nyc-1', 'mtu': 1476}, {'name': 'nyc-2', 'mtu': 1476}]
    approved = planned(*changes, at_most_per_site=1)
    assert outcomes(rollout(*changes, at_most_per_site=1, approved_plan=approved)) == {'nyc-1': 'updated', 'nyc-2': 'deferred'}
    assert outcomes(rollout(*changes, at_most_per_site=1, approved_plan=approved)) == {'nyc-1': 'unchanged', 'nyc-2': 'updated'}


# The account's settings.

def test_the_settings_of_the_account_are_approved_too(rollout, planned, simulator, writes):
    approved = planned(default_asn=65100)
    edit_asn = rollout(default_asn=65200, approved_plan=approved)
    assert (edit_asn['failed'], writes()) == (True, [])
    assert 'default_asn' in edit_asn['msg']
    assert rollout(default_asn=65100, approved_plan=approved)['settings'] == {'default_asn': 65100}


# The file.

def test_the_file_shows_before_and_after_and_what_is_healthy_and_no_secret(rollout, simulator, tmp_path):
    rollout(PLAIN, {'name': 'nyc-2', 'slot': SLOT})
    simulator.set_status(port_of(simulator, 'nyc-1'), 'Healthy')
    file = tmp_path / 'plan.md'
    result = rollout({'name': 'nyc-1', 'mtu': 1476, 'bgp': {'customer_asn': 64512, 'md5_key': MD5_KEY}}, {'name': 'nyc-2', 'mtu': 9},
                     {'name': 'gcp|1', 'pairing_key': PAIRING_KEY, 'bandwidth': '1G'}, {'name': 'nyc-3', 'slot': SLOT}, check=True,
                     plan_file=str(file))
    text = file.read_text()
    assert [re.search(pattern, text, re.MULTILINE) is not None for pattern in (
        r'^\| nyc-1 \| updated \| Healthy \| \S+ \|$', r'^\|  \| mtu \| 1500 \| 1476 \|$', r'^\| nyc-3 \| created \|  \| 10G, ewr-a, ',
        r'^## gcp&#124;1: created$', r'^- nyc-2: mtu: ')] == [True] * 5
    assert f'Digest: `{result["plan"]["digest"]}`' in text
    assert (file.stat().st_mode & 0o777, set(result['plan']['left_out'])) == (0o600, {'nyc-2'})
    for secret in (MD5_KEY, PAIRING_KEY):
        assert secret not in text + json.dumps(result)


@pytest.mark.parametrize(('content', 'problem'), [
    (None, 'does not exist'), ('# A page', 'is not a plan that check mode has written'), ('```json\n[]\n```', 'is not a plan'),
    ('edited', 'has been changed since check mode wrote it'),
])
def test_what_is_no_plan_is_refused_before_anything_is_read(rollout, tmp_path, simulator, content, problem):
    file = tmp_path / 'plan.md'
    if content == 'edited':
        rollout(PLAIN, check=True, plan_file=str(file))
        content = file.read_text().replace('"slot.speed": "10G"', '"slot.speed": "100G"')
    if content:
        file.write_text(content)
    before = len(simulator.requests)
    result = rollout(PLAIN, approved_plan=str(file))
    assert (result['failed'], result['error']['option'], len(simulator.requests)) == (True, 'approved_plan', before)
    assert problem in result['msg']


def test_a_plan_that_changes_nothing_approves_nothing(rollout, planned, writes):
    rollout(PLAIN)
    approved, sent = planned(PLAIN), len(writes())
    assert re.fullmatch('plan1-[0-9a-f]{8}', approved) or planned.file
    assert outcomes(rollout(PLAIN, approved_plan=approved)) == {'nyc-1': 'unchanged'}
    assert (list(refused(rollout({**PLAIN, 'mtu': 1476}, approved_plan=approved))), len(writes())) == (['nyc-1'], sent)
