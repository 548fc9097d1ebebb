# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run shows of itself while it works and waits."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._progress import progress_reporter, wait_reporter


@pytest.fixture
def task():
    lines, clock = [], SimpleNamespace(now=100.0)
    client = SimpleNamespace(clock=lambda: clock.now, retry_timeout=600)
    return SimpleNamespace(params={'progress_every': 10}, client=client, show_line=lines.append, lines=lines, clock=clock)


def test_progress_is_shown_when_it_is_due(task):
    report_progress = progress_reporter(task)
    for task.clock.now, done in ((105, 2), (110, 4), (119, 5), (120, 8)):
        report_progress(done, 20)
    assert task.lines == ['rollout: 4 of 20 circuits after 10 s (0.4/s), about 40 s left',
                          'rollout: 8 of 20 circuits after 20 s (0.4/s), about 30 s left']


def test_each_wait_has_its_own_time(task):
    report_wait = wait_reporter(task)
    waits = [(100, 'another run'), (109, 'another run'), (111, 'another run'), (300, 'a new CNI'), (310, 'a new CNI')]
    for task.clock.now, reason in waits:
        report_wait(reason)
    assert task.lines == ['rollout: waiting for 11 s, 600 s at most: another run', 'rollout: waiting for 10 s, 600 s at most: a new CNI']


@pytest.mark.parametrize('change', [{'params': {'progress_every': 0}}, {'show_line': None}])
def test_nothing_is_shown_where_it_is_off_or_impossible(task, change):
    vars(task).update(change)
    report_progress, report_wait = progress_reporter(task), wait_reporter(task)
    for task.clock.now in (100, 200):
        report_progress(1, 2)
        report_wait('another run')
    assert task.lines == []
