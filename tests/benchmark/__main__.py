# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures what a fleet of circuits costs: the module rollout, the role, a playbook of ansible.builtin.uri, a script on the official SDK.

All on one simulator, in turns. Prints a table and what it shows; --write puts them into docs/rollout.md, with a picture and all figures.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / 'tests')]

from benchmark.planning import GOAL, ORDERS, SIZES, Plan, plans  # noqa: E402
from benchmark.runs import ONE, SINGLES, STATES, VARIANTS, Bench, Missing, Sample  # noqa: E402
from pages import put  # noqa: E402
from playbook import Account  # noqa: E402
from simulator.process import Simulator  # noqa: E402

PAGE = ROOT / 'docs' / 'rollout.md'
FILES = ROOT / 'docs' / 'benchmark'


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--sizes', type=int, nargs='+', default=[20, 100, 500], metavar='N', help='circuits (%(default)s)')
    parser.add_argument('--latencies', type=int, nargs='+', default=[0, 50], metavar='MS', help='of the simulator (%(default)s)')
    parser.add_argument('--rounds', type=int, default=3, help='of each run that takes less than a minute (%(default)s)')
    parser.add_argument('--longest', type=float, default=600, metavar='S', help='leave out runs that would take longer (%(default)s)')
    parser.add_argument('--large', type=int, default=1000, metavar='N', help='circuits of the run that is for memory only (%(default)s)')
    parser.add_argument('--plans', action='store_true', help='measure plans only, without Ansible and requests: a minute')
    parser.add_argument('--write', action='store_true', help=f'into {PAGE.relative_to(ROOT)} and {FILES.relative_to(ROOT)}')
    options = parser.parse_args()
    show_plans(list(plans(options.rounds)), options.write)
    if options.plans:
        return 0
    with tempfile.TemporaryDirectory() as folder, Simulator('--no-validate', '--page-size', '1000') as simulator:
        bench = Bench(Account(simulator, Path(folder)), options.rounds, options.longest)
        for latency in options.latencies:
            for size in options.sizes:
                bench.compare(size, latency)
        bench.compare_single()
        bench.large(options.large)
    show(bench, options.write)
    return 0


class Medians:
    """The medians of the samples, by variant, number of circuits, latency and state."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._samples = samples

    def of(self, what: str, variant: str, circuits: int, latency: int, state: str) -> float | None:
        """The median of a figure, None if there is no run."""
        found = [getattr(one, what) for one in self._samples
                 if (one.variant, one.circuits, one.latency, one.state) == (variant, circuits, latency, state)]
        return statistics.median(found) if found else None

    def rows(self) -> Iterator[tuple[str, int, int]]:
        """(state, latency, circuits) of each comparison."""
        return ((state, latency, circuits) for state in STATES for latency in sorted({one.latency for one in self._samples})
                for circuits in sorted({one.circuits for one in self._samples if one.variant in VARIANTS and one.latency == latency}))


def table(medians: Medians, missing: Sequence[Missing]) -> str:
    """All runs, in Markdown."""
    lines = [f'| circuits | {" | ".join(VARIANTS)} |', '|---' * (len(VARIANTS) + 1) + '|']
    left_out = {(one.variant, one.circuits, one.latency, one.state): f'not run, about {one.about:.0f} s' for one in missing}
    for state, latency, circuits in medians.rows():
        cells = []
        for name in VARIANTS:
            figures = [medians.of(what, name, circuits, latency, state) for what in ('wall', 'cpu', 'memory', 'requests')]
            told = '{:.1f} s, {:.1f} s CPU, {:.0f} MB, {:.0f} requests'.format(*figures) if figures[0] else '-'
            cells.append(left_out.get((name, circuits, latency, state), told))
        lines.append(f'| {circuits} {state}, {latency} ms | {" | ".join(cells)} |')
    return '\n'.join(lines)


def claims(medians: Medians, samples: Sequence[Sample]) -> Iterator[tuple[str, float, str]]:
    """(what, the figure, the goal) of all that was measured."""
    def wall(name: str, circuits: int = 100, latency: int = 0, state: str = 'converged') -> float:
        return medians.of('wall', name, circuits, latency, state) or float('nan')

    def per_task(name: str) -> float:
        return (wall(name, SINGLES) - wall('empty', SINGLES)) / SINGLES * 1000

    requests = medians.of('requests', 'rollout', 100, 0, 'converged') or float('nan')
    large = [one for one in samples if one.variant == ONE]
    busy = [one.simulator / one.wall for one in samples if one.variant in VARIANTS]
    yield 'requests of rollout, 100 circuits with health checks converged', requests, '3, a page each'
    yield 'seconds of rollout over an empty run, 100 converged', wall('rollout') - wall('empty', SINGLES), '1.5 at most'
    yield 'times faster than uri, 100 converged', wall('uri') / wall('rollout'), '50 at least'
    yield 'times faster than uri with the lists read once, 100 converged', wall('uri, lists read once') / wall('rollout'), ''
    yield 'times faster than the role, 100 converged', wall('role') / wall('rollout'), '20 at least'
    new = {'state': 'from nothing', 'latency': 50}
    for circuits in (100, 500):
        ratio = wall('SDK script', circuits, **new) / wall('rollout', circuits, **new)
        yield f'times faster than the SDK script, {circuits} from nothing at 50 ms', ratio, '4 at least'
    for state in STATES:
        ratio = wall('rollout', 500, state=state) / 500 / (wall('rollout', 100, state=state) / 100)
        yield f'cost of a circuit of 500 by one of 100, {state}', ratio, '1.2 at most'
    yield f'MB of the largest process, {large[0].circuits} circuits', max(one.memory for one in large), '150 at most'
    yield 'ms of a converged interconnect task', per_task('single'), f'{per_task("get"):.0f} at most, as a GET by uri'
    yield 'share of its time that the simulator was busy, at most', max(busy), 'below 1'


def show(bench: Bench, write: bool) -> None:
    medians = Medians(bench.samples)
    shown = [(what, round(figure, 2), goal) for what, figure, goal in claims(medians, bench.samples)
             if not math.isnan(figure)]
    text = '\n'.join([table(medians, bench.missing), '', '| what it shows | | goal |', '|---|---|---|',
                      *(f'| {what} | {figure:g} | {goal} |' for what, figure, goal in shown)])
    say(f'\n{text}')
    if not write:
        return
    record(cpus=os.cpu_count(), python=platform.python_version(), **{'ansible-core': version('ansible-core')},
           cloudflare=version('cloudflare'), shown=shown, samples=[asdict(one) for one in bench.samples],
           missing=[asdict(one) for one in bench.missing])
    put(PAGE, 'bench', text)
    from benchmark.picture import draw  # not before all is measured: the size of this process is the least that is seen of its children

    draw(FILES / 'benchmark.png', {name: {row: medians.of('wall', name, row[2], row[1], row[0]) for row in medians.rows()}
                                   for name in VARIANTS})


def show_plans(measured: Sequence[Sequence[Plan]], write: bool) -> None:
    """A line for each kind of order: medians, and how many times as long the larger plan takes."""
    seconds = {(some[0].order, some[0].circuits): statistics.median(one.seconds for one in some) for some in measured}
    memory = {(some[0].order, some[0].circuits): statistics.median(one.memory for one in some) for some in measured}
    lines = [f'| new circuits | {" | ".join(map(str, SIZES))} | times as long |', '|---|---|---|---|',
             f'| goal | {GOAL[0]} s, {GOAL[1]} MB at most | | {GOAL[2]} at most |']
    for order in ORDERS:
        figures = [f'{seconds[order, size]:.2f} s, {memory[order, size]:.0f} MB' for size in SIZES]
        lines.append(f'| {order} | {" | ".join(figures)} | {seconds[order, SIZES[1]] / seconds[order, SIZES[0]]:.2f} |')
    text = '\n'.join(lines)
    say(text)
    if write:
        record(plans=[asdict(one) for some in measured for one in some])
        put(PAGE, 'plans', text)


def record(**figures: object) -> None:
    """Puts figures into the file of all figures, beside those of other parts."""
    FILES.mkdir(exist_ok=True)
    file = FILES / 'results.json'
    there = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps({**there, **figures}, indent=1) + '\n')


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == '__main__':
    sys.exit(main())
