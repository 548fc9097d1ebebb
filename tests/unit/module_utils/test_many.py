# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several at once: a snapshot that changes as is decided, chains of what is desired, chains of writes that end by themselves."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from simulator.process import WAIT

from ansible_collections.netops.cloudflare_cni.plugins.module_utils import _writes
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._apply import apply_chains
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._changes import Change, follow_up_of, split_follow_ups
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._circuits import (
    delete_chains,
    desired_chain,
    gathered_circuits,
    half_deleted_chain,
    planning_order,
    with_replaced_name,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._desired import desired_object
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import (
    BugError,
    DriftError,
    InputError,
    NotListedError,
    RaceError,
    ShapeError,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._find import DELETE_NOTE
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Unreadable
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._plan import plan_chains, plan_changes
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import CNI, INTERCONNECT, TUNNEL, UNKNOWN, Placeholder
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._slots import slot_to_order
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._snapshot import Snapshot, Unread
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import casefolded
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._writes import CreatedObjects, _create_object

from .scripted import ACCOUNT, Script, answer, refusal
from .test_apply import LINKS, PORTS, list_answer, lost
from .test_plan import KEY, NY5, SLOTS, cni, direct, gcp, slot, snapshot, steps, tunnel, uuid

SITE = {'site': 'ewr-a', 'speed': '10G'}


def circuit(name, **more):
    return desired_chain({'name': name, 'slot': SITE, **more})


# The snapshot.

def test_an_index_follows_what_changes():
    current = snapshot(interconnects=[direct('a', 1), direct('b', 2)])
    first, second = current.objects('interconnect')
    assert current.matching('interconnect', 'name', 'a') == [first]
    assert current.matching('interconnect', 'name', 'A', casefolded) == [first]
    current.replace_object('interconnect', first, {**first, 'name': 'c'})
    current.replace_object('interconnect', second, None)
    current.replace_object('interconnect', None, direct('d', 4))
    assert [port['name'] for port in current.objects('interconnect')] == ['c', 'd']
    assert [current.matching('interconnect', 'name', name) != [] for name in 'abcd'] == [False, False, True, True]
    assert current.matching('interconnect', 'name', 'C', casefolded) == [{**first, 'name': 'c'}]


def test_a_copy_changes_by_itself_and_what_nobody_has_read_stays_unread():
    current = Snapshot({('cni', None): [cni(1, 'nyc-1', 'a')]})
    other = current.copy()
    other.replace_object('cni', other.objects('cni')[0], None)
    other.replace_object('slot', None, slot(1))
    assert (len(current.objects('cni')), other.objects('cni'), other.has_list('slot')) == (1, [], False)


def test_one_of_two_that_have_the_same_value_can_go():
    current = snapshot(cnis=[cni(1, 'a', 'x'), cni(2, 'b', 'x')])
    first, second = current.matching('cni', 'interconnect', 'x')
    assert current.matching('cni', 'magic.conduit_name', 'a') == [first]
    current.replace_object('cni', first, None)
    assert current.matching('cni', 'interconnect', 'x') == [second]
    current.replace_object('cni', None, {'id': 'c'})
    assert current.matching('cni', 'interconnect', None) == []


def test_values_that_are_no_words_are_found_too():
    current = snapshot(interconnects=[direct('a', 1), {**direct('b', 2), 'facility': None}])
    assert [port['name'] for port in current.matching('interconnect', 'facility', direct('a', 1)['facility'])] == ['a']
    assert [port['name'] for port in current.matching('interconnect', 'facility', None)] == ['b']


def test_what_is_read_anew_is_found_anew_and_one_resource_can_be_kept():
    current = Snapshot({('cni', None): [cni(1, 'a', 'x')], ('slot', None): [slot(1)]})
    assert current.matching('cni', 'interconnect', 'x') != []
    current.put_part(('cni', None), [])
    assert current.matching('cni', 'interconnect', 'x') == []
    current.put_part(('cni', uuid(2)), [cni(2, 'b', 'x')])
    assert current.objects('cni', uuid(2)) == current.matching('cni', 'interconnect', 'x') != []
    current.put_part(('cni', None), [])
    with pytest.raises(Unread):  # it may have gone since
        current.objects('cni', uuid(2))
    kept = current.restricted_to('slot')
    assert (kept.objects('slot'), kept.has_list('cni')) == ([slot(1)], False)


def test_placeholders_read_alike_and_are_distinct():
    first, other = Placeholder(), Placeholder()
    assert (str(first), first == UNKNOWN, first != UNKNOWN) == (UNKNOWN, True, False)
    assert ({first: 1}.get(first), first == other, first != other, {first: 1}.get(other)) == (1, False, True, None)


# Plans.

def test_each_circuit_of_a_plan_gets_a_port_of_its_own():
    planned = plan_chains([circuit(name) for name in 'abc'], snapshot(SLOTS))
    ports, links = zip(*planned, strict=True)
    assert [port.after['slot_id'] for port in ports] == [uuid(2), uuid(3), uuid(4)]
    assert [link.after['interconnect'] is port.after['name'] for port, link in planned] == [True, True, True]
    assert len({id(link.after['interconnect']) for link in links}) == 3


def test_circuits_keep_away_from_each_other_whatever_their_order():
    apart = {'slot': {**SITE, 'diverse_from': ['a', 'b']}}
    for names in ('ab', 'ba'):
        first, second = plan_chains([desired_chain({'name': name, **apart}) for name in names], snapshot(SLOTS))
        assert first[0].after['ccr_device_name'] != second[0].after['ccr_device_name']


@pytest.mark.parametrize('ports_of_a_former_run', [[], [direct('x', 2)]], ids=['none', 'one'])
def test_ports_that_are_ordered_before_their_cnis_keep_away_from_each_other_too(ports_of_a_former_run):
    apart = {'slot': {**SITE, 'diverse_from': ['a']}}
    chains = [desired_chain({'name': 'a', 'slot': SITE}, ['interconnect']), desired_chain({'name': 'b', **apart}, ['interconnect', 'loa'])]
    (first,), (second,) = plan_chains(chains, snapshot([*SLOTS, slot(8)], ports_of_a_former_run))
    assert first.action == ('none' if ports_of_a_former_run else 'create')
    assert (first.after['ccr_device_name'], second.after['ccr_device_name']) == ('edge01.ewr-a', 'edge03.ewr-a')


@pytest.mark.parametrize('steps_of_run', [['interconnect'], ['interconnect', 'cni']], ids=len)
@pytest.mark.parametrize('on_record', [True, False])
def test_a_circuit_that_is_ordered_anew_keeps_away_from_those_that_name_it(steps_of_run, on_record):
    """The other one was ordered while this one did not exist, on the device that comes first."""
    account = snapshot([*SLOTS, slot(8)], [direct('x', 2)], [] if on_record else [cni(20, 'b', 'x')])
    account.set_records({'b': 'x'} if on_record else {})
    chains = [desired_chain({'name': name, 'slot': selector}, steps_of_run)
              for name, selector in (('a', SITE), ('b', {**SITE, 'diverse_from': ['a']}))]
    first, second = plan_chains(chains, account)
    assert [first[0].action, second[0].action] == ['create', 'none']
    assert first[0].after['ccr_device_name'] == 'edge03.ewr-a'


def test_a_port_without_a_circuit_is_not_used_beside_one_that_has_to_be_diverse_from_it():
    account = snapshot([*SLOTS, slot(8)], [direct('x', 2), direct('spare', 9)], [cni(20, 'b', 'x')])
    first, _second = plan_chains([circuit('a'), circuit('b', slot={**SITE, 'diverse_from': ['a']})], account)
    assert (first[0].action, first[0].after['ccr_device_name']) == ('create', 'edge03.ewr-a')


def test_a_circuit_comes_after_those_that_it_keeps_away_from():
    chains = {'a': desired_chain({'name': 'a', 'slot': {**SITE, 'diverse_from': ['c']}}), 'b': circuit('b'), 'c': circuit('c')}
    assert planning_order(chains) == ['c', 'a', 'b']
    pair = {name: circuit(name, slot={**SITE, 'diverse_from': [other]}) for name, other in ('ab', 'ba')}
    assert sorted(planning_order(pair)) == ['a', 'b']


@pytest.mark.parametrize(('names', 'existing', 'done'), [
    (('new', 'old'), ['old'], ['none', 'update']),
    (('new', 'old'), ['new'], ['none', 'none']),
    (('new', 'old'), [], ['create', 'create']),
    (('new', 'old'), ['new', 'old'], 'ambiguous'),
])
def test_a_circuit_that_was_renamed_keeps_its_interconnect(names, existing, done):
    account = snapshot(SLOTS, [direct(f'p{name}', 9 + n) for n, name in enumerate(existing)],
                       [cni(20 + n, name, f'p{name}') for n, name in enumerate(existing)])
    (changes,) = plan_chains([circuit(names[0], previous_name=names[1])], account)
    if isinstance(done, str):
        assert (changes.kind, changes.details['candidates']) == (done, ['new', 'old'])
        assert str(changes) == ('interconnect of new matches 2 objects: new, old. '
                                'Remove previous_name, or delete one of the two circuits.')
        return
    assert [change.action for change in changes] == done
    assert changes[1].after['magic']['conduit_name'] == 'new'
    assert not existing or changes[1].after['interconnect'] == f'p{existing[0]}'


def test_a_renamed_circuit_may_be_replaced_in_the_same_run():
    account = snapshot([slot(6, site='gru-b')], [direct('pold', 9)], [cni(20, 'old', 'pold')], [tunnel(9)], pold='Down')
    desired = circuit('new', previous_name='old', slot={'site': 'gru-b'}, on_immutable='replace')
    (changes,) = plan_chains([desired], account)
    assert steps(changes)[-4:] == [('delete', 'cni'), ('delete', 'interconnect'), ('create', 'interconnect'), ('create', 'cni')]
    assert changes[-1].after['magic']['conduit_name'] == 'new'


@pytest.mark.parametrize('inherited', [{'slot': SITE}, {'slot_id': uuid(2)}, {'slot': SITE, 'speed': '10G'}], ids=str)
def test_a_pairing_key_counts_more_than_what_a_group_says_of_ports(inherited):
    options = {'pairing_key': KEY, 'bandwidth': '1G', **inherited}
    chain = desired_chain({'name': 'gcp-1', **options})
    left_out = ', '.join(sorted(inherited))
    assert chain[0].warnings == (f'{left_out}: ignored, because a circuit with a pairing_key has no port in a data centre.',)
    ((port, _link),) = plan_chains([chain], snapshot(SLOTS))
    assert (port.after['type'], port.after.get('slot_id')) == ('gcp_partner', None)
    with pytest.raises(InputError, match='different types'):
        desired_object(INTERCONNECT, options)
    account = snapshot(SLOTS, [direct('spare', 2)], [], [tunnel(2)])
    assert steps(plan_chains(delete_chains([{'name': 'gcp-1', **options}], account).values(), account)[0]) == [('none', 'interconnect')]


@pytest.mark.parametrize(('options', 'cnis', 'gone'), [
    ({}, [], [('delete', 'interconnect')]),
    ({'interconnect': 'spare'}, [], [('delete', 'interconnect')]),
    ({}, [cni(1, 'spare', 'other')], [('delete', 'cni'), ('delete', 'interconnect')]),
])
def test_a_spare_interconnect_is_deleted_by_its_own_name_if_no_circuit_has_it(options, cnis, gone):
    account = snapshot((), [direct('spare', 1), direct('other', 2)], cnis, [tunnel(1), tunnel(2)])
    (changes,) = plan_chains(delete_chains([{'name': 'spare', **options}], account).values(), account)
    assert steps([change for change in changes if change.action != 'note']) == gone
    assert changes[-1].before['name'] == ('other' if cnis else 'spare')


@pytest.mark.parametrize(('circuits', 'gone'), [
    ([{'name': 'a'}], [['cni']]),
    ([{'name': 'a'}, {'name': 'b'}], [['cni'], ['cni', 'interconnect']]),
    ([{'name': 'a', 'interconnect': 'here'}, {'name': 'b', 'interconnect': 'here'}], [['cni'], ['cni']]),
    ([{'name': 'a', 'interconnect': 'here'}, {'name': 'b'}], [['cni'], ['cni']]),
    ([{'name': 'alone', 'interconnect': 'own'}], [['cni']]),
    ([{'name': 'alone'}], [['cni', 'interconnect']]),
    ([{'name': 'beside'}], [['cni']]),
    ([{'name': 'spare', 'interconnect': 'own'}], [[]]),
    ([{'name': 'x', 'slot_id': uuid(3)}], [['interconnect']]),
], ids=str)
def test_a_port_goes_with_its_last_circuit_unless_that_declares_it(circuits, gone):
    odd = Unreadable(cni(9, 'odd', 'half read'), ShapeError('GET', '/cni/cnis', 200, 'bgp of CNI is wrong', ['bgp']))
    names = ('here', 'own', 'spare', 'half read')
    current = snapshot((), [direct(name, number) for number, name in enumerate(names, 1)],
                       [cni(1, 'a', 'here'), cni(2, 'b', 'here'), cni(3, 'alone', 'own'), cni(4, 'beside', 'half read'), odd],
                       [tunnel(number) for number in range(1, 5)])
    planned = plan_chains(delete_chains(circuits, current).values(), current)
    assert [[change.row.name for change in changes if change.action == 'delete'] for changes in planned] == gone


@pytest.mark.parametrize(('options', 'noted'), [({}, True), ({'recorded': False}, True), ({'recorded': True}, False)])
def test_a_port_that_is_on_record_needs_no_note_on_its_tunnel_before_it_is_deleted(options, noted):
    current = snapshot((), [direct('here', 1)], [cni(1, 'a', 'here')], [tunnel(1)])
    (changes,) = plan_chains(delete_chains([{'name': 'a'}], current, **options).values(), current)
    assert [change.action for change in changes] == [*(['note'] if noted else []), 'delete', 'delete']


def test_a_port_whose_note_is_that_of_a_circuit_on_record_is_not_half_deleted():
    current = snapshot((), [direct('old', 1)], [], [tunnel(1, f'{DELETE_NOTE}a')])
    assert half_deleted_chain('a', current) == [desired_object(INTERCONNECT, {'name': 'old', 'state': 'absent'})]
    current.set_records({'a': 'old'})
    assert half_deleted_chain('a', current) == []


def test_only_what_may_be_replaced_is_looked_for_by_the_port_that_it_has():
    replaced, current = circuit('a', on_immutable='replace'), snapshot((), [direct('here', 1)], [cni(1, 'a', 'here')], [tunnel(1)])
    assert [desired.keys.get('name') for desired in with_replaced_name('a', replaced, current)] == ['here', None]
    assert with_replaced_name('b', replaced, current) == replaced
    assert with_replaced_name('a', circuit('a'), Snapshot()) == circuit('a')


def test_a_health_check_is_left_out_with_its_step():
    chain = desired_chain({'name': 'a', 'slot': SITE, 'health_check': {'rate': 'high'}}, ['interconnect', 'cni'])
    assert [desired.row.name for desired in chain] == ['interconnect', 'cni']


def test_an_interconnect_that_carries_a_circuit_is_no_spare_one():
    account = snapshot((), [direct('spare', 1)], [cni(1, 'a', 'spare')], [tunnel(1)])
    (error,) = plan_chains(delete_chains([{'name': 'spare'}], account).values(), account)
    assert "carries CNI 'a'" in str(error)


def test_many_that_keep_away_from_each_other_backwards_come_in_order():
    names = [str(number) for number in range(1500)]
    chains = {name: circuit(name, slot={**SITE, 'diverse_from': [before]}) for name, before in zip(names[1:], names, strict=False)}
    assert planning_order(dict(reversed(chains.items()))) == names[1:]


def test_what_was_known_is_one_set_for_all_changes():
    """Of what was read, not of what the plan makes of it."""
    planned = plan_chains([circuit(name) for name in 'abc'], snapshot(SLOTS, [direct('here', 1, site='lhr-a')], [cni(1, 'd', 'here')]))
    assert {id(changes[0].known_ids) for changes in planned} == {id(planned[0][0].known_ids)}
    assert [change.known_ids for change in planned[2]] == [{'here'}, {uuid(1)}]


class CountedReads(dict):
    """An object that counts how often its fields are read."""

    reads = 0

    def get(self, *name):
        CountedReads.reads += 1
        return super().get(*name)

    def __getitem__(self, name):
        CountedReads.reads += 1
        return super().__getitem__(name)


@pytest.mark.parametrize('options_of', [
    lambda number: {'slot': SITE},
    lambda number: {'slot': {**SITE, 'diverse_from': [str(number - 1)]} if number % 2 else SITE},
    lambda number: {'slot': {'address_contains': 'Halsey'}},
    lambda number: {'slot_id': uuid(number)},
    lambda number: {'pairing_key': KEY, 'bandwidth': '1G'},
], ids=['site', 'pairs', 'address', 'slot_id', 'gcp'])
@pytest.mark.parametrize('others', [0, 1], ids=['from nothing', 'beside others'])
def test_a_circuit_costs_the_same_however_many_there_are(options_of, others):
    """In reads of slots and interconnects: seconds are for the benchmark."""
    looks = []
    for size in (50, 100):
        places = [{'device': f'edge{number % 4}'} for number in range(2 * size)]
        slots = [CountedReads(slot(number, **place)) for number, place in enumerate(places)]
        ports = [CountedReads(direct(f'x{number}', 1000 + number, site='lhr-a', facility=NY5)) for number in range(size * others)]
        chains = {str(number): desired_chain({'name': str(number), **options_of(number)}) for number in range(size)}
        CountedReads.reads = 0
        planned = plan_chains(list(chains.values()), snapshot(slots, ports))
        assert {changes[0].action for changes in planned} == {'create'}
        looks.append(CountedReads.reads)
    assert looks[1] <= 2.2 * looks[0]


def test_a_slot_that_one_releases_is_free_for_the_next():
    current = snapshot([slot(1, occupied=True), slot(2, occupied=True)], [direct('old', 1)], [cni(1, 'old', 'old')])
    gone = [desired_object(INTERCONNECT, {'name': 'old', 'conduit_name': 'old', 'state': 'absent'})]
    _deletes, made = plan_chains([gone, circuit('new')], current)
    assert (made[0].action, made[0].after['slot_id']) == ('create', uuid(1))


def test_a_port_that_is_deleted_is_nobodys_and_one_that_a_circuit_leaves_is_free():
    alone = snapshot([slot(1, occupied=True), slot(2)], [direct('old', 1)])
    _gone, made = plan_chains([[desired_object(INTERCONNECT, {'name': 'old', 'state': 'absent'})], circuit('new')], alone)
    assert made[0].action == 'create'
    ports = snapshot(interconnects=[direct('x', 1), direct('y', 2)], cnis=[cni(1, 'a', 'x')])
    moved, made = plan_chains([[desired_object(CNI, {'conduit_name': name, 'interconnect': port})]
                               for name, port in (('a', 'y'), ('b', 'x'))], ports)
    assert (steps(moved), steps(made)) == ([('update', 'cni')], [('create', 'cni')])


def test_a_port_that_a_circuit_leaves_is_spare_for_those_after_it():
    current = snapshot(SLOTS, [direct('x', 1), direct('y', 9, site='lhr-a')], [cni(1, 'a', 'x')])
    first, _moved, next_one = plan_chains([circuit('b'), [desired_object(CNI, {'conduit_name': 'a', 'interconnect': 'y'})], circuit('c')],
                                          current)
    assert (first[0].action, next_one[0].after['name']) == ('create', 'x')


def test_a_circuit_that_has_its_port_needs_none_of_the_spare_ones():
    ports = [direct(name, number) for number, name in enumerate('wxyz', 8)]
    away = circuit('b', slot={**SITE, 'diverse_from': ['other']})
    taken, made, refused = plan_chains([circuit('a'), away, circuit('c')], snapshot(SLOTS, ports, [cni(1, 'other', 'z')]))
    assert (taken[0].after['name'], made[0].action, refused.kind) == ('w', 'create', 'ambiguous')


def test_a_health_check_goes_to_the_port_that_was_decided():
    tunnel = {'id': 't', 'virtual_port_reservation_id': uuid(1001), 'health_check': {'rate': 'mid'}}
    (changes,) = plan_chains([circuit('a', health_check={'rate': 'high'})], snapshot(interconnects=[direct('here', 1)], tunnels=[tunnel]))
    assert steps(changes) == [('none', 'interconnect'), ('create', 'cni'), ('update', 'tunnel')]
    assert (changes[1].after['interconnect'], changes[2].after['id'], changes[2].label) == ('here', 't', 'health check of a')


def test_a_circuit_that_is_not_there_yet_hides_none_that_is():
    current = snapshot([slot(2), slot(3, device='edge02.ewr-a')], [direct('here', 1)], [cni(1, 'c', 'here')])
    first, _second = plan_chains([desired_chain({'name': 'a', 'slot': {**SITE, 'diverse_from': ['b', 'c']}}), circuit('b')], current)
    assert first[0].after['ccr_device_name'] == 'edge02.ewr-a'


def test_a_circuit_need_not_keep_away_from_the_port_that_it_releases():
    current = snapshot([slot(1, occupied=True), slot(5, speed='100G')], [direct('old', 1)], [cni(1, 'a', 'old')], old='Pending')
    options = {'name': 'old', 'conduit_name': 'a', 'on_immutable': 'replace', 'slot': {'speed': '100G', 'diverse_from': ['a']}}
    *gone, made, _cni = plan_changes([desired_object(INTERCONNECT, options)], current)
    assert (steps(gone), made.after['slot_id']) == ([('delete', 'cni'), ('delete', 'interconnect')], uuid(5))
    assert 'old' in made.known_ids


@pytest.mark.parametrize('turned', [False, True])
def test_the_same_slot_is_chosen_whatever_the_order(turned):
    """By facility, then device, then id; what is not shown comes first."""
    ny1, ny5 = SLOTS[1]['facility'], SLOTS[3]['facility']
    ranked = [slot(9, device=None, facility={'name': ''}), slot(8, device='A', facility={'name': ''}), slot(7, device=None, facility=ny1),
              slot(6, device='A', facility=ny1), slot(4, device='B', facility=ny1), slot(5, device='B', facility=ny1),
              slot(1, device='A', facility=ny5)]
    while ranked:
        assert slot_to_order(snapshot(ranked[::-1] if turned else ranked), {}, None, []) == ranked[0]
        ranked.pop(0)


def test_an_invalid_chain_leaves_the_snapshot_to_the_others():
    """The port that was decided for the first, before its CNI could not be, is there for the second."""
    current = snapshot([slot(2), slot(1, occupied=True)], [direct('x', 1)], [cni(1, 'a', 'x'), cni(2, 'c', 'x')])
    bad = [desired_object(INTERCONNECT, {'slot_id': uuid(2)}), desired_object(CNI, {'conduit_name': 'b', 'interconnect': 'x'})]
    refused, made = plan_chains([bad, circuit('n')], current)
    assert isinstance(refused, InputError)
    assert (made[0].action, made[0].after['slot_id']) == ('create', uuid(2))


def test_an_exception_that_nobody_expected_ends_the_plan_of_one_circuit_alone():
    wrong = circuit('wrong')
    wrong[1] = wrong[1]._replace(fields={**wrong[1].fields, 'no.such.field': 1})
    first, second = plan_chains([wrong, circuit('right')], snapshot([slot(2)], cnis=[cni(1, 'wrong', 'x')], interconnects=[direct('x', 1)]))
    assert (first.kind, 'This is a bug in the collection' in str(first)) == ('error', True)
    assert steps(second) == [('create', 'interconnect'), ('create', 'cni')]


def test_a_port_that_was_meant_for_what_can_not_be_is_there_for_the_next():
    current = snapshot([slot(2)], [direct('spare', 1), direct('far', 4, site='lhr-b'), direct('x', 3, site='lhr-a')], [cni(1, 'b', 'x')])
    ports = [desired_object(INTERCONNECT, {'conduit_name': name, 'slot': {'site': site}})
             for name, site in (('a', 'ewr-a'), ('d', 'lhr-b'))]
    bad = [*ports, desired_object(CNI, {'conduit_name': 'c', 'interconnect': 'x'})]
    refused, made, far = plan_chains([bad, circuit('n'), circuit('m', slot={'site': 'lhr-b'})], current)
    assert (type(refused), made[0].action, made[0].after['name'], far[0].after['name']) == (InputError, 'none', 'spare', 'far')


def test_ports_that_a_run_left_without_a_cni_go_to_the_circuits_that_ask_for_them():
    leftovers = [direct('x', 2, device='two'), direct('y', 1, device='one')]  # as they were ordered: a's slot is the first
    pair = [circuit('a'), circuit('b', slot={**SITE, 'diverse_from': ['a']})]
    assert [chain[0].after['name'] for chain in plan_chains(pair, snapshot(SLOTS, leftovers))] == ['y', 'x']
    alike = snapshot(SLOTS, [direct('x', 2), direct('y', 1)])
    assert [chain[0].after['name'] for chain in plan_chains([circuit('a'), circuit('b')], alike)] == ['y', 'x']
    (ambiguous,) = plan_chains(pair[:1], snapshot(SLOTS, leftovers))
    assert ambiguous.details['candidates'] == ['x', 'y']
    refused, made = plan_chains([circuit('a'), circuit('b', slot={'site': 'lhr-a'})], snapshot([*SLOTS, slot(9, site='lhr-a')], leftovers))
    assert (refused.kind, made[0].action) == ('ambiguous', 'create')
    refused, _unchanged = plan_chains([circuit('a'), circuit('b')], snapshot(SLOTS, [*leftovers, direct('z', 9)], [cni(1, 'b', 'z')]))
    assert refused.kind == 'ambiguous'


def test_a_port_that_a_circuit_gets_is_not_spare_for_the_next_nor_for_who_asks_for_another():
    ports = [direct('x', 1), direct('far', 9, site='lhr-a')]
    selectors = {'a': SITE, 'b': SITE, 'c': {'site': 'lhr-a'}, 'd': {'site': 'ewr-a', 'facility': 'Equinix NY1'}}
    chains = [[desired_object(INTERCONNECT, {'conduit_name': name, 'slot': select})] for name, select in selectors.items()]
    assert [change.after['name'] for (change,) in plan_chains(chains, snapshot(SLOTS, ports))] == ['x', UNKNOWN, 'far', UNKNOWN]
    _named, (change,) = plan_chains([[desired_object(INTERCONNECT, {'name': 'x'})], chains[0]], snapshot(SLOTS, ports))
    assert change.after['name'] == 'x'


def test_what_is_not_replaced_stays_where_it_is_and_keeps_its_slot():
    current = snapshot([slot(1, occupied=True), slot(2), slot(5, speed='100G')], [direct('here', 1)], [cni(1, 'a', 'here')], [tunnel(1)],
                       here='Healthy')
    chains = [circuit('a', slot={'speed': '100G'}, on_immutable='replace'), circuit('b'), circuit('c', interconnect='here', shared=True)]
    refused, made, beside = plan_chains(chains, current)
    assert (type(refused), made[0].after['slot_id'], beside[-1].after['interconnect']) == (DriftError, uuid(2), 'here')


def test_what_comes_with_an_interconnect_that_is_ordered_is_written_after_it():
    checked = circuit('a', health_check={'rate': 'high'})
    (changes,) = plan_chains([checked], snapshot(SLOTS))
    now, later = split_follow_ups(changes)
    assert (steps(now), steps(later)) == ([('create', 'interconnect'), ('create', 'cni')], [('update', 'tunnel')])
    old = Change(INTERCONNECT, 'delete', 'interconnect old', direct('old', 1), None)
    done = [now[1], old, now[0]._replace(answer=direct('new', 2))]
    assert follow_up_of(later[0], done) == desired_object(TUNNEL, {'interconnect': 'new', 'rate': 'high'})
    made = snapshot(SLOTS, [direct('x', 1)], [cni(1, 'a', 'x')], [{**tunnel(1), 'health_check': {'rate': 'mid'}}])
    (changes,) = plan_chains([checked], made)
    assert split_follow_ups(changes) == (changes, [])
    link, check = desired_object(CNI, {'conduit_name': 'b', 'interconnect': UNKNOWN}), desired_object(TUNNEL, {'interconnect': UNKNOWN,
                                                                                                               'rate': 'high'})
    predicted = plan_changes([link, check], snapshot())
    assert split_follow_ups(predicted) == (predicted, [])


def test_what_has_no_reservation_is_no_match_for_what_has_none():
    current = snapshot(interconnects=[{**direct('here', 1), 'virtual_port_reservation_id': None}], cnis=[cni(1, 'a', 'here')],
                       tunnels=[{'id': 't', 'virtual_port_reservation_id': None, 'health_check': {'rate': 'mid'}}])
    with pytest.raises(NotListedError, match='no health check'):
        plan_changes([desired_object(TUNNEL, {'interconnect': 'here', 'rate': 'high'})], current)
    assert 'health_check' not in gathered_circuits(current)[0]


def test_each_error_is_in_its_place():
    current = snapshot(SLOTS, [direct('here', 1)], [cni(1, 'a', 'here')])
    drifted, made = plan_chains([desired_chain({'name': 'a', 'slot': {'speed': '100G'}}), circuit('b')], current)
    assert (type(drifted), steps(made)) == (DriftError, [('create', 'interconnect'), ('create', 'cni')])


def test_each_learns_why_there_is_no_slot_for_it():
    texts = 'nowhere', 'elsewhere'
    errors = plan_chains([circuit(text, slot={'address_contains': text}) for text in texts], snapshot(SLOTS))
    assert [f'{text!r}: 0' in str(error) for text, error in zip(texts, errors, strict=True)] == [True, True]


def test_circuits_on_one_port_may_agree_on_its_health_check():
    pair = [{'name': name, 'interconnect': 'here', 'shared': True, 'health_check': {'rate': 'high'}} for name in 'ab']
    plan_chains([desired_chain(circuit) for circuit in pair], snapshot(interconnects=[direct('here', 1)], tunnels=[
        {'id': 't', 'virtual_port_reservation_id': uuid(1001), 'health_check': {'rate': 'mid'}}]))
    other = desired_chain({**pair[1], 'health_check': {'rate': 'low'}})
    first, second, third = plan_chains([desired_chain(pair[0]), other, circuit('c')], snapshot(SLOTS))
    assert [str(error) for error in (first, second)] == [
        f"interconnect: 'here' has one health check, and {other} declares it differently." for other in 'ba']
    assert steps(third) == [('create', 'interconnect'), ('create', 'cni')]


def test_what_is_gathered_names_no_secret_and_says_what_is_shared():
    bgp = {'customer_asn': 1, 'extra_prefixes': [], 'md5_key': 'k'}
    current = snapshot(interconnects=[direct('here', 1)], cnis=[cni(2, 'b', 'here'), cni(1, 'a', 'here', bgp=bgp)])
    link = {'interconnect': 'here', 'mtu': 1500, 'cust_ip': '172.31.0.1/31', 'p2p_ip': '172.31.0.0/31', 'shared': True}
    assert gathered_circuits(current) == [{'name': 'a', **link, 'bgp': {'customer_asn': 1, 'extra_prefixes': []}}, {'name': 'b', **link}]


def test_what_is_gathered_of_a_tunnel_has_neither_the_address_of_a_cni_nor_our_note():
    tunnel = {'id': 't', 'virtual_port_reservation_id': uuid(1001), 'mtu': 1400, 'automatic_return_routing': False, 'gre': {},
              'health_check': {'rate': 'mid', 'target': {'saved': ''}}}
    cnis = [cni(1, 'a', 'here'), {**cni(2, 'b', 'here'), 'cust_ip': '10.0.0.1/31', 'p2p_ip': '10.0.0.0/31'}]
    own = {'interface_address': '10.9.8.0/31', 'description': 'x'}
    for more, shown in (({'interface_address': '10.0.0.0/31', 'description': f'{DELETE_NOTE}a'}, {}), (own, own),
                        ({'interface_address': None, 'description': ''}, {})):
        for circuit in gathered_circuits(snapshot(interconnects=[direct('here', 1)], cnis=cnis, tunnels=[{**tunnel, **more}])):
            assert circuit['tunnel'] == {'mtu': 1400, 'automatic_return_routing': False, **shown}
            assert circuit['health_check'] == {'rate': 'mid'}


@pytest.mark.parametrize(('ident', 'names', 'shown'), [
    ('p1', ['in', 'other'], 'in'), ('p1', ['in', 'in'], 'p1'), ('p1', ['', 'in'], 'p1'), ('p9', ['in'], 'p9'),
], ids=str)
def test_a_filter_is_gathered_by_its_name_if_that_is_its_own(ident, names, shown):
    current = snapshot(interconnects=[direct('here', 1)], cnis=[cni(1, 'a', 'here')],
                       tunnels=[{**tunnel(1), 'bgp': {'import_filter_id': ident, 'export_filter_id': '', 'md5_key': 'k'}}],
                       profiles=[{'id': f'p{number}', 'name': name} for number, name in enumerate(names, 1)])
    assert gathered_circuits(current)[0]['tunnel'] == {'import_filter': shown}


def test_no_profile_is_read_where_no_tunnel_has_a_filter():
    lists = {'interconnect': [direct('here', 1)], 'cni': [cni(1, 'a', 'here')], 'tunnel': [{**tunnel(1), 'mtu': 1500}], 'route': []}
    assert gathered_circuits(Snapshot({(name, None): objects for name, objects in lists.items()}))[0]['tunnel'] == {'mtu': 1500}


# Writes.

def orders(*numbers):
    return [plan_changes([desired_object(INTERCONNECT, {'slot_id': uuid(number)})], snapshot([slot(number)])) for number in numbers]


def test_a_chain_that_fails_ends_by_itself():
    script = Script(refusal(403), answer(direct('two', 2)))
    first, second = apply_chains(script.client(), orders(1, 2))
    assert (first.error.status, first.written, second.error, second.written[0].answer['name']) == (403, [], None, 'two')


def test_with_fail_fast_no_other_is_begun():
    script, ended = Script(answer(direct('one', 1)), refusal(403)), []
    ends = apply_chains(script.client(), orders(1, 2, 3), fail_fast=True, on_end=lambda number: ended.append((number, len(script.sent))))
    assert [(bool(end.written), bool(end.error), end.skipped) for end in ends] == [
        (True, False, False), (False, True, False), (False, False, True)]
    assert ended == [(0, 1), (1, 2), (2, 2)]


def test_all_deletes_come_before_anything_else():
    gone = [Change(INTERCONNECT, 'delete', 'old', direct('old', 9), None)]
    script = Script(answer(body=b''), answer(direct('one', 1)))
    apply_chains(script.client(), [*orders(1), gone])
    assert script.requests() == [('DELETE', f'{PORTS}/old'), ('POST', PORTS)]


def test_a_port_waits_until_the_cnis_of_all_chains_have_left_it():
    links = {name: Change(CNI, 'delete', name, cni(number, name, 'old'), None) for number, name in enumerate('ab', 1)}
    port = Change(INTERCONNECT, 'delete', 'old', direct('old', 9), None)
    script = Script(*[answer(body=b'')] * 3)
    apply_chains(script.client(), [[links['b'], port], [links['a']]])
    assert script.requests() == [('DELETE', f'{LINKS}/{uuid(2)}'), ('DELETE', f'{LINKS}/{uuid(1)}'), ('DELETE', f'{PORTS}/old')]


def test_what_the_order_shown_goes_into_what_follows():
    bgp = {'customer_asn': 1, 'extra_prefixes': ['192.0.2.0/24']}
    (changes,) = plan_chains([circuit('nyc-1', bgp=bgp)], snapshot(SLOTS))
    made = cni(1, 'nyc-1', 'new', bgp=bgp)
    script = Script(answer(direct('new', 2)), answer(made), list_answer(made))
    (end,) = apply_chains(script.client(), [changes])
    assert script.sent[1]['body'] == {'account': ACCOUNT, 'interconnect': 'new', 'magic': made['magic'], 'bgp': bgp}
    assert [change.answer for change in end.written] == [direct('new', 2), made]


def test_only_the_circuit_that_came_second_to_a_port_is_rolled_back():
    chains = [plan_changes([desired_object(CNI, {'conduit_name': name, 'interconnect': port})], snapshot(interconnects=[direct(port, 1)]))
              for name, port in (('a', 'first'), ('b', 'second'))]
    created = [cni(1, 'a', 'first'), cni(2, 'b', 'second')]
    script = Script(*map(answer, created), list_answer(*created, cni(0, 'c', 'first')), answer(body=b''))
    first, second = apply_chains(script.client(), chains)
    assert (type(first.error), first.written, second.error) == (RaceError, [], None)
    assert script.requests()[2:] == [('GET', LINKS), ('DELETE', f'{LINKS}/{uuid(1)}')]


def test_a_read_of_conflicts_that_fails_is_shown_with_what_was_created():
    desired = [[desired_object(CNI, {'conduit_name': name, 'interconnect': name})] for name in 'ab']
    chains = plan_chains(desired, snapshot(interconnects=[direct('a', 1), direct('b', 2)]))
    for end in apply_chains(Script(answer(cni(1, 'a', 'a')), answer(cni(2, 'b', 'b')), refusal(403)).client(), chains):
        assert (end.error.status, [change.action for change in end.applied]) == (403, ['create'])


def test_a_create_that_can_not_be_rolled_back_is_shown_too():
    (changes,) = plan_chains([[desired_object(CNI, {'conduit_name': 'a', 'interconnect': 'first'})]],
                             snapshot(interconnects=[direct('first', 1)]))
    script = Script(answer(cni(2, 'a', 'first')), list_answer(cni(1, 'b', 'first')), refusal(400, 1, 'in use'))
    (end,) = apply_chains(script.client(), [changes])
    assert (end.error.status, len(end.applied)) == (400, 1)


def test_two_circuits_on_one_interconnect_of_which_the_second_says_so_are_made_as_predicted():
    desired = [desired_chain({'name': name, 'interconnect': 'here', 'shared': name == 'b'}) for name in 'ab']
    chains = plan_chains(desired, snapshot(interconnects=[direct('here', 1)]))
    assert [steps(changes) for changes in chains] == [[('create', 'cni')]] * 2
    made = [cni(1, 'a', 'here'), cni(2, 'b', 'here')]
    script = Script(*map(answer, made), list_answer(*made))
    assert [(end.error, len(end.written)) for end in apply_chains(script.client(), chains)] == [(None, 1)] * 2
    assert not any(request['method'] == 'DELETE' for request in script.sent)


def test_an_attachment_that_another_circuit_of_the_run_has_made_is_not_adopted():
    desired = [desired_chain({'name': name, 'pairing_key': KEY, 'bandwidth': '1G'}) for name in 'ab']
    chains = plan_chains(desired, snapshot())
    links = [cni(1, 'a', 'one'), cni(2, 'b', 'two')]
    script = Script(answer(gcp('one')), answer(links[0]), lost(), list_answer(gcp('one')), answer(gcp('two')), answer(links[1]),
                    list_answer(*links))
    assert [(end.error, [change.answer.get('name') for change in end.written]) for end in apply_chains(script.client(), chains)] == [
        (None, ['one', None]), (None, ['two', None])]
    assert script.sent[5]['body']['interconnect'] == 'two'


def test_orders_that_read_alike_are_sent_one_after_the_other():
    desired = [desired_chain({'name': name, 'pairing_key': KEY, 'bandwidth': speed})
               for name, speed in (('a', '1G'), ('b', '1G'), ('c', '2G'))]
    first, alike, other = (changes[0] for changes in plan_chains(desired, snapshot()))
    created, held = CreatedObjects(), []

    def made(_request):
        held.extend(created.order_lock(change).locked() for change in (first, alike, other))
        return answer(gcp('one'))

    _create_object(Script(made).client(), first, created)
    assert held == [True, True, False]
    assert created.contains(INTERCONNECT, gcp('one')) and not created.contains(INTERCONNECT, gcp('two'))


def test_all_that_was_refused_costs_one_read():
    desired = [[desired_object(CNI, {'conduit_name': str(number), 'interconnect': 'here', 'shared': True})] for number in range(100)]
    chains = plan_chains(desired, snapshot(interconnects=[direct('here', 1)]))
    script = Script(*[refusal(400, 1, 'no')] * 100, list_answer())
    ends = apply_chains(script.client(), chains)
    assert [end.error.status for end in ends] == [400] * 100
    assert len(script.sent) == 101


@pytest.mark.parametrize(('options', 'look', 'shown'), [
    ({'slot_id': uuid(2)}, refusal(403, 1, 'no right'), f'Reading the account failed too: GET {PORTS}: HTTP 403, no right (code 1)'),
    ({'pairing_key': KEY, 'bandwidth': '1G'}, list_answer(gcp('x'), gcp('y')), 'Several new objects may be interconnect of g: x, y.'),
], ids=['look', 'several'])
def test_a_refusal_stays_the_error_whatever_the_read_shows(options, look, shown):
    (changes,) = plan_chains([desired_chain({'name': 'g', **options})], snapshot([slot(2)]))
    script = Script(refusal(400, 1, 'taken'), look, answer(slot(2)))
    (end,) = apply_chains(script.client(), [changes])
    assert (end.error.status, end.written, 'report it' in str(end.error)) == (400, [], False)
    assert shown in str(end.error)


def test_a_name_that_is_taken_and_not_listed_yet_is_looked_for_again_and_adopted():
    (changes,) = plan_chains([[desired_object(CNI, {'conduit_name': 'a', 'interconnect': 'here'})]],
                             snapshot(interconnects=[direct('here', 1)]))
    made = cni(1, 'a', 'here')
    script = Script(refusal(409, 1, 'Name Conflict'), list_answer(), list_answer(made), list_answer(made))
    (end,) = apply_chains(script.client(), [changes])
    assert (end.error, [change.answer for change in end.written]) == (None, [made])
    script = Script(refusal(409, 1, 'Name Conflict'), *[list_answer()] * 6)
    (end,) = apply_chains(script.client(), [changes])
    assert (end.error.retryable, end.refused, end.written) == (True, None, [])
    assert 'Cloudflare does not list the conflicting object yet.' in end.error.notes
    assert (len(script.sent), script.slept) == (6, [0.5, 1, 2, 4])


def test_a_chain_goes_on_from_what_it_adopts():
    (changes,) = plan_chains([desired_chain({'name': 'a', 'slot_id': uuid(2)})], snapshot([slot(2)]))
    made = cni(1, 'a', 'new')
    script = Script(refusal(409, 1, 'taken'), list_answer(direct('new', 2)), answer(made), list_answer(made))
    (end,) = apply_chains(script.client(), [changes])
    assert (end.error, [change.answer for change in end.written]) == (None, [direct('new', 2), made])


def test_what_is_replaced_in_many_circuits_is_asked_for_at_once():
    links = [cni(number, name, name) for number, name in enumerate('abc')]
    ports, tunnels = [direct(name, 10 + number) for number, name in enumerate('abc')], [tunnel(10 + number) for number in range(3)]
    current = snapshot(SLOTS, ports, links, tunnels)
    desired = [desired_chain({'name': name, 'slot_id': uuid(number), 'on_immutable': 'replace'}) for number, name in enumerate('abc', 2)]
    with pytest.raises(Unread) as unread:
        plan_chains(desired, current)
    assert unread.value.parts == tuple(('status', name) for name in 'abc')


@pytest.mark.parametrize('cause', [ValueError('v'), KeyError('k'), RecursionError('r'), MemoryError()], ids=repr)
@pytest.mark.parametrize('at', range(4), ids=['order', 'CNI', 'look at rivals', 'nowhere'])
def test_an_exception_that_nobody_expected_ends_its_own_chain_with_a_report(cause, at):
    """Of two chains one after the other; what both have written is there."""
    chains = plan_chains([circuit('a'), circuit('b')], snapshot(SLOTS))
    lines = [answer(direct('x', 2)), answer(cni(1, 'a', 'x')), answer(direct('y', 3)), answer(cni(2, 'b', 'y')),
             list_answer(cni(1, 'a', 'x'), cni(2, 'b', 'y'))]
    hit = [[cause, *lines[2:]], [lines[0], cause, *lines[2:]], [*lines[:4], cause], lines][at]
    first, second = apply_chains(Script(*hit).client(), chains)
    failed = [[first], [first], [first, second], []][at]
    assert [end for end in (first, second) if end.error] == failed
    assert all(f'please report it: {type(cause).__name__}' in str(end.error) for end in failed)
    assert [len(first.applied), len(second.applied)] == [[0, 2], [1, 2], [2, 2], [2, 2]][at]


def test_what_was_made_before_an_unexpected_exception_is_reported(monkeypatch):
    (changes,) = plan_chains([[desired_object(CNI, {'conduit_name': 'a', 'interconnect': 'x', 'bgp_mode': 'advertise_only'})]],
                             snapshot(interconnects=[direct('x', 1)]))
    made = answer(cni(1, 'a', 'x'))
    for script in (Script(made, ValueError('of the PUT')), Script(made, made, made)):
        (end,) = apply_chains(script.client(), [changes])
        assert (type(end.error), [change.answer['id'] for change in end.applied]) == (BugError, [uuid(1)])
        monkeypatch.setattr(_writes, 'have_and_want', lambda *_arguments: 1 / 0)


def test_an_exception_of_the_progress_ends_its_own_chain():
    def on_end(number):
        if number == 0:
            raise ValueError('no such file')

    script = Script(answer(direct('one', 1)), answer(direct('two', 2)))
    first, second = apply_chains(script.client(), orders(1, 2), on_end=on_end)
    assert (type(first.error), len(first.applied), second.error) == (BugError, 1, None)


def test_without_threads_the_chains_that_were_not_written_fail(monkeypatch):
    def none_left(_thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, 'start', none_left)
    script = Script()
    ends = apply_chains(script.client(), [*orders(1, 2), []])
    assert ([type(end.error) for end in ends], script.sent) == ([BugError, BugError, type(None)], [])


CHECKED = {**tunnel(1), 'health_check': {'rate': 'mid'}}


@pytest.mark.parametrize(('failure', 'words', 'applied'), [
    ([refusal(403, 1, 'no tunnel')], 'no tunnel', ['none', 'create']),
    ([answer(CHECKED)] * 3, "rate is 'mid', requested 'high'", ['none', 'create', 'update']),
], ids=['not written', 'not taken'])
def test_what_ends_a_chain_that_has_failed_is_added_to_its_error(failure, words, applied):
    script = Script(answer(cni(1, 'a', 'x')), *failure, list_answer(cni(2, 'b', 'x')), refusal(400, 1, 'in use'))
    (changes,) = plan_chains([circuit('a', health_check={'rate': 'high'})], snapshot(interconnects=[direct('x', 1)], tunnels=[CHECKED]))
    (end,) = apply_chains(script.client(), [changes])
    assert words in str(end.error) and 'in use' in str(end.error)
    assert [change.action for change in end.applied] == applied


def test_an_exception_between_the_chains_ends_only_those_that_are_not_over():
    desired = [[desired_object(CNI, {'conduit_name': name, 'interconnect': name})] for name in 'ab']
    chains = plan_chains(desired, snapshot(interconnects=[direct('a', 1), direct('b', 2)]))
    script = Script(refusal(409, 1, 'Name Conflict'), list_answer())
    failed, skipped = apply_chains(script.client(sleep=lambda seconds: 1 / 0), chains, fail_fast=True)
    assert ('report it' in str(failed.error), skipped.error, skipped.skipped) == (False, None, True)


def test_an_order_of_google_cloud_is_looked_for_by_region_and_speed():
    desired = desired_chain({'name': 'g', 'pairing_key': KEY, 'bandwidth': '1G'})
    (changes,) = plan_chains([desired], snapshot())
    made, link = {'name': 'gcp', 'type': 'gcp_partner', 'region': 'us-east4', 'speed': '1G'}, cni(1, 'g', 'gcp')
    script = Script(lost(), list_answer(made), answer(link), list_answer(link))
    (end,) = apply_chains(script.client(), [changes])
    assert (end.error, script.sent[2]['body']['interconnect']) == (None, 'gcp')


def test_after_an_interrupt_nothing_more_is_sent_whatever_a_thread_waits_for():
    waiting, interrupted = threading.Event(), threading.Event()

    def send(method, url, headers, body):
        sent.append(method)
        if chains[0][0].after['slot_id'] in str(body):  # of the first circuit, which the main thread looks at first
            assert waiting.wait(10)
            raise KeyboardInterrupt
        waiting.set()
        assert interrupted.wait(10)
        raise lost()

    sent: list[str] = []
    client = Script().client()
    client._send, silent = send, client.silent_after_interrupt

    @contextmanager
    def watched():
        try:
            with silent():
                yield
        finally:
            interrupted.set()

    client.silent_after_interrupt = watched
    chains = plan_chains([circuit('a'), circuit('b')], snapshot(SLOTS))
    with pytest.raises(KeyboardInterrupt):
        apply_chains(client, chains, workers=2)
    assert sent == ['POST', 'POST']


def test_an_interrupt_ends_the_waits_of_all_threads():
    client = Script(*[refusal(429, retry_after='500')] * 2).client(sleep=None, clock=time.monotonic)
    with ThreadPoolExecutor() as pool:
        waiting = [pool.submit(client.get, ('cni', 'settings')) for _number in range(2)]
        while client.counters['waited'] < 1000:
            time.sleep(0)
        client.interrupt()
        ends = [type(future.exception(timeout=WAIT)) for future in waiting]  # long before they would try again
    assert ends == [KeyboardInterrupt] * 2
