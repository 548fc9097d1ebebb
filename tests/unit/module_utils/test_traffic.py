# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The traffic of tunnels: what is asked, what becomes of answers, and what a circuit in use is spared."""

from __future__ import annotations

import time
from datetime import datetime, timezone

import pytest

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import AnswerError, ApiError, InputError, TransportError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._guards import Guards
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._rollout_plan import RolloutPlan
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._snapshot import Unread
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._traffic import DATASET, TRAFFIC, read_traffic, traffic_of

from .scripted import ACCOUNT, Script, answer, refusal
from .test_plan import cni, direct, slot, snapshot, tunnel

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=timezone.utc)
SINCE = '2026-11-02T09:15:00Z'
LIMITS = {'enabled': True, 'maxDuration': 86400, 'maxPageSize': 10000, 'notOlderThan': 604800}


def account(**nodes):
    return answer({'data': {'viewer': {'accounts': [nodes]}}, 'errors': None})


def limits(**changes):
    return account(settings={DATASET: {**LIMITS, **changes}})


def rows(**bits):
    return [{'sum': {'bits': number}, 'dimensions': {'tunnelName': name}} for name, number in bits.items()]


def read(*lines, **options):
    script = Script(*lines)
    return read_traffic(script.client(**options), NOW), script


# What is asked.

def test_the_settings_come_first_and_the_traffic_of_fifteen_minutes_after_them():
    found, script = read(limits(), account(bits_in=rows(a=1, b=2), bits_out=[*rows(a=3), *rows(a=4)]))
    assert found == [row('a', 1, 7), row('b', 2)]
    first, second = (request['body'] for request in script.sent)
    assert {(request['method'], request['url']) for request in script.sent} == {('POST', 'https://api.example/client/v4/graphql')}
    assert first['variables'] == {'accountTag': ACCOUNT}
    assert second['variables'] == {'accountTag': ACCOUNT, 'datetimeStart': SINCE, 'datetimeEnd': '2026-11-02T09:30:00Z'}
    assert first['query'] == (
        'query Limits($accountTag: string) { viewer { accounts(filter: {accountTag: $accountTag}) { settings { '
        'magicTransitTunnelTrafficAdaptiveGroups { enabled maxDuration maxPageSize notOlderThan } } } } }')
    nodes = [f'{name}: magicTransitTunnelTrafficAdaptiveGroups(limit: 10000, filter: {{datetime_geq: $datetimeStart, '
             f'datetime_lt: $datetimeEnd, direction: "{direction}"}}) {{ sum {{ bits }} dimensions {{ tunnelName }} }}'
             for name, direction in (('bits_in', 'ingress'), ('bits_out', 'egress'))]
    assert second['query'] == (
        'query Traffic($accountTag: string, $datetimeStart: string, $datetimeEnd: string) { viewer { '
        f'accounts(filter: {{accountTag: $accountTag}}) {{ {nodes[0]} {nodes[1]} }} }} }}')


def test_the_time_that_is_asked_for_is_that_of_utc_wherever_the_run_is(monkeypatch):
    script = Script(limits(), account(bits_in=[], bits_out=[]))
    with monkeypatch.context() as patch:
        patch.setenv('TZ', 'Asia/Tokyo')
        time.tzset()
        read_traffic(script.client())
    time.tzset()
    end = datetime.strptime(script.sent[1]['body']['variables']['datetimeEnd'], '%Y-%m-%dT%H:%M:%SZ').replace(tzinfo=timezone.utc)
    assert abs(end.timestamp() - time.time()) < 600


@pytest.mark.parametrize(('changes', 'since', 'limit'), [
    ({'maxDuration': 600}, '2026-11-02T09:20:00Z', 10000),
    ({'notOlderThan': 300}, '2026-11-02T09:25:00Z', 10000),
    ({'maxPageSize': 100}, SINCE, 100),
    ({'maxPageSize': 1}, SINCE, 1),
    ({'maxDuration': None, 'maxPageSize': 0}, SINCE, 10000),
])
def test_no_more_is_asked_than_the_account_may(changes, since, limit):
    _found, script = read(limits(**changes), account(bits_in=[], bits_out=[]))
    assert script.sent[1]['body']['variables']['datetimeStart'] == since
    assert f'limit: {limit},' in script.sent[1]['body']['query']


@pytest.mark.parametrize('settings', [limits(enabled=False), account(settings={}), answer({'data': {'viewer': {'accounts': []}}})])
def test_what_the_account_may_not_query_is_not_queried(settings):
    with pytest.raises(InputError) as refused:
        read(settings)
    assert str(refused.value) == (
        f"traffic: this account cannot query {DATASET}: the settings node of Cloudflare's GraphQL API does not list it as enabled. "
        'Leave traffic out, or ask your account team for it.')
    assert refused.value.details['option'] == 'traffic'


# A query is a POST that reads.

@pytest.mark.parametrize('failure', [TransportError('dropped', 'POST', '/graphql', 'cause'), refusal(503), answer(body=b'{"data": ')])
def test_a_query_that_gets_no_answer_is_repeated(failure):
    found, script = read(failure, limits(), failure, account(bits_in=rows(a=1), bits_out=[]))
    assert (len(found), len(script.sent), script.slept) == (1, 4, [0.5, 0.5])


@pytest.mark.parametrize('status', [200, 403])
def test_a_token_without_the_permission_is_told_which_one(status):
    errors = [{'message': 'not authorized for that account', 'path': ['viewer'], 'extensions': {'code': 'authz'}}]
    with pytest.raises(ApiError) as refused:
        read(answer({'data': None, 'errors': errors}, status))
    details = refused.value.details
    assert (details['status'], details['code'], details['message']) == (status, 'authz', 'not authorized for that account')
    assert 'Account Analytics Read' in str(refused.value)
    assert refused.value.retryable is False


def test_an_error_of_graphql_in_a_success_is_an_error():
    with pytest.raises(ApiError, match='cannot request data older than 1s'):
        read(limits(), answer({'data': None, 'errors': [{'message': 'cannot request data older than 1s', 'extensions': None}]}))


@pytest.mark.parametrize('nodes', [
    {'bits_in': []},
    {'bits_in': None, 'bits_out': []},
    {'bits_in': [{'sum': {'bits': 1}, 'dimensions': {'tunnelName': None}}], 'bits_out': []},
    {'bits_in': rows(a='1'), 'bits_out': []},
    {'bits_in': rows(a=float('nan')), 'bits_out': []},
])
def test_rows_of_another_form_are_no_silence(nodes):
    with pytest.raises(AnswerError, match=f'^POST /graphql: HTTP 200, {DATASET} has rows of another form than Cloudflare documents'):
        read(limits(), account(**nodes))


@pytest.mark.parametrize('body', [{'data': None}, [], {'data': []}])
def test_an_answer_without_data_is_an_error(body):
    with pytest.raises(AnswerError, match=r'HTTP 200, no data of a GraphQL query\.') as error:
        read(answer(body, **{'cf-ray': 'ray-1'}), retry_timeout=0)
    assert error.value.details['cf_ray'] == 'ray-1'


# Whose it is.

def account_with(*traffic, **states):
    """Two circuits of a site, a and b, on pa and pb, with their tunnels; traffic: its rows, of tunnels by name."""
    ports = [direct('pa', 11), direct('pb', 12)]
    account_state = snapshot([slot(6, site='gru-b')], ports, [cni(21, 'a', 'pa'), cni(22, 'b', 'pb')],
                             [{**tunnel(11), 'name': 'pa'}, {**tunnel(12), 'name': 'pb'}], **{'pa': 'Healthy', 'pb': 'Healthy', **states})
    account_state.put_part((TRAFFIC, None), traffic)
    return account_state


def row(name, bits_in=None, bits_out=None):
    return {'name': name, 'bits_in': bits_in, 'bits_out': bits_out, 'since': SINCE, 'seconds': 900}


def test_a_tunnel_is_found_by_its_name_and_by_its_id():
    assert traffic_of('pa', account_with(row('pa', 1_500_000, 20), row('pb', 5))) == {
        'bits_in': 1_500_000, 'bits_out': 20, 'since': SINCE, 'seconds': 900,
        'text': f'1.5 Mbit into Cloudflare and 20 bit out of it since {SINCE}'}
    by_id = traffic_of('pa', account_with(row('t11', None, 3 * 10**12)))
    assert (by_id['bits_in'], by_id['bits_out']) == (None, 3 * 10**12)
    assert by_id['text'] == f'an unknown volume into Cloudflare and 3 Tbit out of it since {SINCE}'


@pytest.mark.parametrize(('bits', 'text'), [
    (999, '999 bit'), (1000, '1 kbit'), (999_999, '1000 kbit'), (2_500_000, '2.5 Mbit'), (3 * 10**9, '3 Gbit'),
    (10**12, '1 Tbit'),
])
def test_a_volume_is_shown_in_the_unit_of_its_size(bits, text):
    assert traffic_of('pa', account_with(row('pa', bits)))['text'].startswith(f'{text} into Cloudflare and an unknown volume out of it')


def test_no_row_is_no_traffic_of_zero():
    assert traffic_of('pa', account_with(row('pb', 5, 5))) is None
    assert traffic_of('pa', account_with(row('pa', 0, 0)))['bits_in'] == 0


# What is in use is not deleted.

def deleted(circuits, account, **guards):
    rollout = RolloutPlan([{'name': name} for name in circuits], 'deleted', Guards(**{'traffic': True, 'max_deletes': 2, **guards}))
    return {outcome.name: outcome for outcome in rollout.plan_outcomes(account)}


@pytest.mark.parametrize(('traffic', 'states', 'guards', 'refused'), [
    ([row('pa', 1)], {}, {}, 'a'),
    ([row('t11', None, 1)], {}, {}, 'a'),
    ([row('pa', 1)], {'pa': 'Down'}, {}, 'a'),
    ([row('pa', 0, 0)], {}, {}, ''),
    ([row('pb', 1)], {}, {}, ''),
    ([row('pa', 1)], {}, {'force': True}, ''),
    ([row('pa', 1)], {}, {'traffic': False}, ''),
    ([], {'pb': 'Down'}, {}, 'a'),
    ([], {}, {'protect': 'healthy'}, 'a'),
])
def test_traffic_refuses_a_delete_and_silence_allows_none(traffic, states, guards, refused):
    outcome = deleted('a', account_with(*traffic, **states), **guards)['a']
    assert outcome.state == ('failed' if refused else 'deleted')
    if refused:
        assert (outcome.result.error.kind, outcome.result.error.details['candidates']) == ('protected', ['a'])
    if traffic and refused:
        assert str(outcome.result.error).startswith('a: its tunnel has carried ')
        assert str(outcome.result.error).endswith('It is not deleted without force=true.')


def test_the_circuit_beside_one_in_use_is_deleted():
    outcomes = deleted('ab', account_with(row('pa', 1), pa='Pending', pb='Pending'))
    assert {name: outcome.state for name, outcome in outcomes.items()} == {'a': 'failed', 'b': 'deleted'}


def test_a_circuit_in_use_is_not_replaced_whatever_its_status():
    away = [{'name': 'a', 'slot': {'site': 'gru-b'}, 'on_immutable': 'replace'}]
    for traffic, state in (([row('pa', 1)], 'failed'), ([], 'replaced')):
        (outcome,) = RolloutPlan(away, 'merged', Guards(traffic=True)).plan_outcomes(account_with(*traffic, pa='Down'))
        assert outcome.state == state


@pytest.mark.parametrize(('circuits', 'guards'), [('a', {'traffic': False}), ('a', {'force': True}), ('x', {})])
def test_nothing_is_asked_where_nothing_depends_on_it(circuits, guards):
    account = account_with()
    account.drop_part((TRAFFIC, None))
    deleted(circuits, account, **guards)
    with pytest.raises(Unread):
        deleted('a', account)
