# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of the service, without HTTP. Time is a list of one number."""

from __future__ import annotations

import ipaddress
import itertools

import pytest

from rules import Refusal
from store import Store

ACCOUNT = 'a' * 32
KEY = '7e51371e-72a3-40b5-b844-2e3efefaee59/us-east4/2'


@pytest.fixture
def now():
    return [1_000.0]


@pytest.fixture
def store(now):
    return Store(ACCOUNT, clock=lambda: now[0])


def order(store, number=0, **fields):
    slot = store.list_slots(occupied=False)[number]
    return store.order({'account': ACCOUNT, 'type': 'direct', 'slot_id': slot['id'], **fields})


def order_gcp(store, key=KEY):
    return store.order({'account': ACCOUNT, 'type': 'gcp_partner', 'pairing_key': key, 'bandwidth': '500M'})


def cni_body(interconnect, name='nyc-1', **fields):
    magic = {'conduit_name': name, 'description': '', 'mtu': 1500}
    return {'account': ACCOUNT, 'interconnect': interconnect['name'], 'magic': magic, **fields}


def refused(call, *args):
    with pytest.raises(Refusal) as caught:
        call(*args)
    return caught.value.status, caught.value.message


# Slots


def test_the_same_number_of_slots_is_the_same_slots():
    assert Store(ACCOUNT, slots=40).slots == Store(ACCOUNT, slots=40).slots
    assert Store(ACCOUNT, slots=40).slots == Store(ACCOUNT, slots=60).slots[:40]


def test_the_first_site_can_host_a_redundant_pair(store):
    site = store.slots[0]['site']
    free = store.list_slots(occupied=False, site=site, speed='10G')
    pairs = itertools.combinations(free, 2)
    apart = [pair for pair in pairs if all(pair[0][key] != pair[1][key] for key in ('ccr_device_name', 'facility'))]
    assert len(apart) > 10


def test_slots_are_spread(store):
    assert {slot['speed'] for slot in store.slots} == {'10G', '100G'}
    occupied = [slot for slot in store.slots if slot['occupied']]
    assert {slot['account'] is None for slot in occupied} == {True, False}
    for site in {slot['site'] for slot in store.slots}:
        assert len({slot['ccr_device_name'] for slot in store.list_slots(site=site)}) >= 2


def test_slots_are_filtered_by_every_field(store):
    found = store.list_slots(address_contains='newark', occupied=False, site='ewr-a', speed='10G')
    assert found
    for slot in found:
        assert 'Newark' in ' '.join(slot['facility']['address'])
        assert (slot['occupied'], slot['site'], slot['speed']) == (False, 'ewr-a', '10G')
    assert store.list_slots(address_contains='Atlantis') == []


# Interconnects


def test_an_order_takes_the_slot_and_gets_a_tunnel(store):
    interconnect = order(store)
    slot = store.slot(interconnect['slot_id'])
    assert (slot['occupied'], slot['account']) == (True, ACCOUNT)
    assert interconnect['name'].startswith(f'{slot["site"]}-icon-')
    assert {key: interconnect[key] for key in ('facility', 'site', 'speed')} == {key: slot[key] for key in ('facility', 'site', 'speed')}
    (tunnel,) = store.list_tunnels(target_objects=False)
    assert tunnel['virtual_port_reservation_id'] == interconnect['virtual_port_reservation_id'].replace('-', '')
    check = {'enabled': True, 'rate': 'mid', 'type': 'reply', 'direction': 'unidirectional', 'target': ''}
    assert tunnel['health_check'] == check


@pytest.mark.parametrize('status', [400, 404, 409])
def test_an_occupied_or_unknown_slot_is_refused(status):
    store = Store(ACCOUNT, refusal=status)
    taken = store.list_slots(occupied=True)[0]['id']
    for slot_id in (taken, '00000000-0000-4000-8000-000000000000'):
        got, message = refused(store.order, {'account': ACCOUNT, 'type': 'direct', 'slot_id': slot_id})
        assert got == status
        assert slot_id in message


def test_a_refused_order_changes_nothing(store):
    before = [dict(slot) for slot in store.slots]
    slot = store.list_slots(occupied=False, speed='10G')[0]
    status, message = refused(store.order, {'account': ACCOUNT, 'type': 'direct', 'slot_id': slot['id'], 'speed': '100G'})
    assert (status, '100G' in message) == (400, True)
    assert (store.slots, store.interconnects, store.changes) == (before, [], 0)


def test_another_account_in_the_body_is_refused(store):
    slot = store.list_slots(occupied=False)[0]
    assert refused(store.order, {'account': 'b' * 32, 'type': 'direct', 'slot_id': slot['id']})[0] == 400
    assert refused(store.create_cni, {**cni_body(order(store)), 'account': 'b' * 32})[0] == 400


def test_gcp_takes_region_and_speed_from_its_order_and_hides_the_key(store):
    interconnect = order_gcp(store)
    assert (interconnect['region'], interconnect['speed'], interconnect['type']) == ('us-east4', '500M', 'gcp_partner')
    assert 'pairing_key' not in interconnect
    assert KEY not in str(store.state())


@pytest.mark.parametrize('key', ['', 'us-east4/2', 'not-a-uuid/us-east4/2', KEY.rpartition('/')[0], f'{KEY}/3'])
def test_a_malformed_pairing_key_is_refused(store, key):
    assert refused(order_gcp, store, key)[0] == 400


def test_a_pairing_key_is_good_for_one_order(store):
    order_gcp(store)
    assert refused(order_gcp, store)[0] == 400
    assert len(store.interconnects) == 1


def test_an_interconnect_with_cnis_stays():
    store = Store(ACCOUNT, in_use=409)
    interconnect = order(store)
    store.create_cni(cni_body(interconnect, 'nyc-7'))
    status, message = refused(store.cancel, interconnect['name'])
    assert (status, 'nyc-7' in message) == (409, True)
    assert store.interconnects == [interconnect]


def test_deleting_an_interconnect_frees_slot_and_tunnel(store):
    kept, gone = order(store), order(store)
    store.cancel(gone['name'])
    assert not store.slot(gone['slot_id'])['occupied']
    assert store.slot(gone['slot_id'])['account'] is None
    assert [tunnel['name'] for tunnel in store.tunnels] == [kept['name']]
    assert refused(store.interconnect, gone['name'])[0] == 404


# Status


def test_a_direct_interconnect_waits_for_its_cross_connect(store, now):
    name = order(store)['name']
    now[0] += 10_000_000
    assert store.status(name) == {'state': 'Pending'}


@pytest.mark.parametrize('make', [order, order_gcp])
def test_activation_after_a_time(now, make):
    store = Store(ACCOUNT, activate_after=30, clock=lambda: now[0])
    name = make(store)['name']
    now[0] += 29
    assert store.status(name) == {'state': 'Pending'}
    now[0] += 1
    assert store.status(name) == {'state': 'Healthy'}


def test_gcp_is_healthy_once_it_has_a_cni(store):
    interconnect = order_gcp(store)
    assert store.status(interconnect['name']) == {'state': 'Pending'}
    store.create_cni(cni_body(interconnect))
    assert store.status(interconnect['name']) == {'state': 'Healthy'}


def test_a_status_can_be_forced(store):
    name = order(store)['name']
    store.set_status(name, 'Down', 'no light')
    assert store.status(name) == {'state': 'Down', 'reason': 'no light'}
    store.set_status(name, 'Healthy')
    assert store.status(name) == {'state': 'Healthy'}
    assert refused(store.set_status, name, 'Healthy', 'why not')[0] == 400
    assert refused(store.set_status, name, 'active')[0] == 400
    assert refused(store.set_status, 'nowhere', 'Down')[0] == 404


# CNIs


def test_addresses_are_consecutive_links_with_cloudflare_on_the_even_end(store):
    interconnect = order(store)
    links = []
    for number in range(3):
        cni = store.create_cni(cni_body(interconnect, f'nyc-{number}'))
        p2p, cust = ipaddress.ip_interface(cni['p2p_ip']), ipaddress.ip_interface(cni['cust_ip'])
        assert p2p.network == cust.network
        assert p2p.network.prefixlen == 31
        assert (int(p2p.ip) % 2, int(cust.ip) - int(p2p.ip)) == (0, 1)
        links.append(int(p2p.ip))
    assert [link - links[0] for link in links] == [0, 2, 4]


def test_an_address_in_use_is_not_assigned_again(store):
    interconnect = order(store)
    first = store.create_cni(cni_body(interconnect))
    ends = {'p2p_ip': '172.31.0.2/31', 'cust_ip': '172.31.0.3/31'}
    store.replace_cni(first['id'], {**first, **ends})
    assert store.create_cni(cni_body(interconnect, 'nyc-2'))['p2p_ip'] == '172.31.0.4/31'


def test_conduit_names_are_unique(store):
    interconnect = order(store)
    store.create_cni(cni_body(interconnect, 'nyc-1'))
    second = store.create_cni(cni_body(interconnect, 'nyc-2'))
    assert refused(store.create_cni, cni_body(interconnect, 'nyc-1')) == (409, 'Name Conflict')
    assert refused(store.replace_cni, second['id'], {**second, 'magic': {**second['magic'], 'conduit_name': 'nyc-1'}})[0] == 409
    store.replace_cni(second['id'], {**second, 'magic': {**second['magic'], 'description': 'keeps its own name'}})
    assert store.cni(second['id'])['magic']['description'] == 'keeps its own name'


def test_bgp_mode_has_a_default_and_goes_with_bgp(store):
    bgp = {'customer_asn': 65001, 'extra_prefixes': ['198.51.100.0/24']}
    plain = store.create_cni(cni_body(order(store)))
    assert 'bgp_mode' not in plain
    routed = store.replace_cni(plain['id'], {**plain, 'bgp': bgp})
    assert routed['bgp_mode'] == 'dynamic_route_exchange'
    assert store.replace_cni(plain['id'], {**routed, 'bgp_mode': 'advertise_only'})['bgp_mode'] == 'advertise_only'
    cleared = {key: value for key, value in routed.items() if not key.startswith('bgp')}
    assert store.replace_cni(plain['id'], cleared) == plain


def test_put_keeps_what_the_contract_does_not_know(store):
    cni = store.create_cni(cni_body(order(store)))
    newer = {**cni, 'color': 'blue', 'magic': {**cni['magic'], 'tags': ['a']}}
    store.replace_cni(cni['id'], newer)
    assert store.cni(cni['id']) == newer


def test_put_may_move_a_cni(store):
    first, second = order(store), order(store)
    cni = store.create_cni(cni_body(first))
    store.replace_cni(cni['id'], {**cni, 'interconnect': second['name']})
    assert store.list_cnis(slot=second['slot_id'])[0]['id'] == cni['id']
    assert refused(store.replace_cni, cni['id'], {**cni, 'interconnect': 'nowhere'})[0] == 400
    assert refused(store.replace_cni, cni['id'], {**cni, 'id': '00000000-0000-4000-8000-000000000000'})[0] == 400


@pytest.mark.parametrize(
    ('p2p_ip', 'cust_ip', 'fits'),
    [
        ('10.0.0.0/31', '10.0.0.1/31', True),
        ('10.0.0.2/30', '10.0.0.1/30', True),
        ('10.0.0.1/31', '10.0.0.1/31', False),
        ('10.0.0.1/31', '10.0.0.2/31', False),
        ('10.0.0.0/30', '10.0.0.1/31', False),
        ('10.0.0.0/31', 'router', False),
        ('2001:db8::/127', '2001:db8::1/127', False),
    ],
)
def test_addresses_must_be_two_ends_of_one_prefix(store, p2p_ip, cust_ip, fits):
    cni = store.create_cni(cni_body(order(store)))
    body = {**cni, 'p2p_ip': p2p_ip, 'cust_ip': cust_ip}
    if fits:
        assert store.replace_cni(cni['id'], body) == body
    else:
        assert refused(store.replace_cni, cni['id'], body)[0] == 400


@pytest.mark.parametrize(
    'change',
    [
        {'interconnect': 'nowhere'},
        {'magic': {'conduit_name': '', 'description': '', 'mtu': 1500}},
        {'magic': {'conduit_name': 'x', 'description': '', 'mtu': 575}},
        {'magic': {'conduit_name': 'x', 'description': '', 'mtu': 1501}},
        {'bgp': {'customer_asn': 1, 'extra_prefixes': ['198.51.100.1/24']}},
        {'bgp': {'customer_asn': 1, 'extra_prefixes': ['2001:db8::/32']}},
        {'bgp': {'customer_asn': 1, 'extra_prefixes': [], 'md5_key': 'schlüssel'}},
    ],
)
def test_what_the_service_refuses_in_a_cni(store, change):
    assert refused(store.create_cni, {**cni_body(order(store)), **change})[0] == 400
    assert store.cnis == []


def test_cnis_are_filtered_by_slot_and_tunnel(store):
    first_port, second_port = order(store), order(store)
    first, second = store.create_cni(cni_body(first_port, 'one')), store.create_cni(cni_body(second_port, 'two'))
    tunnels = {tunnel['name']: tunnel['id'] for tunnel in store.tunnels}
    assert store.list_cnis() == [first, second]
    assert store.list_cnis(slot=first_port['slot_id']) == [first]
    assert store.list_cnis(tunnel_id=tunnels[second_port['name']]) == [second]
    assert store.list_cnis(slot=first_port['slot_id'], tunnel_id=tunnels[second_port['name']]) == []


# Settings


def test_null_resets_the_default_asn(store):
    assert store.change_settings({'default_asn': 65000}) == {'default_asn': 65000}
    assert store.change_settings({}) == {'default_asn': 65000}
    assert store.change_settings({'default_asn': None}) == {'default_asn': 13335}


# Tunnels


def test_a_health_check_is_merged_field_by_field(store, now):
    order(store)
    tunnel = store.list_tunnels(target_objects=False)[0]
    now[0] += 60
    body = {'health_check': {'rate': 'high'}, 'description': 'to NY1'}
    answer = store.change_tunnel(tunnel['id'], body, target_objects=False, validate_only=False)
    changed = store.tunnel(tunnel['id'], target_objects=False)
    assert answer == {'modified': True, 'modified_interconnect': changed}
    assert changed['health_check'] == {**tunnel['health_check'], 'rate': 'high'}
    assert changed['description'] == 'to NY1'
    assert changed['modified_on'] > tunnel['modified_on'] == changed['created_on']


def test_validate_only_stores_nothing(store):
    order(store)
    before = store.list_tunnels(target_objects=True)
    answer = store.change_tunnel(before[0]['id'], {'mtu': 1400}, target_objects=False, validate_only=True)
    assert (answer['modified'], answer['modified_interconnect']['mtu']) == (False, 1400)
    assert store.list_tunnels(target_objects=True) == before


def test_the_target_comes_as_text_or_as_an_object(store):
    interconnect = order(store)
    cust_ip = store.create_cni(cni_body(interconnect))['cust_ip'].partition('/')[0]
    tunnel_id = store.tunnels[0]['id']

    def target(objects):
        return store.tunnel(tunnel_id, objects)['health_check']['target']

    assert (target(False), target(True)) == (cust_ip, {'effective': cust_ip, 'saved': ''})
    store.change_tunnel(tunnel_id, {'health_check': {'target': {'saved': '192.0.2.1'}}}, True, False)
    assert (target(False), target(True)) == ('192.0.2.1', {'effective': '192.0.2.1', 'saved': '192.0.2.1'})
    store.change_tunnel(tunnel_id, {'health_check': {'target': {'saved': ''}}}, True, False)
    assert target(True) == {'effective': cust_ip, 'saved': ''}


@pytest.mark.parametrize(('target', 'objects'), [('192.0.2.1', True), ({'saved': '192.0.2.1'}, False), ('router', False)])
def test_a_target_of_the_wrong_form_is_refused(store, target, objects):
    order(store)
    body = {'health_check': {'target': target}}
    assert refused(store.change_tunnel, store.tunnels[0]['id'], body, objects, False)[0] == 400


# Seeding


def test_seeded_lists_replace_the_stored_ones(store):
    cni = store.create_cni(cni_body(order(store)))
    twins = [{**cni, 'id': f'{number:08}-0000-4000-8000-000000000000', 'new_field': number} for number in range(2)]
    store.seed({'cnis': twins})
    assert store.state()['cnis'] == twins
    assert len(store.interconnects) == 1


def test_seeded_interconnects_get_tunnels(store):
    interconnect = order(store)
    store.seed({'interconnects': [{**interconnect, 'name': '../settings'}]})
    assert [tunnel['virtual_port_reservation_id'] for tunnel in store.tunnels] == [
        interconnect['virtual_port_reservation_id'].replace('-', '')
    ]
    assert store.status('../settings') == {'state': 'Pending'}
    store.cancel('../settings')
    assert store.state()['tunnels'] == []


def test_a_seed_of_an_unknown_list_is_refused(store):
    assert refused(store.seed, {'circuits': []})[0] == 400
