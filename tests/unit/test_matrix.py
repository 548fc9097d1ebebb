# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample of the fault matrix, the same one each time; all of it runs with `make test-all`."""

from __future__ import annotations

from reliability import role
from reliability.matrix import SCENARIOS, bench_in, cells, run, sample

CELLS = 150


def test_each_kind_of_fault_at_each_kind_of_request(process):
    bench = bench_in(process)
    every = list(cells(bench, [*SCENARIOS, *role.scenarios(process)]))
    broken = []
    for cell in sample(every, CELLS, seed=1):
        try:
            run(bench, cell)
        except AssertionError as error:
            broken.append(f'{cell}: {error}')
    process.reset()
    assert not broken, '\n'.join(broken)
