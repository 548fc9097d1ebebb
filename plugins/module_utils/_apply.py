# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hands of the collection: apply() writes what the plan decided, and decides nothing itself. The only file with POST, PUT or DELETE."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
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
    reported,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, Unreadable, contrast, differing, get, merge
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._observe import named, read, unwrapped
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._plan import Change, Report, rank
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import (
    UNKNOWN,
    Placeholder,
    Resource,
)

REST = (2, 0)  # the phase of all that deletes nothing
LOOKS = 5  # at a list that may lag behind what the API says or what another run does
ORDERS = 2  # POSTs of one order at most: the second only after a look that did not find what the first may have made


@dataclass
class End:
    """What became of a chain of changes. done: those written, with their answers; error: what ended it; partly: what the failed change did.

    refused: the creation that the API refused, if that was the error. skipped: it was not begun, since another one had failed.
    then: called with each change that is written, before the next one is.
    """

    done: list[Change] = field(default_factory=list)
    error: CniError | None = None
    partly: list[Change] = field(default_factory=list)
    refused: Change | None = None
    skipped: bool = False
    then: Callable[[Change], None] = lambda change: None

    def add(self, change: Change) -> None:
        """Adds a change that is written."""
        self.done.append(change)
        self.then(change)

    @property
    def applied(self) -> list[Change]:
        """All that was written."""
        return [*self.done, *self.partly]

    def fail(self, error: CniError) -> None:
        """Ends it. What happens to a chain that has failed is added to the words of its error."""
        self.partly += error.applied
        if self.error:
            self.error.notes.append(error.message)
        else:
            self.error = error

    @contextmanager
    def failing(self, report: Report) -> Iterator[None]:
        """Whatever is raised ends this chain, and no other."""
        try:
            yield
        except Exception as error:
            failure = report(error)
            self.fail(failure)
            for change in failure.applied:
                with self.failing(report):
                    self.then(change)


class Created:
    """What a run has created, so that no chain takes it for its own or for somebody else's; and a lock for each identity.

    Orders that can't be told apart, as two attachments of one region and bandwidth, are sent one after the other.
    """

    def __init__(self) -> None:
        self._idents: set[tuple[str, Any]] = set()
        self._locks: dict[Any, threading.Lock] = {}
        self._lock = threading.Lock()

    def add(self, row: Resource, obj: Object) -> None:
        with self._lock:
            self._idents.add((row.name, obj[row.id]))

    def has(self, row: Resource, obj: Object) -> bool:
        with self._lock:
            return (row.name, obj[row.id]) in self._idents

    def lock(self, change: Change) -> threading.Lock:
        identity = change.row.name, repr([get(change.after, wire) for wire in change.row.identity])
        with self._lock:
            return self._locks.setdefault(identity, threading.Lock())


def apply(client: Client, changes: Iterable[Change], report: Report = reported) -> list[Change]:
    """Writes the changes in their order; each comes back with its answer.

    Raises ApiError, TransportError, AnswerError, UndecidedError, RaceError, NotTakenError or BugError; its .applied holds what was written.
    """
    (end,) = apply_each(client, [changes], report=report)
    if end.error:
        end.error.applied = end.applied
        raise end.error
    return end.done


def apply_each(client: Client, chains: Iterable[Iterable[Change]], *, workers: int = 1, fail_fast: bool = False,
               tell: Callable[[int], None] = lambda number: None, then: Callable[[int, Change], None] = lambda number, change: None,
               report: Report = reported) -> list[End]:
    """Writes chains of changes: all deletes first, rank by rank, then the rest; so many chains at the same time, each in its own order.

    An error ends its own chain; with fail_fast no other chain is begun after it. tell: called with the number of a chain that has ended;
    then: called with that and each change that is written, before the next one of its chain is; report: makes an error of any exception.
    Raises nothing: what was written is in the ends.
    """
    chains = [list(chain) for chain in chains]
    ends = [End(then=partial(then, number)) for number in range(len(chains))]
    created = Created()

    def write(number: int, now: tuple[int, int]) -> None:
        end = ends[number]
        end.skipped = end.skipped or (fail_fast and any(other.error for other in ends) and not end.done)
        if not (end.error or end.skipped):
            with end.failing(report):
                _write(client, [change for change in chains[number] if _phase(change) == now], end, created)
        if now == REST:
            with end.failing(report):
                tell(number)

    try:
        with ThreadPoolExecutor(workers) as pool:
            for now in sorted({*(_phase(change) for chain in chains for change in chain), REST}):
                list(pool.map(write, range(len(chains)), itertools.repeat(now)))
            _settle(client, pool, chains, ends, created, report)
    except Exception as error:  # of the pool, such as that the system has no thread left
        _end_rest(chains, ends, report(error))
    _give_way(client, ends, created, report)
    return ends


def _end_rest(chains: Sequence[Sequence[Change]], ends: Sequence[End], error: CniError) -> None:
    for chain, end in zip(chains, ends, strict=True):
        if not (end.error or end.skipped) and len(end.done) < len(chain):
            end.fail(error)


def _phase(change: Change) -> tuple[int, int]:
    """What waits until all of the phase before are done, in every chain: a port goes when the CNIs of several chains have left it."""
    return min(rank(change), REST)


def _write(client: Client, changes: Iterable[Change], end: End, created: Created) -> None:
    """Writes changes until one fails, which raises its error. What the plan could not know, and an answer has, is put in."""
    for change in changes:
        answers = {one.after[wire]: one.answer.get(wire) for one in end.done if one.action == 'create' for wire in one.row.assigned
                   if isinstance(one.after.get(wire), Placeholder)}
        asked = {wire: get(change.after, wire) for wire in change.named}
        known = {wire: answers[value] for wire, value in asked.items() if isinstance(value, Placeholder) and value in answers}
        change = change._replace(after=merge(change.after, known)) if known else change
        try:
            end.add(WRITERS[change.action](client, change, created))
        except _RefusedError as error:
            end.refused = change
            raise error.refusal from None


def _settle(client: Client, pool: ThreadPoolExecutor, chains: Sequence[Sequence[Change]], ends: Sequence[End], created: Created,
            report: Report) -> None:
    """One look for all creations that were refused: what somebody else made in the same moment is adopted, where the user named it."""
    while refused := [number for number, end in enumerate(ends) if end.refused]:
        row = ends[refused[0]].refused.row
        numbers = [number for number in refused if ends[number].refused.row.name == row.name]
        there = _look(client, row, [ends[number] for number in numbers], report)
        settle = partial(_go_on, client, there, created, report)
        list(pool.map(settle, (chains[number] for number in numbers), (ends[number] for number in numbers)))


def _go_on(client: Client, there: Sequence[Object], created: Created, report: Report, chain: Sequence[Change], end: End) -> None:
    """Goes on with a chain behind what it can adopt, or adds to its error who was quicker."""
    change, error, end.refused = end.refused, end.error, None
    with end.failing(report):
        found = _newcomer(there, change, error, created)
        if not (found and change.chosen):
            _lost_to(client, error, change, found)
            return
        end.error = None
        end.add(_finished(client, change, found))
        later = [one for one in chain if _phase(one) == REST]
        _write(client, later[len([one for one in end.done if _phase(one) == REST]):], end, created)


def _look(client: Client, row: Resource, ends: Sequence[End], report: Report) -> list[Object]:
    """What there is now of the kind that was refused. A name that is taken and not listed yet is looked for again."""
    there: list[Object] = []
    for tried in range(1, LOOKS + 1):
        try:
            there = read(client, row.name)
        except Exception as error:
            for end in ends:
                end.error.notes.append(f'The look at what is there failed too: {report(error).message}')
            return there
        unseen = [end for end in ends if end.error.details.get('status') == 409 and row.sole and not _namesake(end.refused, there)]
        if not unseen or tried == LOOKS:
            break
        client.back_off(tried)
    for end in unseen:
        end.error.retryable = True
        end.error.notes.append('Cloudflare does not list what is in the way yet.')
    return there


def _namesake(change: Change, there: Iterable[Object]) -> bool:
    """Whether something has the name that the user calls the new object by."""
    wire = change.row.keys[-1].wire
    return any(get(obj, wire) == get(change.after, wire) for obj in there)


def _give_way(client: Client, ends: Iterable[End], created: Created, report: Report) -> None:
    """Takes back what was created beside an object that somebody else created in the same moment: a RaceError ends its chain."""
    alone = [(end, change) for end in ends for change in end.done if change.action == 'create' and change.sole]
    for row in {change.row.name: change.row for _end, change in alone}.values():
        own = [(end, change) for end, change in alone if change.row is row]
        try:
            there = read(client, row.name)
        except Exception as error:
            for end in {id(end): end for end, _change in own}.values():
                end.fail(report(error))
            continue
        for end, change in own:
            with end.failing(report):
                _take_back(client, end, change, there, created)


def _take_back(client: Client, end: End, change: Change, there: Iterable[Object], created: Created) -> None:
    """Of two runs that made one each, the one with the smaller id keeps it: it waits for the other to take its own back.

    Nothing says which is older (a CNI has no date). If the other one stays all the same, it had looked before this one was there.
    """
    row, own = change.row, change.answer
    rivals = _rivals(change, there, created)
    for tried in range(1, LOOKS + 1):
        if not rivals or own[row.id] > min(rivals):
            break
        client.back_off(tried)
        rivals = _rivals(change, read(client, row.name), created)
    if rivals:
        _delete(client, change._replace(before=own), created)
        end.done.remove(change)
        raise RaceError(f'{change.key}: {row.sole} {own[row.sole]!r} was given to {row.title} {rivals[0]} in the same moment, so the one '
                        'made here was taken back. Run it again.')


def _rivals(change: Change, there: Iterable[Object], created: Created) -> list[Any]:
    """The ids of what somebody else has put in the same place since the plan was made."""
    row, own = change.row, change.answer
    at_place = [obj for obj in there if obj.get(row.sole) == own[row.sole] and obj[row.id] != own[row.id]]
    return [obj[row.id] for obj in at_place if obj[row.id] not in change.known and not created.has(row, obj)]


def _none(client: Client, change: Change, created: Created) -> Change:
    return change._replace(answer=change.before)


def _note(client: Client, change: Change, created: Created) -> Change:
    """PUT of the note alone: the rest of the tunnel is kept, and all of it is deleted with the interconnect."""
    return change._replace(answer=_put(client, change.row, change.after, change.named))


def _delete(client: Client, change: Change, created: Created) -> Change:
    name = change.before[change.row.id]
    if not client.delete((*change.row.path, name)) and read(client, change.row.name, name):
        raise NotTakenError(change.key, {'state': {'have': 'present', 'want': 'absent'}})
    return change


def _update(client: Client, change: Change, created: Created) -> Change:
    """PUT of the object as it is at this moment: what has changed since it was read stays, but for the named fields."""
    _refuse_unknown(change, change.row.id)
    now = [] if change.recent else read(client, change.row.name, change.after.get(change.row.id))
    after = merge(now[0], {wire: get(change.after, wire) for wire in change.named}) if now else change.after
    return _taken(client, change, _put(client, change.row, after, change.named))


def _create(client: Client, change: Change, created: Created) -> Change:
    """POST, then PUT for what POST can't say or what an adopted object has otherwise."""
    _refuse_unknown(change)
    with created.lock(change):
        answer = _order(client, change, created)
        created.add(change.row, answer)
    return _finished(client, change, answer)


def _finished(client: Client, change: Change, answer: Object) -> Change:
    """The change with the new object as it was asked for."""
    asked = {wire: get(change.after, wire) for wire in change.named}
    try:
        rest = differing(change.row, asked, answer)
        if rest and all(change.row.at(wire).change for wire in rest):
            answer = _put(client, change.row, merge(answer, rest), tuple(rest))
    except Exception as error:
        error.applied = [change._replace(answer=answer)]
        raise
    return _taken(client, change, answer)


WRITERS = {'none': _none, 'create': _create, 'update': _update, 'note': _note, 'delete': _delete}


class _RefusedError(Exception):
    """The API refused an order, and so surely has not placed it: refusal says why."""

    def __init__(self, refusal: CniError) -> None:
        super().__init__(refusal)
        self.refusal = refusal


def _order(client: Client, change: Change, created: Created) -> Object:
    """The new object, ordered once. A lost answer is followed by a look; only if it shows nothing, by one more POST.

    That second POST can't order twice: a slot, a conduit name and a pairing key are each taken only once by Cloudflare.
    Raises _RefusedError where the API refused the only POST: all that were refused are looked for together.
    """
    lost: CniError | None = None
    for tried in range(1, ORDERS + 1):
        try:
            made = client.post(change.row.path, _body(client, change))
            named(change.row, made, 'POST')
            return change.row.read(made)
        except CniError as error:
            unsure = _may_be_done(error)
            by_service = getattr(error, 'status', None) not in (401, 403, 429)
            if not unsure and not (lost and by_service):
                raise (_RefusedError(error) if by_service else error) from None
            found = _newcomer(_there(client, change, error), change, error, created)
            if found:
                return found
            if not unsure:
                raise _lost_to(client, error, change, None) from None
            lost = error
            client.back_off(tried)
    raise _undecided(f'{lost.message} It was sent {ORDERS} times, and {change.key} is not to be seen.', lost)


def _may_be_done(error: CniError) -> bool:
    """Whether the service may have done what it was asked for, although there is no good answer."""
    if isinstance(error, ApiError):
        return error.status == 408 or error.status >= 500
    return isinstance(error, TransportError) or (isinstance(error, AnswerError) and error.status < 300)


def _there(client: Client, change: Change, cause: CniError) -> list[Object]:
    try:
        return read(client, change.row.name)
    except CniError as error:
        raise _undecided(f'{cause.message} The look at what is there failed too: {error.message}', cause) from error


def _newcomer(there: Iterable[Object], change: Change, cause: CniError, created: Created) -> Object | None:
    """The object with the identity of the wanted one that was not there before, and that no other chain of this run has made."""
    row, asked = change.row, {wire: get(change.after, wire) for wire in change.row.identity}
    there = [obj for obj in there if obj[row.id] not in change.known and not created.has(row, obj)]
    for obj in there:
        if isinstance(obj, Unreadable) and all(obj.may_be(wire, value, row.at(wire).normal) for wire, value in asked.items()):
            raise _undecided(f'{cause.message} {obj.error}', cause)
    new = [obj for obj in there if not differing(row, asked, obj)]
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
    return unwrapped(row, answer) if answer is not None else next(iter(read(client, row.name, after[row.id] if row.id else None)), {})


def _without(body: Object, wires: Iterable[str]) -> Object:
    for wire in wires:
        block, _dot, name = wire.rpartition('.')
        inner = get(body, block)
        if isinstance(inner, dict) and name in inner:
            body = merge(body, {block: {k: v for k, v in inner.items() if k != name}})
    return body


def _taken(client: Client, change: Change, answer: Object) -> Change:
    """The change with its answer, read anew if that differs from what was asked: it may show the object as it was before.

    Raises NotTakenError if a field isn't what was asked for.
    """
    row, asked = change.row, {wire: get(change.after, wire) for wire in change.named}
    done = change._replace(answer=answer)
    try:
        if differing(row, asked, answer):
            there = read(client, row.name, row.id and (answer.get(row.id) or change.after[row.id]))
            done = done._replace(answer=there[0] if there else answer)
        missed = differing(row, asked, done.answer)
        if missed:
            raise NotTakenError(change.key, contrast(row, missed, done.answer))
    except Exception as error:
        error.applied = [done]
        raise
    return done


def _refuse_unknown(change: Change, ident: str | None = None) -> None:
    """A value that a prediction could not know must not be written, nor an object that it could not name."""
    for wire in (*change.named, *((ident,) if ident else ())):
        if get(change.after, wire) == UNKNOWN:
            option = change.row.parent[0] if wire == ident else change.row.at(wire).option
            raise InputError(option, f'{UNKNOWN!r} comes from a task in check mode; it can not be written.')
