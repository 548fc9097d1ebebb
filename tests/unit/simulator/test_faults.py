# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each kind of fault does to a request what it promises, once, and tells whether the service saw the request."""

from __future__ import annotations

import pytest
import requests


def orders(simulator):
    return [(request['status'], request['applied']) for request in simulator.requests() if request['method'] == 'POST']


@pytest.mark.parametrize(
    ('kind', 'applied', 'raised'),
    [
        ('drop_before', False, requests.ConnectionError),
        ('drop_after', True, requests.ConnectionError),
        ('hang_before', False, requests.Timeout),
        ('hang_after', True, requests.Timeout),
    ],
)
def test_no_answer(simulator, api, kind, applied, raised):
    slot = api.free_slot()
    body = {'account': api.account, 'type': 'direct', 'slot_id': slot['id']}
    simulator.fault(kind, method='POST', path='/cni/interconnects$')
    with pytest.raises(raised):
        api.post('/cni/interconnects', json=body, timeout=0.3)
    assert orders(simulator) == [(None, applied)]
    assert len(simulator.state()['interconnects']) == applied
    assert api.post('/cni/interconnects', json=body).status_code == (400 if applied else 200)


@pytest.mark.parametrize(
    ('fault', 'applied', 'status', 'content_type', 'body'),
    [
        ({'kind': 'status'}, False, 500, 'application/json', '"code": 500'),
        (
            {'kind': 'status', 'status': 503, 'body': {'busy': True}, 'headers': {'Retry-After': '7'}},
            False,
            503,
            'application/json',
            '{"busy": true}',
        ),
        ({'kind': 'status', 'status': 500, 'applied': True}, True, 500, 'application/json', 'injected fault'),
        ({'kind': 'html'}, False, 502, 'text/html', '<h1>502 Bad gateway</h1>'),
        ({'kind': 'html', 'status': 200, 'body': '<p>Log in</p>'}, False, 200, 'text/html', '<p>Log in</p>'),
        ({'kind': 'empty'}, True, 200, None, ''),
    ],
)
def test_another_answer(simulator, api, fault, applied, status, content_type, body):
    slot = api.free_slot()
    simulator.fault(**fault, method='POST')
    response = api.order(slot)
    assert (response.status_code, response.headers.get('Content-Type')) == (status, content_type)
    assert body in response.text
    assert bool(response.text) == bool(body)
    assert response.headers.get('Retry-After') == fault.get('headers', {}).get('Retry-After')
    assert orders(simulator) == [(status, applied)]


def test_half_an_answer(simulator, api):
    slot = api.free_slot()
    simulator.fault('truncate')
    response = api.order(slot)
    assert response.text.startswith('{"name"')
    with pytest.raises(requests.JSONDecodeError):
        response.json()
    assert orders(simulator) == [(200, True)]


def test_a_redirect_to_the_same_place_and_to_another(simulator, api):
    simulator.fault('redirect')
    simulator.fault('redirect', status=302, headers={'Location': 'http://198.51.100.1/'})
    first, second = (api.get('/cni/settings', allow_redirects=False) for _request in range(2))
    assert (first.status_code, first.headers['Location']) == (
        307,
        f'{api.base}/cni/settings'.removeprefix(api.base.partition('/client')[0]),
    )
    assert (second.status_code, second.headers['Location']) == (302, 'http://198.51.100.1/')


def test_a_slow_answer_is_applied_before_the_client_gives_up(simulator, api):
    slot = api.free_slot()
    simulator.fault('slow', delay=60_000)
    with pytest.raises(requests.Timeout):
        api.post('/cni/interconnects', json={'account': api.account, 'type': 'direct', 'slot_id': slot['id']}, timeout=0.3)
    assert simulator.state()['interconnects'][0]['slot_id'] == slot['id']


def test_a_slow_answer_comes(simulator, api):
    simulator.fault('slow', delay=100)
    response = api.get('/cni/settings')
    assert response.json() == {'default_asn': 13335}
    assert response.elapsed.total_seconds() >= 0.1


def test_after_and_times_choose_the_requests(simulator, api):
    simulator.fault('status', path='settings', after=1, times=2)
    statuses = [api.get('/cni/settings').status_code for _request in range(5)]
    assert statuses == [200, 500, 500, 200, 200]


def test_times_null_is_for_ever_and_a_reset_ends_it(simulator, api):
    simulator.fault('status', times=None)
    assert [api.get('/cni/settings').status_code for _request in range(3)] == [500, 500, 500]
    simulator.reset()
    assert api.get('/cni/settings').status_code == 200


def test_method_and_path_choose_the_requests(simulator, api):
    simulator.fault('status', method='PUT', path=r'/cni/(settings|cnis)$', times=None)
    assert api.get('/cni/settings').status_code == 200
    assert api.put('/magic/cf_interconnects/x', json={}).status_code == 404
    assert api.put('/cni/settings', json={}).status_code == 500


@pytest.mark.parametrize('row', [{'kind': 'explode'}, {'kind': 'status', 'path': '('}, {'kind': 'status', 'when': 'now'}])
def test_a_fault_that_makes_no_sense_is_refused(simulator, api, row):
    with pytest.raises(RuntimeError):
        simulator.fault(**row)
    assert api.get('/cni/settings').status_code == 200
