# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The work of modules: manages one object, or reads objects."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._changes import (
    Change,
    changed_addresses,
    follow_up_of,
    schedule,
    split_follow_ups,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._desired import Desired, desired_object, given_values
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._find import filtered_objects
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._guards import allowed_changes, guards_of
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import Task, Work
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._observe import observe, read_objects
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._plan import plan_changes
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import Resource
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._results import diff_result, without_secrets
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._snapshot import Snapshot


def manage_work(row: Resource, **returned: str | None) -> Work:
    """The work of a module that manages one object. returned: {key of the result: path in the object, None for all of it}."""
    def work(task: Task) -> dict[str, Any]:
        desired = desired_object(row, task.params)
        for text in desired.warnings:
            task.module.warn(text)
        changes = converge(task, [desired])
        last = next(change for change in reversed(changes) if change.row.name == row.name)
        final = without_secrets(None if last.action == 'delete' else last.answer or last.after)
        addresses = changed_addresses(changes)
        warn_changed_addresses(task.module.warn, desired.label, addresses)
        result = {**diff_result(changes), **({'addresses': addresses} if addresses else {})}
        return {**result, **{name: get(final, path) if path else final for name, path in returned.items()}}
    return work


def warn_changed_addresses(warn: Callable[[str], None], circuit: str, addresses: Mapping[str, Mapping[str, Any]] | None) -> None:
    """Warns that a circuit that was replaced has other addresses."""
    for field, pair in (addresses or {}).items():
        warn(f'{circuit}: replaced, so {field} changes from {pair["before"]} to {pair["after"]}. Change the router too.')


def info_work(row: Resource, returned: str, *, filters: Sequence[str] = (), query: Mapping[str, str] | None = None, reveal: str = '',
              case_sensitive: Container[str] = (), sort_key: Callable[[Object], Any] | None = None) -> Work:
    """The work of a module that reads objects. returned: their key in the result.

    filters: options to compare; query: {filter of the API: option}; case_sensitive: filters of the API that may be so, and are left out
    if nothing is found with them; reveal: the option that shows secrets; sort_key: of the objects, else they stay in order.
    """
    def work(task: Task) -> dict[str, Any]:
        api_query = {name: task.params[option] for name, option in (query or {}).items()}
        objects = _read_filtered(task, row, filters, api_query)
        if not objects and any(api_query.get(name) for name in case_sensitive):
            objects = _read_filtered(task, row, filters, {name: api_query[name] for name in api_query if name not in case_sensitive})
        objects = sorted(objects, key=sort_key) if sort_key else objects
        return {'changed': False, returned: objects if task.params.get(reveal) else [without_secrets(obj) for obj in objects]}
    return work


def _read_filtered(task: Task, row: Resource, filters: Iterable[str], query: Mapping[str, Any]) -> list[Object]:
    """The objects that the options name and that match the filters. query: filters of the API, unless an id names a single object."""
    keys = given_values(row.keys, task.params, [])
    ident = next((keys.get(key.option) for key in row.keys if key.path == row.id and not key.references), None)
    snapshot = Snapshot({(row.name, None): read_objects(task.client, row.name, ident, None if ident else query)})
    values = {option: task.params[option] for option in filters}
    return observe(task.client, lambda snapshot: filtered_objects(row, keys, values, snapshot), snapshot)


def converge(task: Task, desired: Sequence[Desired]) -> list[Change]:
    """Reads, plans and, but for check mode, writes. Returns the changes as planned, with their answers."""
    def decide(snapshot: Snapshot) -> list[Change]:
        return allowed_changes(schedule(plan_changes(desired, snapshot, task.to_error)), guards_of(task.params), snapshot)

    changes = observe(task.client, decide)
    if task.module.check_mode and task.params.get('validate'):
        from ansible_collections.netops.cloudflare_cni.plugins.module_utils._put import validate_updates

        for _change, error in validate_updates(task.client, changes):
            raise error
    if task.module.check_mode or all(change.action == 'none' for change in changes):
        return changes
    # Imported late: a task that changes nothing starts sooner.
    from ansible_collections.netops.cloudflare_cni.plugins.module_utils._apply import apply_changes

    first, follow_ups = split_follow_ups(changes)
    applied = apply_changes(task.client, first, task.to_error)
    try:
        results = [*applied, *(converge(task, [follow_up_of(change, applied) for change in follow_ups]) if follow_ups else ())]
        # As they were planned, which is what check mode shows.
        return [change._replace(answer=written.answer) for change, written in zip((*first, *follow_ups), results, strict=True)]
    except Exception as error:
        failure = task.to_error(error)
        failure.applied = [*applied, *failure.applied]
        raise failure from error
