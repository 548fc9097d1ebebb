# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Code that many short processes need: the first one that compiles it leaves it in a folder for the others."""

from __future__ import annotations

import hashlib
import marshal
import os
from collections.abc import Callable
from pathlib import Path
from types import CodeType


def compiled_once(folder: Path, source: bytes, compiled: Callable[[], CodeType]) -> CodeType:
    kept = folder / hashlib.sha256(source).hexdigest()
    try:
        return marshal.loads(kept.read_bytes())
    except FileNotFoundError:
        code = compiled()
    folder.mkdir(exist_ok=True)
    part = kept.with_suffix(f'.{os.getpid()}')
    part.write_bytes(marshal.dumps(code))
    part.rename(kept)
    return code
