# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The decision as tables: what is desired and what is there, against what has to change. No client, no mock."""

from __future__ import annotations

import re

import pytest

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._changes import Change, changed_addresses, schedule
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._circuits import (
    delete_chains,
    desired_chain,
    surplus_circuits,
    with_replaced_name,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._desired import checked_value, desired_object
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import (
    AmbiguousError,
    CniError,
    DriftError,
    InputError,
    NotListedError,
    ShapeError,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._find import (
    DELETE_NOTE,
    filtered_objects,
    find_object,
    half_deleted_circuits,
    interconnect_names,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Unreadable, differing_fields, get, merge
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._ownership import record_contradiction
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._plan import plan_chains, plan_changes
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import (
    CNI,
    DIRECT,
    FILTER_PROFILE,
    INTERCONNECT,
    SETTINGS,
    TUNNEL,
    UNKNOWN,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._snapshot import Snapshot, Unread
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import check_loa_name, check_targets, normal_targets

NY1 = {'name': 'Equinix NY1', 'address': ['165 Halsey Street', 'Newark NJ']}
NY5 = {'name': 'Equinix NY5', 'address': ['800 Secaucus Road', 'Secaucus NJ']}
KEY = '7e51371e-72a3-40b5-b844-2e3efefaee59/us-east4/2'


def uuid(number):
    return f'00000000-0000-4000-8000-{number:012}'


def slot(number, site='ewr-a', speed='10G', device='edge01.ewr-a', facility=None, occupied=False, **more):
    place = {'site': site, 'ccr_device_name': device, 'facility': facility or NY1}
    return {'id': uuid(number), 'speed': speed, 'occupied': occupied, **place, **more}


def direct(name, number, site='ewr-a', speed='10G', device='edge01.ewr-a', facility=None):
    return {'name': name, 'type': 'direct', 'slot_id': uuid(number), 'site': site, 'speed': speed, 'ccr_device_name': device,
            'facility': facility or NY1, 'virtual_port_reservation_id': uuid(1000 + number)}


def gcp(name, region='us-east4', speed='1G'):
    return {'name': name, 'type': 'gcp_partner', 'region': region, 'speed': speed, 'virtual_port_reservation_id': uuid(2000)}


def cni(number, name, interconnect, **more):
    magic = {'conduit_name': name, 'description': '', 'mtu': 1500}
    return {'id': uuid(number), 'account': 'a', 'interconnect': interconnect, 'magic': magic, 'cust_ip': '172.31.0.1/31',
            'p2p_ip': '172.31.0.0/31', **more}


def tunnel(number, description=''):
    return {'id': f't{number}', 'virtual_port_reservation_id': uuid(1000 + number).replace('-', ''), 'description': description}


class Whole(Snapshot):
    """One of which nobody asks the API once more: what no list has is not there by its name either."""

    def objects(self, resource, ident=None):
        return [] if ident and self.has_list(resource) else super().objects(resource, ident)


def snapshot(slots=(), interconnects=(), cnis=(), tunnels=(), settings=(), routes=(), profiles=(), **status):
    lists = {'slot': slots, 'interconnect': interconnects, 'cni': cnis, 'tunnel': tunnels, 'settings': settings, 'route': routes,
             'filter_profile': profiles}
    states = {('status', name): [{'state': state}] for name, state in status.items()}
    return Whole({**{(name, None): objects for name, objects in lists.items()}, **states})


SLOTS = [
    slot(1, occupied=True, account='other'),
    slot(2),
    slot(3, device='edge02.ewr-a'),
    slot(4, device='edge03.ewr-a', facility=NY5),
    slot(5, speed='100G'),
    slot(6, site='gru-b', device=None),
    slot(7, occupied=True),
]


def decide(row, options, current):
    return schedule(plan_changes([desired_object(row, options)], current))


def steps(changes):
    return [(change.action, change.row.name) for change in changes]


# Which slot, which interconnect.

@pytest.mark.parametrize(('options', 'interconnects', 'number'), [
    ({'slot_id': uuid(2)}, [], 2),
    ({'slot_id': uuid(2).upper()}, [], 2),
    ({'slot_id': uuid(3), 'slot': {'site': 'ewr-a'}}, [], 3),
    ({'slot': {'site': 'EWR-A'}}, [], 2),
    ({'slot': {'site': 'ewr-a', 'speed': '100g'}}, [], 5),
    ({'slot': {'site': 'ewr-a'}, 'speed': '100G'}, [], 5),
    ({'slot': {'facility': 'equinix ny5'}}, [], 4),
    ({'slot': {'address_contains': 'SECAUCUS'}}, [], 4),
    ({'slot': {'address_contains': 'Road, Secaucus'}}, [], 4),
    ({'slot': {'site': 'ewr-a', 'diverse_from': ['first']}, 'conduit_name': 'b'}, [direct('first', 9)], 4),
    ({'slot': {'site': 'ewr-a', 'diverse_from': ['b', 'a']}, 'conduit_name': 'b'}, [direct('first', 9)], 4),
    ({'slot': {'site': 'ewr-a', 'diverse_from': ['first'], 'facility': 'Equinix NY1'}, 'conduit_name': 'b'}, [direct('first', 9)], 3),
    ({'slot': {'diverse_from': ['first']}, 'conduit_name': 'b'}, [direct('first', 9, device=None)], 4),
    ({'slot': {'facility': 'different', 'diverse_from': ['first']}, 'conduit_name': 'b'}, [direct('first', 9)], 4),
    ({'slot': {'facility': 'Different', 'diverse_from': ['first'], 'speed': '100G'}},
     [direct('first', 9, device='edge03.ewr-a', facility=NY5)], 5),
    ({'slot': {'site': 'gru-b', 'diverse_from': ['first']}, 'conduit_name': 'b'}, [direct('first', 9, facility=NY5)], 6),
], ids=str)
def test_a_free_slot_is_ordered(options, interconnects, number):
    (change,) = decide(INTERCONNECT, options, snapshot(SLOTS, interconnects, [cni(1, 'a', 'first')]))
    assert (change.action, change.pinned) == ('create', 'slot_id' in options)
    place = next(slot for slot in SLOTS if slot['id'] == uuid(number))
    known = {name: place[name] for name in ('site', 'facility', 'speed', 'ccr_device_name') if place[name]}
    assert change.after == {'name': UNKNOWN, 'virtual_port_reservation_id': UNKNOWN, 'type': 'direct', 'slot_id': uuid(number), **known}


@pytest.mark.parametrize('options', [
    {'name': 'here'},
    {'slot_id': uuid(1)},
    {'conduit_name': 'nyc-1'},
    {'conduit_name': 'nyc-1', 'slot': {'site': 'ewr-a'}},
    {'slot': {'site': 'ewr-a', 'facility': 'Equinix NY1'}},
    {'name': 'gone', 'slot_id': uuid(1)},
    {'conduit_name': 'nyc-1', 'slot': {'diverse_from': ['nyc-1']}},
    {'conduit_name': 'nyc-1', 'slot': {'diverse_from': ['far']}},
], ids=str)
def test_an_interconnect_that_is_there_is_taken(options):
    interconnects = [direct('here', 1), direct('far', 9, site='fra-b', device='edge01.fra-b')]
    (change,) = decide(INTERCONNECT, options, snapshot(SLOTS, interconnects, [cni(1, 'nyc-1', 'here')]))
    assert (change.action, change.before['name']) == ('none', 'here')


@pytest.mark.parametrize('options', [{}, {'conduit_name': 'b'}], ids=str)
def test_a_port_is_not_its_own_neighbour(options):
    select = {'site': 'ewr-a', 'speed': '10G', 'diverse_from': ['first']}
    (change,) = decide(INTERCONNECT, {**options, 'slot': select}, snapshot(SLOTS, [direct('first', 9)]))
    assert (change.action, change.after['slot_id']) == ('create', uuid(4))


def test_a_circuit_takes_an_unused_interconnect_and_leaves_those_of_others():
    interconnects = [direct('used', 1), direct('unused', 7)]
    options = {'conduit_name': 'nyc-2', 'slot': {'site': 'ewr-a'}}
    (change,) = decide(INTERCONNECT, options, snapshot(SLOTS, interconnects, [cni(1, 'nyc-1', 'used')]))
    assert (change.action, change.before['name']) == ('none', 'unused')
    (change,) = decide(INTERCONNECT, options, snapshot(SLOTS, interconnects[:1], [cni(1, 'nyc-1', 'used')]))
    assert (change.action, change.after['slot_id']) == ('create', uuid(2))


@pytest.mark.parametrize(('options', 'option', 'words'), [
    ({'slot_id': uuid(2), 'speed': '100G'}, 'slot_id', "speed '100G': 0. Slots before the last filter: ewr-a/Equinix NY1/10G"),
    ({'slot_id': uuid(2), 'speed': '10G', 'slot': {'speed': '100G'}}, 'speed, slot.speed', '10G and 100G differ, but a port has one'),
    ({'slot_id': uuid(99)}, 'slot_id', f'this account has no slot {uuid(99)}'),
    ({'slot_id': uuid(1)}, 'slot_id', '(Equinix NY1, ewr-a) is already occupied (account other).'),
    ({'slot_id': uuid(7)}, 'slot_id', '(Equinix NY1, ewr-a) is already occupied.'),
    ({'slot_id': uuid(2), 'slot': {'site': 'gru-b'}}, 'slot_id', "Slots before the last filter: ewr-a/Equinix NY1/10G."),
    ({'slot': {'address_contains': 'newark nj, usa'}}, 'slot',
     "7 slots, free: 5, address_contains 'newark nj, usa': 0. Slots before the last filter: "
     'ewr-a/Equinix NY1/100G, ewr-a/Equinix NY1/10G, ewr-a/Equinix NY5/10G, gru-b/Equinix NY1/10G.'),
    ({'slot_id': 'next-one'}, 'slot_id', "slot_id: 'next-one' is not valid. Allowed: a UUID such as"),
    ({'slot': {'site': 'gru-b', 'speed': '100G'}}, 'slot', "7 slots, free: 5, site 'gru-b': 1, speed '100G': 0"),
    ({'slot': {'site': 'ewr-a', 'speed': '400G'}}, 'slot.speed', "no slot has the speed '400G'. There are: 100G, 10G."),
    ({'slot': {'site': 'ewr-z'}}, 'slot.site', "no slot has the site 'ewr-z'. There are: ewr-a, gru-b."),
    ({'slot': {'facility': 'Equinix NY'}}, 'slot.facility', "no slot has the facility 'Equinix NY'. There are: Equinix NY1, "),
    ({'slot_id': uuid(2), 'speed': '400G'}, 'speed', "no slot has the speed '400G'."),
    ({'slot': {'site': 'gru-b', 'diverse_from': ['sole']}}, 'slot', 'not on the device of sole: 0'),
    ({'slot': {'facility': 'Equinix NY1', 'diverse_from': ['sole']}}, 'slot', 'not on the device of sole: 0'),
    ({'slot': {'site': 'ewr-a', 'facility': 'Equinix NY5', 'diverse_from': ['sole', 'third']}}, 'slot',
     "facility 'Equinix NY5': 1, site 'ewr-a': 1, not on the device of sole: 1, not on the device of third: 0."),
    ({'slot': {'diverse_from': ['nobody']}}, 'slot.diverse_from', "'nobody' is neither an interconnect nor a circuit"),
    ({'slot': {'facility': 'different', 'site': 'gru-b', 'diverse_from': ['sole']}}, 'slot', 'not in the facility of sole: 0'),
    ({'slot': {'facility': 'different', 'speed': '100G', 'diverse_from': ['third']}}, 'slot', 'not in the facility of third: 0'),
    ({'slot': {'facility': 'different', 'site': 'gru-b'}}, 'slot.facility',
     'slot.facility: different needs diverse_from. Allowed: with diverse_from, or the name of a facility.'),
    ({'name': 'nobody'}, 'name', "no interconnect 'nobody' in this account. There are: sole"),
    ({'conduit_name': 'nyc-9'}, 'type', 'interconnect conduit_name=nyc-9 does not exist, and no option says what to order. '
                                        'Allowed: slot_id or slot, or pairing_key with bandwidth.'),
    ({'type': 'direct', 'conduit_name': 'nyc-9'}, 'slot_id',
     'slot_id: a direct interconnect is ordered on a slot. Allowed: slot_id, or a selector in slot.'),
    ({'slot': {}}, 'slot', 'slot: is empty, so any port at any site would match. Allowed: at least one of site.'),
    ({'slot': {'site': None, 'diverse_from': []}}, 'slot', 'at least one of site, diverse_from'),
    ({'slot_id': uuid(2), 'pairing_key': KEY}, 'type, slot_id, pairing_key', 'these options belong to different types of interconnect. '
     'Allowed: slot_id, slot and speed with direct; pairing_key and bandwidth with gcp_partner.'),
    ({'type': 'direct', 'pairing_key': KEY}, 'type, pairing_key', 'different types'),
    ({'pairing_key': 'x/y', 'bandwidth': '1G'}, 'pairing_key', 'uuid/region/availability-domain'),
    ({'pairing_key': KEY}, 'bandwidth', 'required'),
    ({'bandwidth': '1G', 'conduit_name': 'gcp-1'}, 'pairing_key', 'required'),
    ({'state': 'absent', 'slot': {'site': 'ewr-a'}}, 'state',
     'no option says which interconnect is to be deleted. Allowed: name or slot_id or conduit_name.'),
], ids=str)
def test_what_can_not_be_ordered_is_refused_by_name(options, option, words):
    with pytest.raises(InputError) as error:
        decide(INTERCONNECT, options, snapshot(SLOTS, [direct('sole', 9, site='gru-c', device=None),
                                                       direct('third', 8, device='edge03.ewr-a')]))
    assert error.value.details['option'] == option
    assert words in error.value.message


@pytest.mark.parametrize(('number', 'near'), [(0, 'none'), (13, ', '.join(f's-{n:02}/Equinix NY1/10G' for n in range(12)))])
def test_a_slot_that_there_is_not_comes_with_those_that_there_are(number, near):
    with pytest.raises(InputError, match=f'Slots before the last filter: {near}\\.$'):
        decide(INTERCONNECT, {'slot': {'address_contains': 'Nowhere'}}, snapshot([slot(n, site=f's-{n:02}') for n in range(number)]))


def test_no_more_than_twenty_sites_are_named():
    with pytest.raises(InputError) as error:
        decide(INTERCONNECT, {'slot': {'site': 'x'}}, snapshot([slot(n, site=f's-{n:02}' if n else '') for n in range(22)]))
    shown = ', '.join(f's-{n:02}' for n in range(1, 21))
    assert error.value.message == f"slot.site: no slot has the site 'x'. There are: {shown}."


def test_a_slot_is_named_without_regard_to_case():
    named = 'abcdef00-0000-4000-8000-000000000000'
    (change,) = decide(INTERCONNECT, {'slot_id': named}, snapshot([slot(1), {**slot(2), 'id': named.upper()}]))
    assert change.after['slot_id'] == named.upper()


def test_a_slot_goes_to_one_of_three_that_ask_for_the_same():
    desired = [desired_object(INTERCONNECT, {'conduit_name': name, 'slot': {'site': 'ewr-a', 'speed': '10G'}}) for name in ('a', 'b', 'c')]
    changes = plan_changes(desired, snapshot(SLOTS))
    assert [change.after['slot_id'] for change in changes] == [uuid(2), uuid(3), uuid(4)]


def test_a_slot_is_not_met_by_an_attachment_nor_an_attachment_by_a_port():
    current = snapshot(SLOTS, [gcp('cloud', speed='100G'), direct('port', 1)])
    (change,) = decide(INTERCONNECT, {'slot': {'speed': '100G'}}, current)
    assert (change.action, change.after['slot_id']) == ('create', uuid(5))
    with pytest.raises(InputError, match='pairing_key: is required'):
        decide(INTERCONNECT, {'conduit_name': 'gcp-1', 'bandwidth': '10G'}, current)


@pytest.mark.parametrize(('row', 'options', 'words'), [
    (INTERCONNECT, {'slot': {'site': 'ewr-a'}}, 'interconnect type=direct, site=ewr-a matches 2 objects: one, two. Select one of'),
    (INTERCONNECT, {'conduit_name': 'nyc-1'}, 'interconnect conduit_name=nyc-1 matches 2 objects: one, two. Select one of them with name.'),
    (INTERCONNECT, {'name': 'one', 'slot_id': uuid(2)}, f'interconnect name=one, slot_id={uuid(2)} matches 2 objects: one, two. '
                                                        'name and slot_id have to select the same object.'),
    (INTERCONNECT, {'pairing_key': KEY, 'bandwidth': '1G'}, 'matches 2 objects: four, three. Select one of them with name.'),
    (CNI, {'conduit_name': 'nyc-1'}, f'CNI conduit_name=nyc-1 matches 2 objects: {uuid(1)}, {uuid(2)}. Select one of them with id.'),
    (TUNNEL, {'interconnect': 'one', 'rate': 'low'}, 'matches 2 objects: t1, t2. There should be only one: ask Cloudflare.'),
], ids=['slot', 'conduit_name', 'two keys', 'pairing_key', 'CNI', 'health check'])
def test_two_matches_are_an_error_that_lists_them(row, options, words):
    interconnects = [direct('one', 1), direct('two', 2), gcp('three'), gcp('four')]
    tunnels = [{'id': name, 'virtual_port_reservation_id': uuid(1001)} for name in ('t1', 't2')]
    with pytest.raises(AmbiguousError) as error:
        decide(row, options, snapshot(SLOTS, interconnects, [cni(1, 'nyc-1', 'one'), cni(2, 'nyc-1', 'two')], tunnels))
    assert len(error.value.details['candidates']) == 2
    assert words in error.value.message


def test_the_same_key_twice_is_refused_and_takes_nothing_from_the_others():
    chains = [desired_chain({'name': name, 'slot': {'site': 'ewr-a', 'speed': '10G'}}) for name in 'aabbc']
    *twins, made = plan_chains(chains, snapshot(SLOTS))
    assert [str(error) for error in twins] == [f'conduit_name: {name!r} is named twice.' for name in 'aabb']
    rivals = plan_chains([desired_chain({'name': name, 'slot_id': uuid(2)}) for name in 'ab'], snapshot(SLOTS))
    assert [str(error) for error in rivals] == [f"slot_id: '{uuid(2)}' is also declared by {other}." for other in 'ba']
    assert made[0].after['slot_id'] == uuid(2)
    with pytest.raises(InputError, match="conduit_name: 'nyc-1' is named twice"):
        plan_changes([desired_object(CNI, {'conduit_name': 'nyc-1', 'mtu': 1400}),
                      desired_object(CNI, {'conduit_name': 'nyc-1', 'mtu': 1500})], snapshot())


def test_who_asks_for_another_facility_and_who_asks_for_another_device_are_each_answered_in_their_words():
    selectors = {'facility': {'facility': 'different'}, 'device': {}}
    chains = [desired_chain({'name': name, 'slot': {'speed': '100G', 'diverse_from': ['x'], **more}}) for name, more in selectors.items()]
    for word, error in zip(selectors, plan_chains(chains, snapshot(SLOTS, [direct('x', 9)])), strict=True):
        assert 'of x: 0. Slots before the last filter: ewr-a/Equinix NY1/100G.' in str(error)
        assert f' the {word} of x' in str(error)


def test_a_slot_is_open_while_the_port_to_keep_away_from_is_only_predicted():
    (change,) = decide(INTERCONNECT, {'conduit_name': 'b', 'slot': {'site': 'ewr-a', 'diverse_from': [UNKNOWN]}}, snapshot(SLOTS))
    assert (change.action, change.after['slot_id']) == ('create', UNKNOWN)


# GCP partner interconnects.

@pytest.mark.parametrize(('options', 'action'), [
    ({'pairing_key': KEY, 'bandwidth': '1G'}, 'none'),
    ({'pairing_key': KEY, 'bandwidth': '2G'}, 'create'),
    ({'pairing_key': KEY.replace('east4', 'west1'), 'bandwidth': '1G'}, 'create'),
    ({'pairing_key': KEY, 'bandwidth': '1G', 'conduit_name': 'gcp-2'}, 'create'),
    ({'pairing_key': KEY, 'bandwidth': '1G', 'conduit_name': 'gcp-1'}, 'none'),
    ({'name': 'there', 'bandwidth': '1G'}, 'none'),
], ids=str)
def test_gcp_partner_is_found_by_name_circuit_or_region_and_bandwidth(options, action):
    (change,) = decide(INTERCONNECT, options, snapshot(interconnects=[gcp('there')], cnis=[cni(1, 'gcp-1', 'there')]))
    assert change.action == action


# Drift that no call can mend.

@pytest.mark.parametrize(('options', 'fields'), [
    ({'conduit_name': 'nyc-1', 'speed': '100G', 'type': 'direct'}, {'speed': ('10G', '100G')}),
    ({'name': 'here', 'speed': '100G'}, {'speed': ('10G', '100G')}),
    ({'conduit_name': 'nyc-1', 'slot_id': uuid(2)}, {'slot_id': (uuid(1), uuid(2))}),
    ({'name': 'here', 'type': 'gcp_partner'}, {'type': ('direct', 'gcp_partner')}),
    ({'conduit_name': 'nyc-1', 'pairing_key': KEY}, {'type': ('direct', 'gcp_partner'), 'region': (None, 'us-east4')}),
    ({'conduit_name': 'nyc-1', 'slot': {'site': 'gru-b'}}, {'slot.site': ('ewr-a', 'gru-b')}),
    ({'conduit_name': 'nyc-1', 'slot': {'facility': 'Equinix NY5'}}, {'slot.facility': ('Equinix NY1', 'Equinix NY5')}),
    ({'conduit_name': 'nyc-1', 'slot': {'speed': '100G'}}, {'slot.speed': ('10G', '100G')}),
    ({'conduit_name': 'nyc-1', 'slot': {'diverse_from': ['nyc-1', 'near']}}, {'slot.diverse_from': ('on edge01.ewr-a', 'away from near')}),
    ({'name': 'here', 'slot': {'diverse_from': ['near', 'nyc-2']}}, {'slot.diverse_from': ('on edge01.ewr-a', 'away from near, odd')}),
    ({'conduit_name': 'nyc-2', 'slot': {'diverse_from': ['near']}}, {'slot.diverse_from': ('on Equinix NY1', 'away from near')}),
    ({'conduit_name': 'nyc-1', 'slot': {'facility': 'different', 'diverse_from': ['far']}},
     {'slot.facility': ('in Equinix NY1', 'in another facility than far')}),
    ({'conduit_name': 'gcp-1', 'bandwidth': '10G'}, {'bandwidth': ('1G', '10G')}),
    ({'conduit_name': 'gcp-1', 'pairing_key': KEY.replace('east4', 'west1'), 'bandwidth': '1G'}, {'region': ('us-east4', 'us-west1')}),
], ids=str)
def test_drift_that_can_not_be_changed_fails_by_name(options, fields):
    interconnects = [direct('here', 1), direct('near', 7), direct('odd', 8, device=None), gcp('cloud'),
                     direct('far', 9, device='edge02.ewr-a')]
    cnis = [cni(1, 'nyc-1', 'here'), cni(2, 'gcp-1', 'cloud'), cni(3, 'nyc-2', 'odd')]
    with pytest.raises(DriftError) as error:
        decide(INTERCONNECT, options, snapshot(SLOTS, interconnects, cnis))
    assert error.value.details['fields'] == {field: {'have': current, 'want': desired} for field, (current, desired) in fields.items()}
    assert re.fullmatch("interconnect '(here|odd|cloud)' differs .*: .* Request the existing values, or set on_immutable=replace .*",
                        error.value.message)


@pytest.mark.parametrize(('status', 'force', 'replaced'), [('Pending', False, True), ('Healthy', False, False), ('Healthy', True, True)])
def test_replacing_takes_the_circuit_along_and_spares_a_healthy_one(status, force, replaced):
    options = {'name': 'here', 'conduit_name': 'nyc-1', 'slot': {'speed': '100G'}, 'on_immutable': 'replace', 'force': force}
    current = snapshot(SLOTS, [direct('here', 1)], [cni(1, 'nyc-1', 'here')], here=status)
    if not replaced:
        with pytest.raises(DriftError, match=r"interconnect 'here' differs .* It is Healthy, so it is not replaced without force=true\."):
            decide(INTERCONNECT, options, current)
        return
    assert steps(decide(INTERCONNECT, options, current)) == [
        ('delete', 'cni'), ('delete', 'interconnect'), ('create', 'interconnect'), ('create', 'cni')]


DELETIONS = [{'state': 'absent'}, {'slot_id': uuid(2), 'on_immutable': 'replace'}]


@pytest.mark.parametrize('options', DELETIONS, ids=str)
def test_the_tunnel_notes_the_circuit_before_the_only_name_that_leads_to_its_interconnect_is_deleted(options):
    current = snapshot(SLOTS, [direct('here', 1)], [cni(1, 'nyc-1', 'here')], [tunnel(1)], here='Down')
    note, *deletes = decide(INTERCONNECT, {'conduit_name': 'nyc-1', **options}, current)
    assert note == Change(TUNNEL, 'note', 'tunnel of interconnect here', tunnel(1), tunnel(1, f'{DELETE_NOTE}nyc-1'), ('description',))
    assert steps(deletes)[:2] == [('delete', 'cni'), ('delete', 'interconnect')]


@pytest.mark.parametrize('options', DELETIONS, ids=str)
def test_without_a_tunnel_to_note_it_on_the_interconnect_has_to_be_named(options):
    current = snapshot(SLOTS, [direct('here', 1)], [cni(1, 'nyc-1', 'here')], here='Down')
    with pytest.raises(InputError, match=r"^name: interconnect 'here' can be found only by its CNI 'nyc-1', .* with name=here too"):
        decide(INTERCONNECT, {'conduit_name': 'nyc-1', **options}, current)
    named = {'conduit_name': 'nyc-1', 'name': 'here', **options, 'on_immutable': 'replace'}
    assert steps(decide(INTERCONNECT, named, current))[:2] == [('delete', 'cni'), ('delete', 'interconnect')]


@pytest.mark.parametrize(('options', 'done'), [
    ({'state': 'absent'}, ['delete']),
    ({'slot': {'speed': '100G'}, 'on_immutable': 'replace'}, ['delete', 'create']),
    ({'slot': {'speed': '10G'}, 'on_immutable': 'replace'}, ['none']),
], ids=str)
def test_a_run_that_ended_between_the_deletes_is_taken_up_by_the_note(options, done):
    notes = [tunnel(1, f'{DELETE_NOTE}nyc-1'), tunnel(2, f'{DELETE_NOTE}nyc-2'), tunnel(3, f'{DELETE_NOTE}nyc-1')]
    current = snapshot(SLOTS, [direct('here', 1), direct('other', 2), direct('used', 3)], [cni(3, 'nyc-3', 'used')], notes, here='Down')
    changes = decide(INTERCONNECT, {'conduit_name': 'nyc-1', **options}, current)
    assert [change.action for change in changes if change.row is not TUNNEL] == done
    assert changes[0].before['name'] == 'here'
    assert steps(decide(INTERCONNECT, {'conduit_name': 'nyc-4', 'state': 'absent'}, current)) == [('none', 'interconnect')]
    assert {*half_deleted_circuits(current)} == {'nyc-1', 'nyc-2'}


def test_a_note_on_a_tunnel_without_a_reservation_leads_to_no_interconnect():
    current = snapshot((), [{**direct('here', 1), 'virtual_port_reservation_id': None}],
                       tunnels=[{**tunnel(1, f'{DELETE_NOTE}nyc-1'), 'virtual_port_reservation_id': None}])
    assert steps(decide(INTERCONNECT, {'conduit_name': 'nyc-1', 'state': 'absent'}, current)) == [('none', 'interconnect')]


SESSION = {'customer_asn': 64512, 'extra_prefixes': ['192.0.2.0/24'], 'md5_key': 'secret'}


@pytest.mark.parametrize(('fields', 'bgp'), [
    ({}, SESSION),
    ({'bgp': {'customer_asn': 64513}}, {**SESSION, 'customer_asn': 64513}),
    ({'clear': ['md5_key']}, {'customer_asn': 64512, 'extra_prefixes': ['192.0.2.0/24']}),
    ({'clear': ['bgp']}, None),
], ids=str)
@pytest.mark.parametrize(('end', 'target'), [('172.31.0.1/31', '172.31.0.1'), ('172.31.0.1', '172.31.0.1'), ('172.31.0.1/31', '')])
@pytest.mark.parametrize('recorded', [False, True])
def test_a_replacement_takes_over_what_nobody_named_but_the_addresses(fields, bgp, end, target, recorded):
    old = {**cni(1, 'nyc-1', 'here', bgp=SESSION), 'cust_ip': end, 'magic': {'conduit_name': 'nyc-1', 'description': 'uplink', 'mtu': 1400}}
    probed = {**tunnel(1), 'health_check': {'enabled': True, 'rate': 'high', 'target': {'saved': target}}}
    current = snapshot(SLOTS, [direct('here', 1)], [old], [probed], here='Down')
    circuit = {'name': 'nyc-1', 'slot': {'speed': '100G'}, 'on_immutable': 'replace', **fields}
    chain = desired_chain(circuit)
    (changes,) = plan_chains([with_replaced_name('nyc-1', chain, current) if recorded else chain], current)
    assert ('note' in {change.action for change in changes}) is not recorded
    made, check = changes[-2:]
    assert (get(made.after, 'magic.description'), get(made.after, 'magic.mtu'), made.after.get('bgp')) == ('uplink', 1400, bgp)
    assert (made.after['cust_ip'], made.after['p2p_ip']) == (UNKNOWN, UNKNOWN)
    assert (check.row, check.after['health_check']) == (TUNNEL, {'enabled': True, 'rate': 'high'})
    assert (check.label, 'health_check' in made.after) == ('health check of nyc-1', False)
    assert changed_addresses(changes)['cust_ip'] == {'before': old['cust_ip'], 'after': UNKNOWN}


def test_an_interrupted_replacement_goes_on_where_it_was():
    options = {'name': 'here', 'conduit_name': 'nyc-1', 'slot': {'speed': '100G'}, 'on_immutable': 'replace'}
    assert steps(decide(INTERCONNECT, options, snapshot(SLOTS, [direct('here', 1)], here='Down'))) == [
        ('delete', 'interconnect'), ('create', 'interconnect')]
    assert steps(decide(INTERCONNECT, options, snapshot(SLOTS))) == [('create', 'interconnect')]
    assert steps(decide(INTERCONNECT, options, snapshot(SLOTS, [direct('new', 5, speed='100G')]))) == [('none', 'interconnect')]


def test_replacing_may_use_the_slot_that_it_frees():
    options = {'slot_id': uuid(1), 'speed': '100G', 'on_immutable': 'replace'}
    changes = decide(INTERCONNECT, options, snapshot([slot(1, speed='100G', occupied=True)], [direct('here', 1)], here='Down'))
    assert changes[-1].after['slot_id'] == uuid(1)


@pytest.mark.parametrize('options', [
    {'conduit_name': 'nyc-1', 'slot_id': uuid(99)},
    {'conduit_name': 'nyc-1', 'name': 'here', 'slot_id': uuid(7)},
    {'conduit_name': 'nyc-1', 'pairing_key': 'nonsense', 'bandwidth': '1G'},
    {'conduit_name': 'nyc-1', 'slot': {'site': 'nowhere'}},
], ids=str)
def test_replacing_is_validated_before_anything_is_deleted(options):
    with pytest.raises(InputError):
        current = snapshot(SLOTS, [direct('here', 1)], [cni(1, 'nyc-1', 'here')], here='Down')
        decide(INTERCONNECT, {**options, 'on_immutable': 'replace'}, current)


@pytest.mark.parametrize('options', [{'state': 'absent'}, {'slot_id': uuid(2), 'on_immutable': 'replace'}], ids=str)
def test_the_circuit_of_someone_else_is_not_taken_along(options):
    cnis = [cni(1, 'nyc-1', 'here'), cni(3, 'others', 'here'), cni(2, 'other', 'here')]
    current = snapshot(SLOTS, [direct('here', 1)], cnis, here='Down')
    names = rf"'other' \({uuid(2)}\), 'others' \({uuid(3)}\)"
    message = rf'^state: .* carries CNI {names}, which .* Delete each CNI first with netops\.cloudflare_cni\.cni'
    with pytest.raises(InputError, match=message):
        decide(INTERCONNECT, {'conduit_name': 'nyc-1', **options}, current)


@pytest.mark.parametrize(('options', 'expected'), [
    ({'conduit_name': 'nyc-1', 'name': 'here'}, [('delete', 'CNI nyc-1'), ('delete', 'interconnect here')]),
    ({'conduit_name': 'nyc-1', 'slot_id': uuid(1)}, [('delete', 'CNI nyc-1'), ('delete', 'interconnect here')]),
    ({'name': 'bare'}, [('delete', 'interconnect bare')]),
    ({'slot_id': uuid(7)}, [('delete', 'interconnect bare')]),
    ({'name': 'gone'}, [('none', 'interconnect name=gone')]),
    ({'conduit_name': 'gone', 'slot': {'site': 'ewr-a'}}, [('none', 'interconnect conduit_name=gone')]),
], ids=str)
def test_absent(options, expected):
    current = snapshot(SLOTS, [direct('here', 1), direct('bare', 7)], [cni(1, 'nyc-1', 'here')])
    assert [(change.action, change.label) for change in decide(INTERCONNECT, {**options, 'state': 'absent'}, current)] == expected


# CNIs.

BGP = {'customer_asn': 64512, 'extra_prefixes': ['192.0.2.0/24', '198.51.100.0/24'], 'md5_key': 'secret'}


@pytest.mark.parametrize(('options', 'named'), [
    ({'mtu': 1400}, {'magic.mtu': 1400}),
    ({'mtu': 1500, 'description': ''}, {}),
    ({'bgp': {'extra_prefixes': ['198.51.100.0/24', '192.0.2.0/24']}}, {}),
    ({'bgp': {'extra_prefixes': ['198.51.100.7/24', '192.0.2.0/24']}}, {}),
    ({'bgp': {'extra_prefixes': []}}, {'bgp.extra_prefixes': []}),
    ({'bgp': {'customer_asn': 64513}}, {'bgp.customer_asn': 64513}),
    ({'bgp': {'md5_key': 'other'}}, {'bgp.md5_key': 'other'}),
    ({'bgp_mode': 'advertise_only'}, {'bgp_mode': 'advertise_only'}),
    ({'cust_ip': '172.31.0.1/31', 'p2p_ip': '172.31.0.0/31'}, {}),
    ({'cust_ip': '10.0.0.1/31', 'p2p_ip': '10.0.0.0/31'}, {'cust_ip': '10.0.0.1/31', 'p2p_ip': '10.0.0.0/31'}),
    ({'interconnect': 'second'}, {'interconnect': 'second'}),
    ({'id': uuid(1), 'conduit_name': 'renamed'}, {'magic.conduit_name': 'renamed'}),
    ({'description': None, 'mtu': None, 'bgp': None}, {}),
], ids=str)
def test_only_what_is_named_and_differs_is_changed(options, named):
    before = cni(1, 'nyc-1', 'first', bgp=BGP, unknown_field={'kept': True})
    current = snapshot(interconnects=[direct('first', 1), direct('second', 2)], cnis=[before])
    (change,) = decide(CNI, {'conduit_name': 'nyc-1', **options}, current)
    assert change.action == ('update' if named else 'none')
    assert change.label == (f'CNI id={uuid(1)}, conduit_name=renamed' if 'id' in options else 'CNI conduit_name=nyc-1')
    assert (change.before, change.after) == (before, merge(before, named))
    assert {path: get(change.after, path) for path in change.paths} == named


def test_a_session_that_is_there_gets_no_defaults():
    current = snapshot(cnis=[cni(1, 'nyc-1', 'first', bgp={'customer_asn': 1})])
    (change,) = decide(CNI, {'conduit_name': 'nyc-1', 'bgp': {'customer_asn': 2}}, current)
    assert change.after['bgp'] == {'customer_asn': 2}


def test_a_new_session_gets_defaults_and_a_new_cni_too():
    current = snapshot(interconnects=[direct('first', 1), direct('second', 2)], cnis=[cni(1, 'nyc-1', 'first')])
    (change,) = decide(CNI, {'conduit_name': 'nyc-1', 'bgp': {'customer_asn': 64512}}, current)
    assert change.after['bgp'] == {'customer_asn': 64512, 'extra_prefixes': []}
    (change,) = decide(CNI, {'conduit_name': 'nyc-2', 'interconnect': 'second'}, current)
    assert change.after == {'id': UNKNOWN, 'cust_ip': UNKNOWN, 'p2p_ip': UNKNOWN, 'interconnect': 'second',
                            'magic': {'conduit_name': 'nyc-2', 'description': '', 'mtu': 1500}}


def test_an_interconnect_carries_one_cni_unless_the_user_says_shared():
    current = snapshot(interconnects=[direct('first', 1), direct('second', 2)], cnis=[cni(1, 'nyc-1', 'first'), cni(2, 'nyc-2', 'second')])
    for options in ({'conduit_name': 'nyc-3'}, {'conduit_name': 'nyc-2'}):
        with pytest.raises(InputError, match=r"^interconnect: 'first' already carries CNI nyc-1.*shared=true"):
            decide(CNI, {**options, 'interconnect': 'first'}, current)
        assert decide(CNI, {**options, 'interconnect': 'first', 'shared': True}, current)[0].after['interconnect'] == 'first'
    assert decide(CNI, {'conduit_name': 'nyc-1', 'mtu': 1400}, current)[0].action == 'update'
    two = [desired_object(CNI, {'conduit_name': name, 'interconnect': 'third'}) for name in ('a', 'b')]
    with pytest.raises(InputError, match=r"'third' already carries CNI a"):
        plan_changes(two, snapshot(interconnects=[direct('third', 3)]))
    with pytest.raises(InputError, match=r"^slot_id: interconnect 'first' already carries CNI nyc-1.* Allowed: another slot_id, or shared"):
        plan_changes(desired_chain({'name': 'nyc-3', 'slot_id': uuid(1)}), current)
    plan_changes(desired_chain({'name': 'nyc-3', 'slot_id': uuid(1), 'shared': True}), current)


@pytest.mark.parametrize(('options', 'exclusive'), [({}, True), ({'shared': False}, True), ({'shared': True}, False)], ids=str)
def test_a_new_cni_is_rolled_back_for_another_unless_it_is_shared(options, exclusive):
    (change,) = decide(CNI, {'conduit_name': 'nyc-1', 'interconnect': 'first', **options}, snapshot(interconnects=[direct('first', 1)]))
    assert change.exclusive is exclusive
    (change,) = decide(INTERCONNECT, {'slot_id': uuid(2), **options}, snapshot(SLOTS))
    assert change.exclusive is False


def test_those_that_an_interconnect_carries_are_named():
    cnis = [cni(1, 'nyc-1', 'first'), cni(2, None, 'first'), cni(3, 'nyc-3', 'second')]
    with pytest.raises(InputError) as error:
        decide(CNI, {'conduit_name': 'nyc-9', 'interconnect': 'first'}, snapshot(interconnects=[direct('first', 1)], cnis=cnis))
    assert error.value.message == (f"interconnect: 'first' already carries CNI {uuid(2)}, nyc-1, and the port is untagged. "
                                   'Allowed: another interconnect, or shared=true to share it.')


@pytest.mark.parametrize(('options', 'words'), [
    ({}, 'interconnect: is required to create the CNI.'),
    ({'interconnect': 'first', 'bgp': {'md5_key': 'k'}}, 'bgp.customer_asn: is required to create the CNI with bgp.'),
    ({'interconnect': 'nobody'}, "interconnect: there is no interconnect 'nobody' in this account. There are: first."),
    ({'vlan': 100}, 'vlan: a CNI has no VLAN: it is an untagged point-to-point link, identified by its interconnect.'),
    ({'mtu': 575}, 'mtu: 575 is not valid. Allowed: an MTU from 576 to 1500.'),
    ({'bgp': {'md5_key': 'why?'}},
     'bgp.md5_key: the value is not valid. Allowed: one or more printable ASCII characters, except " and ?.'),
], ids=str)
def test_what_is_wrong_with_a_new_cni_is_reported(options, words):
    with pytest.raises(InputError) as error:
        decide(CNI, {'conduit_name': 'nyc-9', **options}, snapshot(interconnects=[direct('first', 1)]))
    assert error.value.message == words


@pytest.mark.parametrize(('options', 'option'), [
    ({'interconnect': 'first', 'mtu': 575}, 'mtu'),
    ({'interconnect': 'first', 'mtu': 1501}, 'mtu'),
    ({'interconnect': 'first', 'bgp': {'customer_asn': 0}}, 'bgp.customer_asn'),
    ({'interconnect': 'first', 'bgp': {'customer_asn': 4294967296}}, 'bgp.customer_asn'),
    ({'interconnect': 'first', 'bgp': {'customer_asn': 1, 'extra_prefixes': ['2001:db8::/32']}}, 'bgp.extra_prefixes'),
    ({'interconnect': 'first', 'bgp': {'customer_asn': 1, 'extra_prefixes': ['nonsense']}}, 'bgp.extra_prefixes'),
    ({'interconnect': 'first', 'bgp': {'customer_asn': 1, 'md5_key': ''}}, 'bgp.md5_key'),
    ({'interconnect': 'first', 'bgp': {'customer_asn': 1, 'md5_key': 'a"b'}}, 'bgp.md5_key'),
    ({'interconnect': 'first', 'bgp': {'customer_asn': 1, 'md5_key': 'a?b'}}, 'bgp.md5_key'),
    pytest.param({'interconnect': 'first', 'bgp': {'customer_asn': 1, 'md5_key': 'ключ'}}, 'bgp.md5_key', id='md5_key beyond ASCII'),
    ({'interconnect': 'first', 'cust_ip': '10.0.0.1'}, 'cust_ip'),
    ({'interconnect': 'first', 'cust_ip': '2001:db8::1/127'}, 'cust_ip'),
    ({'interconnect': 'first', 'cust_ip': '10.0.0.1/31'}, 'cust_ip, p2p_ip'),
    ({'interconnect': 'first', 'cust_ip': '10.0.0.1/31', 'p2p_ip': '10.0.0.1/31'}, 'cust_ip, p2p_ip'),
    ({'interconnect': 'first', 'cust_ip': '10.0.0.1/31', 'p2p_ip': '10.0.0.2/31'}, 'cust_ip, p2p_ip'),
    ({'id': uuid(7)}, 'id'),
    ({'id': 'seven'}, 'id'),
], ids=str)
def test_what_a_cni_can_not_be_is_refused_by_name(options, option):
    with pytest.raises(InputError) as error:
        decide(CNI, {'conduit_name': 'nyc-9', **options}, snapshot(interconnects=[direct('first', 1)]))
    assert error.value.details['option'] == option
    assert 'ключ' not in error.value.message


@pytest.mark.parametrize(('options', 'words'), [
    ({'clear': ['bgp'], 'bgp': {'customer_asn': 1}}, 'bgp is to be cleared, but bgp.customer_asn is set.'),
    ({'clear': ['md5_key'], 'bgp': {'md5_key': 'k'}}, 'bgp.md5_key is to be cleared, but bgp.md5_key is set.'),
], ids=['in it', 'the same'])
def test_what_is_given_can_not_be_cleared(options, words):
    with pytest.raises(InputError) as error:
        desired_object(CNI, {'conduit_name': 'nyc-1', **options})
    assert error.value.message == f'clear: {words} Allowed: one of the two.'
    desired_object(CNI, {'conduit_name': 'nyc-1', 'bgp_mode': 'advertise_only', 'clear': ['bgp']})


def test_a_link_that_does_not_fit_is_refused_before_anything_is_read():
    with pytest.raises(InputError, match='do not match'):
        desired_object(CNI, {'conduit_name': 'nyc-1', 'cust_ip': '10.0.0.1/31', 'p2p_ip': '10.0.0.2/31'})


@pytest.mark.parametrize('options', [{'cust_ip': '10.0.0.3/29'}, {'p2p_ip': '10.0.0.3/29'}], ids=str)
def test_one_end_of_a_link_may_move_alone(options):
    current = snapshot(cnis=[{**cni(1, 'nyc-1', 'first'), 'cust_ip': '10.0.0.1/29', 'p2p_ip': '10.0.0.2/29'}])
    (change,) = decide(CNI, {'conduit_name': 'nyc-1', **options}, current)
    assert (change.action, change.paths) == ('update', tuple(options))


@pytest.mark.parametrize(('options', 'words'), [
    ({'conduit_name': 'nyc-1'}, '10.0.0.1/31 and 172.31.0.0/31 do not match. Allowed: two different addresses of one prefix, such as'),
    ({'conduit_name': 'nyc-2', 'interconnect': 'first'}, f'10.0.0.1/31 and {UNKNOWN} do not match. Allowed: both ends, or none.'),
], ids=['there', 'new'])
def test_one_end_of_a_link_is_checked_against_the_other(options, words):
    current = snapshot(interconnects=[direct('first', 1)], cnis=[cni(1, 'nyc-1', 'first')])
    with pytest.raises(InputError) as error:
        decide(CNI, {**options, 'cust_ip': '10.0.0.1/31'}, current)
    assert error.value.message.startswith(f'cust_ip, p2p_ip: {words}')


def test_a_value_that_is_no_secret_is_shown():
    with pytest.raises(InputError, match=r"name: 'xxxx*' is not valid. Allowed: at most 200 characters, not 201."):
        checked_value('name', 'x' * 201, check_loa_name, [])


def test_cleared_host_bits_are_reported():
    assert desired_object(CNI, {'conduit_name': 'a', 'bgp': {'extra_prefixes': ['192.0.2.7/24']}}).warnings == (
        'bgp.extra_prefixes: 192.0.2.7/24 has host bits set; 192.0.2.0/24 is used.',)


@pytest.mark.parametrize(('row', 'mtu', 'written'), [
    (CNI, 832, '01500'), (TUNNEL, 830, '01476'), (CNI, 703, None), (CNI, 1500, None), (TUNNEL, 4095, None)])
def test_an_mtu_that_yaml_has_taken_for_octal_is_shown(row, mtu, written):
    warnings = desired_object(row, {'conduit_name': 'a', 'mtu': mtu}).warnings
    assert warnings == ((f'mtu: {mtu} is used. If you wrote {written}: YAML reads a leading zero as octal. Write {written[1:]} then.',)
                        if written else ())


@pytest.mark.parametrize(('asn', 'rfc'), [(23456, '6793'), (65535, '7300'), (4294967295, '7300'), (64496, ''), (65534, '')])
def test_an_as_number_that_no_router_has_is_shown(asn, rfc):
    warnings = desired_object(CNI, {'conduit_name': 'a', 'bgp': {'customer_asn': asn}}).warnings
    assert warnings == ((f'bgp.customer_asn: {asn} is reserved by RFC {rfc}: no router has it.',) if rfc else ())


# Health checks and settings.

TUNNEL_1 = {'id': 't1', 'virtual_port_reservation_id': uuid(1001).replace('-', '').upper(),
            'health_check': {'enabled': True, 'rate': 'mid', 'type': 'reply', 'target': {'effective': '172.31.0.1', 'saved': ''}}}


@pytest.mark.parametrize(('options', 'action'), [
    ({'interconnect': 'here', 'rate': 'medium'}, 'none'),
    ({'conduit_name': 'nyc-1', 'rate': 'mid', 'enabled': True}, 'none'),
    ({'conduit_name': 'nyc-1', 'rate': 'high'}, 'update'),
    ({'conduit_name': 'nyc-1', 'enabled': False}, 'update'),
    ({'conduit_name': 'nyc-1', 'target': '192.0.2.1'}, 'update'),
    ({'interconnect': UNKNOWN, 'rate': 'high'}, 'update'),
], ids=str)
def test_a_health_check_is_found_through_its_interconnect(options, action):
    (change,) = decide(TUNNEL, options, snapshot(interconnects=[direct('here', 1)], cnis=[cni(1, 'nyc-1', 'here')], tunnels=[TUNNEL_1]))
    assert change.action == action


@pytest.mark.parametrize(('options', 'option', 'words'), [
    ({'interconnect': 'nobody'}, 'interconnect', 'There are: bare, here'),
    ({'conduit_name': 'nobody'}, 'conduit_name', "no CNI 'nobody' in this account. There are: nyc-1, nyc-2"),
    ({'interconnect': 'bare'}, 'interconnect', "no health check for 'bare' yet"),
    ({'conduit_name': 'nyc-2'}, 'conduit_name', "no interconnect 'gone'"),
], ids=str)
def test_a_health_check_that_is_not_there_says_what_is_missing(options, option, words):
    cnis = [cni(1, 'nyc-1', 'here'), cni(2, 'nyc-2', 'gone')]
    current = snapshot(interconnects=[direct('here', 1), direct('bare', 2)], cnis=cnis, tunnels=[TUNNEL_1])
    with pytest.raises(CniError) as error:
        decide(TUNNEL, {**options, 'rate': 'low'}, current)
    assert error.value.details['option'] == option
    assert words in error.value.message


def test_the_health_check_of_an_interconnect_that_is_only_predicted_is_predicted():
    (change,) = decide(TUNNEL, {'interconnect': UNKNOWN, 'rate': 'high'}, snapshot())
    after = {'id': UNKNOWN, 'health_check': {'rate': 'high'}}
    assert change == Change(TUNNEL, 'update', f'health check interconnect={UNKNOWN}', {}, after, ('health_check.rate',))


def test_an_interconnect_without_a_reservation_has_no_health_check():
    current = snapshot(interconnects=[{'name': 'odd', 'type': 'direct'}], tunnels=[{'id': 't1'}])
    with pytest.raises(NotListedError, match='yet') as error:
        decide(TUNNEL, {'interconnect': 'odd', 'rate': 'low'}, current)
    assert (error.value.part, error.value.retryable) == (('interconnect', None), True)


def checked(version='1.5', **check):
    """The tunnel of interconnect here, with what its health check has besides."""
    return {**tunnel(1), **({'version': version} if version else {}), 'health_check': {'enabled': True, 'rate': 'mid', **check}}


BOTH_WAYS = {'direction': 'bidirectional', 'source': '169.254.240.10'}
ONE_WAY = {'direction': 'unidirectional'}


@pytest.mark.parametrize(('options', 'current', 'expected'), [
    (BOTH_WAYS, checked(**ONE_WAY), BOTH_WAYS),
    ({'source': '198.41.199.230'}, checked(**BOTH_WAYS), {**BOTH_WAYS, 'source': '198.41.199.230'}),
    ({'direction': 'bidirectional'}, checked('1', **ONE_WAY), {'direction': 'bidirectional'}),
    ({'direction': 'bidirectional'}, checked(None, **ONE_WAY), {'direction': 'bidirectional'}),
    (ONE_WAY, checked(**BOTH_WAYS), ONE_WAY),
    ({'rate': 'high'}, checked(**{**BOTH_WAYS, **ONE_WAY}), {**ONE_WAY, 'rate': 'high'}),
    ({'rate': 'high'}, checked(**BOTH_WAYS), {**BOTH_WAYS, 'rate': 'high'}),
], ids=str)
def test_a_source_comes_with_both_directions_and_goes_with_one(options, current, expected):
    account = snapshot(interconnects=[direct('here', 1)], tunnels=[current])
    (change,) = decide(TUNNEL, {'interconnect': 'here', **options}, account)
    assert (change.action, change.after['health_check']) == ('update', {'enabled': True, 'rate': 'mid', **expected})
    (second,) = decide(TUNNEL, {'interconnect': 'here', **options}, snapshot(interconnects=[direct('here', 1)], tunnels=[change.after]))
    assert second.action == 'none'


@pytest.mark.parametrize(('options', 'current'), [
    (ONE_WAY, checked(**ONE_WAY, source='')), (BOTH_WAYS, checked(**BOTH_WAYS)), ({'source': '169.254.240.10'}, checked(**BOTH_WAYS)),
], ids=str)
def test_a_source_as_it_is_is_no_change(options, current):
    (change,) = decide(TUNNEL, {'interconnect': 'here', **options}, snapshot(interconnects=[direct('here', 1)], tunnels=[current]))
    assert change.action == 'none'


@pytest.mark.parametrize(('options', 'current', 'words'), [
    ({'direction': 'bidirectional'}, checked(**ONE_WAY), 'is required with direction=bidirectional, because the tunnel has version 1.5. '
                                                         'Allowed: an IPv4 address of RFC 1918, 169.254.240.0/20 or 198.41.199.224/27.'),
    ({'rate': 'low'}, checked(direction='bidirectional', source=''), 'is required with direction=bidirectional'),
    (BOTH_WAYS, checked('1'), 'the tunnel has version 1, and only tunnels of version 1.5 take a source.'),
    (BOTH_WAYS, checked('2'), 'the tunnel has version 2, and'),
    (BOTH_WAYS, checked(None), 'the tunnel has no version, and'),
    ({'source': '10.0.0.1'}, checked(), 'is for direction=bidirectional only, and the direction is not given.'),
    ({'source': '10.0.0.1'}, checked(**ONE_WAY), 'is for direction=bidirectional only, and the direction is unidirectional.'),
    ({'source': '10.0.0.1', 'rate': 'low'}, checked(**ONE_WAY, source='10.0.0.1'), 'is for direction=bidirectional only'),
    ({**BOTH_WAYS, **ONE_WAY}, checked(), 'must be left out with direction=unidirectional, which clears it.'),
    *(({**BOTH_WAYS, 'source': source}, checked(), f"'{source}' is not valid. Allowed: an IPv4 address of RFC 1918,")
      for source in ('8.8.8.8', '172.32.0.1', '169.254.239.255', '169.255.0.0', '198.41.199.223', '198.41.200.0', 'fd00::1', '10.0.0.0/8')),
], ids=str)
def test_a_source_that_does_not_fit_is_refused_by_name(options, current, words):
    account = snapshot(interconnects=[direct('here', 1)], cnis=[cni(1, 'nyc-1', 'here')], tunnels=[current])
    with pytest.raises(InputError) as error:
        decide(TUNNEL, {'interconnect': 'here', **options}, account)
    assert error.value.details['option'] == 'source'
    assert f'source: {words}' in error.value.message
    with pytest.raises(InputError) as error:  # in a circuit by where it stands
        plan_changes(desired_chain({'name': 'nyc-1', 'health_check': options}), account)
    assert error.value.message.startswith(f'health_check.source: {words}')


def test_the_source_for_a_tunnel_that_is_only_predicted_waits_for_its_version():
    (change,) = decide(TUNNEL, {'interconnect': UNKNOWN, **BOTH_WAYS}, snapshot())
    assert change.after == {'id': UNKNOWN, 'health_check': BOTH_WAYS}
    with pytest.raises(InputError, match=r'^source: is for direction=bidirectional only'):
        decide(TUNNEL, {'interconnect': UNKNOWN, 'source': '10.0.0.1'}, snapshot())


@pytest.mark.parametrize(('options', 'expected'), [
    ({}, BOTH_WAYS), (ONE_WAY, ONE_WAY), ({'source': '10.0.0.1'}, {**BOTH_WAYS, 'source': '10.0.0.1'}),
], ids=str)
def test_a_replacement_takes_over_the_source_unless_one_direction_is_named(options, expected):
    current = snapshot(SLOTS, [direct('here', 1)], [cni(1, 'nyc-1', 'here')], [checked(**BOTH_WAYS)], here='Down')
    circuit = {'name': 'nyc-1', 'slot': {'speed': '100G'}, 'on_immutable': 'replace', 'health_check': options}
    (changes,) = plan_chains([desired_chain(circuit)], current)
    assert changes[-1].after['health_check'] == {'enabled': True, 'rate': 'mid', **expected}


# The tunnel besides its health check.

OF_TUNNEL = {'description': 'Newark', 'mtu': 9000, 'interface_address': '10.0.0.0/31', 'automatic_return_routing': True}


@pytest.mark.parametrize(('options', 'current', 'paths'), [
    (OF_TUNNEL, {}, tuple(OF_TUNNEL)),
    (OF_TUNNEL, OF_TUNNEL, ()),
    ({'mtu': 1400}, OF_TUNNEL, ('mtu',)),
    ({'automatic_return_routing': False}, OF_TUNNEL, ('automatic_return_routing',)),
    ({'clear': ['description']}, OF_TUNNEL, ('description',)),
    ({'clear': ['description']}, {'description': None}, ()),
    ({'interface_address': '10.0.0.1/30'}, {'version': '1'}, ('interface_address',)),
    ({'interface_address': '10.0.0.1/30'}, {}, ('interface_address',)),
], ids=str)
def test_a_tunnel_is_changed_in_what_is_named(options, current, paths):
    account = snapshot(interconnects=[direct('here', 1)], tunnels=[{**tunnel(1), **current}])
    (change,) = decide(TUNNEL, {'interconnect': 'here', **options}, account)
    assert (change.action, change.paths) == ('update' if paths else 'none', paths)
    (second,) = decide(TUNNEL, {'interconnect': 'here', **options}, snapshot(interconnects=[direct('here', 1)], tunnels=[change.after]))
    assert second.action == 'none'


@pytest.mark.parametrize(('options', 'option', 'words'), [
    ({'mtu': 575}, 'mtu', '575 is not valid. Allowed: an MTU of 576 or more.'),
    ({'interface_address': '10.0.0.0/24'}, 'interface_address', 'with the prefix length 31, or 30 for some tunnels'),
    ({'interface_address': '10.0.0.0'}, 'interface_address', 'with the prefix length 31'),
    ({'interface_address': '2001:db8::/31'}, 'interface_address', 'an IPv4 address'),
    ({'interface_address': '10.0.0.1/30'}, 'interface_address', '10.0.0.1/30 is no /31, and the tunnel has version 1.5. Allowed: a /31.'),
    ({'description': 'x', 'clear': ['description']}, 'clear', 'description is to be cleared, but description is set.'),
], ids=str)
def test_what_a_tunnel_can_not_have_is_refused_by_name(options, option, words):
    account = snapshot(interconnects=[direct('here', 1)], cnis=[cni(1, 'nyc-1', 'here')], tunnels=[{**tunnel(1), 'version': '1.5'}])
    for prefix, plan in (('', lambda: decide(TUNNEL, {'interconnect': 'here', **options}, account)),
                         ('tunnel.', lambda: plan_changes(desired_chain({'name': 'nyc-1', 'tunnel': options}), account))):
        with pytest.raises(InputError) as error:
            plan()
        assert error.value.details['option'] == f'{prefix}{option}'
        assert error.value.message.startswith(f'{prefix}{option}: ') and words in error.value.message


@pytest.mark.parametrize(('circuit', 'label', 'fields'), [
    ({'tunnel': {'mtu': 1400}}, 'tunnel of nyc-1', {'mtu': 1400}),
    ({'health_check': {'rate': 'low'}}, 'health check of nyc-1', {'health_check.rate': 'low'}),
    ({'tunnel': {'clear': ['description']}, 'health_check': {'rate': 'low'}}, 'tunnel of nyc-1',
     {'description': '', 'health_check.rate': 'low'}),
    ({'tunnel': {}, 'health_check': None}, '', None),
], ids=str)
def test_the_tunnel_of_a_circuit_and_its_health_check_are_one_object(circuit, label, fields):
    desired = [obj for obj in desired_chain({'name': 'nyc-1', **circuit}) if obj.row.name == TUNNEL.name]
    assert [(obj.label, obj.fields) for obj in desired] == ([(label, fields)] if label else [])


def test_a_replacement_takes_over_the_tunnel_but_for_its_address_and_our_note():
    old = {**tunnel(1), **OF_TUNNEL, 'version': '1.5', 'interface_address': '172.31.0.0/31'}
    circuit = {'name': 'nyc-1', 'slot': {'speed': '100G'}, 'on_immutable': 'replace', 'tunnel': {'mtu': 1400}}
    for description, taken in (('Newark', {'description': 'Newark'}), (f'{DELETE_NOTE}nyc-1', {})):
        current = snapshot(SLOTS, [direct('here', 1)], [cni(1, 'nyc-1', 'here')], [{**old, 'description': description}], here='Down')
        (changes,) = plan_chains([desired_chain(circuit)], current)
        assert changes[0].action == 'note'
        assert changes[-1].after == {'id': UNKNOWN, **taken, 'mtu': 1400, 'automatic_return_routing': True}


# BGP filter profiles, and the tunnels that use them.

def profile(number, name, **more):
    return {'id': f'p{number}', 'name': name, 'description': '', 'match_action': 'allow', 'targets': ['10.20.0.0/16+'], **more}


PROFILES = [profile(1, 'in'), profile(2, 'out'), profile(3, 'twins'), profile(4, 'twins'), profile(5, 'p1')]


@pytest.mark.parametrize(('options', 'action', 'expected'), [
    ({'name': 'new', 'match_action': 'deny', 'targets': ['10.0.0.7/8', '10.0.0.0/8']}, 'create',
     {'id': UNKNOWN, 'name': 'new', 'match_action': 'deny', 'targets': ['10.0.0.0/8']}),
    ({'name': 'in', 'match_action': 'allow', 'targets': ['10.20.0.0/16{16,32}']}, 'none', PROFILES[0]),
    ({'name': 'in', 'targets': ['10.20.0.0/16{16}', '10.20.0.0/16']}, 'update', profile(1, 'in', targets=['10.20.0.0/16{16}'])),
    ({'name': 'in', 'targets': []}, 'update', profile(1, 'in', targets=[])),
    ({'id': 'p1', 'name': 'other'}, 'update', profile(1, 'other')),
    ({'id': 'p4', 'match_action': 'allow'}, 'none', PROFILES[3]),
    ({'name': 'in', 'state': 'absent'}, 'delete', None),
    ({'name': 'new', 'state': 'absent'}, 'none', None),
], ids=str)
def test_a_filter_profile(options, action, expected):
    (change,) = decide(FILTER_PROFILE, options, snapshot(profiles=PROFILES))
    assert (change.action, change.after) == (action, expected)


@pytest.mark.parametrize(('targets', 'expected', 'warned'), [
    (['10.0.0.0/8', '10.0.0.0/8{8}', '10.0.0.0/255.0.0.0{8,8}'], ['10.0.0.0/8'], 0),
    (['10.0.0.0/8+', '10.0.0.0/8{8,32}'], ['10.0.0.0/8+'], 0),
    (['10.1.2.3/8{16, 24}', '10.0.0.0/32+'], ['10.0.0.0/8{16,24}', '10.0.0.0/32+'], 1),
    (['2001:DB8::/32{48,128}', '2001:db8::/32+'], ['2001:db8::/32{48,128}', '2001:db8::/32+'], 0),
], ids=str)
def test_targets_are_prefixes_with_lengths_each_once(targets, expected, warned):
    warnings = []
    assert checked_value('targets', targets, check_targets, warnings) == expected
    assert len(warnings) == warned
    assert normal_targets(targets) == normal_targets(list(reversed(expected)))


@pytest.mark.parametrize('target', ['', 'x', *(f'10.0.0.0/8{suffix}' for suffix in ('{}', '++', '{a}', '{7}', '{24,16}', '{33}'))])
def test_what_is_no_target_is_refused(target):
    with pytest.raises(InputError, match=r'^targets: .* Allowed: (prefixes such as|lengths from 8 to 32 behind)'):
        checked_value('targets', [target], check_targets, [])
    assert normal_targets([target]) == {target}


FILTERED = {**tunnel(1), 'name': 'icon', 'bgp': {'customer_asn': 1, 'import_filter_id': 'p1'}}


@pytest.mark.parametrize(('options', 'current', 'expected'), [
    ({'import_filter': 'in', 'export_filter': 'out'}, tunnel(1), {'import_filter_id': 'p1', 'export_filter_id': 'p2'}),
    ({'import_filter': 'out'}, FILTERED, {'customer_asn': 1, 'import_filter_id': 'p2'}),
    ({'import_filter': 'in'}, FILTERED, None),
    ({'import_filter': 'p4'}, FILTERED, {'customer_asn': 1, 'import_filter_id': 'p4'}),
    ({'import_filter': 'p1'}, FILTERED, None),
    ({'clear': ['import_filter', 'export_filter']}, FILTERED, {'customer_asn': 1, 'import_filter_id': ''}),
    ({'clear': ['import_filter']}, {**tunnel(1), 'bgp': {'import_filter_id': ''}}, None),
    ({'clear': ['import_filter']}, tunnel(1), None),
], ids=str)
def test_a_tunnel_gets_the_profile_that_its_filter_names(options, current, expected):
    (change,) = decide(TUNNEL, {'interconnect': 'here', **options},
                       snapshot(interconnects=[direct('here', 1)], tunnels=[current], profiles=PROFILES))
    assert (change.action, change.after.get('bgp')) == ('update' if expected else 'none', expected or current.get('bgp'))


def test_a_filter_that_names_no_single_profile_is_refused_by_the_option():
    current = snapshot(interconnects=[direct('here', 1)], cnis=[cni(1, 'nyc-1', 'here')], tunnels=[tunnel(1)], profiles=PROFILES)
    with pytest.raises(InputError, match=r"^import_filter: there is no BGP filter profile 'x' .* There are: in, out, p1, twins, twins"):
        decide(TUNNEL, {'interconnect': 'here', 'import_filter': 'x'}, current)
    with pytest.raises(InputError, match=r'^tunnel\.export_filter: there is no BGP filter profile'):
        plan_changes(desired_chain({'name': 'nyc-1', 'tunnel': {'export_filter': 'x'}}), current)
    with pytest.raises(AmbiguousError, match=r"profile twins matches 2 objects: p3, p4\. Give the id of one of them in import_filter\."):
        decide(TUNNEL, {'interconnect': 'here', 'import_filter': 'twins'}, current)
    with pytest.raises(AmbiguousError, match=r'matches 2 objects: p3, p4\. Select one of them with id\.'):
        decide(FILTER_PROFILE, {'name': 'twins', 'match_action': 'deny'}, current)


def test_a_profile_that_can_not_be_read_may_be_the_one():
    error = ShapeError('GET', '', 200, 'name of filter profile is wrong', ['name'])
    odd = Unreadable({'id': 'p9'}, error)
    current = snapshot(interconnects=[direct('here', 1)], tunnels=[FILTERED], profiles=[PROFILES[0], odd])
    for plan in (lambda: decide(TUNNEL, {'interconnect': 'here', 'import_filter': 'x'}, current),
                 lambda: decide(FILTER_PROFILE, {'name': 'x', 'match_action': 'deny', 'targets': []}, current)):
        with pytest.raises(ShapeError, match='is wrong'):
            plan()
    assert steps(decide(TUNNEL, {'interconnect': 'here', 'import_filter': 'in'}, current)) == [('none', 'tunnel')]


def test_a_profile_whose_name_can_be_read_is_the_one_of_that_name_only():
    odd = Unreadable({'id': 'p9', 'name': 'odd'}, ShapeError('GET', '', 200, 'targets of filter profile is wrong', ['targets']))
    current = snapshot(interconnects=[direct('here', 1)], tunnels=[FILTERED], profiles=[PROFILES[0], odd])
    with pytest.raises(ShapeError, match='targets of filter profile is wrong'):
        decide(TUNNEL, {'interconnect': 'here', 'import_filter': 'odd'}, current)
    with pytest.raises(InputError, match="there is no BGP filter profile 'x'"):
        decide(TUNNEL, {'interconnect': 'here', 'import_filter': 'x'}, current)


def test_a_profile_that_the_list_does_not_show_yet_is_found_by_its_id():
    new, desired = {**PROFILES[0], 'id': uuid(7)}, desired_object(TUNNEL, {'interconnect': 'here', 'import_filter': uuid(7)})
    current = Snapshot({('interconnect', None): [direct('here', 1)], ('tunnel', None): [FILTERED], ('cni', None): [],
                        ('filter_profile', None): PROFILES})
    with pytest.raises(Unread) as unread:
        plan_changes([desired], current)
    assert unread.value.parts == (('filter_profile', uuid(7)),)
    current.put_part(('filter_profile', uuid(7)), [new])
    (change,) = plan_changes([desired], current)
    assert change.after['bgp']['import_filter_id'] == uuid(7)


def test_a_used_profile_is_not_deleted_and_names_its_tunnels():
    both = {**tunnel(2), 'bgp': {'import_filter_id': 'p1', 'export_filter_id': 'p1'}}
    users = 'icon (import_filter), t2 (export_filter), t2 (import_filter)'
    with pytest.raises(InputError, match=rf"^state: BGP filter profile 'in' is used by the tunnels {re.escape(users)}\."):
        decide(FILTER_PROFILE, {'name': 'in', 'state': 'absent'}, snapshot(tunnels=[FILTERED, both], profiles=PROFILES))
    odd = Unreadable({'id': 't3'}, ShapeError('GET', '', 200, 'bgp of tunnel is wrong', ['bgp']))
    with pytest.raises(ShapeError, match='bgp of tunnel is wrong'):
        decide(FILTER_PROFILE, {'name': 'out', 'state': 'absent'}, snapshot(tunnels=[FILTERED, odd], profiles=PROFILES))
    odd = Unreadable({'id': 't3', 'bgp': {'import_filter_id': 'p2'}}, ShapeError('GET', '', 200, 'name of tunnel is wrong', ['name']))
    with pytest.raises(ShapeError, match='name of tunnel is wrong'):
        decide(FILTER_PROFILE, {'name': 'out', 'state': 'absent'}, snapshot(tunnels=[odd], profiles=PROFILES))
    assert steps(decide(FILTER_PROFILE, {'name': 'in', 'state': 'absent'}, snapshot(tunnels=[odd], profiles=PROFILES))) == [
        ('delete', 'filter_profile')]


def test_a_replacement_takes_over_the_filters():
    current = snapshot(SLOTS, [direct('here', 1)], [cni(1, 'nyc-1', 'here')], [FILTERED], profiles=PROFILES[:2], here='Down')
    (changes,) = plan_chains([desired_chain({'name': 'nyc-1', 'slot': {'speed': '100G'}, 'on_immutable': 'replace'})], current)
    assert changes[-1].after == {'id': UNKNOWN, 'bgp': {'import_filter_id': 'p1'}}


@pytest.mark.parametrize(('settings', 'action'), [([{'default_asn': 13335}], 'none'), ([{'default_asn': 65000}], 'update'), ([], 'update')])
def test_settings(settings, action):
    (change,) = decide(SETTINGS, {'default_asn': 13335}, snapshot(settings=settings))
    assert (change.action, change.after) == (action, {'default_asn': 13335})


# The parts.

@pytest.mark.parametrize(('row', 'options', 'lists', 'part'), [
    (INTERCONNECT, {'name': 'x'}, {}, ('interconnect', None)),
    (INTERCONNECT, {'slot_id': uuid(1)}, {('interconnect', None): []}, ('slot', None)),
    (CNI, {'conduit_name': 'x', 'interconnect': 'i'}, {('cni', None): []}, ('interconnect', None)),
    (TUNNEL, {'interconnect': 'i'}, {('interconnect', None): [direct('i', 1)]}, ('tunnel', None)),
], ids=['by name', 'slot', 'parent', 'health check'])
def test_the_plan_asks_for_what_it_has_not_seen(row, options, lists, part):
    with pytest.raises(Unread) as unread:
        plan_changes([desired_object(row, options)], Snapshot(lists))
    assert unread.value.parts == (part,)


def test_no_interconnect_is_left_over_before_the_cnis_are_read():
    with pytest.raises(Unread) as unread:
        half_deleted_circuits(Snapshot({('tunnel', None): [tunnel(1, f'{DELETE_NOTE}nyc-1')], ('interconnect', None): [direct('here', 1)]}))
    assert unread.value.parts == (('cni', None),)


def test_nothing_more_is_read_for_a_cni_that_is_as_desired():
    desired = desired_object(CNI, {'conduit_name': 'nyc-1', 'interconnect': 'first', 'mtu': 1500})
    assert steps(plan_changes([desired], Snapshot({('cni', None): [cni(1, 'nyc-1', 'first')]}))) == [('none', 'cni')]


def test_deletes_come_first_and_children_before_parents_in_them_only():
    made = [Change(row, action, '', None, None) for row in (CNI, TUNNEL, DIRECT) for action in ('create', 'delete', 'update')]
    assert steps(schedule(made)) == [
        ('delete', 'cni'), ('delete', 'tunnel'), ('delete', 'interconnect'),
        ('create', 'interconnect'), ('update', 'interconnect'),
        ('create', 'cni'), ('update', 'cni'), ('create', 'tunnel'), ('update', 'tunnel'),
    ]


def test_the_interconnects_of_names_and_circuits():
    current = snapshot(interconnects=[direct('a', 1), direct('b', 2)], cnis=[cni(1, 'nyc-1', 'b')])
    assert interconnect_names({'names': None, 'circuits': None}, current) == ['a', 'b']
    assert interconnect_names({'names': ['a'], 'circuits': ['nyc-1']}, current) == ['a', 'b']
    assert interconnect_names({'names': [UNKNOWN], 'circuits': [UNKNOWN, 'nyc-1']}, current) == [UNKNOWN, 'b']
    assert interconnect_names({'names': [], 'circuits': None}, current) == []
    for option, words in (('names', "no interconnect 'x' in this account. There are: a, b."),
                          ('circuits', "no CNI 'x' in this account. There are: nyc-1.")):
        with pytest.raises(InputError) as error:
            interconnect_names({'names': None, 'circuits': None, option: ['x']}, current)
        assert error.value.message == f'{option}: there is {words}'


def test_an_interconnect_that_no_list_shows_yet_is_asked_for_by_its_name():
    with pytest.raises(Unread) as unread:
        interconnect_names({'names': ['late'], 'circuits': None}, Snapshot({('interconnect', None): []}))
    assert unread.value.parts == (('interconnect', 'late'),)


@pytest.mark.parametrize(('number', 'shown'), [(0, 'none'), (21, ', '.join(f'i{n:02}' for n in range(20)))])
def test_a_name_that_nothing_has_comes_with_those_that_there_are(number, shown):
    names = [f'i{n:02}' for n in range(number)]
    with pytest.raises(InputError) as error:
        interconnect_names({'names': ['x'], 'circuits': None}, snapshot(interconnects=[direct(name, 1) for name in names]))
    assert error.value.message.endswith(f'There are: {shown}.')
    assert error.value.details['allowed'] == names


@pytest.mark.parametrize(('row', 'keys', 'filters', 'names'), [
    (INTERCONNECT, {}, {}, ['a', 'b', 'c']),
    (INTERCONNECT, {'name': 'a'}, {'site': None}, ['a']),
    (INTERCONNECT, {'name': None, 'slot_id': uuid(2)}, {}, ['b']),
    (INTERCONNECT, {'name': 'a', 'slot_id': uuid(2)}, {}, []),
    (INTERCONNECT, {'conduit_name': 'nyc-1'}, {}, ['b']),
    (INTERCONNECT, {'name': 'nobody'}, {}, []),
    (INTERCONNECT, {}, {'site': 'GRU-B'}, ['c']),
    (INTERCONNECT, {}, {'site': 'ewr-a', 'speed': '10G', 'type': 'direct'}, ['a']),
    (INTERCONNECT, {'name': 'a'}, {'site': 'gru-b'}, []),
    (CNI, {}, {'interconnect': 'B'}, []),
    (CNI, {}, {'interconnect': 'b'}, [uuid(1)]),
], ids=lambda value: getattr(value, 'name', str(value)))
def test_an_info_module_shows_what_all_keys_and_filters_say(row, keys, filters, names):
    current = snapshot(interconnects=[direct('a', 1), direct('b', 2, speed='100G'), direct('c', 3, site='gru-b')],
                       cnis=[cni(1, 'nyc-1', 'b')])
    assert [obj[row.id] for obj in filtered_objects(row, keys, filters, current)] == names


def test_merge_keeps_what_it_does_not_name_and_copies():
    before = {'a': {'b': 1, 'c': 2}, 'd': None}
    assert merge(before, {'a.b': 3, 'd.e': 4}) == {'a': {'b': 3, 'c': 2}, 'd': {'e': 4}}
    assert before == {'a': {'b': 1, 'c': 2}, 'd': None}
    assert merge(before, {'d.e': None}) == before


def test_a_field_that_answers_never_hold_is_not_compared():
    desired = desired_object(INTERCONNECT, {'pairing_key': KEY, 'bandwidth': '1G'})
    assert differing_fields(desired.row, desired.fields, gcp('there')) == {}
    assert find_object(desired, snapshot(interconnects=[gcp('there')]))['name'] == 'there'


# Whose an interconnect is before its CNI says so.

SITE = {'site': 'ewr-a', 'speed': '10G'}
PAIR = [direct('x', 8), direct('y', 9, device='edge02.ewr-a')]


def owned(owners, interconnects=tuple(PAIR), cnis=()):
    current = snapshot(SLOTS, interconnects, cnis)
    current.set_records(owners)
    return current


def taken(current, *names, **order):
    """{circuit: the interconnect it takes, the word new for an order, or the error}."""
    order = order or {'slot': SITE}
    planned = plan_chains([desired_chain({'name': name, **order}) for name in names], current)
    return {name: changes.kind if isinstance(changes, CniError) else 'new' if changes[0].action == 'create' else changes[0].after['name']
            for name, changes in zip(names, planned, strict=True)}


@pytest.mark.parametrize(('owners', 'cnis', 'names', 'expected'), [
    ({}, [], 'a', {'a': 'ambiguous'}),
    ({'b': 'x'}, [], 'a', {'a': 'y'}),
    ({'b': 'x', 'c': 'y'}, [], 'a', {'a': 'new'}),
    ({'a': 'y'}, [], 'a', {'a': 'y'}),
    ({'a': 'y'}, [], 'ba', {'b': 'x', 'a': 'y'}),
    ({'a': 'y', 'b': 'y'}, [], 'abc', {'a': 'y', 'b': 'x', 'c': 'new'}),
    ({'a': 'x'}, [cni(1, 'a', 'y')], 'ab', {'a': 'y', 'b': 'x'}),
    ({'b': 'x'}, [cni(1, 'b', 'y')], 'a', {'a': 'x'}),
    ({'a': 'x'}, [cni(1, 'b', 'x')], 'a', {'a': 'y'}),
    ({'a': 'gone'}, [], 'ab', {'a': 'x', 'b': 'y'}),
    ({'a': 'x'}, [], 'abcd', {'a': 'x', 'b': 'y', 'c': 'new', 'd': 'new'}),
], ids=str)
def test_a_record_keeps_an_interconnect_for_its_circuit(owners, cnis, names, expected):
    assert taken(owned(owners, cnis=cnis), *names) == expected


@pytest.mark.parametrize(('cnis', 'words'), [
    ([], ''),
    ([cni(1, 'a', 'x')], ''),
    ([cni(1, 'a', 'x'), cni(2, 'b', 'x')], ''),
    ([cni(1, 'a', 'y')], "its CNI is on interconnect 'y'"),
    ([cni(1, 'b', 'x')], "it carries the CNI 'b'"),
], ids=['nothing yet', 'own', 'shared', 'elsewhere', 'of another'])
def test_what_cloudflare_has_against_a_record(cnis, words):
    assert record_contradiction('a', owned({'a': 'x'}, cnis=cnis)) == words
    assert record_contradiction('a', owned({'a': 'gone'})) == 'that interconnect does not exist'


@pytest.mark.parametrize('number', [8, 9])
def test_a_slot_id_takes_no_interconnect_that_is_on_record_as_anothers(number):
    current = owned({'b': 'x'})
    assert taken(current, 'a', slot_id=uuid(number)) == {'a': 'input' if number == 8 else 'y'}
    assert taken(current, 'b', slot_id=uuid(8)) == {'b': 'x'}
    (error,) = plan_chains([desired_chain({'name': 'a', 'slot_id': uuid(8)})], current)
    assert str(error) == ("slot_id: its record says that interconnect 'x' on that slot was ordered for circuit 'b'. "
                          'Allowed: another slot_id, or a selector in slot.')
    with pytest.raises(InputError, match="ordered for circuit 'b'"):
        plan_changes([desired_object(INTERCONNECT, {'conduit_name': 'a', 'slot_id': uuid(8), 'state': 'absent'})], current)


def test_a_slot_id_takes_the_interconnect_of_the_circuit_on_it_whatever_a_record_says():
    assert taken(owned({'b': 'x'}, cnis=[cni(1, 'a', 'x')]), 'a', slot_id=uuid(8)) == {'a': 'x'}


@pytest.mark.parametrize(('cnis', 'expected'), [
    ([], {'a': 'ambiguous', 'b': 'y'}),
    ([cni(1, 'c', 'y')], {'a': 'x', 'b': 'z'}),
], ids=['its own', 'of another'])
def test_who_has_an_interconnect_on_record_needs_none_of_the_spare_ones(cnis, expected):
    assert taken(owned({'b': 'y'}, [*PAIR, direct('z', 10)], cnis), 'a', 'b') == expected


def test_two_records_of_one_interconnect_give_it_to_one_circuit():
    planned = plan_chains([desired_chain({'name': name, 'slot': SITE}, ('interconnect',)) for name in 'ab'], owned({'a': 'y', 'b': 'y'}))
    assert [change.after['name'] for (change,) in planned] == ['y', 'x']


def test_what_a_circuit_on_record_alone_has_can_be_kept_away_from():
    assert taken(owned({'a': 'x'}), 'b', slot={**SITE, 'diverse_from': ['a']}) == {'b': 'y'}


@pytest.mark.parametrize(('owners', 'cnis'), [({'a': 'x'}, [cni(1, 'c', 'x')]), ({'a': 'gone'}, [])])
def test_a_record_that_does_not_count_keeps_nobody_away(owners, cnis):
    assert taken(owned(owners, cnis=cnis), 'b', slot={**SITE, 'diverse_from': ['a']}) == {'b': 'input'}


def test_an_interconnect_on_record_that_is_not_as_declared_is_drift_and_not_ordered_again():
    (error,) = plan_chains([desired_chain({'name': 'a', 'slot': {'speed': '100G'}})], owned({'a': 'x'}))
    assert (type(error), error.details['fields']) == (DriftError, {'slot.speed': {'have': '10G', 'want': '100G'}})


@pytest.mark.parametrize('recorded', [False, True])
def test_an_interconnect_without_a_cni_is_deleted_by_the_record(recorded):
    current = owned({'a': 'x', 'b': 'y'})
    planned = plan_chains(list(delete_chains([{'name': name} for name in 'ac'], current, recorded).values()), current)
    assert [[(change.action, change.label) for change in changes] for changes in planned] == [
        [('delete', 'interconnect x')], [('none', planned[1][0].label)]]


def test_what_is_on_record_needs_no_note_to_be_found_again():
    current = owned({'a': 'x'}, cnis=[cni(1, 'a', 'x')])
    (changes,) = plan_chains(list(delete_chains([{'name': 'a'}], current, True).values()), current)
    assert steps(changes) == [('delete', 'cni'), ('delete', 'interconnect')]


def test_what_records_name_and_no_list_shows_is_read_at_once():
    current = Snapshot({('interconnect', None): [], ('cni', None): []})
    current.set_records({'a': 'x', 'b': 'y', 'c': 'z'})
    with pytest.raises(Unread) as unread:
        delete_chains([{'name': name} for name in 'ab'], current)
    assert unread.value.parts == (('interconnect', 'x'), ('interconnect', 'y'))


def test_overridden_deletes_what_is_on_record_and_not_declared():
    current = owned({'a': 'x', 'b': 'y', 'c': 'gone'}, cnis=[cni(1, 'd', 'z')])
    assert surplus_circuits(current, {'a'}) == ['b', 'd']


def test_what_can_not_be_read_may_be_on_an_interconnect_on_record():
    def wrong(port, path):
        return Unreadable(cni(1, 'b', port), ShapeError('GET', '/cni/cnis', 200, 'wrong', [path]))

    def port_of_a(*cnis):
        (changes,) = plan_chains([desired_chain({'name': 'a', 'slot': SITE}, ('interconnect',))], owned({'a': 'x'}, cnis=cnis))
        return changes.kind if isinstance(changes, CniError) else changes[0].after['name']

    assert port_of_a(wrong('x', 'magic')) == port_of_a(wrong('x', 'bgp')) == port_of_a(wrong('x', 'interconnect')) == 'answer'
    assert port_of_a(wrong('y', 'bgp')) == port_of_a(cni(2, 'a', 'x'), wrong('x', 'bgp')) == 'x'


# Steps.

@pytest.mark.parametrize(('steps_of_run', 'circuit', 'cnis', 'expected'), [
    (('cni',), {}, [], [('none', 'interconnect'), ('create', 'cni')]),
    (('cni',), {'mtu': 1400}, [cni(1, 'a', 'x')], [('none', 'interconnect'), ('update', 'cni')]),
    (('cni',), {'interconnect': 'y'}, [], [('create', 'cni')]),
    (('interconnect',), {}, [], [('none', 'interconnect')]),
    (('health_check',), {'health_check': {'rate': 'low'}}, [cni(1, 'a', 'x')], [('none', 'interconnect'), ('update', 'tunnel')]),
    (('loa',), {}, [], [('none', 'interconnect')]),
    (('loa',), {'interconnect': 'y'}, [], []),
    ((), {'slot': {'speed': '100G'}}, [], [('none', 'interconnect')]),
], ids=str)
def test_a_step_works_on_the_circuit_that_is_there(steps_of_run, circuit, cnis, expected):
    current = snapshot([], PAIR, cnis, [tunnel(8)])
    current.set_records({'a': 'x'})
    assert steps(plan_changes(desired_chain({'name': 'a', 'slot': SITE, **circuit}, steps_of_run), current)) == expected


def test_without_the_step_interconnect_none_is_ordered_nor_taken():
    for steps_of_run in (('cni',), ('loa',), ('health_check', 'handover')):
        (error,) = plan_chains([desired_chain({'name': 'a', 'slot': SITE}, steps_of_run)], owned({}))
        assert str(error) == ("steps: the circuit 'a' does not exist in this account, neither as a CNI nor in a record, and without the "
                              'step interconnect nothing is ordered. Allowed: steps with interconnect.')
