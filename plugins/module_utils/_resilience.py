# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to the traffic if a circuit fails, or what circuits share: a device, a facility, a site, an airport. Pure functions.

Source of the rules: Cloudflare's product documentation. The lowest priority wins, equal ones share the traffic. A failing health check adds
to the priority of the routes over a circuit, and without one Cloudflare keeps sending. A failed route stays in the table, so the route of a
shorter prefix takes over nothing. A route with a scope is in the tables of its regions only, beside those without.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._design import (
    circuits_of,
    design_faults,
    key_of,
    names_in_scope,
    shortened,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import HEALTHY, PENALTY_OF_DOWN
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._status import check_site_demand, demand_warnings
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import megabits_of

# The kinds of failure domains, the narrowest first: {kind: field of a circuit in the overview}.
DOMAINS = {'circuit': 'name', 'interconnect': 'interconnect', 'device': 'device', 'facility': 'facility', 'site': 'place',
           'airport': 'airport'}
IMPLIED = {'interconnect': 'circuit', 'airport': 'site'}  # not worth a word beside the other, if both are of the same circuits

Circuit = Mapping[str, Any]
Key = tuple[str, str]  # of a circuit
Route = Mapping[str, Any]  # of the overview: with its circuit, None for a next hop that is no CNI


class Flow(NamedTuple):
    """The traffic to a prefix that arrives in one region or data centre of Cloudflare, and the routes that it may take."""

    name: str
    routes: list[Route]


class Steered(NamedTuple):
    """Where Cloudflare sends a flow. best: the routes with the lowest priority; dead: those of them that lead nowhere.

    has_path: whether any route, best or not, leads anywhere.
    """

    best: list[Route]
    dead: list[Route]
    has_path: bool


class Routing(NamedTuple):
    """All flows, where they are sent now by their names, and the numbers of those that have a route over a circuit, by its key."""

    flows: list[Flow]
    now: dict[str, Steered]
    by_circuit: dict[Key | None, list[int]]

    def over(self, circuits: Iterable[Circuit]) -> list[Flow]:
        """The flows that have a route over one of the circuits, each once, in the order of all."""
        numbers = {number for circuit in circuits for number in self.by_circuit.get(key_of(circuit), ())}
        return [self.flows[number] for number in sorted(numbers)]


class Figures(NamedTuple):
    """What is known of volumes. commit_rates: {circuit: bandwidth to you}; site_demand: {site: bandwidth to Cloudflare}."""

    commit_rates: Mapping[str, Any]
    site_demand: Mapping[str, Any]

    def load_of(self, circuit: Circuit) -> float | None:
        """What a circuit has to carry to you in Mbit/s: as committed, or else as measured on average; None if neither is known."""
        if circuit['name'] in self.commit_rates:
            return megabits_of(self.commit_rates[circuit['name']])
        traffic = circuit['traffic'] or {}
        bits, seconds = traffic.get('bits_out'), traffic.get('seconds')
        return bits / seconds / 1e6 if bits is not None and seconds else None


# Where Cloudflare sends the traffic.

def routing_of(overview: Mapping[str, Any]) -> Routing:
    """The flows to all prefixes. One that routes with a scope lead to has a flow for each name in these, and one for elsewhere."""
    flows = [flow for entry in overview['prefixes'] for flow in _flows_of_prefix(entry)]
    by_circuit: dict[Key | None, list[int]] = {}
    for number, flow in enumerate(flows):
        for route in flow.routes:
            by_circuit.setdefault(key_of(route['circuit']), []).append(number)
    return Routing(flows, {flow.name: _steered(flow) for flow in flows}, by_circuit)


def _flows_of_prefix(entry: Mapping[str, Any]) -> Iterator[Flow]:
    origins = sorted({name for route in entry['routes'] for name in names_in_scope(route)})
    for origin in (None, *origins):
        routes = [route for route in entry['routes'] if origin in (names_in_scope(route) or {origin})]
        if routes:
            yield Flow(f'{entry["prefix"]} from {origin or "elsewhere"}' if origins else entry['prefix'], routes)


def _steered(flow: Flow, failed: Container[Key] = ()) -> Steered:
    """Where a flow is sent, failed: keys of the circuits that fail."""
    alive = {id(route): _is_alive(route['circuit'], failed) for route in flow.routes}
    priorities = {id(route): _priority(route, alive[id(route)]) for route in flow.routes}
    best = [route for route in flow.routes if priorities[id(route)] == min(priorities.values())]
    return Steered(best, [route for route in best if not alive[id(route)]], any(alive.values()))


def _is_alive(circuit: Circuit | None, failed: Container[Key]) -> bool:
    """A next hop that is no CNI counts as alive: nothing is known of it."""
    return circuit is None or (circuit['state'] == HEALTHY and key_of(circuit) not in failed)


def _priority(route: Route, is_alive: bool) -> int:
    is_noticed = not is_alive and route['circuit']['health_check'] is not False
    return (route['priority'] or 0) + PENALTY_OF_DOWN * is_noticed


# What fails.

def what_if(overview: Mapping[str, Any], fails: Any = (), commit_rates: Mapping[str, Any] | None = None,
            site_demand: Mapping[str, Any] | None = None, must_survive: Any = ()) -> dict[str, Any]:
    """{failures, faults, without_path, unknown, verdict, lines}: what fails with what, the worst first.

    overview: of the filter of that name. fails: names of what fails at the same time; without it each failure domain fails by itself.
    commit_rates, site_demand: as Figures. must_survive: kinds of DOMAINS. Raises InputError.
    """
    circuits = sorted((circuit for circuit in overview['circuits'] if not circuit['spare']), key=lambda circuit: circuit['name'])
    names, kinds = names_of(fails), names_of(must_survive)
    figures = _checked_figures(commit_rates or {}, site_demand or {}, circuits)
    _refuse_unknown('must_survive', kinds, DOMAINS, 'failure domain')
    groups = [_named_group(names, circuits)] if names else _domains(circuits)
    routing = routing_of(overview)
    failures = sorted((_failure(*group, routing, circuits, figures) for group in groups), key=_by_damage)
    found = {'failures': failures, 'faults': design_faults(overview), 'unknown': _unknown(circuits, overview),
             'without_path': [name for name, steered in routing.now.items() if not steered.has_path]}
    found['verdict'] = _verdict(found, kinds)
    return {**found, 'lines': _lines(found, len(circuits), bool(names))}


def names_of(value: Any) -> list[str]:
    """Names in a list, or in a text with commas between them."""
    names = value.split(',') if isinstance(value, str) else value or ()
    return [name.strip() for name in map(str, names) if name.strip()]


def _checked_figures(commit_rates: Mapping[str, Any], site_demand: Mapping[str, Any], circuits: Iterable[Circuit]) -> Figures:
    check_site_demand(site_demand)
    _refuse_unknown('commit_rates', commit_rates, [circuit['name'] for circuit in circuits], 'circuit')
    for circuit, rate in commit_rates.items():
        if megabits_of(rate) is None:
            raise InputError('commit_rates', f'{rate!r}, for {circuit}, is not valid.', 'a bandwidth such as 3G or 500M')
    return Figures(commit_rates, site_demand)


def _refuse_unknown(option: str, names: Iterable[str], known: Iterable[str], what: str) -> None:
    known = list(known)
    for name in names:
        if name not in known:
            nearest = ''.join(f' Did you mean {close}?' for close in get_close_matches(name, known, 1))
            raise InputError(option, f'there is no {what} {name!r}.{nearest}', known)


Group = tuple[list[dict[str, str]], list[Circuit]]  # the failure domains that are of these circuits


def _domains(circuits: Sequence[Circuit]) -> list[Group]:
    """The failure domains, those of the same circuits together. What the API does not report is in none."""
    groups: dict[tuple[Key, ...], Group] = {}
    for kind, field in DOMAINS.items():
        members: dict[str, list[Circuit]] = {}
        for circuit in circuits:
            members.setdefault(circuit[field], []).append(circuit)
        for name in sorted(filter(None, members)):
            groups.setdefault(tuple(map(key_of, members[name])), ([], members[name]))[0].append({'kind': kind, 'name': name})
    return list(groups.values())


def _named_group(names: Sequence[str], circuits: Sequence[Circuit]) -> Group:
    """What fails together, as the user names it. Raises InputError for a name that there is not."""
    kinds = {circuit[field]: kind for kind, field in reversed(DOMAINS.items()) for circuit in circuits if circuit[field]}
    _refuse_unknown('fails', names, kinds, ', '.join(DOMAINS).replace(', airport', ' or airport'))
    return ([{'kind': kinds[name], 'name': name} for name in dict.fromkeys(names)],
            [circuit for circuit in circuits if {circuit[field] for field in DOMAINS.values()} & {*names}])


def _failure(domains: list[dict[str, str]], members: Sequence[Circuit], routing: Routing, circuits: Iterable[Circuit],
             figures: Figures) -> dict[str, Any]:
    """What becomes of the flows if these circuits fail at the same time."""
    failed = {key_of(circuit) for circuit in members}
    lost, blackholed, moved = [], [], []
    moved_from: list[Route] = []
    moved_to: list[Route] = []
    for flow in routing.over(members):
        before, after = routing.now[flow.name], _steered(flow, failed)
        if not before.has_path:
            continue
        if not after.has_path:
            lost.append(flow.name)
        elif _over(after.dead, failed):
            blackholed.append(flow.name)
        elif former := _over(before.best, failed):
            moved.append({'prefix': flow.name, 'from': _hops(former), 'to': _hops(after.best)})
            moved_from += former
            moved_to += after.best
    capacity = _capacity(moved_from, moved_to, figures)
    shortages = _shortages(members, [circuit for circuit in circuits if key_of(circuit) not in failed], figures)
    return {'domains': domains, 'circuits': [circuit['name'] for circuit in members], 'lost': lost, 'blackholed': blackholed,
            'moved': moved, 'bgp': [circuit['name'] for circuit in members if circuit['bgp']], 'capacity': capacity, 'shortages': shortages,
            'single_point_of_failure': bool(lost or blackholed),
            'survives': not (lost or blackholed or shortages or capacity['enough'] is False)}


def _over(routes: Iterable[Route], circuits: Container[Key]) -> list[Route]:
    """Those of the routes that lead to one of the circuits."""
    return [route for route in routes if key_of(route['circuit']) in circuits]


def _hops(routes: Iterable[Route]) -> list[str]:
    """The names of circuits, or the addresses of other next hops."""
    return list(dict.fromkeys(route['circuit']['name'] if route['circuit'] else str(route['nexthop']) for route in routes))


def _by_damage(failure: Mapping[str, Any]) -> tuple[Any, ...]:
    return (-len(failure['lost']), -len(failure['blackholed']), failure['survives'], -len(failure['moved']), -len(failure['circuits']),
            failure['circuits'])


# Whether what remains can carry it.

def _capacity(moved_from: Iterable[Route], moved_to: Iterable[Route], figures: Figures) -> dict[str, Any]:
    """{needed, available, enough, text} in Mbit/s, of what Cloudflare sends to you. None is what is not known.

    moved_from, moved_to: the routes that the traffic leaves, and those that it takes instead. The traffic of a circuit is not known by
    prefix: all of it counts as moved, and what takes over counts as one. So enough is no proof that no single circuit is full.
    """
    failed, others = circuits_of(moved_from), circuits_of(moved_to)
    foreign = _hops(route for route in moved_to if not route['circuit'])
    loads = {circuit['name']: figures.load_of(circuit) for circuit in (*failed, *others)}
    speeds = {circuit['name']: megabits_of(circuit['speed']) for circuit in others}
    needed = None if None in loads.values() else sum(loads.values())
    available = None if foreign or None in speeds.values() else sum(speeds.values())
    result = {'needed': needed, 'available': available, 'enough': None, 'text': ''}
    reasons = [f'{name} is no CNI' for name in foreign]
    for values, what in ((speeds, 'speed'), (loads, 'traffic')):
        names = [name for name, value in values.items() if value is None]
        reasons += [f'no {what} of {shortened(names)}'] if names else []
    if reasons:
        return {**result, 'text': f'unknown: {", ".join(reasons)}'}
    if others:
        enough = needed <= available
        result |= {'enough': enough, 'text': f'{_rate(needed)} on {_rate(available)}{"" if enough else ": not enough"}'}
    return result


def _rate(megabits: float) -> str:
    return f'{megabits / 1000:.4g}G' if megabits >= 1000 else f'{megabits:.4g}M'


def _shortages(members: Iterable[Circuit], others: Iterable[Circuit], figures: Figures) -> list[str]:
    """The sites whose circuits that remain can send less to Cloudflare than the site needs. One that fails as a whole is not compared."""
    remaining = [{'site': circuit['place'], 'speed': circuit['speed']} for circuit in others if circuit['state'] == HEALTHY]
    sites = {circuit['place'] for circuit in members} & {circuit['site'] for circuit in remaining}
    demand = {site: bandwidth for site, bandwidth in figures.site_demand.items() if site in sites}
    return [text.removeprefix('site_demand: ') for text in demand_warnings(demand, remaining)]


# What is not known.

def _unknown(circuits: Sequence[Circuit], overview: Mapping[str, Any]) -> list[str]:
    """What no read shows, as far as it concerns this account."""
    unknowns: dict[str, Callable[[Circuit], bool]] = {
        'The API shows no prefixes that BGP has learned: what moves over the sessions of {names} is not known, nor whether they carry a '
        'prefix that has no static route left.': lambda circuit: circuit['bgp'],
        'The API reports no device of {names}.': lambda circuit: not circuit['device'] and circuit['type'] != 'gcp_partner',
        'The API reports no facility of {names}.': lambda circuit: not circuit['facility'] and circuit['type'] != 'gcp_partner',
    }
    concerned = {text: [circuit['name'] for circuit in circuits if is_concerned(circuit)] for text, is_concerned in unknowns.items()}
    foreign = [str(route['nexthop']) for route in overview['astray']]
    hops = ['Next hops that are no CNI count as a path: whether they exist, are up and have room is not known: '
            f'{shortened(list(dict.fromkeys(foreign)))}.'] if foreign else []
    return [text.format(names=shortened(names)) for text, names in concerned.items() if names] + hops


# For people.

def _verdict(found: Mapping[str, Any], kinds: Container[str]) -> dict[str, Any]:
    """{met, text}: whether the account survives the failure of any single domain of these kinds."""
    if not kinds:
        return {'met': True, 'text': ''}
    failing = [failure for failure in found['failures'] if not failure['survives']
               and any(domain['kind'] in kinds for domain in failure['domains'])]
    texts = [f'{title_of(failure)}: {_damage(failure)}' for failure in failing]
    texts += [f'no path now: {shortened(found["without_path"])}'] if found['without_path'] else []
    return {'met': not texts, 'text': '; '.join(texts)}


def _damage(failure: Mapping[str, Any]) -> str:
    texts = [f'no path left for {shortened(failure["lost"])}'] if failure['lost'] else []
    texts += [f'{shortened(failure["blackholed"])} blackholed'] if failure['blackholed'] else []
    texts += [failure['capacity']['text']] if failure['capacity']['enough'] is False else []
    return ', '.join([*texts, *failure['shortages']])


def title_of(failure: Mapping[str, Any]) -> str:
    """The failure domains of a row in a text, without what another one implies, and its circuits if these are several."""
    kinds = {domain['kind'] for domain in failure['domains']}
    names = [f'{domain["kind"]} {domain["name"]}' for domain in failure['domains'] if IMPLIED.get(domain['kind']) not in kinds]
    circuits = '' if failure['circuits'] == [failure['domains'][0]['name']] else f' ({shortened(failure["circuits"])})'
    return f'{", ".join(names)}{circuits}'


COLUMNS = {
    'fails': title_of,
    'no path left': lambda failure: shortened(failure['lost']),
    'blackholed': lambda failure: shortened(failure['blackholed']),
    'takes over': lambda failure: shortened(list(dict.fromkeys(hop for move in failure['moved'] for hop in move['to']))),
    'capacity': lambda failure: ', '.join(filter(None, (failure['capacity']['text'], *failure['shortages'],
                                                        failure['bgp'] and f'unknown: BGP of {shortened(failure["bgp"])}'))),
}


def _lines(found: Mapping[str, Any], circuits: int, in_detail: bool) -> list[str]:
    """The table, in_detail with each prefix that moves, and what else is to be known."""
    failures = [failure for failure in found['failures'] if in_detail or not failure['survives'] or failure['moved'] or failure['bgp']]
    rows = [[*COLUMNS], *([cell(failure) or '-' for cell in COLUMNS.values()] for failure in failures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = ['  '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    if in_detail:
        lines += [f'moves: {move["prefix"]} from {shortened(move["from"])} to {shortened(move["to"])}' for move in failures[0]['moved']]
    else:
        single = sum(failure['single_point_of_failure'] for failure in failures)
        short = sum(not (failure['survives'] or failure['single_point_of_failure']) for failure in failures)
        domains, unchanged = sum(len(failure['domains']) for failure in found['failures']), len(found['failures']) - len(failures)
        lines.append(f'{circuits} circuits, {domains} failure domains: {single} single points of failure, {short} more without the '
                     f'capacity, {unchanged} that change nothing')
        lines += [f'fault: {fault["text"]}' for fault in found['faults']]
    lines += [f'no path now: {name}' for name in found['without_path']]
    return [*lines, *(f'not known: {text}' for text in found['unknown'])]
