# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The open points of the contract: each option gives the form it promises."""

from __future__ import annotations

import json

import pytest


def items(api, path, **query):
    """All items of a list and the pages they came on."""
    found, pages, cursor = [], 0, None
    while True:
        page = api.get(path, params={**query, 'cursor': cursor}).json()
        found += page['items']
        pages += 1
        cursor = page.get('next')
        if cursor is None:
            return found, pages


def test_pages_follow_one_another(simulator, api):
    simulator.reset(slots=23, page_size=10)
    found, pages = items(api, '/cni/slots')
    assert (found, pages) == (simulator.state()['slots'], 3)


def test_limit_makes_pages_smaller_and_never_larger(simulator, api):
    simulator.reset(slots=23, page_size=10)
    assert items(api, '/cni/slots', limit=6)[1] == 4
    assert len(api.get('/cni/slots?limit=20').json()['items']) == 10
    assert len(api.get('/cni/slots?limit=0').json()['items']) == 10


def test_filters_hold_over_pages(simulator, api):
    simulator.reset(page_size=3)
    found, pages = items(api, '/cni/slots', site='gru-b', occupied='false')
    assert pages > 1
    assert found == [slot for slot in simulator.state()['slots'] if slot['site'] == 'gru-b' and not slot['occupied']]


def test_interconnects_are_filtered_by_site_and_type(api, direct):
    gcp = api.order_gcp().json()
    assert api.get('/cni/interconnects?type=gcp_partner').json()['items'] == [gcp]
    assert api.get(f'/cni/interconnects?site={direct["site"]}').json()['items'] == [direct]
    assert api.get('/cni/interconnects?site=nowhere').json()['items'] == []


@pytest.mark.parametrize(('form', 'last_keys'), [('null', {'next': None}), ('absent', {}), ('zero', {'next': 0}), ('stuck', {'next': 10})])
def test_the_end_of_a_list(simulator, api, form, last_keys):
    simulator.reset(slots=15, page_size=10, last_page=form)
    assert api.get('/cni/slots').json()['next'] == 10
    page = api.get('/cni/slots?cursor=10').json()
    assert len(page.pop('items')) == 5
    assert page == last_keys


def test_wrapped_successes(simulator, api):
    simulator.reset(envelope='wrapped')
    name = api.order(simulator.state()['slots'][0]).json()['result']['name']
    page = api.get('/cni/interconnects').json()
    assert page == {'success': True, 'errors': [], 'messages': [], 'result': {'items': simulator.state()['interconnects'], 'next': None}}
    assert api.get(f'/cni/interconnects/{name}/loa').content.startswith(b'%PDF')
    assert len(api.get('/magic/cf_interconnects').json()['result']['interconnects']) == 1


@pytest.mark.parametrize(
    ('form', 'status', 'body'),
    [
        ('empty', 200, ''),
        ('object', 200, '{}'),
        ('null', 200, 'null'),
        ('envelope', 200, '{"success": true, "errors": [], "messages": [], "result": null}'),
        ('no-content', 204, ''),
        ('accepted', 202, ''),
    ],
)
def test_deletes(simulator, api, form, status, body):
    simulator.reset(deletes=form)
    name = api.order().json()['name']
    cni = api.connect(name).json()['id']
    for path in (f'/cni/cnis/{cni}', f'/cni/interconnects/{name}'):
        response = api.delete(path)
        assert (response.status_code, response.text) == (status, body)
        assert api.get(path).status_code == 404


@pytest.mark.parametrize(
    ('form', 'content_type', 'body'),
    [
        (
            'envelope',
            'application/json',
            '{"success": false, "errors": [{"code": 1404, "message": "MESSAGE"}], "messages": [], "result": null}',
        ),
        ('json', 'application/json', '{"error": "MESSAGE"}'),
        ('plain', 'text/plain; charset=utf-8', 'MESSAGE'),
        ('html', 'text/html; charset=utf-8', '<!DOCTYPE html>\n<html><body><h1>404</h1></body></html>\n'),
        ('empty', None, ''),
    ],
)
def test_errors(simulator, api, form, content_type, body):
    simulator.reset(errors=form)
    response = api.get('/cni/interconnects/nowhere')
    assert (response.status_code, response.headers.get('Content-Type')) == (404, content_type)
    assert response.text == body.replace('MESSAGE', "interconnect 'nowhere' does not exist")
    assert api.get('/magic/cf_interconnects/nowhere').json()['success'] is False


def test_refusal_and_in_use(simulator, api):
    simulator.reset(refusal=404, in_use=409)
    taken = api.free_slot()
    name = api.order(taken).json()['name']
    api.connect(name)
    assert api.order(taken).status_code == 404
    assert api.delete(f'/cni/interconnects/{name}').status_code == 409


def test_activation(simulator, api):
    simulator.reset(activate_after=0)
    name = api.order().json()['name']
    assert api.get(f'/cni/interconnects/{name}/status').json() == {'state': 'Healthy'}


def test_a_name_conflict(api, direct):
    assert api.connect(direct['name']).status_code == 200
    response = api.connect(direct['name'])
    assert (response.status_code, json.loads(response.text)['errors'][0]['message']) == (409, 'Name Conflict')


@pytest.mark.parametrize('status', [201, 202, 204])
def test_other_statuses_of_success(simulator, api, status):
    simulator.reset(created_status=status, changed_status=status)
    order = api.order()
    (interconnect,) = simulator.state()['interconnects']
    settings = api.put('/cni/settings', json={'default_asn': 65000})
    tunnel = api.put(f'/magic/cf_interconnects/{simulator.state()["tunnels"][0]["id"]}', json={'description': 'x'})
    assert [answer.status_code for answer in (order, settings, tunnel)] == [status] * 3
    if status == 204:
        assert order.content == settings.content == tunnel.content == b''
    else:
        assert (order.json(), settings.json(), tunnel.json()['success']) == (interconnect, {'default_asn': 65000}, True)
    assert api.order(api.free_slot(), speed='1T').status_code == 400
    assert api.get('/cni/settings').status_code == 200


def test_a_put_that_answers_with_the_state_before(simulator, api):
    simulator.reset(stale_puts=True)
    cni = api.connect(api.order().json()['name']).json()
    newer = {**cni, 'magic': {**cni['magic'], 'mtu': 1400}}
    assert api.put(f'/cni/cnis/{cni["id"]}', json=newer).json() == cni
    assert api.get(f'/cni/cnis/{cni["id"]}').json() == newer
    assert api.put('/cni/settings', json={'default_asn': 65000}).json() == {'default_asn': 13335}
    assert api.get('/cni/settings').json() == {'default_asn': 65000}


def test_a_put_of_a_health_check_that_answers_with_the_state_before(simulator, api, direct):
    simulator.reset(stale_puts=True)
    simulator.seed(interconnects=[direct])
    (before,) = api.get('/magic/cf_interconnects').json()['result']['interconnects']
    answer = api.put(f'/magic/cf_interconnects/{before["id"]}', json={'health_check': {'rate': 'low'}}).json()
    assert answer['result'] == {'modified': True, 'modified_interconnect': before}
    (after,) = api.get('/magic/cf_interconnects').json()['result']['interconnects']
    assert after['health_check'] == {**before['health_check'], 'rate': 'low'}


def test_lists_that_lag_behind(simulator, api):
    simulator.reset(stale_lists=2)
    slot = api.free_slot()
    interconnect = api.order(slot).json()
    cni = api.connect(interconnect['name']).json()
    assert api.get(f'/cni/interconnects/{interconnect["name"]}').json() == interconnect
    assert api.get(f'/cni/cnis/{cni["id"]}').json() == cni
    assert api.get(f'/cni/slots/{slot["id"]}').json()['account'] == api.account
    assert len(api.get('/magic/cf_interconnects').json()['result']['interconnects']) == 1
    for path, made in (('/cni/interconnects', interconnect), ('/cni/cnis', cni)):
        assert [api.get(path).json()['items'] for _read in range(4)] == [[], [], [made], [made]]
    api.order_gcp()
    assert api.get('/cni/interconnects').json()['items'] == [interconnect]
    api.delete(f'/cni/cnis/{cni["id"]}')
    assert api.get('/cni/cnis').json()['items'] == []


@pytest.mark.parametrize(('form', 'one_in_list', 'several_in_list'), [
    ('asked', False, True), ('route', False, False), ('routes', True, True),
])
def test_answers_to_a_new_route(simulator, api, form, one_in_list, several_in_list):
    simulator.reset(route_answers=form)
    answers = [api.route(), api.post('/magic/routes', json={'routes': [{'prefix': '10.20.0.0/16', 'nexthop': '10.0.0.1', 'priority': 1}]})]
    stored = simulator.state()['routes']
    assert [answer.json()['result'] for answer in answers] == [
        {'routes': [route]} if in_list else route for route, in_list in zip(stored, (one_in_list, several_in_list), strict=True)
    ]


def test_routes_and_profiles_that_lists_show_late(simulator, api):
    simulator.reset(stale_lists=2)
    route, profile = api.route().json()['result'], api.filter_profile().json()['result']
    assert api.get(f'/magic/routes/{route["id"]}').json()['result']['route'] == route
    assert [api.get('/magic/routes').json()['result']['routes'] for _read in range(3)] == [[], [], [route]]
    assert [api.get('/magic/bgp/filter_profiles').json()['result'] for _read in range(3)] == [[], [], [profile]]


def test_puts_of_routes_and_profiles_that_answer_with_the_state_before(simulator, api):
    simulator.reset(stale_puts=True)
    first, second = (api.route(nexthop=nexthop).json()['result'] for nexthop in ('10.0.0.1', '10.0.0.3'))
    answer = api.put(f'/magic/routes/{first["id"]}', json={**first, 'priority': 5}).json()
    assert answer['result'] == {'modified': True, 'modified_route': first}
    (before,) = (route for route in simulator.state()['routes'] if route['id'] == first['id'])
    answer = api.put('/magic/routes', json={'routes': [{**first, 'priority': 7}]}).json()
    assert answer['result'] == {'modified': True, 'modified_routes': [before]}
    assert [route['priority'] for route in simulator.state()['routes']] == [7, second['priority']]
    profile = api.filter_profile().json()['result']
    assert api.put(f'/magic/bgp/filter_profiles/{profile["id"]}', json={'match_action': 'deny'}).json()['result'] == profile
    assert simulator.state()['filter_profiles'][0]['match_action'] == 'deny'


def test_a_put_of_several_tunnels(simulator, api, direct):
    simulator.reset()
    for _order in range(2):
        api.order()
    before = api.get('/magic/cf_interconnects').json()['result']['interconnects']
    rows = [{'id': tunnel['id'], 'health_check': {'rate': 'low'}} for tunnel in before]
    for path, modified in (('/magic/cf_interconnects?validate_only=true', False), ('/magic/cf_interconnects', True)):
        answer = api.put(path, json={'interconnects': rows}).json()['result']
        assert answer['modified'] is modified
        assert [tunnel['health_check']['rate'] for tunnel in answer['modified_interconnects']] == ['low', 'low']
        applied = [request['applied'] for request in simulator.requests() if request['method'] == 'PUT']
        assert applied[-1] is modified


def test_errors_with_details(simulator, api, direct):
    simulator.reset(error_details=True)
    documentation = {'documentation_url': 'https://developers.cloudflare.com/api/'}
    for response, pointer in (
        (api.route(weight=257), '/weight'),
        (api.route(priority='1'), '/priority'),
        (api.filter_profile(targets=['10.0.0.0/8', 5]), '/targets/1'),
        (api.connect('nowhere'), None),
    ):
        (error,) = response.json()['errors']
        source = {'source': {'pointer': pointer}} if pointer else {}
        assert {key: value for key, value in error.items() if key not in ('code', 'message')} == {**documentation, **source}


def test_a_list_that_lags_behind_does_so_on_all_its_pages(simulator, api):
    simulator.reset(stale_lists=1, page_size=2)
    orders = [api.order() for _order in range(3)]
    assert items(api, '/cni/interconnects') == ([], 1)
    api.order()
    assert items(api, '/cni/interconnects') == ([order.json() for order in orders], 2)
    assert items(api, '/cni/interconnects') == (simulator.state()['interconnects'], 2)


def test_a_status_and_a_tunnel_that_come_late(simulator, api):
    simulator.reset(late_status=2, late_tunnels=1)
    first, second = (api.order().json()['name'] for _order in range(2))
    statuses = [api.get(f'/cni/interconnects/{name}/status').status_code for name in (first, first, second, first, second, second)]
    assert statuses == [404, 404, 404, 200, 404, 200]
    names = [[tunnel['name'] for tunnel in api.get('/magic/cf_interconnects').json()['result']['interconnects']] for _read in range(2)]
    assert names == [[], [first, second]]
    assert [tunnel['name'] for tunnel in simulator.state()['tunnels']] == [first, second]
