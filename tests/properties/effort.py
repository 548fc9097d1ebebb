# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How hard the property tests look: the same examples every time, or PROPERTY_EXAMPLES of them that are new each time."""

from __future__ import annotations

import os
import pathlib

from hypothesis import HealthCheck, Phase, configuration, settings

MORE = os.environ.get('PROPERTY_EXAMPLES')

configuration.set_hypothesis_home_dir(pathlib.Path(__file__).parents[2] / '.build' / 'hypothesis')

examples_effort = settings(max_examples=int(MORE or 50), derandomize=not MORE, deadline=None, database=None, print_blob=bool(MORE),
                           phases=[Phase.generate, Phase.shrink], suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
