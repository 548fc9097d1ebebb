# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The notifications of an account: what can be alerted, webhooks, policies, the history of alerts, and their delivery on loopback."""

from __future__ import annotations

import dataclasses
import datetime
import ipaddress
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from process import WAIT
from rules import Refusal, Rules, find, parsed, require

Deliver = Callable[[str, str, dict], str]

HISTORY_KEPT = datetime.timedelta(days=90)  # source: Cloudflare's documentation of the history, on Enterprise
PER_PAGE = (25, 1000)  # without per_page, and at most
HELLO = {'text': 'Hello World! This is a test message sent from https://cloudflare.com. If you can see this, your webhook is configured '
                 'properly.'}
# (group, name, keys of the filters) of each type. Which filters a type has is documented for the tunnels' types and for maintenance only.
ALERT_TYPES = {
    'cni_maintenance_notification': ('Cloudflare Network Interconnect', 'CNI Connection Maintenance Alert', ()),
    'magic_tunnel_health_check_event': ('Magic Transit', 'Magic Tunnel Health Check Alert', ('tunnel_name', 'slo', 'pop_names')),
    'magic_wan_tunnel_health': ('Magic WAN', 'Magic WAN Tunnel Health Alert', ('tunnel_name', 'slo', 'pop_names')),
    'maintenance_event_notification': ('Cloudflare Status', 'Maintenance Notification', ('airport_code', 'event_type')),
    'incident_alert': ('Cloudflare Status', 'Incident Alert', ('incident_impact', 'affected_components')),
    'tunnel_health_event': ('Cloudflare Tunnel', 'Tunnel Health Alert', ('tunnel_id', 'new_status')),
}
COMPARISONS = {'slo': '<='}
VALUES = {'event_type': ('Scheduled', 'Changed', 'Canceled')}


@dataclasses.dataclass(frozen=True)
class NumberedPage:
    """A page of a list whose pages have numbers, from 1. total: of the whole list."""

    items: list
    number: int
    size: int
    total: int


class Alerting:
    """Webhooks, policies and history, held as the contract writes them; of a webhook the secret too, which no answer shows.

    :arg deliver: (url, secret, body) -> what went wrong, '' if nothing did
    """

    rules: Rules
    account: str
    clock: Callable[[], float]
    changes: int

    def __init__(self, deliver: Deliver):
        self._deliver = deliver
        self.webhooks: list[dict] = []
        self.policies: list[dict] = []
        self.alerts: list[dict] = []
        self.pagerduty: list[dict] = []

    # What the account can have

    @property
    def _alert_types(self) -> Iterable[str]:
        return ALERT_TYPES if self.rules.alert_types is None else self.rules.alert_types

    def available_alerts(self) -> dict[str, list[dict]]:
        groups: dict[str, list[dict]] = {}
        for name in self._alert_types:
            group, title, keys = ALERT_TYPES[name]
            alert = {'type': name, 'display_name': title, 'description': f'{title} of this account.', 'filter_options': [
                {'Key': key, 'ComparisonOperator': COMPARISONS.get(key, '=='), 'Range': '0-n', 'AvailableValues': _values(key)}
                for key in keys
            ]}
            groups.setdefault(group, []).append(alert)
        return groups

    # Webhooks

    def list_webhooks(self) -> list[dict]:
        return [_without_secret(webhook) for webhook in self.webhooks]

    def webhook(self, webhook_id: str) -> dict:
        return _without_secret(self._webhook(webhook_id))

    def create_webhook(self, body: dict) -> dict:
        """Make a webhook, once it has taken the test message."""
        made = {'id': str(uuid.uuid4()), 'type': 'generic', 'created_at': self._now(), 'last_success': None, 'last_failure': None}
        webhook = {**made, **body}
        self._test(webhook)
        self.webhooks.append(webhook)
        self.changes += 1
        return {'id': webhook['id']}

    def change_webhook(self, webhook_id: str, body: dict) -> dict:
        """Store what was sent, with fields that the contract does not know; a secret that is left out stays or goes, as the rules say."""
        webhook = self._webhook(webhook_id)
        secret = {'secret': webhook['secret']} if 'secret' in webhook and self.rules.webhook_puts == 'keep' else {}
        kept = {key: webhook[key] for key in ('id', 'type', 'created_at', 'last_success', 'last_failure')}
        after = {**secret, **body, **kept}
        self._test(after)
        self.changes += {**after, 'last_success': webhook['last_success']} != webhook
        webhook.clear()
        webhook.update(after)
        return {'id': webhook['id']}

    def delete_webhook(self, webhook_id: str) -> None:
        webhook = self._webhook(webhook_id)
        users = [policy for policy in self.policies if _is_in(webhook['id'], _ids(policy, 'webhooks'))]
        names = ', '.join(policy['name'] for policy in users)
        require(not users or not self.rules.keep_used_webhooks, f'webhook {webhook_id!r} is used by: {names}', self.rules.in_use)
        for policy in users:
            rows = policy['mechanisms']['webhooks']
            policy['mechanisms']['webhooks'] = [row for row in rows if not _is_in(row['id'], [webhook['id']])]
        self.webhooks.remove(webhook)
        self.changes += 1

    def _webhook(self, webhook_id: str, status: int = 404) -> dict:
        match = next((webhook for webhook in self.webhooks if _plain(webhook['id']) == _plain(webhook_id)), None)
        return match or find(self.webhooks, 'id', webhook_id, 'webhook', status)

    def _test(self, webhook: dict) -> None:
        url = urllib.parse.urlsplit(webhook['url'])
        require(url.scheme in ('http', 'https') and url.hostname, 'url is no address of a web server', field='url')
        failure = self._deliver(webhook['url'], webhook.get('secret', ''), HELLO)
        require(not failure, f'error connecting webhooks destination {webhook["name"]}: Webhook test failed with {failure}', field='url')
        webhook['last_success'] = self._now()

    # Policies

    def list_policies(self) -> list[dict]:
        return [_policy_view(policy) for policy in self.policies]

    def policy(self, policy_id: str) -> dict:
        return _policy_view(self._policy(policy_id))

    def create_policy(self, body: dict) -> dict:
        now = self._now()
        policy = {'id': uuid.uuid4().hex, 'created': now, 'modified': now, **body}
        self._check_policy(policy)
        self.policies.append(policy)
        self.changes += 1
        return {'id': policy['id']}

    def change_policy(self, policy_id: str, body: dict) -> dict:
        """Change a policy, with fields that the contract does not know; what is left out stays or goes, as the rules say."""
        policy = self._policy(policy_id)
        kept = policy if self.rules.policy_puts == 'keep' else {}
        after = {**kept, **body, **{key: policy[key] for key in ('id', 'created', 'modified')}}
        conditions = after.pop('conditions', None)
        require(conditions in (None, _conditions(after)), 'conditions are not those of the filters', field='conditions')
        self._check_policy(after)
        if after != policy:
            policy.clear()
            policy.update(after, modified=self._now())
            self.changes += 1
        return {'id': policy['id']}

    def delete_policy(self, policy_id: str) -> None:
        self.policies.remove(self._policy(policy_id))
        self.changes += 1

    def _policy(self, policy_id: str) -> dict:
        match = next((policy for policy in self.policies if _plain(policy['id']) == _plain(policy_id)), None)
        return match or find(self.policies, 'id', policy_id, 'policy')

    def _check_policy(self, policy: dict) -> None:
        kind = policy['alert_type']
        require(kind in self._alert_types, f'alert type {kind!r} is not available to this account', field='alert_type')
        filters = policy.get('filters') or {}
        wrong = [key for key, values in filters.items() if key not in ALERT_TYPES[kind][2]
                 or not {*(values or ())} <= {*VALUES.get(key, values or ())}]
        require(not wrong, 'Invalid object selections', field='filters')
        for webhook_id in _ids(policy, 'webhooks'):
            self._webhook(webhook_id, 400)
        for service in _ids(policy, 'pagerduty'):
            known = _is_in(service, [row['id'] for row in self.pagerduty])
            require(known, f'no PagerDuty service {service!r}', field='mechanisms.pagerduty')

    # Alerts

    def list_alerts(self, since=None, before=None, page=None, per_page=None) -> NumberedPage:
        """A page of the history, the newest first."""
        first = max(filter(None, [_time(self._now()) - HISTORY_KEPT, since and _time(since, 'since')]))
        last = _time(before, 'before') if before else None
        found = [alert for alert in self.alerts if _time(alert['sent']) > first and (last is None or _time(alert['sent']) < last)]
        found.sort(key=lambda alert: _time(alert['sent']), reverse=True)
        number, size = int(page or 1), min(int(per_page or PER_PAGE[0]), PER_PAGE[1])
        require(number >= 1 and size >= 1, 'page and per_page are from 1')
        return NumberedPage(found[(number - 1) * size:number * size], number, size, len(found))

    def send_alert(self, alert_type: str, text: str, data: dict | None = None, sent: str | None = None, deliver: bool = True,
                   **fields: Any) -> None:
        """An alert goes to what the enabled policies of its type say: into the history, and to webhooks unless `deliver` is false.

        data: its own part of the body; a policy's filter that has a key of it takes the alert only with one of its values.
        fields: more of the body, such as alert_event; a value of null leaves a field out.
        """
        sent = sent or self._now()
        when = _time(sent, 'sent')
        correlation = uuid.uuid4().hex
        for policy in self.policies:
            if policy['enabled'] and policy['alert_type'] == alert_type and _wanted(policy, data or {}):
                body = {'name': policy['name'], 'text': text, 'data': data or {}, 'ts': int(when.timestamp()), 'account_id': self.account,
                        'policy_id': policy['id'], 'policy_name': policy['name'], 'alert_type': alert_type,
                        'alert_correlation_id': correlation, 'alert_event': 'ALERT_STATE_EVENT_START', **fields}
                self._dispatch(policy, {key: value for key, value in body.items() if value is not None}, sent, deliver)

    def _dispatch(self, policy: dict, body: dict, sent: str, deliver: bool) -> None:
        for kind, word in (('email', 'email'), ('pagerduty', 'pagerduty'), ('webhooks', 'webhook')):
            for name in _ids(policy, kind):
                self.alerts.append({
                    'id': str(uuid.uuid4()), 'name': policy['name'], 'description': policy.get('description', ''),
                    'alert_body': body['text'], 'alert_type': body.get('alert_type', policy['alert_type']), 'mechanism': name,
                    'mechanism_type': word, 'sent': sent, 'policy_id': policy['id'],
                })
                if word == 'webhook' and deliver:
                    webhook = self._webhook(name)
                    failure = self._deliver(webhook['url'], webhook.get('secret', ''), body)
                    webhook['last_failure' if failure else 'last_success'] = self._now()


def on_loopback(url: str, secret: str, body: dict) -> str:
    """Posts to a web server of this machine; to any other nothing is sent, and all is well. Returns what went wrong."""
    host = urllib.parse.urlsplit(url).hostname or ''
    try:
        if host != 'localhost' and not ipaddress.ip_address(host).is_loopback:
            return ''
    except ValueError:
        return ''
    request = urllib.request.Request(url, json.dumps(body).encode(), {'Content-Type': 'application/json', 'User-Agent': 'cloudflare'})
    if secret:
        request.add_header('cf-webhook-auth', secret)
    unchecked = ssl._create_unverified_context()  # a certificate of a name on loopback is nobody's
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=unchecked))
    try:
        with opener.open(request, timeout=WAIT):
            return ''
    except urllib.error.HTTPError as error:
        return f'status code {error.code} {error.code} {error.reason}'
    except (OSError, ValueError) as error:
        return str(error)


def _wanted(policy: dict, data: dict) -> bool:
    filters = policy.get('filters') or {}
    return all(not values or key not in data or str(data[key]) in values for key, values in filters.items())


def _values(key: str) -> list[dict] | None:
    return [{'ID': value, 'Description': value} for value in VALUES[key]] if key in VALUES else None


def _without_secret(webhook: dict) -> dict:
    return {key: value for key, value in webhook.items() if key != 'secret'}


def _policy_view(policy: dict) -> dict:
    """A policy as answered: with the conditions of its filters, without empty mechanisms, ids of webhooks without dashes."""
    mechanisms = {kind: rows for kind, rows in policy['mechanisms'].items() if rows}
    if 'webhooks' in mechanisms:
        mechanisms['webhooks'] = [{**row, 'id': _plain(row['id'])} for row in mechanisms['webhooks']]
    conditions = _conditions(policy)
    return {**policy, 'mechanisms': mechanisms, **({'conditions': conditions} if conditions else {})}


def _conditions(policy: dict) -> dict | None:
    filters = policy.get('filters') or {}
    filters = {key: values for key, values in filters.items() if values}
    conditions = [{'or': [{COMPARISONS.get(key, '=='): [{'var': key}, value]} for value in values]} for key, values in filters.items()]
    return {'and': conditions} if conditions else None


def _ids(policy: dict, kind: str) -> Iterable[str]:
    return [row['id'] for row in policy['mechanisms'].get(kind) or ()]


def _is_in(name: str, names: Iterable[str]) -> bool:
    return _plain(name) in map(_plain, names)


def _plain(name: str) -> str:
    return name.replace('-', '').lower()


def _time(text: str, field: str = '') -> datetime.datetime:
    """A timestamp of RFC 3339; one without an offset is refused."""
    time = parsed(lambda value: datetime.datetime.fromisoformat(value.replace('Z', '+00:00')), text, field)
    if time.tzinfo is None:
        raise Refusal(400, f'{field}: {text!r} is no timestamp of RFC 3339', field)
    return time
