# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What results show of changes and objects: changed, diff, applied, and no secret."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._changes import Change
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, get, merge
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import SECRET_NAMES, Resource
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._secrets import HIDDEN


def diff_result(changes: Sequence[Change]) -> dict[str, Any]:
    """changed and diff of the changes as they were planned, applied or not. A note is not shown."""
    effective = [change for change in changes if change.action != 'none']
    return {'changed': bool(effective), 'diff': [_object_diff(change) for change in effective if change.action != 'note']}


def _object_diff(change: Change) -> dict[str, Any]:
    before, after = (_diff_content(change.row, obj) for obj in (change.before, change.after))
    for path in change.row.secret_paths:
        if get(after, path) and get(change.before, path) and get(change.before, path) != get(change.after, path):
            after = merge(after, {path: f'{HIDDEN[:-1]}, changed)'})
    header = f'{change.label} ({change.action})'
    return {'before_header': header, 'after_header': header, 'before': before, 'after': after}


def _diff_content(row: Resource, obj: Object | None) -> Object | str:
    """What a diff shows of an object: all but its secrets, and of a file its content."""
    visible = without_secrets(obj) or {}
    return visible.get('content', '') if row.store == 'file' else visible


def without_secrets(value: Any) -> Any:
    """An object, or what is in it, with its secrets hidden: by their names, as a tunnel may hold what a CNI holds."""
    if isinstance(value, list):
        return [without_secrets(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: HIDDEN if name in SECRET_NAMES and inner is not None else without_secrets(inner) for name, inner in value.items()}


def applied_result(changes: Iterable[Change]) -> dict[str, Any]:
    """What was written before a failure; empty if nothing was."""
    applied = [{'action': change.action, 'object': change.label} for change in changes if change.action != 'none']
    return {'applied': applied} if applied else {}
