"""Run by `make mutants`: mutation testing of the domain and the ledger, on a random sample of the mutants.

mutmut creates the mutants. For each mutant, it runs the tests that reach the changed function. All 9 000 mutants would
take a day, so a sample is drawn. The same seed draws the same sample.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random

ROOT = Path(__file__).parent.parent
MUTANTS = ROOT / "mutants"
KILLED, SURVIVED = 1, 0
"""The exit codes of a mutant's tests: KILLED if a test failed, SURVIVED if no test failed."""


def mutmut(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "mutmut", *arguments], cwd=ROOT, check=False)


def results() -> dict[str, int | None]:
    """The exit code of the tests of each mutant, by the mutant's name; None if its tests have not run."""
    codes: dict[str, int | None] = {}
    for file in MUTANTS.rglob("*.meta"):
        codes |= json.loads(file.read_text(encoding="utf-8"))["exit_code_by_key"]
    return codes


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("sample", type=int, help="number of mutants")
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--only", default="", help="only modules whose names start so, such as domain.project")
    options = arguments.parse_args()
    if not results():
        mutmut("run", "no.such.mutant")  # creates the mutants, and records which test reaches which function
    names = sorted(name for name in results() if name.startswith(options.only))
    sample = Random(options.seed).sample(names, min(options.sample, len(names)))
    mutmut("run", "--max-children", "2", *sample)
    codes = {name: code for name, code in results().items() if name in sample and code is not None}
    for name in sorted(name for name, code in codes.items() if code == SURVIVED):
        print(f"\nsurvived: {name}")
        mutmut("show", name)
    counts = Counter(
        "killed" if code == KILLED else "survived" if code == SURVIVED else "other" for code in codes.values()
    )
    print(f"{len(names)} mutants, {len(codes)} tried with seed {options.seed}: {dict(counts)}")
    print(f"score {counts['killed'] / max(len(codes), 1):.3f}")


if __name__ == "__main__":
    main()
