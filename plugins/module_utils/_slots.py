# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which port: what a selector asks of a slot and of an interconnect alike, which ports are apart, which slot to order. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import (
    Object,
    World,
    by_field,
    by_key,
    get,
    refuse_unreadable,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._owners import recorded_interconnect
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import DIRECT, INTERCONNECT, SLOT, UNKNOWN
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import folded

Select = Mapping[str, Any]
DIFFERENT = 'different'  # as facility: none of those that the others of diverse_from are in
HARD = 'other_facility'  # what a selector then has instead
# What the API can filter slots by. It knows `occupied` too, but an order has to see its own account's taken slots: see pending().
QUERY = ('site', 'speed', 'address_contains')


def _facility(obj: Object) -> Any:
    return get(obj, 'facility.name')


def _address(obj: Object) -> str:
    return ', '.join(get(obj, 'facility.address') or ())


def _equal(have: Any, want: Any) -> bool:
    return folded(have) == folded(want)


SELECTORS: dict[str, tuple[Callable[[Object], Any], Callable[[Any, Any], bool]]] = {
    'type': (lambda obj: obj.get('type'), _equal),
    'site': (lambda obj: obj.get('site'), _equal),
    'region': (lambda obj: obj.get('region'), _equal),
    'speed': (lambda obj: obj.get('speed'), _equal),
    'occupied': (lambda obj: bool(obj.get('occupied')), _equal),
    'interconnect': (lambda obj: obj.get('interconnect'), lambda have, want: have == want),
    'facility': (_facility, _equal),
    'address_contains': (_address, lambda have, want: want.casefold() in have.casefold()),
}


def meets(obj: Object, option: str, want: Any) -> bool:
    """Whether a slot or an interconnect has what the selector asks for; None asks for nothing."""
    have, test = SELECTORS[option]
    return want is None or test(have(obj), want)


def mismatch(select: Select, obj: Object, others: Iterable[Object]) -> dict[str, dict[str, Any]]:
    """{option: {have, want}} for what the selector asks and an interconnect is not. others: the interconnects of diverse_from."""
    misses = {option if option in ('type', 'region') else f'slot.{option}': {'have': SELECTORS[option][0](obj), 'want': want}
              for option, want in select.items() if option in SELECTORS and not meets(obj, option, want)}
    near = ', '.join(other['name'] for other in others if other['name'] != obj['name'] and not apart(obj, other, select))
    if near and select.get(HARD):
        misses['slot.facility'] = {'have': f'in {_facility(obj)}', 'want': f'in another one than {near}'}
    elif near:
        misses['slot.diverse_from'] = {'have': f'on {obj.get("ccr_device_name") or _facility(obj)}', 'want': f'away from {near}'}
    return misses


def neighbours(select: Select, itself: str | None, world: World) -> list[Object]:
    """The interconnects that diverse_from names, by their own names or by those of the circuits on them.

    itself: the circuit that asks, which may be among them. Two of one plan may name each other: the second keeps away from the first.
    Raises InputError for a name that nothing has.
    """
    found: list[Object] = []
    keys = [key for key in INTERCONNECT.keys if key.option in ('name', 'conduit_name')]
    for name in select.get('diverse_from') or ():
        if name in (UNKNOWN, itself):
            continue
        hits = next((objects for key in keys if (objects := by_key(INTERCONNECT, key, name, world))), None)
        hits = hits or recorded_interconnect(name, world)
        if not hits and name in world.asking:
            continue
        hits = hits or by_field(INTERCONNECT, INTERCONNECT.id, name, world)
        if not hits:
            for key in keys:
                refuse_unreadable(INTERCONNECT, key, name, world)
            raise InputError('slot.diverse_from', f'there is no interconnect and no circuit {name!r} to keep away from: order it first.')
        found += hits
    return found


def apart(one: Object, other: Object, select: Select = MappingProxyType({})) -> bool:
    """Whether two ports are on different devices; where a device is not known, whether they are in different facilities.

    select: may ask for different facilities in any case; then both have to be known.
    """
    devices, facilities = ([get(obj, wire) for obj in (one, other)] for wire in ('ccr_device_name', 'facility.name'))
    if select.get(HARD) and not (all(facilities) and facilities[0] != facilities[1]):
        return False
    return devices[0] != devices[1] if all(devices) else facilities[0] != facilities[1]


def place(obj: Object) -> tuple[str, str, str]:
    """Where a slot is, or the port that was ordered on it, for an order that each run comes to."""
    return _facility(obj) or '', obj.get('ccr_device_name') or '', obj.get('slot_id') or obj.get('id') or obj['name']


def asked(select: Select) -> tuple[tuple[str, Any], ...]:
    """What a selector asks of a port by itself, as the key of all that ask for the same."""
    return tuple(sorted((option, want) for option, want in select.items() if option in SELECTORS and want is not None))


def near(resource: str, select: Select, world: World) -> list[Object]:
    """The slots or interconnects among which are all that meet a selector, found by what it says first of these."""
    wires = {'site': 'site', 'facility': 'facility.name', 'region': 'region', 'speed': 'speed'}
    option = next((option for option in wires if select.get(option) is not None), None)
    return world.having(resource, wires[option], select[option], folded) if option else world.seen(resource)


def narrowed(selects: Sequence[Select]) -> dict[str, Any]:
    """What the selectors have in common that the API can filter by. Whether it regards case is not known: so filter again."""
    return {option: selects[0][option] for option in QUERY
            if selects and selects[0].get(option) is not None and all(select.get(option) == selects[0][option] for select in selects)}


def pending(world: World, select: Select, slot_id: str | None, others: Sequence[Object]) -> Object | None:
    """A slot that would do and that this account has taken, with no interconnect listed on it: an order that is not to be seen yet.

    Where an interconnect at the site doesn't say which slot it is on, it may be that one. A slot need not say whose it is.
    """
    def would_do(slot: Object) -> bool:
        return all(meets(slot, option, want) for option, want in asked(select) if option != 'type') and all(
            apart(slot, other, select) for other in others)

    taken = world.origin.kept('pending', lambda: _unlisted(world.origin))
    return next((slot for slot in taken if (folded(slot['id']) == slot_id if slot_id else would_do(slot))), None)


def _unlisted(world: World) -> list[Object]:
    """The slots that this account has taken, with no interconnect listed on them."""
    ports = [*world.seen(INTERCONNECT.name), *world.unreadable(INTERCONNECT.name)]
    listed = {folded(port.get('slot_id')) for port in ports}
    unsure = {folded(port.get('site')) for port in ports if port.get('type') in (DIRECT.fixed['type'], None) and not port.get('slot_id')}
    return [slot for slot in world.having(SLOT.name, 'account', world.account, folded)
            if slot.get('occupied') and folded(slot['id']) not in listed and folded(slot.get('site')) not in unsure]


def allocate(world: World, select: Select, slot_id: str | None, others: Sequence[Object]) -> Object:
    """The slot to order: free, meeting the selector, off the devices of the others, rather in a facility that none of them is in.

    Of several it is the first by facility, device and id, so that two runs choose the same one, whatever order the API lists them in.
    Raises InputError that says how many slots each filter let through, and Unread where a narrowed list has none.
    """
    facilities = {_facility(other) for other in others}
    second = None
    for slot in _first_of_each_device(world, select, slot_id):
        if all(apart(slot, other, select) for other in others):
            if _facility(slot) not in facilities:
                return slot
            second = second or slot
    if second is None:
        near = (asked(select), slot_id, select.get(HARD), *(other['name'] for other in others))  # counted once for all who ask for the same
        raise InputError(*world.kept(near, lambda: _nothing_left(world.whole(SLOT.name), select, slot_id, others)))
    return second


def _first_of_each_device(world: World, select: Select, slot_id: str | None) -> Iterator[Object]:
    """The first free slot of each device: they are alike in all but their ids. Slots are sorted once for all who ask for the same."""
    def sort() -> list[list[Object]]:
        devices: dict[Any, list[Object]] = {}
        for slot in sorted(near(SLOT.name, select, world) if not slot_id else _by_id(slot_id, world), key=place):
            if all(keeps(slot) for _name, keeps in _filters(select, slot_id)):
                devices.setdefault(place(slot)[:2], []).append(slot)
        return [slots[::-1] for slots in devices.values()]

    for slots in world.kept((SLOT.name, slot_id, asked(select)), sort):
        while slots and not world.holds(SLOT.name, slots[-1]):  # it was free when it was sorted in
            slots.pop()
        yield from slots[-1:]


def _by_id(slot_id: str, world: World) -> list[Object]:
    return world.having(SLOT.name, 'id', slot_id, folded)


def _filters(select: Select, slot_id: str | None) -> list[tuple[str, Callable[[Object], bool]]]:
    """What a slot has to be, each with its name, but for the others that it is to be apart from."""
    named = [(f'slot_id {slot_id}', lambda slot: folded(slot['id']) == slot_id)] if slot_id else []
    return [*named, ('free', lambda slot: not slot.get('occupied')),
            *((f'{option} {want!r}', lambda slot, option=option, want=want: meets(slot, option, want))
              for option, want in asked(select) if option != 'type')]


def _nothing_left(slots: Sequence[Object], select: Select, slot_id: str | None, others: Sequence[Object]) -> tuple[Any, ...]:
    """The arguments of the error that says how many slots each filter let through, or which of the names in the selector no slot has."""
    away = 'not in the facility' if select.get(HARD) else 'not on the device'
    filters = [*_filters(select, slot_id),
               *((f'{away} of {other["name"]}', lambda slot, other=other: apart(slot, other, select)) for other in others)]
    left, trail = slots, [f'{len(slots)} slots']
    for name, keeps in filters:
        rest = [slot for slot in left if keeps(slot)]
        trail.append(f'{name} leaves {len(rest)}')
        if not rest:
            break
        left = rest
    if slot_id and name.startswith('slot_id'):
        return 'slot_id', f'Cloudflare offers no slot {slot_id} to this account: see netops.cloudflare_cni.slots_info.'
    if slot_id and name == 'free':
        place, holder = f'{_facility(left[0])}, {left[0].get("site")}', left[0].get('account')
        return 'slot_id', f'slot {slot_id} ({place}) is taken by someone else{f" (account {holder})" if holder else ""}.'
    near = ', '.join(sorted({f'{s.get("site")}/{_facility(s)}/{s.get("speed")}' for s in left})[:12]) or 'none'
    return _misspelt(slots, select) or (
        'slot_id' if slot_id else 'slot', f'no slot is left: {", ".join(trail)}. Before that filter there were {near}.')


def _misspelt(slots: Sequence[Object], select: Select) -> tuple[Any, ...] | None:
    """The arguments of the error for a site, speed or facility that no slot has at all, taken or free."""
    for option in ('site', 'facility', 'speed'):
        there = {SELECTORS[option][0](slot) for slot in slots} - {None, ''}
        if select.get(option) is not None and there and not any(_equal(have, select[option]) for have in there):
            names = sorted(there)
            path = f'slot.{option}' if 'type' in select else option
            return path, f'there is no {option} {select[option]!r} among the slots. There are: {", ".join(names[:20])}.', names
    return None
