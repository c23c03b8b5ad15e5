/* SPDX-License-Identifier: MIT
 *
 * What --help and docs/configuration.md say around the table.
 */
#include "common/settings_internal.h"

static const char usage[] =
    " [--config FILE] [--set OPTION=VALUE]...\n"
    "\n"
    "  --config FILE        read FILE, one JSON object for both programs; without it there is "
    "none\n"
    "  --set OPTION=VALUE   set one option, as in --set log.level=debug; may stand several times\n"
    "  --check-config       say what is wrong with the configuration and exit: 0 is right, 2 is "
    "wrong\n"
    "  --print-config       write all values that hold as a configuration file and exit\n"
    "  --health             ask the running program, by its admin.listen: exit with 0 when it is "
    "ready, else 1\n"
    "  --help, --version    say this, say the version\n"
    "\n"
    "Later wins: defaults, file, environment, --set. The variable of an option is SLUICE_ and its "
    "path in\n"
    "upper case with _ for the dot: SLUICE_LOG_LEVEL. Lists are JSON there and behind --set.\n";

static const char markdown_head[] =
    "# Configuration\n"
    "\n"
    "<!-- Written by `sluice-gateway --print-options-markdown`; change common/settings_table.c or\n"
    "     common/settings_help.c and write it again. -->\n"
    "\n"
    "Both programs read one JSON file: `sluice-broker --config sluice.json`,\n"
    "`sluice-gateway --config sluice.json`. Without a file, and with an empty one, the defaults "
    "below "
    "hold:\n"
    "a chat on this host works, nobody from outside can connect.\n"
    "\n"
    "```json\n"
    "{\n"
    "  \"log\": {\"level\": \"info\"},\n"
    "  \"gateway\": {\n"
    "    \"listen\": [\"http://127.0.0.1:8080\", {\"url\": \"stomp://127.0.0.1:61613\", "
    "\"limits\": "
    "{\"subscriptions\": 1000}}],\n"
    "    \"endpoints\": [{\"path\": \"/ws\", \"sockjs\": true, \"allowed_origins\": "
    "[\"https://*.example.org\"]}]\n"
    "  }\n"
    "}\n"
    "```\n"
    "\n"
    "* **Later wins:** defaults, the file, the environment, the command line. A list replaces a "
    "list.\n"
    "* **Environment:** the variables named below; lists are JSON. An empty variable counts as not "
    "set. An\n"
    "  unknown variable that begins with `SLUICE_LOG_`, `SLUICE_BROKER_` or `SLUICE_GATEWAY_` is "
    "an "
    "error,\n"
    "  except those that Kubernetes sets for a service.\n"
    "* **Command line:** `--set gateway.limits.connections=500`; lists are JSON. What stands in an "
    "element "
    "of\n"
    "  a list has no variable and no `--set`: give the whole list.\n"
    "* **Durations** are whole numbers with a unit: `\"250ms\"`, `\"25s\"`, `\"10m\"`, `\"24h\"`. "
    "**Sizes** "
    "too:\n"
    "  `\"4096B\"`, `\"64KiB\"`, `\"16MiB\"`, `\"1GiB\"`. A number without a unit is refused.\n"
    "* **Paths** in the file are relative to the file, elsewhere to the working directory.\n"
    "* **`limits`** may also stand in a listener and in an endpoint, for what differs there: an "
    "endpoint's\n"
    "  for what reaches it, a listener's for HTTP headers and for `stomp://`.\n"
    "* `--check-config` judges a configuration without starting, `--print-config` writes what "
    "holds,\n"
    "  `--help` says all this. `--health` asks the running program whether it is ready, by its\n"
    "  `admin.listen`; the exit code is 0 or 1.\n"
    "* **Errors** name the option's path, what was expected and the nearest known name; all are "
    "told at\n"
    "  once, and the exit code is 2:\n"
    "\n"
    "```\n"
    "sluice-gateway: sluice.json: gateway.endpoints[0].disconnect_delay: expected a duration with "
    "a unit "
    "such as \"25s\" (ms, s, m, h), from \"100ms\" to \"1h\", got the bare number 5\n"
    "sluice-gateway: sluice.json: gateway.listn: unknown option; did you mean \"listen\"?\n"
    "```\n";

const char *settings_program_name(enum settings_program program)
{
    return program == SETTINGS_BROKER ? "sluice-broker" : "sluice-gateway";
}

void settings_print_help(const struct options *options, enum settings_program program,
                         struct buf *out)
{
    buf_append_format(out, "Usage: %s%s", settings_program_name(program), usage);
    options_print_help(options, program, out);
}

void settings_print_markdown(const struct options *options, struct buf *out)
{
    static const char *const names[] = {"broker", "gateway", NULL};
    buf_append_text(out, markdown_head);
    options_print_markdown(options, names, out);
}
