# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules for tunnels, static routes and BGP filter profiles, without HTTP. Time is a list of one number."""

from __future__ import annotations

import pytest

from rules import Refusal
from store import Store

ACCOUNT = 'a' * 32
ROUTE = {'prefix': '10.10.0.0/16', 'nexthop': '172.31.0.1', 'priority': 100}
PROFILE = {'name': 'on-premises', 'match_action': 'allow', 'targets': ['10.0.0.0/8{8,24}']}


def account(now=None, **rules):
    """A store with two direct interconnects, and a CNI on the first."""
    store = Store(ACCOUNT, clock=lambda: now[0] if now else 0, **rules)
    ports = [store.order({'account': ACCOUNT, 'type': 'direct', 'slot_id': slot['id']}) for slot in store.list_slots(occupied=False)[:2]]
    magic = {'conduit_name': 'nyc-1', 'description': '', 'mtu': 1500}
    store.create_cni({'account': ACCOUNT, 'interconnect': ports[0]['name'], 'magic': magic})
    return store


def put(store, body, number=0, **arguments):
    """The answer to a PUT of a tunnel, targets being strings."""
    return store.change_tunnel(store.tunnels[number]['id'], body, **{'target_objects': False, 'validate_only': False, **arguments})


def check_of(store):
    return store.tunnels[0]['health_check']


def refused(call, *args):
    with pytest.raises(Refusal) as caught:
        call(*args)
    return caught.value.status, caught.value.field


# Tunnels


def test_a_new_tunnel_has_the_version_and_the_address_of_its_cni():
    store = account(tunnel_version='1.5')
    shown = store.list_tunnels(target_objects=False)
    assert [(tunnel['version'], tunnel.get('interface_address')) for tunnel in shown] == [('1.5', '172.31.0.0/31'), ('1.5', None)]


def test_an_address_that_is_saved_is_shown_and_leaves_the_cni_alone():
    store = account()
    cnis = [dict(cni) for cni in store.cnis]
    answer = put(store, {'interface_address': '10.0.0.0/30', 'interface_address6': '2001:db8::/127'})
    assert answer['modified_interconnect']['interface_address'] == '10.0.0.0/30'
    assert store.cnis == cnis


@pytest.mark.parametrize(('version', 'body', 'field'), [
    ('1.5', {'interface_address': '10.0.0.0/30'}, 'interface_address'),
    ('2', {'interface_address': '10.0.0.0/29'}, 'interface_address'),
    ('2', {'interface_address': 'router'}, 'interface_address'),
    ('2', {'interface_address6': '2001:db8::/126'}, 'interface_address6'),
    ('2', {'interface_address6': '10.0.0.0/31'}, 'interface_address6'),
    ('1.5', {'gre': {'cloudflare_endpoint': '192.0.2.1'}}, 'gre'),
    ('1.5', {'bgp': {'customer_endpoint': '10.0.0.1'}}, 'bgp.customer_endpoint'),
    ('1', {'automatic_return_routing': True}, 'automatic_return_routing'),
    ('1', {'bgp': {'import_filter_id': 'f' * 32}}, 'bgp.import_filter_id'),
    ('1', {'bgp': {'extra_prefixes': ['10.0.0.1/8']}}, 'bgp.extra_prefixes'),
    ('1', {'bgp': {'md5_key': 'schlüssel'}}, 'bgp.md5_key'),
])
def test_what_is_refused_in_a_tunnel(version, body, field):
    store = account(tunnel_version=version)
    before = dict(store.tunnels[0])
    assert refused(put, store, body) == (400, field)
    assert store.tunnels[0] == before


def test_other_versions_and_accounts_may_have_it():
    store = account(coupler_integration=True)
    body = {'gre': {'cloudflare_endpoint': '192.0.2.1'}, 'automatic_return_routing': True, 'bgp': {'customer_endpoint': '10.0.0.1'}}
    assert put(store, body)['modified']
    assert {name: store.tunnels[0][name] for name in body} == body


def test_no_two_tunnels_have_one_name():
    store = account()
    assert refused(put, store, {'name': store.tunnels[1]['name']}) == (400, 'name')
    assert not put(store, {'name': store.tunnels[0]['name']})['modified']


BIDIRECTIONAL = {'health_check': {'direction': 'bidirectional', 'source': '169.254.240.1'}}


def test_the_source_lives_and_ends_with_bidirectional():
    store = account(tunnel_version='1.5')
    assert refused(put, store, {'health_check': {'direction': 'bidirectional'}}) == (400, 'health_check.source')
    put(store, BIDIRECTIONAL)
    put(store, {'health_check': {'rate': 'high'}})
    assert check_of(store)['source'] == '169.254.240.1'
    put(store, {'health_check': {'direction': 'unidirectional'}})
    assert 'source' not in check_of(store)


@pytest.mark.parametrize(('version', 'check'), [
    ('1', BIDIRECTIONAL['health_check']),
    ('2', BIDIRECTIONAL['health_check']),
    ('1.5', {'source': '10.0.0.1'}),
    ('1.5', {'direction': 'unidirectional', 'source': '10.0.0.1'}),
    *(('1.5', {'direction': 'bidirectional', 'source': source}) for source in ('172.32.0.1', '169.254.239.255', '198.41.200.0', 'x', '')),
])
def test_a_source_that_is_out_of_place(version, check):
    store = account(tunnel_version=version)
    assert refused(put, store, {'health_check': check}) == (400, 'health_check.source')


@pytest.mark.parametrize('source', ['10.0.0.1', '172.31.255.254', '192.168.0.1', '169.254.255.255', '198.41.199.224', '198.41.199.255'])
def test_where_a_source_may_be_from(source):
    store = account(tunnel_version='1.5')
    assert put(store, {'health_check': {'direction': 'bidirectional', 'source': source}})['modified']


def test_other_versions_need_no_source():
    store = account()
    assert put(store, {'health_check': {'direction': 'bidirectional'}})['modified']


def test_several_tunnels_change_or_none():
    store = account()
    ids = [tunnel['id'] for tunnel in store.tunnels]
    rows = [{'id': id, 'health_check': {'rate': 'low'}} for id in ids]
    wrong = [rows[0], {'id': ids[1], 'bgp': {'md5_key': 'ü'}}]
    assert refused(store.change_tunnels, wrong, False, False) == (400, 'bgp.md5_key')
    assert refused(store.change_tunnels, [rows[0], {'id': 'nobody'}], False, False)[0] == 404
    answer = store.change_tunnels(rows, target_objects=False, validate_only=True)
    assert [tunnel['health_check']['rate'] for tunnel in answer['modified_interconnects']] == ['low', 'low']
    assert (answer['modified'], {tunnel['health_check']['rate'] for tunnel in store.tunnels}) == (False, {'mid'})
    answer = store.change_tunnels(rows, target_objects=False, validate_only=False)
    assert answer == {'modified': True, 'modified_interconnects': store.list_tunnels(target_objects=False)}
    assert {tunnel['health_check']['rate'] for tunnel in store.tunnels} == {'low'}


def test_half_of_several_is_done():
    store = account(bulk_puts='half')
    rows = [{'id': tunnel['id'], 'mtu': 1400} for tunnel in store.tunnels]
    assert len(store.change_tunnels(rows, target_objects=False, validate_only=False)['modified_interconnects']) == 1
    assert [tunnel['mtu'] for tunnel in store.tunnels] == [1400, 1500]
    put(store, {'mtu': 1300}, number=1)
    assert store.tunnels[1]['mtu'] == 1300


# Static routes


def test_a_route_is_stored_as_sent():
    now = [0.0]
    store = account(now)
    body = {**ROUTE, 'description': 'primary', 'weight': 256, 'scope': {'colo_names': ['den01'], 'colo_regions': ['APAC']}}
    (route,) = store.create_routes([body], validate_only=False)
    assert (store.routes, store.route(route['id'])) == ([route], route)
    assert route == {**body, 'id': route['id'], 'created_on': '1970-01-01T00:00:00Z', 'modified_on': '1970-01-01T00:00:00Z'}
    now[0] = 60
    answer = store.change_route(route['id'], {**ROUTE, 'priority': 200, 'newer': 1}, validate_only=False)
    changed = {'priority': 200, 'newer': 1, 'modified_on': '1970-01-01T00:01:00Z'}
    assert answer == {'modified': True, 'modified_route': {**body, 'id': route['id'], 'created_on': '1970-01-01T00:00:00Z', **changed}}
    assert not store.change_route(route['id'], {**ROUTE, 'priority': 200}, validate_only=False)['modified']
    assert store.delete_route(route['id']) == {'deleted': True, 'deleted_route': answer['modified_route']}
    assert store.routes == []


def test_what_a_put_leaves_out_is_gone_by_option():
    store = account(route_puts='replace')
    (route,) = store.create_routes([{**ROUTE, 'weight': 10, 'description': 'x'}], validate_only=False)
    answer = store.change_route(route['id'], {**ROUTE, 'id': 'another', 'created_on': 'never'}, validate_only=False)
    assert answer['modified_route'] == {**ROUTE, **{name: route[name] for name in ('id', 'created_on', 'modified_on')}}


def test_validate_only_stores_no_route():
    store = account()
    (made,) = store.create_routes([ROUTE], validate_only=True)
    assert (store.routes, made['prefix']) == ([], ROUTE['prefix'])
    (route,) = store.create_routes([ROUTE], validate_only=False)
    answer = store.change_route(route['id'], {**ROUTE, 'priority': 5}, validate_only=True)
    assert (answer['modified'], answer['modified_route']['priority'], store.routes[0]['priority']) == (False, 5, 100)
    assert refused(store.create_routes, [{**ROUTE, 'weight': 257}], True) == (400, 'weight')


@pytest.mark.parametrize(('change', 'field'), [
    ({'prefix': '10.10.0.1/16'}, 'prefix'),
    ({'prefix': '2001:db8::/32'}, 'prefix'),
    ({'prefix': '198.51.100.0/24'}, 'prefix'),
    ({'nexthop': '172.31.0.1/31'}, 'nexthop'),
    ({'nexthop': '172.31.0.0'}, 'nexthop'),
    ({'priority': -1}, 'priority'),
    ({'weight': 0}, 'weight'),
    ({'weight': 257}, 'weight'),
])
def test_what_is_refused_in_a_route(change, field):
    store = account(next_hops='tunnels', route_prefixes='private')
    (route,) = store.create_routes([ROUTE], validate_only=False)
    later = {**ROUTE, 'prefix': '10.20.0.0/16'}
    assert refused(store.create_routes, [later, {**ROUTE, **change}], False) == (400, field)
    assert refused(store.change_route, route['id'], {**ROUTE, **change}, False) == (400, field)
    assert store.routes == [route]


def test_without_these_options_a_route_may_lead_anywhere():
    store = account()
    assert store.create_routes([{**ROUTE, 'prefix': '198.51.100.0/24', 'nexthop': '192.0.2.1'}], validate_only=False)


SCOPED = [{'colo_regions': ['APAC']}, {'colo_regions': ['WNAM', 'ENAM']}, {'colo_regions': ['ENAM', 'WNAM'], 'colo_names': []}]


@pytest.mark.parametrize(('key', 'stored'), [('none', 4), ('scope', 3), ('nexthop', 1)])
def test_what_no_two_routes_have_in_common(key, stored):
    store = account(route_key=key, refusal=409)
    for scope in ({}, *SCOPED):
        try:
            store.create_routes([{**ROUTE, 'scope': scope, 'priority': len(store.routes)}], validate_only=False)
        except Refusal as refusal:
            assert (refusal.status, 'already' in refusal.message) == (409, True)
    assert len(store.routes) == stored
    assert store.create_routes([{**ROUTE, 'nexthop': '172.31.0.3'}], validate_only=False)


def test_a_post_of_several_routes_is_done_or_not():
    store = account()
    assert refused(store.create_routes, [ROUTE, ROUTE], False)[0] == 400
    assert store.routes == []


def test_several_routes_change_places():
    store = account()
    first, second = store.create_routes([ROUTE, {**ROUTE, 'nexthop': '172.31.0.3'}], validate_only=False)
    rows = [{**ROUTE, 'id': first['id'], 'nexthop': second['nexthop']}, {**ROUTE, 'id': second['id'], 'nexthop': first['nexthop']}]
    assert refused(store.change_routes, rows[:1], False)[0] == 400
    answer = store.change_routes(rows, validate_only=False)
    assert answer == {'modified': True, 'modified_routes': store.routes}
    assert [route['nexthop'] for route in store.routes] == ['172.31.0.3', '172.31.0.1']


def test_to_empty_the_table_takes_every_route():
    store = account()
    routes = store.create_routes([ROUTE, {**ROUTE, 'prefix': '10.20.0.0/16'}], validate_only=False)
    assert store.empty_routes() == {'deleted': True, 'deleted_routes': routes}
    assert store.empty_routes() == {'deleted': False, 'deleted_routes': []}


def test_a_cni_that_routes_point_to_stays_by_option():
    for store in (account(keep_routed_cnis=True, in_use=409), account()):
        store.create_routes([ROUTE], validate_only=False)
        if store.rules.keep_routed_cnis:
            assert refused(store.delete_cni, store.cnis[0]['id'])[0] == 409
            store.empty_routes()
        store.delete_cni(store.cnis[0]['id'])
        assert store.cnis == []


# BGP filter profiles


def test_a_profile_is_merged_field_by_field():
    store = account()
    profile = store.create_filter_profile(PROFILE)
    assert profile == {**PROFILE, 'description': '', **{name: profile[name] for name in ('id', 'created_on', 'modified_on')}}
    assert store.change_filter_profile(profile['id'], {'match_action': 'deny'})['targets'] == PROFILE['targets']
    assert store.filter_profiles == [store.filter_profile(profile['id'])]
    assert store.filter_profiles[0]['match_action'] == 'deny'
    assert store.delete_filter_profile(profile['id'])['name'] == 'on-premises'
    assert store.filter_profiles == []


@pytest.mark.parametrize(('target', 'fits'), [
    ('10.0.0.0/8', True),
    ('10.0.0.0/8+', True),
    ('10.0.0.0/8{8}', True),
    ('10.0.0.0/8{8,32}', True),
    ('2001:db8::/32{48,128}', True),
    ('10.0.0.0/32+', True),
    ('10.0.0.0/8{7,32}', False),
    ('10.0.0.0/8{24,16}', False),
    ('10.0.0.0/8{8,33}', False),
    ('10.0.0.0/8{8,}', False),
    ('10.0.0.0/8 +', False),
    ('10.0.0.1/8', False),
    ('10.0.0.0', False),
])
def test_targets(target, fits):
    store = account()
    body = {**PROFILE, 'targets': ['192.168.0.0/16', target]}
    if fits:
        assert store.create_filter_profile(body)['targets'] == body['targets']
    else:
        assert refused(store.create_filter_profile, body) == (400, 'targets')
        profile = store.create_filter_profile(PROFILE)
        assert refused(store.change_filter_profile, profile['id'], {'targets': [target]}) == (400, 'targets')


def test_a_tunnel_names_its_filters_until_it_is_told_not_to():
    store = account(in_use=409)
    profile = store.create_filter_profile(PROFILE)['id']
    put(store, {'bgp': {'import_filter_id': profile, 'export_filter_id': profile, 'customer_asn': 65001}})
    put(store, {'bgp': {'import_filter_id': ''}})
    assert store.tunnels[0]['bgp'] == {'export_filter_id': profile, 'customer_asn': 65001}
    assert refused(store.delete_filter_profile, profile)[0] == 409
    put(store, {'bgp': {'export_filter_id': ''}})
    assert store.delete_filter_profile(profile)['id'] == profile


def test_a_used_profile_goes_by_option_and_its_tunnels_lose_it():
    store = account(delete_used_profiles=True)
    profile, other = (store.create_filter_profile(PROFILE)['id'] for _profile in range(2))
    put(store, {'bgp': {'import_filter_id': profile, 'export_filter_id': other}})
    store.delete_filter_profile(profile)
    assert store.tunnels[0]['bgp'] == {'export_filter_id': other}
