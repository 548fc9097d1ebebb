# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hands of the collection: apply() writes what the plan decided, and decides nothing itself. The only file with POST, PUT or DELETE."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import Client
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import (
    AnswerError,
    ApiError,
    CniError,
    InputError,
    NotTakenError,
    RaceError,
    TransportError,
    UndecidedError,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, Unreadable, contrast, differing, get, merge
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._observe import named, read, unwrapped
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._plan import Change, rank
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import (
    UNKNOWN,
    Placeholder,
    Resource,
)

REST = (True, 0)  # the phase of all that is no delete
ORDERS = 2  # POSTs of one order at most: the second only after a look that did not find what the first may have made


@dataclass
class End:
    """What became of a chain of changes. done: those written, with their answers; error: what ended it, and applied: what was done by then.

    skipped: it was not begun, since another one had failed.
    """

    done: list[Change] = field(default_factory=list)
    error: CniError | None = None
    applied: list[Change] = field(default_factory=list)
    skipped: bool = False

    def fail(self, error: CniError) -> None:
        self.error, self.applied = error, [*self.done, *error.applied]


def apply(client: Client, changes: Iterable[Change]) -> list[Change]:
    """Writes the changes in their order; each comes back with its answer.

    Raises ApiError, TransportError, AnswerError, UndecidedError, RaceError or NotTakenError; its .applied holds the changes done before.
    """
    (end,) = apply_each(client, [changes])
    if end.error:
        end.error.applied = end.applied
        raise end.error
    return end.done


def apply_each(client: Client, chains: Iterable[Iterable[Change]], *, workers: int = 1, fail_fast: bool = False,
               tell: Callable[[int], None] = lambda number: None) -> list[End]:
    """Writes chains of changes: all deletes first, rank by rank, then the rest; so many chains at the same time, each in its own order.

    An error ends its own chain; with fail_fast no other chain is begun after it. tell: called with the number of a chain that has ended.
    """
    chains = [list(chain) for chain in chains]
    ends = [End() for _chain in chains]

    def write(number: int, now: tuple[bool, int]) -> None:
        end = ends[number]
        end.skipped = end.skipped or (fail_fast and any(other.error for other in ends) and not end.done)
        if not (end.error or end.skipped):
            _write(client, [change for change in chains[number] if _phase(change) == now], end)
        if now == REST:
            tell(number)

    with ThreadPoolExecutor(workers) as pool:
        for now in sorted({*(_phase(change) for chain in chains for change in chain), REST}):
            list(pool.map(write, range(len(chains)), itertools.repeat(now)))
    _give_way(client, ends)
    return ends


def _phase(change: Change) -> tuple[bool, int]:
    """What waits until all of the phase before are done, in every chain: a port goes when the CNIs of several chains have left it."""
    return rank(change) if change.action == 'delete' else REST


def _write(client: Client, changes: Iterable[Change], end: End) -> None:
    """Writes changes until one fails. What the plan could not know, but the changes before have told, is put in."""
    told: dict[Placeholder, Any] = {}
    for change in changes:
        known = {wire: told[value] for wire in change.named if isinstance(value := get(change.after, wire), Placeholder) and value in told}
        try:
            done = WRITERS[change.action](client, change._replace(after=merge(change.after, known)) if known else change)
        except CniError as error:
            end.fail(error)
            return
        end.done.append(done)
        if change.action == 'create':
            told |= {change.after[wire]: done.answer.get(wire) for wire in change.row.assigned}


def _give_way(client: Client, ends: Iterable[End]) -> None:
    """Takes back what was created beside an object that somebody else created in the same moment: a RaceError ends its chain."""
    alone = [(end, change) for end in ends for change in end.done if change.action == 'create' and change.sole]
    for row in {change.row.name: change.row for _end, change in alone}.values():
        try:
            there = read(client, row.name)
        except CniError as error:
            for end in {id(end): end for end, change in alone if change.row is row}.values():
                end.fail(error)
            continue
        for end, change in alone:
            if change.row is row:
                _take_back(client, end, change, there)


def _take_back(client: Client, end: End, change: Change, there: Iterable[Object]) -> None:
    row, own = change.row, change.answer
    not_rivals = {own[row.id], *change.known}
    rivals = [obj[row.id] for obj in there if obj.get(row.sole) == own[row.sole] and obj[row.id] not in not_rivals]
    if not rivals:
        return
    try:
        _delete(client, change._replace(action='delete', before=own))
    except CniError as error:
        end.fail(error)
        return
    end.done.remove(change)
    end.fail(RaceError(f'{change.key}: {row.sole} {own[row.sole]!r} was given to {row.title} {rivals[0]} in the same moment, so the one '
                       'made here was taken back. Run it again.'))


def _none(client: Client, change: Change) -> Change:
    return change._replace(answer=change.before)


def _delete(client: Client, change: Change) -> Change:
    name = change.before[change.row.id]
    if not client.delete((*change.row.path, name)) and read(client, change.row.name, name):
        raise NotTakenError(change.key, {'state': {'have': 'present', 'want': 'absent'}})
    return change


def _update(client: Client, change: Change) -> Change:
    """PUT of the object as it is at this moment: what has changed since it was read stays, but for the named fields."""
    _refuse_unknown(change, change.row.id)
    now = [] if change.recent else read(client, change.row.name, change.after.get(change.row.id))
    after = merge(now[0], {wire: get(change.after, wire) for wire in change.named}) if now else change.after
    return _taken(change, _put(client, change.row, after, change.named))


def _create(client: Client, change: Change) -> Change:
    """POST, then PUT for what POST can't say or what an adopted object has otherwise."""
    _refuse_unknown(change)
    answer = _order(client, change)
    asked = {wire: get(change.after, wire) for wire in change.named}
    rest = differing(change.row, asked, answer)
    if rest and all(change.row.at(wire).change for wire in rest):
        try:
            answer = _put(client, change.row, merge(answer, rest), tuple(rest))
        except CniError as error:
            error.applied = [change._replace(answer=answer)]
            raise
    return _taken(change, answer)


WRITERS = {'none': _none, 'create': _create, 'update': _update, 'delete': _delete}


def _order(client: Client, change: Change) -> Object:
    """The new object, ordered once. A lost answer is followed by a look; only if it shows nothing, by one more POST.

    That second POST can't order twice: a slot, a conduit name and a pairing key are each taken only once by Cloudflare.
    """
    lost: CniError | None = None
    for tried in range(1, ORDERS + 1):
        try:
            made = client.post(change.row.path, _body(client, change))
            named(change.row, made, 'POST')
            return change.row.read(made)
        except CniError as error:
            unsure = _may_be_done(error)
            if not unsure and getattr(error, 'status', None) in (401, 403, 429):
                raise
            found = _newcomer(client, change, error)
            if found and (unsure or lost or change.chosen):
                return found
            if not unsure:
                raise _lost_to(client, error, change, found) from None
            lost = error
            client.back_off(tried)
    raise _undecided(f'{lost.message} It was sent {ORDERS} times, and {change.key} is not to be seen.', lost)


def _may_be_done(error: CniError) -> bool:
    """Whether the service may have done what it was asked for, although there is no good answer."""
    if isinstance(error, ApiError):
        return error.status == 408 or error.status >= 500
    return isinstance(error, TransportError) or (isinstance(error, AnswerError) and error.status < 300)


def _newcomer(client: Client, change: Change, cause: CniError) -> Object | None:
    """The object with the identity of the wanted one that was not there before."""
    asked = {wire: get(change.after, wire) for wire in change.row.identity}
    try:
        there = read(client, change.row.name)
    except CniError as error:
        raise _undecided(f'{cause.message} The look at what is there failed too: {error.message}', cause) from error
    new = [obj for obj in there if obj.get(change.row.id) not in change.known and not differing(change.row, asked, obj)]
    unclear = next((obj for obj in new if isinstance(obj, Unreadable)), None)
    if unclear is not None:
        raise _undecided(f'{cause.message} {unclear.error}', cause)
    if len(new) > 1:
        names = ', '.join(sorted(obj[change.row.id] for obj in new))
        raise _undecided(f'{cause.message} Several have come since that may be {change.key}: {names}.', cause)
    return new[0] if new else None


def _undecided(text: str, cause: CniError) -> UndecidedError:
    """Nobody can tell whether it was created; says what to check and what to do."""
    return UndecidedError(f'{text} Whether it was created is not known: look for it with the info module in a few minutes. '
                          'Running this again looks before it orders.', method='POST', cause=cause.details, retryable=True)


def _lost_to(client: Client, error: CniError, change: Change, winner: Object | None) -> CniError:
    """The refusal, naming who was quicker if that can be seen."""
    slot_id = change.after.get('slot_id')
    if winner:
        name = winner[change.row.id]
        error.notes.append(f'Meanwhile {change.row.title} {name!r} was created there by someone else; run again to choose anew.')
    elif slot_id and any(slot.get('occupied') for slot in read(client, 'slot', slot_id)):
        error.notes.append(f'Slot {slot_id} has been taken since it was looked at; run again to choose anew.')
    return error


def _body(client: Client, change: Change) -> Object:
    """What POST is sent: the named fields that it knows, under its own names."""
    rows = [change.row.at(wire) for wire in change.named]
    return merge({'account': client.account_id}, {f.send or f.wire: get(change.after, f.wire) for f in rows if f.create})


def _put(client: Client, row: Resource, after: Object, named: Sequence[str]) -> Object:
    """The object as stored after a PUT of all of it, or of the blocks that hold the named fields."""
    blocks = after if row.whole else {wire.partition('.')[0]: after[wire.partition('.')[0]] for wire in named}
    body = {**blocks, 'account': client.account_id} if row.whole and row.id else blocks
    answer = client.put((*row.path, after[row.id]) if row.id else row.path, _without(body, row.read_only), headers=row.headers)
    return unwrapped(row, answer)


def _without(body: Object, wires: Iterable[str]) -> Object:
    for wire in wires:
        block, _dot, name = wire.rpartition('.')
        inner = get(body, block)
        if isinstance(inner, dict) and name in inner:
            body = merge(body, {block: {k: v for k, v in inner.items() if k != name}})
    return body


def _taken(change: Change, answer: Object) -> Change:
    """The change with its answer. Raises NotTakenError if a field isn't what was asked for."""
    done = change._replace(answer=answer)
    missed = differing(change.row, {wire: get(change.after, wire) for wire in change.named}, answer)
    if missed:
        error = NotTakenError(change.key, contrast(change.row, missed, answer))
        error.applied = [done]
        raise error
    return done


def _refuse_unknown(change: Change, ident: str | None = None) -> None:
    """A value that a prediction could not know must not be written, nor an object that it could not name."""
    for wire in (*change.named, *((ident,) if ident else ())):
        if get(change.after, wire) == UNKNOWN:
            option = change.row.parent[0] if wire == ident else change.row.at(wire).option
            raise InputError(option, f'{UNKNOWN!r} comes from a task in check mode; it can not be written.')
