# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which later plans an approved one allows, over worlds that are written down here."""

from __future__ import annotations

import json

import pytest

from ansible_collections.netops.cloudflare_cni.plugins.module_utils import _approval
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._approval import (
    declared_values,
    expected_writes,
    plan_digest,
    plan_text,
    read_approved,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._guards import Guards
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._rollout_plan import RolloutPlan

from .test_plan import NY5, SITE, SLOTS, cni, direct, slot, snapshot, tunnel

ACCOUNT = 'account-1'
KEY = {'customer_asn': 64512, 'md5_key': 'planted md5 key'}


def world(*ports, slots=tuple(SLOTS), routes=(), account=ACCOUNT, mtu=1500, **status):
    """An account with a circuit on each port."""
    cnis = [cni(20 + number, port['name'][1:], port['name'], cust_ip=f'172.31.0.{2 * number + 1}/31', p2p_ip=f'172.31.0.{2 * number}/31')
            for number, port in enumerate(ports)]
    for obj in cnis:
        obj['magic']['mtu'] = mtu
    there = snapshot([*slots], ports, cnis, [tunnel(11), tunnel(12)], routes=routes, **status)
    there.account = account
    return there


HERE = direct('pa', 11)


def plan_of(circuits, account, state='merged', **options):
    rollout = RolloutPlan(circuits, state, Guards(max_deletes=5, force=True), **options)
    return rollout.plan_for_approval(rollout.plan_outcomes(account), account.account)


def applied(circuits, account, plan, state='merged', digest=False, **options):
    """{circuit: its outcome, or the differences}, by a file of the plan or by its digest."""
    approved = _approval.Approved(frozenset(plan['digest'].split('-')[1:]), () if digest else plan['circuits'])
    outcomes = RolloutPlan(circuits, state, Guards(max_deletes=5, force=True), approved=approved, **options).plan_outcomes(account)
    return {outcome.name: outcome.result.error.details['differences'] if outcome.state == 'failed' else outcome.state
            for outcome in outcomes}


NEW = {'name': 'n', 'slot': SITE, 'bgp': KEY, 'health_check': {'rate': 'high'}, 'routes': [{'prefix': '10.0.0.0/8'}]}
MTU = {'name': 'a', 'mtu': 1476}


@pytest.mark.parametrize('digest', [False, True], ids=['file', 'digest'])
@pytest.mark.parametrize(('circuit', 'then', 'now', 'outcome'), [
    (NEW, {}, {}, 'created'),
    (NEW, {}, {'slots': [slot(12), slot(13, device='edge09.ewr-a')]}, 'created'),
    (NEW, {}, {'slots': [slot(12, facility=NY5)]}, 'failed'),
    (NEW, {}, {'account': 'account-2'}, 'failed'),
    (MTU, {}, {}, 'updated'),
    (MTU, {}, {'mtu': 1400}, 'failed'),
    (MTU, {}, {'mtu': 1476}, 'unchanged'),
])
def test_what_has_changed_in_the_account(circuit, then, now, outcome, digest):
    ports = [HERE] if circuit is MTU else []
    (done,) = applied([circuit], world(*ports, **now), plan_of([circuit], world(*ports, **then)), digest=digest).values()
    assert (done if isinstance(done, str) else 'failed') == outcome


@pytest.mark.parametrize('digest', [False, True], ids=['file', 'digest'])
@pytest.mark.parametrize('change', [
    {'mtu': 1476}, {'slot': {**SITE, 'diverse_from': ['a']}}, {'bgp': {**KEY, 'customer_asn': 64513}}, {'bgp': None}, {'routes': None},
    {'routes': [{'prefix': '10.0.0.0/8', 'weight': 2}]}, {'routes': []}, {'health_check': None}, {'on_immutable': 'replace'},
])
def test_another_declaration_is_another_plan(change, digest):
    refused = applied([{**NEW, **change}], world(HERE), plan_of([NEW], world(HERE)), digest=digest)
    assert isinstance(refused['n'], list)
    assert digest or all(text.partition('.')[0].partition('[')[0].split()[0] in change for text in refused['n'])


@pytest.mark.parametrize('same', [
    {'bgp': {**KEY, 'md5_key': 'another planted key'}}, {'loa_name': 'Example Networks'}, {'wait_for': ['Healthy']},
])
def test_what_no_plan_has_is_not_compared(same):
    assert applied([{**NEW, **same}], world(HERE), plan_of([NEW], world(HERE))) == {'n': 'created'}


def test_the_order_of_lists_means_nothing():
    routes = [{'prefix': '10.0.0.0/8'}, {'prefix': '10.0.0.0/8', 'scope': {'colo_names': ['den01', 'sjc01']}}]
    turned = [{'prefix': '10.0.0.0/8', 'scope': {'colo_names': ['sjc01', 'den01']}}, {'prefix': '10.0.0.0/8'}]
    plan = plan_of([{**NEW, 'routes': routes}], world())
    assert applied([{**NEW, 'routes': turned}], world(), plan) == {'n': 'created'}
    assert isinstance(applied([{**NEW, 'routes': turned[:1]}], world(), plan)['n'], list)


def test_a_route_that_somebody_added_is_not_deleted_with_its_circuit_unasked():
    routes = [{'id': 'r1', 'prefix': '10.0.0.0/8', 'nexthop': '172.31.0.1', 'priority': 100}]
    approved = plan_of([{'name': 'a', 'routes': []}], world(HERE, routes=routes, pa='Down'), 'deleted')
    more = [*routes, {'id': 'r2', 'prefix': '172.16.0.0/12', 'nexthop': '172.31.0.1', 'priority': 100}]
    refused = applied([{'name': 'a', 'routes': []}], world(HERE, routes=more, pa='Down'), approved, 'deleted')
    assert refused == {'a': ['delete static route 172.16.0.0/12 (approved: nothing of this)']}
    assert applied([{'name': 'a', 'routes': []}], world(HERE, pa='Down'), approved, 'deleted') == {'a': 'deleted'}


def test_secrets_are_in_no_plan_and_not_in_its_digest():
    plan = plan_of([NEW, {'name': 'a', 'bgp': KEY}, {'name': 'g', 'pairing_key': '7e51371e-72a3-40b5-b844-2e3efefaee59/us-east4/2',
                                                     'bandwidth': '1G'}], world(HERE))
    text = plan_text(plan)
    assert 'planted' not in text and '7e51371e' not in text
    assert declared_values({'bgp': KEY}) == {'bgp.customer_asn': 64512, 'bgp.md5_key': '(hidden)'}
    assert plan['digest'] == plan_of([{**NEW, 'bgp': {**KEY, 'md5_key': 'x' * 9}}, {'name': 'a', 'bgp': KEY}, {
        'name': 'g', 'pairing_key': '7e51371e-72a3-40b5-b844-2e3efefaee50/us-east4/2', 'bandwidth': '1G'}], world(HERE))['digest']


def test_what_is_written_is_read_again_whatever_names_hold(tmp_path):
    name = 'a ```json | \ud800 {{ x }}'
    plan = plan_of([{**NEW, 'name': name}], world())
    file = tmp_path / 'plan.md'
    file.write_text(plan_text(plan).encode('utf-8', 'surrogatepass').decode('utf-8', 'replace'))
    approved = read_approved(str(file))
    assert '-'.join(['plan1', *sorted(approved.digests)]) == plan['digest'] == plan_digest(approved.circuits)
    assert read_approved(plan['digest']).digests == approved.digests
    assert json.loads(json.dumps(plan)) == plan


def test_the_write_requests_are_counted_as_they_are_sent():
    circuits = [{**NEW, 'name': f'n{number}'} for number in range(2)]
    slots = [slot(number) for number in range(40, 44)]
    assert expected_writes(plan_of(circuits, world(slots=slots))['circuits']) == 2 + 2 + 1 + 2
