# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateway's answers, as the table of public facts has them: they are enveloped whatever the service's errors look like."""

from __future__ import annotations

import pytest


def answer(response):
    return response.status_code, [error['code'] for error in response.json()['errors']]


@pytest.mark.parametrize(
    ('headers', 'expected'),
    [
        ({}, (400, [9106])),
        ({'X-Auth-Email': 'engineer@example.com'}, (400, [9106])),
        ({'Authorization': 'Bearer two words'}, (400, [6003])),
        ({'Authorization': 'simulator-token'}, (400, [6003])),
        ({'Authorization': 'Bearer wrong'}, (403, [10000])),
        ({'X-Auth-Email': 'engineer@example.com', 'X-Auth-Key': 'wrong'}, (403, [10000])),
    ],
)
def test_bad_credentials(simulator, api, headers, expected):
    simulator.reset(errors='html')
    del api.headers['Authorization']
    assert answer(api.get('/cni/settings', headers=headers)) == expected


def test_a_malformed_token_names_the_header(api):
    error = api.get('/cni/settings', headers={'Authorization': 'Bearer'}).json()['errors'][0]
    assert error['error_chain'] == [{'code': 6111, 'message': 'Invalid format for Authorization header'}]


def test_an_api_key_does_as_well(api):
    del api.headers['Authorization']
    headers = {'X-Auth-Email': 'engineer@example.com', 'X-Auth-Key': 'simulator-api-key'}
    assert api.put('/cni/settings', json={'default_asn': 65000}, headers=headers).json() == {'default_asn': 65000}


def test_a_read_only_token_reads_and_does_not_write(simulator, api):
    api.headers['Authorization'] = 'Bearer read-only-token'
    assert api.get('/cni/settings').status_code == 200
    for method, path in (('PUT', '/cni/settings'), ('POST', '/cni/cnis'), ('DELETE', '/cni/interconnects/x'), ('DELETE', '/magic/routes')):
        assert answer(api.request(method, path, json={})) == (403, [10000])
    assert not any(request['applied'] for request in simulator.requests())


@pytest.mark.parametrize(
    'path',
    [
        '/cni/ports',
        '/cni/slots/not-a-uuid',
        '/cni/cnis/1',
        '/cni/interconnects/',
        *(f'/magic/{kind}/{"a" * 33}' for kind in ('cf_interconnects', 'routes', 'bgp/filter_profiles')),
    ],
)
def test_an_unknown_route_or_a_malformed_id(api, path):
    assert answer(api.get(path)) == (404, [7003, 7000])


def test_an_unknown_method_of_a_known_path(api):
    assert answer(api.delete('/cni/settings')) == (404, [7003, 7000])


def test_another_account_and_a_malformed_one(simulator, api):
    assert answer(api.get(f'{simulator.url}/accounts/{"b" * 32}/cni/settings')) == (403, [10000])
    assert answer(api.get(f'{simulator.url}/accounts/mine/cni/settings')) == (404, [7003, 7000])


def test_an_account_that_is_not_entitled(simulator, api):
    simulator.reset(not_entitled=True)
    status, codes = answer(api.get('/cni/slots'))
    assert status == 403
    assert 10000 not in codes
    assert 'not entitled' in api.get('/cni/slots').text
    assert api.get('/magic/cf_interconnects').status_code == 200


def test_every_answer_has_its_own_ray(api):
    rays = [response.headers['cf-ray'] for response in (api.get('/cni/settings'), api.get('/cni/nothing'), api.get('/cni/settings'))]
    assert len(set(rays)) == 3


def test_the_rate_limit_on_the_wire(simulator, api):
    simulator.reset(rate_limit='2/30')
    first, second, third, fourth = (api.get('/cni/settings') for _request in range(4))
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.headers['Ratelimit-Policy'] == '"default";q=2;w=30'
    assert first.headers['Ratelimit'] == '"default";r=1;t=30'
    assert second.headers['Ratelimit'].startswith('"default";r=0;')
    assert answer(third) == answer(fourth) == (429, [971])
    assert third.headers['Retry-After'] == '30'
    simulator.reset(rate_limit='2/30')
    assert api.get('/cni/settings').status_code == 200
