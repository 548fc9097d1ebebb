# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample of the fault matrix, the same one each time; all of it runs with `make test-all`."""

from __future__ import annotations

from reliability.matrix import bench_in, run, sample

CELLS = 150


def test_each_kind_of_fault_at_each_kind_of_request(process):
    process.reset()
    bench = bench_in(process)
    broken = []
    for cell in sample(bench, CELLS, seed=1):
        try:
            run(bench, cell)
        except AssertionError as error:
            broken.append(f'{cell}: {error}')
    process.reset()
    assert not broken, '\n'.join(broken)
