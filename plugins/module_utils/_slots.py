# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which port: what a selector asks of a slot and of an interconnect alike, which ports are apart, which slot to order. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, World, by_key, get, refuse_unreadable
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import INTERCONNECT, UNKNOWN
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import folded

Select = Mapping[str, Any]


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
    near = [other['name'] for other in others if other['name'] != obj['name'] and not apart(obj, other)]
    if near:
        misses['slot.diverse_from'] = {'have': f'on {obj.get("ccr_device_name") or _facility(obj)}', 'want': f'away from {", ".join(near)}'}
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
        if hits is None and name in world.asking:
            continue
        if hits is None:
            for key in keys:
                refuse_unreadable(INTERCONNECT, key, name, world)
            raise InputError('slot.diverse_from', f'there is no interconnect and no circuit {name!r} to keep away from: order it first.')
        found += hits
    return found


def apart(one: Object, other: Object) -> bool:
    """Whether two ports are on different devices; where a device is not told, whether they are in different facilities."""
    devices = one.get('ccr_device_name'), other.get('ccr_device_name')
    return devices[0] != devices[1] if all(devices) else _facility(one) != _facility(other)


def place(obj: Object) -> tuple[str, str, str]:
    """Where a slot is, or the port that was ordered on it, for an order that each run comes to."""
    return _facility(obj) or '', obj.get('ccr_device_name') or '', obj.get('slot_id') or obj.get('id') or obj['name']


def allocate(slots: Sequence[Object], select: Select, slot_id: str | None, others: Sequence[Object]) -> Object:
    """The slot to order: free, meeting the selector, off the devices of the others, rather in a facility that none of them is in.

    Of several it is the first by facility, device and id, so that two runs choose the same one, whatever order the API lists them in.
    Raises InputError that says how many slots each filter let through.
    """
    filters: list[tuple[str, Callable[[Object], bool]]] = [('free', lambda slot: not slot.get('occupied'))]
    if slot_id:
        filters.insert(0, (f'slot_id {slot_id}', lambda slot: folded(slot['id']) == slot_id))
    filters += [(f'{option} {want!r}', lambda slot, option=option, want=want: meets(slot, option, want))
                for option, want in select.items() if option in SELECTORS and option != 'type' and want is not None]
    filters += [(f'not on the device of {other["name"]}', lambda slot, other=other: apart(slot, other)) for other in others]
    left, trail = list(slots), [f'{len(slots)} slots']
    for name, keeps in filters:
        rest = [slot for slot in left if keeps(slot)]
        trail.append(f'{name} leaves {len(rest)}')
        if not rest:
            raise _nothing_left(slot_id, name, left, trail)
        left = rest
    facilities = {_facility(other) for other in others}
    return min(left, key=lambda slot: (_facility(slot) in facilities, place(slot)))


def _nothing_left(slot_id: str | None, name: str, left: list[Object], trail: list[str]) -> InputError:
    if slot_id and name.startswith('slot_id'):
        return InputError('slot_id', f'Cloudflare offers no slot {slot_id} to this account: see netops.cloudflare_cni.slots_info.')
    if slot_id and name == 'free':
        place, holder = f'{_facility(left[0])}, {left[0].get("site")}', left[0].get('account')
        return InputError('slot_id', f'slot {slot_id} ({place}) is taken by someone else{f" (account {holder})" if holder else ""}.')
    near = ', '.join(sorted({f'{s.get("site")}/{_facility(s)}/{s.get("speed")}' for s in left})[:12]) or 'none'
    return InputError('slot_id' if slot_id else 'slot', f'no slot is left: {", ".join(trail)}. Before that filter there were {near}.')
