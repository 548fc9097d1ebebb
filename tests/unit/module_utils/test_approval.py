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
    describe,
    expected_writes,
    plan_digest,
    plan_text,
    read_approved,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._guards import Guards
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._rollout_plan import RolloutPlan

from .test_plan import KEY as PAIRING_KEY
from .test_plan import NY5, SITE, SLOTS, cni, direct, slot, snapshot, tunnel

ACCOUNT = 'account-1'
KEY = {'customer_asn': 64512, 'md5_key': 'planted md5 key'}


def account_of(*ports, slots=tuple(SLOTS), routes=(), account=ACCOUNT, mtu=1500, settings=(), tunnels=(), bgp=None, **status):
    """An account with a circuit on each port; bgp: that of the first."""
    cnis = [cni(20 + number, port['name'][1:], port['name'], cust_ip=f'172.31.0.{2 * number + 1}/31', p2p_ip=f'172.31.0.{2 * number}/31')
            for number, port in enumerate(ports)]
    for obj in cnis:
        obj['magic']['mtu'] = mtu
    if bgp:
        cnis[0]['bgp'] = bgp
    tunnels = tunnels or [tunnel(11), tunnel(12), tunnel(13)]
    account_state = snapshot([*slots], ports, cnis, tunnels, settings, routes, **status)
    account_state.account = account
    return account_state


HERE = direct('pa', 11)


def plan_of(circuits, account, state='merged', at_most_per_site=None, **options):
    rollout = RolloutPlan(circuits, state, Guards(max_deletes=5, force=True, at_most_per_site=at_most_per_site), **options)
    return rollout.plan_for_approval(rollout.plan_outcomes(account), account.account)


def applied(circuits, account, plan, state='merged', digest=False, **options):
    """{circuit: its outcome, or the differences}, by a file of the plan or by its digest."""
    approved = _approval.Approved(frozenset(plan['digest'].split('-')[1:]), () if digest else plan['circuits'])
    outcomes = RolloutPlan(circuits, state, Guards(max_deletes=5, force=True), approved=approved, **options).plan_outcomes(account)
    return {outcome.name: outcome.result.error.details['differences'] if outcome.state == 'failed' else outcome.state
            for outcome in outcomes}


NEW = {'name': 'n', 'slot': SITE, 'bgp': KEY, 'health_check': {'rate': 'high'}, 'routes': [{'prefix': '10.0.0.0/8'}]}
MTU = {'name': 'a', 'mtu': 1476}
ABSENT = {'name': 'a', 'state': 'absent'}


# The plan as people and programs get it.

SCOPE = {'colo_names': ['den01', 'sjc01'], 'colo_regions': ['EEUR']}
REGIONS = ['colo_names den01', 'colo_names sjc01', 'colo_regions EEUR']
CHANGES = [
    {'name': 'a', 'mtu': 1476, 'description': 'first `one`', 'bgp': KEY,
     'routes': [{'prefix': '10.1.0.0/16', 'priority': 200, 'scope': SCOPE}]},
    {'name': 'b', 'state': 'absent'},
    {'name': 'c', 'mtu': 1476},
    {'name': 'n', 'slot': {'site': 'ewr-a', 'facility': 'Equinix NY5'}, 'bgp': KEY, 'health_check': {'rate': 'high', 'enabled': False},
     'routes': [{'prefix': '10.3.0.0/16', 'weight': 2, 'scope': {'colo_names': ['den01']}}]},
    {'name': 'g', 'pairing_key': PAIRING_KEY, 'bandwidth': '1G'},
    {'name': 'nowhere', 'slot': {'site': 'xxx-a'}},
    {'name': 'neither', 'slot': {'site': 'xxx-b'}},
]


@pytest.fixture
def board():
    """The plan of CHANGES: two live circuits at a site, of which one is changed in this run, and a live one elsewhere that is deleted."""
    bgp = {'customer_asn': 64512, 'md5_key': 'another planted md5 key'}
    routes = [{'id': 'r1', 'prefix': '10.1.0.0/16', 'nexthop': '172.31.0.1', 'priority': 100, 'scope': SCOPE},
              {'id': 'r2', 'prefix': '10.2.0.0/16', 'nexthop': '172.31.0.3', 'priority': 100, 'scope': SCOPE}]
    ports = [HERE, direct('pb', 12, site='lhr-a'), direct('pc', 13)]
    account = account_of(*ports, routes=routes, settings=[{'default_asn': 13335}], bgp=bgp, pa='Healthy', pb='Healthy', pc='Healthy')
    return plan_of(CHANGES, account, default_asn=65100, at_most_per_site=1)


DIGEST = ('plan1-3cea31ce-1134800f5927ebff-17b466c81559926d-1d25ed277bfb2800-223f671f8da4ade4-2294b21a17c1f1d0'
          '-24ee4d72f65973e1-39b5e32231195352-4ba1eb17ae90217e-5407f54accb20c42-6932a5697760da43'
          '-6d5f887c4553d9a3-89b8d80fcc15c018-fad18484d831a86a')
SHOWN = f"""\
# Plan of changes at Cloudflare

Circuits that change: 5. Write requests: about 13.

Digest: `{DIGEST}`

| Circuit | Outcome | Status now | Port |
|---|---|---|---|
| a | updated |  | pa |
| b | deleted | Healthy | pb |
| c | deferred |  | pc |
| n | created |  | 10G, ewr-a, Equinix NY5, edge03.ewr-a |
| g | created |  | 1G, us-east4 |

## Settings of the account

Account account-1.

| Change | Field | Before | After |
|---|---|---|---|
| update the account's CNI settings |  |  |  |
|  | default_asn | 13335 | 65100 |

## a: updated

Account account-1.

| Change | Field | Before | After |
|---|---|---|---|
| update CNI on pa |  |  |  |
|  | description | nothing | first \\`one\\` |
|  | mtu | 1500 | 1476 |
|  | bgp.md5_key | (hidden) | (hidden, changed) |
| update static route 10.1.0.0/16 (colo_names den01, sjc01; colo_regions EEUR) |  |  |  |
|  | priority | 100 | 200 |

## b: deleted

Account account-1.

| Change | Field | Before | After |
|---|---|---|---|
| delete static route 10.2.0.0/16 (colo_names den01, sjc01; colo_regions EEUR) |  |  |  |
|  | prefix | 10.2.0.0/16 |  |
|  | nexthop | 172.31.0.3 |  |
|  | priority | 100 |  |
|  | scope | colo_names den01, sjc01; colo_regions EEUR |  |
| delete CNI on pb, which is Healthy |  |  |  |
|  | interconnect | pb |  |
|  | conduit_name | b |  |
|  | mtu | 1500 |  |
|  | cust_ip | 172.31.0.3/31 |  |
|  | p2p_ip | 172.31.0.2/31 |  |
| delete interconnect pb, which is Healthy |  |  |  |
|  | type | direct |  |

## c: deferred

Account account-1.

at_most_per_site is 1, and this run already changes a at site ewr-a. Run it again once that is Healthy.

| Change | Field | Before | After |
|---|---|---|---|
| update CNI on pc |  |  |  |
|  | mtu | 1500 | 1476 |

## n: created

Account account-1.

| Change | Field | Before | After |
|---|---|---|---|
| create interconnect (10G, ewr-a, Equinix NY5) |  |  |  |
|  | type |  | direct |
|  | slot_id |  | 00000000-0000-4000-8000-000000000004 |
|  | ccr_device_name |  | edge03.ewr-a |
| create CNI |  |  |  |
|  | conduit_name |  | n |
|  | bgp.customer_asn |  | 64512 |
|  | bgp.md5_key |  | (hidden) |
|  | mtu |  | 1500 |
| create tunnel |  |  |  |
|  | health_check.enabled |  | false |
|  | health_check.rate |  | high |
| create static route 10.3.0.0/16 (colo_names den01) |  |  |  |
|  | prefix |  | 10.3.0.0/16 |
|  | weight |  | 2 |
|  | scope |  | colo_names den01 |
|  | priority |  | 100 |

## g: created

Account account-1.

| Change | Field | Before | After |
|---|---|---|---|
| create interconnect (1G, us-east4) |  |  |  |
|  | type |  | gcp_partner |
|  | pairing_key |  | (hidden) |
|  | bandwidth |  | 1G |
|  | region |  | us-east4 |
| create CNI |  |  |  |
|  | conduit_name |  | g |
|  | mtu |  | 1500 |

## Not in this plan

- nowhere: slot.site: no slot has the site 'xxx-a'. There are: ewr-a, gru-b.
- neither: slot.site: no slot has the site 'xxx-b'. There are: ewr-a, gru-b.
"""


def test_a_plan_is_shown_to_people_with_what_changes_and_what_it_is_now(board):
    """Its digest is that of an earlier version too: what was approved stays approved."""
    text, _heading, for_the_run = plan_text(board).partition('\n## For the run\n')
    assert text == SHOWN
    before, fence, content = for_the_run.partition('```json\n')
    assert (before, fence, content[-7:]) == ('\nThis is what the run compares. Leave it as it is.\n\n', '```json\n', '\n}\n```\n')
    assert json.loads(content[:-4]) == {'format': 'plan1', **board}


def test_a_plan_without_circuits_has_no_table():
    plan = plan_of([], account_of(settings=[{'default_asn': 13335}]), default_asn=65100)
    assert plan_text(plan).startswith('# Plan of changes at Cloudflare\n\nCircuits that change: 0. Write requests: about 1.\n\n'
                                      f'Digest: `{plan["digest"]}`\n\n## Settings of the account\n')


def test_a_circuit_whose_routes_alone_change_shows_no_port():
    plan = plan_of([{'name': 'a', 'routes': [{'prefix': '10.1.0.0/16'}]}], account_of(HERE))
    assert '\n| a | updated |  |  |\n' in plan_text(plan)


def test_a_list_of_the_account_may_hold_anything():
    account = account_of(HERE, bgp={'customer_asn': 64512, 'extra_prefixes': ['192.0.2.0/24', None]}, pa='Down')
    assert '| bgp.extra_prefixes | 192.0.2.0/24, None |' in plan_text(plan_of([{'name': 'a'}], account, 'deleted'))


def test_a_program_finds_each_change_by_what_it_is_of(board):
    assert {circuit['circuit']: [(change['object'], change['action'], change['key']) for change in circuit['changes']]
            for circuit in board['circuits']} == {
        None: [('settings', 'update', {})],
        'a': [('cni', 'update', {'interconnect': 'pa'}), ('route', 'update', {'prefix': '10.1.0.0/16', 'scope': REGIONS})],
        'b': [('route', 'delete', {'prefix': '10.2.0.0/16', 'scope': REGIONS}),
              ('cni', 'delete', {'interconnect': 'pb', 'healthy': True}),
              ('interconnect', 'delete', {'interconnect': 'pb', 'healthy': True})],
        'c': [('cni', 'update', {'interconnect': 'pc'})],
        'n': [('interconnect', 'create', {'type': 'direct', 'site': 'ewr-a', 'speed': '10G', 'facility': 'Equinix NY5'}),
              ('cni', 'create', {}), ('tunnel', 'create', {}),
              ('route', 'create', {'prefix': '10.3.0.0/16', 'scope': ['colo_names den01']})],
        'g': [('interconnect', 'create', {'type': 'gcp_partner', 'region': 'us-east4', 'speed': '1G'}), ('cni', 'create', {})],
    }
    declared = {circuit['circuit']: circuit['declared'] for circuit in board['circuits']}
    assert (declared[None], declared['b'], declared['g']) == (
        {'default_asn': 65100}, {'state': 'absent'}, {'pairing_key': '(hidden)', 'bandwidth': '1G'})
    route = 'routes[10.1.0.0/16; colo_names den01, sjc01; colo_regions EEUR]'
    assert declared['a'] == {
        'description': 'first `one`', 'mtu': 1476, 'bgp.customer_asn': 64512, 'bgp.md5_key': '(hidden)', f'{route}.prefix': '10.1.0.0/16',
        f'{route}.priority': 200, f'{route}.scope.colo_names': ['den01', 'sjc01'], f'{route}.scope.colo_regions': ['EEUR']}


# What a later plan may differ in.

RATE = {'name': 'a', 'health_check': {'rate': 'high'}, 'routes': [{'prefix': '10.1.0.0/16', 'priority': 200}]}
LOW = {'tunnels': [{**tunnel(11), 'name': 'T11', 'health_check': {'rate': 'low'}}]}
MID = {'tunnels': [{**tunnel(11), 'name': 'T11', 'health_check': {'rate': 'mid'}}],
       'routes': [{'id': 'r1', 'prefix': '10.1.0.0/16', 'nexthop': '172.31.0.1', 'priority': 100}]}
ORDER = {**RATE, 'slot': SITE}
FIELDS = {'name': 'a', 'mtu': 1476, 'description': 'x', 'bgp': KEY}
EAST, WEST = ({'colo_names': [name]} for name in ('iad02', 'sjc01'))
SCOPED = {'name': 'a', 'routes': [{'prefix': '10.1.0.0/16', 'scope': scope, 'priority': 200} for scope in (EAST, WEST)]}
MOVED = {'name': 'a', 'slot': {'site': 'lhr-a'}, 'on_immutable': 'replace'}
ORDERED = 'create interconnect (10G, ewr-a, Equinix NY'


def scoped_routes(east, west):
    return [{'id': f'r{priority}', 'prefix': '10.1.0.0/16', 'nexthop': '172.31.0.1', 'scope': scope, 'priority': priority}
            for scope, priority in ((EAST, east), (WEST, west))]


def test_the_update_of_a_tunnel_names_the_tunnel_and_that_of_a_route_its_scope():
    (tunnel_change, *_routes) = plan_of([RATE], account_of(HERE, pa='Down', **LOW))['circuits'][0]['changes']
    assert (tunnel_change['object'], tunnel_change['action'], tunnel_change['key']) == ('tunnel', 'update', {'tunnel': 'T11'})
    changes = plan_of([SCOPED], account_of(HERE, pa='Down', routes=scoped_routes(100, 100)))['circuits'][0]['changes']
    assert [describe(change) for change in changes] == [
        f'update static route 10.1.0.0/16 (colo_names {name}): priority 100 -> 200' for name in ('iad02', 'sjc01')]


@pytest.mark.parametrize(('circuit', 'then', 'now', 'outcome'), [
    (NEW, {}, {}, 'created'),
    (NEW, {}, {'slots': [slot(12), slot(13, device='edge09.ewr-a')]}, 'created'),
    (NEW, {}, {'slots': [slot(12, facility=NY5)]}, {f'{ORDERED}5)': f'{ORDERED}1)'}),
    (NEW, {}, {'account': 'account-2'}, dict.fromkeys(
        (f'{ORDERED}1)', 'create CNI', 'create tunnel', 'create static route 10.0.0.0/8'), 'nothing of this circuit')),
    (MTU, {}, {}, 'updated'),
    (MTU, {}, {'mtu': 1400}, {'update CNI on pa: mtu 1400 -> 1476': 'update CNI on pa: mtu 1500 -> 1476'}),
    (MTU, {}, {'mtu': 1476}, 'unchanged'),
    (FIELDS, {'bgp': KEY}, {'bgp': KEY, 'mtu': 1400}, {
        'update CNI on pa: description nothing -> x, mtu 1400 -> 1476': 'update CNI on pa: description nothing -> x, mtu 1500 -> 1476'}),
    (SCOPED, {'routes': scoped_routes(100, 110)}, {'routes': scoped_routes(100, 120), 'pa': 'Healthy'}, {
        'update static route 10.1.0.0/16 (colo_names sjc01): priority 120 -> 200':
            'update static route 10.1.0.0/16 (colo_names sjc01): priority 110 -> 200'}),
    (MOVED, {'slots': [slot(14, site='lhr-a')]}, {'slots': [slot(14, site='lhr-a', facility=NY5)]}, {
        'create interconnect (10G, lhr-a, Equinix NY5)': 'create interconnect (10G, lhr-a, Equinix NY1)'}),
    (RATE, LOW, {**MID, 'pa': 'Healthy'}, {
        'update tunnel T11: health_check.rate mid -> high': 'update tunnel T11: health_check.rate low -> high',
        'update static route 10.1.0.0/16: priority 100 -> 200': 'create static route 10.1.0.0/16'}),
    (RATE, LOW, MID, {'update tunnel T11: health_check.rate mid -> high': 'update tunnel T11: health_check.rate low -> high'}),
    (ORDER, {'ports': []}, {**MID, 'pa': 'Down'}, 'updated'),
    (ORDER, {'ports': []}, {**MID, 'pa': 'Healthy'}, {
        'update tunnel T11: health_check.rate mid -> high': 'create tunnel',
        'update static route 10.1.0.0/16: priority 100 -> 200': 'create static route 10.1.0.0/16'}),
    (ABSENT, {'pa': 'Healthy'}, {'pa': 'Healthy'}, 'deleted'),
    (ABSENT, {'pa': 'Healthy'}, {'pa': 'Down'}, 'deleted'),
    (ABSENT, {'pa': 'Down'}, {'pa': 'Healthy'}, {
        'delete CNI on pa, which is Healthy': 'delete CNI on pa', 'delete interconnect pa, which is Healthy': 'delete interconnect pa'}),
], ids=str)
@pytest.mark.parametrize('digest', [False, True], ids=['file', 'digest'])
def test_what_has_changed_in_the_account(circuit, then, now, outcome, digest):
    """outcome: the state of the circuit, or {what is refused: what was approved}."""
    then, now = ({'ports': [] if circuit is NEW else [HERE], 'pa': 'Down', **options} for options in (then, now))
    plan = plan_of([circuit], account_of(*then.pop('ports'), **then))
    (done,) = applied([circuit], account_of(*now.pop('ports'), **now), plan, digest=digest).values()
    refused = [f'{change} (approved: {"other changes" if digest else approved})' for change, approved in outcome.items()
               ] if isinstance(outcome, dict) else outcome
    assert done == refused


@pytest.mark.parametrize('digest', [False, True], ids=['file', 'digest'])
@pytest.mark.parametrize(('change', 'differences'), [
    ({'mtu': 1476}, ['mtu 1476 (approved: not declared)']),
    ({'slot': {**SITE, 'diverse_from': ['pa', 'a']}}, ['slot.diverse_from a, pa (approved: not declared)']),
    ({'bgp': {**KEY, 'customer_asn': 64513}}, ['bgp.customer_asn 64513 (approved: 64512)']),
    ({'bgp': None}, ['bgp.customer_asn not declared (approved: 64512)', 'bgp.md5_key not declared (approved: (hidden))']),
    ({'routes': None}, ['routes[10.0.0.0/8].prefix not declared (approved: 10.0.0.0/8)']),
    ({'routes': [{'prefix': '10.0.0.0/8', 'weight': 2}]}, ['routes[10.0.0.0/8].weight 2 (approved: not declared)']),
    ({'routes': []}, ['routes nothing (approved: not declared)', 'routes[10.0.0.0/8].prefix not declared (approved: 10.0.0.0/8)']),
    ({'health_check': {'rate': 'high', 'enabled': False}}, ['health_check.enabled false (approved: not declared)']),
    ({'health_check': None}, ['health_check.rate not declared (approved: high)']),
    ({'on_immutable': 'replace'}, ['on_immutable replace (approved: not declared)']),
], ids=str)
def test_another_declaration_is_another_plan(change, differences, digest):
    refused = applied([{**NEW, **change}], account_of(HERE), plan_of([NEW], account_of(HERE)), digest=digest)
    assert isinstance(refused['n'], list)
    assert digest or refused['n'] == differences


@pytest.mark.parametrize('same', [
    {'bgp': {**KEY, 'md5_key': 'another planted key'}}, {'loa_name': 'Example Networks'}, {'wait_for': ['Healthy']},
])
def test_what_no_plan_has_is_not_compared(same):
    assert applied([{**NEW, **same}], account_of(HERE), plan_of([NEW], account_of(HERE))) == {'n': 'created'}


def test_what_was_approved_as_present_is_not_deleted_nor_the_other_way_round():
    current = account_of(HERE, pa='Down')
    assert applied([ABSENT], current, plan_of([MTU], current)) == {'a': ['state absent (approved: present)']}
    assert applied([MTU], current, plan_of([ABSENT], current)) == {'a': ['state present (approved: absent)']}


def test_the_order_of_lists_means_nothing():
    routes = [{'prefix': '10.0.0.0/8'}, {'prefix': '10.0.0.0/8', 'scope': {'colo_names': ['den01', 'sjc01']}}]
    turned = [{'prefix': '10.0.0.0/8', 'scope': {'colo_names': ['sjc01', 'den01']}}, {'prefix': '10.0.0.0/8'}]
    plan = plan_of([{**NEW, 'routes': routes}], account_of())
    assert applied([{**NEW, 'routes': turned}], account_of(), plan) == {'n': 'created'}
    assert isinstance(applied([{**NEW, 'routes': turned[:1]}], account_of(), plan)['n'], list)


def test_a_route_that_somebody_added_is_not_deleted_with_its_circuit_unasked():
    routes = [{'id': 'r1', 'prefix': '10.0.0.0/8', 'nexthop': '172.31.0.1', 'priority': 100}]
    approved = plan_of([{'name': 'a', 'routes': []}], account_of(HERE, routes=routes, pa='Down'), 'deleted')
    more = [*routes, {'id': 'r2', 'prefix': '172.16.0.0/12', 'nexthop': '172.31.0.1', 'priority': 100}]
    refused = applied([{'name': 'a', 'routes': []}], account_of(HERE, routes=more, pa='Down'), approved, 'deleted')
    assert refused == {'a': ['delete static route 172.16.0.0/12 (approved: nothing of this)']}
    assert applied([{'name': 'a', 'routes': []}], account_of(HERE, pa='Down'), approved, 'deleted') == {'a': 'deleted'}


def test_secrets_are_in_no_plan_and_not_in_its_digest():
    plan = plan_of([NEW, {'name': 'a', 'bgp': KEY}, {'name': 'g', 'pairing_key': '7e51371e-72a3-40b5-b844-2e3efefaee59/us-east4/2',
                                                     'bandwidth': '1G'}], account_of(HERE))
    text = plan_text(plan)
    assert 'planted' not in text and '7e51371e' not in text
    assert declared_values({'bgp': KEY}) == {'bgp.customer_asn': 64512, 'bgp.md5_key': '(hidden)'}
    assert plan['digest'] == plan_of([{**NEW, 'bgp': {**KEY, 'md5_key': 'x' * 9}}, {'name': 'a', 'bgp': KEY}, {
        'name': 'g', 'pairing_key': '7e51371e-72a3-40b5-b844-2e3efefaee50/us-east4/2', 'bandwidth': '1G'}], account_of(HERE))['digest']


def test_what_is_written_is_read_again_whatever_names_hold(tmp_path):
    name = 'a ```json | \ud800 {{ x }}'
    plan = plan_of([{**NEW, 'name': name}], account_of())
    file = tmp_path / 'plan.md'
    file.write_text(plan_text(plan).encode('utf-8', 'surrogatepass').decode('utf-8', 'replace'))
    approved = read_approved(str(file))
    assert plan['digest'].split('-')[2:] == sorted(approved.digests)
    assert plan['digest'] == plan_digest(approved.circuits)
    assert read_approved(plan['digest']).digests == approved.digests
    assert json.loads(json.dumps(plan)) == plan


def test_what_people_write_around_the_plan_is_theirs(tmp_path):
    plan, file = plan_of([NEW], account_of()), tmp_path / 'plan.md'
    file.write_text(f'Approved:\n```json\n{{"by": "the board"}}\n```\n{plan_text(plan)}\nRun:\n```\nansible-playbook site.yml\n```\n')
    assert read_approved(str(file)).circuits == plan['circuits']


@pytest.mark.parametrize(('content', 'problem', 'allowed'), [
    (None, 'does not exist.', 'the path of a plan, or its digest'),
    ('# A page', 'is not a plan that check mode has written.', None),
    ('```json\n[]\n```', 'is not a plan that check mode has written.', None),
    ('```json\n{"digest": "plan1"}\n```', 'is not a plan that check mode has written.', None),
    ('edited', 'has been changed since check mode wrote it: its content does not match its digest.', None),
])
def test_what_is_no_plan_is_refused(tmp_path, content, problem, allowed):
    file = tmp_path / 'plan.md'
    if content:
        text = plan_text(plan_of([NEW], account_of()))
        file.write_text(text.replace('.rate": "high"', '.rate": "low"') if content == 'edited' else content)
    with pytest.raises(InputError) as refused:
        read_approved(str(file))
    assert refused.value.message == f'approved_plan: {file} {problem}' + (f' Allowed: {allowed}.' if allowed else '')
    assert refused.value.details == {'option': 'approved_plan', 'allowed': allowed}
    with pytest.raises(InputError, match=f'^approved_plan: {tmp_path} cannot be read|^approved_plan: {tmp_path} is a folder'):
        read_approved(str(tmp_path))


def mutilated(digest: str) -> dict[str, str]:
    """{what was done to it: the digest} as people, tickets and terminals do it."""
    parts = digest.split('-')
    return {**{f'cut off at {length}': digest[:length] for length in range(len('plan1'), len(digest))}, 'abbreviated': f'{digest[:30]}...',
            'a change left out': '-'.join([*parts[:2], *parts[3:]]), 'a change twice': f'{digest}-{parts[-1]}',
            'of two plans': f'{digest}-{"0" * 16}', 'a letter': digest.replace(parts[-1], 'o' * 16),
            'a line break': f'{digest[:40]}\n{digest[40:]}', 'reordered': '-'.join([*parts[:2], *parts[:1:-1]])}


def test_a_digest_that_is_not_whole_is_refused_and_not_taken_for_that_of_another_plan():
    for way, digest in mutilated(DIGEST).items():
        with pytest.raises(InputError, match=r'^approved_plan: the digest is not whole: .* Copy all of it from the plan') as refused:
            pytest.fail(f'{way}: {read_approved(digest)}')
        assert refused.value.details['option'] == 'approved_plan'
    assert len(read_approved(f' {DIGEST}\n').digests) == 13


@pytest.mark.parametrize('name', ['plan1.md', 'plan1-nyc.md', 'plans/plan1', 'plan1-nyc'])
def test_a_plan_may_be_in_a_file_whose_name_begins_like_a_digest(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    plan = plan_of([NEW], account_of())
    (tmp_path / 'plans').mkdir()
    (tmp_path / name).write_text(plan_text(plan))
    assert read_approved(name).circuits == plan['circuits']


def test_the_write_requests_are_counted_as_they_are_sent():
    circuits = [{**NEW, 'name': f'n{number}'} for number in range(2)]
    slots = [slot(number) for number in range(40, 44)]
    assert expected_writes(plan_of(circuits, account_of(slots=slots))['circuits']) == 2 + 2 + 1 + 2
    changes = [{**RATE, 'name': name} for name in 'ab']
    tunnels = [{**tunnel(number), 'health_check': {'rate': 'mid'}} for number in (11, 12)]
    routes = [{'id': f'r{end}', 'prefix': '10.1.0.0/16', 'nexthop': f'172.31.0.{end}', 'priority': 100} for end in (1, 3)]
    account = account_of(HERE, direct('pb', 12), tunnels=tunnels, routes=routes)
    assert expected_writes(plan_of(changes, account)['circuits']) == 1 + 1
