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


@pytest.mark.parametrize(('form', 'rest'), [('null', {'next': None}), ('absent', {}), ('zero', {'next': 0}), ('stuck', {'next': 10})])
def test_the_end_of_a_list(simulator, api, form, rest):
    simulator.reset(slots=15, page_size=10, last_page=form)
    assert api.get('/cni/slots').json()['next'] == 10
    page = api.get('/cni/slots?cursor=10').json()
    assert len(page.pop('items')) == 5
    assert page == rest


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
