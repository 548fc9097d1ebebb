# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The traffic of tunnels by GraphQL: the documented query, and nothing else."""

from __future__ import annotations

import time

import pytest

DATASET = 'magicTransitTunnelTrafficAdaptiveGroups'
HEAD = 'query Traffic($accountTag: string, $datetimeStart: string, $datetimeEnd: string)'
FILTER = 'datetime_geq: $datetimeStart, datetime_lt: $datetimeEnd, direction: "ingress"'
QUERY = (f'{HEAD} {{ viewer {{ accounts(filter: {{accountTag: $accountTag}}) {{ {DATASET}(limit: 10, filter: {{{FILTER}}}) '
         '{ sum { bits } dimensions { tunnelName } } } } }')


def at(seconds):
    return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() + seconds))


@pytest.fixture
def run_query(simulator, api):
    """run_query(query, **variables) -> (status, data, errors)."""
    def run(query, **variables):
        variables = {'accountTag': simulator.account, 'datetimeStart': at(-900), 'datetimeEnd': at(0), **variables}
        answer = api.post(f'{simulator.url}/graphql', json={'query': query, 'variables': variables})
        return answer.status_code, answer.json()['data'], answer.json()['errors']
    return run


def test_the_documented_query_has_a_row_for_each_tunnel_with_traffic(simulator, api, direct, run_query):
    second = api.order().json()['name']
    assert run_query(QUERY) == (200, {'viewer': {'accounts': [{DATASET: []}]}}, None)
    simulator.set_traffic(direct['name'], 70, 8)
    simulator.set_traffic(second, None, 9)
    for direction, rows in (('ingress', {direct['name']: 70}), ('egress', {direct['name']: 8, second: 9})):
        _status, data, errors = run_query(QUERY.replace('ingress', direction))
        found = data['viewer']['accounts'][0][DATASET]
        assert ({row['dimensions']['tunnelName']: row['sum']['bits'] for row in found}, errors) == (rows, None)
    assert {request['applied'] for request in simulator.requests() if request['path'].endswith('/graphql')} == {False}


def test_the_settings_node_says_what_the_account_may_ask(simulator, run_query):
    settings = (f'query L($accountTag: string) {{ viewer {{ accounts(filter: {{accountTag: $accountTag}}) {{ settings {{ {DATASET} '
                '{ enabled maxPageSize } } } } }')
    for changes, enabled in (({}, True), ({'no_analytics': True}, False)):
        simulator.reset(**changes)
        assert run_query(settings)[1]['viewer']['accounts'][0]['settings'][DATASET] == {'enabled': enabled, 'maxPageSize': 10000}
    assert 'does not have access' in run_query(QUERY)[2][0]['message']


@pytest.mark.parametrize(('old', 'new', 'message'), [
    (DATASET, 'magicTransitNetworkAnalyticsAdaptiveGroups', 'unknown field'),
    ('tunnelName', 'ingressTunnelID', 'unknown field'),
    ('{ bits }', '{ packets }', 'unknown field'),
    ('viewer', 'mutation', 'unknown field'),
    ('{ bits }', '', 'must have selections'),
    ('tunnelName', 'tunnelName { x }', 'must have no selections'),
    (', direction: "ingress"', '', 'error parsing args'),
    ('limit: 10, ', '', 'error parsing args'),
    ('limit: 10', 'limit: 10001', 'limit must be positive'),
    ('"ingress"', '"inbound"', 'unknown direction'),
    ('datetime_geq: $datetimeStart', 'datetime_geq: $datetimeEnd', 'time range'),
    ('datetime_geq: $datetimeStart', 'datetime_geq: "2020-01-01T00:00:00Z"', 'time range'),
    ('$datetimeStart: string, ', '', 'query contains error'),
    ('query Traffic', 'mutation Traffic', 'query contains error'),
    (' } }', ' }', 'query contains error'),
    ('bits', 'b*ts', 'query contains error'),
])
def test_anything_else_is_an_error_as_graphql_has_them(run_query, old, new, message):
    assert old in QUERY
    status, data, errors = run_query(QUERY.replace(old, new))
    assert (status, data, message in errors[0]['message']) == (200, None, True), errors


def test_only_what_the_token_and_the_account_allow_is_answered(simulator, api, run_query):
    assert run_query(QUERY, accountTag='0' * 32)[2][0]['extensions'] == {'code': 'authz'}
    for token, code in (('read-only-token', None), ('network-token', 'authz')):
        api.headers['Authorization'] = f'Bearer {token}'
        errors = run_query(QUERY)[2]
        assert (errors and errors[0]['extensions']['code']) == code
    api.headers['Authorization'] = 'Bearer wrong'
    assert api.post(f'{simulator.url}/graphql', json={}).status_code == 403
    assert api.get(f'{simulator.url}/graphql').status_code == 403


def test_traffic_is_that_of_an_interconnect_and_whole_bits(simulator, direct):
    for name, bits in (('gone', 1), (direct['name'], -1), (direct['name'], 1.5)):
        with pytest.raises(RuntimeError):
            simulator.set_traffic(name, bits)
