#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every rule of check_tree.py finds what it is for, and nothing in a tree that is right.

A case is {file: text} laid over GOOD, the rule that must speak, and the place it must name. No other rule may speak.
"""

import sys
import tempfile
from pathlib import Path

from check_tree import FILE_LINES_MAX, FUNCTION_LINES_MAX, HEADLESS_LINES_MAX, RULES, check

HEAD = "/* SPDX-License-Identifier: MIT\n *\n * A sentence about what this file is for.\n */\n"
HEADER = HEAD + "#pragma once\n"


def c(*lines, head=HEAD):
    return head + "".join(line + "\n" for line in lines)


def function(lines):
    return ["static void flush(void)", "{"] + ["    step();"] * lines + ["}"]


GOOD = {
    "common/meson.build": "common_sources = files(\n  'buf.c',\n  'http1.c',\n  'log.c',\n  'mem.c',\n)\n",
    "common/buf.h": c("#include <stddef.h>", "struct buf;", head=HEADER),
    "common/list.h": c("struct list_node;", head=HEADER),
    "common/log.h": c(
        "__attribute__((format(printf, 1, 2))) void log_line(const char *format, ...);", head=HEADER
    ),
    "common/buf.c": c('#include "common/buf.h"', "", '#include "common/log.h"', '/* "//" is a comment elsewhere */'),
    "common/http1.c": c("#include <string.h>", "", "#include <llhttp.h>", 'static const char *url = "http://x";'),
    "common/log.c": c('#include "common/log.h"', 'void log_it(void)', "{", '    fprintf(stderr, "x");', "}"),
    "common/mem.c": c("void *mem_alloc(void)", "{", "    return malloc(1);", "}"),
    "proto/decode.h": c('#include "common/buf.h"', head=HEADER),
    "gateway/transport.h": c('#include "proto/decode.h"', head=HEADER),
    "gateway/session.h": c('#include "gateway/transport.h"', head=HEADER),
    "gateway/conn.h": c("#include <uv.h>", head=HEADER),
    "gateway/websocket.h": c('#include "gateway/conn.h"', '#include "gateway/session.h"', head=HEADER),
    "broker/fanout.h": c('#include "proto/decode.h"', head=HEADER),
    "tests/unit/guarded.h": c("struct guarded;", head=HEADER),
    "tests/unit/test_buf.c": c("#include <cmocka.h>", "", '#include "guarded.h"', "free(malloc(1));"),
    "tests/unit/meson.build": "unit_tests = {\n  'buf': common_dep,\n}\n",
    "tests/fuzz/corpus/frame/crlf": "CONNECT\r\nTODO",
    "build/left.c": "// of a build",
    "docs/start.md": "See `/usr/share/doc`, `/topic/work/done`, http://127.0.0.1/home/x and ~/opt/y.\n",
}

BAD = [
    ("folders_include_what_they_may", "common/up.h", c('#include "proto/decode.h"', head=HEADER), 6),
    ("folders_include_what_they_may", "proto/log_user.h", c('#include "common/log.h"', head=HEADER), 6),
    ("folders_include_what_they_may", "broker/peek.h", c('#include "gateway/conn.h"', head=HEADER), 6),
    ("our_headers_are_named_from_the_root", "broker/near.h", c("", '#include "fanout.h"', head=HEADER), 7),
    ("gateway_layers_look_down", "gateway/session.h", c('#include "gateway/conn.h"', head=HEADER), 6),
    ("gateway_layers_look_down", "gateway/conn.h", c('#include "gateway/session.h"', head=HEADER), 6),
    ("gateway_layers_look_down", "gateway/novelty.h", c("struct novelty;", head=HEADER), 1),
    ("third_parties_stay_in_their_files", "broker/web.h", c("#include <llhttp.h>", head=HEADER), 6),
    ("third_parties_stay_in_their_files", "proto/loop.h", c("#include <uv.h>", head=HEADER), 6),
    ("third_parties_stay_in_their_files", "common/new.h", c("#include <curl/curl.h>", head=HEADER), 6),
    ("own_header_comes_first", "common/buf.c", c("#include <string.h>", '#include "common/buf.h"'), 5),
    ("headers_are_guarded", "common/open.h", c("struct open;"), 1),
    ("banned_calls", "broker/copy.c", c("void f(void)", "{", "    strcpy(a, b);", "}"), 7),
    ("banned_calls", "tests/unit/test_buf.c", c("int n = atoi (text);"), 5),
    ("memory_comes_from_mem", "broker/own.c", c("void *p = calloc(1, 2);"), 5),
    ("memory_comes_from_mem", "common/log.c", c('#include "common/log.h"', "char *p = strdup(text);"), 6),
    ("only_log_and_command_line_print", "broker/say.c", c('int x = printf("%d", 1);'), 5),
    ("only_log_and_command_line_print", "broker/say.c", c('    fprintf(stderr, "x");'), 5),
    ("only_log_and_command_line_print", "broker/say.c", c('    fputs("x", stdout);'), 5),
    ("no_line_comments", "broker/note.c", c("int x;", "int y; // why"), 6),
    ("files_have_a_head", "broker/bare.h", "#pragma once\n", 1),
    ("files_have_a_head", "broker/terse.h", "/* SPDX-License-Identifier: MIT */\n#pragma once\n", 1),
    (
        "files_have_a_head",
        "broker/long.c",
        "/* SPDX-License-Identifier: MIT */\n" + "int x;\n" * HEADLESS_LINES_MAX,
        1,
    ),
    ("files_have_a_head", "tests/tool.py", "#!/usr/bin/env python3\n", 1),
    ("files_are_short", "broker/all.c", c(*["int x;"] * FILE_LINES_MAX), FILE_LINES_MAX),
    ("functions_are_short", "broker/deep.c", c(*function(FUNCTION_LINES_MAX + 1)), 6),
    ("no_work_marks", "broker/later.c", c("/* TODO: this */"), 5),
    ("no_work_marks", "docs/later.md", "FIXME\n", 1),
    ("no_private_paths", "docs/mine.md", "Run it in\n`/home/me/sluice`.\n", 2),
    ("metrics_are_documented", "broker/metrics.c", c('static const char *name = "sluice_broker_new_total";'), 5),
    ("metrics_are_documented", "docs/metrics.md", "| metric |\n| `sluice_broker_gone` | gauge |\n", 2),
    ("log_events_are_documented", "broker/loud.c", c('void f(void) { log_event(LOG_INFO, "never_heard_of"); }'), 1),
    ("log_events_are_documented", "docs/operations.md", "| event |\n| `never_written` | info | both | nothing |\n", 2),
    ("lines_end_as_on_unix", "docs/other.md", "one\ntwo\r\n", 2),
    ("lines_end_as_on_unix", "docs/cut.md", "one\ntwo", 2),
    ("meson_knows_every_c_file", "common/forgotten.c", c("int x;"), 1),
    ("meson_knows_every_c_file", "tests/unit/test_forgotten.c", c("int x;"), 1),
]

FINE = [
    ("a function of just the allowed length", "broker/deep.c", c(*function(FUNCTION_LINES_MAX))),
    ("a banned name as a member, in a longer name, in a text", "broker/x.c", c('int f = x.rand(1) + brand(2) + p->gets(3);', 'char *s = "atoi(";')),
    ("a short file whose header has the prose", "broker/fanout.c", '/* SPDX-License-Identifier: MIT */\n#include "broker/fanout.h"\n'),
    ("an internal header in place of the own one", "broker/fanout.c", c('#include "broker/fanout.h"')),
    ("a division between comments", "broker/x.c", c("int x = 4 /* a */ / 2;")),
    ("a file that prints into memory", "broker/x.c", c('int n = snprintf(text, 4, "x");', "fprintf(file, text);")),
]


def findings_of(files):
    with tempfile.TemporaryDirectory() as root:
        for name, text in {**GOOD, **files}.items():
            path = Path(root, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        return {name: found for name, found in check(root) if found}


def main():
    outcomes = [("nothing is found in a tree that is right", findings_of({}) == {})]
    for name, path, text in FINE:
        outcomes.append((f"nothing is found in {name}", findings_of({path: text}) == {}))
    for name, path, text, line in BAD:
        found = findings_of({path: text})
        is_found = list(found) == [name] and found[name][0].startswith(f"{path}:{line}: ")
        outcomes.append((f"{name} finds {path}:{line}, and only that (found {found})", is_found))
    tried = {name for name, *_ in BAD}
    outcomes += [(f"{function.__name__} has a bad example", function.__name__ in tried) for function in RULES]
    for name, is_right in outcomes:
        if not is_right:
            print(f"FAIL {name}")
    passed = sum(is_right for _, is_right in outcomes)
    print(f"{passed} passed, {len(outcomes) - passed} failed")
    return 0 if passed == len(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
