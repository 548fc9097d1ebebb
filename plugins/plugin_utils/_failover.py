# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A failover drill: whether it may begin, what it changes and restores, what a ping measured, and that no other one runs."""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import HEALTHY
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._impact import impact_of, lacks_of

LOCK_WAIT = 15  # seconds: a task outlives a killed ansible-playbook until it ends


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
        lacks = lacks_of(port, account['cnis'], account['statuses'], account['tunnels'].get(port, ()), account['routes'])
        yield from (f'{partner}: {lack}' for lack in lacks)
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


def restoration_of(routes: Iterable[Mapping[str, Any]], current: Iterable[Object]) -> dict[str, list]:
    """{changes, left}: the routes of a record to restore, each with its id and its priority of before, and a text for each left alone.

    A priority that is neither that of before nor that of the drill is somebody else's.
    """
    found, changes, left = {route['id']: route for route in current}, [], []
    for route in routes:
        now = _priority(found[route['id']]) if route['id'] in found else None
        if now is not None and now == route['during']:
            changes.append({'id': route['id'], 'prefix': route['prefix'], 'priority': route['priority']})
        elif now is None:
            left.append(f'{route["prefix"]}: the route to {route["nexthop"]} was deleted during the drill')
        elif now != route['priority']:
            left.append(f'{route["prefix"]}: somebody else set the priority to {now} during the drill; it was {route["priority"]}')
    return {'changes': changes, 'left': left}


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
