# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The decision: what is wanted, what is there, what has to change. Pure functions; no client, no ansible, no clock."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import (
    AmbiguousError,
    CniError,
    DriftError,
    InputError,
    NotYetError,
    reported,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import (
    Object,
    Part,
    Unread,
    World,
    by_field,
    by_key,
    contrast,
    differing,
    get,
    merge,
    no_such,
    refuse_unreadable,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._owners import CIRCUIT_NAME, ordered_for, own_interconnect
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import (
    CNI,
    DIRECT,
    GCP_PARTNER,
    INTERCONNECT,
    ROWS,
    SLOT,
    TUNNEL,
    UNKNOWN,
    Field,
    Key,
    Placeholder,
    Resource,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._slots import (
    DIFFERENT,
    HARD,
    allocate,
    asked,
    meets,
    mismatch,
    narrowed,
    near,
    neighbours,
    pending,
    place,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import bare_uuid, folded, pairing_region

# On the tunnel of an interconnect whose CNI goes first: a run that ends between the two deletes leaves it for the next one to find.
NOTE = 'netops.cloudflare_cni deletes the circuit '
LINK_ENDS = ('cust_ip', 'p2p_ip')

Report = Callable[[Exception], CniError]


class Wanted(NamedTuple):
    """One object as the user declares it. keys: {option: value}; fields: {path: value}; select: the slot selector, if any.

    follows: it is on the interconnect that was decided just before. circuit: which one it is part of, where there are many.
    formerly: the conduit_name that it had, if it is to be renamed.
    """

    row: Resource
    state: str
    keys: dict[str, Any]
    fields: dict[str, Any]
    select: dict[str, Any] | None = None
    replace: bool = False
    force: bool = False
    shared: bool = False
    warnings: tuple[str, ...] = ()
    follows: bool = False
    circuit: str = ''
    formerly: str | None = None

    @property
    def label(self) -> str:
        """What people call it."""
        if self.circuit:
            return f'{self.row.title} of {self.circuit}'
        told = self.keys or {k: v for k, v in (self.select or {}).items() if v is not None}
        return f'{self.row.title} ' + ', '.join(f'{option}={value}' for option, value in told.items()) if told else self.row.title


class Change(NamedTuple):
    """One step. action: none, create, update, delete, or note (on what the next steps delete). named: the paths that it sets.

    known: the ids that were there before a create. chosen: the user named the very thing (a slot_id), nothing was picked for him.
    sole: whether it gives way to another one that came to the same place in the same moment.
    recent: `before` is of an object that this very run has made, so it is written without another look.
    answer: the object as Cloudflare returned it, once applied.
    """

    row: Resource
    action: str
    key: str
    before: Object | None
    after: Object | None
    named: tuple[str, ...] = ()
    known: frozenset[Any] = frozenset()
    chosen: bool = True
    sole: bool = False
    recent: bool = False
    answer: Object | None = None


# desire(): from the options to what is wanted.

def desire(row: Resource, params: Mapping[str, Any]) -> Wanted:
    """What the options of a module declare. Raises InputError, naming the option and what is allowed."""
    for option, why in row.refused.items():
        if params.get(option) is not None:
            raise InputError(option, why)
    row = _variant(row, params)
    warnings: list[str] = []
    keys = given(row.keys, params, warnings)
    options = {f.option: f.wire for f in row.fields}
    fields = {options[option]: value for option, value in given(row.fields, params, warnings).items()}
    fields |= _cleared(row, params.get('clear') or (), fields)
    if row.pair and row.pair[0] in fields and row.pair[1] in fields:
        _check_pair(row, fields)
    return Wanted(row, params.get('state') or 'present', keys, fields, _selector(row, params), params.get('on_immutable') == 'replace',
                  bool(params.get('force')), bool(params.get('shared')), tuple(dict.fromkeys(warnings)))


def _cleared(row: Resource, names: Iterable[str], fields: Mapping[str, Any]) -> dict[str, Any]:
    """{path: the value that clears it} of what the option clear names. Raises InputError for what is given a value too."""
    cleared = dict(row.clears[name] for name in names)
    for wire in cleared:
        both = next((other for other in fields if _within(other, wire)), None)
        if both:
            raise InputError('clear', f'{row.at(wire).option} is to be cleared, and {row.at(both).option} is given.', 'one of the two')
    return cleared


def _within(wire: str, block: str) -> bool:
    return wire == block or wire.startswith(f'{block}.')


def given(rows: Iterable[Field | Key], params: Mapping[str, Any], warnings: list[str]) -> dict[str, Any]:
    """{option: canonical value} of those that the user said. Raises InputError; appends to warnings."""
    told = {row: get(params, row.option) for row in rows}
    return {row.option: checked(row.option, value, row.check, warnings, getattr(row, 'secret', False))
            for row, value in told.items() if value is not None}


def checked(option: str, value: Any, check: Callable, warnings: list[str], secret: bool = False) -> Any:
    """The canonical value, or InputError saying what is allowed. What a prediction left open passes."""
    if value == UNKNOWN:
        return value
    try:
        return check(value, lambda text: warnings.append(f'{option}: {text}'))
    except ValueError as error:
        shown = 'the value' if secret else repr(value)
        raise InputError(option, f'{shown} is not possible.', str(error)) from None


def _variant(row: Resource, params: Mapping[str, Any]) -> Resource:
    """The row for the type that the options speak of."""
    spoken = {option: kind for option, kind in row.implied.items() if params.get(option) is not None}
    kinds = set(spoken.values()) | ({params['type']} if row.variants and params.get('type') else set())
    if len(kinds) > 1:
        raise InputError(', '.join(['type', *spoken]), 'these speak of different types of interconnect.',
                         'slot_id, slot and speed with direct; pairing_key and bandwidth with gcp_partner')
    return row.variants.get(kinds.pop(), row) if kinds else row


def _selector(row: Resource, params: Mapping[str, Any]) -> dict[str, Any] | None:
    """What an interconnect that exists, or else a free slot, has to meet."""
    if row.fixed == GCP_PARTNER.fixed:
        key = params.get('pairing_key')
        return {'type': 'gcp_partner', 'region': pairing_region(key) if key else None, 'speed': params.get('bandwidth')}
    if params.get('slot') is None:
        return None
    asked = {option: value for option, value in params['slot'].items() if value not in (None, [])}
    if not asked:
        allowed = 'at least one of ' + ', '.join(params['slot'] or ['site'])
        raise InputError('slot', 'asks for nothing, so any port anywhere would do.', allowed)
    if len({folded(speed) for speed in (params.get('speed'), asked.get('speed')) if speed}) > 1:
        raise InputError('speed, slot.speed', f'{params["speed"]} and {asked["speed"]} differ, and a port has one.')
    return {'type': 'direct', 'speed': params.get('speed'), **_facility_of(asked)}


def _facility_of(asked: dict[str, Any]) -> dict[str, Any]:
    """What a selector asks for, with a facility that is no name but `different` in the words of _slots. Raises InputError."""
    if folded(asked.get('facility')) != DIFFERENT:
        return asked
    if not asked.get('diverse_from'):
        raise InputError('slot.facility', f'{DIFFERENT} from what, is not given.', 'with diverse_from, or the name of a facility')
    return {**{option: value for option, value in asked.items() if option != 'facility'}, HARD: True}


# Finding what is there.

def find(wanted: Wanted, world: World) -> Object | None:
    """The object that the user means, or None. Raises AmbiguousError for two, InputError for a name that only Cloudflare gives."""
    row = wanted.row
    if row.id is None:
        return next(iter(world.seen(row.name)), {})
    hits = _named(wanted, world) | {obj[row.id]: obj for obj in _recorded(wanted, world)}
    hits = hits or {obj[row.id]: obj for obj in _noted(wanted, world)}
    _refuse_recorded(wanted, hits, world)
    given = [key.option for key in row.keys if key.option in wanted.keys and key.assigned]
    if not hits and given and wanted.state == 'present' and not wanted.replace and UNKNOWN not in wanted.keys.values():
        raise no_such(row, given[0], wanted.keys[given[0]], world)
    if wanted.state == 'absent' and not wanted.keys:
        raise InputError('state', f'nothing says which {row.title} is to be absent.', ' or '.join(key.option for key in row.keys))
    if not hits and wanted.select is not None and wanted.state == 'present':
        hits = {obj[row.id]: obj for obj in _selected(wanted, world)}
    if len(hits) > 1:
        raise AmbiguousError(wanted.label, sorted(map(str, hits)), _way_out(wanted))
    return next(iter(hits.values()), None)


def _named(wanted: Wanted, world: World) -> dict[str, Object]:
    """{id: object} of what the keys name. Raises AnswerError where that may be something that can't be read."""
    row, named = wanted.row, [(key, wanted.keys[key.option]) for key in wanted.row.keys if key.option in wanted.keys]
    hits = {obj[row.id]: obj for key, value in named for obj in by_key(row, key, value, world)} or {
        obj[row.id]: obj for key, value in named if not key.via for obj in by_field(row, key.wire, value, world)}
    for key, value in named if not hits else ():
        refuse_unreadable(row, key, value, world)
    return {**hits, **_formerly(wanted, world)}


def _formerly(wanted: Wanted, world: World) -> dict[str, Object]:
    """{id: object} of what the circuit's previous name leads to. Raises AmbiguousError where that and its name are circuits both."""
    old, new = wanted.formerly, wanted.keys.get('conduit_name')
    if old is None or not world.having(CNI.name, CIRCUIT_NAME, old):
        return {}
    if world.having(CNI.name, CIRCUIT_NAME, new):
        raise AmbiguousError(wanted.label, sorted([old, new]), 'Leave previous_name out, or delete the one that is not to stay.')
    row = wanted.row
    return {obj[row.id]: obj for key in row.keys if key.option == 'conduit_name' for obj in by_key(row, key, old, world)}


def _recorded(wanted: Wanted, world: World) -> list[Object]:
    """The interconnect that the circuit has on record."""
    circuit = wanted.keys.get('conduit_name')
    return own_interconnect(circuit, world) if circuit in world.owners and wanted.row.name == INTERCONNECT.name else []


def _refuse_recorded(wanted: Wanted, hits: Iterable[str], world: World) -> None:
    """Raises InputError where a slot_id leads to an interconnect without a CNI that is on record as another circuit's."""
    for name in hits if 'slot_id' in wanted.keys and world.claims else ():
        owners = [] if world.having(CNI.name, CNI.parent[1], name) else ordered_for(name, world)
        if owners and wanted.keys.get('conduit_name') not in owners:
            raise InputError('slot_id', f'interconnect {name!r} on that slot was ordered for circuit {owners[0]!r}, as its record says.',
                             'another slot, or slot with what it has to meet')


def _noted(wanted: Wanted, world: World) -> list[Object]:
    """The interconnect that an earlier run was about to delete for this circuit when it ended: its CNI is gone, its tunnel has the note."""
    circuit = wanted.keys.get('conduit_name')
    if circuit is None or wanted.row.name != INTERCONNECT.name or not (wanted.state == 'absent' or wanted.replace):
        return []
    return leftovers(world, circuit)


def leftovers(world: World, circuit: str) -> list[Object]:
    """The interconnects without a CNI whose tunnels have the note of that circuit."""
    tunnels = world.having(TUNNEL.name, 'description', NOTE + circuit)
    ports = [port for tunnel in tunnels for port in _same_port(INTERCONNECT, tunnel, world)]
    return [port for port in ports if not _carries(port['name'], world)]


def _carries(name: str, world: World) -> bool:
    """Whether a CNI is on an interconnect, one that can't be read included."""
    unread = (cni.get(CNI.parent[1]) for cni in world.unreadable(CNI.name))
    return bool(world.having(CNI.name, CNI.parent[1], name)) or any(port in (None, name) for port in unread)


def noted(world: World) -> list[str]:
    """The circuits of which there are such interconnects."""
    texts = [str(tunnel.get('description')) for tunnel in world.seen(TUNNEL.name)]
    names = [text.removeprefix(NOTE) for text in texts if text.startswith(NOTE)]
    return [name for name in names if leftovers(world, name)]


def _same_port(row: Resource, obj: Object, world: World) -> list[Object]:
    """The interconnects of a tunnel, or the tunnels of an interconnect: what they have in common is the reserved port."""
    port = obj.get('virtual_port_reservation_id')
    return world.having(row.name, 'virtual_port_reservation_id', port, bare_uuid) if port else []


def _way_out(wanted: Wanted) -> str:
    """What to do about two matches."""
    name = next((key.option for key in wanted.row.keys if key.assigned), None)
    if len(wanted.keys) > 1:
        return f'They come from {" and ".join(wanted.keys)}, which have to mean the same one.'
    return f'Name one of them by {name}.' if name and name not in wanted.keys else 'There should be one: ask Cloudflare.'


def pick(row: Resource, keys: Mapping[str, Any], filters: Mapping[str, Any], world: World) -> list[Object]:
    """The objects that all given keys name and that meet all given filters; None asks for nothing. For info modules."""
    objects = [obj for obj in world.seen(row.name) if all(meets(obj, option, want) for option, want in filters.items())]
    for key in row.keys:
        if keys.get(key.option) is not None:
            named = by_key(row, key, keys[key.option], world)
            refuse_unreadable(row, key, keys[key.option], world)
            objects = [obj for obj in objects if obj in named]
    return objects


def interconnect_names(named: Mapping[str, Sequence[str] | None], world: World) -> list[str]:
    """The interconnects that two options name, the first their own names, the second circuits; all if neither does. Raises InputError."""
    if all(told is None for told in named.values()):
        return [obj['name'] for obj in world.seen('interconnect')]
    found: list[str] = []
    for key, (option, told) in zip((INTERCONNECT.keys[0], INTERCONNECT.keys[-1]), named.items(), strict=True):
        for name in told or ():
            there = by_key(INTERCONNECT, key, name, world) if key.via else by_field(INTERCONNECT, key.wire, name, world)
            hits = [name] if name == UNKNOWN else [obj['name'] for obj in there]
            if not hits:
                refuse_unreadable(INTERCONNECT, key, name, world)
                raise no_such(CNI if key.via else INTERCONNECT, option, name, world, key.via[0].field if key.via else None)
            found += hits
    return list(dict.fromkeys(found))


def _selected(wanted: Wanted, world: World) -> list[Object]:
    """Interconnects that meet the selector; for a circuit, only such as carry no other circuit yet.

    Of several it takes the first as slots go, if the circuits of the plan without a port need them all: a run that was ended leaves such.
    """
    others = _others(wanted, world)
    spare = _spare(wanted.select, world) if 'conduit_name' in wanted.keys else near(INTERCONNECT.name, wanted.select, world)
    spare = [obj for obj in spare if obj not in others and not mismatch(wanted.select, obj, others)]
    _refuse_unclear(wanted, spare, world)
    return spare[:1] if len(spare) > 1 and 'conduit_name' in wanted.keys and _all_needed(spare, world) else spare


def _spare(select: Mapping[str, Any], world: World) -> list[Object]:
    """Interconnects without a circuit that meet the selector, as far as they do by themselves; the first as slots go is the first."""
    found = world.kept((INTERCONNECT.name, asked(select)), lambda: sorted(
        (obj for obj in near(INTERCONNECT.name, select, world) if not mismatch(select, obj, ())), key=place))
    taken = {cni.get(CNI.parent[1]) for cni in world.unreadable(CNI.name)}
    found[:] = [obj for obj in found if not (obj['name'] in taken or obj['name'] in world.promised)
                and not world.having('cni', 'interconnect', obj['name']) and not ordered_for(obj['name'], world)]
    return found


def _refuse_unclear(wanted: Wanted, spare: Sequence[Object], world: World) -> None:
    """Raises AnswerError where an interconnect that can't be read may be the one that is asked for, so that no second one is ordered.

    For a circuit it is none that carries another CNI; and where a CNI does not tell its interconnect, no port is known to be spare.
    """
    alone = 'conduit_name' in wanted.keys
    for obj in () if spare else world.unreadable(INTERCONNECT.name):
        name = obj[INTERCONNECT.id]
        if not (alone and name and world.having(CNI.name, CNI.parent[1], name)):
            raise obj.error
    for obj in spare if alone else ():
        world.refuse(CNI.name, CNI.parent[1], obj[INTERCONNECT.id])


def _all_needed(spare: Sequence[Object], world: World) -> bool:
    if world.takers is None:
        world.takers = {}
        for name in world.asking:
            _count(name, world)
    return sum(len(names) for select, names in world.takers.values() if not any(mismatch(select, obj, ()) for obj in spare)) >= len(spare)


def _count(name: str, world: World) -> None:
    """Whether a circuit of the plan has no CNI yet, and so will take a port. Those that ask for the same are counted together."""
    select = world.asking.get(name)
    if select:
        names = world.takers.setdefault(asked(select), (select, set()))[1]
        (names.discard if _has_one(name, world) else names.add)(name)


def _has_one(circuit: str, world: World) -> bool:
    """Whether a circuit has an interconnect, be it by its CNI or on record."""
    recorded = world.owners.get(circuit)
    idle = recorded and world.having(INTERCONNECT.name, INTERCONNECT.id, recorded) and not _carries(recorded, world)
    return bool(idle or world.having(CNI.name, CIRCUIT_NAME, circuit))


def _others(wanted: Wanted, world: World) -> list[Object]:
    return neighbours(wanted.select or {}, wanted.keys.get('conduit_name'), world)


# plan(): from what is wanted and what is there to the changes.

def plan(wanted: Sequence[Wanted], world: World, report: Report = reported) -> list[Change]:
    """The changes that bring the world to what is wanted, one or more for each, in the order of the list.

    Raises InputError, AmbiguousError or DriftError, and Unread for what it has not been shown.
    """
    (changes,) = plan_each([wanted], world, report)
    if isinstance(changes, CniError):
        raise changes
    return changes


def plan_each(chains: Sequence[Sequence[Wanted]], world: World, report: Report = reported) -> list[list[Change] | CniError]:
    """plan() for each of the chains, which reckon with what those before them will change; for one that can't be, why.

    report: makes an error of an exception that nobody expected. Two chains that want the same thing differently can both not be.
    Raises Unread; NotYetError too, unless the world is final.
    """
    twins = _twins(chains)
    chains = [() if number in twins else chain for number, chain in enumerate(chains)]
    world = world.copy()
    world.narrow[SLOT.name] = narrowed([one.select or {} for chain in chains for one in chain if one.row.fixed == DIRECT.fixed])
    for one in (one for chain in chains for one in chain if 'conduit_name' in one.keys):
        world.asking[one.keys['conduit_name']] = one.select or world.asking.get(one.keys['conduit_name'])
    planned = _plan_all(chains, world, report)
    late = next((error for error in planned if isinstance(error, NotYetError)), None)
    if late and not world.final:
        raise late
    return [twins.get(number, changes) for number, changes in enumerate(planned)]


def _plan_all(chains: Iterable[Sequence[Wanted]], world: World, report: Report) -> list[list[Change] | CniError]:
    """Raises Unread for all that the chains need by its id, or for the first list."""
    planned: list[list[Change] | CniError] = []
    unread: dict[Part, None] = {}
    for chain in chains:
        try:
            planned.append(_plan_one(chain, world, report))
        except Unread as error:
            unread |= dict.fromkeys(error.parts)
            if any(ident is None for _resource, ident in error.parts):  # a list, which the chains after it need as well
                break
    if unread:
        raise Unread(*unread)
    return planned


def _plan_one(chain: Iterable[Wanted], world: World, report: Report) -> list[Change] | CniError:
    """The changes, which then have happened in the world; or the error, and the world is as before."""
    changes: list[Change] = []
    promised: set[str] = set()
    todo = list(chain)
    while todo:
        one = todo.pop(0)
        try:
            decided = _decide(_onto(one, changes) if one.follows else one, world)
        except Unread:
            raise
        except Exception as error:  # one that nobody expected, too, is no reason to lose what is planned for the others
            _all_happen(world, reversed(changes), undo=True)
            world.promised -= promised
            return report(error)
        _all_happen(world, decided)
        if one.row.name == INTERCONNECT.name and decided[-1].after:
            promised |= {decided[-1].after['name']} if one.keys.get('conduit_name') else set()
            world.promised |= promised
            todo = _carrying_over(one, todo, decided, world)
        changes += decided
    return changes


def _carrying_over(port: Wanted, todo: list[Wanted], decided: Sequence[Change], world: World) -> list[Wanted]:
    """What comes after an interconnect. On one that replaces another it also takes over what the old ones had and nobody named."""
    gone = {change.row.name: change.before for change in decided if change.action == 'delete'}
    if INTERCONNECT.name not in gone:
        return todo
    ends = [str(get(gone.get(CNI.name), end)).partition('/')[0] for end in LINK_ENDS]
    gone[TUNNEL.name] = next(iter(_same_port(TUNNEL, gone[INTERCONNECT.name], world)), None)
    for row, keys in ((CNI, port.keys), (TUNNEL, {})):
        old = _settings(row, gone.get(row.name), ends)
        if old and not any(one.row.name == row.name for one in todo):
            named = {key.option: keys[key.option] for key in row.keys if key.option in keys}
            todo = [*todo, Wanted(row, 'present', named, {}, circuit=port.circuit, follows=True)]
        # A block that is cleared comes behind what was in it, and so takes it out.
        todo = [one._replace(fields={**old, **one.fields}) if one.row.name == row.name else one for one in todo]
    return todo


def _settings(row: Resource, obj: Object | None, ends: Container[str]) -> dict[str, Any]:
    """{path: value} of what was set on an object that is replaced. The ends of its link are Cloudflare's to assign anew."""
    values = {f.wire: get(obj, f.wire) for f in row.fields if f.wire not in (*row.assigned, row.parent[1])}
    return {wire: value for wire, value in values.items() if value not in (None, '') and value not in ends}


def readdressed(changes: Iterable[Change]) -> dict[str, dict[str, Any]] | None:
    """{cust_ip, p2p_ip: {before, after}} of a CNI that was deleted and made again, None if none was."""
    of_cnis = {change.action: change for change in changes if change.row.name == CNI.name}
    if not {'delete', 'create'} <= of_cnis.keys():
        return None
    new = of_cnis['create'].answer or of_cnis['create'].after
    return {end: {'before': of_cnis['delete'].before.get(end), 'after': new.get(end)} for end in LINK_ENDS}


def in_turn(changes: Sequence[Change]) -> tuple[list[Change], list[Change]]:
    """What can be written now, and what is about an object that comes with an interconnect that is created among it."""
    orders = any(change.action == 'create' and change.row.name == INTERCONNECT.name for change in changes)
    later = [change for change in changes if orders and change.action == 'update' and change.after.get(change.row.id) == UNKNOWN]
    return [change for change in changes if change not in later], later


def of_created(change: Change, done: Iterable[Change]) -> Wanted:
    """What a change that comes later declares, once the interconnect is there."""
    port = next(one.answer['name'] for one in done if one.row.name == INTERCONNECT.name and one.after)
    return Wanted(change.row, 'present', {INTERCONNECT.name: port}, {wire: get(change.after, wire) for wire in change.named})


def _onto(wanted: Wanted, changes: Sequence[Change]) -> Wanted:
    """What follows an interconnect, on it."""
    port = next(change for change in reversed(changes) if change.row.name == INTERCONNECT.name)
    name, wire = port.after[port.row.id], wanted.row.parent[1]
    return wanted._replace(fields={**wanted.fields, wire: name}) if wire else wanted._replace(keys={wanted.row.parent[0]: name})


def _all_happen(world: World, changes: Iterable[Change], undo: bool = False) -> None:
    for change in changes:
        _happen(world, change, undo)


def _happen(world: World, change: Change, undo: bool) -> None:
    """Changes the world as the change will, so that what is decided next reckons with it."""
    before = change.before
    if undo or change.action == 'delete' or (before and before.get(CNI.sole) != change.after.get(CNI.sole)):
        world.forget()
    if change.action == 'none':
        return
    world.turn(change.row.name, *((change.after, before) if undo else (before, change.after)))
    port = (change.after or change.before) if change.row.name == INTERCONNECT.name else {}
    for slot in world.having(SLOT.name, 'id', port['slot_id']) if port.get('slot_id') and world.has(SLOT.name) else ():
        world.turn(SLOT.name, slot, {**slot, 'occupied': (change.after is not None) != undo})
    if change.row.name == CNI.name and world.takers is not None:
        _count(get(change.after or change.before, 'magic.conduit_name'), world)


def schedule(changes: Iterable[Change]) -> list[Change]:
    """The order of writing: deletes first, children before parents; then the rest, parents before children."""
    return sorted(changes, key=rank)


def rank(change: Change) -> tuple[int, int]:
    """The place of a change in that order; those of one rank need not wait for each other. Notes come before any delete."""
    if change.action == 'note':
        return 0, 0
    return (1, -_depth(change.row)) if change.action == 'delete' else (2, _depth(change.row))


def _depth(row: Resource) -> int:
    return 1 + _depth(ROWS[row.parent[0]]) if row.parent else 0


def _twins(chains: Iterable[Iterable[Wanted]]) -> dict[int, CniError]:
    """{number of a chain: the error} of those that name what another one names.

    What comes with an interconnect may be named by each circuit on it, if they agree.
    """
    met: dict[tuple[str, str, Any], tuple[int, Wanted]] = {}
    errors: dict[int, CniError] = {}
    for number, one in ((number, one) for number, chain in enumerate(chains) for one in chain):
        for option, value in one.keys.items():
            first, twin = met.setdefault((one.row.name, option, value), (number, one))
            if twin is not one and (one.row.creatable or twin.fields != one.fields):
                errors |= {wrong: InputError(option, f'{value!r} is named twice.') for wrong in (first, number)}
    return errors


def _decide(wanted: Wanted, world: World) -> list[Change]:
    found = find(wanted, world)
    if wanted.state == 'absent':
        return _remove(wanted, found, world) if found else [Change(wanted.row, 'none', wanted.label, None, None)]
    if found is None:
        return [_create(wanted, world)]
    fields = differing(wanted.row, wanted.fields, found)
    stuck = _stuck(wanted, fields, found, world)
    if stuck:
        return _replace(wanted, found, stuck, world)
    if not fields:
        return [Change(wanted.row, 'none', wanted.label, found, found)]
    fields |= _defaults(wanted.row, merge(found, fields), found)
    after = merge(found, fields)
    _check(wanted, after, fields, world)
    return [Change(wanted.row, 'update', wanted.label, found, after, tuple(fields))]


def _stuck(wanted: Wanted, fields: Mapping[str, Any], found: Object, world: World) -> dict[str, dict[str, Any]]:
    """{option: {have, want}} of the drift that no call can mend."""
    fixed = contrast(wanted.row, {wire: value for wire, value in fields.items() if not wanted.row.at(wire).change}, found)
    select = mismatch(wanted.select, found, _others(wanted, world)) if wanted.select else {}
    return {**fixed, **{option: pair for option, pair in select.items() if option.removeprefix('slot.') not in wanted.fields}}


def _remove(wanted: Wanted, found: Object, world: World) -> list[Change]:
    """Deletes the CNI that the user named, then the object; before that, notes on its tunnel what goes on, if nothing else leads to it."""
    carried = _carried(wanted, found, world)
    doomed = [(CNI, cni, get(cni, 'magic.conduit_name')) for cni in carried]
    doomed.append((wanted.row, found, found[wanted.row.id]))
    deletes = [Change(row, 'delete', f'{row.title} {name}', obj, None) for row, obj, name in doomed]
    return [*_note(wanted, found, world), *deletes] if carried else deletes


def _note(wanted: Wanted, found: Object, world: World) -> list[Change]:
    """The note on the tunnel of an interconnect. Raises InputError where Cloudflare shows no tunnel to note it on."""
    own = [key for key in wanted.row.keys if key.option in wanted.keys and not key.via]
    if any(found in by_key(wanted.row, key, wanted.keys[key.option], world) for key in own):
        return []
    name, circuit = found[wanted.row.id], wanted.keys['conduit_name']
    tunnels = _same_port(TUNNEL, found, world)
    if not tunnels:
        raise InputError('name', f'only the CNI {circuit!r} leads to interconnect {name!r}, it is deleted first, and there is no tunnel on '
                                 f'which to note that. Use netops.cloudflare_cni.interconnect with name={name} too.')
    after = merge(tunnels[0], {'description': NOTE + circuit})
    return [Change(TUNNEL, 'note', f'tunnel of interconnect {name}', tunnels[0], after, ('description',))]


def _carried(wanted: Wanted, found: Object, world: World) -> list[Object]:
    """The CNIs that go with an interconnect. Raises InputError for one that the user didn't name."""
    if wanted.row.name != CNI.parent[0]:
        return []
    name, circuit = found[wanted.row.id], wanted.keys.get('conduit_name')
    carried = world.having(CNI.name, CNI.parent[1], name)
    world.refuse(CNI.name, CNI.parent[1], name)
    for cni in carried:
        if not circuit or get(cni, 'magic.conduit_name') not in (circuit, wanted.formerly):  # of a CNI without a name nobody has spoken
            other = f'{get(cni, "magic.conduit_name")!r} ({cni["id"]})'
            raise InputError('state', f'interconnect {name!r} carries the CNI {other}, which would be lost. '
                                      'Remove it first with netops.cloudflare_cni.cni, state=absent.')
    return carried


def _replace(wanted: Wanted, found: Object, stuck: dict, world: World) -> list[Change]:
    """Delete and create, on the user's word only; all of it is decided, and so validated, before anything is deleted."""
    what = f'{wanted.row.title} {found[wanted.row.id]!r}'
    if not wanted.replace:
        raise DriftError(what, stuck, 'Ask for what is there, or say on_immutable=replace to delete it and order another one.')
    gone = _remove(wanted, found, world)
    _all_happen(world, gone)
    try:
        created = _create(wanted, world)
    finally:
        _all_happen(world, reversed(gone), undo=True)
    status = world.seen('status', found[wanted.row.id])  # last, as all else is read again after the slots
    if any(one.get('state') == 'Healthy' for one in status) and not wanted.force:
        raise DriftError(what, stuck, 'It is Healthy, so it is not replaced without force=true.')
    return [*gone, created]


def _create(wanted: Wanted, world: World) -> Change:
    row = wanted.row
    if not row.creatable:
        return _not_there(wanted, world)
    if row.variants:
        allowed = 'slot_id or slot, or pairing_key with bandwidth'
        raise InputError('type', f'there is no {wanted.label}, and nothing says what to order.', allowed)
    found = _placed(wanted, world)
    fields = {**row.fixed, **wanted.fields, **{wire: found[wire] for wire in (*row.identity, *wanted.fields) if wire in found}}
    after = merge({**{wire: Placeholder() for wire in row.assigned}, **found}, fields)
    fields |= _defaults(row, after, {})
    after = merge(after, fields)
    _check(wanted, after, fields, world)
    chosen = wanted.select is None or 'slot_id' in wanted.keys
    return Change(row, 'create', wanted.label, None, after, tuple(fields), world.known(row.name, row.id), chosen,
                  bool(row.sole) and not wanted.shared)


def _placed(wanted: Wanted, world: World) -> Object:
    """What the place of a new interconnect tells of it: its slot or its region."""
    if wanted.row.fixed == GCP_PARTNER.fixed:
        return {'region': wanted.select['region']}
    if wanted.row.fixed != DIRECT.fixed:
        return {}
    if wanted.select is None and 'slot_id' not in wanted.keys:
        raise InputError('slot_id', 'a direct interconnect is ordered on a slot.', 'slot_id, or slot with what it has to meet')
    select = wanted.select or {'speed': wanted.fields.get('speed')}
    slot_id, others = wanted.keys.get('slot_id'), _others(wanted, world)
    late = pending(world, select, slot_id, others)
    if late:
        raise _not_listed(late)
    slot = allocate(world, select, slot_id, others)
    if UNKNOWN in (select.get('diverse_from') or ()):
        return {'slot_id': UNKNOWN}
    told = ('site', 'facility', 'speed', 'ccr_device_name')
    return {'slot_id': slot['id'], **{name: slot[name] for name in told if slot.get(name) is not None}}


def _not_listed(slot: Object) -> NotYetError:
    place = f'{get(slot, "facility.name")}, {slot.get("site")}'
    return NotYetError(
        f'Slot {slot["id"]} ({place}) is taken by this account, and no interconnect is listed on it: it may be an order that Cloudflare '
        'does not list yet, so nothing was ordered beside it. Try again in some minutes. If it stays so, ask Cloudflare what is on that '
        'slot, or name another one by slot_id.', (SLOT.name, None), option='slot', slot_id=slot['id'])


def _not_there(wanted: Wanted, world: World) -> Change:
    """A health check comes and goes with its interconnect: it can be set where Cloudflare shows it, and predicted where it can't yet."""
    option, value = next(iter(wanted.keys.items()))
    if wanted.row.name == INTERCONNECT.name:
        raise InputError('steps', f'there is no circuit {value!r} in this account, by its CNI or on record, and without the step '
                                  'interconnect none is ordered.', 'interconnect too')
    if value == UNKNOWN:
        return Change(wanted.row, 'update', wanted.label, {}, merge({wanted.row.id: UNKNOWN}, wanted.fields), tuple(wanted.fields))
    key = next(key for key in wanted.row.keys if key.option == option)
    for hop in key.via:
        if not by_field(ROWS[hop.resource], hop.field, value, world):
            raise no_such(ROWS[hop.resource], option, value, world, hop.field)
        value = get(world.having(hop.resource, hop.field, value)[0], hop.gives)
    late = hop.resource if value is None else wanted.row.name
    raise NotYetError(f'Cloudflare shows no {wanted.row.title} for {wanted.keys[option]!r} yet: try again in some minutes.', (late, None),
                      option=option)


def _defaults(row: Resource, after: Object, before: Object) -> Object:
    """Defaults for each block that is new in after. Raises InputError for what is required there and missing."""
    defaults: Object = {}
    for f in row.fields:
        block = f.wire.rpartition('.')[0]
        is_new = get(after, block) is not None and get(before, block) is None if block else not before
        if not is_new or get(after, f.wire) is not None:
            continue
        if f.required:
            raise InputError(f.option, f'is needed to create the {row.title}{" with " + block if block else ""}.')
        if f.default is not None:
            defaults[f.wire] = list(f.default) if isinstance(f.default, tuple) else f.default
    return defaults


def _check(wanted: Wanted, after: Object, fields: Mapping[str, Any], world: World) -> None:
    """What can only be judged with the rest of the object and with its parent."""
    row = wanted.row
    if row.pair and not {*row.pair[:2]}.isdisjoint(fields):
        _check_pair(row, after)
    if row.sole in fields and not wanted.shared:
        _check_sole(row, after, world)
    if not row.parent or row.parent[1] not in fields:
        return
    parent, name = ROWS[row.parent[0]], after[row.parent[1]]
    if name != UNKNOWN and not by_field(parent, parent.id, name, world):
        world.refuse(parent.name, parent.id, name)
        raise no_such(parent, row.parent[1], name, world)


def _check_sole(row: Resource, after: Object, world: World) -> None:
    parent = after[row.sole]
    world.refuse(row.name, row.sole, parent)
    rivals = [obj for obj in world.having(row.name, row.sole, parent) if obj.get(row.id) != after.get(row.id)]
    if rivals:
        names = ', '.join(sorted(get(obj, row.keys[-1].wire) or obj[row.id] for obj in rivals))
        raise InputError(row.sole, f'{parent!r} is that of {row.title} {names} already, and the link is untagged.',
                         f'another {row.sole}, or shared=true if they may share it')


def _check_pair(row: Resource, values: Mapping[str, Any]) -> None:
    one, other, fit = row.pair
    ends = get(values, one), get(values, other)
    try:
        if UNKNOWN in ends:
            raise ValueError('both ends, or none')
        fit(*ends)
    except ValueError as error:
        raise InputError(f'{one}, {other}', f'{ends[0]} and {ends[1]} do not fit.', str(error)) from None
