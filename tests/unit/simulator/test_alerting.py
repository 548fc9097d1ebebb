# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules for webhooks, policies and alerts, without HTTP: what would be posted is in a list. Time is a list of one number."""

from __future__ import annotations

import datetime

import pytest

from rules import Refusal
from store import Store

ACCOUNT = 'a' * 32
DAY = 86400
WEBHOOK = {'name': 'noc', 'url': 'https://noc.example.com/alerts', 'secret': 'a secret'}


class Account(Store):
    """A store that keeps what it would post, and whose deliveries fail with .failure."""

    def __init__(self, **rules):
        self.now, self.posted, self.failure = 100 * DAY, [], ''
        super().__init__(ACCOUNT, clock=lambda: self.now, deliver=self._post, **rules)

    def _post(self, url, secret, body):
        self.posted.append((url, secret, body))
        return self.failure

    def add_policy(self, alert_type='magic_wan_tunnel_health', **fields):
        webhooks = [{'id': webhook['id']} for webhook in self.webhooks]
        policy = {'name': 'tunnels', 'alert_type': alert_type, 'enabled': True, 'mechanisms': {'webhooks': webhooks}, **fields}
        return self.create_policy(policy)['id']


@pytest.fixture
def account():
    account = Account()
    account.create_webhook(WEBHOOK)
    return account


def refused(call, *args):
    with pytest.raises(Refusal) as caught:
        call(*args)
    return caught.value.status, caught.value.field


def test_what_the_account_can_have_decides_what_a_policy_may_be():
    account = Account(alert_types=('maintenance_event_notification',))
    ((group, alerts),) = account.available_alerts().items()
    assert (group, [alert['type'] for alert in alerts]) == ('Cloudflare Status', ['maintenance_event_notification'])
    account.add_policy('maintenance_event_notification', filters={'event_type': ['Scheduled'], 'airport_code': ['EWR']})
    assert refused(account.add_policy) == (400, 'alert_type')
    for filters in ({'event_type': ['Soon']}, {'tunnel_name': ['x']}):
        with pytest.raises(Refusal, match='Invalid object selections'):
            account.add_policy('maintenance_event_notification', filters=filters)


def test_a_webhook_takes_the_test_message_or_is_not_made(account):
    (url, secret, body) = account.posted[0]
    assert (url, secret, list(body)) == (WEBHOOK['url'], 'a secret', ['text'])
    (shown,) = account.list_webhooks()
    assert ('secret' in shown, shown['last_success']) == (False, '1970-04-11T00:00:00Z')
    account.failure = 'status code 403 403 Forbidden'
    assert refused(account.create_webhook, WEBHOOK) == refused(account.change_webhook, shown['id'], WEBHOOK) == (400, 'url')
    assert refused(account.create_webhook, {**WEBHOOK, 'url': 'ftp://x'}) == (400, 'url')
    assert len(account.webhooks) == 1


@pytest.mark.parametrize('puts, secret', [('keep', 'a secret'), ('clear', None)])
def test_a_secret_that_a_put_leaves_out(puts, secret):
    account = Account(webhook_puts=puts)
    ident = account.create_webhook(WEBHOOK)['id']
    account.change_webhook(ident.replace('-', ''), {'name': 'noc', 'url': 'https://other.example.com'})
    (webhook,) = account.webhooks
    assert (webhook['id'], webhook['url'], webhook.get('secret')) == (ident, 'https://other.example.com', secret)


def test_a_policy_is_shown_with_conditions_and_plain_ids(account):
    ident = account.add_policy(filters={'slo': ['99.9'], 'tunnel_name': []})
    webhook = account.webhooks[0]['id']
    shown = account.policy(ident)
    assert shown['mechanisms'] == {'webhooks': [{'id': webhook.replace('-', '')}]} != account.policies[0]['mechanisms']
    assert shown['conditions'] == {'and': [{'or': [{'<=': [{'var': 'slo'}, '99.9']}]}]}
    assert refused(account.change_policy, ident, {**shown, 'filters': {'slo': ['98.0']}}) == (400, 'conditions')
    account.change_policy(ident, {'filters': {'slo': ['98.0']}, 'mechanisms': {'webhooks': []}})
    assert (account.policy(ident)['mechanisms'], account.policy(ident)['name']) == ({}, 'tunnels')


def test_a_put_may_replace_a_policy():
    account = Account(policy_puts='replace')
    ident = account.add_policy(description='x')
    account.change_policy(ident, {'name': 'new', 'alert_type': 'incident_alert', 'enabled': False, 'mechanisms': {}})
    assert 'description' not in account.policy(ident)


def test_unknown_destinations_are_refused(account):
    for kind, field in (('webhooks', ''), ('pagerduty', 'mechanisms.pagerduty')):
        assert refused(lambda kind=kind: account.add_policy(mechanisms={kind: [{'id': 'b' * 32}]})) == (400, field)


def test_a_deleted_webhook_leaves_its_policies():
    for keeps in (False, True):
        account = Account(keep_used_webhooks=keeps)
        webhook = account.create_webhook(WEBHOOK)['id']
        policy = account.add_policy()
        if keeps:
            assert refused(account.delete_webhook, webhook) == (400, '')
        else:
            account.delete_webhook(webhook)
            assert (account.webhooks, account.policy(policy)['mechanisms']) == ([], {})


def test_an_alert_goes_to_the_enabled_policies_of_its_type_that_want_it(account):
    wanting = account.add_policy(filters={'tunnel_name': ['ewr-a-icon-1']})
    account.add_policy(filters={'tunnel_name': ['gru-b-icon-1']})
    account.add_policy(enabled=False)
    account.add_policy('incident_alert')
    account.posted.clear()
    account.send_alert('magic_wan_tunnel_health', 'down', data={'tunnel_name': 'ewr-a-icon-1'}, account_id=None)
    ((url, secret, body),) = account.posted
    assert (url, secret, body['text'], body['policy_id'], body['ts']) == (WEBHOOK['url'], 'a secret', 'down', wanting, 100 * DAY)
    assert (body['alert_event'], 'account_id' in body) == ('ALERT_STATE_EVENT_START', False)
    (entry,) = account.list_alerts().items
    assert (entry['policy_id'], entry['mechanism_type'], entry['alert_body']) == (wanting, 'webhook', 'down')


def test_a_failed_delivery_is_noted(account):
    account.add_policy(mechanisms={'webhooks': [{'id': account.webhooks[0]['id'].replace('-', '')}], 'email': [{'id': 'a@example.com'}]})
    account.failure, account.now = 'refused', 101 * DAY
    account.send_alert('magic_wan_tunnel_health', 'down')
    assert account.list_webhooks()[0]['last_failure'] == '1970-04-12T00:00:00Z'
    assert [alert['mechanism_type'] for alert in account.alerts] == ['email', 'webhook']


def test_the_history_is_paged_bounded_and_ends_after_90_days(account):
    account.add_policy()
    account.posted.clear()
    for day in range(1, 101):
        account.send_alert('magic_wan_tunnel_health', str(day), sent=_day(day), deliver=False)
    assert account.posted == []
    page = account.list_alerts()
    assert (page.total, len(page.items), page.items[0]['alert_body'], page.size) == (90, 25, '100', 25)
    assert [alert['alert_body'] for alert in account.list_alerts(page=4).items] == [str(day) for day in range(25, 10, -1)]
    between = account.list_alerts(since=_day(50), before=_day(53).replace('Z', '+00:00'), per_page=2)
    assert ([alert['alert_body'] for alert in between.items], between.total) == (['52', '51'], 2)
    for wrong in ('yesterday', '2026-11-01T00:00:00'):
        assert refused(account.list_alerts, wrong) == (400, 'since')


def _day(number):
    """So many days after the epoch."""
    return (datetime.datetime(1970, 1, 1) + datetime.timedelta(days=number)).isoformat() + 'Z'
