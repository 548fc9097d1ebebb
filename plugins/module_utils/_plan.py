# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The decision: what is wanted, what is there, what has to change. Pure functions; no client, no ansible, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import AmbiguousError, CniError, DriftError, InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import (
    Object,
    World,
    by_key,
    contrast,
    differing,
    get,
    merge,
    no_such,
    refuse_unreadable,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import (
    CNI,
    DIRECT,
    GCP_PARTNER,
    INTERCONNECT,
    ROWS,
    SLOT,
    UNKNOWN,
    Field,
    Key,
    Placeholder,
    Resource,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._slots import allocate, meets, mismatch, neighbours, place
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import folded, pairing_region


class Wanted(NamedTuple):
    """One object as the user declares it. keys: {option: value}; fields: {path: value}; select: the slot selector, if any.

    follows: it is on the interconnect that was decided just before. circuit: which one it is part of, where there are many.
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

    @property
    def label(self) -> str:
        """What people call it."""
        if self.circuit:
            return f'{self.row.title} of {self.circuit}'
        told = self.keys or {k: v for k, v in (self.select or {}).items() if v is not None}
        return f'{self.row.title} ' + ', '.join(f'{option}={value}' for option, value in told.items()) if told else self.row.title


class Change(NamedTuple):
    """One step. action: none, create, update or delete. named: the paths that it sets because the user said so.

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
    if row.pair and row.pair[0] in fields and row.pair[1] in fields:
        _check_pair(row, fields)
    return Wanted(row, params.get('state') or 'present', keys, fields, _selector(row, params), params.get('on_immutable') == 'replace',
                  bool(params.get('force')), bool(params.get('shared')), tuple(dict.fromkeys(warnings)))


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
    return {'type': 'direct', 'speed': params.get('speed'), **asked}


# Finding what is there.

def find(wanted: Wanted, world: World) -> Object | None:
    """The object that the user means, or None. Raises AmbiguousError for two, InputError for a name that only Cloudflare gives."""
    row = wanted.row
    if row.id is None:
        return next(iter(world.seen(row.name)), {})
    hits = _named(wanted, world)
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
    row, keys = wanted.row, [key for key in wanted.row.keys if key.option in wanted.keys]
    hits = {obj[row.id]: obj for key in keys for obj in by_key(row, key, wanted.keys[key.option], world)}
    for key in keys if not hits else ():
        refuse_unreadable(row, key, wanted.keys[key.option], world)
    return hits


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
            hits = [name] if name == UNKNOWN else [obj['name'] for obj in by_key(INTERCONNECT, key, name, world)]
            if not hits:
                refuse_unreadable(INTERCONNECT, key, name, world)
                raise no_such(CNI if key.via else INTERCONNECT, option, name, world, key.via[0].field if key.via else None)
            found += hits
    return list(dict.fromkeys(found))


def _selected(wanted: Wanted, world: World) -> list[Object]:
    """Interconnects that meet the selector; for a circuit, only such as carry no other circuit yet.

    Of several it takes the first as slots go, if the circuits of the plan without a port need them all: a run that was ended leaves such.
    """
    others, spare = _others(wanted, world), world.seen('interconnect')
    if 'conduit_name' in wanted.keys:
        taken = {cni.get('interconnect') for cni in world.unreadable('cni')}
        spare = [obj for obj in spare if obj['name'] not in world.promised and not world.having('cni', 'interconnect', obj['name'])]
        spare = [obj for obj in spare if obj['name'] not in taken]
    spare = [obj for obj in spare if obj not in others and not mismatch(wanted.select, obj, others)]
    _refuse_unclear(wanted, spare, world)
    return [min(spare, key=place)] if len(spare) > 1 and 'conduit_name' in wanted.keys and _all_needed(spare, world) else spare


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
    takers = [select for name, select in world.asking.items() if select and not world.having('cni', 'magic.conduit_name', name)]
    return sum(not any(mismatch(select, obj, ()) for obj in spare) for select in takers) >= len(spare)


def _others(wanted: Wanted, world: World) -> list[Object]:
    return neighbours(wanted.select or {}, wanted.keys.get('conduit_name'), world)


# plan(): from what is wanted and what is there to the changes.

def plan(wanted: Sequence[Wanted], world: World) -> list[Change]:
    """The changes that bring the world to what is wanted, one or more for each, in the order of the list.

    Raises InputError, AmbiguousError or DriftError, and Unread for what it has not been shown.
    """
    (changes,) = plan_each([wanted], world)
    if isinstance(changes, CniError):
        raise changes
    return changes


def plan_each(chains: Sequence[Sequence[Wanted]], world: World) -> list[list[Change] | CniError]:
    """plan() for each of the chains, which reckon with what those before them will change; for one that can't be, why.

    Raises InputError for what is wanted twice, and Unread.
    """
    _refuse_twins(one for chain in chains for one in chain)
    world = world.copy()
    for one in (one for chain in chains for one in chain if 'conduit_name' in one.keys):
        world.asking[one.keys['conduit_name']] = one.select or world.asking.get(one.keys['conduit_name'])
    return [_plan_one(chain, world) for chain in chains]


def _plan_one(chain: Iterable[Wanted], world: World) -> list[Change] | CniError:
    """The changes, which then have happened in the world; or the error, and the world is as before."""
    changes: list[Change] = []
    promised: set[str] = set()
    for one in chain:
        try:
            decided = _decide(_onto(one, changes) if one.follows else one, world)
        except CniError as error:
            for change in reversed(changes):
                _happen(world, change, undo=True)
            world.promised -= promised
            return error
        for change in decided:
            _happen(world, change)
        if one.row.name == INTERCONNECT.name and one.keys.get('conduit_name') and decided[-1].after:
            promised.add(decided[-1].after['name'])
            world.promised |= promised
        changes += decided
    return changes


def _onto(wanted: Wanted, changes: Sequence[Change]) -> Wanted:
    """What follows an interconnect, on it."""
    port = next(change for change in reversed(changes) if change.row.name == INTERCONNECT.name)
    name, wire = port.after[port.row.id], wanted.row.parent[1]
    return wanted._replace(fields={**wanted.fields, wire: name}) if wire else wanted._replace(keys={wanted.row.parent[0]: name})


def _happen(world: World, change: Change, undo: bool = False) -> None:
    """Changes the world as the change will, so that what is decided next reckons with it."""
    before = change.before if change.action in ('update', 'delete') else None
    if change.action == 'none':
        return
    world.turn(change.row.name, *((change.after, before) if undo else (before, change.after)))
    port = (change.after or change.before) if change.row.name == INTERCONNECT.name else {}
    for slot in world.having(SLOT.name, 'id', port['slot_id']) if port.get('slot_id') and world.has(SLOT.name) else ():
        world.turn(SLOT.name, slot, {**slot, 'occupied': (change.after is not None) != undo})


def schedule(changes: Iterable[Change]) -> list[Change]:
    """The order of writing: deletes first, children before parents; then the rest, parents before children."""
    return sorted(changes, key=rank)


def rank(change: Change) -> tuple[bool, int]:
    """The place of a change in that order; those of one rank need not wait for each other."""
    return (False, -_depth(change.row)) if change.action == 'delete' else (True, _depth(change.row))


def _depth(row: Resource) -> int:
    return 1 + _depth(ROWS[row.parent[0]]) if row.parent else 0


def _refuse_twins(wanted: Iterable[Wanted]) -> None:
    """What comes with an interconnect may be named by each circuit on it, if they agree."""
    met: dict[tuple[str, str, Any], Wanted] = {}
    for one in wanted:
        for option, value in one.keys.items():
            twin = met.setdefault((one.row.name, option, value), one)
            if twin is not one and (one.row.creatable or twin.fields != one.fields):
                raise InputError(option, f'{value!r} is named twice.')


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
    """The delete, after that of the CNI that the user named."""
    doomed = [(CNI, cni, get(cni, 'magic.conduit_name')) for cni in _carried(wanted, found, world)]
    doomed.append((wanted.row, found, found[wanted.row.id]))
    return [Change(row, 'delete', f'{row.title} {name}', obj, None) for row, obj, name in doomed]


def _carried(wanted: Wanted, found: Object, world: World) -> list[Object]:
    """The CNIs that go with an interconnect. Raises InputError for one that the user didn't name, and where only a CNI leads to it:

    a run that ends between the two deletes would leave a port that nothing leads to.
    """
    if wanted.row.name != CNI.parent[0]:
        return []
    name, circuit = found[wanted.row.id], wanted.keys.get('conduit_name')
    carried = world.having(CNI.name, CNI.parent[1], name)
    world.refuse(CNI.name, CNI.parent[1], name)
    for cni in carried:
        if not circuit or get(cni, 'magic.conduit_name') != circuit:  # of a CNI without a name nobody has spoken
            other = f'{get(cni, "magic.conduit_name")!r} ({cni["id"]})'
            raise InputError('state', f'interconnect {name!r} carries the CNI {other}, which would be lost. '
                                      'Remove it first with netops.cloudflare_cni.cni, state=absent.')
    own = [key for key in wanted.row.keys if key.option in wanted.keys and not key.via]
    if carried and not any(found in by_key(wanted.row, key, wanted.keys[key.option], world) for key in own):
        raise InputError('name', f'only the CNI {circuit!r} leads to interconnect {name!r}, and it goes first. Say name={name} too.')
    return carried


def _replace(wanted: Wanted, found: Object, stuck: dict, world: World) -> list[Change]:
    """Delete and create, on the user's word only; all of it is decided, and so validated, before anything is deleted."""
    what = f'{wanted.row.title} {found[wanted.row.id]!r}'
    if not wanted.replace:
        raise DriftError(what, stuck, 'Ask for what is there, or say on_immutable=replace to give it up and order another one.')
    status = world.seen('status', found[wanted.row.id])
    if any(one.get('state') == 'Healthy' for one in status) and not wanted.force:
        raise DriftError(what, stuck, 'It is Healthy, so it is not replaced without force=true.')
    gone, without = _remove(wanted, found, world), world.copy()
    for change in gone:
        _happen(without, change)
    created = _create(wanted, without)
    return [*gone, created._replace(known=created.known | {found[wanted.row.id]})]


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
    known = frozenset(obj.get(row.id) for obj in world.seen(row.name))
    chosen = wanted.select is None or 'slot_id' in wanted.keys
    return Change(row, 'create', wanted.label, None, after, tuple(fields), known, chosen, bool(row.sole) and not wanted.shared)


def _placed(wanted: Wanted, world: World) -> Object:
    """What the place of a new interconnect tells of it: its slot or its region."""
    if wanted.row.fixed == GCP_PARTNER.fixed:
        return {'region': wanted.select['region']}
    if wanted.row.fixed != DIRECT.fixed:
        return {}
    if wanted.select is None and 'slot_id' not in wanted.keys:
        raise InputError('slot_id', 'a direct interconnect is ordered on a slot.', 'slot_id, or slot with what it has to meet')
    select = wanted.select or {'speed': wanted.fields.get('speed')}
    slot = allocate(world.seen('slot'), select, wanted.keys.get('slot_id'), _others(wanted, world))
    if UNKNOWN in (select.get('diverse_from') or ()):
        return {'slot_id': UNKNOWN}
    told = ('site', 'facility', 'speed', 'ccr_device_name')
    return {'slot_id': slot['id'], **{name: slot[name] for name in told if slot.get(name) is not None}}


def _not_there(wanted: Wanted, world: World) -> Change:
    """A health check comes and goes with its interconnect: it can be set where Cloudflare shows it, and predicted where it can't yet."""
    option, value = next(iter(wanted.keys.items()))
    if value == UNKNOWN:
        return Change(wanted.row, 'update', wanted.label, {}, merge({wanted.row.id: UNKNOWN}, wanted.fields), tuple(wanted.fields))
    key = next(key for key in wanted.row.keys if key.option == option)
    for hop in key.via:
        if not world.having(hop.resource, hop.field, value):
            raise no_such(ROWS[hop.resource], option, value, world, hop.field)
        value = get(world.having(hop.resource, hop.field, value)[0], hop.gives)
    raise InputError(option, f'Cloudflare shows no {wanted.row.title} for {wanted.keys[option]!r} yet: try again in some minutes.')


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
    if name != UNKNOWN and not world.having(parent.name, parent.id, name):
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
