# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rate limit of the gateway, by a clock of its own."""

from __future__ import annotations

import pytest

from gateway import GatewayError, RateLimit


def test_over_the_limit_everything_is_refused_until_the_window_has_passed():
    now = [0.0]
    limit = RateLimit(2, 300, lambda: now[0])

    def wait():
        try:
            limit.check()
        except GatewayError as refused:
            return refused.headers['Retry-After']

    assert [wait(), wait()] == [None, None]
    now[0] = 299.5
    assert wait() == '300'
    now[0] = 599.1
    assert wait() == '1'
    now[0] = 599.5
    assert wait() is None


def test_requests_leave_the_window_one_by_one():
    now = [0.0]
    limit = RateLimit(2, 10, lambda: now[0])
    for now[0] in (0.0, 6.0, 10.0, 16.0, 20.0):
        limit.check()
    with pytest.raises(GatewayError):
        limit.check()
