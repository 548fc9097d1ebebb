# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes planned changes, in chains and phases, and decides nothing itself."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, MutableSequence, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._chains import WRITE_PHASE, ChainResult, write_changes
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._changes import Change, rank
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import Client
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._conflicts import resolve_conflicts, resolve_refusals
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import CniError, ToError, as_cni_error
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._put import is_known_update, put_several
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._threads import concurrent_results
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._writes import CreatedObjects


def apply_changes(client: Client, changes: Iterable[Change], to_error: ToError = as_cni_error) -> list[Change]:
    """Writes the changes in their order and returns them with their answers.

    Raises ApiError, TransportError, AnswerError, UndecidedError, RaceError, NotAppliedError or BugError; its .applied holds what was
    written.
    """
    (result,) = apply_chains(client, [changes], to_error=to_error)
    if result.error:
        result.error.applied = result.applied
        raise result.error
    return result.written


def apply_chains(client: Client, chains: Iterable[Iterable[Change]], *, workers: int = 1, fail_fast: bool = False,
                 on_end: Callable[[int], None] = lambda number: None,
                 on_written: Callable[[int, Change], None] = lambda number, change: None,
                 to_error: ToError = as_cni_error) -> list[ChainResult]:
    """Writes chains of changes: all deletes first, rank by rank, then the rest. workers: chains at the same time, each in its own order.

    Updates that one request can do for several chains wait until all chains have come so far, and what comes behind them waits too.
    An error ends its own chain; with fail_fast no other chain is begun after it.
    on_end: called with the number of a chain that has ended; on_written: called with that number and each change that is written, before
    the next change of its chain; to_error: makes a CniError of any exception.
    Raises nothing: the results hold the errors, and what was written.
    """
    chains = [list(chain) for chain in chains]
    phase_of = _phases(chains)
    chains = [sorted(chain, key=phase_of) for chain in chains]
    results = [ChainResult(on_written=partial(on_written, number)) for number in range(len(chains))]
    created = CreatedObjects()
    phases = sorted({*(phase_of(change) for chain in chains for change in chain), WRITE_PHASE})

    continues = partial(_continues, results=results, fail_fast=fail_fast)
    write_bulk_updates = partial(_write_bulk_updates, client, chains, results, continues, phase_of)

    def write(number: int, phase: tuple[int, int]) -> None:
        result = results[number]
        if continues(result):
            with result.catching(to_error):
                write_changes(client, [change for change in chains[number] if phase_of(change) == phase], result, created)
        if phase == phases[-1]:
            with result.catching(to_error):
                on_end(number)

    try:
        with ThreadPoolExecutor(workers) as pool, client.silent_after_interrupt():
            for phase in phases:
                write_bulk_updates(phase)
                concurrent_results(pool, write, range(len(chains)), itertools.repeat(phase))
            resolve_refusals(client, pool, chains, results, created, to_error)
    except Exception as error:  # of the pool, such as that the system has no thread left
        _fail_unfinished(chains, results, to_error(error))
    resolve_conflicts(client, results, created, to_error)
    return results


def _continues(result: ChainResult, results: Iterable[ChainResult], fail_fast: bool) -> bool:
    """Whether a chain goes on. With fail_fast it is skipped if another one has failed before it was begun."""
    if fail_fast and not (result.error or result.begun):
        result.skipped = result.skipped or any(other.error for other in results)
    return not (result.error or result.skipped)


def _fail_unfinished(chains: Sequence[Sequence[Change]], results: Sequence[ChainResult], error: CniError) -> None:
    for chain, result in zip(chains, results, strict=True):
        if not (result.error or result.skipped) and len(result.written) < len(chain):
            result.add_failure(error)


def _phases(chains: Iterable[Iterable[Change]]) -> Callable[[Change], tuple[int, int]]:
    """The function that returns the phase of a change.

    Every chain completes a phase before the next begins: an interconnect is deleted after the CNIs of all chains. The writes are one
    phase, but that the bulk updates of a kind are a phase of their own, with an odd number, and what comes after them is another.
    """
    bulk_ids: dict[str, set[Any]] = {}  # of the objects of each kind that are updated
    bulk_ranks: dict[str, int] = {}
    for change in (change for chain in chains for change in chain if _is_bulk_update(change)):
        bulk_ids.setdefault(change.row.name, set()).add(change.after[change.row.id])
        bulk_ranks[change.row.name] = rank(change)[1]
    bulk_ranks = {name: position for name, position in bulk_ranks.items() if len(bulk_ids[name]) > 1}

    def phase_of(change: Change) -> tuple[int, int]:
        group, position = rank(change)
        if group != WRITE_PHASE[0]:
            return group, position
        bulk_phases_before = len({other for other in bulk_ranks.values() if other < position})
        return group, 2 * bulk_phases_before + (change.row.name in bulk_ranks and _is_bulk_update(change))
    return phase_of


def _is_bulk_update(change: Change) -> bool:
    """Whether a change is an update that a PUT of several objects can do."""
    return bool(change.row.bulk_put) and is_known_update(change)


def _write_bulk_updates(client: Client, chains: Sequence[MutableSequence[Change]], results: Sequence[ChainResult],
                        continues: Callable[[ChainResult], bool], phase_of: Callable[[Change], tuple[int, int]],
                        phase: tuple[int, int]) -> None:
    """Writes the bulk updates of a phase, each kind by PUTs of several objects. A change in chains that is done then has its answer."""
    places: dict[str, list[tuple[MutableSequence[Change], int]]] = {}  # {kind: (chain, position in it) of each update}
    for chain in itertools.compress(chains, map(continues, results)) if phase[1] % 2 else ():
        for position, change in enumerate(chain):
            if phase_of(change) == phase and _is_bulk_update(change):
                places.setdefault(change.row.name, []).append((chain, position))
    for same_kind in places.values():
        changes = put_several(client, [chain[position] for chain, position in same_kind])
        for (chain, position), change in zip(same_kind, changes, strict=True):
            chain[position] = change
