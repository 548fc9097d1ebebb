# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of an inventory as circuits: their variables checked for each host alone, and the runs of rollout that bring them about. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._circuits import chain_of
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._items import secrets_of, validated
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import said
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._plan import checked
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._secrets import Secrets
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import (
    ACCOUNT,
    HOST,
    PREFIX,
    ROLE,
    RUN,
    SPARE,
    STEPS,
    VARIABLES,
    Spec,
    mistyped,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import loa_name

DECOMMISSION = 'decommission'

SPEC: Spec = {PREFIX + name: row for name, row in HOST.items()}
# What is known besides: of a whole run of the role or of a playbook, and what they leave behind.
OF_A_RUN = ('at_most_per_site', 'expect', 'fail_fast', 'force', 'hosts', 'max_deletes', 'own_variables', 'protect', 'report', 'report_mode',
            'result', 'serial')
PEER = ('accept', 'announce', 'artifacts_dir', 'description', 'graceful_restart', 'handover', 'hold_time', 'interface', 'label',
        'local_preference', 'max_prefixes', 'md5_key', 'name', 'own_variables', 'platform', 'prepend', 'result')
KNOWN = {PREFIX: {*SPEC, *(PREFIX + name for name in OF_A_RUN)}, 'peer_': {f'peer_{name}' for name in PEER}}


class Declared(NamedTuple):
    """What a host declares. circuit: as rollout takes it, but that diverse_from may name hosts; account: connection options."""

    host: str
    state: str
    circuit: dict[str, Any]
    account: dict[str, Any]
    run: dict[str, Any]

    @property
    def name(self) -> str:
        """The name of the circuit."""
        return self.circuit['name']


class Rollout(NamedTuple):
    """One run of rollout. account, options: its arguments; hosts: {name of a circuit: its host}."""

    state: str
    account: dict[str, Any]
    options: dict[str, Any]
    circuits: list[dict[str, Any]]
    hosts: dict[str, str]


# A host by itself.

def unknown(names: Iterable[str], own: Collection[str] = (), prefix: str = PREFIX) -> str:
    """What is wrong with variables that nothing knows, each with the nearest one that is known; empty if nothing is.

    own: variables of the user's, which are his business.
    """
    names = sorted(name for name in names if name.startswith(prefix) and name not in KNOWN[prefix] and name not in own)
    if not names:
        return ''
    parts = {name: name.replace(f'{block}_', f'{block}.', 1) for block, row in SPEC.items() for name in VARIABLES
             if 'options' in row and name.startswith(f'{block}_') and name not in SPEC}
    known = KNOWN[prefix] | (parts.keys() if prefix == PREFIX else set())
    texts = []
    for name in names:
        nearest = get_close_matches(name, known, 1, 0.0)[0]
        texts.append(f'{name}: there is no such variable. The nearest is {parts.get(nearest, nearest)}.')
    return f'{" ".join(texts)} One of your own is to be listed in {prefix}own_variables.'


def declare(host: str, variables: Mapping[str, Any], check: bool = True) -> Declared:
    """What the host declares. variables: those of the host, templates resolved. Raises InputError that names the variables.

    check: whether values are what the variables take, and in their types. rollout checks that of each circuit, too.
    """
    own = _names(variables)
    if text := unknown(variables, own):
        raise InputError(*text.split(': ', 1))
    if text := mistyped(variables):
        raise InputError(*text.split(': ', 1))
    given = {name: value for name, value in _given(variables).items() if name in SPEC}
    values = {name.removeprefix(PREFIX): value for name, value in (_validated(given) if check else given).items()}
    circuit = {'name': _plain(variables, host), **{name: values[name] for name in (*ROLE, 'loa_name', 'wait_for') if name in values}}
    state = values.get('state', 'present')
    if check and state == 'present':
        _check(circuit)
    account = {name: values[name] for name in ACCOUNT if name in values}
    run = {name: values.get(name, row.get('default')) for name, row in RUN.items()}
    return Declared(host, state, circuit, account, run)


def _names(variables: Mapping[str, Any]) -> list[str]:
    """The user's own variables, given as a list or as one text with commas."""
    own = variables.get(f'{PREFIX}own_variables') or []
    return [name.strip() for name in own.split(',')] if isinstance(own, str) else list(own)


def _given(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Those that say something: an empty string, null and an empty dict do not. A list is one that is given."""
    return {name: value for name, value in said(dict(variables)).items() if value not in ('', None, {})}


def _plain(variables: Mapping[str, Any], host: str) -> str:
    return variables.get(f'{PREFIX}name') or host


def _validated(given: Mapping[str, Any]) -> dict[str, Any]:
    """The variables in their types, without what nobody gave. Raises InputError."""
    values = validated(given, SPEC, Secrets(secrets_of(SPEC, given)).withhold)
    return {name: _typed(SPEC[name], values[name]) for name in given}


def _typed(row: Mapping[str, Any], value: Any) -> Any:
    """A dict without the keys that the validation added for those that nobody gave, and without older words for others."""
    if not isinstance(value, Mapping) or 'options' not in row:
        return value
    return {name: inner for name, inner in value.items() if inner is not None and name in row['options']}


def _check(circuit: Mapping[str, Any]) -> None:
    """Raises InputError, in the names of variables, for what no circuit can be."""
    try:
        chain_of(circuit)
        checked('loa_name', circuit.get('loa_name') or '', loa_name, [])
    except InputError as error:
        error.message = re.sub(r'^[\w., ]+?(?=:)', lambda match: _prefixed(match[0]), error.message)
        error.details['option'] = _prefixed(error.details['option'])
        raise


def _prefixed(options: str) -> str:
    return ', '.join(PREFIX + option for option in options.split(', '))


# Hosts together.

def twice(hosts: Iterable[Declared]) -> dict[str, InputError]:
    """{host: why} of those that declare a circuit that another one of the same account declares too."""
    found: dict[tuple, list[Declared]] = {}
    for host in hosts:
        if host.state != SPARE:
            found.setdefault((_key(host.account), host.name), []).append(host)
    return {host.host: InputError(f'{PREFIX}name', f'{host.name!r} is declared by {_others(host, same)} too.')
            for same in found.values() if len(same) > 1 for host in same}


def _others(host: Declared, hosts: Iterable[Declared]) -> str:
    return ', '.join(other.host for other in hosts if other is not host)


def disagreeing(hosts: Iterable[Declared]) -> dict[str, InputError]:
    """{host: why} of those whose account is to have another AS number too."""
    found: dict[tuple, dict[int, str]] = {}
    hosts = [host for host in hosts if host.run['default_asn'] and host.state == 'present']
    for host in hosts:
        found.setdefault(_key(host.account), {}).setdefault(host.run['default_asn'], host.host)
    return {host.host: InputError(f'{PREFIX}default_asn', f'an account has one, and not {_listed(asns)}.')
            for host in hosts if len(asns := found[_key(host.account)]) > 1}


def _listed(asns: Mapping[int, str]) -> str:
    return ' and '.join(f'{asn} ({host})' for asn, host in asns.items())


def rollouts(hosts: Iterable[Declared], state: str, name_of: Callable[[str], str]) -> list[Rollout]:
    """The runs: those that delete first, one for each account and set of options. state: of those that are present.

    name_of: makes the name of a circuit of a host or a circuit.
    """
    hosts = [host for host in hosts if host.state != SPARE]
    asns = {_key(host.account): host.run['default_asn'] for host in hosts if host.run['default_asn']}
    found: dict[tuple, Rollout] = {}
    for host in sorted(hosts, key=lambda host: host.state != 'absent'):
        options = {**host.run, 'default_asn': asns.get(_key(host.account)) if host.state == 'present' else None}
        timeout = options.pop('wait_timeout')
        mode = state if host.state == 'present' else 'deleted'
        run = found.setdefault((mode, _key(host.account), _key(options)), Rollout(mode, host.account, options, [], {}))
        run.options['wait_timeout'] = max(timeout or 0, run.options.get('wait_timeout') or 0) or None
        run.circuits.append(keep_away(host.circuit, name_of))
        run.hosts[host.name] = host.host
    return list(found.values())


def _key(values: Mapping[str, Any]) -> tuple:
    return tuple(sorted((name, value) for name, value in values.items() if value is not None))


def keep_away(circuit: dict[str, Any], name_of: Callable[[str], str]) -> dict[str, Any]:
    """The circuit with circuits in the place of hosts in diverse_from."""
    apart = apart_from(circuit)
    return {**circuit, 'slot': {**circuit['slot'], 'diverse_from': [name_of(other) for other in apart]}} if apart else circuit


def apart_from(circuit: Mapping[str, Any]) -> list[str]:
    """What the circuit keeps away from."""
    return (circuit.get('slot') or {}).get('diverse_from') or []


def keep_away_too(circuit: dict[str, Any], others: Mapping[str, Collection[str]]) -> dict[str, Any]:
    """The circuit, away from those of the others that keep away from it: of two the second does, whichever says so.

    others: {circuit: those that it keeps away from}.
    """
    followers = [name for name, apart in others.items() if circuit['name'] in apart]
    slot = circuit.get('slot')
    if not (slot and followers):
        return circuit
    return {**circuit, 'slot': {**slot, 'diverse_from': list(dict.fromkeys([*apart_from(circuit), *followers]))}}


# Steps, and what came of them.

def steps(run: Collection[str], skipped: Collection[str], own: Collection[str]) -> list[str]:
    """The steps that tags choose, decommission among them. run, skipped: --tags and --skip-tags; own: the user's tags on the role."""
    known = [*STEPS, DECOMMISSION]
    every = {'all', 'tagged', *own} & {*run} or 'always' in own
    return [step for step in known if (every or step in run) and step not in skipped]


def rows(hosts: Iterable[Declared], result: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """{host: what became of it}, of the result of a rollout: the fact of the role, with what Ansible has to know."""
    circuits = {one['name']: one for one in result.get('circuits', ())}
    diffs: dict[str | None, list[dict[str, Any]]] = {}
    for one in result.get('diff', ()):
        diffs.setdefault(one.get('circuit'), []).append(one)
    return {host.host: _row(host, circuits.get(host.name, {}), result) | {'diff': diffs.get(host.name, [])} for host in hosts}


def _row(declared: Declared, found: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
    objects = found.get('objects') or {}
    absent = declared.state == 'absent'
    shown = {
        'name': declared.name, 'state': 'absent' if absent else 'present',
        'changed': bool(found.get('changed')), 'outcome': found.get('outcome'),
        **{kind: objects.get(kind) for kind in ('interconnect', 'cni', 'health_check')},
        'settings': result.get('settings'), 'status': found.get('status'), 'files': {} if absent else found.get('files') or {},
    }
    failure = found if found else result if result.get('failed') else {}
    shown |= {key: failure[key] for key in ('msg', 'error', 'applied', 'addresses') if key in failure}
    if failure and (failure is result or found['outcome'] == 'failed'):
        text = failure.get('msg', 'failed')
        shown |= {'failed': True, 'outcome': 'failed', 'msg': text if text.startswith(f'{declared.host}: ') else f'{declared.host}: {text}'}
    return shown


def refused(host: str, error: InputError) -> dict[str, Any]:
    """What became of a host whose variables can't be."""
    shown = error.result()
    return {'name': host, 'changed': False, 'failed': True, 'outcome': 'failed', **shown, 'msg': f'{host}: {shown["msg"]}'}


def of_account(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The diff of a rollout that is of no circuit: that of the account's settings."""
    return [one for one in result.get('diff', ()) if 'circuit' not in one and 'prepared' not in one]


COLUMNS = ('circuit', 'outcome', 'interconnect', 'status', 'message')
PENDING = 'A port is Pending until its cross-connect is run, 2 to 4 weeks as a rule.'


def table(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Lines for people: a head, one for each circuit, and what a state means that is no fault."""
    lines = [COLUMNS, *(_cells(one) for one in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS) - 1)]
    shown = ['  '.join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[-1]]).rstrip() for line in lines]
    return [*shown, *([PENDING] if any(line[3] == 'Pending' for line in lines) else [])]


def _cells(one: Mapping[str, Any]) -> tuple[str, ...]:
    status, port = one.get('status') or {}, (one.get('interconnect') or {}).get('name') or (one.get('cni') or {}).get('interconnect')
    message = str(one.get('msg')).removeprefix(f'{one.get("name")}: ') if one.get('failed') else status.get('reason')
    texts = [text or '-' for text in (one.get('name'), one.get('outcome'), port, status.get('state'))]
    return tuple(' '.join(str(text).split()) for text in (*texts, message or ''))
