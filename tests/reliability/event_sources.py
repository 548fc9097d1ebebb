# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event sources in the soak, and what has come of them: each change of state and each alert once, none lost."""

from __future__ import annotations

import asyncio
import collections
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reliability.audit import Audit
from reliability.clockwork import Clockwork
from reliability.edge import Edge, Run
from reliability.intent import Intent

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import CniError
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._alert_events import (
    OVERLAP,
    SETTLED,
    Alert,
    ReceivedAlerts,
    new_history,
    read_history,
    webhook_alert,
)
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._events import Event, Journal
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._status_events import ABSENT, changed_states, read_states
from app import Simulation

MAINTENANCE = 'cni_maintenance_notification'


class EventSource:
    """A journal, and the process that has it. taken: what ansible-rulebook has got, each id once, in order."""

    def __init__(self, name: str, path: Path, audit: Audit, rng: random.Random) -> None:
        self._name, self._path, self._audit, self._rng = name, str(path), audit, rng
        self.taken: dict[str, Event] = {}
        self._fresh: list[Event] = []
        self.journal = Journal(name, self._path)

    def record(self, events: list[Event], **state: Any) -> list[Event]:
        """Keeps events, is killed once in a while, and hands over what waits; returns what is new to ansible-rulebook."""
        self.journal.record(events, **state)
        if self._rng.random() < 0.3:
            self._restart()
        queue: asyncio.Queue[Event] = asyncio.Queue()
        asyncio.run(self.journal.emit(queue))
        emitted = [queue.get_nowait() for _number in range(queue.qsize())]
        fresh = [event for event in emitted if event['id'] not in self.taken]
        ids = [event['id'] for event in emitted]
        if len(ids) != len({*ids}) or any(not event['redelivered'] for event in emitted if event['id'] in self.taken):
            self._audit.broken.append(f'each event comes once: the source {self._name} has handed over {ids}')
        self.taken |= {event['id']: event for event in fresh}
        self._audit.counts[f'events of the source {self._name}'] += len(fresh)
        return fresh

    def _restart(self) -> None:
        """The process is killed, and its lock ends with it."""
        self.journal._lock.close()
        self.journal = Journal(self._name, self._path)
        self._audit.counts['event sources killed'] += 1


class StatusSource:
    """The source status. states: {port: the state that its events have ended with}."""

    def __init__(self, folder: Path, edge: Edge, audit: Audit, intent: Intent, clockwork: Clockwork, rng: random.Random) -> None:
        self._source = EventSource('status', folder / 'status.json', audit, rng)
        self._edge, self._audit, self._intent, self._clockwork = edge, audit, intent, clockwork
        self.states: dict[str, str] = {}

    def poll(self, run: Run) -> None:
        """Polls once, or again until it works."""
        client, journal = self._edge.client(run), self._source.journal
        while True:
            known, now = journal.state.get('interconnects'), self._clockwork.now
            try:
                states = read_states(client, known or ())
                break
            except CniError:
                self._audit.counts['polls that failed'] += 1
                self._clockwork.sleep(60)
        events, after = changed_states(known, states, now, client.account_id, initial=known is None)
        for event in self._source.record(events, interconnects=after):
            self._take(event)

    def _take(self, event: Event) -> None:
        status = event['status']
        before = self.states.pop(status['interconnect'], ABSENT)
        if before != status['previous_state']:
            self._audit.broken.append(f'no event is lost: {event["text"]}, but the event before said {before}')
        if status['state'] != ABSENT:
            self.states[status['interconnect']] = status['state']
        self._intent.event(event)

    def check(self) -> None:
        """The events have ended with what there is, and the source of intent knows it."""
        current = {port['name']: self._audit.state(port['name']) for port in self._audit.store.interconnects}
        wrong = {name: (self.states.get(name), current.get(name)) for name in self.states.keys() | current.keys()
                 if self.states.get(name) != current.get(name)}
        if wrong:
            self._audit.broken.append(f'no event is lost: (by the events, in the account): {wrong}')
        self._source.taken.clear()


class AlertSource:
    """The source alerts. sent: how often there is an event of each text; each is due once."""

    def __init__(self, folder: Path, edge: Edge, audit: Audit, simulation: Simulation, clockwork: Clockwork, rng: random.Random) -> None:
        self._source = EventSource('alerts', folder / 'alerts.json', audit, rng)
        self._edge, self._audit, self._simulation, self._clockwork, self._rng = edge, audit, simulation, clockwork, rng
        self.sent: collections.Counter[str] = collections.Counter()
        self._webhook: Callable[[bytes], str] = lambda body: ''
        simulation.store._deliver = lambda _url, _secret, body: self._webhook(json.dumps(body).encode())
        webhook, policy = '5a0e2e0c-0000-4000-8000-000000000001', '5a0e2e0c000040008000000000000002'
        simulation.seed(webhooks=[{'id': webhook, 'name': 'eda', 'url': 'https://eda.example', 'secret': 'a-secret', 'type': 'generic',
                                   'created_at': '2026-11-01T00:00:00Z', 'last_success': None, 'last_failure': None}],
                        policies=[{'id': policy, 'name': 'maintenance', 'enabled': True, 'alert_type': MAINTENANCE, 'filters': {},
                                   'mechanisms': {'webhooks': [{'id': webhook}]}, 'created': '2026-11-01T00:00:00Z',
                                   'modified': '2026-11-01T00:00:00Z'}])
        self._source.journal.record([], history_since=clockwork.now - 1)

    def send(self, text: str) -> None:
        """An alert: its webhook arrives, arrives twice, or is lost."""
        times = self._rng.choice([1, 1, 2, 0])
        self._webhook = lambda body: ''.join(self._receive(body) for _time in range(times)) if times else 'status code 503'
        self.sent[text] = 0
        self._audit.counts['alerts'] += 1
        self._simulation.send_alert(alert_type=MAINTENANCE, text=text, deliver=True)

    def _receive(self, body: bytes) -> str:
        """As the receiver of the source does. The answer is that all is well."""
        state, alert = self._source.journal.state, webhook_alert(body, self._clockwork.now)
        received = ReceivedAlerts(state.get('alerts', ()), self._clockwork.now, state.get('history_until'))
        self._record([alert] if received.admits(alert) else [], alerts=received.records)
        return ''

    def poll(self, run: Run) -> None:
        """Reads the history, as follow_history does, or again until it works."""
        client, state = self._edge.client(run), self._source.journal.state
        since = state['history_since']
        while True:
            now = self._clockwork.now
            try:
                entries = read_history(client, max(since, state.get('history_until', since) - OVERLAP))
                break
            except CniError:
                self._audit.counts['polls that failed'] += 1
                self._clockwork.sleep(60)
        new, state = new_history(self._source.journal.state, entries, ['webhook'], now - SETTLED, now)
        self._record(new, **state)

    def _record(self, new: list[Alert], **state: Any) -> None:
        for event in self._source.record([alert.event() for alert in new], **state):
            if event['text'] not in self.sent:
                self._audit.broken.append(f'each event comes once: {event["text"]} came again, a round later')
            self.sent[event['text']] += 1

    def check(self) -> None:
        """Each alert has become one event."""
        wrong = {text: number for text, number in self.sent.items() if number != 1}
        if wrong:
            self._audit.broken.append(f'each event comes once, and none is lost: (alert: its events): {wrong}')
        self.sent.clear()
        self._source.taken.clear()
