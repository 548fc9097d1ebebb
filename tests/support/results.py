# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of the manual that documents what all results have in common, docs/results.md."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / 'docs' / 'results.md'


def tables(heading: str) -> list[set[str]]:
    """The keys in the first column of each table under a heading."""
    section = PAGE.read_text().split(f'\n## {heading}\n')[1].split('\n## ')[0]
    columns = [[row.split('|')[1] for row in table.splitlines()[2:]] for table in re.findall(r'(?m)(?:^\|.*\n)+', section)]
    return [set(re.findall(r'`(\w+)`', ' '.join(column))) for column in columns]
