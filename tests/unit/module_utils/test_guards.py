# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What carries traffic is not deleted by mistake, and not two of a pair at once: over worlds that are written down here."""

from __future__ import annotations

import pytest

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._desired import desired_object
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError, ProtectedError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._guards import Guards, allowed_changes, guards_of
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._plan import plan_changes, schedule
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import CNI, INTERCONNECT
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._rollout_plan import RolloutPlan
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._snapshot import Snapshot, Unread

from .test_plan import SLOTS, cni, direct, gcp, slot, snapshot, tunnel

PORTS = [direct('pa', 11), direct('pb', 12, device='edge02.ewr-a'), direct('pc', 13, site='lhr-a'), {**gcp('pg'), 'site': None}]
CNIS = [cni(21, 'a', 'pa'), cni(22, 'b', 'pb'), cni(23, 'c', 'pc'), cni(24, 'g', 'pg')]
TUNNELS = [tunnel(11), tunnel(12), tunnel(13), {**tunnel(1000), 'description': ''}]
ALL = {'pa': 'Healthy', 'pb': 'Healthy', 'pc': 'Healthy', 'pg': 'Healthy'}


def there(**states):
    """Two circuits at ewr-a (a, b), one at lhr-a (c), one of Google Cloud (g), all Healthy but for what is given."""
    return snapshot(SLOTS, PORTS, CNIS, TUNNELS, **{**ALL, **states})


def decided(circuits, state='merged', account=None, **guards):
    circuits = [{'name': circuit} if isinstance(circuit, str) else circuit for circuit in circuits]
    return {outcome.name: outcome for outcome in RolloutPlan(circuits, state, Guards(**guards)).plan_outcomes(account or there())}


def states(*arguments, **options):
    return {name: outcome.state for name, outcome in decided(*arguments, **options).items()}


# How many.

@pytest.mark.parametrize(('circuits', 'state', 'guards'), [
    ('ab', 'deleted', {}),
    ('a', 'deleted', {'max_deletes': 0}),
    ('abcg', 'deleted', {'max_deletes': 3, 'force': True}),
    ('abc', 'overridden', {}),
    ('ab', 'overridden', {'max_deletes': 1}),
])
def test_too_many_are_refused_with_all_of_them(circuits, state, guards):
    with pytest.raises(InputError) as caught:
        decided(circuits, state, **guards)
    assert caught.value.details['option'] == 'max_deletes'
    gone = circuits if state == 'deleted' else [name for name in 'abcg' if name not in circuits]
    assert ', '.join(f'{name} (p{name}, Healthy)' for name in gone) in str(caught.value)
    assert str(caught.value).startswith(f'max_deletes: {len(gone)} circuits ')
    assert caught.value.details['allowed'] == f'at least {len(gone)}, to delete them'


def test_sixty_live_circuits_that_are_declared_absent_all_stay():
    ports = [direct(f'p{number}', number, site=f's{number // 2}') for number in range(60)]
    cnis = [cni(100 + number, f'c{number}', f'p{number}') for number in range(60)]
    account = snapshot((), ports, cnis, [tunnel(number) for number in range(60)], **{f'p{number}': 'Healthy' for number in range(60)})
    with pytest.raises(InputError, match=r'60 circuits would be deleted: .*c59 '):
        decided([f'c{number}' for number in range(60)], 'deleted', account)


def test_as_many_as_the_user_says_go_and_what_is_not_there_does_not_count():
    assert states('ac', 'deleted', there(pc='Down'), max_deletes=2) == {'a': 'deleted', 'c': 'deleted'}
    assert states(['a', 'gone', 'gone too'], 'deleted') == {'a': 'deleted', 'gone': 'unchanged', 'gone too': 'unchanged'}
    assert states('acg', 'overridden', max_deletes=1)['b'] == 'deleted'


def test_what_is_declared_absent_is_part_of_the_plan_of_the_others():
    absent = [{'name': name, 'state': 'absent'} for name in 'ac']
    with pytest.raises(InputError, match=r'2 circuits would be deleted: a .*, c .*Nothing was written'):
        decided([*absent, {'name': 'b', 'mtu': 1300}])
    assert states([*absent, {'name': 'b', 'mtu': 1300}], max_deletes=2, force=True) == {'a': 'deleted', 'c': 'deleted', 'b': 'updated'}
    assert states([absent[0], {'name': 'b'}], 'overridden', max_deletes=3, force=True) == {
        'a': 'deleted', 'b': 'unchanged', 'c': 'deleted', 'g': 'deleted'}
    full = there()
    full.put_part(('slot', None), [slot(1, occupied=True), slot(11, occupied=True)])  # the second is that of a
    assert states([{'name': 'n', 'slot': {'site': 'ewr-a'}}, absent[0]], account=full) == {'n': 'created', 'a': 'deleted'}


def test_what_is_replaced_counts_too():
    away = [{'name': name, 'slot': {'site': 'gru-b'}, 'on_immutable': 'replace'} for name in 'ab']
    dark, slots = there(pa='Down', pb='Down'), [slot(6, site='gru-b'), slot(7, site='gru-b')]
    dark.put_part(('slot', None), slots)
    with pytest.raises(InputError, match='2 circuits would be deleted'):
        decided(away, account=dark)
    assert states(away, account=dark, max_deletes=2) == {'a': 'updated', 'b': 'updated'}
    assert states(away[:1], account=dark) == {'a': 'updated'}


@pytest.mark.parametrize(('option', 'value'), [('max_deletes', -1), ('at_most_per_site', 0)])
def test_a_number_that_can_not_be_is_refused_by_name(option, value):
    with pytest.raises(InputError) as caught:
        guards_of({option: value})
    assert caught.value.details['option'] == option


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
    done = decided(circuits, 'deleted', there(**account), max_deletes=9, **guards)
    assert {name for name, outcome in done.items() if outcome.state == 'failed'} == set(refused)
    assert {name for name, outcome in done.items() if outcome.state == 'deleted'} == set(circuits) - set(refused)
    for name in refused:
        error = done[name].result.error
        assert (error.kind, name in error.details['candidates'], f'p{name}' in str(error)) == ('protected', True, True)


def test_the_last_one_is_that_of_its_region_for_google_cloud():
    done = decided('g', 'deleted')
    assert 'us-east4' in str(done['g'].result.error)


def test_a_healthy_one_is_replaced_by_force_only():
    away = [{'name': 'a', 'slot': {'site': 'gru-b'}, 'on_immutable': 'replace'}]
    assert states(away, account=there(pb='Down')) == {'a': 'failed'}
    assert states(away, account=there(pb='Down'), force=True) == {'a': 'updated'}


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
    asked = []
    while True:
        try:
            decided('a', 'deleted', account)
            break
        except Unread as error:
            asked += error.parts
            for part in error.parts:
                account.put_part(part, [{'state': 'Healthy'}])
    assert asked == [('status', 'pa'), ('status', 'pb')]


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
    (outcome,) = decided('c', 'deleted', there(pc='Down')).values()
    assert {change.row.name: change.before['status'] for change in outcome.changes if change.action == 'delete'} == {
        'cni': 'Down', 'interconnect': 'Down'}


@pytest.mark.parametrize(('row', 'asked', 'account', 'refused'), [
    (CNI, {'conduit_name': 'c'}, {}, True),
    (CNI, {'conduit_name': 'c'}, {'pc': 'Down'}, False),
    (CNI, {'conduit_name': 'a'}, {}, False),
    (INTERCONNECT, {'conduit_name': 'c'}, {}, True),
    (INTERCONNECT, {'conduit_name': 'a', 'name': 'pa'}, {}, False),
])
def test_one_module_has_the_same_guard(row, asked, account, refused):
    account = there(**account)
    changes = schedule(plan_changes([desired_object(row, {**asked, 'state': 'absent'})], account))
    try:
        done = allowed_changes(changes, Guards(), account)
    except ProtectedError as error:
        assert refused, error
    else:
        assert not refused
        assert [change.action for change in done] == [change.action for change in changes]
    assert allowed_changes(changes, Guards(force=True), account)


def test_a_spare_port_that_is_healthy_is_no_circuit_but_protected_where_all_that_is_healthy_is():
    account = snapshot(SLOTS, [*PORTS, direct('spare', 14, site='gru-b')], CNIS, TUNNELS, spare='Healthy')
    changes = plan_changes([desired_object(INTERCONNECT, {'name': 'spare', 'state': 'absent'})], account)
    assert allowed_changes(changes, Guards(), account)
    with pytest.raises(ProtectedError):
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
    done = decided(MTU, account=there(**account), at_most_per_site=most)
    assert {name: outcome.state for name, outcome in done.items()} == {
        name: 'updated' if name in updated else 'deferred' for name in 'abcg'}
    for outcome in done.values():
        assert (outcome.state == 'deferred') == ('ewr-a' in outcome.deferred)


def test_what_is_only_created_is_not_counted():
    new = [{'name': name, 'slot': {'site': 'ewr-a'}, 'health_check': {'rate': 'high'}} for name in ('n1', 'n2')]
    done = states([*new, {'name': 'a', 'mtu': 1300}], at_most_per_site=1)
    assert done == {'n1': 'created', 'n2': 'created', 'a': 'updated'}


def test_of_a_pair_that_is_deleted_one_goes_and_the_last_one_is_refused_in_the_next_run():
    assert states('ab', 'deleted', max_deletes=2, at_most_per_site=1) == {'a': 'deleted', 'b': 'deferred'}
    assert states([{'name': 'a', 'state': 'absent'}, {'name': 'b', 'mtu': 1300}], at_most_per_site=1) == {'a': 'deleted', 'b': 'deferred'}
    later = snapshot(SLOTS, PORTS[1:], CNIS[1:], TUNNELS, **ALL)
    assert states('ab', 'deleted', later, max_deletes=2, at_most_per_site=1) == {'a': 'unchanged', 'b': 'failed'}
