#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the compiler cannot know about this tree: who may include whom, what may be called where, lengths, heads.

    check_tree.py [root]

The tables below are the rules; ARCHITECTURE's two orderings (folders, and the layers inside gateway/) are among them
as data. Each function with @rule looks at the whole tree and yields findings. One finding a line, then
`N passed, N failed`: rules, not findings. test_check_tree.py feeds each rule something bad.
"""

import re
import sys
from fnmatch import fnmatchcase
from pathlib import Path

# --- Tables ----------------------------------------------------------------------------------------------------------

# Our folder -> our headers it may include (patterns). Folders that are not named include what they like.
FOLDERS = {
    "common": ["common/*"],
    "proto": ["proto/*"] + [f"common/{noun}.h" for noun in ("buf", "wire", "map", "err", "mem", "list", "str")],
    "gateway": ["gateway/*", "proto/*", "common/*"],
    "broker": ["broker/*", "proto/*", "common/*"],
}

# Inside gateway/: layer -> (its files, the layers below it that it may include besides itself). The first layer whose
# pattern fits is a file's. Bytes of a client enter at listener and go
#     listener -> conn -> {http, websocket, stomp_tcp} -> {router, sockjs_*} -> session -> stomp_session -> broker_link
# Each knows what it stands on and what it hands the bytes to, nothing that hands bytes to it: calls against the
# arrows go through contracts (transport.h, service.h) and callbacks.
GATEWAY_LAYERS = {
    # contracts, and small tools that know nothing of ours
    "ground": (["stats", "runtime", "shared_frame", "service", "transport", "interned", "surrogates", "checkpoint", "identity"], []),
    "auth": (["auth", "rules", "jwt", "jwt_*", "jwks", "base64url", "json_depth"], ["ground"]),
    "conn": (["conn", "conn_*"], ["ground"]),
    "tls": (["tls_*"], ["ground", "conn"]),
    "http": (["http"], ["ground", "conn"]),
    "link": (["broker_*", "outbox", "recent"], ["ground"]),
    "route": (["route", "cors", "origin", "forwarded"], ["ground", "conn", "http"]),
    "transports": (["websocket", "stomp_tcp", "sockjs_*"], ["ground", "conn", "http", "route", "session"]),
    "router": (["router", "pages"], ["ground", "conn", "http", "route", "session", "transports"]),
    "listener": (["listener"], ["ground", "conn"]),
    "conversation": (["stomp_*", "delivery", "service_*"], ["ground", "auth", "link"]),
    "session": (["session", "session_*", "sessions"], ["ground", "link", "conversation"]),
    "process": (
        ["gateway", "main", "metrics"],
        ["ground", "auth", "conn", "tls", "http", "link", "route", "transports", "router", "listener", "conversation", "session"],
    ),
}

# Third party's header -> files that may name it.
THIRD_PARTY = {
    "uv.h": ["common/*", "gateway/*", "broker/*", "tests/*"],
    "llhttp.h": ["common/http1.c"],
    "jansson.h": ["common/options*.c", "common/settings*.c", "gateway/jwks.c", "gateway/jwt.c", "tests/*"],
    "mbedtls/base64.h": ["proto/digest.c", "tests/unit/test_jwt.c"],
    "mbedtls/md.h": ["proto/digest.c", "common/pkcs12_pbe.c", "gateway/jwt_keys.c", "tests/unit/test_jwt.c", "tests/fuzz/*"],
    "mbedtls/pkcs12.h": ["tests/fuzz/fuzz_pkcs12.c"],
    "mbedtls/cipher.h": ["common/pkcs12_pbe.c"],
    "mbedtls/ssl.h": ["common/tls.c", "tests/unit/test_tls.c"],
    "mbedtls/net_sockets.h": ["common/tls.c", "tests/unit/test_tls.c"],
    "psa/crypto.h": ["common/tls.c"],
    "mbedtls/error.h": ["common/tls*.c"],
    "mbedtls/platform_util.h": ["common/tls_identity.c", "common/pkcs12*.c", "gateway/jwt_keys.c"],
    "mbedtls/ctr_drbg.h": ["common/tls_internal.h"],
    "mbedtls/entropy.h": ["common/tls_internal.h"],
    "mbedtls/pk.h": ["common/tls_internal.h", "gateway/jwt_keys.c"],
    "mbedtls/ssl_ticket.h": ["common/tls_internal.h"],
    "mbedtls/version.h": ["common/tls.c", "common/tls_internal.h"],
    "mbedtls/x509_crt.h": ["common/tls_internal.h"],
    "mbedtls/constant_time.h": ["gateway/jwt_keys.c"],
    "mbedtls/ecdsa.h": ["gateway/jwt_keys.c"],
    "mbedtls/ecp.h": ["gateway/jwt_keys.c"],
    "mbedtls/rsa.h": ["gateway/jwt_keys.c"],
    "cmocka.h": ["tests/unit/*"],
}

# C11's, POSIX's and Linux's own.
SYSTEM_HEADERS = """
    assert ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg stdatomic stdbool
    stddef stdint stdio stdlib stdnoreturn string time
    dirent endian fcntl fnmatch getopt glob grp ifaddrs malloc netdb poll pwd sched strings syslog termios unistd
    arpa/* linux/* net/* netinet/* sys/*
""".split()

# Function -> why not. A call anywhere in our C is a finding.
BANNED_CALLS = {
    "strcpy": "no bound",
    "strcat": "no bound",
    "sprintf": "no bound; snprintf or buf_printf",
    "vsprintf": "no bound",
    "gets": "no bound",
    "atoi": "no errors",
    "atol": "no errors",
    "atoll": "no errors",
    "strtok": "hidden state",
    "system": "a shell",
    "rand": "guessable",
    "srand": "guessable",
    "alloca": "the stack",
}

ALLOCATORS = ["malloc", "calloc", "realloc", "reallocarray", "strdup", "strndup", "aligned_alloc", "posix_memalign"]
MAY_ALLOCATE = ["common/mem.c", "tests/*"]

PRINTERS = re.compile(
    r"\b(?:v?printf|puts|putchar|perror|psignal)\s*\(|\bv?fprintf\s*\(\s*std(?:out|err)\b"
    r"|\bf?put[sc]\s*\([^;]*,\s*std(?:out|err)\s*\)|\bfwrite\s*\([^;]*,\s*std(?:out|err)\s*\)"
)
MAY_PRINT = ["common/log.c", "common/options*.c", "common/settings*.c", "*/main.c", "tests/*"]

FILE_LINES_MAX = 700
FUNCTION_LINES_MAX = 70
HEADLESS_LINES_MAX = 100  # a .c file this short may leave the prose to its header
HEAD_PROSE_CHARS_MIN = 20

WORK_MARKS = re.compile(r"\b(?:TODO|FIXME|XXX)\b")
PRIVATE_PATHS = re.compile(r"(?<![\w.:/~}-])/(?:home|root|work|workspace|mnt|media|opt|srv|Users)/\w")

METRICS_DOCUMENT = "docs/metrics.md"  # its tables begin with the name; the code names each in one piece
LOG_DOCUMENT = "docs/operations.md"

SKIPPED_FOLDERS = re.compile(r"^(?:\.git|build.*|node_modules|__pycache__|corpus|vendor)$")
CHECKED_SUFFIXES = {".c", ".h", ".py", ".sh", ".mjs", ".js", ".html", ".css", ".md", ".json", ".build", ".txt", ""}
CODE_SUFFIXES = {".c", ".h", ".py", ".sh", ".mjs", ".js", ""}
NOT_OURS = ["LICENSE", "*package-lock.json"]
SELF = ["tests/tidy/check_tree.py", "tests/tidy/test_check_tree.py"]  # they spell out what they look for

# --- The tree --------------------------------------------------------------------------------------------------------


class Source:
    """One file. `code` is its text with comments blanked and strings emptied; line numbers stay."""

    def __init__(self, path, name):
        self.name = name
        self.path = Path(name)
        self.raw = path.read_bytes()
        self.text = self.raw.decode("utf-8", errors="replace")
        self.lines = self.text.splitlines()
        self.is_c = self.path.suffix in (".c", ".h")
        self.folder = self.path.parts[0] if len(self.path.parts) > 1 else ""
        self.code, self.line_comments = strip_c(self.text) if self.is_c else ("", [])
        self.code_lines = self.code.splitlines()

    def includes(self):
        """(line number, header, is in quotes)"""
        for number, line in enumerate(self.lines, 1):
            found = re.match(r'\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', line)
            if found:
                yield number, found.group(1) or found.group(2), found.group(1) is not None

    def fits(self, patterns):
        return any(fnmatchcase(self.name, pattern) for pattern in patterns)


TOKENS = re.compile(
    r"""(?P<block>/\*.*?(?:\*/|\Z))|(?P<line>//[^\n]*)|(?P<text>"(?:\\.|[^"\\\n])*")|(?P<char>'(?:\\.|[^'\\\n])*')""",
    re.DOTALL | re.VERBOSE,
)


def strip_c(text):
    """The code alone, and the line numbers of // comments."""
    line_comments = []

    def replace(token):
        if token.lastgroup == "line":
            line_comments.append(text.count("\n", 0, token.start()) + 1)
        if token.lastgroup in ("text", "char"):
            return '""' if token.lastgroup == "text" else "0"
        return "\n" * token.group().count("\n")

    return TOKENS.sub(replace, text), line_comments


def read_tree(root):
    sources = []
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        if any(SKIPPED_FOLDERS.match(part) for part in name.parts[:-1]) or not path.is_file() or path.is_symlink():
            continue
        source = Source(path, name.as_posix())
        if path.suffix in CHECKED_SUFFIXES and not source.fits(NOT_OURS):
            sources.append(source)
    return sources


# --- Rules -----------------------------------------------------------------------------------------------------------

RULES = []


def rule(function):
    RULES.append(function)
    return function


def c_files(sources):
    return (source for source in sources if source.is_c)


def calls(source, names):
    """(line number, name) of each call of a function in `names`; members and longer names are others."""
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(names) + r")\s*\(")
    for number, line in enumerate(source.code_lines, 1):
        for found in pattern.finditer(line):
            yield number, found.group(1)


@rule
def folders_include_what_they_may(sources):
    for source in c_files(sources):
        allowed = FOLDERS.get(source.folder, ["*"])
        for number, header, is_ours in source.includes():
            if is_ours and "/" in header and not any(fnmatchcase(header, pattern) for pattern in allowed):
                yield source, number, f"{source.folder}/ may not include {header}"


@rule
def our_headers_are_named_from_the_root(sources):
    names = {source.name for source in sources}
    for source in c_files(sources):
        for number, header, is_ours in source.includes():
            beside = (source.path.parent / header).as_posix()
            if is_ours and header not in names and not (source.folder == "tests" and beside in names):
                yield source, number, f'no "{header}" in the tree: our headers are named from the root'


def layer_of(noun):
    for layer, (patterns, _) in GATEWAY_LAYERS.items():
        if any(fnmatchcase(noun, pattern) for pattern in patterns):
            return layer
    return None


@rule
def gateway_layers_look_down(sources):
    for source in c_files(sources):
        if source.folder != "gateway":
            continue
        layer = layer_of(source.path.stem)
        if layer is None:
            yield source, 1, "is in no layer of GATEWAY_LAYERS (tests/tidy/check_tree.py)"
            continue
        for number, header, is_ours in source.includes():
            if not is_ours or not header.startswith("gateway/"):
                continue
            other = layer_of(Path(header).stem)
            if other != layer and other not in GATEWAY_LAYERS[layer][1]:
                yield source, number, f"layer `{layer}` may not include {header} of layer `{other}`"


@rule
def third_parties_stay_in_their_files(sources):
    for source in c_files(sources):
        for number, header, is_ours in source.includes():
            if is_ours or any(fnmatchcase(header, f"{pattern}.h") for pattern in SYSTEM_HEADERS):
                continue
            if not source.fits(THIRD_PARTY.get(header, [])):
                where = ", ".join(THIRD_PARTY.get(header, [])) or "no file (THIRD_PARTY in tests/tidy/check_tree.py)"
                yield source, number, f"<{header}> belongs to {where}"


@rule
def own_header_comes_first(sources):
    names = {source.name for source in sources}
    for source in c_files(sources):
        noun = source.path.with_suffix("").as_posix()
        own = [header for header in (f"{noun}.h", f"{noun}_internal.h") if header in names]
        first = next(source.includes(), None)
        if source.path.suffix == ".c" and own and first is not None and first[1] not in own:
            yield source, first[0], f'"{own[0]}" must be the first include: it has to stand alone'


@rule
def headers_are_guarded(sources):
    for source in c_files(sources):
        if source.path.suffix == ".h" and "#pragma once" not in source.code:
            yield source, 1, "no #pragma once"


@rule
def banned_calls(sources):
    for source in c_files(sources):
        for number, name in calls(source, BANNED_CALLS):
            yield source, number, f"{name}(): {BANNED_CALLS[name]}"


@rule
def memory_comes_from_mem(sources):
    for source in c_files(sources):
        if not source.fits(MAY_ALLOCATE):
            for number, name in calls(source, ALLOCATORS):
                yield source, number, f"{name}() outside {MAY_ALLOCATE[0]}"


@rule
def only_log_and_command_line_print(sources):
    for source in c_files(sources):
        if not source.fits(MAY_PRINT):
            for number, line in enumerate(source.code_lines, 1):
                found = PRINTERS.search(line)
                if found and line[: found.start()].rstrip()[-6:] != "format":  # __attribute__((format(printf, ...
                    yield source, number, "writes to standard output or error; log_event() does that"


@rule
def no_line_comments(sources):
    for source in c_files(sources):
        for number in source.line_comments:
            yield source, number, "// comment"


@rule
def files_have_a_head(sources):
    for source in sources:
        if source.is_c:
            comment = re.match(r"/\* SPDX-License-Identifier: MIT\b(.*?)\*/", source.text, re.DOTALL)
            if comment is None:
                yield source, 1, "does not begin with /* SPDX-License-Identifier: MIT"
            elif source.path.suffix == ".c" and len(source.lines) <= HEADLESS_LINES_MAX:
                continue
            elif len(re.sub(r"[\s*]+", " ", comment.group(1)).strip()) < HEAD_PROSE_CHARS_MIN:
                yield source, 1, "the head comment does not say what the file is"
        elif source.path.suffix in (".py", ".sh", ".build") and source.path.name != "meson.build":
            if not any("SPDX-License-Identifier: MIT" in line for line in source.lines[:3]):
                yield source, 1, "no SPDX-License-Identifier in the first three lines"


@rule
def files_are_short(sources):
    for source in sources:
        if source.path.suffix in CODE_SUFFIXES and len(source.lines) > FILE_LINES_MAX:
            yield source, FILE_LINES_MAX, f"{len(source.lines)} lines (at most {FILE_LINES_MAX})"


@rule
def functions_are_short(sources):
    for source in c_files(sources):
        start = None
        for number, line in enumerate(source.code_lines, 1):
            if line.rstrip() == "{":  # clang-format leaves it alone on its line for functions only
                start = number
            elif line.startswith("}") and start is not None:
                if number - start - 1 > FUNCTION_LINES_MAX:
                    yield source, start, f"function of {number - start - 1} lines (at most {FUNCTION_LINES_MAX})"
                start = None


@rule
def no_work_marks(sources):
    for source in sources:
        if not source.fits(SELF):
            for number, line in enumerate(source.lines, 1):
                found = WORK_MARKS.search(line)
                if found:
                    yield source, number, f"{found.group()}: do it, or open an issue"


@rule
def no_private_paths(sources):
    for source in sources:
        if not source.fits(SELF):
            for number, line in enumerate(source.lines, 1):
                found = PRIVATE_PATHS.search(line)
                if found:
                    yield source, number, f"path of somebody's machine: {found.group()}…"


@rule
def metrics_are_documented(sources):
    documents = [source for source in sources if source.fits([METRICS_DOCUMENT])]
    documented = {}
    for source in documents:
        for number, line in enumerate(source.lines, 1):
            found = re.match(r"\| `(sluice_\w+)` \|", line)
            if found:
                documented[found.group(1)] = number
    exposed = set()
    for source in c_files(sources):
        if source.folder in ("gateway", "broker"):
            for number, line in enumerate(source.lines, 1):
                for name in re.findall(r'"(sluice_\w+)"', line):
                    exposed.add(name)
                    if name not in documented:
                        yield source, number, f"{name} is not in {METRICS_DOCUMENT}"
    for source in documents:
        for name, number in documented.items():
            if name not in exposed:
                yield source, number, f"there is no {name}"


@rule
def log_events_are_documented(sources):
    documents = [source for source in sources if source.fits([LOG_DOCUMENT])]
    documented = {}
    for source in documents:
        for number, line in enumerate(source.lines, 1):
            found = re.match(r"\| `([a-z_]+)` \| (?:debug|info|warn|error) \|", line)
            if found:
                documented[found.group(1)] = number
    written = set()
    for source in c_files(sources):
        if source.folder in ("gateway", "broker", "common"):
            for event in re.findall(r'LOG_(?:DEBUG|INFO|WARN|ERROR),\s*"([a-z_]+)"', source.text):
                written.add(event)
                if event not in documented:
                    yield source, 1, f"event {event} is not in {LOG_DOCUMENT}"
    for source in documents:
        for event, number in documented.items():
            if event not in written:
                yield source, number, f"nobody writes {event}"


@rule
def lines_end_as_on_unix(sources):
    for source in sources:
        if b"\r" in source.raw:
            yield source, source.raw[: source.raw.index(b"\r")].count(b"\n") + 1, "carriage return"
        if source.raw and not source.raw.endswith(b"\n"):
            yield source, len(source.lines), "no newline at the end"


@rule
def meson_knows_every_c_file(sources):
    lists = {source.path.parent: source.text for source in sources if source.path.name == "meson.build"}
    for source in c_files(sources):
        if source.path.suffix != ".c" or source.path.parent not in lists:
            continue
        # tests are listed by noun: 'utf8' for test_utf8.c
        noun = re.sub(r"^(?:test|fuzz)_", "", source.path.stem)
        text = lists[source.path.parent]
        if f"'{source.path.name}'" not in text and not (source.folder == "tests" and f"'{noun}'" in text):
            yield source, 1, f"is not in {source.path.parent.as_posix()}/meson.build"


# --- Report ----------------------------------------------------------------------------------------------------------


def check(root):
    """(name of the rule, its findings as text) for every rule."""
    sources = read_tree(Path(root))
    for function in RULES:
        yield function.__name__, [f"{source.name}:{number}: {text}" for source, number, text in function(sources)]


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]
    passed = failed = 0
    for name, findings in check(root):
        for finding in findings:
            print(f"{finding} [{name}]")
        passed, failed = (passed, failed + 1) if findings else (passed + 1, failed)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
