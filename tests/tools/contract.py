#!/usr/bin/env python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes plugins/module_utils/_contract.py of the simulator's OpenAPI document: `python tests/tools/contract.py --write`."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests'))

from support.contract import module_text  # noqa: E402

if __name__ == '__main__':
    if sys.argv[1:] != ['--write']:
        sys.exit(__doc__)
    (ROOT / 'plugins/module_utils/_contract.py').write_text(module_text(), encoding='utf-8')
