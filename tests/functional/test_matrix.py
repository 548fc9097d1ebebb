# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample of the fault matrix and of the kills, the same one each time; all of them run with `make test-all`."""

from __future__ import annotations

from reliability.kills import kills, run_kill
from reliability.matrix import SCENARIOS, bench_in, cells, run, sample
from reliability.reference_runs import Sandbox
from support.row_checks import check_rows

KILLS = 4


def test_each_kind_of_fault_at_each_kind_of_request(process):
    bench = bench_in(process)
    every = list(cells(bench, SCENARIOS))
    some = sample(every, len({cell.kind for cell in every}), seed=1)
    check_rows(some, lambda cell: run(bench, cell))


def test_a_playbook_that_is_ended_and_run_again(process):
    sandbox, visited = Sandbox(process), set()
    writes = [kill for kill in kills(sandbox.record()) if kill.method in ('POST', 'DELETE')]
    check_rows(sample(writes, KILLS, seed=1), lambda kill: run_kill(sandbox, kill, visited))
