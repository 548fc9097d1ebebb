# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small soak, the same one each time; the large one is `make soak`."""

from __future__ import annotations

from reliability.soak import Size, soak


def test_a_fleet_stays_as_its_intent_says():
    size = Size(circuits=30, rounds=3, seed=5)
    result = soak(size)
    assert result.counts['ports ordered'] == result.counts['ports due'] > size.circuits
    assert result.counts['faults'] and result.counts['killed'] and result.counts['interrupted'] and result.counts['changes by humans']
    assert soak(size).fingerprint == result.fingerprint
