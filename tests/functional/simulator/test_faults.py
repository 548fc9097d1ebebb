# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each kind of fault does to a request what it promises, once, and tells whether the service saw the request."""

from __future__ import annotations

import contextlib
import email.utils
import socket
import time

import pytest
import requests

from process import WAIT


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


def test_routes_and_profiles_meet_faults_too(simulator, api):
    simulator.fault('drop_after', method='POST', path='/magic/routes$')
    simulator.fault('status', method='PUT', path='/magic/bgp/filter_profiles/', status=503)
    with pytest.raises(requests.ConnectionError):
        api.route()
    profile = api.filter_profile().json()['result']
    assert api.put(f'/magic/bgp/filter_profiles/{profile["id"]}', json={'match_action': 'deny'}).status_code == 503
    assert [(request['status'], request['applied']) for request in simulator.requests()] == [(None, True), (200, True), (503, False)]
    state = simulator.state()
    assert (len(state['routes']), state['filter_profiles']) == (1, [profile])


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
        ({'kind': 'html', 'status': 524, 'applied': True}, True, 524, 'text/html', '<title>524 A timeout occurred</title>'),
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


@pytest.mark.parametrize('status', range(520, 528))
def test_the_edge_has_a_page_for_each_of_its_failures(simulator, api, status):
    simulator.fault('html', status=status)
    response = api.get('/cni/settings')
    assert response.status_code == status
    assert f'<title>{status} ' in response.text
    assert 'Bad gateway' not in response.text


@pytest.mark.parametrize(('kind', 'status'), [('status', 429), ('html', 503)])
def test_a_date_after_which_to_try_again(simulator, api, kind, status):
    simulator.fault(kind, status=status, retry_at=3600)
    before = time.time()
    response = api.get('/cni/settings')
    date = response.headers['Retry-After']
    assert date.endswith(' GMT')
    assert before + 3600 <= email.utils.parsedate_to_datetime(date).timestamp() <= time.time() + 3601


@contextlib.contextmanager
def settings_request(simulator, api):
    """A socket that has asked for the settings."""
    host, port = simulator.url.split('/')[2].split(':')
    path = f'{api.base}/cni/settings'.split(port, 1)[1]
    with socket.create_connection((host, int(port)), timeout=WAIT) as client:
        client.sendall(f'GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {simulator.token}\r\n\r\n'.encode())
        yield client


def test_the_head_of_an_answer_comes_at_once_or_drips(simulator, api):
    for kind in ('drip', 'drip_head'):
        simulator.fault(kind, size=7, delay=60_000)
    with settings_request(simulator, api) as client:
        head = client.recv(65536)
    assert head.startswith(b'HTTP/1.1 200 OK\r\n')
    assert b'\r\ncf-ray: ' in head
    assert head.endswith(b'\r\n\r\n')
    with settings_request(simulator, api) as client:
        assert client.recv(65536) == b'HTTP/1.'


@pytest.mark.parametrize(('kind', 'least'), [('drip', 6), ('drip_head', 12)])
def test_what_drips_takes_its_time_and_is_whole(simulator, api, kind, least):
    simulator.fault(kind, size=4, delay=20)
    started = time.monotonic()
    with settings_request(simulator, api) as client:
        answer = b''.join(iter(lambda: client.recv(65536), b''))
    assert time.monotonic() - started >= least * 0.02
    assert answer.startswith(b'HTTP/1.1 200 OK\r\n')
    assert answer.endswith(b'\r\n\r\n{"default_asn": 13335}')


@pytest.mark.parametrize('kind', ['drip', 'drip_head'])
def test_a_client_that_waits_has_all_that_dripped_and_what_it_asked_for_is_done(simulator, api, kind):
    slot = api.free_slot()
    simulator.fault(kind, method='POST', size=50, delay=1)
    order = api.order(slot)
    assert [order.json()] == simulator.state()['interconnects']
    assert orders(simulator) == [(200, True)]
    assert api.get('/cni/settings').status_code == 200


def test_after_and_times_choose_the_requests(simulator, api):
    simulator.fault('status', path='settings', after=1, times=2)
    statuses = [api.get('/cni/settings').status_code for _request in range(5)]
    assert statuses == [200, 500, 500, 200, 200]


@pytest.mark.parametrize('end', ['reset', 'end_faults'])
def test_times_null_is_until_faults_are_ended_or_forgotten(simulator, api, direct, end):
    simulator.fault('status', times=None)
    assert [api.get('/cni/settings').status_code for _request in range(3)] == [500, 500, 500]
    getattr(simulator, end)()
    assert api.get('/cni/settings').status_code == 200
    assert simulator.state()['interconnects'] == ([direct] if end == 'end_faults' else [])


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
