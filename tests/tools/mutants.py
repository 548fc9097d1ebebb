# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The score of mutmut's run. Fails for survivors that tests/mutants.md does not name, and for lines there that name none.

Started by `make mutants` in the folder that mutmut ran in. A survivor is named by its function and the line as it changed it:
mutmut's own numbers shift with every change of a function.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import walk_mutatable_files
from mutmut.utils.format_utils import orig_function_and_class_names_from_key

KNOWN = Path(__file__).parents[1] / 'mutants.md'
KILLED = ('killed', 'timeout')


def results() -> Iterator[tuple[Path, str, str]]:
    """(file, mutant, what became of it)"""
    for path in walk_mutatable_files():
        data = SourceFileMutationData(path=path)
        data.load()
        for mutant, code in data.exit_code_by_key.items():
            yield path, mutant, status_by_exit_code[code]


def written(path: Path, mutant: str) -> str:
    """A mutant as tests/mutants.md has it."""
    lines = get_diff_for_mutant(mutant, path=path).splitlines()[3:]
    changed = [line[1:].strip() for line in lines if line.startswith('+')] or ['(gone)', *(x[1:].strip() for x in lines if x[0] == '-')]
    function, owner = orig_function_and_class_names_from_key(mutant)
    return f'{path.stem}.{f"{owner}." if owner else ""}{function}: {" ".join(changed)}'


def main() -> int:
    found = list(results())
    survivors = {written(path, mutant) for path, mutant, status in found if status not in KILLED}
    known = {line for line in KNOWN.read_text('utf-8').splitlines() if line.startswith('_')}
    for what, lines in (('New', survivors - known), ('Gone', known - survivors)):
        for line in sorted(lines):
            print(f'{what}: {line}')
    killed = sum(status in KILLED for _path, _mutant, status in found)
    print(f'{killed} of {len(found)} mutants killed ({killed / len(found):.1%}); survivors: {len(survivors)}, '
          f'{len(survivors - known)} of them not in {KNOWN.name}.')
    return 0 if survivors == known else 1


if __name__ == '__main__':
    sys.exit(main())
