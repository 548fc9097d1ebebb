# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark as a picture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import matplotlib

matplotlib.use('Agg')

from matplotlib import pyplot

COLOURS = ('#d1495b', '#e08e79', '#6b7a8f', '#3c896d', '#2e6f95', '#66a3c7', '#c98b2b')

Row = tuple[str, int, int]  # state, latency in ms, circuits


def draw(path: Path, walls: Mapping[str, Mapping[Row, float]]) -> None:
    """Seconds over circuits, on logarithmic axes: a panel for each state and latency, a line for each variant."""
    rows = list(dict.fromkeys(row for some in walls.values() for row in some))
    states, latencies = (list(dict.fromkeys(row[number] for row in rows)) for number in (0, 1))
    figure, panels = pyplot.subplots(len(states), len(latencies), figsize=(10, 7.5), sharex=True, sharey=True, squeeze=False)
    for state, line in zip(states, panels, strict=True):
        for latency, panel in zip(latencies, line, strict=True):
            _panel(panel, {name: {row[2]: wall for row, wall in some.items() if row[:2] == (state, latency) and not math.isnan(wall)}
                           for name, some in walls.items()})
            panel.set_title(f'{state}, {latency} ms a request', fontsize=10, loc='left')
    for panel in panels[-1]:
        panel.set_xlabel('circuits')
    for line in panels:
        line[0].set_ylabel('seconds')
    handles, names = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, names, loc='upper center', ncols=-(-len(names) // 2), frameon=False)
    figure.tight_layout(rect=(0, 0, 1, 0.93))
    figure.savefig(path, dpi=110, metadata={'Software': None})


def _panel(panel, walls: Mapping[str, Mapping[int, float]]) -> None:
    panel.set(xscale='log', yscale='log')
    circuits = sorted({number for some in walls.values() for number in some})
    panel.set_xticks(circuits, [str(number) for number in circuits])
    panel.minorticks_off()
    panel.set_yticks([1, 10, 100, 1000], ['1', '10', '100', '1000'])
    panel.grid(color='#e4e4e4')
    panel.spines[['top', 'right']].set_visible(False)
    for colour, (name, some) in zip(COLOURS, walls.items(), strict=True):
        panel.plot(list(some), list(some.values()), marker='o', markersize=4, color=colour, linewidth=1.8, label=name)
        if some:
            last = max(some)
            panel.annotate(f'{some[last]:.1f}', (last, some[last]), textcoords='offset points', xytext=(6, -3), fontsize=8, color=colour)
