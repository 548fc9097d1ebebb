# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notifications: what an account can have, the plan as tables, and what is sent as scripts."""

from __future__ import annotations

import pytest

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._alerts import alert_types, alerts_between, alerts_of_circuit
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._apply import apply_changes
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._desired import desired_object
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import (
    AmbiguousError,
    ApiError,
    InputError,
    NotAppliedError,
    NotListedError,
    UndecidedError,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._observe import read_objects
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._plan import plan_changes
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import ALERT_POLICY, ALERT_WEBHOOK, UNKNOWN
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import check_time, normal_filter, parsed_time

from .scripted import Script, answer, refusal
from .test_plan import Whole

WAN = 'magic_wan_tunnel_health'
ID = 'b115d5ec-15c6-41ee-8b76-92c449b5227b'
PLAIN = ID.replace('-', '')
URL = 'https://noc.example.com/alerts'
HOOK = {'id': ID, 'name': 'noc', 'url': URL, 'type': 'generic', 'created_at': 'x', 'last_success': None, 'last_failure': None}
POLICY = {'id': 'p1', 'name': 'tunnels', 'alert_type': WAN, 'enabled': True, 'created': 'x', 'modified': 'x',
          'filters': {'slo': ['99.9'], 'tunnel_name': ['ewr-a-icon-1']}, 'mechanisms': {'webhooks': [{'id': PLAIN}]}}


def kind(name: str, *keys: str) -> dict:
    return {'type': name, 'display_name': name, 'description': '', 'filter_options': [{'Key': key} for key in keys]}


AVAILABLE = {'Magic WAN': [kind(WAN, 'tunnel_name', 'slo')], 'Status': [kind('incident_alert'), kind('maintenance', 'airport_code')],
             'Tunnel': [kind('by_id', 'tunnel_id')]}


def account_with(policies=(), webhooks=(HOOK,), pagerduty=(), available=None, tunnels=True, site='ewr-a'):
    """An account with the circuit nyc-1, with its tunnel or without."""
    cni = {'id': 'c', 'magic': {'conduit_name': 'nyc-1'}, 'interconnect': 'ewr-a-icon-1'}
    port = {'name': 'ewr-a-icon-1', 'site': site, 'virtual_port_reservation_id': 'AB-CD'}
    tunnel = {'id': 't1', 'name': 'ewr-a-icon-1', 'virtual_port_reservation_id': 'abcd'}
    return Whole({
        ('alert_policy', None): policies, ('alert_webhook', None): webhooks, ('pagerduty', None): pagerduty,
        ('alert_types', None): [AVAILABLE if available is None else available], ('cni', None): [cni], ('interconnect', None): [port],
        ('tunnel', None): [tunnel] if tunnels else [],
    })


def decide(row, options, snapshot):
    (change,) = plan_changes([desired_object(row, options)], snapshot)
    return change


# Webhooks: the secret is never returned.

@pytest.mark.parametrize(('options', 'action', 'named'), [
    ({}, 'none', set()),
    ({'secret': 'new'}, 'none', set()),
    ({'secret': 'new', 'update_secret': 'always'}, 'update', {'secret'}),
    ({'update_secret': 'always'}, 'none', set()),
    ({'url': f'{URL}/2'}, 'update', {'url'}),
    ({'url': f'{URL}/2', 'secret': 'new'}, 'update', {'url', 'secret'}),
    ({'id': PLAIN.upper(), 'name': 'on call'}, 'update', {'name'}),
])
def test_the_plan_of_a_webhook_that_exists(options, action, named):
    change = decide(ALERT_WEBHOOK, {'name': 'noc', **options}, account_with())
    assert (change.action, set(change.paths)) == (action, named)


@pytest.mark.parametrize(('options', 'option'), [
    ({'url': 'noc.example.com'}, 'url'), ({'url': 'ftp://noc.example.com/x'}, 'url'), ({'name': 'other'}, 'url'), ({'id': 'f' * 32}, 'id'),
])
def test_a_webhook_that_can_not_be(options, option):
    with pytest.raises(InputError) as error:
        decide(ALERT_WEBHOOK, options, account_with())
    assert error.value.details['option'] == option


def test_a_webhook_in_clear_is_warned_of():
    desired = desired_object(ALERT_WEBHOOK, {'name': 'noc', 'url': 'http://noc.example.com'})
    assert desired.warnings == ('url: alerts and the secret are sent unencrypted: use https.',)


def test_two_webhooks_of_one_name_are_an_error():
    with pytest.raises(AmbiguousError, match='Select one of them with id'):
        decide(ALERT_WEBHOOK, {'name': 'noc'}, account_with(webhooks=[HOOK, {**HOOK, 'id': 'other'}]))


def applied(script, row, options, snapshot):
    return apply_changes(script.client(), plan_changes([desired_object(row, options)], snapshot))[-1]


def test_a_new_webhook_is_read_as_the_answer_names_it_only():
    script = Script(answer({'success': True, 'result': {'id': ID}}), answer({'success': True, 'result': HOOK}))
    change = applied(script, ALERT_WEBHOOK, {'name': 'noc', 'url': URL, 'secret': 's'}, account_with(webhooks=[]))
    assert change.answer == HOOK
    assert [(sent['method'], sent['body']) for sent in script.sent] == [('POST', {'name': 'noc', 'url': URL, 'secret': 's'}), ('GET', None)]


def test_a_secret_is_sent_with_the_webhook_as_it_is_but_for_what_only_cloudflare_sets():
    stored = {**HOOK, 'colour': 'blue'}
    script = Script(*(answer({'success': True, 'result': result}) for result in (stored, {'id': ID}, stored)))
    change = applied(script, ALERT_WEBHOOK, {'name': 'noc', 'secret': 's', 'update_secret': 'always'}, account_with(webhooks=[stored]))
    assert change.answer == stored
    assert script.sent[1]['body'] == {'name': 'noc', 'url': URL, 'secret': 's', 'colour': 'blue'}


def test_an_order_that_cloudflare_would_take_twice_is_sent_once():
    script = Script(refusal(502), answer({'success': True, 'result': []}))
    with pytest.raises(UndecidedError, match='It was sent once, but webhook name=noc was not found'):
        applied(script, ALERT_WEBHOOK, {'name': 'noc', 'url': URL}, account_with(webhooks=[]))
    assert [sent['method'] for sent in script.sent] == ['POST', 'GET']


def test_a_lost_answer_is_found_by_the_list():
    script = Script(refusal(502), answer({'success': True, 'result': [HOOK]}))
    assert applied(script, ALERT_WEBHOOK, {'name': 'noc', 'url': URL}, account_with(webhooks=[])).answer == HOOK


@pytest.mark.parametrize(('method', 'permission'), [('GET', 'Notifications Read or Write'), ('POST', 'Notifications Write')])
def test_a_refused_token_is_told_the_permission_for_notifications(method, permission):
    error = ApiError(method, '/alerting/v3/policies', 403, [{'code': 10000, 'message': 'no'}])
    assert error.details['hint'].endswith(f'It needs {permission}.')


# Policies: circuits become filters, names become ids.

@pytest.mark.parametrize(('options', 'action', 'named'), [
    ({}, 'none', set()),
    ({'alert_type': WAN, 'circuits': ['nyc-1'], 'filters': {'slo': [99.90]}, 'webhooks': ['noc'], 'emails': []}, 'none', set()),
    ({'webhooks': [ID]}, 'none', set()),
    ({'webhooks': [UNKNOWN]}, 'update', {'mechanisms.webhooks'}),
    ({'emails': ['noc@example.com']}, 'update', {'mechanisms.email'}),
    ({'webhooks': []}, 'update', {'mechanisms.webhooks'}),
    ({'filters': {'slo': ['98']}}, 'update', {'filters.slo'}),
    ({'circuits': []}, 'update', {'filters.tunnel_name'}),
    ({'enabled': False, 'description': 'x'}, 'update', {'enabled', 'description'}),
    ({'alert_type': 'by_id', 'circuits': ['nyc-1']}, 'update', {'alert_type', 'filters.tunnel_id'}),
])
def test_the_plan_of_a_policy_that_exists(options, action, named):
    change = decide(ALERT_POLICY, {'name': 'tunnels', **options}, account_with([POLICY]))
    assert (change.action, set(change.paths)) == (action, named)


@pytest.mark.parametrize(('alert_type', 'filters'), [
    (WAN, {'tunnel_name': ['ewr-a-icon-1']}), ('by_id', {'tunnel_id': ['t1']}), ('maintenance', {'airport_code': ['EWR']}),
])
def test_what_selects_a_circuit_is_the_filter_that_the_alert_has(alert_type, filters):
    options = {'name': 'new', 'alert_type': alert_type, 'circuits': ['nyc-1', 'nyc-1'], 'webhooks': ['noc']}
    change = decide(ALERT_POLICY, options, account_with())
    assert change.after['filters'] == filters
    assert (change.after['mechanisms'], change.after['enabled']) == ({'webhooks': [{'id': ID}]}, True)


@pytest.mark.parametrize(('options', 'option', 'says'), [
    ({'alert_type': 'cni_maintenance'}, 'alert_type', 'It can have: by_id, incident_alert, magic_wan_tunnel_health, maintenance.'),
    ({'alert_type': 'incident_alert', 'circuits': []}, 'circuits', 'cannot be limited to circuits. Allowed: no filters.'),
    ({'alert_type': WAN, 'filters': {'new_status': ['x']}}, 'filters.new_status', 'Allowed: the filters tunnel_name, slo.'),
    ({'alert_type': WAN, 'filters': {'slo': [{}]}}, 'filters.slo', 'a list of texts'),
    ({'alert_type': WAN, 'filters': {'tunnel_name': ['x']}, 'circuits': ['nyc-1']}, 'circuits', 'which is given too'),
    ({'alert_type': WAN, 'circuits': ['nyc-2']}, 'circuits', "no CNI 'nyc-2' in this account. There are: nyc-1."),
    ({'alert_type': WAN, 'webhooks': ['pager']}, 'webhooks', "no webhook 'pager' in this account. There are: noc."),
    ({'alert_type': WAN, 'pagerduty': ['on call']}, 'pagerduty', "no PagerDuty service 'on call'"),
    ({}, 'alert_type', 'is required to create the alert policy'),
    ({'alert_type': WAN}, 'webhooks, emails or pagerduty', 'is required to create the alert policy'),
])
def test_a_policy_that_can_not_be(options, option, says):
    with pytest.raises(InputError) as error:
        decide(ALERT_POLICY, {'name': 'new', **options}, account_with())
    assert (error.value.details['option'], says in str(error.value)) == (option, True), str(error.value)


def test_the_site_of_a_google_cloud_attachment_has_no_airport_code():
    with pytest.raises(InputError, match=r"no airport code follows from 'us-east4', where 'nyc-1' is. Allowed: filters.airport_code"):
        decide(ALERT_POLICY, {'name': 'new', 'alert_type': 'maintenance', 'circuits': ['nyc-1']}, account_with(site='us-east4'))


def test_a_tunnel_that_is_not_listed_yet_is_waited_for():
    with pytest.raises(NotListedError) as error:
        decide(ALERT_POLICY, {'name': 'new', 'alert_type': WAN, 'circuits': ['nyc-1']}, account_with(tunnels=False))
    assert error.value.part == ('tunnel', None)


def test_a_name_of_two_webhooks_is_an_error_and_an_id_is_not():
    snapshot = account_with(webhooks=[HOOK, {**HOOK, 'id': 'other'}])
    with pytest.raises(AmbiguousError, match='Give the id of one of them in webhooks'):
        decide(ALERT_POLICY, {'name': 'new', 'alert_type': WAN, 'webhooks': ['noc']}, snapshot)
    change = decide(ALERT_POLICY, {'name': 'new', 'alert_type': WAN, 'webhooks': [PLAIN]}, snapshot)
    assert change.after['mechanisms']['webhooks'] == [{'id': ID}]


def test_a_pagerduty_service_is_known_by_its_name():
    snapshot = account_with([POLICY], pagerduty=[{'id': 's1', 'name': 'on call'}])
    change = decide(ALERT_POLICY, {'name': 'tunnels', 'pagerduty': ['on call']}, snapshot)
    assert change.after['mechanisms']['pagerduty'] == [{'id': 's1'}]


def test_a_type_that_is_gone_does_not_stop_a_policy_that_is_as_it_should_be():
    options = {'name': 'tunnels', 'alert_type': WAN, 'filters': {'slo': ['99.9']}}
    assert decide(ALERT_POLICY, options, account_with([POLICY], available={})).action == 'none'


def test_conditions_are_not_sent_back_with_other_filters():
    stored = {**POLICY, 'conditions': {'and': []}, 'colour': 'blue'}
    after = {**stored, 'filters': {**POLICY['filters'], 'slo': ['98']}}
    script = Script(*(answer({'success': True, 'result': result}) for result in (stored, {'id': 'p1'}, after)))
    assert applied(script, ALERT_POLICY, {'name': 'tunnels', 'filters': {'slo': ['98']}}, account_with([stored])).answer == after
    kept = ('name', 'alert_type', 'enabled', 'mechanisms', 'colour')
    assert script.sent[1]['body'] == {**{name: stored[name] for name in kept}, 'filters': after['filters']}


def test_a_filter_that_did_not_take_is_named():
    script = Script(*(answer({'success': True, 'result': result}) for result in (POLICY, {'id': 'p1'}, POLICY, POLICY)))
    with pytest.raises(NotAppliedError) as error:
        applied(script, ALERT_POLICY, {'name': 'tunnels', 'filters': {'slo': ['98']}}, account_with([POLICY]))
    assert error.value.details['fields'] == {'filters.slo': {'have': ['99.9'], 'want': ['98']}}


# What the account can have, whatever form it is in.

@pytest.mark.parametrize(('options', 'filters'), [
    ([{'Key': 'tunnel_id'}, {'Key': 'slo'}], ('tunnel_id', 'slo', 'tunnel_name')),
    ([], ('tunnel_name', 'slo')), (None, None), ('text', None), (['slo'], None), ([{'key': 'slo'}], None),
])
def test_the_documented_filters_of_tunnels_are_among_those_listed(options, filters):
    assert alert_types({'x': [{'type': WAN, 'filter_options': options}, {}, 'text'], 'y': None})[WAN].filters == filters


def test_where_no_filter_is_listed_the_documented_one_is_taken():
    snapshot = account_with(available={'x': [{'type': WAN}]})
    change = decide(ALERT_POLICY, {'name': 'new', 'alert_type': WAN, 'circuits': ['nyc-1'], 'filters': {'any': ['x']}, 'emails': []},
                    snapshot)
    assert change.after['filters'] == {'any': ['x'], 'tunnel_name': ['ewr-a-icon-1']}


@pytest.mark.parametrize(('first', 'second', 'same'), [
    (['98'], ['98.0'], True), (['99.90'], ['99.9'], True), (['100'], ['1'], False), (None, [], True), (['a', 'b'], ['b', 'a'], True),
    (['10.20'], ['10.2'], True), (['0.0'], ['0'], True), (['icon-1.0'], ['icon-1'], False), ('text', ['text'], False),
])
def test_the_values_of_filters_are_compared_as_a_set_and_numbers_by_what_they_mean(first, second, same):
    assert (normal_filter(first) == normal_filter(second)) == same


# The history.

def alert(sent, text='', ident='x'):
    return {'id': ident, 'sent': sent, 'alert_body': text}


def test_the_history_is_bounded_and_the_newest_comes_first():
    alerts = [alert('2026-11-01T00:00:00Z'), alert('2026-11-03T00:00:00.5+01:00'), alert('2026-11-02T00:00:00.123456789Z'), alert(None)]
    assert alerts_between(alerts, None, None) == [alerts[1], alerts[2], alerts[0], alerts[3]]
    assert alerts_between(alerts, '2026-11-01T00:00:00Z', '2026-11-02T23:00:00.5Z') == [alerts[2], alerts[3]]


def test_an_alert_is_about_the_circuit_that_its_text_names():
    texts = ['nyc-1 down', 'nyc-10 down', 'tunnel "ewr-a-icon-1"', 'ewr-a-icon-11', 'id=t1.', 'nothing', 'my-nyc-1']
    found = alerts_of_circuit([alert('', text) for text in texts] + [{'id': 'y'}], 'nyc-1', account_with())
    assert [alert['alert_body'] for alert in found] == [texts[0], texts[2], texts[4]]


def test_pages_are_asked_for_until_the_last():
    def page(number):
        info = {'page': number, 'per_page': 2, 'count': 2, 'total_count': 3}
        return answer({'success': True, 'result': [alert('x', ident=str(number))], 'result_info': info})

    script = Script(page(1), page(2))
    found = read_objects(script.client(), 'alert', None, {'since': '2026-11-01T00:00:00Z', 'before': None})
    assert [alert['id'] for alert in found] == ['1', '2']
    first = '/alerting/v3/history?since=2026-11-01T00%3A00%3A00Z&per_page=1000'
    assert [sent['url'] for sent in script.sent] == [first, f'{first}&page=2']


def test_a_page_size_that_is_refused_is_not_insisted_on():
    script = Script(refusal(400), answer({'success': True, 'result': []}))
    assert read_objects(script.client(), 'alert') == []
    assert script.sent[1]['url'] == '/alerting/v3/history'


@pytest.mark.parametrize(('text', 'time'), [
    ('2026-11-02T09:30:00Z', '2026-11-02T09:30:00Z'), ('2026-11-02', '2026-11-02T00:00:00Z'),
    ('2026-11-02T09:30:00+01:00', '2026-11-02T09:30:00+01:00'), ('2026-11-02T09:30:00.1z', '2026-11-02T09:30:00.100000Z'),
])
def test_a_time_is_a_timestamp_or_a_day(text, time):
    assert check_time(text, str) == time


@pytest.mark.parametrize('text', ['yesterday', '', None, '2026-13-01'])
def test_what_is_no_time(text):
    assert parsed_time(text) is None
    with pytest.raises(ValueError, match='a timestamp such as'):
        check_time(text, str)
