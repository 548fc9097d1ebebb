# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A promise that is tested by many rows: one test, which names each row that fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import pytest

T = TypeVar('T')


def check_rows(rows: Iterable[T], check: Callable[[T], object]) -> None:
    """Checks all rows, then fails with a paragraph for each that failed."""
    failed = []
    for row in rows:
        try:
            check(row)
        except Exception as error:
            failed.append(f'{row}: {type(error).__name__}: {error}')
    if failed:
        pytest.fail('\n\n'.join([f'{len(failed)} rows fail.', *failed]), pytrace=False)
