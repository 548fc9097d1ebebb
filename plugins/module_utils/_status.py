# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status of interconnects: read, waited for, and judged against what is expected of sites; the work of the module status_info."""

from __future__ import annotations

import itertools
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import Client
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import CniError, ExpectationError, InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._find import interconnect_names
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._gate import (
    Maintenance,
    announced_maintenance,
    change_verdict,
    interconnects_at_site_of,
    named_maintenance,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._loa import TIME_FORMAT, utc_now
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import Task
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._observe import observe, read_many, read_objects
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import ALERT, CNI, HEALTHY, INTERCONNECT, STATUS
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._snapshot import Snapshot
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._traffic import traffic_of
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import SYNONYMS, megabits_of

COUNTED_FIELDS = {'healthy': 'name', 'devices': 'ccr_device_name', 'facilities': 'facility.name'}  # {option: field}
EXPECT = {
    'type': 'list',
    'elements': 'dict',
    'options': {'site': {'type': 'str', 'required': True}, **{name: {'type': 'int'} for name in COUNTED_FIELDS}},
}
SINGULAR_OPTIONS = {'interconnects': 'interconnect', 'conduit_names': 'conduit_name'}  # {list: option for a single name}
CNI_MEGABITS = 1000  # from the customer to Cloudflare on each CNI, on dataplane v2; source: Cloudflare's product documentation
PREFETCH = (CNI.name, INTERCONNECT.name)  # the lists that are read in any case


# Reading and waiting.

def states_of(names: Iterable[str] | None) -> set[str]:
    """The states that an option names, in today's words of the API."""
    return {SYNONYMS.get(name, name) for name in names or ()}


def wait_for_states(client: Client, goals: Mapping[str, Container[str] | None], timeout: float) -> dict[str, Object]:
    """{name: {state, reason}} of interconnects, once each is in one of its states, or after timeout seconds.

    goals: {name: states}; without states it is read once. An interconnect that has reached a state is not read again: its status is that of
    then. One without a status has no entry: the status of a new interconnect comes late and is waited for, that of a deleted one is not.
    """
    deadline, statuses_by_name, names = client.clock() + timeout, {}, list(goals)
    for attempt in itertools.count(1):
        statuses_by_name |= read_many(client, STATUS.name, names)
        seconds_left = deadline - client.clock()
        names = [name for name in names if goals[name] and seconds_left > 0
                 and _is_awaited(client, name, statuses_by_name[name], goals[name])]
        if not names:
            return {name: statuses[0] for name, statuses in statuses_by_name.items() if statuses}
        client.back_off(attempt, seconds_left)
    raise AssertionError('unreachable')


def _is_awaited(client: Client, name: str, statuses: Sequence[Object], states: Container[str]) -> bool:
    """Whether an interconnect is to be read again."""
    if statuses:
        return statuses[0].get('state') not in states
    return bool(read_objects(client, INTERCONNECT.name, name))


# The module status_info.

def status_work(task: Task) -> dict[str, Any]:
    """The work of the module: statuses, the verdict if something is expected of sites, and whether a circuit may be changed."""
    params, goal, shown = task.params, states_of(task.params['wait_for']), states_of(task.params['states'])
    _check_expectations(params['expect'])
    check_site_demand(params['site_demand'])
    read = _read_account(task)
    circuits = circuits_by_interconnect(read.snapshot)
    known = wait_for_states(task.client, dict.fromkeys(read.beside) | dict.fromkeys(read.names, goal), params['wait_timeout'])
    found = {name: known[name] for name in read.names if name in known}
    statuses = [_status_result(name, found[name], circuits.get(name, [])) for name in sorted(found)]
    shown_statuses = [status for status in statuses if not shown or status['state'] in shown]
    ports = read.snapshot.objects(INTERCONNECT.name)
    ports_by_circuit = [port for port in ports for _circuit in circuits.get(port['name'], ())]  # once for each circuit on it
    for text in demand_warnings(params['site_demand'], ports_by_circuit):
        task.module.warn(text)
    reached = not goal or all(found.get(name, {}).get('state') in goal for name in read.names)
    result = {'changed': False, 'statuses': _with_traffic(task, shown_statuses, read.snapshot), 'reached': reached,
              **_maintenance_result(params, read, circuits), **_judgement(params, read, known)}
    refusals = [*([f'expect is not met: {result["verdict"]["text"]}.'] if not get(result, 'verdict.met', True) else []),
                *([f'{result["change"]["text"]}.'] if not get(result, 'change.go', True) else [])]
    if params['enforce'] and refusals:
        raise ExpectationError(' '.join(refusals), result, True)
    return result


class _Read(NamedTuple):
    """names: the interconnects that the options name; beside: those at the site of a change; maintenance: by interconnect."""

    names: list[str]
    beside: list[str]
    maintenance: Maintenance
    snapshot: Snapshot


def _read_account(task: Task) -> _Read:
    """What the options name of the account. Raises InputError."""
    params, alerts = task.params, _recent_alerts(task.client, task.params['maintenance_days'])
    options = dict(_names_of_options(params, *pair) for pair in SINGULAR_OPTIONS.items())

    def decide(snapshot: Snapshot) -> _Read:
        beside = interconnects_at_site_of(params['change'], snapshot) if params['change'] else []
        named = named_maintenance('under_maintenance', params['under_maintenance'] or (), snapshot)
        return _Read(interconnect_names(options, snapshot), beside, {**announced_maintenance(alerts, snapshot), **named}, snapshot)

    return observe(task.client, decide, prefetch=PREFETCH)


def _recent_alerts(client: Client, days: int | None) -> list[Object]:
    """The alerts of so many days. None are read without a number of them: that needs another permission."""
    if days is None:
        return []
    if days < 1:
        raise InputError('maintenance_days', f'{days} is not valid.', 'days, 1 or more')
    return read_objects(client, ALERT.name, None, {'since': (utc_now() - timedelta(days=days)).strftime(TIME_FORMAT)})


def _maintenance_result(params: Mapping[str, Any], read: _Read, circuits: Mapping[str, list[str]]) -> dict[str, Any]:
    """The maintenance that was looked for; nothing if none was."""
    if not (params['maintenance_days'] or params['under_maintenance']):
        return {}
    return {'maintenance': [{**read.maintenance[name], 'conduit_names': circuits.get(name, [])} for name in sorted(read.maintenance)]}


def _judgement(params: Mapping[str, Any], read: _Read, known: Mapping[str, Object]) -> dict[str, Any]:
    """verdict and change, as far as they are asked for. known: {interconnect: its status}."""
    judged: dict[str, Any] = {}
    states, names = {name: status.get('state') for name, status in known.items()}, {*read.names}
    if params['expect']:
        healthy = [obj for obj in read.snapshot.objects(INTERCONNECT.name) if obj['name'] in names
                   and states.get(obj['name']) == HEALTHY]
        judged['verdict'] = verdict_of(params['expect'], healthy, read.maintenance)
    if params['change']:
        judged['change'] = change_verdict(params['change'], states, read.maintenance, read.snapshot)
    return judged


def _check_expectations(expectations: Iterable[Mapping[str, Any]] | None) -> None:
    for expected in expectations or ():
        if not any((expected[name] or 0) > 0 for name in COUNTED_FIELDS):
            raise InputError('expect', f'no requirement is set for {expected["site"]!r}.', f'a number of {", ".join(COUNTED_FIELDS)}')


def _names_of_options(params: Mapping[str, Any], many: str, single: str) -> tuple[str, Sequence[str] | None]:
    """The option that is given, the list or the one for a single name, and the names in it."""
    return (many, params[many]) if params[single] is None else (single, [params[single]])


def circuits_by_interconnect(snapshot: Snapshot) -> dict[str, list[str]]:
    """{interconnect: the names of the circuits on it}."""
    circuits: dict[str, list[str]] = {}
    for cni in snapshot.objects(CNI.name):
        name = get(cni, 'magic.conduit_name')
        circuits.setdefault(cni.get('interconnect'), []).extend([name] if name else [])
    return {interconnect: sorted(names) for interconnect, names in circuits.items()}


def _status_result(name: str, status: Object, circuits: Sequence[str]) -> dict[str, Any]:
    return {'interconnect': name, 'conduit_name': circuits[0] if len(circuits) == 1 else None, 'conduit_names': circuits,
            'state': status.get('state'), 'reason': status.get('reason')}


def _with_traffic(task: Task, statuses: list[dict[str, Any]], snapshot: Snapshot) -> list[dict[str, Any]]:
    """The statuses, with the traffic of each tunnel if it is asked for. Warns if it cannot be read: the status is known all the same."""
    if not (task.params['traffic'] and statuses):
        return statuses
    names = [status['interconnect'] for status in statuses]
    try:
        found = observe(task.client, lambda snapshot: [traffic_of(name, snapshot) for name in names], snapshot)
    except CniError as error:
        task.module.warn(f'The traffic is not known. {error}')
        found = [None] * len(names)
    return [{**status, 'traffic': traffic} for status, traffic in zip(statuses, found, strict=True)]


def verdict_of(expectations: Sequence[Mapping[str, Any]], healthy: Iterable[Object],
               maintenance: Container[str] = ()) -> dict[str, Any]:
    """{met, text, sites}: what is expected of sites, compared with the interconnects that are Healthy.

    maintenance: names of interconnects that do not count, because they are about to go down.
    """
    sites = [_site_verdict(expected, [obj for obj in healthy if expected['site'] in (obj.get('site'), obj.get('region'))], maintenance)
             for expected in expectations]
    texts = [f'{site["site"]}: {_shortage_text(site)}' for site in sites if not site['met']]
    return {'met': not texts, 'text': '; '.join(texts) or 'as expected', 'sites': sites}


def _site_verdict(expected: Mapping[str, Any], healthy: Sequence[Object], maintenance: Container[str]) -> dict[str, Any]:
    counted = [obj for obj in healthy if obj['name'] not in maintenance]
    counts = {name: len({get(obj, path) for obj in counted} - {None}) for name, path in COUNTED_FIELDS.items()}
    short = {name: {'have': counts[name], 'want': expected[name]} for name in COUNTED_FIELDS if counts[name] < (expected[name] or 0)}
    left_out = {'under_maintenance': sorted(obj['name'] for obj in healthy if obj not in counted)} if maintenance else {}
    return {'site': expected['site'], 'met': not short, **counts, 'short': short, **left_out}


def _shortage_text(site: Mapping[str, Any]) -> str:
    text = ', '.join(f'{short["have"]} of {short["want"]} {name}' for name, short in site['short'].items())
    return f'{text} (under maintenance: {", ".join(site["under_maintenance"])})' if site.get('under_maintenance') else text


# What a site needs.

def check_site_demand(site_demand: Mapping[str, Any] | None) -> None:
    """Raises InputError for what is no bandwidth."""
    for site, demand in (site_demand or {}).items():
        if megabits_of(demand) is None:
            raise InputError('site_demand', f'{demand!r}, for {site}, is not valid.', 'a bandwidth such as 3G or 500M')


def demand_warnings(site_demand: Mapping[str, Any] | None, interconnects: Iterable[Object]) -> list[str]:
    """A warning for each site whose circuits can send less to Cloudflare than it needs.

    site_demand: {site, or region of Google Cloud: bandwidth}; interconnects: that of each circuit.
    """
    texts, interconnects = [], list(interconnects)
    for site, demand in (site_demand or {}).items():
        rates = [min(megabits_of(obj.get('speed')) or CNI_MEGABITS, CNI_MEGABITS) for obj in interconnects
                 if site in (obj.get('site'), obj.get('region'))]
        if sum(rates) < megabits_of(demand):
            texts.append(f'site_demand: {site} needs {demand} to Cloudflare, but has {len(rates)} circuit{"s" * (len(rates) != 1)} for '
                         f'{sum(rates) / 1000:g}G: Cloudflare accepts at most {CNI_MEGABITS / 1000:g}G on each CNI of dataplane v2.')
    return texts
