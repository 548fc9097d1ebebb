# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failover drills on running routers, with traffic across; what happens to a killed one is in tests/functional."""

from __future__ import annotations

import pytest
from peering.circuits import NEW, ends
from peering.drills import KINDS, drilled
from simulator.process import Simulator


@pytest.fixture(scope='module')
def simulator():
    with Simulator() as simulator:
        yield simulator


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('platform', ['frr', 'bird'])
def test_a_drill_moves_the_traffic_both_ways_and_restores_the_router(lab, platform, kind, simulator, tmp_path):
    drill = drilled(lab, simulator, tmp_path, platform, kind)
    assert drill.run.status == 0, drill.run.output
    assert (drill.after, drill.pair.left_behind()) == (drill.before, [])
    report, (first, second) = drill.pair.report(), (ends(drill.pair.cnis[name]) for name in ('nyc-1', 'nyc-2'))
    path = {when: set(text.split()) for when, text in report['path'].items()}
    assert path['before'] >= set(first) and path['after'] >= set(first), report['path']
    assert path['during'] >= set(second), report['path']
    assert report['outcome'] == 'passed' and report['ping']['sent'] > 40
    assert report['ping']['longest_gap'] < 1  # seconds
    assert ('withdraw' in report['times']) == (kind == 'BGP')
    assert drill.pair.priorities() == ({(NEW, 'nyc-1'): 100, (NEW, 'nyc-2'): 200} if kind == 'static routes' else {})
