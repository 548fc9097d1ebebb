# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cloudflare's alerts as events, each once whether it came by webhook, by the history, or by both: the work of the event source alerts.

Sources: Cloudflare's page "Webhook payload schema" and the types of its SDK. No live alert is public, and nothing says how an entry of the
history refers to the webhook that was sent: see is_twin().
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
import uuid
from collections.abc import Callable, Container, Iterable, Mapping
from datetime import datetime, timezone
from typing import Any, NamedTuple, NoReturn

from ansible.module_utils.basic import env_fallback

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import Client
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import Spec
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._events import (
    JOURNAL_OPTIONS,
    POLL_OPTIONS,
    Event,
    as_data,
    new_event,
    utc,
)

TYPES = {
    'cni_maintenance_notification': 'maintenance',
    'maintenance_event_notification': 'maintenance',
    'magic_tunnel_health_check_event': 'tunnel_health',
    'magic_wan_tunnel_health': 'tunnel_health',
}
EVENT_TYPES = ['maintenance', 'tunnel_health', 'alert', 'test', 'problem']
PHASES = {'ALERT_STATE_EVENT_START': 'start', 'ALERT_STATE_EVENT_END': 'end'}
CLOSE = 120.0  # seconds between the sending of an alert by two ways
OVERLAP = 3600.0  # seconds of the history that are read again each time, as entries may be listed late
REMEMBERED = 86400.0  # seconds that an alert is remembered, counted back from what the history has been read up to
MAX_REMEMBERED = 10_000  # alerts
MAX_TEXT = 1000  # characters of each
SETTLED = 60.0  # seconds after which a webhook that was sent has arrived
HISTORY = ('alerting', 'v3', 'history')
PAGE_SIZE = 50
ALERT_OPTIONS: Spec = {
    'port': {'type': 'int'},
    'host': {'type': 'str', 'default': '127.0.0.1'},
    'path': {'type': 'str', 'default': '/'},
    'secret': {'type': 'str', 'no_log': True, 'fallback': (env_fallback, ['CLOUDFLARE_WEBHOOK_SECRET'])},
    'certfile': {'type': 'path'},
    'keyfile': {'type': 'path'},
    'max_waiting': {'type': 'int', 'default': 1000},
    'max_per_minute': {'type': 'int', 'default': 600},
    'types': {'type': 'list', 'elements': 'str', 'choices': EVENT_TYPES},
    'history': {'type': 'bool', 'default': False},
    'history_interval': {'type': 'float', 'default': 300},
    'history_mechanisms': {'type': 'list', 'elements': 'str', 'choices': ['webhook', 'email', 'pagerduty'], 'default': ['webhook']},
    'lookback': {'type': 'float', 'default': 0},
    **JOURNAL_OPTIONS,
    **POLL_OPTIONS,
}


class Alert(NamedTuple):
    """An alert. keys: each names it, and no other one. at: seconds since 1970.

    mechanism: where the history says that it was sent to; None for one that came by webhook.
    """

    keys: tuple[str, ...]
    via: str
    at: float
    payload: Mapping[str, Any]
    mechanism: str | None = None

    @property
    def kind(self) -> str:
        """The type of its event."""
        return 'test' if set(self.payload) == {'text'} else TYPES.get(_text(self.payload.get('alert_type')), 'alert')

    def event(self) -> Event:
        """Its event. Raises ValueError for data that is too deep."""
        payload = self.payload
        text = _text(payload.get('text')) or _text(payload.get('name')) or _text(payload.get('alert_type')) or 'an alert without a text'
        return new_event(self.kind, text, at=self.at, via=self.via, ident=self.keys[0], account=_text(payload.get('account_id')) or None,
                         phase=PHASES.get(_text(payload.get('alert_event'))), alert=payload)

    @property
    def text(self) -> str:
        """What it says, to be compared."""
        return ' '.join(_text(self.payload.get('text')).split())[:MAX_TEXT]

    @property
    def traits(self) -> dict[str, str]:
        """What both ways say of an alert."""
        names = {name: _text(self.payload.get(name)) for name in ('alert_type', 'policy_id', 'policy_name', 'name')}
        return {'alert_type': names['alert_type'], 'policy_id': names['policy_id'].replace('-', '').lower(),
                'policy_name': names['policy_name'] or names['name']}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ''


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:32]


# What comes by webhook.

def is_authentic(header: str | None, secret: str) -> bool:
    """Whether a header cf-webhook-auth holds the secret. Its duration reveals neither the secret nor its length."""
    digests = [hashlib.sha256(text.encode('utf-8', 'surrogateescape')).digest() for text in (header or '', secret)]
    return hmac.compare_digest(*digests) and header is not None


def webhook_alert(body: bytes, now: float) -> Alert:
    """The alert in a body. Raises ValueError for one that is no JSON object.

    The same body again is the same alert, since it holds the time at which it was generated. One without that time, such as the test
    message, is a new one each time.
    """
    try:
        payload = json.loads(body, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError('too many levels') from None
    if not isinstance(payload, dict):
        raise ValueError('no JSON object')
    sent = payload.get('ts')
    is_dated = isinstance(sent, (int, float)) and not isinstance(sent, bool) and 0 < sent < 1e11
    key = _payload_key(payload) if is_dated else uuid.uuid4().hex
    return Alert((key,), 'webhook', float(sent) if is_dated else now, payload)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f'{name} is no JSON')


def _payload_key(payload: Mapping[str, Any]) -> str:
    return _digest(json.dumps(payload, sort_keys=True))


class Rate:
    """At most so many in any minute, by a bucket that fills evenly."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute, self._clock = per_minute, clock
        self._left, self._since = float(per_minute), clock()

    def admits(self) -> bool:
        """Whether one more is admitted now; counts it then."""
        now = self._clock()
        self._left = min(self._per_minute, self._left + (now - self._since) * self._per_minute / 60)
        self._since = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


# What comes by the history.

def new_history(state: Mapping[str, Any], entries: Iterable[Mapping[str, Any]], mechanisms: Container[str], until: float,
                now: float) -> tuple[list[Alert], dict[str, Any]]:
    """The alerts that have not come before, and the state to remember.

    until: younger entries are left for later. mechanisms: entries that were sent to others are left out.
    """
    since = state['history_since']
    read_until = state.get('history_until', since)
    alerts = [history_alert(entry, read_until) for entry in entries if entry.get('mechanism_type', 'webhook') in mechanisms]
    alerts = [alert for alert in alerts if since <= alert.at <= until]
    received = ReceivedAlerts(state.get('alerts', ()), now, read_until)
    new = [alert for alert in alerts if received.admits(alert)]
    return new, {'alerts': received.records, 'history_until': max([read_until, *(alert.at for alert in alerts)])}


def read_history(client: Client, since: float) -> list[Mapping[str, Any]]:
    """The entries of the history since then, the oldest first. Raises CniError."""
    pages = client.get_pages(HISTORY, {'since': utc(since), 'per_page': PAGE_SIZE}, list_key='result')
    return sorted((entry for page in pages for entry in page), key=lambda entry: seconds_of(entry.get('sent')) or 0)


def history_alert(entry: Mapping[str, Any], default: float) -> Alert:
    """The alert of an entry, in the form of a webhook. Its body is the payload if that is what it holds, else the text.

    default: the time of one without a readable time.
    """
    body = _text(entry.get('alert_body'))
    payload, keys = _payload_in(body), [_digest(_text(entry.get('id')) or json.dumps(entry, sort_keys=True))]
    if payload is None:
        payload = {'text': body}
    else:
        keys.append(_payload_key(payload))
    known = {'name': entry.get('name'), 'policy_name': entry.get('name'), 'policy_id': entry.get('policy_id'),
             'alert_type': entry.get('alert_type'), 'text': entry.get('description'), 'data': {}}
    payload = {**{name: value for name, value in known.items() if value is not None}, **payload}
    mechanism = f'{entry.get("mechanism_type")} {entry.get("mechanism")}'
    return Alert(tuple(keys), 'history', seconds_of(entry.get('sent')) or default, payload, mechanism)


def _payload_in(body: str) -> dict[str, Any] | None:
    try:
        payload = json.loads(body)
        as_data(payload)  # raises ValueError for data that is too deep
    except (ValueError, RecursionError):
        return None
    return payload if isinstance(payload, dict) and ('text' in payload or 'data' in payload) else None


def seconds_of(text: Any) -> float | None:
    """The time of an ISO 8601 text in seconds since 1970; None for anything else."""
    match = re.fullmatch(r'(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:?\d\d)?', _text(text).strip(), re.IGNORECASE)
    if not match:
        return None
    zone = (match[3] or 'Z').upper().replace('Z', '+0000').replace(':', '')
    try:
        moment = datetime.strptime(match[1].replace(' ', 'T') + zone, '%Y-%m-%dT%H:%M:%S%z')
    except ValueError:
        return None
    return moment.astimezone(timezone.utc).timestamp() + float(match[2] or 0)


# Each once.

class ReceivedAlerts:
    """The alerts that have come, as plain data for the journal. What is given is not changed."""

    def __init__(self, records: Iterable[Mapping[str, Any]], now: float, read_until: float | None = None) -> None:
        """read_until: up to when the history has been read, if it is."""
        keep_from = min(now, read_until or now) - REMEMBERED
        kept = [record for record in records if record['came'] >= keep_from]
        self.records, self._now = kept[-MAX_REMEMBERED:], now

    def admits(self, alert: Alert) -> bool:
        """Whether an alert is new. Remembers it."""
        if any(key in record['keys'] for record in self.records for key in alert.keys):
            return False
        twins = [index for index, record in enumerate(self.records) if is_twin(record, alert)]
        nearest = min(twins, key=lambda index: _distance(self.records[index], alert), default=None)
        if nearest is None:
            nearest = len(self.records)
            self.records.append({'came': self._now, 'at': alert.at, **alert.traits, 'keys': [], 'texts': [], 'mechanisms': []})
        record = self.records[nearest]
        self.records[nearest] = {**record, 'keys': [*record['keys'], *alert.keys], 'texts': [*record['texts'], alert.text],
                                 'mechanisms': [*record['mechanisms'], alert.mechanism]}
        return not twins


def _distance(record: Mapping[str, Any], alert: Alert) -> tuple[bool, float]:
    return alert.text not in record['texts'], abs(record['at'] - alert.at)


def is_twin(record: Mapping[str, Any], alert: Alert) -> bool:
    """Whether an alert that shares no key with a record can be the same, sent by another way at about the same time.

    Of the same policy and type, with one text within the other, and each way has it once. When in doubt an alert is new: rather reported
    twice than not at all.
    """
    # The time comes first: it rules out nearly all of the alerts that are remembered, of which there may be thousands.
    if abs(record['at'] - alert.at) > CLOSE or alert.kind == 'test' or alert.mechanism in record['mechanisms']:
        return False
    traits = alert.traits
    if any(record[name] and traits[name] and record[name] != traits[name] for name in traits):
        return False
    return any(text == alert.text or (text and alert.text and (text in alert.text or alert.text in text)) for text in record['texts'])
