# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults in the design of circuits and routes, which nobody notices while all circuits are up. Pure functions over an overview."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import HEALTHY, PENALTY_OF_DOWN

MAX_NAMES = 3  # names that are listed, before the others are only counted

Entry = Mapping[str, Any]  # a prefix of the overview, with its routes
Circuit = Mapping[str, Any]
Faults = Iterator[tuple[Any, str]]  # what has a fault, a circuit or a prefix, and the fault; {names} in its text are all that have it


def design_faults(overview: Mapping[str, Any]) -> list[dict[str, Any]]:
    """[{kind, names, text}]: the faults, those of one text together. names: circuits or prefixes. overview: of the filter of that name."""
    found: dict[tuple[str, str], list[str]] = {}
    for kind, faults in FAULTS.items():
        for name, text in faults(overview):
            found.setdefault((kind, text), []).append(name)
    return [{'kind': kind, 'names': names, 'text': text.format(names=shortened(names), are='is' if len(names) == 1 else 'are',
                                                               have='has' if len(names) == 1 else 'have')}
            for (kind, text), names in found.items()]


def shortened(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    return ', '.join([*names[:MAX_NAMES], *([f'{len(names) - MAX_NAMES} more'] if len(names) > MAX_NAMES else [])])


def names_in_scope(route: Mapping[str, Any]) -> set[str]:
    """The data centres and regions that a route is for; none if it is for all."""
    return {str(name) for names in (route.get('scope') or {}).values() for name in names or ()}


def key_of(circuit: Circuit | None) -> tuple[str, str] | None:
    """What tells circuits apart. Ansible passes copies: the circuit of a route is another object than that in the list of circuits."""
    return circuit and (circuit['interconnect'], circuit['name'])


def circuits_of(routes: Iterable[Mapping[str, Any]]) -> list[Circuit]:
    """The circuits that routes lead to, each once."""
    return [*{key_of(route['circuit']): route['circuit'] for route in routes if route['circuit']}.values()]


def _is_redundant(entry: Entry) -> bool:
    """Whether a prefix has several circuits, and no path besides them."""
    return len(circuits_of(entry['routes'])) > 1 and all(route['circuit'] for route in entry['routes'])


def _escaped(*values: Any) -> tuple[str, ...]:
    """Names as parts of a text that is formatted."""
    return tuple(str(value).replace('{', '{{').replace('}', '}}') for value in values)


# Prefixes.

def _single_next_hops(overview: Mapping[str, Any]) -> Faults:
    for entry in overview['prefixes']:
        if entry['single']:
            route = entry['routes'][0]
            (hop,) = _escaped(route['circuit']['name'] if route['circuit'] else route['nexthop'])
            yield entry['prefix'], f'{{names}} {{have}} one next hop only, {hop}.'


def _shared(overview: Mapping[str, Any]) -> Faults:
    for entry in filter(_is_redundant, overview['prefixes']):
        for kind, where in (('device', 'on the device'), ('facility', 'in the facility')):
            places = {circuit[kind] for circuit in circuits_of(entry['routes'])}
            if len(places) == 1 and None not in places:
                yield entry['prefix'], f'All next hops of {{names}} are {where} {_escaped(*places)[0]}.'
                break


def _without_backup(overview: Mapping[str, Any]) -> Faults:
    for entry in filter(_is_redundant, overview['prefixes']):
        if len({route['priority'] for route in entry['routes']}) == 1:
            yield entry['prefix'], 'All routes of {names} have one priority: there is no backup if all of their circuits fail together.'


def _unreachable_backups(overview: Mapping[str, Any]) -> Faults:
    for entry in overview['prefixes']:
        priorities = [route['priority'] or 0 for route in entry['routes']]
        if max(priorities) > min(priorities) + PENALTY_OF_DOWN:
            yield entry['prefix'], (f'{{names}} {{have}} a backup that is never used: its priority is more than {PENALTY_OF_DOWN} above '
                                    'the first one, which is what a failing health check adds.')


def _partial_scopes(overview: Mapping[str, Any]) -> Faults:
    for entry in overview['prefixes']:
        if all(map(names_in_scope, entry['routes'])):
            scopes = ', '.join(_escaped(*sorted({name for route in entry['routes'] for name in names_in_scope(route)})))
            yield entry['prefix'], f'All routes of {{names}} have a scope: what arrives elsewhere than {scopes} has none.'


def _unequal_mtus(overview: Mapping[str, Any]) -> Faults:
    for entry in overview['prefixes']:
        circuits = circuits_of(entry['routes'])
        for field, what in (('mtu', 'MTU'), ('tunnel_mtu', 'MTU of the tunnel')):
            mtus = {circuit['name']: circuit[field] for circuit in circuits if circuit[field] is not None}
            if len({*mtus.values()}) > 1:
                by_circuit = ', '.join(_escaped(*(f'{name} {mtu}' for name, mtu in mtus.items())))
                yield entry['prefix'], f'The {what} is not the same on the circuits of {{names}}: {by_circuit}.'


def _routes_without_circuit(overview: Mapping[str, Any]) -> Faults:
    for route in overview['astray']:
        yield str(route['prefix']), (f'The next hop {_escaped(route["nexthop"])[0]} of {{names}} is no CNI. It may be a GRE or IPsec '
                                     'tunnel, or not exist.')


# Circuits.

def _in_use(overview: Mapping[str, Any]) -> list[Circuit]:
    """The circuits that routes lead to, or that have BGP."""
    routed = {key_of(circuit) for entry in overview['prefixes'] for circuit in circuits_of(entry['routes'])}
    return [circuit for circuit in overview['circuits'] if key_of(circuit) in routed or (circuit['bgp'] and not circuit['spare'])]


def _without_health_check(overview: Mapping[str, Any]) -> Faults:
    for circuit in _in_use(overview):
        if circuit['health_check'] is False:
            yield circuit['name'], '{names} {have} no health check: Cloudflare does not notice a failure, and keeps sending.'
        elif circuit['health_check'] is None:
            yield circuit['name'], 'The API shows no health check of {names}: whether Cloudflare would notice a failure is not known.'


def _not_healthy(overview: Mapping[str, Any]) -> Faults:
    for circuit in _in_use(overview):
        if circuit['state'] != HEALTHY:
            (state,) = _escaped(circuit['state'])
            yield circuit['name'], f'{{names}} {{are}} {state}, but {{have}} routes or BGP.'


def _mixed_bgp(overview: Mapping[str, Any]) -> Faults:
    for site in overview['sites']:
        circuits = [circuit for circuit in site['circuits'] if not circuit['spare']]
        with_bgp, without = ([circuit['name'] for circuit in circuits if circuit['bgp'] is has_bgp] for has_bgp in (True, False))
        if with_bgp and without:
            names, others, place = _escaped(shortened(sorted(with_bgp)), shortened(sorted(without)), site['name'] or 'an unknown site')
            yield site['name'], (f'At {place}, BGP is on {names} and not on {others}: a static route wins over one that BGP has learned, '
                                 'if prefix and priority are the same.')


def _without_routes(overview: Mapping[str, Any]) -> Faults:
    for circuit in overview['unrouted']:
        yield circuit['name'], '{names} {have} neither BGP nor a static route: nothing is sent there, even if other circuits fail.'


# In the order in which they are shown.
FAULTS = {
    'single_next_hop': _single_next_hops,
    'shared': _shared,
    'no_health_check': _without_health_check,
    'not_healthy': _not_healthy,
    'unreachable_backup': _unreachable_backups,
    'partial_scope': _partial_scopes,
    'unequal_mtu': _unequal_mtus,
    'mixed_bgp': _mixed_bgp,
    'no_circuit': _routes_without_circuit,
    'no_routes': _without_routes,
    'no_backup': _without_backup,
}
