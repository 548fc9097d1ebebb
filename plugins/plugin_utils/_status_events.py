# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of state as events: the work of the event source status, without its loop."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import Client
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._observe import observe
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import INTERCONNECT
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._snapshot import Snapshot
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import Spec
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._status import PREFETCH, circuits_by_interconnect, wait_for_states
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._events import JOURNAL_OPTIONS, POLL_OPTIONS, Event, new_event, utc

ABSENT = 'absent'  # the state of an interconnect that has been deleted, or was not there before
STATUS_OPTIONS: Spec = {
    'conduit_names': {'type': 'list', 'elements': 'str'},
    'interconnects': {'type': 'list', 'elements': 'str'},
    'interval': {'type': 'float', 'default': 60},
    'initial': {'type': 'bool', 'default': False},
    **JOURNAL_OPTIONS,
    **POLL_OPTIONS,
}

States = dict[str, dict[str, Any]]  # by interconnect: state, reason, circuits, site, device; if remembered, also since


def read_states(client: Client, known: Iterable[str], names: Container[str] | None = None, circuits: Iterable[str] | None = None) -> States:
    """The states of interconnects. Raises CniError.

    names, circuits: which to watch, all if neither is given. known: interconnects that were there before; one that the list lacks is asked
    for its status, since lists lag behind. The state of one that has no status now is None, that of one that is gone ABSENT.
    """
    def decide(snapshot: Snapshot) -> tuple[list[Object], dict[str, list[str]]]:
        return snapshot.objects(INTERCONNECT.name), circuits_by_interconnect(snapshot)

    interconnects, circuits_on = observe(client, decide, prefetch=PREFETCH)
    watched_circuits = None if names is None and circuits is None else set(circuits or ())
    by_name = {obj['name']: obj for obj in interconnects}
    watched = [name for name in by_name
               if watched_circuits is None or name in (names or ()) or not watched_circuits.isdisjoint(circuits_on.get(name, ()))]
    unlisted = [name for name in known if name not in by_name]
    statuses = wait_for_states(client, dict.fromkeys([*watched, *unlisted], ()), 0)
    return {
        **{name: _state_of(statuses.get(name, {}), by_name[name], circuits_on.get(name, ())) for name in watched},
        **{name: _state_of(statuses.get(name, {'state': ABSENT}), {}, circuits_on.get(name, ())) for name in unlisted},
    }


def _state_of(status: Object, interconnect: Object, circuits: Iterable[str]) -> dict[str, Any]:
    return {'state': status.get('state'), 'reason': status.get('reason'), 'circuits': list(circuits),
            'site': interconnect.get('site') or interconnect.get('region'), 'device': get(interconnect, 'ccr_device_name')}


def changed_states(known: States | None, states: States, now: float, account: str, initial: bool = False) -> tuple[list[Event], States]:
    """The events of a poll, and the states to remember. known: those of the poll before, None for the very first.

    initial: each interconnect is reported, whether its state has changed or not. One that is not among them is no longer watched.
    """
    events, after = [], {}
    for name, current in sorted(states.items()):
        before = (known or {}).get(name)
        current = _completed(current, before)
        if current['state'] is None:
            continue
        is_change = known is not None and current['state'] != (before or {}).get('state', ABSENT)
        if is_change or initial:
            events.append(_event(name, before, current, now, account))
        if current['state'] != ABSENT:
            after[name] = {**current, 'since': before['since'] if before and not is_change else utc(now)}
    return events, after


def _completed(current: dict[str, Any], before: Mapping[str, Any] | None) -> dict[str, Any]:
    """The current state, with what was known before in place of what the API leaves out now. One without a status stays as it was."""
    if not before or current['state'] is None:
        return dict(before or current)
    may_be_empty = ('reason',) if current['state'] == ABSENT else ('reason', 'circuits')
    return {**before, **{name: value for name, value in current.items() if value or name in may_be_empty}}


def _event(name: str, before: Mapping[str, Any] | None, current: Mapping[str, Any], now: float, account: str) -> Event:
    previous = before['state'] if before else ABSENT
    circuits = ', '.join(current['circuits'])
    reason = f', {current["reason"]}' if current['reason'] else ''
    text = f'{circuits or "no circuit"} on {name}: {previous} -> {current["state"]}{reason}'
    status = {'interconnect': name, 'state': current['state'], 'reason': current['reason'], 'previous_state': previous,
              'previous_since': before['since'] if before else None, 'site': current['site'], 'device': current['device']}
    return new_event('status', text, at=now, via='poll', account=account, circuits=current['circuits'], interconnects=[name], status=status)
