# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What carries traffic is not deleted by mistake, and not two of a pair at once: over worlds that are written down here."""

from __future__ import annotations

import re

import pytest

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._changes import schedule
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._desired import desired_object
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError, ProtectedError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._find import DELETE_NOTE
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._guards import Guards, allowed_changes, guards_of, protection_errors
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._plan import plan_changes
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import CNI, INTERCONNECT
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._rollout_plan import RolloutPlan
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._snapshot import Snapshot, Unread

from .test_plan import SLOTS, cni, direct, gcp, slot, snapshot, tunnel

PORTS = [direct('pa', 11), direct('pb', 12, device='edge02.ewr-a'), direct('pc', 13, site='lhr-a'), {**gcp('pg'), 'site': None}]
CNIS = [cni(21, 'a', 'pa'), cni(22, 'b', 'pb'), cni(23, 'c', 'pc'), cni(24, 'g', 'pg')]
TUNNELS = [tunnel(11), tunnel(12), tunnel(13), {**tunnel(1000), 'description': ''}]
ALL = {'pa': 'Healthy', 'pb': 'Healthy', 'pc': 'Healthy', 'pg': 'Healthy'}


def account_with(**states):
    """Two circuits at ewr-a (a, b), one at lhr-a (c), one of Google Cloud (g), all Healthy but for what is given."""
    return snapshot(SLOTS, PORTS, CNIS, TUNNELS, **{**ALL, **states})


def decided(circuits, state='merged', account=None, **guards):
    circuits = [{'name': circuit} if isinstance(circuit, str) else circuit for circuit in circuits]
    return {outcome.name: outcome for outcome in RolloutPlan(circuits, state, Guards(**guards)).plan_outcomes(account or account_with())}


def states(*arguments, **options):
    return {name: outcome.state for name, outcome in decided(*arguments, **options).items()}


def test_a_run_that_deletes_no_live_circuit_reads_no_list_for_the_guards():
    """Each list of a large account takes its time, and a request of the budget."""
    assert protection_errors({}, Guards(), Snapshot()) == {}


# How many.

@pytest.mark.parametrize(('circuits', 'state', 'guards', 'problem'), [
    ('ab', 'deleted', {}, '2 circuits would be deleted'),
    ('a', 'deleted', {'max_deletes': 0}, '1 circuits would be deleted'),
    ('abcg', 'deleted', {'max_deletes': 3, 'force': True}, '4 circuits would be deleted'),
    ('abc', 'overridden', {}, '1 circuits that are not in the list would be deleted'),
    ('ab', 'overridden', {'max_deletes': 1}, '2 circuits that are not in the list would be deleted'),
])
def test_too_many_are_refused_with_all_of_them(circuits, state, guards, problem):
    with pytest.raises(InputError) as caught:
        decided(circuits, state, **guards)
    gone = circuits if state == 'deleted' else [name for name in 'abcg' if name not in circuits]
    deletions = ', '.join(f'{name} (p{name}, Healthy)' for name in gone)
    allowed = f'at least {len(gone)}, to delete them'
    assert str(caught.value) == f'max_deletes: {problem}: {deletions}. Nothing was written. Allowed: {allowed}.'
    assert caught.value.details == {'option': 'max_deletes', 'allowed': allowed}


def test_of_many_that_would_be_deleted_the_first_hundred_are_asked_how_they_are():
    numbers = range(120)
    account = Snapshot({('interconnect', None): [direct(f'p{number}', number) for number in numbers], ('route', None): [],
                        ('cni', None): [cni(200 + number, f'c{number:03}', f'p{number}') for number in numbers],
                        ('tunnel', None): [tunnel(number) for number in numbers]})
    with pytest.raises(Unread) as caught:
        decided([], 'overridden', account)
    assert caught.value.parts == tuple(('status', f'p{number}') for number in range(100))
    for part in caught.value.parts:
        account.put_part(part, [{'state': 'Down'}])
    with pytest.raises(InputError, match=r'c099 \(p99, Down\), c100 \(p100\), '):
        decided([], 'overridden', account)


@pytest.mark.parametrize('missing', [None, 'hidden'])
def test_a_cni_whose_port_does_not_exist_is_deleted_too(missing):
    account = Snapshot({('interconnect', None): PORTS, ('interconnect', 'hidden'): [], ('cni', None): [cni(25, 'half', missing), CNIS[0]],
                        ('tunnel', None): TUNNELS, ('route', None): [], ('status', 'pa'): [], ('status', 'hidden'): []})
    half = 'half (hidden)' if missing else 'half'
    with pytest.raises(InputError, match=rf'2 circuits would be deleted: {re.escape(half)}, a \(pa\)\. Nothing was written'):
        decided(['half', 'a'], 'deleted', account)
    done = decided(['half', 'a'], 'deleted', account, max_deletes=2)
    assert [(change.action, change.row.name) for change in done['half'].changes] == [('delete', 'cni')]
    assert [outcome.state for outcome in done.values()] == ['deleted', 'deleted']


def test_sixty_live_circuits_that_are_declared_absent_all_stay():
    ports = [direct(f'p{number}', number, site=f's{number // 2}') for number in range(60)]
    cnis = [cni(100 + number, f'c{number}', f'p{number}') for number in range(60)]
    account = snapshot((), ports, cnis, [tunnel(number) for number in range(60)], **{f'p{number}': 'Healthy' for number in range(60)})
    with pytest.raises(InputError, match=r'60 circuits would be deleted: .*c59 '):
        decided([f'c{number}' for number in range(60)], 'deleted', account)


def test_as_many_as_the_user_says_go_and_what_is_not_there_does_not_count():
    assert states('ac', 'deleted', account_with(pc='Down'), max_deletes=2) == {'a': 'deleted', 'c': 'deleted'}
    assert states(['a', 'gone', 'gone too'], 'deleted') == {'a': 'deleted', 'gone': 'unchanged', 'gone too': 'unchanged'}
    assert states('acg', 'overridden', max_deletes=1)['b'] == 'deleted'


def test_what_is_declared_absent_is_part_of_the_plan_of_the_others():
    absent = [{'name': name, 'state': 'absent'} for name in 'ac']
    with pytest.raises(InputError, match=r'2 circuits would be deleted: a .*, c .*Nothing was written'):
        decided([*absent, {'name': 'b', 'mtu': 1300}])
    assert states([*absent, {'name': 'b', 'mtu': 1300}], max_deletes=2, force=True) == {'a': 'deleted', 'c': 'deleted', 'b': 'updated'}
    assert states([absent[0], {'name': 'b'}], 'overridden', max_deletes=3, force=True) == {
        'a': 'deleted', 'b': 'unchanged', 'c': 'deleted', 'g': 'deleted'}
    full = account_with()
    full.put_part(('slot', None), [slot(1, occupied=True), slot(11, occupied=True)])  # the second is that of a
    assert states([{'name': 'n', 'slot': {'site': 'ewr-a'}}, absent[0]], account=full) == {'n': 'created', 'a': 'deleted'}


def test_what_is_replaced_counts_too():
    away = [{'name': name, 'slot': {'site': 'gru-b'}, 'on_immutable': 'replace'} for name in 'ab']
    dark, slots = account_with(pa='Down', pb='Down'), [slot(6, site='gru-b'), slot(7, site='gru-b')]
    dark.put_part(('slot', None), slots)
    with pytest.raises(InputError, match='2 circuits would be deleted'):
        decided(away, account=dark)
    assert states(away, account=dark, max_deletes=2) == {'a': 'replaced', 'b': 'replaced'}
    assert states(away[:1], account=dark) == {'a': 'replaced'}


@pytest.mark.parametrize(('option', 'least'), [('max_deletes', 0), ('at_most_per_site', 1)])
def test_a_number_that_can_not_be_is_refused_by_name(option, least):
    with pytest.raises(InputError) as caught:
        guards_of({option: least - 1})
    assert str(caught.value) == f'{option}: {least - 1} is not valid. Allowed: {least} or more.'
    assert caught.value.details['option'] == option
    assert guards_of({option: least, 'protect': None}) == Guards(**{option: least})


# What is live.

@pytest.mark.parametrize(('circuits', 'account', 'guards', 'refused'), [
    ('a', {}, {}, ''),
    ('a', {'pb': 'Unhealthy'}, {}, 'a'),
    ('a', {'pa': 'Down', 'pb': 'Down'}, {}, ''),
    ('ab', {}, {}, 'ab'),
    ('ab', {'pa': 'Down'}, {}, 'b'),
    ('acg', {}, {}, 'cg'),
    ('acg', {}, {'force': True}, ''),
    ('ab', {'pb': 'Pending'}, {'protect': 'healthy'}, 'a'),
    ('a', {}, {'protect': 'healthy'}, 'a'),
    ('a', {}, {'protect': 'healthy', 'force': True}, ''),
])
def test_what_carries_traffic_is_not_deleted_without_force(circuits, account, guards, refused):
    done = decided(circuits, 'deleted', account_with(**account), max_deletes=9, **guards)
    assert {name for name, outcome in done.items() if outcome.state == 'failed'} == set(refused)
    assert {name for name, outcome in done.items() if outcome.state == 'deleted'} == set(circuits) - set(refused)
    for name in refused:
        error = done[name].result.error
        assert (error.kind, name in error.details['candidates']) == ('protected', True)


@pytest.mark.parametrize(('circuits', 'account', 'guards', 'refused', 'reason'), [
    ('ab', {}, {}, 'ab', 'site ewr-a would be left without a Healthy circuit, because this run deletes a (pa), b (pb)'),
    ('ab', {'pb': 'Down'}, {}, 'a', 'site ewr-a would be left without a Healthy circuit, because this run deletes a (pa)'),
    ('ac', {}, {'protect': 'healthy'}, 'a', "interconnect 'pa' is Healthy and carries traffic"),
])
def test_what_is_refused_says_why_and_what_would_stop(circuits, account, guards, refused, reason):
    done = decided(circuits, 'deleted', account_with(**account), max_deletes=9, **guards)
    first = done[refused[0]].result.error
    assert str(first) == f'{refused[0]}: {reason}. It is not deleted without force=true.'
    assert first.details == {'candidates': [*refused]}


def test_what_stops_is_listed_once_for_all_circuits_of_a_site():
    done = decided('ab', 'deleted', max_deletes=9)
    assert str(done['b'].result.error) == (
        'b: site ewr-a would be left without a Healthy circuit, see a. It is not deleted without force=true.')
    assert done['b'].result.error.details == {'candidates': ['b']}


def test_a_port_that_cloudflare_does_not_list_is_a_site_of_its_own():
    account = snapshot(SLOTS, PORTS, [*CNIS, cni(25, 'x', 'hidden')], TUNNELS, **ALL, hidden='Healthy')
    assert states('a', 'deleted', account) == {'a': 'deleted'}
    error = decided(['x'], 'deleted', account)['x'].result.error
    assert str(error).startswith('x: site hidden would be left without a Healthy circuit, because this run deletes x (hidden).')


def test_the_last_one_is_that_of_its_region_for_google_cloud():
    done = decided('g', 'deleted')
    assert 'us-east4' in str(done['g'].result.error)


def test_a_healthy_one_is_replaced_by_force_only():
    away = [{'name': 'a', 'slot': {'site': 'gru-b'}, 'on_immutable': 'replace'}]
    assert states(away, account=account_with(pb='Down')) == {'a': 'failed'}
    assert states(away, account=account_with(pb='Down'), force=True) == {'a': 'replaced'}


def test_every_healthy_port_is_protected_of_several_that_ended_runs_left_to_one_circuit():
    """overridden deletes all that a note on their tunnel leads to."""
    account = snapshot(SLOTS, [*PORTS, direct('old1', 14), direct('old2', 15)], CNIS,
                       [*TUNNELS, *(tunnel(number, f'{DELETE_NOTE}a') for number in (14, 15))], **ALL, old1='Down', old2='Healthy')
    done = decided('abcg', 'overridden', account, protect='healthy')['a']
    assert (done.state, str(done.result.error)) == (
        'failed', "a: interconnect 'old2' is Healthy and carries traffic. It is not deleted without force=true.")


def test_a_circuit_that_stays_frees_no_port_for_another():
    """The only slot that would do is that of a circuit that is not deleted."""
    account = snapshot([slot(13, site='lhr-a', occupied=True)], PORTS, CNIS, TUNNELS, **ALL)
    desired = [{'name': name} for name in 'abg'] + [{'name': 'new', 'slot': {'site': 'lhr-a'}}]
    done = decided(desired, 'overridden', account, max_deletes=1)
    assert {name: done[name].result.error.kind for name in ('c', 'new')} == {'c': 'protected', 'new': 'input'}


def test_a_port_stays_where_one_of_the_two_circuits_on_it_waits():
    account = snapshot(SLOTS, PORTS, [cni(21, 'a', 'pa'), cni(22, 'a2', 'pa')], TUNNELS, pa='Healthy')
    done = decided(['a', 'a2'], 'deleted', account, max_deletes=2, at_most_per_site=1)
    assert {name: outcome.state for name, outcome in done.items()} == {'a': 'deleted', 'a2': 'deferred'}
    assert [(change.action, change.row.name) for change in done['a'].changes] == [('delete', 'cni')]


def test_only_what_is_deleted_and_its_neighbours_is_asked_how_it_is():
    account = Snapshot({('slot', None): SLOTS, ('interconnect', None): PORTS, ('cni', None): CNIS, ('tunnel', None): TUNNELS,
                        ('route', None): []})
    parts_read = []
    while True:
        try:
            decided('a', 'deleted', account)
            break
        except Unread as error:
            parts_read += error.parts
            for part in error.parts:
                account.put_part(part, [{'state': 'Healthy'}])
    assert parts_read == [('status', 'pa'), ('status', 'pb')]


def test_nothing_is_asked_where_nothing_is_deleted():
    account = Snapshot({('interconnect', None): PORTS, ('cni', None): CNIS})
    assert states([{'name': 'a', 'mtu': 1300}], account=account) == {'a': 'updated'}


def test_the_neighbours_are_asked_a_few_at_a_time():
    ports = [direct(f'p{number}', number) for number in range(100)]
    account = Snapshot({('interconnect', None): ports, ('cni', None): [cni(100 + n, f'c{n}', f'p{n}') for n in range(100)],
                        ('tunnel', None): [tunnel(number) for number in range(100)], ('route', None): [],
                        ('status', 'p0'): [{'state': 'Healthy'}]})
    with pytest.raises(Unread) as caught:
        decided(['c0'], 'deleted', account)
    assert len(caught.value.parts) == 8


def test_a_diff_shows_how_it_was():
    (outcome,) = decided('c', 'deleted', account_with(pc='Down')).values()
    assert {change.row.name: change.before['status'] for change in outcome.changes if change.action == 'delete'} == {
        'cni': 'Down', 'interconnect': 'Down'}


LAST = 'c: site lhr-a would be left without a Healthy circuit, because this run deletes c (pc). It is not deleted without force=true.'


@pytest.mark.parametrize(('row', 'options', 'account', 'refused'), [
    (CNI, {'conduit_name': 'c'}, {}, LAST),
    (CNI, {'conduit_name': 'c'}, {'pc': 'Down'}, ''),
    (CNI, {'conduit_name': 'a'}, {}, ''),
    (INTERCONNECT, {'conduit_name': 'c'}, {}, LAST),
    (INTERCONNECT, {'conduit_name': 'a', 'name': 'pa'}, {}, ''),
])
def test_one_module_has_the_same_guard(row, options, account, refused):
    account = account_with(**account)
    changes = schedule(plan_changes([desired_object(row, {**options, 'state': 'absent'})], account))
    try:
        done = allowed_changes(changes, Guards(), account)
    except ProtectedError as error:
        assert str(error) == refused
    else:
        assert not refused
        assert [change.action for change in done] == [change.action for change in changes]
    assert allowed_changes(changes, Guards(force=True), account)


def test_a_spare_port_that_is_healthy_is_no_circuit_but_protected_where_all_that_is_healthy_is():
    account = snapshot(SLOTS, [*PORTS, direct('spare', 14, site='gru-b')], CNIS, TUNNELS, spare='Healthy')
    changes = plan_changes([desired_object(INTERCONNECT, {'name': 'spare', 'state': 'absent'})], account)
    assert allowed_changes(changes, Guards(), account)
    with pytest.raises(ProtectedError, match=r"^interconnect spare: interconnect 'spare' is Healthy and carries traffic\."):
        allowed_changes(changes, Guards(protect='healthy'), account)


# One of a pair at a time.

MTU = [{'name': name, 'mtu': 1300} for name in 'abcg']


@pytest.mark.parametrize(('account', 'most', 'updated'), [
    ({}, 1, 'acg'),
    ({}, 2, 'abcg'),
    ({'pa': 'Down'}, 1, 'acg'),
    ({'pb': 'Pending'}, 1, 'bcg'),
    ({'pb': 'Pending'}, 2, 'bcg'),
    ({'pa': 'Down', 'pb': 'Down'}, 1, 'acg'),
])
def test_so_many_of_a_site_change_in_a_run_and_a_live_one_while_the_others_are_healthy(account, most, updated):
    done = decided(MTU, account=account_with(**account), at_most_per_site=most)
    assert {name: outcome.state for name, outcome in done.items()} == {
        name: 'updated' if name in updated else 'deferred' for name in 'abcg'}
    for outcome in done.values():
        assert (outcome.state == 'deferred') == ('ewr-a' in outcome.deferred)


NEW = [{'name': name, 'slot': {'site': 'ewr-a'}, 'health_check': {'rate': 'high'}} for name in ('n1', 'n2')]
ON_SPARE = {'name': 'n', 'interconnect': 'spare', 'health_check': {'rate': 'high'}, 'routes': [{'prefix': '10.9.0.0/16'}]}
HAS_ROUTE = {'name': 'b', 'routes': [{'prefix': '10.1.0.0/16', 'priority': 100}]}


@pytest.mark.parametrize(('declared', 'done', 'last'), [
    (NEW, ['created', 'created'], 'updated'),
    ([ON_SPARE], ['created'], 'updated'),
    ([HAS_ROUTE], ['unchanged'], 'updated'),
    ([{**HAS_ROUTE, 'routes': [*HAS_ROUTE['routes'], {'prefix': '10.9.0.0/16'}]}], ['updated'], 'updated'),
    ([{**HAS_ROUTE, 'routes': [{'prefix': '10.1.0.0/16', 'priority': 200}]}], ['updated'], 'deferred'),
    ([{**HAS_ROUTE, 'routes': []}], ['updated'], 'deferred'),
    ([{'name': 'b', 'health_check': {'rate': 'high'}}], ['updated'], 'deferred'),
    ([{'name': 'b', 'slot': {'site': 'gru-b'}, 'on_immutable': 'replace'}], ['replaced'], 'deferred'),
], ids=['ordered', 'on a spare port', 'unchanged', 'one more route', 'a route changes', 'a route goes', 'health check', 'replaced'])
def test_what_may_carry_traffic_counts_and_what_is_only_created_does_not(declared, done, last):
    ports, health_check = [*PORTS, direct('spare', 14)], {'health_check': {'rate': 'mid'}}
    cnis = [CNIS[0], {**CNIS[1], 'cust_ip': '172.31.0.3/31', 'p2p_ip': '172.31.0.2/31'}, *CNIS[2:]]
    tunnels = [{**obj, **health_check, 'name': f'tunnel-{obj["id"]}'} for obj in (*TUNNELS, tunnel(14))]
    account = snapshot(SLOTS, ports, cnis, tunnels, spare='Pending', **ALL,
                       routes=[{'id': 'r1', 'prefix': '10.1.0.0/16', 'nexthop': '172.31.0.3', 'priority': 100}])
    found = decided([*declared, {'name': 'a', 'mtu': 1300}], account=account, at_most_per_site=1, force=True)
    assert [outcome.state for outcome in found.values()] == [*done, last]


def test_what_waits_says_for_what():
    names = ('a', 'b', 'd', 'e')
    ports = [direct(f'p{name}', number) for number, name in enumerate(names, 11)]
    cnis = [cni(20 + number, name, f'p{name}') for number, name in enumerate(names)]
    changes = [{'name': name, 'mtu': 1300} for name in names]
    healthy = snapshot(SLOTS, ports, cnis, **dict.fromkeys((f'p{name}' for name in names), 'Healthy'))
    assert {name: outcome.deferred for name, outcome in decided(changes, account=healthy, at_most_per_site=2).items()} == {
        'a': '', 'b': '', 'd': 'at_most_per_site is 2, and this run already changes a, b at site ewr-a. Run it again once that is Healthy.',
        'e': 'for the same reason as d'}
    dark = snapshot(SLOTS, ports, cnis, pa='Healthy', pb='Pending', pd='Healthy')
    dark.put_part(('status', 'pe'), [])
    assert {name: outcome.deferred for name, outcome in decided(changes[:1], account=dark, at_most_per_site=1).items()} == {
        'a': 'it is Healthy, but others at site ewr-a are not: b (Pending), e (no status). Run it again once they are.'}


def test_of_a_pair_that_is_deleted_one_goes_and_the_last_one_is_refused_in_the_next_run():
    assert states('ab', 'deleted', max_deletes=2, at_most_per_site=1) == {'a': 'deleted', 'b': 'deferred'}
    assert states([{'name': 'a', 'state': 'absent'}, {'name': 'b', 'mtu': 1300}], at_most_per_site=1) == {'a': 'deleted', 'b': 'deferred'}
    later = snapshot(SLOTS, PORTS[1:], CNIS[1:], TUNNELS, **ALL)
    assert states('ab', 'deleted', later, max_deletes=2, at_most_per_site=1) == {'a': 'unchanged', 'b': 'failed'}
