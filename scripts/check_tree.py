"""What no other tool checks: links and commands in the documents, and the rules of the layout.

Run by `make check`. Prints one line per fault, `path:line: what`, and exits 1 if there is any.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LONGEST_MODULE = 400

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_MAKE = re.compile(r"(?:^|`|\$ |&& )make ([a-z]+)\b", re.MULTILINE)
_HEADING = re.compile(r"^#+\s+(.*?)\s*#*$", re.MULTILINE)
_FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.MULTILINE | re.DOTALL)
_TARGET = re.compile(r"^([a-z]+):", re.MULTILINE)


def tracked(*patterns: str) -> list[Path]:
    """Files that git knows or would add: what is ignored is nobody's fault."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    files = {ROOT / name for name in listed.stdout.split("\0") if name}
    return sorted(path for path in files if path.is_file())


def anchors(document: str) -> set[str]:
    """The anchors that a Markdown renderer makes of the headings."""
    headings = _HEADING.findall(_FENCE.sub("", document))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def check_links(path: Path, text: str) -> Iterator[tuple[int, str]]:
    for match in _LINK.finditer(_blank_fences(text)):
        target, _, anchor = match[1].partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        file = (path.parent / target).resolve() if target else path
        if not file.exists():
            yield line_of(text, match.start()), f"links to {target}, which does not exist"
        elif anchor and file.suffix == ".md" and anchor not in anchors(file.read_text()):
            yield line_of(text, match.start()), f"links to #{anchor}, which is no heading of {file.name}"


def check_make(text: str, targets: set[str]) -> Iterator[tuple[int, str]]:
    for match in _MAKE.finditer(text):
        if match[1] not in targets:
            yield line_of(text, match.start(1)), f"names `make {match[1]}`, which is no target"


def check_module(path: Path, text: str) -> Iterator[tuple[int, str]]:
    if (lines := text.count("\n")) > LONGEST_MODULE:
        yield lines, f"{lines} lines; {LONGEST_MODULE} is the limit: split it by what it does"
    if path.stem in ("utils", "util"):
        yield 1, "a module is named after what it does"


def _blank_fences(text: str) -> str:
    # Positions must stay, so that line numbers are right.
    return _FENCE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def faults() -> Iterator[str]:
    targets = set(_TARGET.findall((ROOT / "Makefile").read_text()))
    for path in tracked("*.md"):
        text = path.read_text()
        for line, fault in (*check_links(path, text), *check_make(text, targets)):
            yield f"{path.relative_to(ROOT)}:{line}: {fault}"
    for path in tracked("src/*.py"):
        for line, fault in check_module(path, path.read_text()):
            yield f"{path.relative_to(ROOT)}:{line}: {fault}"


def main() -> int:
    found = list(faults())
    print(*found or ["documents and layout: no fault found"], sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
