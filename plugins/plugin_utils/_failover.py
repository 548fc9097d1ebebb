# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A failover drill: whether it may begin, what it changes and restores, its record and its report, and that no other one runs."""

from __future__ import annotations

import fcntl
import math
import os
import re
import shlex
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import HEALTHY
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._impact import impact_of, missing_for_traffic

LOCK_WAIT = 15  # seconds: a task outlives a killed ansible-playbook until it ends
TIME = '%Y-%m-%dT%H:%M:%SZ'


class Number(NamedTuple):
    """A setting in seconds: its type, its default, and the least that it may be."""

    kind: type
    default: float
    least: float


NUMBERS = {'hold': Number(int, 30, 0), 'timeout': Number(int, 60, 1), 'max_gap': Number(float, 10.0, 0),
           'ping_interval': Number(float, 0.2, 0.001)}


# What a drill changes.

def drill_of(account: Mapping[str, Any], circuit: str) -> dict[str, Any]:
    """What a drill of a circuit changes, and in refusals why it may not begin.

    account: {interconnects, cnis, statuses, routes, maintenance, change}, as the info modules return them, and tunnels: {interconnect:
    tunnels}. With the first two only, the result is of use for what it lists under interconnects: those whose status is needed.

    The priority of each route over the circuit becomes one more than that of the best route over a partner. So it still wins over routes
    that the partner is preferred to, and over the partner itself once a failing health check adds 500,000 or more to its priority.
    """
    cnis = {get(cni, 'magic.conduit_name'): cni for cni in account['cnis']}
    if circuit not in cnis:
        return {'circuit': circuit, 'interconnects': [], 'refusals': [f'the circuit {circuit} does not exist in this account']}
    impact = impact_of({'circuits': [circuit]}, account['interconnects'], account['cnis'], account.get('statuses', ()))
    (own,) = [found for found in impact['circuits'] if found['name'] == circuit]
    out = {port['interconnect'] for port in account.get('maintenance', ())}
    partners = [name for name in own['partners'] if cnis[name]['interconnect'] not in out]
    next_hops = {_address(cnis[name], 'cust_ip'): name for name in partners}
    routes = [_moved(route, account.get('routes', ()), next_hops) for route in account.get('routes', ())
              if route['nexthop'] == _address(cnis[circuit], 'cust_ip')]
    addresses = [_address(cnis[circuit], end) for end in ('cust_ip', 'p2p_ip')]
    drill = {
        'circuit': circuit, 'site': own['site'], 'interconnect': own['interconnect'], 'device': own['device'], 'state': own['state'],
        'bgp': cnis[circuit].get('bgp') is not None, 'partners': partners, 'interconnects': impact['interconnects'], 'routes': routes,
        # What shows the circuit in the output of a traceroute or of a routing table: either of its ends.
        'addresses': rf'(?<![\d.])(?:{"|".join(map(re.escape, addresses))})(?![\d.])',
    }
    return {**drill, 'refusals': list(_refusals(drill, account, {name: cnis[name]['interconnect'] for name in partners}))}


def _address(cni: Object, end: str) -> str:
    return str(cni.get(end)).partition('/')[0]


def _moved(route: Object, routes: Iterable[Object], next_hops: Mapping[str, str]) -> dict[str, Any]:
    """A route over the circuit: its priority before and during the drill, the partner that takes over, and what would win over that.

    during is None for a route that is a backup already. next_hops: {address: partner}.
    """
    others = [other for other in routes if other['prefix'] == route['prefix'] and other['nexthop'] != route['nexthop']
              and other.get('scope') in (None, {}, route.get('scope'))]
    best = min((other for other in others if other['nexthop'] in next_hops), key=_priority, default=None)
    before = _priority(route)
    moved = {'id': route['id'], 'prefix': route['prefix'], 'nexthop': route['nexthop'], 'priority': before, 'during': None}
    if best is None:
        return {**moved, 'partner': None, 'in_the_way': None}
    in_the_way = min((other for other in others if other['nexthop'] not in next_hops and _priority(other) < _priority(best)),
                     key=_priority, default=None)
    return {**moved, 'partner': next_hops[best['nexthop']], 'in_the_way': in_the_way and in_the_way['nexthop'],
            'during': _priority(best) + 1 if before <= _priority(best) else None}


def _priority(route: Object) -> int:
    return int(route['priority'])


def _refusals(drill: Mapping[str, Any], account: Mapping[str, Any], ports: Mapping[str, str]) -> Iterator[str]:
    """Why a drill may not begin. ports: {partner: its interconnect}."""
    yield from _refusals_of_site(drill, account.get('change') or {})
    for partner, port in ports.items():
        missing = missing_for_traffic(port, account['cnis'], account['statuses'], account['tunnels'].get(port, ()), account['routes'])
        yield from (f'{partner}: {text}' for text in missing)
    for route in drill['routes'] if ports else ():
        yield from _refusals_of_route(route, ports)
    if not drill['bgp']:
        yield from _refusals_without_bgp(drill['circuit'], drill['routes'])


def _refusals_of_site(drill: Mapping[str, Any], change: Mapping[str, Any]) -> Iterator[str]:
    if not change.get('go', True):
        yield change['text']
    if drill['state'] != HEALTHY:
        yield f'{drill["circuit"]} is {drill["state"] or "without a status"}, so it has no traffic to move'
    if not drill['partners']:
        yield f'no other circuit at site {drill["site"]} is Healthy on another device and without announced maintenance'


def _refusals_of_route(route: Mapping[str, Any], partners: Iterable[str]) -> Iterator[str]:
    if route['partner'] is None:
        yield f'{route["prefix"]}: no static route leads over {" or ".join(partners)}, which would have to take over'
    elif route['in_the_way']:
        yield f'{route["prefix"]}: the route to {route["in_the_way"]} would take over, not that to {route["partner"]}'


def _refusals_without_bgp(circuit: str, routes: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    if not routes:
        yield f'neither BGP nor a static route brings traffic to {circuit}'
    elif all(route['partner'] and route['during'] is None for route in routes):
        yield f'each static route over {circuit} is a backup, so there is no traffic to move'


# What a drill starts with.

def start_of(drill: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """{refusals, steps, record, ping_command, unanswered} of a drill as drill_of plans it. With refusals, the others are empty.

    settings: host, folder, begun (a time), path (the result of path_command), configuration (the file that the role peer wrote last), and
    the variables of the playbook without failover_ before them: hold, timeout, max_gap, path_command, pause, ping, ping_interval,
    ping_source, ping_via, router_tasks. Each may be a text, as ansible-core 2.18 and older make it, and None or '' means not set.

    record: what is on disk before the first change. ping_command: a shell's, empty without a ping. unanswered: a regular expression that
    the output of the ping matches once nothing was answered for more than max_gap seconds.
    """
    options = {name: value for name, value in settings.items() if value not in (None, '')}
    refusals = [*drill['refusals'], *_wrong_numbers(options)]
    path = options.get('path', {}).get('stdout', '')
    if 'path_command' in options and not re.search(drill.get('addresses', ''), path):
        refusals.append(f'failover_path_command prints no address of {drill["circuit"]}')
    if refusals:
        return {'refusals': refusals, 'steps': [], 'record': {}, 'ping_command': '', 'unanswered': ''}
    record = _record(drill, {**options, 'path': path}, {name: row.kind(options.get(name, row.default)) for name, row in NUMBERS.items()})
    return {
        'refusals': [], 'steps': list(_steps(drill, record, options['folder'])), 'record': record,
        'ping_command': _ping_command(record, options) if record['ping'] else '',
        'unanswered': _unanswered(record['max_gap'], record['ping']['interval']) if record['ping'] else '',
    }


def _wrong_numbers(options: Mapping[str, Any]) -> Iterator[str]:
    for name, row in NUMBERS.items():
        try:
            right = row.least <= row.kind(options.get(name, row.default)) < math.inf
        except (TypeError, ValueError):
            right = False
        if not right:
            yield f'failover_{name} is {options[name]}, and has to be a number of seconds, {row.least} or more'


def _record(drill: Mapping[str, Any], options: Mapping[str, Any], numbers: Mapping[str, float]) -> dict[str, Any]:
    file = f'{options["host"]}-{re.sub("[-:]", "", options["begun"])}'
    router, configuration, folder = _router(drill, options), options.get('configuration'), options['folder']
    return {
        'format': 1, 'circuit': drill['circuit'], 'host': options['host'], 'file': file, 'site': drill['site'],
        'partners': drill['partners'],
        'addresses': drill['addresses'], 'bgp': drill['bgp'], 'routes': [route for route in drill['routes'] if route['during'] is not None],
        'times': {'begun': options['begun']},
        'router': router, 'router_tasks': options.get('router_tasks', ''),
        'configurations': {step: os.path.join(folder, 'router', step, os.path.basename(configuration))
                           for step in ('drain', 'withdraw', 'restore')} if router == 'tasks' and configuration else {},
        'path_command': options.get('path_command', ''), 'path': options['path'],
        'ping': {'target': options['ping'], 'interval': numbers['ping_interval'], 'log': os.path.join(folder, f'{file}.ping')}
        if 'ping' in options else None,
        **{name: numbers[name] for name in ('hold', 'timeout', 'max_gap')},
    }


def _router(drill: Mapping[str, Any], options: Mapping[str, Any]) -> str:
    """Who changes the router: tasks, pause (a person) or none."""
    if 'router_tasks' in options:
        return 'tasks'
    return 'pause' if boolean(options.get('pause', drill['bgp']), strict=False) else 'none'


def _steps(drill: Mapping[str, Any], record: Mapping[str, Any], folder: str) -> Iterator[str]:
    yield (f'measure the loss with a ping to {record["ping"]["target"]}' if record['ping']
           else 'measure no loss, and end no outage early, as failover_ping is not set')
    for route in drill['routes']:
        yield f'{route["prefix"]} to {route["nexthop"]}: ' + (
            'stays, it is a backup' if route['during'] is None
            else f'priority {route["priority"]} -> {route["during"]}, so {route["partner"]} takes over')
    by = f'by {record["router_tasks"]}' if record['router'] == 'tasks' else 'by you'
    if record['router'] != 'none':
        yield f'drain the circuit on the router, {by}'
    if record['path_command']:
        yield f'wait until the traffic has left the circuit, {record["timeout"]} s at most'
    if record['router'] != 'none' and drill['bgp']:
        yield f'withdraw all prefixes of the session on the router, {by}'
    yield f'hold for {record["hold"]} s'
    yield f'restore all of it, check the site again, and write the report to {folder}'


def _ping_command(record: Mapping[str, Any], options: Mapping[str, Any]) -> str:
    """Runs the ping in the background, and prints its process. It ends by itself, as nothing else ends it once the drill is killed."""
    longest = record['hold'] + 10 * record['timeout'] + (3600 if record['router'] == 'pause' else 0)
    source = f'-I {shlex.quote(options["ping_source"])} ' if 'ping_source' in options else ''
    return (f'nohup {options.get("ping_via", "")} ping -n -O -i {record["ping"]["interval"]} -w {longest} {source}'
            f'{shlex.quote(record["ping"]["target"])} > {shlex.quote(record["ping"]["log"])} 2>&1 < /dev/null & echo $!')


def _unanswered(max_gap: float, interval: float) -> str:
    """So many lines in a row that are no answer; the first one may be the end of an answer."""
    return rf'((?![0-9]+ bytes from).*\n){{{math.ceil(max_gap / interval) + 1}}}'


# What a drill restores and reports.

def restoration_of(routes: Iterable[Mapping[str, Any]], current: Iterable[Object]) -> dict[str, list]:
    """{changes, left}: the routes of a record to restore, each with its id and its priority of before, and a text for each left alone.

    A priority that is neither that of before nor that of the drill is somebody else's.
    """
    by_id, changes, untouched = {route['id']: route for route in current}, [], []
    for route in routes:
        now = _priority(by_id[route['id']]) if route['id'] in by_id else None
        if now is not None and now == route['during']:
            changes.append({'id': route['id'], 'prefix': route['prefix'], 'priority': route['priority']})
        elif now is None:
            untouched.append(f'{route["prefix"]}: the route to {route["nexthop"]} was deleted during the drill')
        elif now != route['priority']:
            untouched.append(f'{route["prefix"]}: somebody else set the priority to {now} during the drill; it was {route["priority"]}')
    return {'changes': changes, 'left': untouched}


def report_of(record: Mapping[str, Any], measured: Mapping[str, Any]) -> dict[str, Any]:
    """The report of a drill that is restored.

    measured: times (of the steps), refusals (of the gate after the drill), routes (static routes of the account), ping (its output),
    path_during and path_after (results of path_command), failure ({task, result}, empty if no step failed), and interrupted.
    """
    ping = {**record['ping'], **loss_of(measured['ping'], record['ping']['interval'])} if record['ping'] else None
    report = {
        'format': 1, 'circuit': record['circuit'], 'site': record['site'], 'partners': record['partners'], 'outcome': None, 'problems': [],
        'times': {**record['times'], **measured['times']}, 'router': record['router'], 'routes': record['routes'],
        'left_alone': restoration_of(record['routes'], measured['routes'])['left'],
        'path': {'before': record['path'], 'during': measured['path_during'].get('stdout'), 'after': measured['path_after'].get('stdout')},
        'ping': ping, 'hold': record['hold'],
    }
    problems = [*([failure_text(**measured['failure'])] if measured['failure'] else []), *_path_problems(record, report['path']['after']),
                *measured['refusals'], *(_losses(ping, report['times'], record['max_gap']) if ping else [])]
    outcome = 'interrupted' if measured['interrupted'] else 'failed' if problems else 'passed'
    return {**report, 'outcome': outcome, 'problems': problems}


def failure_text(task: str, result: Mapping[str, Any]) -> str:
    """Why a task has failed, in a line. result: that of the task; of a loop, the item that failed says why."""
    failed = next((item for item in result.get('results', ()) if item.get('failed')), result)
    if result.get('_ansible_no_log') or failed.get('_ansible_no_log'):
        return f'{task}: failed, and its output is hidden'
    if not failed.get('msg') and 'attempts' in failed:
        return f'{task}: not so after {failed["attempts"]} attempts'
    lines = str(failed.get('stderr') or '').splitlines()[-1:]
    return ': '.join([task, failed.get('msg') or 'failed', *lines])


def _path_problems(record: Mapping[str, Any], after: str | None) -> Iterator[str]:
    before, now = (set(re.findall(record['addresses'], text or '')) for text in (record['path'], after))
    if record['path_command'] and before != now:
        yield f'the traffic is not back on {record["circuit"]}'


def _losses(ping: Mapping[str, Any], times: Mapping[str, str], max_gap: float) -> Iterator[str]:
    if ping['longest_gap'] > max_gap:
        yield f'{ping["longest_gap"]} s without an answer, more than {max_gap}'
    if 'drain' in times:
        drill, shown = (_time(times['restored']) - _time(times['drain'])).total_seconds(), ping['sent'] * ping['interval']
        # A ping takes a little longer than its interval says, the more so on a busy machine.
        if drill - shown > max_gap + drill / 10:
            yield f'the ping shows {shown:.0f} s of the {drill:.0f} s between drain and restore, so what was lost is not known'


def _time(text: str) -> datetime:
    return datetime.strptime(text, TIME)


# What a ping measured.

def loss_of(output: str, interval: float | str) -> dict[str, Any]:
    """{sent, received, loss_percent, longest_gap} of the output of `ping -n -O`; longest_gap in seconds, of requests lost in a row.

    interval: seconds between two requests. Without the closing lines of ping, what it has shown so far counts.
    """
    answered = sorted({int(number) for number in re.findall(r'bytes from [^\n]*icmp_seq=(\d+)', output)})
    shown = [int(number) for number in re.findall(r'icmp_seq=(\d+)', output)]
    total = re.search(r'(\d+) packets transmitted', output)
    sent = int(total[1]) if total else max(shown, default=0)
    lost_in_a_row = [later - earlier - 1 for earlier, later in zip([0, *answered], [*answered, sent + 1], strict=True)]
    return {
        'sent': sent, 'received': len(answered), 'loss_percent': round(100 * (sent - len(answered)) / sent, 2) if sent else 0.0,
        'longest_gap': round(max(lost_in_a_row) * float(interval), 2),
    }


# One drill at a time.

_locks: dict[str, int | None] = {}


def is_locked(path: str, wait: float = LOCK_WAIT) -> bool:
    """Whether this run holds the lock on a file, from its first call on.

    A lock that ansible-playbook itself takes is inherited by the processes of its tasks. So it lasts until the last of them has ended, even
    if ansible-playbook is killed, and no task of a killed drill can change anything after the next drill has begun.
    """
    if path not in _locks:
        handle, deadline = os.open(path, os.O_RDWR | os.O_CREAT, 0o600), time.monotonic() + wait
        while (held := _try_lock(handle)) is False and time.monotonic() < deadline:
            time.sleep(0.2)
        _locks[path] = handle if held else None
    return _locks[path] is not None


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
