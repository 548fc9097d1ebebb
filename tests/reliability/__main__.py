# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the fault matrix and the kills of playbooks and role, or a soak; prints a table of each, with --write into docs/reliability.md."""

from __future__ import annotations

import argparse
import collections
import functools
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing.util import Finalize
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / '.build'), str(ROOT / 'tests'), str(ROOT / 'tests' / 'simulator')]

from reliability.kills import ENDS, Kill, kills, run_kill  # noqa: E402
from reliability.matrix import DISK_FAULTS, FAULTS, HABITS, SCENARIOS, Bench, Cell, bench_in, cells, run, sample  # noqa: E402
from reliability.reference_runs import Sandbox  # noqa: E402
from reliability.soak import Size, soak  # noqa: E402
from simulator.process import Simulator  # noqa: E402
from support.pages import put  # noqa: E402

PAGE = ROOT / 'docs' / 'reliability.md'
SOAK = 'soak'
PARTS = 40  # of each table, for whoever waits for the next

Outcome = tuple[str, str]  # the row of the table and what became of it


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--sample', type=int, metavar='N', help='N cells of each table, chosen by --seed, instead of all')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--workers', type=int, default=2)
    parser.add_argument('--only', choices=[*WORK, SOAK], help='one of the tables; a soak is made only if it is asked for')
    parser.add_argument('--circuits', type=int, default=Size.circuits, help='of a soak (%(default)s)')
    parser.add_argument('--rounds', type=int, default=Size.rounds, help='of a soak, five minutes and more each (%(default)s)')
    parser.add_argument('--write', action='store_true', help=f'put the tables into {PAGE.relative_to(ROOT)}')
    options = parser.parse_args()
    if options.only == SOAK:
        return run_soak(options)
    report('Looking at what is sent ...')
    with Simulator() as simulator:
        names = [options.only] if options.only else list(WORK)
        every = {name: CELLS[name](simulator) for name in names}
    sampled = {name: sample(every[name], options.sample, options.seed) if options.sample else every[name] for name in names}
    outcomes = {name: run_in_processes(name, some, options.workers) for name, some in sampled.items()}
    for name in names:
        text = table(*TABLES[name], outcomes[name])
        report(f'\n{text}')
        if options.write:
            put(PAGE, name, text)
    return int(any(result == 'broken' for some in outcomes.values() for _row, result in some))


def run_soak(options: argparse.Namespace) -> int:
    """Says how far the soak is; the seed, the round and what happened if an invariant does not hold."""
    try:
        result = soak(Size(options.circuits, options.rounds, seed=options.seed), report)
    except AssertionError as error:
        report(f'BROKEN {error}')
        return 1
    report(f'\n{result.table()}\n\nIt took {result.took:.0f} s. Seed {options.seed}, fingerprint {result.fingerprint}')
    if options.write:
        put(PAGE, SOAK, result.table())
    return 0


def run_in_processes(name: str, some: list, workers: int) -> list[Outcome]:
    """The outcomes of cells or kills, run by several processes; says how far it has come."""
    outcomes, started, size = [], time.monotonic(), max(1, -(-len(some) // PARTS))
    with ProcessPoolExecutor(workers) as pool:
        for part in as_completed([pool.submit(WORK[name], some[start:start + size]) for start in range(0, len(some), size)]):
            outcomes += part.result()
            broken = sum(result == 'broken' for _row, result in outcomes)
            report(f'{name}: {len(outcomes)} of {len(some)} after {time.monotonic() - started:.0f} s, {broken} broken')
    return outcomes


@functools.cache
def workplace(kind: Callable) -> object:
    """A bench or a sandbox on a simulator of its own, once in each process; it ends with the process."""
    simulator = Simulator()
    Finalize(None, simulator.stop, exitpriority=1)
    return kind(simulator)


def unchecked(simulator: Simulator) -> Bench:
    """A bench without checks against the contract, which the sample of `make test` has: they take half of the time."""
    return bench_in(simulator, no_validate=True)


def run_cells(some: Iterable[Cell]) -> list[Outcome]:
    return [(cell.fault, judged(cell, lambda cell=cell: run(workplace(unchecked), cell))) for cell in some]


def run_kills(some: Iterable[Kill]) -> list[Outcome]:
    return [(kill.end, judged(kill, lambda kill=kill: run_kill(workplace(Sandbox), kill, CONVERGED))) for kill in some]


CONVERGED: set[str] = set()
WORK = {'faults': run_cells, 'kills': run_kills}
CELLS = {
    'faults': lambda simulator: list(cells(bench_in(simulator), SCENARIOS)),
    'kills': lambda simulator: list(kills(Sandbox(simulator).record())),
}
TABLES = {
    'faults': ('fault', [*FAULTS, *DISK_FAULTS, *HABITS], ('converged', 'failed cleanly', 'killed')),
    'kills': ('end of the run', ENDS, ('exactly one of everything after the next run',)),
}


def judged(what: Cell | Kill, work: Callable[[], str | None]) -> str:
    """What the work says became of it, 'ended' if it says nothing, or 'broken'."""
    try:
        return work() or 'ended'
    except AssertionError as error:
        print(f'BROKEN {what}\n    {error}', file=sys.stderr, flush=True)
        return 'broken'


def table(title: str, rows: Iterable[str], results: tuple[str, ...], outcomes: list[Outcome]) -> str:
    """A table in Markdown, a row for each kind, and the sum."""
    counts = collections.Counter((row, results[0] if result == 'ended' else result) for row, result in outcomes)
    columns = (*results, 'broken')
    lines = [f'| {title} | cells | {" | ".join(columns)} |', '|---' * (len(columns) + 2) + '|']
    for row in rows:
        numbers = [counts[row, column] for column in columns]
        lines.append(f'| {row} | {sum(numbers)} | {" | ".join(map(str, numbers))} |')
    totals = [sum(counts[row, column] for row in rows) for column in columns]
    return '\n'.join([*lines, f'| **all** | **{len(outcomes)}** | {" | ".join(f"**{total}**" for total in totals)} |'])


def report(text: str) -> None:
    print(text, flush=True)


if __name__ == '__main__':
    sys.exit(main())
