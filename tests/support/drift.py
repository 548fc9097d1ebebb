# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the simulator's contract and Cloudflare's SDK differ, and which of that somebody has reviewed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from support.contract import Operation, Value, flat


def differences(here: Mapping[str, Operation], sdk: Mapping[str, Operation]) -> list[str]:
    """A line for each operation, parameter and field that only one of the two has, or that differs in kind, words or presence."""
    lines = [f'{name}: only {"here" if name in here else "in the SDK"}' for name in here.keys() ^ sdk.keys()]
    for name in here.keys() & sdk.keys():
        lines += (f'{name} {line}' for line in _operation_differences(here[name], sdk[name]))
    return sorted(lines)


def _operation_differences(here: Operation, sdk: Operation) -> Iterator[str]:
    if here.enveloped != sdk.enveloped:
        yield f'answer: {"in an envelope" if here.enveloped else "bare"} here'
    for part in ('query', 'header', 'body', 'answer'):
        for path, text in _value_differences(getattr(here, part), getattr(sdk, part), part == 'answer'):
            yield f'{part} {path}: {text}'


def _value_differences(here: Value, sdk: Value, is_answer: bool) -> Iterator[tuple[str, str]]:
    own_rows, sdk_rows = ({'': (set(value.kinds), value.words), **flat(value)} for value in (here, sdk))
    leaves: list[str] = []  # what holds nothing in one of the two
    for path in sorted(own_rows.keys() | sdk_rows.keys()):
        if any(_is_in(path, above) for above in leaves):
            continue
        texts = [_text(*rows[path], is_answer) if path in rows else '' for rows in (own_rows, sdk_rows)]
        if texts[0] == texts[1]:
            continue
        if not all(any(_is_in(inner, path) for inner in rows) for rows in (own_rows, sdk_rows)):
            leaves.append(path)
        if all(texts):
            yield path or 'as a whole', f'{texts[0]} here, {texts[1]} in the SDK'
        else:
            yield path, f'only {"here" if path in own_rows else "in the SDK"} ({_text(*(own_rows.get(path) or sdk_rows[path]), False)})'


def _is_in(path: str, above: str) -> bool:
    return path != '' if above == '' else path.startswith((f'{above}.', f'{above}['))


def _text(kinds: set[str], words: tuple[str, ...] | None, is_answer: bool) -> str:
    """What a value may be. The SDK has one word for what an answer may lack and for what may be null in it."""
    shown = {'optional' if is_answer and kind in ('absent', 'null') else kind for kind in kinds}
    return ' or '.join(sorted(shown)) + (f' ({", ".join(sorted(words))})' if words else '')


def constraints(sentences: Iterable[tuple[str, str]]) -> list[str]:
    """A line for each sentence of the SDK that says what a value may be."""
    return sorted(f'{field} says: {sentence}' for field, sentence in sentences)


def reviewed(lines: Iterable[str], entries: Iterable[Mapping[str, str]]) -> tuple[dict[str, str], list[str], list[str]]:
    """({line: why it may be}, lines that nobody has reviewed, patterns that no line fits any more). entries: {lines: pattern, reason}."""
    entries, lines = list(entries), list(lines)
    reasons = {line: entry['reason'] for line in lines for entry in entries if re.fullmatch(entry['lines'], line)}
    unused = [entry['lines'] for entry in entries if not any(re.fullmatch(entry['lines'], line) for line in lines)]
    return reasons, [line for line in lines if line not in reasons], unused
