# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes, or became, of each circuit, and the result that shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._apply import End
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import PartlyError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import hide, outcome, written
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._plan import Change, readdressed
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import CNI, INTERCONNECT, SETTINGS, TUNNEL

SHOWN = 10  # failures in the message; all are in the result
OBJECTS = {'interconnect': (INTERCONNECT, ''), 'cni': (CNI, ''), 'health_check': (TUNNEL, 'health_check')}


@dataclass
class Outcome:
    """changes, files: as planned; end: as written. paths: of the files; status: {interconnect, state, reason}, where it was read.

    deferred: why it waits for the next run; known: {name of a row: the object} of what its files are made from.
    """

    name: str
    changes: list[Change] = field(default_factory=list)
    end: End = field(default_factory=End)
    files: list[Change] = field(default_factory=list)
    paths: dict[str, str | None] = field(default_factory=dict)
    status: dict[str, Any] | None = None
    reached: bool | None = None
    deferred: str = ''
    known: dict[str, Object] = field(default_factory=dict)

    @property
    def real(self) -> list[Change]:
        """What changes, or has changed before it failed."""
        if self.end.error:
            return self.end.applied
        return [] if self.end.skipped else [*self.changes, *self.files]

    @property
    def state(self) -> str:
        """unchanged, created, updated, deleted, failed, skipped or deferred."""
        if self.end.error or self.end.skipped or self.deferred:
            return 'failed' if self.end.error else 'skipped' if self.end.skipped else 'deferred'
        made, filed = ({change.action for change in changes} - {'none', 'note'} for changes in (self.changes, self.files))
        if made | filed == {'delete'}:
            return 'deleted'
        return 'unchanged' if not made | filed else 'created' if 'create' in made and 'delete' not in made else 'updated'

    @property
    def changed(self) -> bool:
        """Whether anything changes."""
        return any(change.action != 'none' for change in self.real)

    @property
    def is_to_write(self) -> bool:
        """Whether the account changes."""
        return not self.end.error and any(change.action != 'none' for change in self.changes)

    @property
    def objects(self) -> dict[str, Object]:
        """{name of a row: the object as it is, or will be} of all that is known and is not deleted."""
        return self.written if self.end.error else {**self.known, **self.written}

    @property
    def written(self) -> dict[str, Object]:
        """The same of what was planned, or written, and looked at on the way."""
        changes = self.end.applied or ([] if self.end.error else self.changes)
        return {change.row.name: change.answer or change.after for change in changes if change.after and change.row.store == 'api'}

    @property
    def addresses(self) -> dict[str, dict[str, Any]] | None:
        """{cust_ip, p2p_ip: {before, after}} of a circuit that was, or would be, replaced."""
        return readdressed(self.end.done or self.real)


def result_of(outcomes: Sequence[Outcome], settings: Outcome | None = None, account: Object | None = None) -> dict[str, Any]:
    """What became of each circuit, how many of each there are, and what changes, the sum first. account: its settings, if read."""
    summary = dict(Counter(one.state for one in outcomes))
    line = ', '.join(f'{number} {state}' for state, number in summary.items())
    diffs = [diff for one in ([settings] if settings else []) for diff in outcome(one.real)['diff']]
    diffs += [{**diff, 'circuit': one.name} for one in outcomes for diff in outcome(one.real)['diff']]
    changed = any(one.changed for one in (*outcomes, *([settings] if settings else [])))
    return {'changed': changed, 'diff': [{'prepared': f'{len(outcomes)} circuits: {line}\n'}, *diffs] if changed else [],
            'circuits': [_shown(one) for one in outcomes], 'summary': summary, 'settings': _settings(settings, account)}


def failure_of(outcomes: Sequence[Outcome], settings: Outcome | None, result: dict[str, Any]) -> PartlyError | None:
    """The error of a run in which anything failed."""
    failed = [one for one in outcomes if one.state == 'failed']
    errors = [('settings', settings.end.error)] if settings and settings.end.error else []
    errors += [(one.name, one.end.error) for one in failed]
    if not errors:
        return None
    words = '; '.join(f'{name}: {error}' for name, error in errors[:SHOWN])
    more = f' And {len(errors) - SHOWN} more.' if len(errors) > SHOWN else ''
    text = f'{len(failed)} of {len(outcomes)} circuits failed. {words}{more}'
    return PartlyError(text, result, all(error.retryable for _name, error in errors))


def _settings(settings: Outcome | None, account: Object | None) -> dict[str, Any] | None:
    known = settings.objects.get(SETTINGS.name) if settings else account
    return {'default_asn': known.get('default_asn')} if known else None


def _shown(one: Outcome) -> dict[str, Any]:
    error = {**one.end.error.result(), **written(one.end.applied)} if one.end.error else {}
    objects = one.objects
    more = {'interconnect': None if error else _interconnect(objects), 'addresses': one.addresses, 'reached': one.reached,
            'msg': one.deferred or None}
    return {'name': one.name, 'outcome': one.state, 'changed': one.changed,
            **{key: value for key, value in more.items() if value not in (None, {})},
            'objects': {word: get(hide(row, objects.get(row.name)), wire) if wire else hide(row, objects.get(row.name))
                        for word, (row, wire) in OBJECTS.items()},
            'status': one.status, 'files': _files(one), **error}


def _files(one: Outcome) -> dict[str, str | None]:
    """The paths of its files; of a circuit that failed those that were written."""
    written_now = {get(change.after, 'path') for change in one.end.applied if change.row.store == 'file'}
    return {word: path for word, path in one.paths.items() if path in written_now or not one.end.error}


def _interconnect(objects: dict[str, Object]) -> str | None:
    """The name of the interconnect that a circuit is on."""
    return get(objects, 'cni.interconnect') or get(objects, 'interconnect.name')
