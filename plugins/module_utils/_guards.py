# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run may delete and disturb: what is refused, and what is left to the next run. Pure functions over what is planned.

A circuit is live where its interconnect is Healthy. What is planned has not happened in the world that is given.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError, ProtectedError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, Part, Unread, World, all_read, by_field, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._plan import Change
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import CNI, INTERCONNECT, STATUS, TUNNEL

HEALTHY = 'Healthy'
DECLARED = 1  # of the circuits that the user declares absent, or replaced: how many go if he does not say how many may
LISTED = 100  # so many of the circuits that too many are come with their status, which costs a request for each
AT_ONCE = 8  # statuses that are read before the next look at whether one of them is enough

Planned = Mapping[str, Sequence[Change]]


class Guards(NamedTuple):
    """The user's word. max_deletes: circuits, None for none that are surplus and one that is declared; protect: last or healthy.

    at_most_per_site: circuits that one run changes, None for all.
    """

    max_deletes: int | None = None
    force: bool = False
    protect: str = 'last'
    at_most_per_site: int | None = None


class Held(NamedTuple):
    """What a run does not do. refused: {circuit: why it fails}; deferred: {circuit: why the next run has to}."""

    refused: dict[str, ProtectedError]
    deferred: dict[str, str]


def guards_of(params: Mapping[str, Any]) -> Guards:
    """The options. Raises InputError."""
    guards = Guards(**{name: params[name] for name in Guards._fields if params.get(name) is not None})
    for name, least in (('max_deletes', 0), ('at_most_per_site', 1)):
        value = getattr(guards, name)
        if value is not None and value < least:
            raise InputError(name, f'{value} is not possible.', f'{least} or more')
    return guards


def hold_back(planned: Planned, guards: Guards, world: World, surplus: Container[str] = ()) -> Held:
    """What of the plan is not done. surplus: the circuits that the user did not name.

    Raises InputError with all of them where more would be deleted than may be, and Unread for statuses.
    """
    deleted = {name: changes for name, changes in planned.items() if _deletes(changes)}
    _refuse_too_many(deleted, guards.max_deletes, surplus, world)
    deferred = _deferred(planned, guards.at_most_per_site, world) if guards.at_most_per_site else {}
    return Held(protected({name: changes for name, changes in deleted.items() if name not in deferred}, guards, world), deferred)


def allowed(changes: Sequence[Change], guards: Guards, world: World) -> list[Change]:
    """The changes of one thing that the user named, with_status(). Raises ProtectedError, and Unread for statuses."""
    name = next((get(change.before, 'magic.conduit_name', change.key) for change in changes if change.action == 'delete'), '')
    for error in protected({name: changes}, guards, world).values() if _deletes(changes) else ():
        raise error
    return with_status(changes, world)


def with_status(changes: Sequence[Change], world: World) -> list[Change]:
    """The changes, those that delete with the status of the interconnect in what was there before, for a diff to show."""
    states = _states(_ports([change for change in changes if change.action == 'delete']), world)
    return [change._replace(before={**change.before, 'status': states.get(_port(change.before))}) if change.action == 'delete' else change
            for change in changes]


# How many are deleted.

def _deletes(changes: Iterable[Change]) -> bool:
    return any(change.action == 'delete' and change.row.name in (CNI.name, INTERCONNECT.name) for change in changes)


def _refuse_too_many(deleted: Planned, most: int | None, surplus: Container[str], world: World) -> None:
    """Raises InputError with what would go: without the user's word that is nothing surplus, and one that is declared."""
    declared = [name for name in deleted if name not in surplus]
    if len(deleted) <= (min(len(declared), DECLARED) if most is None else most):
        return
    ports = {name: next(iter(_ports(changes)), '') for name, changes in deleted.items()}
    states = _states([*ports.values()][:LISTED], world)
    lines = [f'{name} ({", ".join(word for word in (port, states.get(port)) if word)})' for name, port in ports.items()]
    unnamed = ' that are not in the list' if not declared else ''
    raise InputError('max_deletes', f'{len(lines)} circuits{unnamed} would be deleted: {", ".join(lines)}. Nothing was written.',
                     f'at least {len(lines)}, if they are to go')


# What is live.

def protected(deleted: Planned, guards: Guards, world: World) -> dict[str, ProtectedError]:
    """{circuit: why it is not deleted} of those that carry traffic: the last ones of their site, or any. Raises Unread for statuses."""
    states = _states([port for changes in deleted.values() for port in _ports(changes)], world)
    live = {name: port for name, changes in deleted.items() for port in _ports(changes)[:1] if states[port] == HEALTHY}
    if guards.force or not live:
        return {}
    if guards.protect == 'healthy':
        return {name: ProtectedError(f'{name}: interconnect {port!r} is Healthy, that is, it carries traffic', [name])
                for name, port in live.items()}
    cnis = {name: {change.before[CNI.id] for change in deleted[name] if change.action == 'delete' and change.row.name == CNI.name}
            for name in deleted}
    return _last_of_their_sites({name: port for name, port in live.items() if cnis[name]}, set().union(*cnis.values()), world)


def _last_of_their_sites(live: Mapping[str, str], deleted: Container[str], world: World) -> dict[str, ProtectedError]:
    """live: {circuit: interconnect} of those that are deleted; deleted: the ids of all CNIs that are."""
    sites, going = _circuits_by_site(world), defaultdict(list)
    for name, port in live.items():
        going[_site(port, world)].append(name)
    served = all_read(lambda site: _any_healthy([_port(cni) for cni in sites[site] if cni[CNI.id] not in deleted], world), going)
    return {name: ProtectedError(f'{name}: site {site} would be left without a Healthy circuit, as this deletes '
                                 f'{", ".join(f"{one} ({live[one]})" for one in names)}', names)
            for (site, names), healthy in zip(going.items(), served, strict=True) if not healthy for name in names}


def _any_healthy(ports: Iterable[str], world: World) -> bool:
    """Raises Unread for the next few, if none of those that are known is."""
    unread: list[Part] = []
    for port in dict.fromkeys(ports):
        try:
            if _states([port], world)[port] == HEALTHY:
                return True
        except Unread as error:
            unread += error.parts
    if unread:
        raise Unread(*unread[:AT_ONCE])
    return False


# One of a pair at a time.

def _disturbs(changes: Iterable[Change]) -> bool:
    """Whether it changes what may carry traffic: what is only created does not."""
    actions = {change.action for change in changes if change.row.name in (CNI.name, INTERCONNECT.name, TUNNEL.name)}
    return 'delete' in actions or ('update' in actions and 'create' not in actions)


def _deferred(planned: Planned, most: int, world: World) -> dict[str, str]:
    """{circuit: why} of those that wait: so many of a site are changed already, or it is live and another one of its site is not.

    One that is not live may change in any case: nothing is lost by it, and it may be what makes it so.
    """
    sites = _circuits_by_site(world)
    own = {name: _ports(changes) for name, changes in planned.items() if _disturbs(changes)}
    own = {name: {_site(port, world): port for port in ports} for name, ports in own.items()}
    near = [_port(cni) for site in dict.fromkeys(site for places in own.values() for site in places) for cni in sites[site]]
    states = _states([*near, *(port for places in own.values() for port in places.values())], world)
    changed, deferred = defaultdict(list), {}
    for name, places in own.items():
        whys = (_full(site, changed[site], most) or _alone(site, port, sites[site], states) for site, port in places.items())
        why = next(filter(None, whys), '')
        if why:
            deferred[name] = why
        for site in () if why else places:
            changed[site].append(name)
    return deferred


def _full(site: str, changed: Sequence[str], most: int) -> str:
    return '' if len(changed) < most else (f'at_most_per_site is {most}, and of site {site} this run changes {", ".join(changed)}. '
                                           'Run it again once that is Healthy.')


def _alone(site: str, port: str, cnis: Iterable[Object], states: Mapping[str, str | None]) -> str:
    """Why what is on a port waits for the others of its site."""
    dark = [f'{get(cni, "magic.conduit_name")} ({states[_port(cni)] or "no status"})' for cni in cnis if states[_port(cni)] != HEALTHY]
    return f'it is Healthy, and of site {site} not Healthy are {", ".join(dark)}. Run it again once they are.' if (
        dark and states[port] == HEALTHY) else ''


# Where circuits are, and how they are.

def _port(obj: Object) -> str | None:
    """The interconnect that an object is, or is on."""
    return obj.get(CNI.parent[1]) or obj.get(INTERCONNECT.id)


def _ports(changes: Iterable[Change]) -> list[str]:
    """The interconnects that the changes find there, that of what is deleted first."""
    rows = (CNI.name, INTERCONNECT.name)
    there = [change for change in changes if change.row.name in rows and change.before and change.action != 'create']
    ports = dict.fromkeys(_port(change.before) for change in sorted(there, key=lambda change: change.action != 'delete'))
    return [port for port in ports if port]


def _site(port: str, world: World) -> str:
    """The site of an interconnect, or its region; one of its own where Cloudflare shows none."""
    found = next(iter(by_field(INTERCONNECT, INTERCONNECT.id, port, world)), {})
    return found.get('site') or found.get('region') or port


def _circuits_by_site(world: World) -> dict[str, list[Object]]:
    """{site: the CNIs there}."""
    sites: dict[str, list[Object]] = defaultdict(list)
    for cni in (cni for cni in world.seen(CNI.name) if cni.get(CNI.parent[1])):
        sites[_site(_port(cni), world)].append(cni)
    return sites


def _states(ports: Iterable[str], world: World) -> dict[str, str | None]:
    """{interconnect: its status, None without one}. Raises Unread for all that nobody has read."""
    ports = [*dict.fromkeys(ports)]
    return dict(zip(ports, all_read(lambda port: next((status.get('state') for status in world.seen(STATUS.name, port)), None), ports),
                    strict=True))
