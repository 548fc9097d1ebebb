# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests are held to the contract, and so are the simulator's own answers."""

from __future__ import annotations

import threading

import pytest
import requests

from contract import Contract
from process import WAIT

WEBHOOK = {'name': 'noc', 'url': 'https://noc.example.com/alerts', 'secret': 'a secret'}


def message(response):
    assert response.status_code == 400
    return response.json()['errors'][0]['message']


def test_every_operation_of_the_contract_answers_and_is_checked(simulator, api):
    slot = api.free_slot()
    name = api.order(slot, speed='10G').json()['name']
    gcp = api.order_gcp().json()['name']
    cni = api.connect(name, bgp={'customer_asn': 4294967295, 'extra_prefixes': ['198.51.100.0/24'], 'md5_key': 'a key!'}).json()
    tunnel = api.get('/magic/cf_interconnects').json()['result']['interconnects'][0]['id']
    route = {'prefix': '10.10.0.0/16', 'nexthop': '172.31.0.1', 'priority': 100}
    first = api.route(**route, description='primary', weight=1, scope={'colo_regions': ['APAC']}).json()['result']['id']
    profile = api.filter_profile(description='x').json()['result']['id']
    webhook = api.post('/alerting/v3/destinations/webhooks', json=WEBHOOK).json()['result']['id']
    simulator.seed(pagerduty=[{'id': 'b' * 32, 'name': 'on call'}])
    policy = {'name': 'tunnels', 'alert_type': 'magic_wan_tunnel_health', 'enabled': True, 'filters': {'slo': ['99.9']},
              'mechanisms': {'email': [{'id': 'noc@example.com'}], 'pagerduty': [{'id': 'b' * 32}], 'webhooks': [{'id': webhook}]}}
    policy_id = api.post('/alerting/v3/policies', json=policy).json()['result']['id']
    simulator.alert('magic_wan_tunnel_health', 'down')
    for method, path, body in (
        ('GET', '/alerting/v3/available_alerts', None),
        ('GET', '/alerting/v3/destinations/pagerduty', None),
        ('GET', '/alerting/v3/destinations/webhooks', None),
        ('GET', f'/alerting/v3/destinations/webhooks/{webhook}', None),
        ('PUT', f'/alerting/v3/destinations/webhooks/{webhook}', WEBHOOK),
        ('GET', '/alerting/v3/policies', None),
        ('GET', f'/alerting/v3/policies/{policy_id}', None),
        ('PUT', f'/alerting/v3/policies/{policy_id}', {**policy, 'description': 'x', 'alert_interval': '30m'}),
        ('GET', '/alerting/v3/history?since=2026-11-01T00:00:00Z&before=2126-11-01T00:00:00Z&page=1&per_page=5', None),
        ('DELETE', f'/alerting/v3/policies/{policy_id}', None),
        ('DELETE', f'/alerting/v3/destinations/webhooks/{webhook}', None),
        ('GET', f'{simulator.url}/user/tokens/verify', None),
        ('GET', '/cni/interconnects', None),
        ('GET', f'/cni/interconnects/{name}', None),
        ('GET', f'/cni/interconnects/{gcp}', None),
        ('GET', f'/cni/interconnects/{name}/status', None),
        ('GET', f'/cni/interconnects/{name}/loa', None),
        ('GET', f'/cni/interconnects/{name}/loa/default', None),
        ('GET', '/cni/cnis', None),
        ('GET', f'/cni/cnis/{cni["id"]}', None),
        ('PUT', f'/cni/cnis/{cni["id"]}', {**cni, 'bgp_mode': 'advertise_only'}),
        ('GET', '/cni/slots', None),
        ('GET', f'/cni/slots/{slot["id"]}', None),
        ('GET', '/cni/settings', None),
        ('PUT', '/cni/settings', {'default_asn': 0}),
        ('GET', f'/magic/cf_interconnects/{tunnel}', None),
        ('PUT', f'/magic/cf_interconnects/{tunnel}?validate_only=false', {'health_check': {'rate': 'low'}}),
        ('PUT', f'/magic/cf_interconnects/{tunnel}', {'bgp': {'customer_asn': 65001, 'import_filter_id': profile, 'md5_key': 'a key!'}}),
        ('PUT', '/magic/cf_interconnects?validate_only=false', {'interconnects': [{'id': tunnel, 'bgp': {'import_filter_id': ''}}]}),
        ('GET', '/magic/routes', None),
        ('POST', '/magic/routes?validate_only=true', {'routes': [{**route, 'nexthop': '172.31.0.3'}]}),
        ('GET', f'/magic/routes/{first}', None),
        ('PUT', f'/magic/routes/{first}?validate_only=false', {**route, 'priority': 200}),
        ('PUT', '/magic/routes?validate_only=false', {'routes': [{**route, 'id': first}]}),
        ('DELETE', f'/magic/routes/{first}', None),
        ('DELETE', '/magic/routes', None),
        ('GET', '/magic/bgp/filter_profiles', None),
        ('GET', f'/magic/bgp/filter_profiles/{profile}', None),
        ('PUT', f'/magic/bgp/filter_profiles/{profile}', {'description': ''}),
        ('DELETE', f'/magic/bgp/filter_profiles/{profile}', None),
        ('DELETE', f'/cni/cnis/{cni["id"]}', None),
        ('DELETE', f'/cni/interconnects/{name}', None),
    ):
        response = api.request(method, path, json=body)
        assert response.status_code == 200, (method, path, response.text)
    contract = Contract()
    done = {contract.route(request['method'], request['path'])[0].name for request in simulator.requests() if request['status'] == 200}
    simulator.reset(token_owner='account')
    assert api.get('/tokens/verify').status_code == 200
    assert done | {'verify_account_token'} == {operation.name for operation in contract.operations}


def test_an_answer_against_the_contract_is_the_simulators_own_fault(simulator, api):
    simulator.seed(settings={'default_asn': 'thirteen'})
    response = api.get('/cni/settings')
    assert response.status_code == 500
    assert "simulator's own fault" in response.text
    assert "'thirteen' is not of type 'integer'" in response.text


def test_without_validation_it_is_let_through(simulator, api):
    simulator.reset(no_validate=True)
    simulator.seed(settings={'default_asn': 'thirteen'})
    assert api.get('/cni/settings?unknown=1').json() == {'default_asn': 'thirteen'}


@pytest.mark.parametrize(
    ('path', 'name'),
    [
        ('/cni/slots?facility=NY1', 'facility'),
        ('/cni/slots?per_page=5', 'per_page'),
        ('/cni/slots?occupied=True', 'occupied'),
        ('/cni/slots?cursor=next', 'cursor'),
        ('/cni/slots?cursor=99999999999', 'cursor'),
        ('/cni/slots?limit=-1', 'limit'),
        ('/cni/interconnects?name=x', 'name'),
        ('/cni/cnis?conduit_name=x', 'conduit_name'),
    ],
)
def test_a_query_that_the_contract_does_not_have(api, path, name):
    response = api.get(path)
    assert response.status_code == 400
    assert name in response.text


def test_a_header_that_is_no_boolean(api):
    response = api.get('/magic/cf_interconnects', headers={'x-magic-new-hc-target': 'True'})
    assert 'x-magic-new-hc-target' in message(response)


def test_validate_only_is_not_for_orders(simulator, api):
    slot = api.free_slot()
    response = api.post('/cni/interconnects?validate_only=true', json={'account': api.account, 'type': 'direct', 'slot_id': slot['id']})
    assert 'validate_only' in message(response)
    assert simulator.state()['interconnects'] == []


def test_unknown_fields_of_a_new_object_are_named(simulator, api, direct):
    assert 'name' in message(api.order(name='mine'))
    assert 'bandwidth' in message(api.order(bandwidth='1G'))
    assert 'slot_id' in message(api.order_gcp(slot_id=direct['slot_id']))
    assert 'vlan' in message(api.connect(direct['name'], vlan=100))
    assert 'bgp_mode' in message(api.connect(direct['name'], bgp_mode='advertise_only'))
    assert 'bgp.password' in message(api.connect(direct['name'], bgp={'customer_asn': 1, 'extra_prefixes': [], 'password': 'x'}))
    assert 'asn' in message(api.put('/cni/settings', json={'asn': 1}))
    assert len(simulator.state()['interconnects']) == 1


def test_unknown_fields_of_routes_tunnels_and_profiles_are_named(simulator, api, direct):
    tunnel = simulator.state()['tunnels'][0]['id']
    route = {'prefix': '10.10.0.0/16', 'nexthop': '172.31.0.1', 'priority': 100}
    assert 'unknown field colour' in message(api.route(colour='blue'))
    assert 'unknown field scope.regions' in message(api.route(scope={'regions': []}))
    assert 'unknown field routes.1.id' in message(api.post('/magic/routes', json={'routes': [route, {**route, 'id': 'mine'}]}))
    assert 'unknown field action' in message(api.filter_profile(action='deny'))
    assert 'unknown field version' in message(api.put(f'/magic/cf_interconnects/{tunnel}', json={'version': '2'}))
    bulk = {'interconnects': [{'id': tunnel, 'bgp': {'asn': 1}}]}
    assert 'unknown field interconnects.0.bgp.asn' in message(api.put('/magic/cf_interconnects', json=bulk))
    assert simulator.state()['routes'] == simulator.state()['filter_profiles'] == []


def test_what_routes_and_profiles_need(api, direct):
    route = api.route().json()['result']
    for name in ('prefix', 'nexthop', 'priority'):
        part = {key: value for key, value in route.items() if key != name}
        body = {key: value for key, value in part.items() if key in ('prefix', 'nexthop', 'priority')}
        for response in (
            api.post('/magic/routes', json=body),
            api.post('/magic/routes', json={'routes': [body]}),
            api.put(f'/magic/routes/{route["id"]}', json=part),
            api.put('/magic/routes', json={'routes': [part]}),
        ):
            assert f"'{name}' is a required property" in message(response)
    without_id = {key: value for key, value in route.items() if key != 'id'}
    assert "'id' is a required property" in message(api.put('/magic/routes', json={'routes': [without_id]}))
    assert "'100'" in message(api.route(priority='100'))
    for name, wrong in (('name', ''), ('name', 'x' * 256), ('match_action', 'permit'), ('description', 'x' * 1025)):
        assert name in message(api.filter_profile(**{name: wrong}))


def test_a_route_keeps_fields_that_the_contract_does_not_know(api):
    route = api.route().json()['result']
    newer = {**route, 'colour': 'blue', 'scope': {'colo_names': ['den01'], 'planets': ['earth']}}
    for changed in (
        api.put(f'/magic/routes/{route["id"]}', json=newer).json()['result']['modified_route'],
        *api.put('/magic/routes', json={'routes': [newer]}).json()['result']['modified_routes'],
    ):
        assert {**changed, 'modified_on': route['modified_on']} == newer


def test_a_cni_is_replaced_whole(api, direct):
    cni = api.connect(direct['name']).json()
    for name in ('id', 'account', 'cust_ip', 'p2p_ip', 'interconnect', 'magic'):
        part = {key: value for key, value in cni.items() if key != name}
        assert name in message(api.put(f'/cni/cnis/{cni["id"]}', json=part))
    newer = {**cni, 'color': 'blue'}
    assert api.put(f'/cni/cnis/{cni["id"]}', json=newer).json() == newer == api.get(f'/cni/cnis/{cni["id"]}').json()


@pytest.mark.parametrize(
    ('bgp', 'field'),
    [
        ({'customer_asn': 4294967296, 'extra_prefixes': []}, 'customer_asn'),
        ({'customer_asn': '65000', 'extra_prefixes': []}, 'customer_asn'),
        ({'customer_asn': 65000}, 'extra_prefixes'),
        ({'customer_asn': 65000, 'extra_prefixes': [], 'md5_key': ''}, 'md5_key'),
        ({'customer_asn': 65000, 'extra_prefixes': [], 'md5_key': 'what?'}, 'md5_key'),
        ({'customer_asn': 65000, 'extra_prefixes': [], 'md5_key': 'say "x"'}, 'md5_key'),
    ],
)
def test_bgp_is_held_to_the_contract(api, direct, bgp, field):
    assert field in message(api.connect(direct['name'], bgp=bgp))


def test_bodies_that_are_none(api):
    assert 'type' in message(api.post('/cni/interconnects', json={'account': api.account}))
    assert 'type' in message(api.order(type='cloud'))
    assert '50M' in message(api.order_gcp(bandwidth='3G'))
    for body in (b'', b'{', b'[]', b'\xff'):
        assert 'not a JSON object' in message(api.put('/cni/settings', data=body, headers={'Content-Type': 'application/json'}))
    assert 'mimetype' in message(api.put('/cni/settings', data=b'{}'))


def test_two_orders_of_one_slot_at_once_have_one_winner(simulator, api):
    simulator.reset(latency=50, refusal=409)
    slot = api.free_slot()
    statuses = []
    orders = [threading.Thread(target=lambda: statuses.append(api.order(slot).status_code)) for _order in range(4)]
    for order in orders:
        order.start()
    for order in orders:
        order.join()
    assert sorted(statuses) == [200, 409, 409, 409]
    (interconnect,) = simulator.state()['interconnects']
    assert interconnect['slot_id'] == slot['id']
    posts = [request for request in simulator.requests() if request['method'] == 'POST']
    assert [request['status'] for request in posts if request['applied']] == [200]


@pytest.mark.parametrize('name', ['../settings', 'a/b', '%2F', 'a b', 'größe', '..'])
def test_an_interconnect_is_found_by_its_name_whatever_it_is(simulator, api, direct, name):
    simulator.seed(interconnects=[{**direct, 'name': name}])
    prepared = api.prepare_request(requests.Request('GET', f'{api.base}/cni/interconnects/NAME/status'))
    # Set here since requests decodes dots, and resolves them.
    prepared.url = prepared.url.replace('NAME', ''.join(f'%{byte:02X}' for byte in name.encode()))
    assert api.send(prepared, timeout=WAIT).json() == {'state': 'Pending'}
