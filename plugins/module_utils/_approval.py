# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a run as a change board approves it, and whether a later plan is that one. Pure functions but for those that look for a file.

A plan is a list of circuits, {account, circuit, outcome, status, declared, changes}. circuit: None for the settings of the account.
declared: {option: value} as the user gave it. changes: {object, action, key, before, after}. No part of it has a secret.
A change is approved by its digest: of account, circuit, declaration, object and key, and of an update its values before and after. What
Cloudflare or the run chooses is in no digest: slot, device, names, addresses, and anything of files.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._changes import Change
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._disk import read_file
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError, NotApprovedError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._handover import json_text
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._put import BULK_SIZE
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import (
    CNI,
    HEALTHY,
    INTERCONNECT,
    RESOURCES,
    ROUTE,
    TUNNEL,
    UNKNOWN,
    Field,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._secrets import HIDDEN
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import CIRCUIT_OPTIONS, Spec
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._texts import markdown_cell, markdown_table
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import normal_scope

FORMAT = 'plan1'  # the start of a digest; another number once other things are compared
STDOUT = '-'  # as the path of a plan: show it, and write no file
LENGTH = 16  # of the digest of a change, hex digits
CHECKSUM_LENGTH = 8
# FORMAT, a checksum of what follows it, and the digests of the changes. What begins like that and is no file is meant to be one.
DIGEST = re.compile(rf'\s*{FORMAT}(-[^./]*)?[\s.]*')
NOT_COMPARED = ('name', 'state', 'loa_name', 'wait_for')  # options of a circuit that change nothing at Cloudflare
ABSENT = {'state': 'absent'}  # the declaration of a circuit that is deleted
TITLES = {name: row.title for name, row in RESOURCES.items()} | {TUNNEL.name: 'tunnel'}
CHANGED = f'{HIDDEN[:-1]}, changed)'
NOTHING: tuple[Any, ...] = (None, '', [], {})  # values that say nothing of an object

PlannedCircuit = dict[str, Any]


class Approved(NamedTuple):
    """An approved plan: the digests of its changes; circuits: the plan itself, empty if only its digest is known."""

    digests: frozenset[str]
    circuits: Sequence[PlannedCircuit] = ()


# The plan of a circuit.

def planned_circuit(account: str, name: str | None, declared: Mapping[str, Any], changes: Iterable[Change],
                    **shown: Any) -> PlannedCircuit:
    """The plan of a circuit. declared: from declared_values(); shown: what a person should know besides."""
    return {'account': account, 'circuit': name, **shown, 'declared': dict(declared),
            'changes': [_change_entry(change) for change in changes if change.action not in ('none', 'note') and change.row.store == 'api']}


def declared_values(circuit: Mapping[str, Any], spec: Spec | None = None, prefix: str = '') -> dict[str, Any]:
    """{option: value} of what a circuit declares, as slot.site or routes[10.0.0.0/8].priority. Of a secret only that there is one."""
    values: dict[str, Any] = {}
    for option, option_spec in (spec or CIRCUIT_OPTIONS).items():
        value = circuit.get(option)
        if value is None or (not prefix and option in NOT_COMPARED):
            continue
        for path, inner, index in _parts(option, value, option_spec):
            values |= {prefix + path: index} if inner is None else declared_values(inner, option_spec['options'], f'{prefix}{path}.')
    return values


def _parts(option: str, value: Any, option_spec: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any] | None, Any]]:
    """(path, the options in it or None, its value) of an option: of a list of options one for each item."""
    if option_spec.get('no_log'):
        yield option, None, HIDDEN
    elif isinstance(value, Mapping) and 'options' in option_spec:
        yield option, value, None
    elif isinstance(value, list) and value and 'options' in option_spec:
        yield from ((f'{option}[{_item_name(item)}]', item, None) for item in value)
    else:
        yield option, None, _sorted(value)


def _item_name(route: Mapping[str, Any]) -> str:
    return '; '.join(filter(None, (str(route.get('prefix')), _scope_text(_scope_names(route)))))


def _sorted(value: Any) -> Any:
    """A list whose order means nothing, in one order."""
    return sorted(value, key=str) if isinstance(value, (list, tuple, set, frozenset)) else value


def _change_entry(change: Change) -> Object:
    """The change as people and programs get it. What Cloudflare creates with an interconnect counts as created."""
    is_new = (change.after or {}).get(change.row.id) == UNKNOWN
    action = 'create' if is_new else change.action
    key = {name: value for name, value in _key_of(change, action).items() if value not in NOTHING}
    entry = {'object': change.row.name, 'action': action, 'key': key}
    if action == 'update':
        before, after = (_shown_fields(change, obj) for obj in (change.before, change.after))
        differing = [option for option in after if before[option] != after[option]]
        sides = {'before': before, 'after': after}
        return {**entry, **{side: {option: values[option] for option in differing} for side, values in sides.items()}}
    shown = _shown_fields(change, change.after if is_new else change.before)
    if change.row.name == INTERCONNECT.name and is_new:
        shown['ccr_device_name'] = change.after.get('ccr_device_name')
    known = {option: value for option, value in shown.items() if value not in (*NOTHING, UNKNOWN)}
    return {**entry, 'after' if is_new else 'before': known}


def _key_of(change: Change, action: str) -> Object:
    """The key of the object that is changed: of a new interconnect where it is ordered, of a tunnel its name, else what it is on."""
    obj = change.after if action == 'create' else change.before
    if change.row.name == ROUTE.name:
        return {'prefix': str(obj.get('prefix')), 'scope': _scope_names(obj)}
    if action == 'create':  # of a CNI and a tunnel nothing
        return {**{name: obj.get(name) for name in ('type', 'site', 'region', 'speed')}, 'facility': get(obj, 'facility.name')}
    if change.row.name == TUNNEL.name:
        return {'tunnel': obj.get('name')}
    status = {'healthy': obj.get('status') == HEALTHY} if action == 'delete' else {}
    return {'interconnect': obj.get(CNI.parent[1]) or obj.get('name'), **status}


def _option(f: Field) -> str:
    return '.'.join(filter(None, (f.block, f.option)))


def _shown_fields(change: Change, obj: Object) -> Object:
    """{option: value} of the fields that the change sets, or of all that a deleted object has."""
    fields = change.row.fields if change.action == 'delete' else map(change.row.field, change.paths)
    return {_option(f): _shown(f, obj, change) for f in fields}


def _shown(f: Field, obj: Object, change: Change) -> Any:
    value = get(obj, f.path)
    if not f.secret or value is None:
        return _sorted(value)
    return CHANGED if obj is change.after and change.before else HIDDEN


# Digests.

def plan_digest(circuits: Iterable[PlannedCircuit]) -> str:
    """The digest of a plan: that of each of its changes. A part of a plan, as an interrupted run leaves it, is so a part of its digest.

    The checksum shows whether it was cut off: what is left would be the digest of a plan with fewer changes.
    """
    return _joined(sorted({digest for circuit in circuits for digest in _digests(circuit)}))


def _joined(digests: Sequence[str]) -> str:
    return '-'.join([FORMAT, hashlib.sha256('-'.join(digests).encode()).hexdigest()[:CHECKSUM_LENGTH], *digests])


def _parts_of(digest: str) -> list[str]:
    """The digests of the changes. Raises InputError if the digest is not as plan_digest() made it."""
    digests = digest.strip().split('-')[2:]
    if _joined(digests) != digest.strip():
        raise InputError('approved_plan', 'the digest is not whole: part of it was cut off, changed or added. Copy all of it from the '
                                          'plan, or give the path of the plan.')
    return digests


def _digests(circuit: PlannedCircuit) -> list[str]:
    return [_digest(circuit, change) for change in circuit['changes']]


def _digest(circuit: PlannedCircuit, change: Object) -> str:
    values = [change['before'], change['after']] if change['action'] == 'update' else []
    content = [circuit['account'], circuit['circuit'], circuit['declared'], change['object'], change['action'], change['key'], *values]
    text = json.dumps(content, sort_keys=True, separators=(',', ':'))
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]


# What is approved.

def read_approved(value: str | None) -> Approved | None:
    """The approved plan that an option names: a digest, or the path of a file. Raises InputError."""
    if not value:
        return None
    if is_digest(value):
        return Approved(frozenset(_parts_of(value)))
    content = read_file(value, 'approved_plan')
    if content is None:
        raise InputError('approved_plan', f'{value} does not exist.', 'the path of a plan, or its digest')
    try:
        plan = json.loads(content.decode().rpartition('```json')[2].partition('```')[0])
        circuits, digest = plan['circuits'], plan['digest']
        is_unchanged = plan_digest(circuits) == digest
    except (ValueError, KeyError, TypeError):
        raise InputError('approved_plan', f'{value} is not a plan that check mode has written.') from None
    if not is_unchanged:
        raise InputError('approved_plan', f'{value} has been changed since check mode wrote it: its content does not match its digest.')
    return Approved(frozenset(_parts_of(digest)), circuits)


def is_digest(value: str) -> bool:
    """Whether a digest is meant, maybe one that was cut off, and not a file."""
    return bool(DIGEST.fullmatch(value)) and not os.path.exists(value)


def approval_error(planned: PlannedCircuit, approved: Approved, is_live: Callable[[], bool]) -> NotApprovedError | None:
    """Why a circuit is not written: what its plan has that the approved one has not. None if there is no such thing.

    is_live: whether it is Healthy. Of a circuit that is not, an update is part of its creation: it follows a run that ended in between.
    """
    refused = [change for change in planned['changes'] if not _is_approved(planned, change, approved, is_live)]
    return NotApprovedError(list(dict.fromkeys(_differences(planned, refused, approved)))) if refused else None


def _is_approved(planned: PlannedCircuit, change: Object, approved: Approved, is_live: Callable[[], bool]) -> bool:
    if _digest(planned, change) in approved.digests:
        return True
    if change['key'].get('healthy') is False:  # it was Healthy when its deletion was approved
        return _digest(planned, {**change, 'key': {**change['key'], 'healthy': True}}) in approved.digests
    if change['action'] != 'update':
        return False
    created = {**change, 'action': 'create', 'key': change['key'] if change['object'] == ROUTE.name else {}}
    return _digest(planned, created) in approved.digests and not is_live()


def _differences(planned: PlannedCircuit, refused: Iterable[Object], approved: Approved) -> Iterator[str]:
    """The differences, each with what was approved where that is known."""
    same = ('account', 'circuit')
    known = next((circuit for circuit in approved.circuits if all(circuit.get(name) == planned[name] for name in same)), None)
    if not approved.circuits or not known:
        other = 'nothing of this circuit' if approved.circuits else 'other changes'
        yield from (f'{describe(change)} (approved: {other})' for change in refused)
    elif known['declared'] != planned['declared']:
        yield from _declared_differences(known['declared'], planned['declared'])
    else:
        for change in refused:
            yield _change_difference(change, [other for other in known['changes'] if _object_of(other) == _object_of(change)])


def _declared_differences(approved: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    if ABSENT in (approved, now):
        yield f'state {now.get("state", "present")} (approved: {approved.get("state", "present")})'
        return
    for option in sorted(approved.keys() | now.keys()):
        if approved.get(option) != now.get(option):
            old, new = (_value_text(values[option]) if option in values else 'not declared' for values in (approved, now))
            yield f'{option} {new} (approved: {old})'


def _object_of(change: Object) -> tuple[Any, ...]:
    """What two changes of the same object have in common, whatever they do with it."""
    return change['object'], change['key'].get('prefix'), change['key'].get('scope')


def _change_difference(change: Object, approved: Sequence[Object]) -> str:
    same_action = [describe(other) for other in approved if other['action'] == change['action']]
    return f'{describe(change)} (approved: {(same_action or [describe(other) for other in approved] or ["nothing of this"])[0]})'


def describe(change: Object) -> str:
    """A change in a few words."""
    key = change['key']
    place = ', '.join(str(key[name]) for name in ('speed', 'site', 'region', 'facility') if key.get(name))
    on = f'on {key["interconnect"]}' if key.get('interconnect') and change['object'] != INTERCONNECT.name else key.get('interconnect')
    scope = f'({_scope_text(key["scope"])})' if key.get('scope') else ''
    name = key.get('prefix') or key.get('tunnel') or on or (f'({place})' if place else '')
    text = ' '.join(filter(None, (change['action'], TITLES[change['object']], name, scope)))
    if change['action'] != 'update':
        return f'{text}, which is Healthy' if key.get('healthy') else text
    pairs = [f'{option} {_value_text(change["before"][option])} -> {_value_text(value)}' for option, value in change['after'].items()]
    return f'{text}: {", ".join(pairs)}' if pairs else text


def _scope_names(route: Mapping[str, Any]) -> list[str]:
    """The scope of a route, as [colo_names den01, colo_names sjc01]."""
    return sorted(' '.join(pair) for pair in normal_scope(route.get('scope')))


def _scope_text(scope: Iterable[str]) -> str:
    """What _scope_names() returns, in the words of the declaration."""
    names: dict[str, list[str]] = {}
    for part, name in (pair.split(' ', 1) for pair in scope):
        names.setdefault(part, []).append(name)
    return '; '.join(f'{part} {", ".join(found)}' for part, found in names.items())


def _value_text(value: Any) -> str:
    if value in NOTHING:
        return 'nothing'
    if isinstance(value, dict):
        return '; '.join(f'{name} {_value_text(inner)}' for name, inner in sorted(value.items()))
    return ', '.join(map(str, value)) if isinstance(value, list) else str(value).lower() if isinstance(value, bool) else str(value)


# The file.

def plan_result(circuits: Iterable[PlannedCircuit], left_out: Mapping[str, str]) -> dict[str, Any]:
    """{digest, circuits, left_out} of the circuits that change. left_out: {circuit: why it is not in the plan}."""
    changing = [circuit for circuit in circuits if circuit['changes']]
    return {'digest': plan_digest(changing), 'circuits': changing, 'left_out': dict(left_out)}


def plan_text(plan: Mapping[str, Any]) -> str:
    """The file of a plan: Markdown for people, and a block of JSON for the run."""
    content = json_text({'format': FORMAT, **plan}).replace('`', '\\u0060')
    return '\n'.join([*plan_lines(plan), '', '## For the run', '', 'This is what the run compares. Leave it as it is.', '',
                      f'```json\n{content}```\n'])


def plan_lines(plan: Mapping[str, Any]) -> list[str]:
    """The plan as Markdown."""
    circuits = plan['circuits']
    named = [circuit for circuit in circuits if circuit['circuit'] is not None]
    numbers = f'Circuits that change: {len(named)}. Write requests: about {expected_writes(circuits)}.'
    lines = ['# Plan of changes at Cloudflare', '', numbers, '', f'Digest: `{plan["digest"]}`']
    if named:
        rows = [(circuit['circuit'], circuit.get('outcome'), circuit.get('status'), _place(circuit)) for circuit in named]
        lines += ['', *markdown_table(('Circuit', 'Outcome', 'Status now', 'Port'), rows)]
    for circuit in circuits:
        lines += _circuit_lines(circuit)
    if plan['left_out']:
        reasons = (f'- {markdown_cell(name)}: {markdown_cell(text)}' for name, text in plan['left_out'].items())
        lines += ['', '## Not in this plan', '', *reasons]
    return lines


def _place(circuit: PlannedCircuit) -> str:
    """Where the port of a circuit is ordered, with the device that the plan chose."""
    ordered = next((change for change in circuit['changes'] if (change['object'], change['action']) == (INTERCONNECT.name, 'create')), None)
    if ordered is None:
        return next((change['key']['interconnect'] for change in circuit['changes'] if change['key'].get('interconnect')), '')
    names = (*(ordered['key'].get(name) for name in ('speed', 'site', 'region', 'facility')), ordered['after'].get('ccr_device_name'))
    return ', '.join(str(name) for name in names if name)


def _circuit_lines(circuit: PlannedCircuit) -> list[str]:
    title = 'Settings of the account' if circuit['circuit'] is None else f'{circuit["circuit"]}: {circuit.get("outcome")}'
    lines = ['', f'## {markdown_cell(title)}', '', f'Account {markdown_cell(circuit["account"])}.']
    lines += ['', markdown_cell(circuit['deferred'])] if circuit.get('deferred') else []
    rows = []
    for change in circuit['changes']:
        sides = [change.get(side, {}) for side in ('before', 'after')]
        rows.append((describe({**change, 'after': {}}), '', '', ''))
        rows += [('', option, *(_value_text(side[option]) if option in side else '' for side in sides))
                 for option in {**sides[0], **sides[1]}]
    return [*lines, '', *markdown_table(('Change', 'Field', 'Before', 'After'), rows)]


def expected_writes(circuits: Iterable[PlannedCircuit]) -> int:
    """About how many requests write the changes. Updates of tunnels and routes go together, the tunnels of new interconnects too."""
    changes = [change for circuit in circuits for change in circuit['changes']]
    together = [[change for change in changes if change['object'] == row.name and (
        change['action'] == 'update' or (row is TUNNEL and change['action'] == 'create'))] for row in (TUNNEL, ROUTE)]
    return len(changes) - sum(map(len, together)) + sum(-(-len(several) // BULK_SIZE) for several in together)
