# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the event sources of extensions/eda share: options, the shape of an event, and the journal that survives a restart."""

from __future__ import annotations

import asyncio
import copy
import fcntl
import json
import os
import time
import uuid
from collections.abc import Callable, Container, Coroutine, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._disk import (
    append_to_file,
    make_private_folder,
    read_file,
    remove_file,
    write_file,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import CniError, InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import CONNECTION_OPTIONS, Spec, drop_empty
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._types import type_error

Event = dict[str, Any]

FORMAT = 1  # of events and journals
MAX_DEPTH = 32  # of the data in an event; Cloudflare's have three levels
MAX_UNCONFIRMED = 1000  # events that a journal keeps, although nobody confirms them
FAILURES_TO_REPORT = 3  # attempts in a row that failed; each has been retried by the client
LONGEST_DELAY = 900.0  # seconds between two attempts that fail
JOURNAL_OPTIONS: Spec = {'state_file': {'type': 'path'}, 'confirm': {'type': 'bool', 'default': False}}
# A source is one of several that use a token, and an attempt that fails is followed by another one anyway.
POLL_OPTIONS: Spec = {
    **CONNECTION_OPTIONS,
    'retry_timeout': {'type': 'int', 'default': 60},
    'requests_per_window': {'type': 'int', 'default': 300},
}
OF_ANSIBLE_RULEBOOK = ('feedback', 'eda_feedback_queue')


def checked_options(spec: Spec, args: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a source, in their types and with their defaults. Raises InputError, which quotes no value."""
    declared = drop_empty({name: value for name, value in args.items() if name not in OF_ANSIBLE_RULEBOOK})
    if unknown := sorted(declared.keys() - spec.keys()):
        raise InputError(', '.join(unknown), 'there is no such option.', ', '.join(spec))
    if error := type_error(spec, declared):
        raise error
    result = ArgumentSpecValidator(spec).validate(declared)
    if result.error_messages:
        raise InputError('options', '; '.join(result.error_messages))
    options = result.validated_parameters
    if options['confirm'] and not options['state_file']:
        raise InputError('confirm', 'needs state_file.')
    return options


# Events.

def new_event(kind: str, text: str, *, at: float, via: str, ident: str | None = None, account: str | None = None,
              circuits: Iterable[str] = (), interconnects: Iterable[str] = (), phase: str | None = None,
              status: Mapping[str, Any] | None = None, alert: Mapping[str, Any] | None = None) -> Event:
    """An event in the shape of extensions/eda/event.schema.json. at: seconds since 1970. Raises ValueError for data that is too deep."""
    return as_data({
        'format': FORMAT, 'id': ident or uuid.uuid4().hex, 'type': kind, 'phase': phase, 'time': utc(at), 'via': via, 'text': text,
        'account_id': account, 'circuits': list(circuits), 'interconnects': list(interconnects), 'status': status, 'alert': alert,
        'redelivered': False, 'receipt': None,
    })


def utc(seconds: float) -> str:
    """A time as text: 2026-11-29T18:30:00Z."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')


def as_data(value: Any, depth: int = MAX_DEPTH) -> Any:
    """The value with no text in it that Ansible takes for a template: ansible-rulebook hands events to playbooks as extra variables.

    Braces are percent-encoded, in keys too. Raises ValueError for data that is too deep.
    """
    if depth == 0:
        raise ValueError(f'more than {MAX_DEPTH} levels')
    if isinstance(value, Mapping):
        return {as_data(str(name), depth): as_data(inner, depth - 1) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_data(inner, depth - 1) for inner in value]
    if not isinstance(value, str):
        return value
    text = value.encode('utf-8', 'replace').decode().replace('{', '%7B')  # half a character cannot be written
    return text.replace('#jinja2:', '%23jinja2:')


# The journal.

class Journal:
    """What a source remembers, in one file: its own state, and the events that are not done with.

    A state and the events that follow from it are written together, before any of them is emitted. So a kill loses no event and makes none
    twice; only an event that was handed over a moment before the kill is handed over again, with the same id.
    confirm: an event is done with when a playbook has created the file event.receipt; else when ansible-rulebook has taken it.

    record() replaces the file at once. Between two of them it grows: a line with the id of each event that ansible-rulebook has taken.
    """

    def __init__(self, source: str, path: str | None, confirm: bool = False) -> None:
        """Raises InputError for a file that is not this source's, cannot be used, or is in use."""
        self.source, self.path, self._confirm = source, path and os.path.abspath(path), confirm
        self.state: dict[str, Any] = {}
        self.pending: list[Event] = []
        self._handed: set[str] = set()
        self.arrived = asyncio.Event()
        if self.path:
            self._make_folder(os.path.dirname(self.path))
            self._lock = self._locked()
            self._load(self.path)

    @property
    def waiting(self) -> int:
        """How many events ansible-rulebook has not taken yet."""
        return len(self.pending) - len(self._handed)

    def record(self, events: Iterable[Event], **state: Any) -> None:
        """Keeps events to emit, and the state that they follow from. Raises InputError if that cannot be written: nothing is kept then."""
        self._drop_done()
        before = self.state, self.pending
        events = [{**event, 'receipt': self._receipt(event)} for event in events]
        self.state, self.pending = {**self.state, **state}, [*self.pending, *events]
        try:
            self._write()
        except InputError:
            self.state, self.pending = before
            raise
        if events:
            self.arrived.set()

    async def emit(self, queue: Any, feedback: Any = None) -> None:
        """Hands over what waits, in order. feedback: the queue of ansible-rulebook that confirms, if it has one for this source."""
        for event in [event for event in self.pending if event['id'] not in self._handed]:
            await queue.put(copy.deepcopy(event))
            if feedback is not None:
                await feedback.get()
            self._handed_over(event)
        self._tidy()

    async def emit_forever(self, queue: Any, feedback: Any = None) -> None:
        """emit() whenever something is recorded."""
        while True:
            self.arrived.clear()
            await self.emit(queue, feedback)
            await self.arrived.wait()

    def _handed_over(self, event: Event) -> None:
        self._handed.add(event['id'])
        if self.path and not self._confirm:
            with suppress(InputError):  # record() writes it; until then a restart repeats this event
                append_to_file(self.path, f'\n{event["id"]}'.encode(), 'state_file')

    def _tidy(self) -> None:
        """Writes the file without what playbooks have confirmed."""
        if self._drop_done() and self._confirm:
            with suppress(InputError):  # record() writes it
                self._write()

    def _drop_done(self) -> bool:
        """Drops the events that are done with, and the oldest of far too many that nobody confirms. Returns whether there were any."""
        done = self._confirmed() if self._confirm else set(self._handed)
        handed = [event['id'] for event in self.pending if event['id'] in self._handed - done]
        done |= set(handed[:-MAX_UNCONFIRMED])
        before, self.pending = self.pending, [event for event in self.pending if event['id'] not in done]
        self._handed -= done
        return len(self.pending) < len(before)

    # Receipts: the files by which playbooks confirm.

    @property
    def _receipts(self) -> str:
        return f'{self.path}.confirmed'

    def _receipt(self, event: Event) -> str | None:
        return os.path.join(self._receipts, event['id']) if self._confirm else None

    def _confirmed(self) -> set[str]:
        """The ids of events that playbooks have confirmed. Their receipts are no longer needed once the journal is written without them."""
        with suppress(FileNotFoundError):
            return set(os.listdir(self._receipts))
        return set()

    def _remove_receipts(self) -> None:
        for name in self._confirmed() - {event['id'] for event in self.pending}:
            with suppress(InputError):
                remove_file(os.path.join(self._receipts, name))

    # The file.

    @staticmethod
    def _make_folder(path: str) -> None:
        try:
            make_private_folder(path)
            os.scandir(path).close()
        except OSError as error:
            raise InputError('state_file', f'{path} cannot be used: {error.strerror}.') from None

    def _locked(self) -> Any:
        """An open file that is locked as long as this process lives."""
        try:
            lock = open(f'{self.path}.lock', 'w', opener=lambda path, flags: os.open(path, flags, 0o600))  # noqa: SIM115
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError('state_file', f'{self.path} is in use by another source. Give each source its own file.') from None
        except OSError as error:
            raise InputError('state_file', f'{self.path}.lock cannot be used: {error.strerror}.') from None
        return lock

    def _load(self, path: str) -> None:
        content = read_file(path, 'state_file')
        if self._confirm:
            self._make_folder(self._receipts)
        if content is None:
            return
        try:
            text = content.decode()
            data, end = json.JSONDecoder().raw_decode(text)
            known = (data['format'], data['source']) == (FORMAT, self.source)
            self.state, pending = dict(data['state']), list(data['pending'])
        except (ValueError, KeyError, TypeError):
            known = False
        if not known:
            raise InputError('state_file', f'{path} is no state of the source {self.source}. Remove it, or name another file.')
        emitted = set(text[end:].split())  # the last one may be cut off: that event comes again
        self.pending = [{**event, 'redelivered': True, 'receipt': self._receipt(event)} for event in pending if event['id'] not in emitted]
        self._tidy()

    def _write(self) -> None:
        """Replaces the file at once, never by half of it."""
        if self.path:
            data = {'format': FORMAT, 'source': self.source, 'state': self.state, 'pending': self.pending}
            write_file(self.path, json.dumps(data).encode(), 'state_file')
        if self._confirm:
            self._remove_receipts()


def is_selected(event: Event, types: Container[str] | None) -> bool:
    """Whether an event is of one of the types; of any, if there are none."""
    return not types or event['type'] in types


class Failures:
    """Attempts that fail in a row. A source goes on whatever happens, so a failure that lasts is an event, and so is its end."""

    def __init__(self, subject: str, interval: float, journal: Journal, account: str) -> None:
        self._subject, self._interval, self._journal, self._account = subject, interval, journal, account
        self._count = 0

    def failed(self, error: CniError, now: float) -> None:
        """Notes a failure. Records an event if it lasts."""
        self._count += 1
        if self._count >= FAILURES_TO_REPORT and not self._journal.state.get('failing'):
            with suppress(InputError):  # the next failure tries again
                self._journal.record([self._event(f'{self._subject} fails: {error}', now, 'start')], failing=True)

    def succeeded(self, now: float, events: Iterable[Event] = (), **state: Any) -> None:
        """Records the events of an attempt, and its end if failures have been reported. Raises InputError: then it has failed after all."""
        was_failing = self._journal.state.get('failing')
        ends = [self._event(f'{self._subject} works again', now, 'end')] if was_failing else []
        self._journal.record([*events, *ends], failing=False, **state)
        self._count = 0

    def _event(self, text: str, now: float, phase: str) -> Event:
        return new_event('problem', text, at=now, via='poll', account=self._account, phase=phase)

    @property
    def delay(self) -> float:
        """Seconds until the next attempt: twice as long after each failure, LONGEST_DELAY at most."""
        return max(self._interval, min(self._interval * 2 ** min(self._count, 20), LONGEST_DELAY))


async def repeat(attempt: Callable[[], Any], failures: Failures, to_error: Callable[[Exception], CniError], logger: Any) -> None:
    """Attempts for ever: whatever fails is logged, counted, and attempted again later."""
    while True:
        try:
            await attempt()
        except Exception as error:
            failure = to_error(error)
            logger.error('%s', failure)
            failures.failed(failure, time.time())
        await asyncio.sleep(failures.delay)


async def run_together(*parts: Coroutine[Any, Any, None]) -> None:
    """Runs all parts until one of them raises, or this is cancelled; then none of them runs on."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
