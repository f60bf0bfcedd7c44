"""What may include what, and a few habits that no compiler checks. docs/architecture.md has the same in words.

Every rule is a function from the tree's texts to breaches; RULES at the end of the file lists them.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MOST_LINES = 600


@dataclass(frozen=True, order=True)
class Breach:
    path: str
    line: int
    says: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.says}"


# ---- what may include what ----

@dataclass(frozen=True)
class Room:
    """Files and what of ours they may include: beginnings of paths. The first room that fits a file is its room."""
    files: str        # a regular expression; its group `name` may be used in `sees`
    sees: str
    pure: bool = False  # no clock, no chance, no files, no network: their values come in as arguments


_SERVICES = "kernel/ platform/ runtime/ schemas/"

ROOMS = [
    Room(r"schemas/", "schemas/ kernel/codec.hpp kernel/upcast.hpp", pure=True),
    Room(r"kernel/", "kernel/", pure=True),
    Room(r"runtime/", "kernel/ runtime/ schemas/"),
    Room(r"platform/", "kernel/ platform/ runtime/"),

    # A context's rules see that context's messages and nobody else's.
    Room(r"command-side/(?P<name>[^/]+)/decider",
         "command-side/{name}/decider kernel/ schemas/{name}/ schemas/common/", pure=True),
    Room(r"command-side/edge/", f"command-side/edge/ {_SERVICES}"),
    Room(r"command-side/(?P<name>[^/]+)/", f"command-side/{{name}}/ command-side/edge/ {_SERVICES}"),
    Room(r"command-side/", f"command-side/ {_SERVICES}"),

    Room(r"projections/(?P<name>[^/]+)/",
         "projections/{name}/ projections/timestamp.hpp kernel/ schemas/{name}/ schemas/common/", pure=True),
    Room(r"projections/timestamp.hpp", "kernel/", pure=True),
    Room(r"projections/", f"projections/ {_SERVICES}"),

    Room(r"query-api/", f"projections/ query-api/ {_SERVICES}"),

    Room(r"saga/translators/", "saga/translators/ kernel/ runtime/ schemas/", pure=True),
    Room(r"saga/payment-providers/", f"saga/payment-providers/ saga/translators/translation.hpp {_SERVICES}"),
    Room(r"saga/(?P<name>[^/]+)/", "saga/{name}/ kernel/ schemas/{name}/ schemas/common/", pure=True),
    Room(r"saga/", f"saga/ {_SERVICES}"),

    Room(r"tools/replay/", f"projections/ saga/ tools/replay/ {_SERVICES}"),
    Room(r"tools/(?P<name>[^/]+)/", f"tools/{{name}}/ {_SERVICES}"),
    Room(r"bench/", f"bench/ {_SERVICES}"),
    Room(r"tests/", ""),  # see everything
]

# (file, include) → why. One that nobody needs any more is a breach too.
EXCEPTIONS = {
    ("command-side/carts/products.hpp", "command-side/catalog/decider.hpp"):
        "carts look a product up by folding its events, and the catalogue's evolve is that fold",
    ("command-side/carts/checkout.cpp", "saga/translators/carts_to_orders.hpp"):
        "the edge places the order by the very command that the translator would send, so that it is placed once",
    ("platform/node/peers.cpp", "schemas/node/v1/forward.pb.h"):
        "what nodes say to each other is their own business, but two versions must understand it: so it is a schema",
}

# What platform/ wraps. bench/ may use them too: its floors are these libraries without Everfold.
WRAPPED = re.compile(r"(librdkafka|rocksdb|pistache|spdlog|prometheus|curl|http_parser|jwt)(/|\.h)")
# What one file of a tool wraps.
WRAPPED_BY = {"sqlite3.h": "tools/replay/tables/sqlite_db.cpp", "jq.h": "tools/replay/output/jq.cpp"}
IMPURE = re.compile(r"(chrono|ctime|time\.h|random|fstream|filesystem|iostream|thread|future"
                    r"|(sys|netinet|arpa|net|linux)/.*|unistd\.h|fcntl\.h|poll\.h|netdb\.h|pthread\.h)$")
PRIVATE = re.compile(r"// Private to (platform/\w+)")

_INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def room_of(path: str) -> tuple[Room, list[str]] | None:
    for room in ROOMS:
        if match := re.match(room.files, path):
            return room, room.sees.format(**match.groupdict()).split()
    return None


def includes(sources: dict[str, str]) -> Iterator[tuple[str, int, bool, str]]:
    """Path, line, whether it is one of ours, and what is included."""
    for path, text in sources.items():
        if path.endswith((".cpp", ".hpp", ".cpp.in", ".hpp.in")):
            for match in _INCLUDE.finditer(text):
                yield path, _line(text, match.start(1)), match[1] == '"', match[2]


def _made_from(included: str) -> str:
    return re.sub(r"\.pb\.h$", ".proto", included)


def rooms_see_only_what_they_may(sources: dict[str, str]) -> Iterator[Breach]:
    unused = dict(EXCEPTIONS)
    for path, line, ours, included in includes(sources):
        found = room_of(path)
        if not found:
            yield Breach(path, line, "lies in no room that tests/architecture/rules.py knows")
            continue
        room, sees = found
        if not ours:
            if room.pure and IMPURE.match(included):
                yield Breach(path, line, f"<{included}>: no clock, chance, file or network in here; pass the value in")
            continue
        if not sees or _made_from(included) not in sources or included.startswith(tuple(sees)):
            continue
        if (path, included) in EXCEPTIONS:
            unused.pop((path, included), None)
        else:
            where = room.files.replace("(?P<name>[^/]+)", "*")
            yield Breach(path, line, f'"{included}": {where} sees only {", ".join(sees)}')
    for path, included in unused:
        if path in sources:
            yield Breach(path, 1, f'does not include "{included}" any more: take the exception out of rules.py')


def includes_are_paths_from_the_root(sources: dict[str, str]) -> Iterator[Breach]:
    seen = set()
    for path, line, ours, included in includes(sources):
        if (path, included) in seen:
            yield Breach(path, line, f"{included} is included twice")
        seen.add((path, included))
        if ours and _made_from(included) not in sources:
            yield Breach(path, line, f'"{included}" is no path from the root of the tree')


def libraries_stay_behind_platform(sources: dict[str, str]) -> Iterator[Breach]:
    private = {path: match[1] for path, text in sources.items()
               if path.startswith("platform/") and (match := PRIVATE.match(text))}
    for path, line, _, included in includes(sources):
        if path.startswith("bench/"):
            continue
        if included in private and not path.startswith(private[included] + "/"):
            yield Breach(path, line, f'"{included}" is private to {private[included]}')
        if path != (wrapper := WRAPPED_BY.get(included, path)):
            yield Breach(path, line, f"<{included}>: only {wrapper} includes it")
        if not WRAPPED.match(included):
            continue
        if not path.startswith("platform/"):
            yield Breach(path, line, f"<{included}>: only platform/ includes it")
        elif path.endswith(".hpp") and path not in private:
            yield Breach(path, line, f"<{included}> in a public header: hide it behind a pimpl, or begin the header with"
                                     f" \"// Private to {path.rpartition('/')[0]}\"")


# ---- a context has the same name on every side ----

SIDES = ("schemas", "command-side", "projections", "query-api")
# Folders on a side that are no context.
SHARED = {"schemas/common", "schemas/log", "schemas/history", "schemas/node", "schemas/operations", "schemas/parking", "schemas/replay",
          "command-side/edge", "projections/history", "query-api/http", "query-api/openapi", "query-api/reads", "saga/translators", "saga/payment-providers"}


def contexts_are_on_every_side(sources: dict[str, str]) -> Iterator[Breach]:
    root = sources.get("CMakeLists.txt", "")
    contexts, contexts_line = _cmake_list(root, "EVERFOLD_CONTEXTS")
    processes, processes_line = _cmake_list(root, "EVERFOLD_PROCESSES")
    for context in contexts:
        needed = [f"schemas/{context}/v1/events.proto", f"command-side/{context}/decider.hpp",
                  f"command-side/{context}/README.md", f"projections/{context}/", f"query-api/{context}/routes.cpp",
                  f"tests/unit/{context}_decider_test.cpp"]
        yield from _missing(sources, needed, contexts_line, f"context {context}")
    for process in processes:
        needed = [f"schemas/{process}/v1/events.proto", f"saga/{process}/decider.hpp", f"saga/{process}/README.md",
                  f"tests/unit/{process}_decider_test.cpp"]
        yield from _missing(sources, needed, processes_line, f"process {process}")
    known = SHARED | {f"{side}/{context}" for side in SIDES for context in contexts}
    known |= {f"{side}/{process}" for side in (*SIDES, "saga") for process in processes}
    for path in sources:
        side, *rest = path.split("/")
        if side in (*SIDES, "saga") and len(rest) > 1 and f"{side}/{rest[0]}" not in known:
            yield Breach(path, 1, f"{side}/{rest[0]} is no context or process of the root CMakeLists.txt")


# What a context is connected by, in the files that lie directly in a room.
WIRING = (("command-side/", r"\bhost<{context}::", "its decider is not hosted"),
          ("command-side/", r"\b{context}::add_command_routes\(", "its command routes are not added"),
          ("projections/", r"\b{context}::\w", "none of its views is folded"),
          ("query-api/", r"\b{context}::\w", "none of its views is followed"),
          ("query-api/", r"\badd_{context}_routes\(", "its read routes are not added"))


def contexts_are_connected(sources: dict[str, str]) -> Iterator[Breach]:
    contexts, line = _cmake_list(sources.get("CMakeLists.txt", ""), "EVERFOLD_CONTEXTS")
    for room, pattern, says in WIRING:
        text = "\n".join(each for path, each in sources.items() if re.fullmatch(rf"{room}\w+\.[ch]pp", path))
        for context in contexts:
            if not re.search(pattern.format(context=context), text):
                yield Breach("CMakeLists.txt", line, f"context {context}: {says} in {room}*.cpp")


def _cmake_list(text: str, name: str) -> tuple[list[str], int]:
    match = re.search(rf"^set\({name} ([^)]*)\)", text, re.MULTILINE)
    return (match[1].split(), _line(text, match.start())) if match else ([], 1)


def _missing(sources: dict[str, str], needed: list[str], line: int, who: str) -> Iterator[Breach]:
    for path in needed:
        if not any(known == path or (path.endswith("/") and known.startswith(path)) for known in sources):
            yield Breach("CMakeLists.txt", line, f"{who} has no {path}")


# ---- habits ----

HABITS = {
    r"\b(TODO|FIXME)\b": "do it, or say in an issue why not now",
    r"\b(DISABLED_\w|GTEST_SKIP\b)": "a test that does not run is no test",
    r"\bcatch\s*\(\s*\.\.\.\s*\)": "hides whatever comes: name what is caught",
    r"\|\|\s*true\b": "hides a failure",
    r"(?<![\w.])/(work|root|home|Users)/\w": "a path of somebody's machine",
}
_CODE = (".cpp", ".hpp", ".in", ".proto", ".py", ".sh", ".cmake", ".lua", "CMakeLists.txt", "dev")


def habits_are_kept(sources: dict[str, str]) -> Iterator[Breach]:
    for path, text in sources.items():
        if path.startswith("tests/architecture/"):  # which must name them
            continue
        for pattern, why in HABITS.items():
            for match in re.finditer(pattern, text):
                yield Breach(path, _line(text, match.start()), f"{match[0]}: {why}")


def files_are_short(sources: dict[str, str]) -> Iterator[Breach]:
    for path, text in sources.items():
        lines = text.count("\n")
        if path.endswith(_CODE) and lines > MOST_LINES:
            yield Breach(path, lines, f"{lines} lines: more than {MOST_LINES} are no longer one thing")


# ---- what is written about files that are not there ----

_ROOM_NAMES = "bench|cmake|command-side|deploy|docs|kernel|platform|projections|query-api|runtime|saga|schemas|tests|tools"
_NAMED = re.compile(rf"(?<![\w./…-])(?:(?:{_ROOM_NAMES})/[\w./-]*\w\.(?:md|hpp|cpp|py|proto|json|toml|txt|csv)"
                    r"|[\w-]+\.md)\b(?!\.in)")
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def named_files_exist(sources: dict[str, str]) -> Iterator[Breach]:
    names_of_files = {path.rpartition("/")[2] for path in sources}
    for path, text in sources.items():
        if path.startswith("tests/architecture/"):
            continue
        folder = path.rpartition("/")[0]
        prose = _INCLUDE.sub(lambda include: " " * len(include[0]), text)  # includes have a rule of their own
        names = [(match.start(), match[0]) for match in _NAMED.finditer(prose)]
        if path.endswith(".md"):
            names += [(match.start(1), match[1]) for match in _LINK.finditer(text) if ":" not in match[1]]
        for start, name in names:
            if name in names_of_files:  # "its README.md"
                continue
            nearby = os.path.normpath(f"{folder}/{name}" if folder else name)
            if not any(known in sources or any(other.startswith(known.rstrip("/") + "/") for other in sources)
                       for known in (name, nearby)):
                yield Breach(path, _line(text, start), f"{name} does not exist")


# ---- the tree ----

_NOT_OURS = {"build", ".git", ".everfold", "__pycache__"}


def read(root: Path) -> dict[str, str]:
    """The text of every file that is ours, by its path from the root."""
    sources = {}
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in _NOT_OURS)
        for name in sorted(set(names) - _NOT_OURS):  # .git is a file in a worktree
            file = Path(folder, name)
            try:
                sources[file.relative_to(root).as_posix()] = file.read_text()
            except UnicodeDecodeError:  # a picture, golden bytes: nothing to read
                sources[file.relative_to(root).as_posix()] = ""
    return sources


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


RULES = (rooms_see_only_what_they_may, includes_are_paths_from_the_root, libraries_stay_behind_platform,
         contexts_are_on_every_side, contexts_are_connected, habits_are_kept, files_are_short, named_files_exist)


def breaches(sources: dict[str, str]) -> list[Breach]:
    return sorted(breach for rule in RULES for breach in rule(sources))
