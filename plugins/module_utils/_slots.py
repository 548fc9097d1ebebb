# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Selectors and slots: what a selector asks of a slot and of an interconnect, which ports are diverse, which slot to order.

Pure functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._ownership import recorded_interconnect
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import DIRECT, INTERCONNECT, SLOT, UNKNOWN
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._snapshot import (
    Snapshot,
    objects_by_field,
    objects_by_key,
    refuse_unreadable_key,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import casefolded

Selector = Mapping[str, Any]
DIFFERENT = 'different'  # as facility: none of the facilities of diverse_from
OTHER_FACILITY = 'other_facility'  # what the selector has instead
# The API's filters for slots. It has `occupied` too, but an order has to see its account's occupied slots: see slot_of_pending_order().
API_FILTERS = ('site', 'speed', 'address_contains')


def _facility_name(obj: Object) -> Any:
    return get(obj, 'facility.name')


def _facility_address(obj: Object) -> str:
    return ', '.join(get(obj, 'facility.address') or ())


def _equal_casefolded(current: Any, desired: Any) -> bool:
    return casefolded(current) == casefolded(desired)


SELECTORS: dict[str, tuple[Callable[[Object], Any], Callable[[Any, Any], bool]]] = {
    'type': (lambda obj: obj.get('type'), _equal_casefolded),
    'site': (lambda obj: obj.get('site'), _equal_casefolded),
    'region': (lambda obj: obj.get('region'), _equal_casefolded),
    'speed': (lambda obj: obj.get('speed'), _equal_casefolded),
    'occupied': (lambda obj: bool(obj.get('occupied')), _equal_casefolded),
    'interconnect': (lambda obj: obj.get('interconnect'), lambda current, desired: current == desired),
    'facility': (_facility_name, _equal_casefolded),
    'alert_type': (lambda obj: obj.get('alert_type'), lambda current, desired: current == desired),
    'address_contains': (_facility_address, lambda current, desired: desired.casefold() in current.casefold()),
}


def matches_selector(obj: Object, option: str, desired: Any) -> bool:
    """Whether a slot or an interconnect matches an option of a selector; None matches everything."""
    value_of, test = SELECTORS[option]
    return desired is None or test(value_of(obj), desired)


def selector_mismatch(selector: Selector, obj: Object, avoided: Iterable[Object]) -> dict[str, dict[str, Any]]:
    """{option: {have, want}} where an interconnect does not match the selector. avoided: the interconnects of diverse_from."""
    mismatches = {option if option in ('type', 'region') else f'slot.{option}': {'have': SELECTORS[option][0](obj), 'want': desired}
                  for option, desired in selector.items() if option in SELECTORS and not matches_selector(obj, option, desired)}
    too_close = ', '.join(other['name'] for other in avoided if other['name'] != obj['name'] and not are_diverse(obj, other, selector))
    if too_close and selector.get(OTHER_FACILITY):
        mismatches['slot.facility'] = {'have': f'in {_facility_name(obj)}', 'want': f'in another facility than {too_close}'}
    elif too_close:
        mismatches['slot.diverse_from'] = {'have': f'on {obj.get("ccr_device_name") or _facility_name(obj)}',
                                           'want': f'away from {too_close}'}
    return mismatches


def interconnects_to_avoid(selector: Selector, circuit: str | None, snapshot: Snapshot) -> list[Object]:
    """The interconnects that diverse_from names, by their own names or by those of circuits.

    circuit: the circuit with that selector; it may name itself. Of two circuits of a plan that name each other, the second avoids the
    first. Raises InputError for a name that neither an interconnect nor a circuit has.
    """
    interconnects: list[Object] = []
    keys = [key for key in INTERCONNECT.keys if key.option in ('name', 'conduit_name')]
    for name in selector.get('diverse_from') or ():
        if name in (UNKNOWN, circuit):
            continue
        matches = _interconnects_of(name, snapshot)
        if not matches and name in snapshot.planned_selectors:
            continue
        matches = matches or objects_by_field(INTERCONNECT, INTERCONNECT.id, name, snapshot)
        if not matches:
            for key in keys:
                refuse_unreadable_key(INTERCONNECT, key, name, snapshot)
            raise InputError('slot.diverse_from', f'{name!r} is neither an interconnect nor a circuit of this account: order it first.')
        interconnects += matches
    return interconnects


def _interconnects_of(name: str, snapshot: Snapshot) -> Sequence[Object]:
    """The interconnect with that name, or of the circuit: planned, by its CNI, or on record. A plan may have ports and no CNIs on them."""
    if name in snapshot.planned_interconnects:
        return [snapshot.planned_interconnects[name]]
    keys = (key for key in INTERCONNECT.keys if key.option in ('name', 'conduit_name'))
    matches = next((objects for key in keys if (objects := objects_by_key(INTERCONNECT, key, name, snapshot))), None)
    return matches or recorded_interconnect(name, snapshot)


def interconnects_kept_away(circuit: str | None, snapshot: Snapshot) -> list[Object]:
    """The interconnects of the circuits that are to be diverse from this one: the later of two keeps away, whichever names the other."""
    return [obj for name in snapshot.kept_away.get(circuit, ()) if name != circuit for obj in _interconnects_of(name, snapshot)]


def are_diverse(first: Object, second: Object, selector: Selector = MappingProxyType({})) -> bool:
    """Whether two ports are on different devices; if a device is not known, whether they are in different facilities.

    selector: may require different facilities in any case; then both have to be known.
    """
    devices, facilities = ([get(obj, path) for obj in (first, second)] for path in ('ccr_device_name', 'facility.name'))
    if selector.get(OTHER_FACILITY) and not (all(facilities) and facilities[0] != facilities[1]):
        return False
    return devices[0] != devices[1] if all(devices) else facilities[0] != facilities[1]


def sort_key_of_slot(obj: Object) -> tuple[str, str, str]:
    """The order of slots, and of interconnects by their slots, which is the same in each run."""
    return _facility_name(obj) or '', obj.get('ccr_device_name') or '', obj.get('slot_id') or obj.get('id') or obj['name']


def selector_key(selector: Selector) -> tuple[tuple[str, Any], ...]:
    """The options of a selector that concern a port alone, as a key for selectors that ask for the same."""
    return tuple(sorted((option, desired) for option, desired in selector.items() if option in SELECTORS and desired is not None))


def candidates(resource: str, selector: Selector, snapshot: Snapshot) -> list[Object]:
    """The slots or interconnects with the first value that the selector names of these: all that match the selector are among them."""
    paths = {'site': 'site', 'facility': 'facility.name', 'region': 'region', 'speed': 'speed'}
    option = next((option for option in paths if selector.get(option) is not None), None)
    return snapshot.matching(resource, paths[option], selector[option], casefolded) if option else snapshot.objects(resource)


def common_filters(selectors: Sequence[Selector]) -> dict[str, Any]:
    """The filters of the API that all selectors have in common. Whether the API regards case is not known: so filter again."""
    first = selectors[0] if selectors else {}
    return {option: first[option] for option in API_FILTERS
            if first.get(option) is not None and all(selector.get(option) == first[option] for selector in selectors)}


def slot_of_pending_order(snapshot: Snapshot, selector: Selector, slot_id: str | None, avoided: Sequence[Object]) -> Object | None:
    """A slot that matches and that this account occupies, without an interconnect listed on it: an order that Cloudflare does not list yet.

    Where an interconnect at the site doesn't show its slot, it may be that one. A slot need not show its account.
    """
    def is_suitable(slot: Object) -> bool:
        return all(matches_selector(slot, option, desired) for option, desired in selector_key(selector) if option != 'type') and all(
            are_diverse(slot, other, selector) for other in avoided)

    occupied = snapshot.as_read.cached('pending', lambda: _slots_without_interconnect(snapshot.as_read))
    return next((slot for slot in occupied if (casefolded(slot['id']) == slot_id if slot_id else is_suitable(slot))), None)


def _slots_without_interconnect(snapshot: Snapshot) -> list[Object]:
    """The slots that this account occupies, without an interconnect listed on them."""
    interconnects = [*snapshot.objects(INTERCONNECT.name), *snapshot.unreadable(INTERCONNECT.name)]
    listed_slots = {casefolded(interconnect.get('slot_id')) for interconnect in interconnects}
    undetermined_sites = {casefolded(interconnect.get('site')) for interconnect in interconnects
                          if interconnect.get('type') in (DIRECT.constants['type'], None) and not interconnect.get('slot_id')}
    return [slot for slot in snapshot.matching(SLOT.name, 'account', snapshot.account, casefolded)
            if slot.get('occupied') and casefolded(slot['id']) not in listed_slots
            and casefolded(slot.get('site')) not in undetermined_sites]


def slot_to_order(snapshot: Snapshot, selector: Selector, slot_id: str | None, avoided: Sequence[Object]) -> Object:
    """The slot to order: free, matching the selector, on no device of the avoided ones, and preferably in none of their facilities.

    Of several it is the first by facility, device and id, so that two runs choose the same, whatever the order of the API's list.
    Raises InputError with the number of slots that each filter leaves, and Unread where a filtered list has none.
    """
    facilities = {_facility_name(other) for other in avoided}
    same_facility = None
    for slot in _first_free_of_each_device(snapshot, selector, slot_id):
        if all(are_diverse(slot, other, selector) for other in avoided):
            if _facility_name(slot) not in facilities:
                return slot
            same_facility = same_facility or slot
    if same_facility is None:
        cache_key = (selector_key(selector), slot_id, selector.get(OTHER_FACILITY),
                     *(other['name'] for other in avoided))  # the same error for all that ask for the same
        raise InputError(*snapshot.cached(cache_key, lambda: _no_slot_error(snapshot.complete_list(SLOT.name), selector, slot_id, avoided)))
    return same_facility


def _first_free_of_each_device(snapshot: Snapshot, selector: Selector, slot_id: str | None) -> Iterator[Object]:
    """The first free slot of each device: its slots differ only in their ids.

    They are sorted once for all selectors that ask for the same.
    """
    def sort() -> list[list[Object]]:
        devices: dict[Any, list[Object]] = {}
        slots = _slots_by_id(slot_id, snapshot) if slot_id else candidates(SLOT.name, selector, snapshot)
        for slot in sorted(slots, key=sort_key_of_slot):
            if all(test(slot) for _name, test in _slot_filters(selector, slot_id)):
                devices.setdefault(sort_key_of_slot(slot)[:2], []).append(slot)
        return [slots[::-1] for slots in devices.values()]

    for slots in snapshot.cached((SLOT.name, slot_id, selector_key(selector)), sort):
        while slots and not snapshot.contains(SLOT.name, slots[-1]):  # it was free when it was sorted
            slots.pop()
        yield from slots[-1:]


def _slots_by_id(slot_id: str, snapshot: Snapshot) -> list[Object]:
    return snapshot.matching(SLOT.name, 'id', slot_id, casefolded)


def _slot_filters(selector: Selector, slot_id: str | None) -> list[tuple[str, Callable[[Object], bool]]]:
    """(name, test) of each filter for slots, but for diversity."""
    by_id = [(f'slot_id {slot_id}', lambda slot: casefolded(slot['id']) == slot_id)] if slot_id else []
    return [*by_id, ('free', lambda slot: not slot.get('occupied')),
            *((f'{option} {desired!r}', lambda slot, option=option, desired=desired: matches_selector(slot, option, desired))
              for option, desired in selector_key(selector) if option != 'type')]


def _no_slot_error(slots: Sequence[Object], selector: Selector, slot_id: str | None, avoided: Sequence[Object]) -> tuple[Any, ...]:
    """The arguments of the InputError with the number of slots that each filter leaves, or with the name that no slot has."""
    phrase = 'not in the facility' if selector.get(OTHER_FACILITY) else 'not on the device'
    filters = [*_slot_filters(selector, slot_id),
               *((f'{phrase} of {other["name"]}', lambda slot, other=other: are_diverse(slot, other, selector)) for other in avoided)]
    remaining, counts = slots, [f'{len(slots)} slots']
    for name, test in filters:
        passed = [slot for slot in remaining if test(slot)]
        counts.append(f'{name}: {len(passed)}')
        if not passed:
            break
        remaining = passed
    if slot_id and name.startswith('slot_id'):
        return 'slot_id', f'this account has no slot {slot_id}: list the slots with netops.cloudflare_cni.slots_info.'
    if slot_id and name == 'free':
        location, owner = f'{_facility_name(remaining[0])}, {remaining[0].get("site")}', remaining[0].get('account')
        return 'slot_id', f'slot {slot_id} ({location}) is already occupied{f" (account {owner})" if owner else ""}.'
    kinds = sorted({f'{slot.get("site")}/{_facility_name(slot)}/{slot.get("speed")}' for slot in remaining})
    remaining_kinds = ', '.join(kinds[:12]) or 'none'
    return _unknown_name_error(slots, selector) or (
        'slot_id' if slot_id else 'slot', f'no slot matches: {", ".join(counts)}. Slots before the last filter: {remaining_kinds}.')


def _unknown_name_error(slots: Sequence[Object], selector: Selector) -> tuple[Any, ...] | None:
    """The arguments of the InputError for a site, speed or facility that no slot has at all, occupied or free."""
    for option in ('site', 'facility', 'speed'):
        existing = {SELECTORS[option][0](slot) for slot in slots} - {None, ''}
        if selector.get(option) is not None and existing and not any(_equal_casefolded(name, selector[option]) for name in existing):
            names = sorted(existing)
            option_path = f'slot.{option}' if 'type' in selector else option
            return option_path, f'no slot has the {option} {selector[option]!r}. There are: {", ".join(names[:20])}.', names
    return None
