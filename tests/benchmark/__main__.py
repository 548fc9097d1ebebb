# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures what circuits cost by the collection's playbook, role and module, by ansible.builtin.uri and by the official SDK.

All on one simulator, in turns. Prints a table, and what was reached of the goals; --write puts them into docs/rollout.md, with a picture
and all figures.
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
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / 'tests')]

from benchmark.planning import GOAL, ORDERS, SIZES, Plan, plans  # noqa: E402
from benchmark.runs import COLUMNS, DEMO, ROUTED, ROUTES, STATES, TASKS, Bench, Sample  # noqa: E402
from simulator.process import Simulator  # noqa: E402
from support.pages import put  # noqa: E402
from support.playbook import Account  # noqa: E402

PAGE = ROOT / 'docs' / 'rollout.md'
FILES = ROOT / 'docs' / 'benchmark'


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--sizes', type=int, nargs='+', default=[20, 100, 500], metavar='N', help='circuits (%(default)s)')
    parser.add_argument('--latencies', type=int, nargs='+', default=[0, 50], metavar='MS', help='of the simulator (%(default)s)')
    parser.add_argument('--rounds', type=int, default=3, help='of each run that takes less than half a minute (%(default)s)')
    parser.add_argument('--tasks', type=int, default=TASKS, metavar='N', help='hosts of the play that compares single tasks (%(default)s)')
    parser.add_argument('--large', type=int, default=1000, metavar='N', help='circuits of the run that is for memory only (%(default)s)')
    parser.add_argument('--plans', action='store_true', help='measure plans only, without Ansible and requests: a minute')
    parser.add_argument('--write', action='store_true', help=f'into {PAGE.relative_to(ROOT)} and {FILES.relative_to(ROOT)}')
    options = parser.parse_args()
    planned = list(plans(options.rounds))
    show_plans(planned, options.write)
    if options.plans:
        return 0
    with tempfile.TemporaryDirectory() as folder, Simulator('--no-validate', '--page-size', '1000') as simulator:
        bench = Bench(Account(simulator, Path(folder)), options.rounds)
        bench.compare_single(options.tasks)
        bench.demonstrate()
        bench.bring_about('provision', options.large)
        for latency in options.latencies:
            for size in options.sizes:
                bench.compare(size, latency)
    show(Medians(bench.samples, options.tasks), bench.samples, planned, options.write)
    return 0


@dataclass(frozen=True)
class Goal:
    """What is to be reached. sign: 1 where the figure is to be as much at least, -1 where at most; figure: NaN if nothing was measured."""

    what: str
    figure: float
    limit: float
    sign: int = 1

    def __str__(self) -> str:
        """A row in Markdown."""
        reached = 'yes' if self.sign * self.figure >= self.sign * self.limit else 'no'
        return f'| {self.what} | {self.limit:g} at {"least" if self.sign > 0 else "most"} | {self.figure:.3g} | {reached} |'


class Medians:
    """The medians of the samples, by variant, number of circuits, latency and state."""

    def __init__(self, samples: Sequence[Sample], tasks: int) -> None:
        """tasks: circuits of the runs that are compared with runs of single tasks, and with empty ones."""
        self._samples, self.tasks = samples, tasks

    def of(self, what: str, variant: str, circuits: int, latency: int = 0, state: str = 'converged') -> float:
        """The median of a figure, NaN if there is no run."""
        found = [getattr(sample, what) for sample in self._samples
                 if (sample.variant, sample.circuits, sample.latency, sample.state) == (variant, circuits, latency, state)]
        return statistics.median(found) if found else math.nan

    def over_empty(self, variant: str) -> float:
        """Converged, the seconds over a run without tasks."""
        return self.of('wall', variant, self.tasks) - self.of('wall', 'task empty', self.tasks)

    def rows(self) -> list[tuple[str, int, int]]:
        """(state, latency, circuits) of each comparison."""
        compared = {(sample.state, sample.latency, sample.circuits) for sample in self._samples if sample.variant == COLUMNS[-1]}
        return sorted(compared, key=lambda row: (STATES.index(row[0]), *row[1:]))


def table(medians: Medians) -> str:
    """All runs, in Markdown."""
    lines = [f'| circuits | {" | ".join(COLUMNS)} |', '|---' * (len(COLUMNS) + 1) + '|']
    for state, latency, circuits in medians.rows():
        cells = []
        for name in COLUMNS:
            figures = [medians.of(what, name, circuits, latency, state) for what in ('wall', 'cpu', 'memory', 'requests')]
            cells.append('-' if math.isnan(figures[0]) else '{:.1f} s, {:.1f} s CPU, {:.0f} MB, {:.0f} requests'.format(*figures))
        lines.append(f'| {circuits} {state}, {latency} ms | {" | ".join(cells)} |')
    return '\n'.join(lines)


def goals(medians: Medians, samples: Sequence[Sample], planned: Sequence[Sequence[Plan]]) -> Iterator[Goal]:
    """All that is to be reached, measured or not."""
    plain, work = medians.over_empty('task uri'), medians.over_empty('uri')
    for name in ('interconnect', 'interconnect_info'):
        yield Goal(f'times faster than a `uri` GET: a converged task `{name}`', plain / medians.over_empty(f'task {name}'), 10)
    for name, limit in (('role', 10), ('provision', 30)):
        yield Goal(f'times faster than a playbook of `uri`: {name}, {medians.tasks} converged', work / medians.over_empty(name), limit)
    yield Goal(f'seconds over an empty run: provision, {medians.tasks} converged', medians.over_empty('provision'), 2, -1)
    for circuits, limit in ((100, 5), (500, 8)):
        script, own = (medians.of('wall', name, circuits, 50, STATES[0]) for name in ('SDK script', 'provision'))
        yield Goal(f'times faster than an SDK script: provision, {circuits} from nothing at 50 ms', script / own, limit)
    largest = max(samples, key=lambda sample: sample.circuits)
    yield Goal(f'MB of the largest process, {largest.circuits} circuits',
               max(sample.memory for sample in samples if sample.circuits == largest.circuits and sample.variant == 'provision'), 150, -1)
    smallest = [statistics.median(sample.seconds for sample in some) for some in planned if some[0].circuits == SIZES[0]]
    yield Goal(f'seconds of a plan of {SIZES[0]}', max(smallest), GOAL[0], -1)
    demo, empty = medians.of('wall', DEMO, 2, 0, STATES[0]), medians.of('wall', 'task empty', 2)
    yield Goal(f'empty runs that `{DEMO}` takes, second start', demo / empty, 15, -1)
    requests = medians.of('requests', 'module rollout', medians.tasks)
    yield Goal(f'requests of the module rollout, {medians.tasks} circuits with health checks converged', requests, 3, -1)
    routed = max(sample.circuits for sample in samples if sample.variant == ROUTED)
    yield Goal(f'requests of the module rollout, {routed} circuits with {ROUTES} routes each converged',
               medians.of('requests', ROUTED, routed), 4, -1)
    yield Goal(f'seconds of CPU of the module rollout, {routed} circuits with {ROUTES} routes each from nothing',
               medians.of('cpu', ROUTED, routed, 0, STATES[0]), 20, -1)
    busy = [sample.simulator / sample.wall for sample in samples if sample.variant in COLUMNS]
    yield Goal('share of its time that the simulator was busy', max(busy), 1, -1)


def show(medians: Medians, samples: Sequence[Sample], planned: Sequence[Sequence[Plan]], write: bool) -> None:
    reached = [goal for goal in goals(medians, samples, planned) if not math.isnan(goal.figure)]
    text = '\n'.join(['| what it shows | goal | figure | reached |', '|---|---|---|---|', *map(str, reached), '', table(medians)])
    report(f'\n{text}')
    if not write:
        return
    record(cpus=os.cpu_count(), python=platform.python_version(), **{'ansible-core': version('ansible-core')},
           cloudflare=version('cloudflare'), goals=[asdict(goal) for goal in reached], samples=[asdict(sample) for sample in samples])
    put(PAGE, 'bench', text)
    from benchmark.picture import draw  # not before all is measured: the size of this process is the least that is seen of its children

    draw(FILES / 'benchmark.png', {name: {row: medians.of('wall', name, row[2], row[1], row[0]) for row in medians.rows()}
                                   for name in COLUMNS})


def show_plans(measured: Sequence[Sequence[Plan]], write: bool) -> None:
    """A line for each kind of order: medians, and how many times as long the larger plan takes."""
    seconds = {(some[0].order, some[0].circuits): statistics.median(sample.seconds for sample in some) for some in measured}
    memory = {(some[0].order, some[0].circuits): statistics.median(sample.memory for sample in some) for some in measured}
    lines = [f'| new circuits | {" | ".join(map(str, SIZES))} | times as long |', '|---|---|---|---|',
             f'| goal | {GOAL[0]} s, {GOAL[1]} MB at most | | {GOAL[2]} at most |']
    for order in ORDERS:
        figures = [f'{seconds[order, size]:.2f} s, {memory[order, size]:.0f} MB' for size in SIZES]
        lines.append(f'| {order} | {" | ".join(figures)} | {seconds[order, SIZES[1]] / seconds[order, SIZES[0]]:.2f} |')
    text = '\n'.join(lines)
    report(text)
    if write:
        record(plans=[asdict(plan) for some in measured for plan in some])
        put(PAGE, 'plans', text)


def record(**figures: object) -> None:
    """Puts figures into the file of all figures, beside those of other parts."""
    FILES.mkdir(exist_ok=True)
    file = FILES / 'results.json'
    recorded = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps({**recorded, **figures}, indent=1) + '\n')


def report(text: str) -> None:
    print(text, flush=True)


if __name__ == '__main__':
    sys.exit(main())
