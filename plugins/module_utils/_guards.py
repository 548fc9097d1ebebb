# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run may delete and disturb: what is refused, and what waits for the next run. Pure functions over planned changes.

A circuit is live if its interconnect is Healthy. The planned changes are not yet in the snapshot.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._changes import Change
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError, ProtectedError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import CNI, HEALTHY, INTERCONNECT, ROUTE, STATUS, TUNNEL
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._snapshot import Part, Snapshot, Unread, map_all_reads, objects_by_field
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._traffic import is_in_use, traffic_of

DECLARED_DELETES = 1  # circuits that may be deleted by default, if the user declares them absent, or replaced
MAX_STATUSES_LISTED = 100  # in the error for too many deletes: each costs a request
STATUS_BATCH = 8  # statuses that are read at once, until one is enough

Planned = Mapping[str, Sequence[Change]]


class Guards(NamedTuple):
    """The options. max_deletes: circuits, None for one that is declared and none that is surplus; protect: last or healthy.

    at_most_per_site: circuits that one run changes, None for all; traffic: whether the traffic of tunnels is read before a delete.
    """

    max_deletes: int | None = None
    force: bool = False
    protect: str = 'last'
    at_most_per_site: int | None = None
    traffic: bool = False


class HeldBack(NamedTuple):
    """The circuits that a run does not change. refused: {circuit: the error}; deferred: {circuit: why it waits for the next run}."""

    refused: dict[str, ProtectedError]
    deferred: dict[str, str]


def guards_of(params: Mapping[str, Any]) -> Guards:
    """The guards that the options set. Raises InputError."""
    guards = Guards(**{name: params[name] for name in Guards._fields if params.get(name) is not None})
    for name, least in (('max_deletes', 0), ('at_most_per_site', 1)):
        value = getattr(guards, name)
        if value is not None and value < least:
            raise InputError(name, f'{value} is not valid.', f'{least} or more')
    return guards


def held_back(planned: Planned, guards: Guards, snapshot: Snapshot, surplus: Container[str] = ()) -> HeldBack:
    """The circuits whose changes the guards hold back. surplus: the circuits that the user did not name.

    Raises InputError with all deletes if there are more than max_deletes, and Unread for statuses.
    """
    deleted = {name: changes for name, changes in planned.items() if _deletes_circuit(changes)}
    _refuse_too_many(deleted, guards.max_deletes, surplus, snapshot)
    deferred = _deferred(planned, guards.at_most_per_site, snapshot) if guards.at_most_per_site else {}
    protected = protection_errors({name: changes for name, changes in deleted.items() if name not in deferred}, guards, snapshot)
    return HeldBack({**protected, **_routed_errors(planned, guards)}, deferred)


def allowed_changes(changes: Sequence[Change], guards: Guards, snapshot: Snapshot) -> list[Change]:
    """The changes of a single object, with_status(). Raises ProtectedError, and Unread for statuses."""
    changed = [change for change in changes if change.row.name != ROUTE.name and change.action in ('delete', 'update')]
    planned = {get(change.before, 'magic.conduit_name', change.label): changes for change in changed[:1]}
    for error in {**protection_errors(planned, guards, snapshot), **_routed_errors(planned, guards)}.values():
        raise error
    return with_status(changes, snapshot)


def with_status(changes: Sequence[Change], snapshot: Snapshot) -> list[Change]:
    """The changes; a delete has the status of the interconnect in its before, for the diff."""
    states = _states_of(_deleted_interconnects(changes), snapshot)
    return [change._replace(before={**change.before, 'status': states.get(_interconnect_of(change.before))})
            if _deletes_circuit([change]) else change for change in changes]


# max_deletes

def _deletes_circuit(changes: Iterable[Change]) -> bool:
    return any(change.action == 'delete' and change.row.name in (CNI.name, INTERCONNECT.name) for change in changes)


def _refuse_too_many(deleted: Planned, limit: int | None, surplus: Container[str], snapshot: Snapshot) -> None:
    """Raises InputError with the circuits to delete, if there are more than allowed.

    By default one declared circuit is, and none surplus.
    """
    declared = [name for name in deleted if name not in surplus]
    if len(deleted) <= (min(len(declared), DECLARED_DELETES) if limit is None else limit):
        return
    interconnects = {name: _deleted_interconnects(changes) for name, changes in deleted.items()}
    states = _states_of([interconnect for names in interconnects.values() for interconnect in names][:MAX_STATUSES_LISTED], snapshot)
    words = {name: ', '.join(filter(None, (word for interconnect in names for word in (interconnect, states.get(interconnect)))))
             for name, names in interconnects.items()}
    lines = [f'{name} ({text})' if text else name for name, text in words.items()]
    undeclared = ' that are not in the list' if not declared else ''
    raise InputError('max_deletes', f'{len(lines)} circuits{undeclared} would be deleted: {", ".join(lines)}. Nothing was written.',
                     f'at least {len(lines)}, to delete them')


# protect

def protection_errors(deleted: Planned, guards: Guards, snapshot: Snapshot) -> dict[str, ProtectedError]:
    """{circuit: why it is not deleted} of those that carry traffic: the last ones of their site, or any, and those whose traffic was seen.

    Raises Unread for statuses, and with guards.traffic for tunnels and traffic.
    """
    interconnects = {name: _deleted_interconnects(changes) for name, changes in deleted.items()}
    states = _states_of([interconnect for names in interconnects.values() for interconnect in names], snapshot)
    if guards.force:
        return {}
    in_use = _in_use_errors(interconnects, snapshot) if guards.traffic else {}
    if guards.protect == 'healthy':
        live = {name: interconnect for name, names in interconnects.items() for interconnect in names if states[interconnect] == HEALTHY}
        return {**{name: ProtectedError(f'{name}: interconnect {interconnect!r} is Healthy and carries traffic', [name])
                   for name, interconnect in live.items()}, **in_use}
    cnis = {name: change.before for name, changes in deleted.items() for change in changes
            if change.action == 'delete' and change.row.name == CNI.name}
    live = {name: _interconnect_of(cni) for name, cni in cnis.items() if states.get(_interconnect_of(cni)) == HEALTHY}
    return {**(_last_of_site_errors(live, {cni[CNI.id] for cni in cnis.values()}, snapshot) if live else {}), **in_use}


def _in_use_errors(interconnects: Mapping[str, Iterable[str]], snapshot: Snapshot) -> dict[str, ProtectedError]:
    """{circuit: why it is not deleted} of those whose tunnel has carried traffic in the last minutes, whatever their status.

    No traffic allows nothing that another guard refuses: it proves nothing. Raises Unread for tunnels and traffic.
    """
    def traffic_text(name: str) -> str:
        volumes = (traffic_of(interconnect, snapshot) for interconnect in interconnects[name])
        return next((traffic['text'] for traffic in volumes if is_in_use(traffic)), '')

    texts = zip(interconnects, map_all_reads(traffic_text, interconnects), strict=True)
    return {name: ProtectedError(f'{name}: its tunnel has carried {text}', [name]) for name, text in texts if text}


def _routed_errors(planned: Planned, guards: Guards) -> dict[str, ProtectedError]:
    """{circuit: why it keeps its address} of those that routes point to which the user did not name."""
    prefixes = {name: [change.before['prefix'] for change in changes
                       if change.row.name == ROUTE.name and change.action == 'delete' and not change.pinned]
                for name, changes in planned.items() if not guards.force}
    return {name: ProtectedError(f'{name}: it is the next hop of routes that are not declared with it: {", ".join(routed)}', routed,
                                 'It is not deleted' if _deletes_circuit(planned[name]) else 'Its address is not changed')
            for name, routed in prefixes.items() if routed}


def _last_of_site_errors(live: Mapping[str, str], deleted: Container[str], snapshot: Snapshot) -> dict[str, ProtectedError]:
    """live: {circuit: interconnect} of live circuits that are deleted; deleted: the ids of all CNIs that are."""
    sites, deleted_by_site = circuits_by_site(snapshot), defaultdict(list)
    for name, interconnect in live.items():
        deleted_by_site[site_of(interconnect, snapshot)].append(name)
    remaining = {site: [_interconnect_of(cni) for cni in sites[site] if cni[CNI.id] not in deleted] for site in deleted_by_site}
    has_healthy = map_all_reads(lambda site: _any_healthy(remaining[site], snapshot), deleted_by_site)
    refused = [names for names, healthy in zip(deleted_by_site.values(), has_healthy, strict=True) if not healthy]
    return {name: _last_of_site_error(name, names, live, snapshot) for names in refused for name in names}


def _last_of_site_error(name: str, names: Sequence[str], live: Mapping[str, str], snapshot: Snapshot) -> ProtectedError:
    """The error of one of the circuits that are deleted at a site. The first lists all of them: nobody reads sixty lists of sixty."""
    reason = f'{name}: site {site_of(live[name], snapshot)} would be left without a Healthy circuit'
    if name != names[0]:
        return ProtectedError(f'{reason}, see {names[0]}', [name])
    return ProtectedError(f'{reason}, because this run deletes {", ".join(f"{circuit} ({live[circuit]})" for circuit in names)}', [*names])


def _any_healthy(interconnects: Iterable[str], snapshot: Snapshot) -> bool:
    """Whether one of them is Healthy. Raises Unread for the next few, if none of the known ones is."""
    unread: list[Part] = []
    for interconnect in dict.fromkeys(interconnects):
        try:
            if _states_of([interconnect], snapshot)[interconnect] == HEALTHY:
                return True
        except Unread as error:
            unread += error.parts
    if unread:
        raise Unread(*unread[:STATUS_BATCH])
    return False


# at_most_per_site

def _disturbs_traffic(changes: Iterable[Change]) -> bool:
    """Whether the changes concern what may carry traffic: a mere create does not."""
    changes = list(changes)
    if any(change.row.name == ROUTE.name and change.action in ('update', 'delete') for change in changes):
        return True
    actions = {change.action for change in changes if change.row.name in (CNI.name, INTERCONNECT.name, TUNNEL.name)}
    return 'delete' in actions or ('update' in actions and 'create' not in actions)


def _deferred(planned: Planned, limit: int, snapshot: Snapshot) -> dict[str, str]:
    """{circuit: why it waits}: enough circuits of its site are changed already, or it is live and another one of its site is not.

    A circuit that is not live does not wait: nothing is lost by a change, which may bring it up. The reason of several is in full for the
    first of them.
    """
    sites = circuits_by_site(snapshot)
    disturbed = {name: {site_of(interconnect, snapshot): interconnect for interconnect in _interconnects_of(changes)}
                 for name, changes in planned.items() if _disturbs_traffic(changes)}  # {circuit: {site: interconnect}}
    all_sites = dict.fromkeys(site for own_sites in disturbed.values() for site in own_sites)
    site_interconnects = [_interconnect_of(cni) for site in all_sites for cni in sites[site]]
    states = _states_of([*site_interconnects, *(interconnect for own_sites in disturbed.values() for interconnect in own_sites.values())],
                        snapshot)
    changed, deferred, first_with = defaultdict(list), {}, {}
    for name, own_sites in disturbed.items():
        reasons = (_site_limit_reason(site, changed[site], limit) or _last_healthy_reason(site, interconnect, sites[site], states)
                   for site, interconnect in own_sites.items())
        reason = next(filter(None, reasons), '')
        if reason:
            first = first_with.setdefault(reason, name)
            deferred[name] = reason if first == name else f'for the same reason as {first}'
        for site in () if reason else own_sites:
            changed[site].append(name)
    return deferred


def _site_limit_reason(site: str, changed: Sequence[str], limit: int) -> str:
    return '' if len(changed) < limit else (f'at_most_per_site is {limit}, and this run already changes {", ".join(changed)} at site '
                                            f'{site}. Run it again once that is Healthy.')


def _last_healthy_reason(site: str, interconnect: str, cnis: Iterable[Object], states: Mapping[str, str | None]) -> str:
    """Why a circuit on that interconnect waits for the others of its site; empty if it need not."""
    not_healthy = [f'{get(cni, "magic.conduit_name")} ({states[_interconnect_of(cni)] or "no status"})' for cni in cnis
                   if states[_interconnect_of(cni)] != HEALTHY]
    return f'it is Healthy, but others at site {site} are not: {", ".join(not_healthy)}. Run it again once they are.' if (
        not_healthy and states[interconnect] == HEALTHY) else ''


# The site and state of circuits.

def is_live(changes: Iterable[Change], snapshot: Snapshot) -> bool:
    """Whether an interconnect that the changes concern is Healthy. Raises Unread for statuses."""
    return HEALTHY in _states_of(_interconnects_of(changes), snapshot).values()


def _interconnect_of(obj: Object) -> str | None:
    """The name of an interconnect, or of that which a CNI is on."""
    return obj.get(CNI.parent[1]) or obj.get(INTERCONNECT.id)


def _interconnects_of(changes: Iterable[Change]) -> list[str]:
    """The names of the current interconnects that the changes concern."""
    interconnects = (_interconnect_of(change.before) for change in changes
                     if change.row.name in (CNI.name, INTERCONNECT.name) and change.before)
    return [*dict.fromkeys(filter(None, interconnects))]


def _deleted_interconnects(changes: Iterable[Change]) -> list[str]:
    """The names of the interconnects that are deleted, or whose CNIs are."""
    return _interconnects_of(change for change in changes if change.action == 'delete')


def site_of(interconnect: str, snapshot: Snapshot) -> str:
    """The site of an interconnect, or its region; its own name where Cloudflare shows neither."""
    current = next(iter(objects_by_field(INTERCONNECT, INTERCONNECT.id, interconnect, snapshot)), {})
    return current.get('site') or current.get('region') or interconnect


def circuits_by_site(snapshot: Snapshot) -> dict[str, list[Object]]:
    """{site: its CNIs}."""
    sites: dict[str, list[Object]] = defaultdict(list)
    for cni in (cni for cni in snapshot.objects(CNI.name) if cni.get(CNI.parent[1])):
        sites[site_of(_interconnect_of(cni), snapshot)].append(cni)
    return sites


def _states_of(interconnects: Iterable[str], snapshot: Snapshot) -> dict[str, str | None]:
    """{interconnect: its state, None without one}. Raises Unread for all that have not been read."""
    def state_of(interconnect: str) -> str | None:
        return next((status.get('state') for status in snapshot.objects(STATUS.name, interconnect)), None)

    interconnects = [*dict.fromkeys(interconnects)]
    return dict(zip(interconnects, map_all_reads(state_of, interconnects), strict=True))
