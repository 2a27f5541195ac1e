"""The documents and their blocks of code. `docs/README.md` says what each language of a block promises."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"^```([a-z]*)[ \t]*(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_EXIT = re.compile(r"\s+# exit (\d+)$")
LANGUAGES = {"console", "sh", "python", "toml", "nginx", "http", "json", "html", "yaml"}


@dataclass(frozen=True)
class Block:
    """`about` is what follows the language; `line` is that of the fence."""

    language: str
    about: str
    text: str
    line: int


@dataclass(frozen=True)
class Step:
    """A command of a console block: the exit code and the lines that must be in its output."""

    command: str
    code: int
    shown: list[str]


def pages() -> list[Path]:
    """README, where there is one, and everything under docs/."""
    readme = ROOT / "README.md"
    return [*([readme] if readme.exists() else []), *sorted((ROOT / "docs").rglob("*.md"))]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path, *languages: str) -> list[Block]:
    """The blocks in these languages, or all, in order."""
    text = page.read_text(encoding="utf-8")
    found = [
        Block(match[1], match[2].strip(), match[3], text.count("\n", 0, match.start()) + 1)
        for match in _BLOCK.finditer(text)
    ]
    return [block for block in found if not languages or block.language in languages]


def inline(page: Path) -> list[str]:
    """What stands between single backticks."""
    return _CODE.findall(_BLOCK.sub("", page.read_text(encoding="utf-8")))


def steps(block: Block) -> list[Step]:
    """The commands of a console block."""
    found: list[Step] = []
    for line in block.text.replace("\\\n", "").splitlines():
        if line.startswith("$ "):
            ends = _EXIT.search(line)
            found.append(Step(_EXIT.sub("", line[2:]), int(ends[1]) if ends else 0, []))
        elif found and line.strip():
            found[-1].shown.append(line)
    return found


def invocations(page: Path) -> Iterator[list[str]]:
    """The words of every `eventmill …` on a page, up to what ends a command."""
    texts = [text for text in inline(page) if text.startswith("eventmill ")]
    for block in blocks(page, "console", "sh"):
        texts += [line for line in block.text.replace("\\\n", " ").splitlines() if "eventmill " in line]
    for text in texts:
        lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] | None = None
        for word in [*lexer, ";"]:
            if word[0] in "();<>|&":
                if words:
                    yield words
                words = None
            elif words is not None:
                words.append(word)
            elif word == "eventmill":
                words = []
