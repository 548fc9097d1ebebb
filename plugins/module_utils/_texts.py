# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that are written to files: values in Markdown, where they are never markup, and what UTF-8 can hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

# What is markup in Markdown where it stands: an underscore in a word is none, nor a dash.
_SPECIAL = re.compile(r'([\\`*\[]|(?<![^\W_])_|_(?![^\W_])|^[-+=>#]|#(?=#*$))')
_NUMBERED = re.compile(r'^([0-9]+)([.)])(?= |$)')
_LINKED = re.compile(r'(?i)(:(?=//)|@|\bwww(?=[.]))')
_ENTITIES = str.maketrans({'&': '&amp;', '<': '&lt;', '|': '&#124;', '~': '&#126;'})


def markdown_cell(value: Any) -> str:
    """A value in Markdown: on one line, and never markup. An invisible comment splits what GitHub would turn into a link."""
    text = ' '.join(str(value).translate(_ENTITIES).split())
    return _LINKED.sub(r'\1<!-- -->', _NUMBERED.sub(r'\1\\\2', _SPECIAL.sub(r'\\\1', text)))


def markdown_table(heading: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    """The lines of a table. None is an empty cell."""
    lines = (' | '.join('' if cell is None else markdown_cell(cell) for cell in row) for row in rows)
    return [f'| {" | ".join(heading)} |', '|---' * len(heading) + '|', *(f'| {line} |' for line in lines)]


def encodable(text: str) -> str:
    """The text with lone surrogates escaped, as JSON and Python write it."""
    return text.encode('utf-8', 'backslashreplace').decode()
