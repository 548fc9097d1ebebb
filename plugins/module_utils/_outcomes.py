# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of each circuit, and the result of rollout that shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._chains import ChainResult
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._changes import Change, changed_addresses
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import PartialFailureError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import CNI, INTERCONNECT, ROUTE, SETTINGS, TUNNEL, Resource
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._results import applied_result, diff_result, without_secrets
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import sort_key_of_route

MAX_FAILURES_SHOWN = 10  # failures in the message; all are in the result
RESULT_OBJECTS = {'interconnect': (INTERCONNECT, ''), 'cni': (CNI, ''), 'tunnel': (TUNNEL, ''), 'health_check': (TUNNEL, 'health_check')}


@dataclass
class Outcome:
    """What becomes of one circuit. changes, file_changes: as planned; result: as written.

    file_paths: of its files; status: {interconnect, state, reason}, if it was read; reached: whether a state that is waited for is.
    deferred: why it waits for the next run; deferred_changes: what it waits with; current: {name of a row: object} that its files are made
    from.
    """

    name: str
    changes: list[Change] = field(default_factory=list)
    result: ChainResult = field(default_factory=ChainResult)
    file_changes: list[Change] = field(default_factory=list)
    file_paths: dict[str, str | None] = field(default_factory=dict)
    status: dict[str, Any] | None = None
    reached: bool | None = None
    deferred: str = ''
    deferred_changes: Sequence[Change] = ()
    current: dict[str, Object] = field(default_factory=dict)

    @property
    def effective_changes(self) -> list[Change]:
        """The changes that are made; of a circuit that failed, those before the failure."""
        if self.result.error:
            return self.result.applied
        return [] if self.result.skipped else [*self.changes, *self.file_changes]

    @property
    def state(self) -> str:
        """unchanged, created, updated, replaced, deleted, failed, skipped or deferred."""
        if self.result.error or self.result.skipped or self.deferred:
            return 'failed' if self.result.error else 'skipped' if self.result.skipped else 'deferred'
        actions = {change.action for change in self.changes if change.row.name != ROUTE.name} - {'none', 'note'}
        if not actions and any(change.action not in ('none', 'note') for change in self.changes):  # nothing but routes
            actions = {'update'}
        file_actions = {change.action for change in self.file_changes} - {'none'}
        if actions | file_actions == {'delete'}:
            return 'deleted'
        if {'create', 'delete'} <= actions:
            return 'replaced'
        return 'unchanged' if not actions | file_actions else 'created' if 'create' in actions else 'updated'

    @property
    def changed(self) -> bool:
        """Whether anything changes, in the account or on disk."""
        return any(change.action != 'none' for change in self.effective_changes)

    @property
    def former_interconnect(self) -> str | None:
        """The name of the interconnect that the circuit is no longer on: it is deleted or replaced, or shared and so only left."""
        deleted = {change.row.name: change.before for change in self.effective_changes if change.action == 'delete'}
        return _interconnect_name(deleted)

    @property
    def has_writes(self) -> bool:
        """Whether the account changes."""
        return not self.result.error and any(change.action != 'none' for change in self.changes)

    @property
    def objects(self) -> dict[str, Object]:
        """{name of a row: the object as it is, or will be}, without deleted ones."""
        return self.planned_objects if self.result.error else {**self.current, **self.planned_objects}

    @property
    def planned_objects(self) -> dict[str, Object]:
        """The same of the objects that the plan looked at or changes."""
        changes = self.result.applied or ([] if self.result.error else self.changes)
        return {change.row.name: change.answer or change.after for change in changes if change.after and change.row.store == 'api'}

    @property
    def routes(self) -> list[Object] | None:
        """The routes to the circuit that were planned, or written, and looked at on the way; None where nothing asked for any."""
        changes = self.result.applied or ([] if self.result.error else self.changes)
        changes = [change for change in changes if change.row.name == ROUTE.name]
        routes = [change.answer or change.after for change in changes if change.after]
        return sorted(routes, key=sort_key_of_route) if changes else None

    @property
    def addresses(self) -> dict[str, dict[str, Any]] | None:
        """{cust_ip, p2p_ip: {before, after}} of a circuit that is replaced."""
        return changed_addresses(self.result.written or self.effective_changes)


def rollout_result(outcomes: Sequence[Outcome], settings: Outcome | None = None, account: Object | None = None) -> dict[str, Any]:
    """The result: the outcome of each circuit, how many of each there are, and the diff. account: its settings, if they were read."""
    summary = dict(Counter(outcome.state for outcome in outcomes))
    line = ', '.join(f'{number} {state}' for state, number in summary.items())
    diffs = [diff for outcome in ([settings] if settings else []) for diff in diff_result(outcome.effective_changes)['diff']]
    diffs += [{**diff, 'circuit': outcome.name} for outcome in outcomes for diff in diff_result(outcome.effective_changes)['diff']]
    changed = any(outcome.changed for outcome in (*outcomes, *([settings] if settings else [])))
    return {'changed': changed, 'diff': [{'prepared': f'{len(outcomes)} circuits: {line}\n'}, *diffs] if changed else [],
            'circuits': [_circuit_result(outcome) for outcome in outcomes], 'summary': summary,
            'settings': _settings_result(settings, account)}


def rollout_error(outcomes: Sequence[Outcome], settings: Outcome | None, result: dict[str, Any]) -> PartialFailureError | None:
    """The error of a run in which anything failed."""
    failed = [outcome for outcome in outcomes if outcome.state == 'failed']
    errors = [('settings', settings.result.error)] if settings and settings.result.error else []
    errors += [(outcome.name, outcome.result.error) for outcome in failed]
    if not errors:
        return None
    messages = '; '.join(f'{name}: {error}' for name, error in errors[:MAX_FAILURES_SHOWN])
    more = f' And {len(errors) - MAX_FAILURES_SHOWN} more.' if len(errors) > MAX_FAILURES_SHOWN else ''
    text = f'{len(failed)} of {len(outcomes)} circuits failed. {messages}{more}'
    return PartialFailureError(text, result, all(error.retryable for _name, error in errors))


def _settings_result(settings: Outcome | None, account: Object | None) -> dict[str, Any] | None:
    known = settings.objects.get(SETTINGS.name) if settings else account
    return {'default_asn': known.get('default_asn')} if known else None


def _circuit_result(outcome: Outcome) -> dict[str, Any]:
    """The entry of a circuit in the result of rollout: outcome, objects, status, files, and the error with what was written before it."""
    error = {**outcome.result.error.result(), **applied_result(outcome.result.applied)} if outcome.result.error else {}
    objects = outcome.objects
    optional = {'interconnect': None if error else _interconnect_name(objects), 'former_interconnect': outcome.former_interconnect,
                'addresses': outcome.addresses, 'reached': outcome.reached, 'msg': outcome.deferred or None}
    return {'name': outcome.name, 'outcome': outcome.state, 'changed': outcome.changed,
            **{key: value for key, value in optional.items() if value not in (None, {})},
            'objects': {**{kind: _object_result(row, path, objects) for kind, (row, path) in RESULT_OBJECTS.items()},
                        'routes': outcome.routes},
            'status': outcome.status, 'files': _file_paths(outcome), **error}


def _object_result(row: Resource, path: str, objects: dict[str, Object]) -> Any:
    shown = without_secrets(objects.get(row.name))
    return get(shown, path) if path else shown


def _file_paths(outcome: Outcome) -> dict[str, str | None]:
    """The paths of its files; of a circuit that failed, those that were written."""
    written_now = {get(change.after, 'path') for change in outcome.result.applied if change.row.store == 'file'}
    return {kind: path for kind, path in outcome.file_paths.items() if path in written_now or not outcome.result.error}


def _interconnect_name(objects: Mapping[str, Object | None]) -> str | None:
    """The name of the interconnect that a circuit with these objects is on."""
    return get(objects, 'cni.interconnect') or get(objects, 'interconnect.name')
