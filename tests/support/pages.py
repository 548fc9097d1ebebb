# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables that are measured, in the pages of docs."""

from __future__ import annotations

import re
from pathlib import Path


def put(page: Path, name: str, text: str) -> None:
    """Puts a table between its marks in a page: <!-- name: begin --> and <!-- name: end -->."""
    begin, end = (f'<!-- {name}: {side} -->' for side in ('begin', 'end'))
    page.write_text(re.sub(f'(?s){begin}.*{end}', lambda _match: f'{begin}\n{text}\n{end}', page.read_text()))
