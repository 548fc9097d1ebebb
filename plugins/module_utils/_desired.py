# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the options of a module to the desired object. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import GCP_PARTNER, UNKNOWN, Field, Key, Resource
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._slots import DIFFERENT, OTHER_FACILITY
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import casefolded, pairing_region


class Desired(NamedTuple):
    """An object as the user declares it. keys: {option: value}; fields: {path: value}; selector: of a slot.

    circuit: the circuit that the object is part of, where there are many. on_previous: it is on the interconnect that is planned just
    before.
    previous_name: the conduit_name that the CNI has now, if it is to be renamed.
    routes_named: the routes to what is deleted may be deleted with it.
    resend: fields that no answer holds are sent although nothing else changes.
    create_only: an object that exists already is never changed: it is as desired, or an error.
    state: present, absent, or of routes surplus: those to the circuit that are not declared.
    """

    row: Resource
    state: str
    keys: dict[str, Any]
    fields: dict[str, Any]
    selector: dict[str, Any] | None = None
    replace: bool = False
    force: bool = False
    shared: bool = False
    warnings: tuple[str, ...] = ()
    on_previous: bool = False
    circuit: str = ''
    previous_name: str | None = None
    routes_named: bool = False
    resend: bool = False
    create_only: bool = False

    @property
    def label(self) -> str:
        """Its name in messages."""
        if self.circuit:
            return ' '.join([self.row.title, *(self.keys[path] for path in self.row.joint_key if path in self.keys), 'of', self.circuit])
        identity = self.keys or {option: value for option, value in (self.selector or {}).items() if value is not None}
        return f'{self.row.title} ' + ', '.join(f'{option}={value}' for option, value in identity.items()) if identity else self.row.title

    def placed(self, error: InputError, f: Field) -> InputError:
        """The error of a field, in a circuit with the block that its option is in."""
        return error.within(f.block) if self.circuit and f.block else error


def desired_object(row: Resource, params: Mapping[str, Any]) -> Desired:
    """The object that the options of a module declare. Raises InputError with the option and what is allowed."""
    for option, reason in row.refused_options.items():
        if params.get(option) is not None:
            raise InputError(option, reason)
    row = _resource_variant(row, params)
    warnings: list[str] = []
    keys = given_values(row.keys, params, warnings)
    options = {f.option: f.path for f in row.fields}
    fields = {options[option]: value for option, value in given_values(row.fields, params, warnings).items()}
    fields |= _open_fields(row, params, warnings)
    fields |= _cleared_fields(row, params.get('clear') or (), fields)
    _refuse_cleared(row, fields)
    if row.paired_fields and row.paired_fields[0] in fields and row.paired_fields[1] in fields:
        check_pair(row, fields)
    return Desired(row, params.get('state') or 'present', keys, fields, _selector(row, params), params.get('on_immutable') == 'replace',
                   bool(params.get('force')), bool(params.get('shared')), tuple(dict.fromkeys(warnings)),
                   resend=params.get('update_secret') == 'always')


def _open_fields(row: Resource, params: Mapping[str, Any], warnings: list[str]) -> dict[str, Any]:
    """{path: canonical value} of the fields of the open block."""
    options = params.get(row.open_block.option) if row.open_block else None
    return {f'{row.open_block.path}.{name}': checked_value(f'{row.open_block.option}.{name}', value, row.open_block.check, warnings)
            for name, value in (options or {}).items() if value is not None}


def _cleared_fields(row: Resource, names: Iterable[str], fields: Mapping[str, Any]) -> dict[str, Any]:
    """{path: the value that clears it} for the option clear. Raises InputError for a field that is given a value too."""
    cleared = dict(row.clear_values[name] for name in names)
    for path in cleared:
        both = next((other for other in fields if _is_within(other, path)), None)
        if both:
            raise InputError('clear', f'{row.field(path).option} is to be cleared, but {row.field(both).option} is set.',
                             'one of the two')
    return cleared


def _refuse_cleared(row: Resource, fields: Mapping[str, Any]) -> None:
    """Raises InputError for a field that is given although another one clears it."""
    for path, (other, value) in row.cleared_by.items():
        if path in fields and fields.get(other) == value:
            raise InputError(row.field(path).option, f'must be left out with {row.field(other).option}={value}, which clears it.')


def _is_within(path: str, block: str) -> bool:
    return path == block or path.startswith(f'{block}.')


def given_values(rows: Iterable[Field | Key], params: Mapping[str, Any], warnings: list[str]) -> dict[str, Any]:
    """{option: canonical value} of the options that are given. Raises InputError; appends to warnings."""
    values = {row: get(params, row.option) for row in rows}
    return {row.option: checked_value(row.option, value, row.check, warnings, getattr(row, 'secret', False))
            for row, value in values.items() if value is not None}


def checked_value(option: str, value: Any, check: Callable, warnings: list[str], secret: bool = False) -> Any:
    """The canonical value. Raises InputError with what is allowed. UNKNOWN from a prediction passes."""
    if value == UNKNOWN:
        return value
    try:
        return check(value, lambda text: warnings.append(f'{option}: {text}'))
    except ValueError as error:
        quoted = 'the value' if secret else repr(value)
        raise InputError(option, f'{quoted} is not valid.', str(error)) from None


def _resource_variant(row: Resource, params: Mapping[str, Any]) -> Resource:
    """The row for the type that the options are for."""
    implied = {option: type_ for option, type_ in row.implied_types.items() if params.get(option) is not None}
    types = set(implied.values()) | ({params['type']} if row.variants and params.get('type') else set())
    if len(types) > 1:
        raise InputError(', '.join(['type', *implied]), 'these options belong to different types of interconnect.',
                         'slot_id, slot and speed with direct; pairing_key and bandwidth with gcp_partner')
    return row.variants.get(types.pop(), row) if types else row


def _selector(row: Resource, params: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the interconnect, or the slot for a new one, has to match."""
    if row.constants == GCP_PARTNER.constants:
        key = params.get('pairing_key')
        return {'type': 'gcp_partner', 'region': pairing_region(key) if key else None, 'speed': params.get('bandwidth')}
    if params.get('slot') is None:
        return None
    selector = {option: value for option, value in params['slot'].items() if value not in (None, [])}
    if not selector:
        allowed = 'at least one of ' + ', '.join(params['slot'] or ['site'])
        raise InputError('slot', 'is empty, so any port at any site would match.', allowed)
    if len({casefolded(speed) for speed in (params.get('speed'), selector.get('speed')) if speed}) > 1:
        raise InputError('speed, slot.speed', f'{params["speed"]} and {selector["speed"]} differ, but a port has one speed.')
    return {'type': 'direct', 'speed': params.get('speed'), **_with_facility_rule(selector)}


def _with_facility_rule(selector: dict[str, Any]) -> dict[str, Any]:
    """The selector, with the facility `different` as a rule of its own. Raises InputError."""
    if casefolded(selector.get('facility')) != DIFFERENT:
        return selector
    if not selector.get('diverse_from'):
        raise InputError('slot.facility', f'{DIFFERENT} needs diverse_from.', 'with diverse_from, or the name of a facility')
    return {**{option: value for option, value in selector.items() if option != 'facility'}, OTHER_FACILITY: True}


def check_pair(row: Resource, values: Mapping[str, Any]) -> None:
    first, second, check = row.paired_fields
    addresses = get(values, first), get(values, second)
    try:
        if UNKNOWN in addresses:
            raise ValueError('both ends, or none')
        check(*addresses)
    except ValueError as error:
        raise InputError(f'{first}, {second}', f'{addresses[0]} and {addresses[1]} do not match.', str(error)) from None
