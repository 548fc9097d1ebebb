# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The decision as tables: what is wanted and what is there, against what has to change. No client, no mock."""

from __future__ import annotations

import pytest

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import AmbiguousError, DriftError, InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Unread, differing, get, merge
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._plan import Change, desire, find, interconnect_names, plan, schedule
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import CNI, DIRECT, INTERCONNECT, SETTINGS, TUNNEL, UNKNOWN

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


def world(slots=(), interconnects=(), cnis=(), tunnels=(), settings=(), **status):
    lists = {'slot': slots, 'interconnect': interconnects, 'cni': cnis, 'tunnel': tunnels, 'settings': settings}
    states = {('status', name): [{'state': state}] for name, state in status.items()}
    return {**{(name, None): list(objects) for name, objects in lists.items()}, **states}


SLOTS = [
    slot(1, occupied=True, account='other'),
    slot(2),
    slot(3, device='edge02.ewr-a'),
    slot(4, device='edge03.ewr-a', facility=NY5),
    slot(5, speed='100G'),
    slot(6, site='gru-b', device=None),
]


def decide(row, params, there):
    return schedule(plan([desire(row, params)], there))


def steps(changes):
    return [(change.action, change.row.name) for change in changes]


# Which slot, which interconnect.

@pytest.mark.parametrize(('asked', 'there', 'number'), [
    ({'slot_id': uuid(2)}, [], 2),
    ({'slot_id': uuid(2).upper()}, [], 2),
    ({'slot': {'site': 'EWR-A'}}, [], 2),
    ({'slot': {'site': 'ewr-a', 'speed': '100g'}}, [], 5),
    ({'slot': {'site': 'ewr-a'}, 'speed': '100G'}, [], 5),
    ({'slot': {'facility': 'equinix ny5'}}, [], 4),
    ({'slot': {'address_contains': 'SECAUCUS'}}, [], 4),
    ({'slot': {'site': 'ewr-a', 'diverse_from': ['first']}, 'conduit_name': 'b'}, [direct('first', 9)], 4),
    ({'slot': {'site': 'ewr-a', 'diverse_from': ['first'], 'facility': 'Equinix NY1'}, 'conduit_name': 'b'}, [direct('first', 9)], 3),
    ({'slot': {'diverse_from': ['first']}, 'conduit_name': 'b'}, [direct('first', 9, device=None)], 4),
    ({'slot': {'site': 'gru-b', 'diverse_from': ['first']}, 'conduit_name': 'b'}, [direct('first', 9, facility=NY5)], 6),
], ids=str)
def test_a_free_slot_is_ordered(asked, there, number):
    (change,) = decide(INTERCONNECT, asked, world(SLOTS, there, [cni(1, 'a', 'first')]))
    assert (change.action, change.after['slot_id'], change.after['name']) == ('create', uuid(number), UNKNOWN)


@pytest.mark.parametrize('asked', [
    {'name': 'here'},
    {'slot_id': uuid(1)},
    {'conduit_name': 'nyc-1'},
    {'conduit_name': 'nyc-1', 'slot': {'site': 'ewr-a'}},
    {'slot': {'site': 'ewr-a', 'facility': 'Equinix NY1'}},
    {'name': 'gone', 'slot_id': uuid(1)},
    {'conduit_name': 'nyc-1', 'slot': {'diverse_from': ['nyc-1']}},
], ids=str)
def test_an_interconnect_that_is_there_is_taken(asked):
    (change,) = decide(INTERCONNECT, asked, world(SLOTS, [direct('here', 1)], [cni(1, 'nyc-1', 'here')]))
    assert (change.action, change.before['name']) == ('none', 'here')


@pytest.mark.parametrize('asked', [{}, {'conduit_name': 'b'}], ids=str)
def test_a_port_is_not_its_own_neighbour(asked):
    select = {'site': 'ewr-a', 'speed': '10G', 'diverse_from': ['first']}
    (change,) = decide(INTERCONNECT, {**asked, 'slot': select}, world(SLOTS, [direct('first', 9)]))
    assert (change.action, change.after['slot_id']) == ('create', uuid(4))


def test_a_circuit_takes_an_unused_interconnect_and_leaves_those_of_others():
    there = [direct('used', 1), direct('unused', 7)]
    asked = {'conduit_name': 'nyc-2', 'slot': {'site': 'ewr-a'}}
    (change,) = decide(INTERCONNECT, asked, world(SLOTS, there, [cni(1, 'nyc-1', 'used')]))
    assert (change.action, change.before['name']) == ('none', 'unused')
    (change,) = decide(INTERCONNECT, asked, world(SLOTS, there[:1], [cni(1, 'nyc-1', 'used')]))
    assert (change.action, change.after['slot_id']) == ('create', uuid(2))


@pytest.mark.parametrize(('asked', 'option', 'words'), [
    ({'slot_id': uuid(99)}, 'slot_id', 'offers no slot'),
    ({'slot_id': uuid(1)}, 'slot_id', 'is taken by someone else (account other)'),
    ({'slot_id': uuid(2), 'speed': '100G'}, 'slot_id', "speed '100G' leaves 0. Before that filter there were ewr-a/Equinix NY1/10G"),
    ({'slot_id': uuid(2), 'speed': '10G', 'slot': {'speed': '100G'}}, 'speed, slot.speed', 'a port has one'),
    ({'slot_id': 'next-one'}, 'slot_id', 'a UUID'),
    ({'slot': {'site': 'ewr-a', 'speed': '400G'}}, 'slot', "6 slots, free leaves 5, speed '400G' leaves 0"),
    ({'slot': {'site': 'ewr-z'}}, 'slot', "free leaves 5, site 'ewr-z' leaves 0. Before that filter there were ewr-a/Equinix NY1/100G"),
    ({'slot': {'site': 'gru-b', 'diverse_from': ['sole']}}, 'slot', 'not on the device of sole leaves 0'),
    ({'slot': {'diverse_from': ['nobody']}}, 'slot.diverse_from', "no circuit 'nobody'"),
    ({'name': 'nobody'}, 'name', "no interconnect 'nobody' in this account. There are: sole"),
    ({'conduit_name': 'nyc-9'}, 'type', 'nothing says what to order'),
    ({'type': 'direct', 'conduit_name': 'nyc-9'}, 'slot_id', 'ordered on a slot'),
    ({'slot': {}}, 'slot', 'any port anywhere'),
    ({'slot': {'site': None, 'diverse_from': []}}, 'slot', 'at least one of site, diverse_from'),
    ({'slot_id': uuid(2), 'pairing_key': KEY}, 'type, slot_id, pairing_key', 'different types'),
    ({'type': 'direct', 'pairing_key': KEY}, 'type, pairing_key', 'different types'),
    ({'pairing_key': 'x/y', 'bandwidth': '1G'}, 'pairing_key', 'uuid/region/availability-domain'),
    ({'pairing_key': KEY}, 'bandwidth', 'needed'),
    ({'bandwidth': '1G', 'conduit_name': 'gcp-1'}, 'pairing_key', 'needed'),
    ({'state': 'absent', 'slot': {'site': 'ewr-a'}}, 'state', 'name or slot_id or conduit_name'),
], ids=str)
def test_what_can_not_be_ordered_is_refused_by_name(asked, option, words):
    with pytest.raises(InputError) as error:
        decide(INTERCONNECT, asked, world(SLOTS, [direct('sole', 9, site='gru-c', facility=NY1, device=None)]
                                          if 'gru-b' in str(asked) else [direct('sole', 9, site='fra-b')]))
    assert error.value.details['option'] == option
    assert words in error.value.message


def test_a_slot_goes_to_one_of_two_that_ask_for_the_same():
    wanted = [desire(INTERCONNECT, {'conduit_name': name, 'slot': {'site': 'ewr-a', 'speed': '10G'}}) for name in ('a', 'b')]
    changes = plan(wanted, world(SLOTS))
    assert [change.after['slot_id'] for change in changes] == [uuid(2), uuid(3)]


@pytest.mark.parametrize('asked', [
    {'slot': {'site': 'ewr-a'}},
    {'conduit_name': 'nyc-1'},
    {'name': 'one', 'slot_id': uuid(2)},
    {'pairing_key': KEY, 'bandwidth': '1G'},
], ids=str)
def test_two_matches_are_an_error_that_lists_them(asked):
    there = [direct('one', 1), direct('two', 2), gcp('three'), gcp('four')]
    with pytest.raises(AmbiguousError) as error:
        decide(INTERCONNECT, asked, world(SLOTS, there, [cni(1, 'nyc-1', 'one'), cni(2, 'nyc-1', 'two')]))
    assert len(error.value.details['candidates']) == 2
    assert ('have to mean the same one' if len(asked) == 2 and 'slot_id' in asked else 'by name') in str(error.value)


def test_the_same_key_twice_is_refused():
    with pytest.raises(InputError, match='named twice'):
        plan([desire(CNI, {'conduit_name': 'nyc-1', 'mtu': 1400}), desire(CNI, {'conduit_name': 'nyc-1', 'mtu': 1500})], world())


def test_a_slot_is_open_while_the_port_to_keep_away_from_is_only_predicted():
    (change,) = decide(INTERCONNECT, {'conduit_name': 'b', 'slot': {'site': 'ewr-a', 'diverse_from': [UNKNOWN]}}, world(SLOTS))
    assert (change.action, change.after['slot_id']) == ('create', UNKNOWN)


# GCP partner interconnects.

@pytest.mark.parametrize(('asked', 'action'), [
    ({'pairing_key': KEY, 'bandwidth': '1G'}, 'none'),
    ({'pairing_key': KEY, 'bandwidth': '2G'}, 'create'),
    ({'pairing_key': KEY.replace('east4', 'west1'), 'bandwidth': '1G'}, 'create'),
    ({'pairing_key': KEY, 'bandwidth': '1G', 'conduit_name': 'gcp-2'}, 'create'),
    ({'pairing_key': KEY, 'bandwidth': '1G', 'conduit_name': 'gcp-1'}, 'none'),
    ({'name': 'there', 'bandwidth': '1G'}, 'none'),
], ids=str)
def test_gcp_partner_is_found_by_name_circuit_or_region_and_bandwidth(asked, action):
    (change,) = decide(INTERCONNECT, asked, world(interconnects=[gcp('there')], cnis=[cni(1, 'gcp-1', 'there')]))
    assert change.action == action


# Drift that no call can mend.

@pytest.mark.parametrize(('asked', 'field'), [
    ({'conduit_name': 'nyc-1', 'speed': '100G', 'type': 'direct'}, 'speed'),
    ({'name': 'here', 'speed': '100G'}, 'speed'),
    ({'conduit_name': 'nyc-1', 'slot_id': uuid(2)}, 'slot_id'),
    ({'name': 'here', 'type': 'gcp_partner'}, 'type'),
    ({'conduit_name': 'nyc-1', 'slot': {'site': 'gru-b'}}, 'slot.site'),
    ({'conduit_name': 'nyc-1', 'slot': {'facility': 'Equinix NY5'}}, 'slot.facility'),
    ({'conduit_name': 'nyc-1', 'slot': {'speed': '100G'}}, 'slot.speed'),
    ({'conduit_name': 'nyc-1', 'slot': {'diverse_from': ['neighbour']}}, 'slot.diverse_from'),
    ({'conduit_name': 'gcp-1', 'bandwidth': '10G'}, 'bandwidth'),
    ({'conduit_name': 'gcp-1', 'pairing_key': KEY.replace('east4', 'west1'), 'bandwidth': '1G'}, 'region'),
], ids=str)
def test_drift_that_can_not_be_changed_fails_by_name(asked, field):
    there = world(SLOTS, [direct('here', 1), direct('neighbour', 7), gcp('cloud')], [cni(1, 'nyc-1', 'here'), cni(2, 'gcp-1', 'cloud')])
    with pytest.raises(DriftError) as error:
        decide(INTERCONNECT, asked, there)
    assert list(error.value.details['fields']) == [field]


@pytest.mark.parametrize(('status', 'force', 'replaced'), [('Pending', False, True), ('Healthy', False, False), ('Healthy', True, True)])
def test_replacing_takes_the_circuit_along_and_spares_a_healthy_one(status, force, replaced):
    asked = {'name': 'here', 'conduit_name': 'nyc-1', 'slot': {'speed': '100G'}, 'on_immutable': 'replace', 'force': force}
    there = world(SLOTS, [direct('here', 1)], [cni(1, 'nyc-1', 'here')], here=status)
    if not replaced:
        with pytest.raises(DriftError, match='force=true'):
            decide(INTERCONNECT, asked, there)
        return
    assert steps(decide(INTERCONNECT, asked, there)) == [('delete', 'cni'), ('delete', 'interconnect'), ('create', 'interconnect')]


@pytest.mark.parametrize('asked', [{'state': 'absent'}, {'slot_id': uuid(2), 'on_immutable': 'replace'}], ids=str)
def test_a_port_is_not_left_without_a_name_that_leads_to_it(asked):
    there = world(SLOTS, [direct('here', 1)], [cni(1, 'nyc-1', 'here')], here='Down')
    with pytest.raises(InputError, match='Say name=here too'):
        decide(INTERCONNECT, {'conduit_name': 'nyc-1', **asked}, there)


def test_an_interrupted_replacement_goes_on_where_it_was():
    asked = {'name': 'here', 'conduit_name': 'nyc-1', 'slot': {'speed': '100G'}, 'on_immutable': 'replace'}
    assert steps(decide(INTERCONNECT, asked, world(SLOTS, [direct('here', 1)], here='Down'))) == [
        ('delete', 'interconnect'), ('create', 'interconnect')]
    assert steps(decide(INTERCONNECT, asked, world(SLOTS))) == [('create', 'interconnect')]
    assert steps(decide(INTERCONNECT, asked, world(SLOTS, [direct('new', 5, speed='100G')]))) == [('none', 'interconnect')]


def test_replacing_may_use_the_slot_that_it_frees():
    asked = {'slot_id': uuid(1), 'speed': '100G', 'on_immutable': 'replace'}
    changes = decide(INTERCONNECT, asked, world([slot(1, speed='100G', occupied=True)], [direct('here', 1)], here='Down'))
    assert changes[-1].after['slot_id'] == uuid(1)


@pytest.mark.parametrize('asked', [
    {'conduit_name': 'nyc-1', 'slot_id': uuid(99)},
    {'conduit_name': 'nyc-1', 'pairing_key': 'nonsense', 'bandwidth': '1G'},
    {'conduit_name': 'nyc-1', 'slot': {'site': 'nowhere'}},
], ids=str)
def test_replacing_is_validated_before_anything_is_deleted(asked):
    with pytest.raises(InputError):
        there = world(SLOTS, [direct('here', 1)], [cni(1, 'nyc-1', 'here')], here='Down')
        decide(INTERCONNECT, {**asked, 'on_immutable': 'replace'}, there)


@pytest.mark.parametrize('asked', [{'state': 'absent'}, {'slot_id': uuid(2), 'on_immutable': 'replace'}], ids=str)
def test_the_circuit_of_someone_else_is_not_taken_along(asked):
    there = world(SLOTS, [direct('here', 1)], [cni(1, 'nyc-1', 'here'), cni(2, 'other', 'here')], here='Down')
    with pytest.raises(InputError, match="carries the CNI 'other'"):
        decide(INTERCONNECT, {'conduit_name': 'nyc-1', **asked}, there)


@pytest.mark.parametrize(('asked', 'expected'), [
    ({'conduit_name': 'nyc-1', 'name': 'here'}, [('delete', 'cni'), ('delete', 'interconnect')]),
    ({'conduit_name': 'nyc-1', 'slot_id': uuid(1)}, [('delete', 'cni'), ('delete', 'interconnect')]),
    ({'name': 'bare'}, [('delete', 'interconnect')]),
    ({'slot_id': uuid(7)}, [('delete', 'interconnect')]),
    ({'name': 'gone'}, [('none', 'interconnect')]),
    ({'conduit_name': 'gone', 'slot': {'site': 'ewr-a'}}, [('none', 'interconnect')]),
], ids=str)
def test_absent(asked, expected):
    there = world(SLOTS, [direct('here', 1), direct('bare', 7)], [cni(1, 'nyc-1', 'here')])
    assert steps(decide(INTERCONNECT, {**asked, 'state': 'absent'}, there)) == expected


# CNIs.

BGP = {'customer_asn': 64512, 'extra_prefixes': ['192.0.2.0/24', '198.51.100.0/24'], 'md5_key': 'secret'}


@pytest.mark.parametrize(('asked', 'named'), [
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
def test_only_what_is_named_and_differs_is_changed(asked, named):
    before = cni(1, 'nyc-1', 'first', bgp=BGP, unknown_field={'kept': True})
    there = world(interconnects=[direct('first', 1), direct('second', 2)], cnis=[before])
    (change,) = decide(CNI, {'conduit_name': 'nyc-1', **asked}, there)
    assert change.action == ('update' if named else 'none')
    assert change.after == merge(before, named)
    assert {wire: get(change.after, wire) for wire in change.named} == named


def test_a_new_session_gets_defaults_and_a_new_cni_too():
    there = world(interconnects=[direct('first', 1), direct('second', 2)], cnis=[cni(1, 'nyc-1', 'first')])
    (change,) = decide(CNI, {'conduit_name': 'nyc-1', 'bgp': {'customer_asn': 64512}}, there)
    assert change.after['bgp'] == {'customer_asn': 64512, 'extra_prefixes': []}
    (change,) = decide(CNI, {'conduit_name': 'nyc-2', 'interconnect': 'second'}, there)
    assert change.after == {'id': UNKNOWN, 'cust_ip': UNKNOWN, 'p2p_ip': UNKNOWN, 'interconnect': 'second',
                            'magic': {'conduit_name': 'nyc-2', 'description': '', 'mtu': 1500}}


def test_an_interconnect_carries_one_cni_unless_the_user_says_shared():
    there = world(interconnects=[direct('first', 1), direct('second', 2)], cnis=[cni(1, 'nyc-1', 'first'), cni(2, 'nyc-2', 'second')])
    for asked in ({'conduit_name': 'nyc-3'}, {'conduit_name': 'nyc-2'}):
        with pytest.raises(InputError, match=r"^interconnect: 'first' is that of CNI nyc-1 already.*shared=true"):
            decide(CNI, {**asked, 'interconnect': 'first'}, there)
        assert decide(CNI, {**asked, 'interconnect': 'first', 'shared': True}, there)[0].after['interconnect'] == 'first'
    assert decide(CNI, {'conduit_name': 'nyc-1', 'mtu': 1400}, there)[0].action == 'update'
    two = [desire(CNI, {'conduit_name': name, 'interconnect': 'third'}) for name in ('a', 'b')]
    with pytest.raises(InputError, match=r"'third' is that of CNI conduit_name=a already"):
        plan(two, world(interconnects=[direct('third', 3)]))


@pytest.mark.parametrize(('asked', 'option'), [
    ({}, 'interconnect'),
    ({'interconnect': 'nobody'}, 'interconnect'),
    ({'interconnect': 'first', 'mtu': 575}, 'mtu'),
    ({'interconnect': 'first', 'mtu': 1501}, 'mtu'),
    ({'interconnect': 'first', 'bgp': {'md5_key': 'k'}}, 'bgp.customer_asn'),
    ({'interconnect': 'first', 'bgp': {'customer_asn': 0}}, 'bgp.customer_asn'),
    ({'interconnect': 'first', 'bgp': {'customer_asn': 4294967296}}, 'bgp.customer_asn'),
    ({'interconnect': 'first', 'bgp': {'customer_asn': 1, 'extra_prefixes': ['2001:db8::/32']}}, 'bgp.extra_prefixes'),
    ({'interconnect': 'first', 'bgp': {'customer_asn': 1, 'extra_prefixes': ['nonsense']}}, 'bgp.extra_prefixes'),
    ({'interconnect': 'first', 'bgp': {'customer_asn': 1, 'md5_key': ''}}, 'bgp.md5_key'),
    ({'interconnect': 'first', 'bgp': {'customer_asn': 1, 'md5_key': 'a"b'}}, 'bgp.md5_key'),
    ({'interconnect': 'first', 'bgp': {'customer_asn': 1, 'md5_key': 'a?b'}}, 'bgp.md5_key'),
    ({'interconnect': 'first', 'bgp': {'customer_asn': 1, 'md5_key': 'ключ'}}, 'bgp.md5_key'),
    ({'interconnect': 'first', 'cust_ip': '10.0.0.1'}, 'cust_ip'),
    ({'interconnect': 'first', 'cust_ip': '2001:db8::1/127'}, 'cust_ip'),
    ({'interconnect': 'first', 'cust_ip': '10.0.0.1/31'}, 'cust_ip, p2p_ip'),
    ({'interconnect': 'first', 'cust_ip': '10.0.0.1/31', 'p2p_ip': '10.0.0.1/31'}, 'cust_ip, p2p_ip'),
    ({'interconnect': 'first', 'cust_ip': '10.0.0.1/31', 'p2p_ip': '10.0.0.2/31'}, 'cust_ip, p2p_ip'),
    ({'interconnect': 'first', 'vlan': 100}, 'vlan'),
    ({'id': uuid(7)}, 'id'),
    ({'id': 'seven'}, 'id'),
], ids=str)
def test_what_a_cni_can_not_be_is_refused_by_name(asked, option):
    with pytest.raises(InputError) as error:
        decide(CNI, {'conduit_name': 'nyc-9', **asked}, world(interconnects=[direct('first', 1)]))
    assert error.value.details['option'] == option
    assert 'ключ' not in error.value.message


def test_one_end_of_a_link_is_checked_against_the_end_that_is_there():
    there = world(cnis=[cni(1, 'nyc-1', 'first')])
    with pytest.raises(InputError, match='do not fit'):
        decide(CNI, {'conduit_name': 'nyc-1', 'cust_ip': '10.0.0.1/31'}, there)


def test_cleared_host_bits_are_told():
    assert desire(CNI, {'conduit_name': 'a', 'bgp': {'extra_prefixes': ['192.0.2.7/24']}}).warnings == (
        'bgp.extra_prefixes: 192.0.2.7/24 has host bits set; 192.0.2.0/24 is used.',)


# Health checks and settings.

TUNNEL_1 = {'id': 't1', 'virtual_port_reservation_id': uuid(1001).replace('-', '').upper(),
            'health_check': {'enabled': True, 'rate': 'mid', 'type': 'reply', 'target': {'effective': '172.31.0.1', 'saved': ''}}}


@pytest.mark.parametrize(('asked', 'action'), [
    ({'interconnect': 'here', 'rate': 'medium'}, 'none'),
    ({'conduit_name': 'nyc-1', 'rate': 'mid', 'enabled': True}, 'none'),
    ({'conduit_name': 'nyc-1', 'rate': 'high'}, 'update'),
    ({'conduit_name': 'nyc-1', 'enabled': False}, 'update'),
    ({'conduit_name': 'nyc-1', 'target': '192.0.2.1'}, 'update'),
    ({'interconnect': UNKNOWN, 'rate': 'high'}, 'update'),
], ids=str)
def test_a_health_check_is_found_through_its_interconnect(asked, action):
    (change,) = decide(TUNNEL, asked, world(interconnects=[direct('here', 1)], cnis=[cni(1, 'nyc-1', 'here')], tunnels=[TUNNEL_1]))
    assert change.action == action


@pytest.mark.parametrize(('asked', 'option', 'words'), [
    ({'interconnect': 'nobody'}, 'interconnect', 'There are: bare, here'),
    ({'conduit_name': 'nobody'}, 'conduit_name', "no CNI 'nobody' in this account. There are: nyc-1"),
    ({'interconnect': 'bare'}, 'interconnect', 'yet'),
], ids=str)
def test_a_health_check_that_is_not_there_says_what_is_missing(asked, option, words):
    there = world(interconnects=[direct('here', 1), direct('bare', 2)], cnis=[cni(1, 'nyc-1', 'here')], tunnels=[TUNNEL_1])
    with pytest.raises(InputError) as error:
        decide(TUNNEL, {**asked, 'rate': 'low'}, there)
    assert error.value.details['option'] == option
    assert words in error.value.message


@pytest.mark.parametrize(('there', 'action'), [([{'default_asn': 13335}], 'none'), ([{'default_asn': 65000}], 'update'), ([], 'update')])
def test_settings(there, action):
    (change,) = decide(SETTINGS, {'default_asn': 13335}, world(settings=there))
    assert (change.action, change.after) == (action, {'default_asn': 13335})


# The parts.

@pytest.mark.parametrize(('row', 'asked', 'there', 'part'), [
    (INTERCONNECT, {'name': 'x'}, {}, ('interconnect', None)),
    (INTERCONNECT, {'slot_id': uuid(1)}, {('interconnect', None): []}, ('slot', None)),
    (CNI, {'conduit_name': 'x', 'interconnect': 'i'}, {('cni', None): []}, ('interconnect', None)),
    (TUNNEL, {'interconnect': 'i'}, {('interconnect', None): []}, ('tunnel', None)),
], ids=str)
def test_the_plan_asks_for_what_it_has_not_seen(row, asked, there, part):
    with pytest.raises(Unread) as unread:
        plan([desire(row, asked)], there)
    assert unread.value.part == part


def test_nothing_more_is_read_for_a_cni_that_is_as_wanted():
    wanted = desire(CNI, {'conduit_name': 'nyc-1', 'interconnect': 'first', 'mtu': 1500})
    assert steps(plan([wanted], {('cni', None): [cni(1, 'nyc-1', 'first')]})) == [('none', 'cni')]


def test_deletes_come_first_and_children_before_parents_in_them_only():
    made = [Change(row, action, '', None, None) for row in (CNI, TUNNEL, DIRECT) for action in ('create', 'delete', 'update')]
    assert steps(schedule(made)) == [
        ('delete', 'cni'), ('delete', 'tunnel'), ('delete', 'interconnect'),
        ('create', 'interconnect'), ('update', 'interconnect'),
        ('create', 'cni'), ('update', 'cni'), ('create', 'tunnel'), ('update', 'tunnel'),
    ]


def test_the_interconnects_of_names_and_circuits():
    there = world(interconnects=[direct('a', 1), direct('b', 2)], cnis=[cni(1, 'nyc-1', 'b')])
    assert interconnect_names({'names': None, 'circuits': None}, there) == ['a', 'b']
    assert interconnect_names({'names': ['a'], 'circuits': ['nyc-1']}, there) == ['a', 'b']
    assert interconnect_names({'names': [], 'circuits': None}, there) == []
    for option in ('names', 'circuits'):
        with pytest.raises(InputError) as error:
            interconnect_names({'names': None, 'circuits': None, option: ['x']}, there)
        assert error.value.details['option'] == option


def test_merge_keeps_what_it_does_not_name_and_copies():
    before = {'a': {'b': 1, 'c': 2}, 'd': None}
    assert merge(before, {'a.b': 3, 'd.e': 4}) == {'a': {'b': 3, 'c': 2}, 'd': {'e': 4}}
    assert before == {'a': {'b': 1, 'c': 2}, 'd': None}


def test_a_field_that_answers_never_hold_is_not_compared():
    wanted = desire(INTERCONNECT, {'pairing_key': KEY, 'bandwidth': '1G'})
    assert differing(wanted.row, wanted.fields, gcp('there')) == {}
    assert find(wanted, world(interconnects=[gcp('there')]))['name'] == 'there'
