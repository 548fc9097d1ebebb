# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the fault matrix and prints its table: `python tests/reliability`, with --write into docs/reliability.md."""

from __future__ import annotations

import argparse
import collections
import re
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / '.build'), str(ROOT / 'tests')]

from reliability import role  # noqa: E402
from reliability.matrix import FAULTS, SCENARIOS, Cell, bench_in, cells, run, sample  # noqa: E402
from simulator.process import Simulator  # noqa: E402

PAGE = ROOT / 'docs' / 'reliability.md'
MARKS = '<!-- matrix: begin -->', '<!-- matrix: end -->'


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--sample', type=int, metavar='N', help='run N cells, chosen by --seed, instead of all')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--workers', type=int, default=2)
    parser.add_argument('--write', action='store_true', help=f'put the table into {PAGE.relative_to(ROOT)}')
    options = parser.parse_args()
    with Simulator() as simulator:
        every = list(cells(bench_in(simulator), [*SCENARIOS, *role.scenarios(simulator)]))
        chosen = sample(every, options.sample, options.seed) if options.sample else every
    with ProcessPoolExecutor(options.workers) as pool:
        parts = pool.map(run_part, (chosen[start::options.workers] for start in range(options.workers)))
        outcomes = [outcome for part in parts for outcome in part]
    text = table(outcomes)
    print(text)
    if options.write:
        begin, end = MARKS
        PAGE.write_text(re.sub(f'(?s){begin}.*{end}', lambda _match: f'{begin}\n{text}\n{end}', PAGE.read_text()))
    return int(any(outcome.startswith('broken') for _cell, outcome in outcomes))


def run_part(part: list[Cell]) -> list[tuple[Cell, str]]:
    """The cells of one worker, on a simulator of its own: (cell, outcome)."""
    with Simulator() as simulator:
        bench = bench_in(simulator)
        return [(cell, outcome(bench, cell)) for cell in part]


def outcome(bench, cell: Cell) -> str:
    try:
        return run(bench, cell)
    except AssertionError as error:
        print(f'BROKEN {cell}\n    {error}', file=sys.stderr, flush=True)
        return 'broken'


def table(outcomes: list[tuple[Cell, str]]) -> str:
    """The table in Markdown, a row for each kind of fault, and a line that sums it up."""
    rows = collections.Counter((cell.fault, result) for cell, result in outcomes)
    names = ('converged', 'failed cleanly', 'killed', 'broken')
    lines = [f'| fault | cells | {" | ".join(names)} |', '|---|---|---|---|---|---|']
    for fault in FAULTS:
        counts = [rows[fault, name] for name in names]
        lines.append(f'| {fault} | {sum(counts)} | {" | ".join(map(str, counts))} |')
    totals = [sum(rows[fault, name] for fault in FAULTS) for name in names]
    summary = (f'{sum(totals)} cells: {totals[0]} converged, {totals[1]} failed cleanly and {totals[2]} were killed and converged when run '
               f'again, {totals[3]} broken.')
    return '\n'.join([*lines, '', summary])


if __name__ == '__main__':
    sys.exit(main())
