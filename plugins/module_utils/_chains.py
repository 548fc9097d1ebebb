# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A chain of changes, such as those of a circuit: written in its order until a change fails, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._changes import Change, with_answers
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import Client
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import CniError, ToError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._writes import WRITERS, CreatedObjects, RefusedError

WRITE_PHASE = (2, 0)  # the phase of all changes but notes and deletes


@dataclass
class ChainResult:
    """What became of a chain of changes.

    written: the changes that are written, with their answers; error: what ended it; partial: what the failed change did.
    refused: the create that the API refused, if that was the error. skipped: the chain was not begun, as another one had failed.
    on_written: called with each change that is written, before the next one is.
    """

    written: list[Change] = field(default_factory=list)
    error: CniError | None = None
    partial: list[Change] = field(default_factory=list)
    refused: Change | None = None
    skipped: bool = False
    on_written: Callable[[Change], None] = lambda change: None

    def add_written(self, change: Change) -> None:
        """Adds a change that is written."""
        self.written.append(change)
        self.on_written(change)

    @property
    def begun(self) -> bool:
        """Whether anything was written."""
        return any(change.action != 'none' for change in self.written)

    @property
    def applied(self) -> list[Change]:
        """All changes that were written, also those of the change that failed."""
        return [*self.written, *self.partial]

    def add_failure(self, error: CniError) -> None:
        """Ends the chain. A further failure is added to the message of the first."""
        self.partial += error.applied
        if self.error:
            self.error.notes.append(error.message)
        else:
            self.error = error

    @contextmanager
    def catching(self, to_error: ToError) -> Iterator[None]:
        """Any exception ends this chain, and no other."""
        try:
            yield
        except Exception as error:
            failure = to_error(error)
            self.add_failure(failure)
            for change in failure.applied:
                with self.catching(to_error):
                    self.on_written(change)


def write_changes(client: Client, changes: Iterable[Change], result: ChainResult, created: CreatedObjects) -> None:
    """Writes changes until one fails, which raises its error. Placeholders are replaced by the values of earlier answers.

    What a PUT of several has done comes first: it is reported whatever becomes of the others.
    """
    for change in sorted(changes, key=lambda change: change.answer is None):
        change = with_answers(change, result.written)
        try:
            result.add_written(WRITERS[change.action](client, change, created))
        except RefusedError as error:
            result.refused = change
            raise error.refusal from None
